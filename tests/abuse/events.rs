//! A client of Socket.IO 5 on a WebSocket, with the packets as text, and log-ins on the other gateways.

use serde_json::Value;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::support::client::http;
use crate::wire::Heard;
use crate::wire::Socket;

/// One connection in `/`.
pub struct Events(pub Socket);

impl Events {
    /// Connects, with the greeting of seed 001 read.
    pub async fn open(address: &str) -> Self {
        let path = "/socket.io/?EIO=4&transport=websocket";
        let mut events = Self(Socket::open(address, path).await);
        assert!(events.0.text().await.starts_with('0'), "a handshake");
        events.0.say("40").await;
        let joined = events.next().await.expect("an answer");
        assert!(joined.starts_with("40"), "{joined}");
        assert_eq!(events.event().await[0], "connected");
        events
    }

    /// Says an event with its argument.
    pub async fn say(&mut self, event: &str, data: &Value) {
        self.0.say(&format!("42{}", json!([event, data]))).await;
    }

    /// Says an event and waits for its acknowledgement.
    pub async fn ask(&mut self, event: &str, data: &Value) -> Value {
        self.0.say(&format!("427{}", json!([event, data]))).await;
        let answer = self.next().await.expect("an acknowledgement");
        let answer = answer
            .strip_prefix("437")
            .unwrap_or_else(|| panic!("{answer}"));
        let mut answer: Value = serde_json::from_str(answer).expect("JSON");
        answer[0].take()
    }

    /// The next event.
    pub async fn event(&mut self) -> Value {
        let event = self.next().await.expect("an event");
        let event = event
            .strip_prefix("42")
            .unwrap_or_else(|| panic!("{event}"));
        serde_json::from_str(event).expect("JSON")
    }

    /// The next packet that is no heart-beat; `None` at the end.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            match self.0.next().await {
                Heard::Text(beat) if beat == "2" => self.0.say("3").await,
                Heard::Text(packet) => return Some(packet),
                Heard::Pong(_) => {}
                Heard::Closed(..) | Heard::Gone => return None,
            }
        }
    }

    /// That the connection ends. Whoever is told that it left `/` closes, as clients do.
    pub async fn ends(&mut self) {
        while let Some(packet) = self.next().await {
            assert!(packet == "41" || packet == "1", "{packet}");
            self.0.send(Message::Close(None)).await;
        }
    }

    /// Seed 000.
    pub async fn rooms(address: &str, token: &str) -> (Self, Value) {
        let mut events = Self::open(address).await;
        events.say("auth-c", &json!({ "sessionid": token })).await;
        let answer = events.event().await;
        assert_eq!(answer[0], "auth-s", "{answer}");
        let code = answer[1]["code"].clone();
        (events, code)
    }

    /// Seed 001.
    pub async fn conversations(address: &str, uid: u64, token: &str) -> (Self, Value) {
        let mut events = Self::open(address).await;
        let data = json!({ "userId": uid, "socketId": "s", "token": token });
        let answer = events.ask("logIn", &data).await;
        (events, answer)
    }

    /// Seed 002.
    pub async fn typed(address: &str, uid: u64, token: &str) -> (Self, Value) {
        let mut events = Self::open(address).await;
        let data = json!({ "type": "user", "uid": uid, "deviceid": "d", "token": token });
        events
            .say("message", &json!({ "type": 1, "data": data }))
            .await;
        let answer = message(&events.event().await);
        (events, answer)
    }
}

/// The object in an event `message`, which may be JSON in a string.
pub fn message(event: &Value) -> Value {
    assert_eq!(event[0], "message", "{event}");
    match &event[1] {
        Value::String(text) => serde_json::from_str(text).expect("JSON"),
        other => other.clone(),
    }
}

/// A wstoken of whoever shows `token`.
pub async fn wstoken(address: &str, token: &str) -> String {
    let bearer = format!("Authorization: Bearer {token}\r\n");
    let (status, _, grant) = http(address, "POST", "/IM/token", &bearer, "").await;
    assert_eq!(status, 200, "{grant}");
    let grant: Value = serde_json::from_str(&grant).expect("JSON");
    grant["wstoken"].as_str().expect("a token").to_owned()
}
