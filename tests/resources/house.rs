//! A broker as a process, what it logs, and what it tells operators.

use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::support::client::http;
use crate::support::client::soon;
use crate::support::people;
use crate::support::running;
use crate::support::running::Running;

/// The log's words for the beginning of a trouble, and for its end.
pub const BEGINS: &str = "messages can't be kept now, and sends are refused";
pub const ENDS: &str = "messages can be kept again";

/// `hongyan serve` on a free port, whose log has all from info on.
pub fn serve(data: &Path, arguments: &[&str]) -> Command {
    let mut command = running::command(data, &["serve", "--listen", "127.0.0.1:0"]);
    command
        .args(["--message-rate", "1000000", "--log", "info", "--jwt-key"])
        .arg(people::key_file(data))
        .args(arguments);
    command
}

/// A broker that runs.
pub struct House {
    pub running: Running,
    pub log: Log,
}

impl House {
    pub fn open(mut command: Command) -> Self {
        command.stderr(Stdio::piped());
        let mut running = Running::spawn(command);
        let log = Log {
            lines: running.log(),
            said: Vec::new(),
            read: 0,
        };
        Self { running, log }
    }

    pub fn address(&self) -> &str {
        &self.running.address
    }

    /// What `/readyz` says: the code and the sentence.
    pub async fn readiness(&self) -> (u16, String) {
        let (code, _, body) = http(self.address(), "GET", "/readyz", "", "").await;
        (code, body)
    }

    /// It can't keep messages, and says why.
    pub async fn is_not_ready(&self, why: &str) {
        let (code, body) = self.readiness().await;
        assert_eq!(code, 503, "{body}");
        let body: Value = serde_json::from_str(&body).expect("JSON");
        let content = body["content"].as_str().expect("a sentence");
        assert!(content.contains(why), "{content}");
        assert_eq!(body["code"], 503);
        assert_eq!(self.metric("hongyan_store_writable").await, 0);
    }

    /// Waits until it can.
    pub async fn becomes_ready(&self) {
        soon("readiness", async {
            while self.readiness().await.0 != 200 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert_eq!(self.metric("hongyan_store_writable").await, 1);
    }

    /// A number of `/metrics`.
    pub async fn metric(&self, name: &str) -> u64 {
        let (code, _, text) = http(self.address(), "GET", "/metrics", "", "").await;
        assert_eq!(code, 200);
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let number = line.unwrap_or_else(|| panic!("{name} in\n{text}"));
        number.trim().parse().expect("a number")
    }

    /// Keeps a picture for a user: the code and the body.
    pub async fn upload(&self, uid: u64, picture: &str) -> (u16, Value) {
        let token = people::token(uid);
        let headers = format!("Authorization: Bearer {token}\r\n");
        let (code, _, body) = http(self.address(), "POST", "/api/images", &headers, picture).await;
        (code, serde_json::from_str(&body).expect("JSON"))
    }
}

/// What a broker has logged.
pub struct Log {
    lines: UnboundedReceiver<String>,
    said: Vec<String>,
    read: usize,
}

impl Log {
    /// Waits for the next line with these words.
    pub async fn says(&mut self, words: &str) -> String {
        loop {
            while self.read < self.said.len() {
                self.read += 1;
                if self.said[self.read - 1].contains(words) {
                    return self.said[self.read - 1].clone();
                }
            }
            let line = soon(words, self.lines.recv()).await;
            let line = line.unwrap_or_else(|| panic!("no {words:?} in {:#?}", self.said));
            self.said.push(line);
        }
    }

    /// How many lines so far have these words.
    pub fn count(&mut self, words: &str) -> usize {
        while let Ok(line) = self.lines.try_recv() {
            self.said.push(line);
        }
        self.said.iter().filter(|line| line.contains(words)).count()
    }

    /// How many lines there are so far.
    pub fn length(&mut self) -> usize {
        self.count("")
    }
}
