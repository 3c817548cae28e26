//! What clients of seed 000 are told.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::broker::delivery::Kept;
use crate::broker::message::Kind;
use crate::broker::message::Message;
use crate::broker::message::Recipient;
use crate::broker::moment::Moment;
use crate::broker::users::Uid;
use crate::gateways::Act;
use crate::gateways::envelope;
use crate::gateways::json::kind_word;
use crate::gateways::json::wire_uid;
use crate::gateways::socketio::wire::Namespace;
use crate::gateways::socketio::wire::emit;

/// Bytes of contents that one `saoff` or `shistory` holds (a single larger one still fits an empty one).
const TOLD_BYTES_MAX: usize = 256 * 1024;
const HISTORY_BYTES_MAX: usize = 1024 * 1024;

/// `sfmsg` and `sgmsg`. `type` is beyond the seed: what the message is, where it is no words.
#[derive(Serialize)]
struct MessageJson<'a> {
    id: &'a RawValue,
    from: u64,
    to: &'a Value,
    #[serde(rename = "sendDate")]
    send_date: u64,
    msg: &'a str,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
}

/// The namespace that a message belongs to.
pub(super) fn namespace(message: &Message) -> Namespace {
    match message.to {
        Recipient::Group(_) => Namespace::Group,
        Recipient::User(_) if message.sender.is_system() => Namespace::Server,
        Recipient::User(_) => Namespace::Friend,
    }
}

fn event_name(namespace: Namespace) -> &'static str {
    match namespace {
        Namespace::Group => "sgmsg",
        _ => "sfmsg",
    }
}

fn to_json(message: &Message) -> Value {
    match &message.to {
        Recipient::User(person) => wire_uid(person.uid).into(),
        Recipient::Group(gid) => gid.get().into(),
    }
}

/// Runs `with` on a message as `sfmsg` and `sgmsg` write it.
fn written<T>(message: &Message, with: impl FnOnce(&MessageJson<'_>) -> T) -> T {
    with(&MessageJson {
        id: &envelope::shown_id(message),
        from: wire_uid(message.sender.uid),
        to: &to_json(message),
        send_date: message.time_ms,
        msg: &message.content,
        kind: kind_word(message.kind),
    })
}

/// `sfmsg` or `sgmsg` of a message.
pub(super) fn message(message: &Message) -> Act {
    let namespace = match namespace(message) {
        Namespace::Group => Namespace::Group,
        _ => Namespace::Friend,
    };
    written(message, |json| emit(namespace, event_name(namespace), json))
}

/// What a sender's receipt repeats.
pub(in crate::gateways::socketio) struct Receipt {
    pub(super) namespace: Namespace,
    pub(super) id: Box<RawValue>,
    pub(super) to: Value,
    pub(super) msg: String,
}

impl Receipt {
    /// `sfmsg` or `sgmsg` to the sender: the message is kept since `time_ms`.
    pub(super) fn say(&self, me: Uid, time_ms: u64) -> Act {
        let json = MessageJson {
            id: &self.id,
            from: me.get(),
            to: &self.to,
            send_date: time_ms,
            msg: &self.msg,
            kind: None,
        };
        emit(self.namespace, event_name(self.namespace), &json)
    }
}

/// `news` of what the system pushed; `type`, `data`, `id` and `date` are beyond the seed.
pub(super) fn pushed(message: &Message) -> Act {
    #[derive(Serialize)]
    struct News<'a> {
        info: &'static str,
        msg: &'a str,
        #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
        number: Option<u8>,
        #[serde(skip_serializing_if = "Option::is_none")]
        data: Option<Value>,
        id: u64,
        date: u64,
    }
    let (number, data) = match message.kind {
        Kind::Push(number) => (Some(number), serde_json::from_str(&message.content).ok()),
        Kind::Text | Kind::Image | Kind::Order => (None, None),
    };
    let news = News {
        info: "info",
        // What was pushed as a mere text is to be read as one.
        msg: match &data {
            Some(Value::String(text)) => text,
            _ => &message.content,
        },
        number,
        data: data.clone(),
        id: message.id.0,
        date: message.time_ms,
    };
    emit(Namespace::Server, "news", &news)
}

/// `saoff`, as it fills.
pub(super) struct Logs {
    me: Uid,
    friends: Vec<Value>,
    groups: Vec<Value>,
    bytes: usize,
}

impl Logs {
    pub(super) fn new(me: Uid) -> Self {
        Self {
            me,
            friends: Vec::new(),
            groups: Vec::new(),
            bytes: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.friends.is_empty() && self.groups.is_empty()
    }

    /// Adds a message; where it does not fit, what is full.
    pub(super) fn add(&mut self, message: &Message) -> Option<Act> {
        let bytes = message.bytes();
        let full = self.bytes > 0 && self.bytes + bytes > TOLD_BYTES_MAX;
        let act = full.then(|| self.take());
        self.bytes += bytes;
        let logs = match message.to {
            Recipient::User(_) => &mut self.friends,
            Recipient::Group(_) => &mut self.groups,
        };
        // It is written once more with the rest, which can't fail either.
        logs.push(written(message, |json| {
            serde_json::to_value(json).unwrap_or_default()
        }));
        act
    }

    /// `saoff` of what there is.
    pub(super) fn take(&mut self) -> Act {
        #[derive(Serialize)]
        struct Saoff<'a> {
            from: &'static str,
            to: u64,
            flogs: &'a [Value],
            glogs: &'a [Value],
        }
        let told = Saoff {
            from: "off-line",
            to: self.me.get(),
            flogs: &self.friends,
            glogs: &self.groups,
        };
        let act = emit(Namespace::Root, "saoff", &told);
        self.friends.clear();
        self.groups.clear();
        self.bytes = 0;
        act
    }
}

/// What `chistory` asked for, as far as its answer repeats it.
pub(in crate::gateways::socketio) struct Asked {
    pub(super) id: Box<RawValue>,
    pub(super) with: Value,
    pub(super) types: &'static str,
}

/// `shistory`: what fits of the newest messages, the oldest first.
pub(super) fn history(me: Uid, now: Moment, asked: Asked, newest_first: &[Kept]) -> Act {
    #[derive(Serialize)]
    struct Shistory {
        id: Box<RawValue>,
        from: Value,
        to: u64,
        types: &'static str,
        #[serde(rename = "sendDate")]
        send_date: u64,
        fids: Vec<Box<RawValue>>,
        data: Vec<Value>,
    }
    let mut bytes = 0_usize;
    let fits = newest_first.iter().take_while(|kept| {
        let first = bytes == 0;
        bytes += kept.message.bytes().max(1);
        first || bytes <= HISTORY_BYTES_MAX
    });
    let mut messages: Vec<&Message> = fits.map(|kept| &*kept.message).collect();
    messages.reverse();
    let named_by_number = asked.with.is_number();
    let other = messages.iter().find_map(|message| other_than(me, message));
    let told = Shistory {
        id: asked.id,
        from: match other {
            Some(uid) if !named_by_number => uid.into(),
            _ => asked.with,
        },
        to: me.get(),
        types: asked.types,
        send_date: now.epoch_ms,
        fids: messages
            .iter()
            .map(|message| envelope::shown_id(message))
            .collect(),
        data: messages
            .iter()
            .map(|message| {
                written(message, |json| {
                    serde_json::to_value(json).unwrap_or_default()
                })
            })
            .collect(),
    };
    emit(Namespace::Root, "shistory", &told)
}

/// The number of the other one in a message between two.
fn other_than(me: Uid, message: &Message) -> Option<u64> {
    let Recipient::User(to) = &message.to else {
        return None;
    };
    let other = if to.uid == me { &message.sender } else { to };
    Some(wire_uid(other.uid))
}

/// `stime`.
pub(super) fn time(now: Moment) -> Act {
    #[derive(Serialize)]
    struct Stime {
        date: u64,
    }
    let date = now.epoch_ms;
    emit(Namespace::Root, "stime", &Stime { date })
}
