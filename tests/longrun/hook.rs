//! The operator's side of the webhook: it takes most of what it is told, and fails now and then.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::Mutex;

use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

use crate::words::Words;

/// What it has been told.
#[derive(Default)]
pub struct Told {
    /// Requests that were answered 200.
    pub taken: u64,
    /// Requests that were answered 500.
    pub failed: u64,
    /// Events that it failed once, and that must come again.
    owed: HashSet<u64>,
    /// The message and the users of each event that it took.
    pub events: Vec<(u64, Vec<u64>)>,
    known: HashSet<u64>,
}

#[derive(Clone)]
pub struct Hook {
    pub url: String,
    told: Arc<Mutex<Told>>,
    words: Words,
}

/// Each event of so many fails the first time.
const FAILS_OF: u64 = 17;

impl Hook {
    pub async fn listen(words: Words) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let at = listener.local_addr().expect("an address");
        let hook = Self {
            url: format!("http://{at}/hook"),
            told: Arc::default(),
            words,
        };
        let serving = hook.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().converse(stream));
            }
        });
        hook
    }

    pub fn told<T>(&self, look: impl FnOnce(&mut Told) -> T) -> T {
        look(&mut self.told.lock().expect("no panic"))
    }

    async fn converse(self, mut stream: TcpStream) {
        let mut bytes = Vec::new();
        loop {
            let head_end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(end) = head_end {
                let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "))
                    .and_then(|length| length.parse::<usize>().ok())
                    .expect("a length");
                if bytes.len() >= end + 4 + length {
                    let status = self.hear(&bytes[end + 4..end + 4 + length]);
                    bytes.drain(..end + 4 + length);
                    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                    continue;
                }
            }
            match stream.read_buf(&mut bytes).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
    }

    fn hear(&self, body: &[u8]) -> &'static str {
        let event: Value = serde_json::from_slice(body).expect("JSON");
        let id = event["id"].as_u64().expect("an id");
        self.told(|told| {
            if id.is_multiple_of(FAILS_OF) && !told.known.contains(&id) && told.owed.insert(id) {
                told.failed += 1;
                return "500 Internal Server Error";
            }
            told.owed.remove(&id);
            assert!(told.known.insert(id), "event {id} was told and taken twice");
            told.taken += 1;
            let content = event["message"]["content"].as_str().expect("a content");
            let users = event["users"].as_array().expect("users").iter();
            let users = users.filter_map(Value::as_u64).collect();
            let number = self.words.numbers(content).next();
            told.events.push((number.expect("one of ours"), users));
            "200 OK"
        })
    }
}
