//! What clients of seed 000 ask for.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::broker::command::Address;
use crate::broker::command::Command;
use crate::broker::command::Letter;
use crate::broker::limits::CLIENT_PAGE_MAX;
use crate::broker::limits::PAGE_MESSAGES;
use crate::broker::message::MessageId;
use crate::broker::ports::Before;
use crate::broker::users::Person;
use crate::gateways::envelope;
use crate::gateways::envelope::Envelope;
use crate::gateways::json::GidJson;
use crate::gateways::json::NumberJson;
use crate::gateways::socketio::dialects::rooms::Telling;
use crate::gateways::socketio::dialects::rooms::outbound::Asked;
use crate::gateways::socketio::dialects::rooms::outbound::Receipt;
use crate::gateways::socketio::order::Request;
use crate::gateways::socketio::refusal::Fault;
use crate::gateways::socketio::wire::Event;
use crate::gateways::socketio::wire::NamedJson;
use crate::gateways::socketio::wire::Namespace;

/// Messages that `chistory` is told where it does not say how many.
const HISTORY_DEFAULT: u64 = 10;

/// `caoff`, and its later pages.
pub(super) fn offline(after: MessageId, first: bool) -> Request<Telling> {
    Request {
        telling: Telling::Offline { after, first },
        commands: vec![Command::Inbox {
            after,
            limit: PAGE_MESSAGES,
        }],
    }
}

/// `cfmsg` and `cgmsg`. Their `from` is the session's own user, whatever it says.
#[derive(Deserialize)]
#[serde(expecting = "{id, from, to, sendDate, msg}")]
struct Message {
    id: Box<RawValue>,
    to: Value,
    #[serde(rename = "sendDate")]
    send_date: Option<Box<RawValue>>,
    msg: String,
}

/// `cfmsg`.
pub(super) fn to_friend(me: &Person, event: &Event) -> Result<Request<Telling>, Fault> {
    let message: Message = event.read()?;
    let to: NamedJson = named(&message.to)?;
    let shown = to.shown();
    Ok(send(
        me,
        message,
        Address::User(to.key),
        Namespace::Friend,
        shown,
    ))
}

/// `cgmsg`.
pub(super) fn to_group(me: &Person, event: &Event) -> Result<Request<Telling>, Fault> {
    let message: Message = event.read()?;
    let GidJson(gid) = named(&message.to)?;
    let shown = gid.get().into();
    Ok(send(
        me,
        message,
        Address::Group(gid),
        Namespace::Group,
        shown,
    ))
}

fn named<'a, T: Deserialize<'a>>(to: &'a Value) -> Result<T, Fault> {
    T::deserialize(to).map_err(|why| Fault::bad(format!("to: {why}")))
}

fn send(
    me: &Person,
    message: Message,
    to: Address,
    namespace: Namespace,
    shown: Value,
) -> Request<Telling> {
    let Message {
        id, send_date, msg, ..
    } = message;
    let msg_id = msg_id(me, &id, send_date.as_deref());
    let letter = Letter {
        envelope: Envelope::with_id(&id).write(),
        ..Letter::new(to, msg_id, msg.clone())
    };
    Request {
        telling: Telling::Receipt(Receipt {
            namespace,
            id,
            to: shown,
            msg,
        }),
        commands: vec![Command::Send(letter)],
    }
}

/// The msgID. The seed's own ids are small numbers, which a client may well begin to count anew when it is loaded anew; when
/// it sent the message tells these apart, and a message sent again has the same.
fn msg_id(
    me: &Person,
    id: &RawValue,
    send_date: Option<&RawValue>,
) -> crate::broker::message::MsgId {
    let text = serde_json::from_str::<String>(id.get()).unwrap_or_else(|_| id.get().to_owned());
    match send_date {
        Some(date) => envelope::msg_id(me.uid, &format!("{text}:{}", date.get())),
        None => envelope::msg_id(me.uid, &text),
    }
}

/// `chistory`.
#[derive(Deserialize)]
#[serde(expecting = "{id, from, to, type, date, len}")]
struct Chistory {
    id: Option<Box<RawValue>>,
    to: Value,
    r#type: Type,
    date: Option<NumberJson>,
    len: Option<NumberJson>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Type {
    Friend,
    Group,
}

/// `chistory`.
pub(super) fn history(event: &Event) -> Result<Request<Telling>, Fault> {
    let asked: Chistory = event.read()?;
    let (with, shown, types) = match asked.r#type {
        Type::Friend => {
            let user: NamedJson = named(&asked.to)?;
            let shown = user.shown();
            (Address::User(user.key), shown, "friend")
        }
        Type::Group => {
            let GidJson(gid) = named(&asked.to)?;
            (Address::Group(gid), gid.get().into(), "group")
        }
    };
    // 0 is what the seed shows, and nothing is before it.
    let before = asked.date.filter(|date| date.0 > 0);
    let len = asked.len.map_or(HISTORY_DEFAULT, |len| len.0);
    let limit = usize::try_from(len).map_or(CLIENT_PAGE_MAX, |len| len.clamp(1, CLIENT_PAGE_MAX));
    Ok(Request {
        telling: Telling::History(Asked {
            id: asked.id.unwrap_or_default(),
            with: shown,
            types,
        }),
        commands: vec![Command::History {
            with,
            before: before.map(|date| Before::Time(date.0)),
            limit,
        }],
    })
}
