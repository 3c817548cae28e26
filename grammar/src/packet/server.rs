//! What the server says: answers, and messages of others.

use std::fmt::Write as _;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::packet::Id;
use crate::packet::fields::{Fields, Refused, malformed, number};
use crate::refusal::{Kind, Refusal};

/// What `L` says: the seed's own words.
const LOGIN: &str = "login in";

/// What `P` answers.
const PONG: &str = "pong";

/// What `A` says where there is nothing else to say.
const SUCCESS: &str = "success";

/// One packet of the server. Where it answers one of the client, it has that one's id.
#[derive(Debug, Clone, PartialEq)]
pub enum ServerPacket {
    /// `L`: the client is logged in.
    Login {
        /// The server's own.
        id: Id,
    },
    /// `P`.
    Pong {
        /// Of what it answers.
        id: Id,
    },
    /// `O`: whether a user is here.
    Online {
        /// Of what it answers.
        id: Id,
        /// Which user.
        uid: u64,
        /// Whether here.
        online: bool,
    },
    /// `H`: what was sent, oldest first.
    History {
        /// Of what it answers.
        id: Id,
        /// The messages.
        packets: Vec<Message>,
        /// Whether there are later ones than these.
        more: bool,
    },
    /// `A`: it is done; of a message, it is stored.
    Done {
        /// Of what it answers.
        id: Id,
        /// Who ordered, where an order was taken.
        customer: Option<u64>,
    },
    /// `E`: it is not done.
    Error {
        /// Of what it answers; `None`, in JSON null, where that could not be read.
        id: Option<Id>,
        /// Why, and what would be right.
        reason: String,
    },
    /// `C`: the server closes the connection.
    Close {
        /// The server's own.
        id: Id,
        /// Why.
        reason: String,
    },
    /// `t`, `i` or `s`: something for this user.
    Message(Message),
}

/// Something that was sent to somebody.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its sender's.
    pub id: Id,
    /// Who sent it; 0 is the system.
    pub from: u64,
    /// To whom; said only in a history.
    pub to: Option<u64>,
    /// To which group, where it is for one (beyond the seed).
    pub group: Option<u64>,
    /// What it says.
    pub content: Content,
    /// When it was stored, milliseconds since the Unix epoch; said only in a history.
    pub time_ms: Option<u64>,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// `t`: words.
    Text(String),
    /// `i`: a picture's id.
    Image(String),
    /// `s`: of the system, or about an order.
    System(Value),
}

impl ServerPacket {
    /// The message that says it.
    pub fn write(&self) -> String {
        let mut out = String::with_capacity(128);
        match self {
            Self::Login { id } => begin(&mut out, id, "L", &Value::from(LOGIN)),
            Self::Pong { id } => {
                begin(&mut out, id, "P", &Value::from(PONG));
                // The seed's own sample has it.
                out.push_str(r#","to":0"#);
            }
            Self::Online { id, uid, online } => {
                let msg = serde_json::json!({"id": uid, "online": online});
                begin(&mut out, id, "O", &msg);
            }
            Self::History { id, packets, more } => {
                write(
                    &mut out,
                    format_args!(r#"{{"id":{},"from":0,"type":"H","msg":["#, id.as_json()),
                );
                for (at, message) in packets.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    message.write(&mut out);
                }
                write(&mut out, format_args!(r#"],"more":{more}"#));
            }
            Self::Done { id, customer: None } => begin(&mut out, id, "A", &Value::from(SUCCESS)),
            Self::Done {
                id,
                customer: Some(uid),
            } => begin(&mut out, id, "A", &Value::from(*uid)),
            Self::Error { id, reason } => {
                let id = id.as_ref().map_or("null", Id::as_json);
                let reason = Value::from(reason.as_str());
                write(
                    &mut out,
                    format_args!(r#"{{"id":{id},"from":0,"type":"E","msg":{reason}"#),
                );
            }
            Self::Close { id, reason } => begin(&mut out, id, "C", &Value::from(reason.as_str())),
            Self::Message(message) => {
                message.write(&mut out);
                return out;
            }
        }
        out.push('}');
        out
    }

    /// Reads one message of a server: the inverse of [`ServerPacket::write`], for clients.
    ///
    /// # Errors
    ///
    /// [`Kind::MalformedPacket`], [`Kind::UnknownType`].
    pub fn read(text: &str) -> Result<Self, Refused> {
        let fields = Fields::read(text).map_err(|refusal| Refused { id: None, refusal })?;
        let id = fields.id().ok();
        packet(&fields).map_err(|refusal| Refused { id, refusal })
    }
}

impl Message {
    fn write(&self, out: &mut String) {
        let Self { id, from, .. } = self;
        write(
            out,
            format_args!(r#"{{"id":{},"from":{from}"#, id.as_json()),
        );
        if let Some(to) = self.to {
            write(out, format_args!(r#","to":{to}"#));
        }
        let (kind, msg) = match &self.content {
            Content::Text(text) => ("t", &Value::from(text.as_str())),
            Content::Image(image) => ("i", &Value::from(image.as_str())),
            Content::System(msg) => ("s", msg),
        };
        write(out, format_args!(r#","type":"{kind}","msg":{msg}"#));
        if let Some(group) = self.group {
            write(out, format_args!(r#","group":{group}"#));
        }
        if let Some(time_ms) = self.time_ms {
            write(out, format_args!(r#","time":{time_ms}"#));
        }
        out.push('}');
    }

    fn read(fields: &Fields<'_>) -> Result<Self, Refusal> {
        let content = match fields.text("type").as_deref() {
            Some("t") => Content::Text(fields.text("msg").ok_or_else(wrong_msg)?),
            Some("i") => Content::Image(fields.text("msg").ok_or_else(wrong_msg)?),
            Some("s") => Content::System(fields.value("msg")),
            _ => return Err(unknown_type()),
        };
        Ok(Self {
            id: fields.id()?,
            from: fields
                .number("from")
                .ok_or_else(|| malformed("a message has a from"))?,
            to: fields.number("to"),
            group: fields.number("group"),
            content,
            time_ms: fields.number("time"),
        })
    }
}

/// All but the closing brace of a packet of the server's own.
fn begin(out: &mut String, id: &Id, kind: &str, msg: &Value) {
    let id = id.as_json();
    write(
        out,
        format_args!(r#"{{"id":{id},"from":0,"type":"{kind}","msg":{msg}"#),
    );
}

fn write(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = out.write_fmt(text);
}

fn packet(fields: &Fields<'_>) -> Result<ServerPacket, Refusal> {
    let kind = fields.text("type").unwrap_or_default();
    Ok(match kind.as_str() {
        "L" => ServerPacket::Login { id: fields.id()? },
        "P" => ServerPacket::Pong { id: fields.id()? },
        "O" => {
            let msg = fields.get("msg").map_or("", RawValue::get);
            let msg = Fields::read(msg)?;
            ServerPacket::Online {
                id: fields.id()?,
                uid: msg.number("id").ok_or_else(wrong_msg)?,
                online: msg.value("online").as_bool().ok_or_else(wrong_msg)?,
            }
        }
        "H" => {
            let msg = fields.get("msg").map_or("", RawValue::get);
            let packets: Vec<&RawValue> = serde_json::from_str(msg).map_err(|_| wrong_msg())?;
            let packets = packets
                .into_iter()
                .map(|packet| Message::read(&Fields::read(packet.get())?));
            ServerPacket::History {
                id: fields.id()?,
                packets: packets.collect::<Result<_, _>>()?,
                more: fields.value("more").as_bool().unwrap_or_default(),
            }
        }
        "A" => ServerPacket::Done {
            id: fields.id()?,
            customer: fields.get("msg").and_then(number),
        },
        "E" => ServerPacket::Error {
            id: fields.id().ok(),
            reason: fields.text("msg").ok_or_else(wrong_msg)?,
        },
        "C" => ServerPacket::Close {
            id: fields.id()?,
            reason: fields.text("msg").ok_or_else(wrong_msg)?,
        },
        _ => ServerPacket::Message(Message::read(fields)?),
    })
}

fn wrong_msg() -> Refusal {
    malformed("the msg is not what a server says with this type")
}

fn unknown_type() -> Refusal {
    let sentence = "this type is none of a server's: L, P, O, H, A, E, C, t, i and s are";
    Refusal::new(Kind::UnknownType, 0, sentence)
}
