//! What clients of seed 001 are told.

use serde::Serialize;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::broker::command::Reply;
use crate::broker::groups::Group;
use crate::broker::message::Kind;
use crate::broker::message::Message;
use crate::broker::message::MsgId;
use crate::broker::message::Recipient;
use crate::broker::social::Changed;
use crate::broker::users::Person;
use crate::gateways::Act;
use crate::gateways::envelope::Envelope;
use crate::gateways::json::kind_word;
use crate::gateways::socketio::dialects::conversations::Naming;
use crate::gateways::socketio::order::Answer;
use crate::gateways::socketio::refusal::Fault;
use crate::gateways::socketio::wire::Namespace;
use crate::gateways::socketio::wire::emit;

/// The body of the answer to `message/direct`.
#[derive(Serialize)]
pub(super) struct Sent {
    id: String,
    /// Those for whom it is stored.
    sent: Vec<Value>,
    /// Those for whom it was refused: beyond the seed, and only where there are any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<Failed>,
}

#[derive(Serialize)]
struct Failed {
    id: Value,
    #[serde(rename = "statusCode")]
    status_code: u16,
    error: String,
}

impl Sent {
    /// Tells for whom a message was stored. Refused: for nobody, and why for the first one.
    pub(super) fn sort(
        msg_id: MsgId,
        targets: Vec<Value>,
        answers: Vec<Answer>,
    ) -> Result<Self, Fault> {
        let (mut sent, mut failed) = (Vec::new(), Vec::new());
        for (id, answer) in targets.into_iter().zip(answers) {
            match answer {
                Ok(_) => sent.push(id),
                Err(refusal) => {
                    let Fault { code, sentence } = Fault::from(refusal);
                    failed.push(Failed {
                        id,
                        status_code: code,
                        error: sentence,
                    });
                }
            }
        }
        if sent.is_empty() && !failed.is_empty() {
            let Failed {
                status_code, error, ..
            } = failed.swap_remove(0);
            return Err(Fault::new(status_code, error));
        }
        Ok(Self {
            id: msg_id.to_string(),
            sent,
            failed,
        })
    }
}

/// The body of the answer to `message/conversation`.
#[derive(Serialize)]
pub(super) struct Reached {
    id: String,
    sent: Reach,
}

#[derive(Serialize)]
struct Reach {
    online: Vec<Value>,
    offline: Vec<Value>,
}

impl Reached {
    pub(super) fn new(naming: Naming, msg_id: MsgId, reply: Option<Reply>) -> Self {
        let reach = match reply {
            Some(Reply::Sent { reach, .. }) => reach.unwrap_or_default(),
            _ => Default::default(),
        };
        let write = |people: &[Person]| people.iter().map(|person| naming.write(person)).collect();
        Self {
            id: msg_id.to_string(),
            sent: Reach {
                online: write(&reach.online),
                offline: write(&reach.offline),
            },
        }
    }
}

/// The body of the answer to what was done to a conversation.
pub(super) fn group(naming: Naming, reply: Option<Reply>) -> Value {
    match reply {
        Some(Reply::Social(Changed::Group { group, .. })) => fields(naming, &group),
        Some(Reply::Social(Changed::Left { gid, .. })) => json!({ "id": gid.get() }),
        // The broker answers what it was asked.
        _ => json!({}),
    }
}

/// A conversation with all its fields; those of clients' own never hide the others.
fn fields(naming: Naming, group: &Group) -> Value {
    let people =
        |people: &[Person]| -> Value { people.iter().map(|person| naming.write(person)).collect() };
    let custom = group.custom.iter().map(|(name, written)| {
        let value = serde_json::from_str(written).unwrap_or_else(|_| written.clone().into());
        (name.clone(), value)
    });
    let mut fields: Map<String, Value> = custom.collect();
    let own = [
        ("id", group.gid.get().into()),
        ("name", (&*group.name).into()),
        ("admin", people(&group.admins)),
        ("members", people(&group.members)),
        ("protected", group.protected.clone().into()),
    ];
    fields.extend(own.map(|(name, value)| (name.to_owned(), value)));
    Value::Object(fields)
}

/// `message/direct` or `message/conversation`: the sender's fields, or, of what came in another way, those that it would
/// have had.
pub(super) fn message(naming: Naming, me: &Person, message: &Message) -> Act {
    let mut fields = Envelope::of(message).fields;
    let mut add = |name: &str, value: Value| {
        fields.entry(name).or_insert(value);
    };
    let (event, text) = match &message.to {
        Recipient::User(_) => {
            add("targetIds", json!([naming.write(me)]));
            ("message/direct", "textContent")
        }
        Recipient::Group(gid) => {
            add("conversationId", gid.get().into());
            ("message/conversation", "content")
        }
    };
    add("type", kind_word(message.kind).unwrap_or("text").into());
    if let Kind::Push(number) = message.kind {
        add("pushType", number.into());
    }
    if !message.content.is_empty() {
        add(text, (&*message.content).into());
    }
    fields.insert("id".to_owned(), message.msg_id.to_string().into());
    fields.insert("from".to_owned(), naming.write(&message.sender));
    emit(Namespace::Root, event, &fields)
}
