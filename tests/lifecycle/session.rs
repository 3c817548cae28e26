//! One user's connection on any gateway and any transport: it logs in, sends numbered messages, and tells what it hears
//! in the same few words whatever is spoken.

#[path = "session/hearing.rs"]
mod hearing;

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use hongyan_grammar::stomp;
use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Decoder;
use hongyan_grammar::stomp::Frame;
use hongyan_grammar::stomp::Limits;
use hongyan_grammar::stomp::Side;
use hongyan_grammar::stomp::Version;
use hyper::Method;
use serde_json::Value;
use serde_json::json;

use crate::lifecycle::line::Heard;
use crate::lifecycle::line::Line;
use crate::lifecycle::line::Posts;
use crate::support::client;
use crate::support::client::chat;
use crate::support::people;
use crate::support::people::msg_id;
use crate::support::running::Running;

/// What a session speaks, and on what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    StompWebSocket,
    StompTcp,
    SockJsWebSocket,
    SockJsStreaming,
    SockJsPolling,
    RoomsWebSocket,
    RoomsPolling,
    ConversationsWebSocket,
    ConversationsPolling,
    TypedWebSocket,
    TypedPolling,
    Packets,
}

use Kind::*;

impl Kind {
    pub const ALL: [Self; 12] = [
        StompWebSocket,
        StompTcp,
        SockJsWebSocket,
        SockJsStreaming,
        SockJsPolling,
        RoomsWebSocket,
        RoomsPolling,
        ConversationsWebSocket,
        ConversationsPolling,
        TypedWebSocket,
        TypedPolling,
        Packets,
    ];

    fn is_stomp(self) -> bool {
        matches!(self, StompWebSocket | StompTcp) || self.is_sock_js()
    }

    fn is_sock_js(self) -> bool {
        matches!(self, SockJsWebSocket | SockJsStreaming | SockJsPolling)
    }

    /// Whether its clients can send messages: those of seed 002 only receive.
    pub fn sends(self) -> bool {
        !matches!(self, TypedWebSocket | TypedPolling)
    }

    /// Whether a message sent again is known to be the same: seed 001 gives its messages no names.
    pub fn names_its_messages(self) -> bool {
        !matches!(self, ConversationsWebSocket | ConversationsPolling)
    }

    /// How such a session ends when it was told of the stop in good order.
    fn last(self) -> &'static [Heard] {
        match self {
            StompWebSocket | Packets => &[Heard::Closed(1001)],
            StompTcp => &[Heard::End],
            SockJsWebSocket => &[Heard::Closed(1000)],
            SockJsStreaming => &[Heard::End],
            // Its last words are an answer of their own; after them there is nothing to ask for.
            _ => &[],
        }
    }
}

/// What a session hears.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    /// The broker has kept the message of this number.
    Kept(u64),
    /// It has kept that the message with this content was received.
    Confirmed(String),
    /// A message, by its content.
    Message(String),
    /// Something else that belongs to no message, such as a log-in's answer.
    Other(String),
}

/// How a session ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Farewell {
    /// The gateway has said that the broker stops.
    pub told: bool,
    /// The transport has ended the session as its protocol has it.
    pub closed: bool,
    /// What came instead.
    pub instead: Option<String>,
}

/// A session that is logged in.
pub struct Session {
    pub kind: Kind,
    uid: u64,
    partner: u64,
    line: Line,
    decoder: Decoder,
    heard: VecDeque<Said>,
    /// The numbers of the messages that wait for their status, by msgID.
    waiting: HashMap<String, u64>,
    /// The contents of the messages whose confirmation waits for its status, by msgID.
    confirming: HashMap<String, String>,
    /// Frames that go to SockJS in one array, before anything more is heard: who polls is not to be long between two polls.
    outgoing: Vec<String>,
    /// SockJS has said that the session is over.
    sock_js_over: bool,
    /// Seed 001's `sessionToken`.
    secret: String,
    pub farewell: Farewell,
}

/// The content of a user's message.
pub fn content(uid: u64, number: u64) -> String {
    format!("{uid}:{number}")
}

/// The number in the content of a message of `uid`.
fn number_in(uid: u64, content: &str) -> u64 {
    let number = content.strip_prefix(&format!("{uid}:"));
    let number = number.and_then(|number| number.parse().ok());
    number.unwrap_or_else(|| panic!("not a message of {uid}: {content}"))
}

impl Session {
    /// Connects user `uid`, who writes to `partner`, and logs in.
    pub async fn log_in(broker: &Addresses, kind: Kind, uid: u64, partner: u64) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let token = people::token(uid);
        let http = &broker.http;
        let name = NEXT.fetch_add(1, Ordering::Relaxed);
        let sock_js = |transport: &str| {
            format!("http://{http}/socketServer/000/life{name}/{transport}?srect={token}")
        };
        let engine = format!("http://{http}/socket.io/?EIO=4&transport=polling");
        let line = match kind {
            StompWebSocket => Line::web(http, &format!("/client?srect={token}")).await,
            StompTcp => Line::tcp(&broker.stomp).await,
            SockJsWebSocket => {
                let path = format!("/socketServer/000/life{name}/websocket?srect={token}");
                Line::web(http, &path).await
            }
            SockJsStreaming | SockJsPolling => {
                let streams = kind == SockJsStreaming;
                let ask = sock_js(if streams { "xhr_streaming" } else { "xhr" });
                let posts = Posts::new((Method::POST, ask), sock_js("xhr_send"), streams, '\n');
                Line::Posts(Box::new(posts))
            }
            RoomsWebSocket | ConversationsWebSocket | TypedWebSocket => {
                Line::web(http, "/socket.io/?EIO=4&transport=websocket").await
            }
            RoomsPolling | ConversationsPolling | TypedPolling => {
                let ask = (Method::GET, engine.clone());
                Line::Posts(Box::new(Posts::new(ask, engine.clone(), false, '\u{1e}')))
            }
            Packets => {
                let bearer = format!("Authorization: Bearer {token}\r\n");
                let (status, _, grant) = client::http(http, "POST", "/IM/token", &bearer, "").await;
                assert_eq!(status, 200, "{grant}");
                let grant: Value = serde_json::from_str(&grant).expect("JSON");
                let token = grant["wstoken"].as_str().expect("a token");
                Line::web(http, &format!("/{token}")).await
            }
        };
        let mut session = Self {
            kind,
            uid,
            partner,
            line,
            decoder: Decoder::new(Side::Client, Limits::after(1 << 24)),
            heard: VecDeque::new(),
            waiting: HashMap::new(),
            confirming: HashMap::new(),
            outgoing: Vec::new(),
            sock_js_over: false,
            secret: String::new(),
            farewell: Farewell::default(),
        };
        session.enter(&token, &engine).await;
        session
    }

    async fn enter(&mut self, token: &str, engine: &str) {
        match self.kind {
            kind if kind.is_stomp() => {
                if kind.is_sock_js() {
                    self.until("o").await;
                }
                let connect = Frame::new(Command::Connect)
                    .header("accept-version", "1.2")
                    .header("srect", token);
                self.frame(&connect).await;
                self.until("CONNECTED").await;
                self.decoder.set_version(Version::V1_2);
                for destination in [
                    "/user/queue/send/status",
                    "/user/queue/recive/status",
                    &format!("/user/{}/recive", self.uid),
                ] {
                    let subscribe = Frame::new(Command::Subscribe)
                        .header("id", destination)
                        .header("destination", destination)
                        .header("receipt", destination);
                    self.frame(&subscribe).await;
                    self.until(&format!("RECEIPT {destination}")).await;
                }
                let init = Frame::new(Command::Send).header("destination", "/socket/chat/init");
                self.frame(&init).await;
            }
            Packets => drop(self.until("login in").await),
            kind => {
                let open = self.until("0{").await;
                if let Line::Posts(posts) = &mut self.line {
                    let open: Value = serde_json::from_str(&open[1..]).expect("JSON");
                    let url = format!("{engine}&sid={}", open["sid"].as_str().expect("a sid"));
                    posts.moved((Method::GET, url.clone()), url);
                }
                self.say("40").await;
                self.until("40{").await;
                let (entry, welcome) = match kind {
                    RoomsWebSocket | RoomsPolling => {
                        self.say("40/friend,").await;
                        self.until("40/friend,").await;
                        (
                            json!(["auth-c", { "sessionid": token }]),
                            r#"42["auth-s",{"code":1}]"#,
                        )
                    }
                    TypedWebSocket | TypedPolling => {
                        let data = json!({
                            "type": "user", "uid": self.uid, "deviceid": "d", "token": token,
                        });
                        (
                            json!(["message", { "type": 1, "data": data }]),
                            "42[\"message\"",
                        )
                    }
                    _ => (
                        json!(["logIn", { "userId": self.uid, "token": token }]),
                        "430[",
                    ),
                };
                let ticket = if welcome == "430[" { "0" } else { "" };
                self.say(&format!("42{ticket}{entry}")).await;
                let answer = self.until(welcome).await;
                if let Some(answer) = answer.strip_prefix("430") {
                    let answer: Value = serde_json::from_str(answer).expect("JSON");
                    let secret = answer[0]["sessionToken"].as_str();
                    self.secret = secret.expect("a session token").to_owned();
                }
            }
        };
    }

    /// Hears until something else begins so. What belongs to messages is kept for later.
    async fn until(&mut self, start: &str) -> String {
        let mut kept = VecDeque::new();
        loop {
            let said = self.next().await;
            match said {
                Some(Said::Other(text)) if text.starts_with(start) => {
                    kept.append(&mut self.heard);
                    self.heard = kept;
                    return text;
                }
                Some(Said::Other(_)) => {}
                Some(said) => kept.push_back(said),
                None => panic!(
                    "{:?}: the end came before {start}: {:?}",
                    self.kind, self.farewell
                ),
            }
        }
    }

    /// Sends message `number`, whether for the first time or again.
    pub async fn send(&mut self, number: u64) {
        let content = content(self.uid, number);
        let to = self.partner;
        let text = match self.kind {
            kind if kind.is_stomp() => {
                let msg_id = msg_id(&content);
                let frame = chat(to, &msg_id, &content);
                self.waiting.insert(msg_id, number);
                return self.frame(&frame).await;
            }
            RoomsWebSocket | RoomsPolling => {
                let message = json!({ "id": content, "to": to, "sendDate": 1, "msg": content });
                format!("42/friend,{}", json!(["cfmsg", message]))
            }
            ConversationsWebSocket | ConversationsPolling => {
                let message = json!({
                    "sessionToken": self.secret, "targetIds": [to], "textContent": content,
                });
                // Acknowledgement 0 was the log-in's.
                format!("42{}{}", number + 1, json!(["message/direct", message]))
            }
            Packets => json!({ "id": content, "to": to, "type": "t", "msg": content }).to_string(),
            _ => panic!("clients of seed 002 do not send"),
        };
        self.say(&text).await;
    }

    async fn frame(&mut self, frame: &Frame) {
        let mut wire = Vec::new();
        stomp::write(frame, Version::V1_2, &mut wire);
        let wire = String::from_utf8(wire).expect("text");
        if self.kind.is_sock_js() {
            self.outgoing.push(wire);
        } else {
            self.say(&wire).await;
        }
    }

    /// A connection that is gone is noticed when something is to be heard from it.
    async fn say(&mut self, text: &str) {
        let _ = self.line.say(text).await;
    }

    /// What it hears next; `None` at the end, of which [`Self::farewell`] tells more.
    pub async fn next(&mut self) -> Option<Said> {
        loop {
            if let Some(said) = self.heard.pop_front() {
                return Some(said);
            }
            if self.farewell.closed {
                return None;
            }
            if !self.outgoing.is_empty() {
                let array = json!(std::mem::take(&mut self.outgoing)).to_string();
                self.say(&array).await;
            }
            match self.line.hear().await {
                Heard::Text(text) => match self.kind {
                    kind if kind.is_sock_js() => self.sock_js(&text).await,
                    kind if kind.is_stomp() => self.stomp(text.as_bytes()).await,
                    Packets => self.packet(&text),
                    _ => self.socket_io(&text).await,
                },
                // An answer goes on only up to a length; then there is another.
                Heard::End if self.kind == SockJsStreaming && !self.sock_js_over => {}
                last => {
                    let in_order = self.sock_js_over || !self.kind.is_sock_js();
                    if in_order && self.kind.last().contains(&last) {
                        self.farewell.closed = true;
                    } else {
                        self.farewell.instead = Some(format!("{last:?}"));
                    }
                    return None;
                }
            }
        }
    }
}

/// Where a broker listens.
#[derive(Clone)]
pub struct Addresses {
    http: String,
    stomp: String,
}

impl Addresses {
    pub fn of(broker: &Running) -> Self {
        Self {
            http: broker.address.clone(),
            stomp: broker.stomp_address(),
        }
    }
}
