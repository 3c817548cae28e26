//! One user who writes to another, and knows what became of each message.

use std::collections::HashMap;

use serde_json::Value;

use crate::support::client::Client;
use crate::support::client::chat;
use crate::support::client::http;
use crate::support::client::json;
use crate::support::people;
use crate::support::people::msg_id;

/// What a refused send is told (CONTRACT section 4).
const NOT_STORED: [&str; 2] = [
    "not stored; try again with the same msgID",
    "not stored, the broker is busy; try again with the same msgID",
];

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// 200, at the first send.
    Kept,
    /// 500, or nothing.
    Unknown,
    /// 200, when it was sent again.
    KeptLater,
}

/// From one user to another.
pub struct Talk {
    pub from: u64,
    pub to: u64,
    name: String,
    bytes: usize,
    client: Client,
    fates: Vec<Fate>,
    waiting: usize,
}

impl Talk {
    /// `from` will say things that begin with `name` to `to`.
    pub async fn begin(address: &str, name: &str, from: u64, to: u64) -> Self {
        // A user exists from the first log-in on.
        Client::log_in(address, to).await;
        Self {
            from,
            to,
            name: name.to_owned(),
            bytes: 0,
            client: speaker(address, from).await,
            fates: Vec::new(),
            waiting: 0,
        }
    }

    /// From now on each message has at least so many bytes.
    pub fn in_letters_of(&mut self, bytes: usize) {
        self.bytes = bytes;
    }

    fn content(&self, number: usize) -> String {
        format!("{} {number} {}", self.name, "x".repeat(self.bytes))
    }

    /// How many were acknowledged so far.
    pub fn acknowledged(&self) -> u64 {
        let kept = self.fates.iter().filter(|fate| **fate != Fate::Unknown);
        kept.count() as u64
    }

    /// How many were sent so far.
    pub fn sent(&self) -> u64 {
        self.fates.len() as u64
    }

    /// Sends so many without waiting.
    pub async fn send(&mut self, count: usize) {
        for _ in 0..count {
            let content = self.content(self.fates.len());
            self.client
                .queue(chat(self.to, &msg_id(&content), &content))
                .await;
            self.fates.push(Fate::Unknown);
            self.waiting += 1;
        }
        self.client.flush().await;
    }

    /// The statuses of all that were sent, in their order: how many were refused.
    pub async fn hear(&mut self) -> u64 {
        let mut refused = 0;
        while self.waiting > 0 {
            refused += u64::from(!self.hear_one().await);
        }
        refused
    }

    /// The next status: whether it is 200.
    pub async fn hear_one(&mut self) -> bool {
        let number = self.fates.len() - self.waiting;
        let kept = self.status(number).await;
        if kept {
            self.fates[number] = Fate::Kept;
        }
        self.waiting -= 1;
        kept
    }

    /// Says so many: how many were refused.
    pub async fn say(&mut self, count: usize) -> u64 {
        self.send(count).await;
        self.hear().await
    }

    async fn status(&mut self, number: usize) -> bool {
        let status = json(&self.client.next().await.expect("the connection stays"));
        let content = self.content(number);
        assert_eq!(status["msgID"], msg_id(&content), "in order: {status}");
        if status["code"] == 200 {
            return true;
        }
        assert_eq!(status["code"], 500, "{status}");
        assert_eq!(status["status"], "未保存", "{status}");
        let sentence = status["content"].as_str().expect("a sentence");
        assert!(NOT_STORED.contains(&sentence), "{status}");
        false
    }

    /// Gives the connection up, and whatever it was waiting for, and comes back on another.
    pub async fn come_back(&mut self, address: &str) {
        self.client = speaker(address, self.from).await;
        self.waiting = 0;
    }

    /// Sends all again that were not acknowledged, with the same msgIDs. All get 200.
    pub async fn say_again(&mut self) -> u64 {
        let again: Vec<usize> = (0..self.fates.len())
            .filter(|number| self.fates[*number] == Fate::Unknown)
            .collect();
        for part in again.chunks(64) {
            for number in part {
                let content = self.content(*number);
                self.client
                    .queue(chat(self.to, &msg_id(&content), &content))
                    .await;
            }
            self.client.flush().await;
            for number in part {
                assert!(self.status(*number).await, "sent again: {number}");
                self.fates[*number] = Fate::KeptLater;
            }
        }
        again.len() as u64
    }

    /// Asserts that what the receiver's history has of this is all that was acknowledged, once each and in order, and that
    /// nothing else is there twice.
    pub async fn is_kept(&self, address: &str) {
        let history = history(address, self.to, self.from).await;
        let mut found: HashMap<String, usize> = HashMap::new();
        let mut order = Vec::new();
        for message in history.iter().rev() {
            let content = message["content"].as_str().expect("a content");
            if let Some(rest) = content.strip_prefix(&format!("{} ", self.name)) {
                *found.entry(content.to_owned()).or_default() += 1;
                let number = rest.split(' ').next().expect("a number");
                let number: usize = number.parse().expect("a number");
                if self.fates[number] == Fate::Kept {
                    order.push(number);
                }
            }
        }
        assert!(order.is_sorted(), "in order: {order:?}");
        for (number, fate) in self.fates.iter().enumerate() {
            let times = found.remove(&self.content(number)).unwrap_or_default();
            match fate {
                Fate::Kept | Fate::KeptLater => {
                    assert_eq!(times, 1, "{}, number {number}: {fate:?}", self.name);
                }
                Fate::Unknown => {
                    assert!(times <= 1, "{}, number {number}: {times} times", self.name);
                }
            }
        }
        assert!(found.is_empty(), "never said: {found:?}");
    }
}

async fn speaker(address: &str, uid: u64) -> Client {
    let mut client = Client::log_in(address, uid).await;
    client.subscribe("/user/queue/send/status").await;
    client
}

/// All that two users have said, newest first.
async fn history(address: &str, uid: u64, with: u64) -> Vec<Value> {
    let headers = format!("Authorization: Bearer {}\r\n", people::token(uid));
    let mut all: Vec<Value> = Vec::new();
    let mut before = String::new();
    loop {
        let path = format!("/api/messages?with={with}&limit=200{before}");
        let (code, _, body) = http(address, "GET", &path, &headers, "").await;
        assert_eq!(code, 200, "{body}");
        let page: Value = serde_json::from_str(&body).expect("JSON");
        all.extend(page["messages"].as_array().expect("messages").clone());
        if page["more"] == false {
            return all;
        }
        before = format!("&before={}", all.last().expect("a message")["id"]);
    }
}
