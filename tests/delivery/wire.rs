//! STOMP as a client speaks and reads it.

use hongyan::broker::message::MsgId;
use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Decoder;
use hongyan_grammar::stomp::Frame;
use hongyan_grammar::stomp::Limits;
use hongyan_grammar::stomp::Side;
use hongyan_grammar::stomp::Unit;
use hongyan_grammar::stomp::Version;
use serde_json::Value;
use serde_json::json;

use crate::model::Letter;
use crate::model::To;
use crate::transition::Mode;

/// A message as a client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub id: u64,
    pub msg_id: String,
    pub sender: u64,
    pub to: To,
    pub content: String,
    pub time_ms: u64,
}

/// What a client hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    Connected,
    Receipt(String),
    /// The session ends, with this word.
    Error(String),
    Closed,
    /// A message, and what an ACK of it repeats.
    Push(Seen, Option<String>),
    /// What became of a message or of a confirmation.
    Status {
        confirms: bool,
        msg_id: String,
        code: u64,
    },
    /// What became of something else.
    Trouble(u64),
    /// Somebody has received a message of the user's.
    Delivered {
        msg_id: String,
        by: u64,
    },
    /// A page of messages, each with whether it is received, and whether there are more.
    History(Vec<(Seen, bool)>, bool),
    /// Of people.
    News,
}

/// The msgID that a number stands for.
pub fn msg_id(name: u32) -> MsgId {
    MsgId::sha1(&name.to_string())
}

pub fn connect(user: u64) -> String {
    let mut wire = "CONNECT\naccept-version:1.2\nheart-beat:0,0\n\n\0".to_owned();
    for (id, destination) in [
        ("sent", "send/status"),
        ("confirmed", "recive/status"),
        ("trouble", "status"),
        ("delivered", "delivery/status"),
        ("history", "history"),
        ("friend", "friend"),
    ] {
        let destination = format!("/user/{user}/queue/{destination}");
        wire += &format!("SUBSCRIBE\nid:{id}\ndestination:{destination}\n\n\0");
    }
    wire
}

pub fn subscribe(user: u64, groups: bool, mode: Mode) -> String {
    let destination = match groups {
        true => "/user/queue/group".to_owned(),
        false => format!("/user/{user}/recive"),
    };
    let id = subscription(groups);
    let ack = match mode {
        Mode::Auto => "auto",
        Mode::Client => "client",
        Mode::Individual => "client-individual",
    };
    format!("SUBSCRIBE\nid:{id}\ndestination:{destination}\nack:{ack}\n\n\0")
}

pub fn unsubscribe(groups: bool) -> String {
    format!("UNSUBSCRIBE\nid:{}\n\n\0", subscription(groups))
}

fn subscription(groups: bool) -> &'static str {
    if groups { "groups" } else { "direct" }
}

fn send(destination: &str, receipt: Option<u64>, body: &str) -> String {
    let receipt = receipt.map_or(String::new(), |id| format!("receipt:{id}\n"));
    format!("SEND\ndestination:/socket/{destination}\n{receipt}\n{body}\0")
}

pub fn letter(letter: &Letter, receipt: u64) -> String {
    let (msg_id, content) = (msg_id(letter.name).to_string(), letter.content.text());
    match letter.to {
        To::User(user) => {
            let body = json!({"msgID": msg_id, "reciverId": user, "content": content});
            send("chat/send", Some(receipt), &body.to_string())
        }
        To::Group(gid) => {
            let ignored = &letter.ignored;
            let body =
                json!({"msgID": msg_id, "groupId": gid, "content": content, "ignoreIds": ignored});
            send("group/send", Some(receipt), &body.to_string())
        }
    }
}

pub fn confirm(name: u32) -> String {
    let body = json!({"msgID": msg_id(name).to_string()});
    send("chat/recive", None, &body.to_string())
}

pub fn init() -> String {
    send("chat/init", None, "")
}

pub fn history(with: To, before: Option<u64>, len: u64) -> String {
    let mut body = match with {
        To::User(user) => json!({"with": user, "len": len}),
        To::Group(gid) => json!({"groupId": gid, "len": len}),
    };
    if let Some(before) = before {
        body["before"] = before.into();
    }
    send("chat/history", None, &body.to_string())
}

/// An ACK, with a RECEIPT to know when it is done.
pub fn ack(id: &str, receipt: u64) -> String {
    format!("ACK\nid:{id}\nreceipt:{receipt}\n\n\0")
}

/// Reads what a connection says.
pub struct Reader(Decoder);

impl Reader {
    pub fn new() -> Self {
        let mut decoder = Decoder::new(Side::Client, Limits::after(1 << 20));
        decoder.set_version(Version::V1_2);
        Self(decoder)
    }

    pub fn read(&mut self, bytes: &[u8]) -> Heard {
        self.0.feed(bytes);
        let unit = self.0.next().expect("a frame that reads");
        match unit.expect("a whole frame") {
            Unit::Beat => panic!("no heart-beats were agreed on"),
            Unit::Frame(frame) => heard(&frame),
        }
    }
}

fn heard(frame: &Frame) -> Heard {
    let header = |name| frame.headers.get(name).unwrap_or_default();
    match frame.command {
        Command::Connected => return Heard::Connected,
        Command::Receipt => return Heard::Receipt(header("receipt-id").to_owned()),
        Command::Error => return Heard::Error(header("message").to_owned()),
        _ => assert_eq!(frame.command, Command::Message),
    }
    let body: Value = serde_json::from_slice(&frame.body).expect("JSON");
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let number = |name: &str| body[name].as_u64().unwrap_or_default();
    match header("subscription") {
        kind @ ("sent" | "confirmed") => Heard::Status {
            confirms: kind == "confirmed",
            msg_id: text("msgID"),
            code: number("code"),
        },
        "trouble" => Heard::Trouble(number("code")),
        "delivered" => Heard::Delivered {
            msg_id: text("msgID"),
            by: number("reciverId"),
        },
        "history" => {
            let messages = body["messages"].as_array().expect("messages");
            let shown = messages.iter().map(|m| (seen(m), m["state"] == "received"));
            Heard::History(shown.collect(), body["more"] == true)
        }
        "direct" | "groups" if body.get("chatID").is_some() => {
            let ack = frame.headers.get("ack").map(str::to_owned);
            Heard::Push(seen(&body), ack)
        }
        _ => Heard::News,
    }
}

fn seen(body: &Value) -> Seen {
    let number = |name: &str| body[name].as_u64().expect("a number");
    let text = |name: &str| body[name].as_str().expect("a text").to_owned();
    Seen {
        id: number("id"),
        msg_id: text("chatID"),
        sender: number("senderId"),
        to: match body.get("groupId") {
            Some(_) => To::Group(number("groupId")),
            None => To::User(number("reciverId")),
        },
        content: text("content"),
        time_ms: number("time"),
    }
}
