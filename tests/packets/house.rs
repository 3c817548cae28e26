//! A broker with users who are friends, and a packet client on a real WebSocket.

use futures_util::SinkExt;
use futures_util::StreamExt;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;

use crate::support::client;
use crate::support::client::Stream;
use crate::support::client::soon;
use crate::support::people;
use crate::support::running::Running;

/// What another server calls with.
pub const API_KEY: &str = "an-api-key-of-another-server";

/// A broker that runs, and its data.
pub struct House {
    pub broker: Running,
    /// The session tokens of users 0 to 3.
    tokens: [String; 4],
    folder: TempDir,
}

impl House {
    /// A broker that knows the tokens of [`people`].
    pub fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self::on(folder)
    }

    fn on(folder: TempDir) -> Self {
        let data = folder.path().join("data");
        let broker = Running::start(&data, &["--api-key", API_KEY]);
        Self {
            broker,
            tokens: [0, 1, 2, 3].map(people::token),
            folder,
        }
    }

    /// `kill -9`, and a new one on the same data.
    pub fn killed_and_started_again(self) -> Self {
        let Self { broker, folder, .. } = self;
        broker.kill();
        Self::on(folder)
    }

    pub fn address(&self) -> &str {
        &self.broker.address
    }

    /// One call over REST, `METHOD /path`: the status and the JSON.
    async fn ask(&self, credential: &str, call: &str, body: &str) -> (u16, Value) {
        let (method, path) = call.split_once(' ').expect("a method and a path");
        let address = self.address();
        let (status, _, body) = client::http(address, method, path, credential, body).await;
        (status, serde_json::from_str(&body).unwrap_or_default())
    }

    /// The same as user `uid`.
    pub async fn ask_as(&self, uid: usize, call: &str, body: Value) -> (u16, Value) {
        let bearer = format!("Authorization: Bearer {}\r\n", self.tokens[uid]);
        self.ask(&bearer, call, &body.to_string()).await
    }

    /// The same as another server.
    pub async fn ask_as_server(&self, call: &str, body: Value) -> (u16, Value) {
        let key = format!("X-Api-Key: {API_KEY}\r\n");
        self.ask(&key, call, &body.to_string()).await
    }

    /// Makes these users known, who become friends.
    pub async fn friends(&self, one: usize, other: usize) {
        for uid in [one, other] {
            assert_eq!(self.ask_as(uid, "GET /api/inbox", json!({})).await.0, 200);
        }
        let request = json!({ "to": other, "msg": "" });
        let (status, asked) = self
            .ask_as(one, "POST /api/friends/requests", request)
            .await;
        assert!([200, 201].contains(&status), "{status} {asked}");
        let accept = format!("POST /api/friends/requests/{}/accept", asked["id"]);
        let (status, accepted) = self.ask_as(other, &accept, json!({})).await;
        assert!([200, 204].contains(&status), "{status} {accepted}");
    }

    /// A new wstoken.
    pub async fn wstoken(&self, uid: usize) -> String {
        let (status, grant) = self.ask_as(uid, "POST /IM/token", json!({})).await;
        assert_eq!((status, &grant["expiresIn"]), (200, &json!(120)));
        grant["wstoken"].as_str().expect("a token").to_owned()
    }

    /// A connection of this user, after `L`.
    pub async fn connect(&self, uid: usize) -> Client {
        self.connect_on(client::connect(self.address()).await, uid)
            .await
    }

    /// The same on a stream that is there.
    pub async fn connect_on(&self, stream: Stream, uid: usize) -> Client {
        let token = self.wstoken(uid).await;
        let mut client = Client::open(stream, &token).await.expect("a good token");
        let login = client.packet().await;
        let expected = json!({"id": login["id"], "from": 0, "type": "L", "msg": "login in"});
        assert_eq!(login, expected);
        client
    }

    /// The states of all messages between two users, oldest first, as the first sees them.
    pub async fn states(&self, uid: usize, with: usize) -> Vec<String> {
        let call = format!("GET /api/messages?with={with}");
        let (_, page) = self.ask_as(uid, &call, json!({})).await;
        let messages = page["messages"].as_array().expect("a page");
        let states = messages.iter().rev().map(|kept| &kept["state"]);
        states
            .map(|state| state.as_str().expect("a state").to_owned())
            .collect()
    }

    /// Asks until the states are these.
    pub async fn states_become(&self, uid: usize, with: usize, states: &[&str]) {
        soon(&format!("the states {states:?}"), async {
            while self.states(uid, with).await != states {}
        })
        .await;
    }
}

/// A packet client. Its library answers pings while something is read.
pub struct Client(WebSocketStream<Stream>);

/// What comes.
#[derive(Debug, PartialEq)]
pub enum Heard {
    Packet(Value),
    Ping,
    Closed(u16),
    Gone,
}

impl Client {
    /// Asks for a WebSocket with this token; the status where there is none.
    pub async fn open(stream: Stream, token: &str) -> Result<Self, u16> {
        Self::open_from(stream, token, None).await
    }

    /// The same as a page of this origin.
    pub async fn open_from(
        stream: Stream,
        token: &str,
        origin: Option<&'static str>,
    ) -> Result<Self, u16> {
        let request = format!("ws://broker/{token}").into_client_request();
        let mut request = request.expect("a URL");
        if let Some(origin) = origin {
            let value = HeaderValue::from_static(origin);
            request.headers_mut().insert("Origin", value);
        }
        match soon("the upgrade", client_async(request, stream)).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    pub async fn say(&mut self, packet: Value) {
        self.say_text(&packet.to_string()).await;
    }

    /// A connection that is gone is noticed when something is read from it.
    pub async fn say_text(&mut self, text: &str) {
        let _ = self.0.send(Message::text(text)).await;
    }

    pub async fn next(&mut self) -> Heard {
        match soon("a message", self.0.next()).await {
            Some(Ok(Message::Text(text))) => {
                Heard::Packet(serde_json::from_str(&text).expect("a packet is JSON"))
            }
            Some(Ok(Message::Ping(_))) => {
                // The pong is queued; nothing else might send it.
                let _ = self.0.flush().await;
                Heard::Ping
            }
            Some(Ok(Message::Close(frame))) => {
                Heard::Closed(frame.map_or(1005, |frame| frame.code.into()))
            }
            Some(Ok(other)) => panic!("an unexpected {other:?}"),
            Some(Err(_)) | None => Heard::Gone,
        }
    }

    /// The next packet; pings are answered.
    pub async fn packet(&mut self) -> Value {
        let packet = async {
            loop {
                match self.next().await {
                    Heard::Packet(packet) => return packet,
                    Heard::Ping => {}
                    other => panic!("{other:?} instead of a packet"),
                }
            }
        };
        soon("a packet", packet).await
    }

    /// Says this, and is answered with these fields besides the id and `from`.
    pub async fn is_answered(&mut self, packet: Value, kind: &str, msg: Value) {
        self.say(packet.clone()).await;
        let answer = self.packet().await;
        let (id, from) = (&packet["id"], 0);
        assert_eq!(
            answer,
            json!({"id": id, "from": from, "type": kind, "msg": msg})
        );
    }

    /// Says this, and is answered `E` with a sentence that has these words.
    pub async fn is_refused(&mut self, packet: Value, words: &str) {
        self.say(packet.clone()).await;
        let answer = self.packet().await;
        assert_eq!(
            (&answer["type"], &answer["id"]),
            (&json!("E"), &packet["id"])
        );
        let sentence = answer["msg"].as_str().expect("a sentence");
        assert!(sentence.contains(words), "{packet}: {sentence}");
    }

    /// That `C` comes with these words, then a close with this code.
    pub async fn is_closed(&mut self, words: &str, code: u16) {
        let close = self.packet().await;
        assert_eq!((&close["type"], &close["from"]), (&json!("C"), &json!(0)));
        let sentence = close["msg"].as_str().expect("a sentence");
        assert!(sentence.contains(words), "{sentence}");
        assert_eq!(self.next().await, Heard::Closed(code));
    }

    /// That nothing was said before the answer to a ping.
    pub async fn is_quiet(&mut self) {
        self.say(json!({"id": "quiet?", "to": 0, "type": "P", "msg": "ping"}))
            .await;
        let answer = self.packet().await;
        let pong = json!({"id": "quiet?", "from": 0, "to": 0, "type": "P", "msg": "pong"});
        assert_eq!(answer, pong);
    }
}
