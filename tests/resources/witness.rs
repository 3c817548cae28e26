//! Somebody who writes nothing that must be kept, and shall not notice that it couldn't be.

use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Frame;
use hongyan_grammar::stomp::Unit;

use crate::support::client::Client;
use crate::support::client::http;
use crate::support::client::json;
use crate::support::people;
use crate::talk::Talk;

const WITNESS: u64 = 901;
const FRIEND: u64 = 902;

/// Somebody who reads, and publishes to a topic.
pub struct Witness {
    address: String,
    client: Client,
    rounds: usize,
}

impl Witness {
    /// Logs in, with one message to read.
    pub async fn begin(address: &str) -> Self {
        let mut talk = Talk::begin(address, "before", FRIEND, WITNESS).await;
        assert_eq!(talk.say(1).await, 0);
        let mut client = Client::log_in(address, WITNESS).await;
        client.subscribe("/topic/witness").await;
        client.subscribe("/user/queue/history").await;
        Self {
            address: address.to_owned(),
            client,
            rounds: 0,
        }
    }

    /// A topic, a page of history, who is here, and a log-in of somebody known: all as ever.
    pub async fn lives(&mut self) {
        self.rounds += 1;
        let word = format!("round {}", self.rounds);
        let send = |destination: &str, body: String| {
            Frame::new(Command::Send)
                .header("destination", destination)
                .body(body)
        };
        self.client.send(send("/topic/witness", word.clone())).await;
        let frame = self.client.next().await.expect("the topic's message");
        assert_eq!(frame.body, word.as_bytes(), "{frame:?}");

        let ask = serde_json::json!({ "with": FRIEND, "len": 10 }).to_string();
        self.client.send(send("/socket/chat/history", ask)).await;
        let page = json(&self.client.next().await.expect("a page"));
        let messages = page["messages"].as_array().expect("messages");
        assert_eq!(messages.len(), 1, "{page}");

        let friend = Client::log_in(&self.address, FRIEND).await;
        let headers = format!("Authorization: Bearer {}\r\n", people::token(WITNESS));
        let path = format!("/api/users/{FRIEND}");
        let (code, _, body) = http(&self.address, "GET", &path, &headers, "").await;
        assert_eq!(code, 200, "{body}");
        assert!(body.contains("\"online\":true"), "{body}");
        drop(friend);
    }
}

/// A session that wants heart-beats; it is `begin`'s user.
pub async fn beating(address: &str) -> Client {
    let path = format!("/client?srect={}", people::token(WITNESS));
    let mut client = Client::open(address, &path).await;
    let connect = Frame::new(Command::Connect)
        .header("accept-version", "1.2")
        .header("heart-beat", "0,1000");
    client.send(connect).await;
    let connected = client.next().await.expect("CONNECTED");
    assert_eq!(connected.command, Command::Connected);
    client
}

/// Waits for so many heart-beats.
pub async fn hear_beats(client: &mut Client, count: usize) {
    for _ in 0..count {
        assert_eq!(client.next_unit().await, Some(Unit::Beat));
    }
}
