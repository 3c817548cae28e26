//! What clients of seed 001 ask for.

use serde::Deserialize;
use serde_json::Map;
use serde_json::Value;

use crate::broker::command::Address;
use crate::broker::command::Command;
use crate::broker::command::Letter;
use crate::broker::images::ImageId;
use crate::broker::message::Kind;
use crate::broker::message::MsgId;
use crate::broker::social::Social;
use crate::broker::users::Person;
use crate::broker::users::UserKey;
use crate::gateways::envelope::Envelope;
use crate::gateways::json::GidJson;
use crate::gateways::json::GroupFields;
use crate::gateways::json::UsersJson;
use crate::gateways::socketio::dialects::conversations::Telling;
use crate::gateways::socketio::order::Request;
use crate::gateways::socketio::refusal::Fault;
use crate::gateways::socketio::wire::Event;
use crate::gateways::socketio::wire::NamedJson;

/// The events that need a session token.
pub(super) const EVENTS: [&str; 5] = [
    "message/direct",
    "message/conversation",
    "conversation/add",
    "conversation/join",
    "conversation/leave",
];

/// Targets of one `message/direct`.
const TARGETS_MAX: usize = 100;

/// Users that one `message/conversation` may leave out.
const IGNORED_MAX: usize = 1_000;

/// The field that shows who is logged in; it is nobody else's business.
const SESSION_TOKEN: &str = "sessionToken";

/// `message/direct`: a message for each target, all called the same.
pub(super) fn direct(event: &Event, msg_id: MsgId) -> Result<Request<Telling>, Fault> {
    let mut fields: Map<String, Value> = event.read()?;
    let targets: Vec<NamedJson> = field(&fields, "targetIds")?;
    if targets.is_empty() || targets.len() > TARGETS_MAX {
        return Err(Fault::bad(format!(
            "targetIds: 1 to {TARGETS_MAX} users are allowed"
        )));
    }
    let said = Said::take(&mut fields, "textContent", "content")?;
    let letter = |target: &NamedJson| said.letter(Address::User(target.key.clone()), msg_id);
    Ok(Request {
        commands: targets.iter().map(letter).map(Command::Send).collect(),
        telling: Telling::Direct {
            msg_id,
            targets: targets.into_iter().map(|target| target.wrote).collect(),
        },
    })
}

/// `message/conversation`.
pub(super) fn conversation(event: &Event, msg_id: MsgId) -> Result<Request<Telling>, Fault> {
    let mut fields: Map<String, Value> = event.read()?;
    let GidJson(gid) = field(&fields, "conversationId")?;
    let ignored = users(&fields, "ignoreIds")?;
    if ignored.len() > IGNORED_MAX {
        return Err(Fault::bad(format!(
            "ignoreIds: at most {IGNORED_MAX} users are allowed"
        )));
    }
    let said = Said::take(&mut fields, "content", "textContent")?;
    let letter = Letter {
        ignored,
        wants_reach: true,
        ..said.letter(Address::Group(gid), msg_id)
    };
    Ok(Request {
        telling: Telling::Conversation(msg_id),
        commands: vec![Command::Send(letter)],
    })
}

/// What a message says, and what is kept beside it.
struct Said {
    kind: Kind,
    content: String,
    envelope: Option<String>,
}

impl Said {
    /// Takes the content out of the fields: `natural` is the one that the event has for it, which other gateways' messages
    /// have too; `other` will do, and is kept as it came.
    fn take(fields: &mut Map<String, Value>, natural: &str, other: &str) -> Result<Self, Fault> {
        fields.remove(SESSION_TOKEN);
        // These are the broker's to say.
        fields.remove("id");
        fields.remove("from");
        let kind = match fields.get("type") {
            None | Some(Value::Null) => None,
            Some(Value::String(kind)) => Some(kind.clone()),
            Some(_) => return Err(Fault::bad("type: a word is wanted, such as \"text\"")),
        };
        let content = match (fields.get(natural), fields.get(other)) {
            (Some(Value::String(_)), _) => match fields.remove(natural) {
                Some(Value::String(content)) => content,
                _ => String::new(),
            },
            (None, Some(Value::String(content))) => content.clone(),
            // What is no text may say all in fields of its own.
            (None, None) if kind.as_deref().is_some_and(|kind| kind != "text") => String::new(),
            _ => return Err(Fault::bad(format!("{natural}: a text is wanted"))),
        };
        let is_image = kind.as_deref() == Some("image") && ImageId::parse(&content).is_some();
        Ok(Self {
            kind: if is_image { Kind::Image } else { Kind::Text },
            content,
            envelope: Envelope {
                id: None,
                fields: std::mem::take(fields),
            }
            .write(),
        })
    }

    fn letter(&self, to: Address, msg_id: MsgId) -> Letter {
        Letter {
            kind: self.kind,
            envelope: self.envelope.clone(),
            ..Letter::new(to, msg_id, self.content.clone())
        }
    }
}

/// `conversation/add`. Fields that are not the group's own are kept with it.
pub(super) fn add(event: &Event) -> Result<Request<Telling>, Fault> {
    let mut fields: Map<String, Value> = event.read()?;
    fields.remove(SESSION_TOKEN);
    let group = GroupFields::deserialize(Value::Object(fields))
        .map_err(|why| Fault::bad(format!("conversation/add: {why}")))?;
    Ok(change(Social::MakeGroup(group.into())))
}

/// `conversation/join`.
pub(super) fn join(me: &Person, event: &Event) -> Result<Request<Telling>, Fault> {
    let gid = named(event)?;
    let users = vec![UserKey::Uid(me.uid)];
    Ok(change(Social::AddMembers { gid, users }))
}

/// `conversation/leave`.
pub(super) fn leave(me: &Person, event: &Event) -> Result<Request<Telling>, Fault> {
    let gid = named(event)?;
    let user = UserKey::Uid(me.uid);
    Ok(change(Social::RemoveMember { gid, user }))
}

fn named(event: &Event) -> Result<crate::broker::groups::Gid, Fault> {
    let fields: Map<String, Value> = event.read()?;
    let GidJson(gid) = field(&fields, "conversationId")?;
    Ok(gid)
}

fn change(act: Social) -> Request<Telling> {
    Request {
        telling: Telling::Group,
        commands: vec![Command::Social(act)],
    }
}

fn field<'a, T: Deserialize<'a>>(fields: &'a Map<String, Value>, name: &str) -> Result<T, Fault> {
    let value = fields.get(name).unwrap_or(&Value::Null);
    T::deserialize(value).map_err(|why| Fault::bad(format!("{name}: {why}")))
}

/// A list of users; an absent one is empty.
fn users(fields: &Map<String, Value>, name: &str) -> Result<Vec<UserKey>, Fault> {
    if fields.get(name).is_none_or(Value::is_null) {
        return Ok(Vec::new());
    }
    let UsersJson(users) = field(fields, name)?;
    Ok(users)
}
