//! A broker with data of its own, and the calls that every test needs.

use std::process::ExitStatus;

use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::support::client;
use crate::support::client::soon;
use crate::support::people;
use crate::support::running;
use crate::support::running::Running;

/// A broker that runs, and its data.
pub struct House {
    folder: TempDir,
    pub broker: Running,
}

/// What HTTP answered.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    /// The value of a header; `None` where there is none.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    /// The body as JSON, where the status is as expected.
    pub fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}\n{}", self.head, self.body);
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// That this is an error of that status in the words of the contract; its sentence.
    pub fn refused(&self, status: u16) -> String {
        let body = self.json(status);
        assert_eq!(body["code"], status, "{body}");
        assert!(body["status"].is_string(), "{body}");
        body["content"].as_str().expect("a sentence").to_owned()
    }
}

/// The value of a header in the head of an answer.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().skip(1);
    lines.find_map(|line| {
        let (known, value) = line.split_once(':')?;
        known.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

impl House {
    /// A broker on a free port of 127.0.0.1, which knows the tokens of [`people`].
    pub fn open(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let broker = Running::start(&folder.path().join("data"), arguments);
        Self { folder, broker }
    }

    /// The same with no options but `arguments`, and with its log in the file `log` beside the data.
    pub fn bare(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let log = std::fs::File::create(folder.path().join("log")).expect("a file");
        let mut command = running::command(&data, arguments);
        command.arg("--jwt-key").arg(people::key_file(&data));
        command.stderr(log);
        let broker = Running::spawn(command);
        Self { folder, broker }
    }

    /// Where nobody may send more messages a second than this. (With [`Self::open`] it is a million.)
    pub fn with_rate(per_second: &str) -> Self {
        let listen = ["--listen", "127.0.0.1:0", "--log", "warn"];
        let rate = ["--message-rate", per_second];
        Self::bare(&[&listen[..], &rate].concat())
    }

    /// Stops the broker with SIGTERM: its data, and how it ends.
    pub fn stop(self) -> (TempDir, JoinHandle<ExitStatus>) {
        let Self { folder, broker } = self;
        (folder, tokio::task::spawn_blocking(|| broker.terminate()))
    }

    /// Starts a broker on data that are there.
    pub fn on(folder: TempDir) -> Self {
        let broker = Running::start(&folder.path().join("data"), &[]);
        Self { folder, broker }
    }

    /// Stops the broker and starts it again on the same data.
    pub async fn again(self) -> Self {
        let (folder, ended) = self.stop();
        let status = soon("the end", ended).await.expect("it ended");
        assert!(status.success(), "{status}");
        Self::on(folder)
    }

    pub fn address(&self) -> &str {
        &self.broker.address
    }

    /// One HTTP request; `call` is the method and the path, headers end with `\r\n` each.
    pub async fn call(&self, call: &str, headers: &str, body: &str) -> Answer {
        let (method, path) = call.split_once(' ').expect("a method and a path");
        let (status, head, body) = client::http(self.address(), method, path, headers, body).await;
        Answer { status, head, body }
    }

    /// The same, as the user of `token`.
    pub async fn call_as(&self, token: &str, call: &str, body: &str) -> Answer {
        let headers = format!("Authorization: Bearer {token}\r\n");
        self.call(call, &headers, body).await
    }

    /// Makes an account over REST; its uid.
    pub async fn register(&self, name: &str, password: &str) -> u64 {
        let body = json!({ "name": name, "password": password }).to_string();
        let made = self.call("POST /api/users", "", &body).await.json(201);
        made["uid"].as_u64().expect("a uid")
    }

    /// Logs in over REST; a token.
    pub async fn token(&self, name: &str, password: &str) -> String {
        let body = json!({ "name": name, "password": password }).to_string();
        let login = self.call("POST /api/login", "", &body).await.json(200);
        login["token"].as_str().expect("a token").to_owned()
    }

    /// Makes users known: one exists from the first time on that the token is seen.
    pub async fn know(&self, uids: impl IntoIterator<Item = u64>) {
        for uid in uids {
            let token = people::token(uid);
            let inbox = self.call_as(&token, "GET /api/inbox", "").await;
            assert_eq!(inbox.status, 200, "{}", inbox.body);
        }
    }

    /// The value of a metric now.
    pub async fn metric(&self, name: &str) -> u64 {
        let answer = self.call("GET /metrics", "", "").await;
        assert_eq!(answer.status, 200);
        let mut lines = answer.body.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let value = value.unwrap_or_else(|| panic!("no metric {name} in {}", answer.body));
        value.parse().expect("a number")
    }

    /// How many threads the broker has.
    pub fn threads(&self) -> u64 {
        self.broker.threads()
    }

    /// Asks until a metric has the value.
    pub async fn metric_becomes(&self, name: &str, value: u64) {
        soon(&format!("{name} {value}"), async {
            while self.metric(name).await != value {}
        })
        .await;
    }
}
