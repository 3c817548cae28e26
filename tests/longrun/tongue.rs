//! What is said on a line, and what it means: the languages of all gateways, as far as chat needs them.

mod ears;

use hongyan_grammar::stomp;
use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Decoder;
use hongyan_grammar::stomp::Frame;
use hongyan_grammar::stomp::Limits;
use hongyan_grammar::stomp::Side;
use hongyan_grammar::stomp::Version;
use serde_json::Value;
use serde_json::json;

use crate::kind::Kind;
use crate::line::Line;
use crate::line::Way;
use crate::support::client;
use crate::support::client::soon;
use crate::support::people::msg_id;
use crate::words::Words;

/// To whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    User(u64),
    Group(u64),
}

/// What is heard, in a language that all share.
#[derive(Debug)]
pub enum Heard {
    /// A message; the name to confirm it by, where it is to be confirmed; whether it came among those that had waited.
    Pushed(u64, Option<String>, bool),
    /// The answer to the send of this message, as the tongue called it.
    Sent(String, u16),
    Confirmed(String, u16),
    Receipt(String),
    /// A post of a topic.
    Post(String),
    /// A message of a queue, and what to acknowledge it by.
    Handed(String, String),
    /// The answer to something wrong.
    Refused,
    Other,
}

/// A connection on which somebody is logged in.
pub struct Voice {
    pub kind: Kind,
    /// There until it is left.
    line: Option<Line>,
    uid: u64,
    words: Words,
    decoder: Option<Decoder>,
    session_token: String,
    ahead: std::collections::VecDeque<Heard>,
}

fn frame(frame: &Frame) -> String {
    let mut wire = Vec::new();
    stomp::write(frame, Version::V1_2, &mut wire);
    String::from_utf8(wire).expect("ASCII alone is said here")
}

impl Voice {
    /// Opens a line to `address` and logs in with `token` (for packets, a wstoken).
    pub async fn enter(kind: Kind, address: &str, uid: u64, token: &str, words: &Words) -> Self {
        let way = kind.way().expect("a connection");
        let path = match (kind, way) {
            (Kind::Packets, _) => format!("/{token}"),
            (_, Way::WebSocket) => format!("/client?srect={token}"),
            (_, Way::SockJsWebSocket) => {
                format!("/socketServer/000/{}/websocket?srect={token}", name())
            }
            (_, Way::SockJsXhr | Way::SockJsStreaming) => {
                format!("/socketServer/000/{}?srect={token}", name())
            }
            (_, Way::Tcp) => String::new(),
            (_, Way::EngineWebSocket(engine)) => {
                format!("/socket.io/?EIO={engine}&transport=websocket")
            }
            (_, Way::EnginePolling(engine)) => {
                format!("/socket.io/?EIO={engine}&transport=polling")
            }
        };
        let line = Line::open(way, address, &path).await;
        let decoder = kind
            .is_stomp()
            .then(|| Decoder::new(Side::Client, Limits::after(1 << 24)));
        let mut voice = Self {
            kind,
            line: Some(line),
            uid,
            words: words.clone(),
            decoder,
            session_token: String::new(),
            ahead: std::collections::VecDeque::new(),
        };
        match kind {
            Kind::Stomp(_) => voice.enter_stomp(way, token).await,
            Kind::Packets => {
                voice.text_with(r#""type":"L""#).await;
            }
            _ => voice.enter_engine(kind, way, token).await,
        }
        voice
    }

    async fn enter_stomp(&mut self, way: Way, token: &str) {
        let mut connect = Frame::new(Command::Connect).header("accept-version", "1.2");
        if way == Way::Tcp {
            connect = connect.header("srect", token);
        }
        self.line().say(frame(&connect));
        let text = soon("CONNECTED", self.next_text())
            .await
            .expect("CONNECTED");
        assert!(text.starts_with("CONNECTED"), "{text}");
        let decoder = self.decoder.as_mut().expect("STOMP");
        decoder.feed(text.as_bytes());
        while decoder.next().expect("a frame that reads").is_some() {}
        decoder.set_version(Version::V1_2);
        let own = format!("/user/{}/recive", self.uid);
        for destination in [
            own.as_str(),
            "/user/queue/group",
            "/user/queue/send/status",
            "/user/queue/recive/status",
            "/user/queue/delivery/status",
            "/user/queue/presence",
            "/user/queue/friend",
            "/user/queue/history",
            "/user/queue/status",
        ] {
            self.subscribe(destination, "auto");
        }
        let init = Frame::new(Command::Send)
            .header("destination", "/socket/chat/init")
            .header("receipt", "init");
        self.line().say(frame(&init));
        // What comes live before it comes once more, in its order.
        loop {
            let heard = soon("the answer to init", self.hear()).await;
            if matches!(heard.expect("a RECEIPT"), Heard::Receipt(receipt) if receipt == "init") {
                return;
            }
        }
    }

    /// Waits for a receipt; what comes before it is heard later.
    pub async fn receipt(&mut self, wanted: &str) {
        let mut before = Vec::new();
        loop {
            match soon(wanted, self.hear()).await.expect("a RECEIPT") {
                Heard::Receipt(receipt) if receipt == wanted => break,
                other => before.push(other),
            }
        }
        before
            .into_iter()
            .rev()
            .for_each(|heard| self.ahead.push_front(heard));
    }

    async fn enter_engine(&mut self, kind: Kind, way: Way, token: &str) {
        let engine = match way {
            Way::EngineWebSocket(engine) | Way::EnginePolling(engine) => engine,
            _ => unreachable!("Engine.IO alone"),
        };
        if engine == 4 {
            self.line().say("40");
        }
        self.text_with("connected").await;
        let uid = self.uid;
        match kind {
            Kind::Rooms(_) => {
                for namespace in ["/friend", "/group", "/server"] {
                    self.line().say(format!("40{namespace},"));
                    self.text_with(&format!("40{namespace}")).await;
                }
                let auth = json!(["auth-c", {"sessionid": token}]);
                self.line().say(format!("42{auth}"));
                self.text_with(r#""code":1"#).await;
                self.line().say(format!(
                    "42{}",
                    json!(["caoff", {"from": uid, "to": "server"}])
                ));
            }
            Kind::Conversations(_) => {
                let log_in = json!(["logIn", {"userId": uid, "token": token}]);
                self.line().say(format!("420{log_in}"));
                let answer = self.text_with("430[").await;
                let answer: Value = serde_json::from_str(&answer[3..]).expect("JSON");
                let token = answer[0]["sessionToken"].as_str().expect("a token");
                self.session_token = self.words.keep_secret(token.to_owned());
            }
            _ => {
                let data = json!({"type": "user", "uid": uid, "deviceid": "d", "token": token});
                let register = json!(["message", {"type": 1, "data": data}]);
                self.line().say(format!("42{register}"));
                let answer = self.text_with(r#"["message""#).await;
                assert!(answer.contains("200"), "{answer}");
            }
        }
    }

    /// The next text with this in it. Only before anything else can come.
    async fn text_with(&mut self, part: &str) -> String {
        loop {
            let text = soon(part, self.next_text()).await;
            let text = text.unwrap_or_else(|| panic!("{:?} ended before {part}", self.kind));
            if text.contains(part) {
                return text;
            }
            // The answers of namespaces, and an early message.
            self.read(&text);
        }
    }

    pub fn subscribe(&self, destination: &str, ack: &str) {
        let subscribe = Frame::new(Command::Subscribe)
            .header("id", destination)
            .header("destination", destination)
            .header("ack", ack)
            .header("receipt", destination);
        self.line().say(frame(&subscribe));
    }

    pub fn unsubscribe(&self, destination: &str) {
        let unsubscribe = Frame::new(Command::Unsubscribe)
            .header("id", destination)
            .header("receipt", "unsubscribed");
        self.line().say(frame(&unsubscribe));
    }

    /// SEND to a topic or a queue.
    pub fn publish(&self, destination: &str, body: &str, receipt: &str) {
        let send = Frame::new(Command::Send)
            .header("destination", destination)
            .header("receipt", receipt)
            .body(body);
        self.line().say(frame(&send));
    }

    /// ACK or NACK.
    pub fn settle(&self, command: Command, id: &str, receipt: &str) {
        let mut settle = Frame::new(command)
            .header("id", id)
            .header("receipt", receipt);
        if command == Command::Nack {
            settle = settle.header("requeue", "false");
        }
        self.line().say(frame(&settle));
    }

    /// Asks for the newest page of a conversation, in whatever words; nothing where there are none.
    pub fn ask_history(&self, with: u64) {
        match self.kind {
            Kind::Stomp(_) => {
                let asked = json!({"with": with, "len": 10}).to_string();
                let send = Frame::new(Command::Send)
                    .header("destination", "/socket/chat/history")
                    .body(asked);
                self.line().say(frame(&send));
            }
            Kind::Rooms(_) => {
                let asked = json!({"id": 1, "to": with, "type": "friend", "len": 10});
                self.line().say(format!("42{}", json!(["chistory", asked])));
            }
            Kind::Packets => {
                let asked = json!({"id": "h", "type": "O", "msg": with});
                self.line().say(asked.to_string());
                self.line().say(r#"{"id":"ping","type":"P"}"#);
            }
            _ => {}
        }
    }

    /// Sends message `number` with this content; under which name the answer comes.
    pub fn send(&self, number: u64, to: Target, content: &str) -> String {
        match self.kind {
            Kind::Stomp(_) => {
                let id = msg_id(&self.words.content(number));
                match to {
                    Target::User(uid) => self.line().say(frame(&client::chat(uid, &id, content))),
                    Target::Group(gid) => {
                        let body = json!({"msgID": id, "groupId": gid, "content": content});
                        let send = Frame::new(Command::Send)
                            .header("destination", "/socket/group/send")
                            .body(body.to_string());
                        self.line().say(frame(&send));
                    }
                }
                id
            }
            Kind::Rooms(_) => {
                let (namespace, event, to) = match to {
                    Target::User(uid) => ("/friend", "cfmsg", uid),
                    Target::Group(gid) => ("/group", "cgmsg", gid),
                };
                let sent = json!({"id": number, "to": to, "sendDate": number, "msg": content});
                self.line()
                    .say(format!("42{namespace},{}", json!([event, sent])));
                number.to_string()
            }
            Kind::Conversations(_) => {
                let token = &self.session_token;
                let sent = match to {
                    Target::User(uid) => json!(["message/direct",
                        {"sessionToken": token, "targetIds": [uid], "type": "text", "textContent": content}]),
                    Target::Group(gid) => json!(["message/conversation",
                        {"sessionToken": token, "conversationId": gid, "ignoreIds": [], "type": "text", "content": content}]),
                };
                self.line().say(format!("42{number}{sent}"));
                number.to_string()
            }
            Kind::Packets => {
                let Target::User(uid) = to else {
                    unreachable!("packets go to users")
                };
                let sent = json!({"id": number, "to": uid, "type": "t", "msg": content});
                self.line().say(sent.to_string());
                number.to_string()
            }
            Kind::Typed(_) | Kind::Rest => unreachable!("sent by a request"),
        }
    }

    /// What a STOMP client says that it has received.
    pub fn confirm(&self, msg_id: &str) {
        self.line().say(frame(&client::confirm(msg_id)));
    }

    /// Goes, without a word or with a good-bye as it is said here; what had come and was not heard yet.
    pub async fn leave(mut self, rough: bool) -> Vec<Heard> {
        let line = self.line.take().expect("a line");
        // Packets have no word for it.
        let texts = if rough || self.kind == Kind::Packets {
            line.cut().await
        } else {
            if self.kind.is_stomp() {
                let bye = Frame::new(Command::Disconnect).header("receipt", "bye");
                line.say(frame(&bye));
            } else {
                line.say("41");
            }
            line.ended().await
        };
        texts.iter().for_each(|text| self.read(text));
        self.ahead.into()
    }

    /// Waits until the broker ends it.
    pub async fn ended(mut self) {
        self.line.take().expect("a line").ended().await;
    }

    /// Stops reading from the network, or goes on.
    pub fn pause(&self, pause: bool) {
        self.line().pause(pause);
    }

    fn line(&self) -> &Line {
        self.line.as_ref().expect("a line")
    }

    async fn next_text(&mut self) -> Option<String> {
        self.line.as_mut().expect("a line").hear().await
    }

    /// What comes next, `None` at the end. Nothing is lost where this is not waited for to the end.
    pub async fn hear(&mut self) -> Option<Heard> {
        loop {
            if let Some(heard) = self.ahead.pop_front() {
                return Some(heard);
            }
            let text = self.next_text().await?;
            self.read(&text);
        }
    }

    /// Says something wrong, which is refused by the broker itself.
    pub fn say_wrong(&self, number: u64) {
        let nobody = 999_999;
        let content = self.words.content(number);
        match self.kind {
            Kind::Typed(_) | Kind::Rest => {}
            _ => {
                self.send(number, Target::User(nobody), &content);
            }
        }
    }

    /// Says something that can't be read, and is answered all the same.
    pub fn say_nonsense(&self) {
        match self.kind {
            Kind::Stomp(_) => {
                let send = Frame::new(Command::Send)
                    .header("destination", "/socket/chat/send")
                    .body("{");
                self.line().say(frame(&send));
            }
            Kind::Packets => self.line().say("{"),
            _ => self.line().say(r#"42["what-is-this",{}]"#),
        }
    }
}

/// A SockJS session that nobody else has.
fn name() -> String {
    use std::sync::atomic::AtomicU64;
    use std::sync::atomic::Ordering;
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("l{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
