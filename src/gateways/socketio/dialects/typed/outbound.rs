//! What clients of seed 002 are told.

use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use crate::broker::message::Kind;
use crate::broker::message::Message;
use crate::broker::message::Recipient;
use crate::broker::notice::GroupChange;
use crate::broker::notice::Notice;
use crate::broker::users::Person;
use crate::gateways::Act;
use crate::gateways::json::kind_word;
use crate::gateways::json::wire_uid;
use crate::gateways::socketio::dialects::typed::Type;
use crate::gateways::socketio::wire::Namespace;
use crate::gateways::socketio::wire::emit;

/// `message`: JSON in a string.
fn send(number: u8, data: &impl Serialize) -> Act {
    #[derive(Serialize)]
    struct Sentence<'a, T> {
        r#type: u8,
        data: &'a T,
    }
    let sentence = Sentence {
        r#type: number,
        data,
    };
    // Strings, numbers and maps with strings for keys always can be written; the default is for the compiler.
    let text = serde_json::to_string(&sentence).unwrap_or_default();
    emit(Namespace::Root, "message", &text)
}

/// A code of CONTRACT section 4, and what was wrong.
pub(super) fn code(kind: Type, code: u16, error: Option<&str>) -> Act {
    #[derive(Serialize)]
    struct Code<'a> {
        code: u16,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<&'a str>,
    }
    send(kind as u8, &Code { code, error })
}

/// `S2C_DIFFERENT_CONNECTION`.
pub(super) fn displaced() -> Act {
    send(Type::DifferentConnection as u8, &json!({}))
}

/// A message: a chat's with its own fields; what was pushed as it was pushed.
pub(super) fn message(message: &Message) -> Act {
    if let Kind::Push(number) = message.kind {
        let data: Value =
            serde_json::from_str(&message.content).unwrap_or_else(|_| (&*message.content).into());
        return send(number, &data);
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Chat<'a> {
        id: u64,
        #[serde(rename = "msgID")]
        msg_id: String,
        from: u64,
        from_name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        to: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        group: Option<u64>,
        content: &'a str,
        time: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        kind: Option<&'static str>,
    }
    let (to, group) = match &message.to {
        Recipient::User(person) => (Some(wire_uid(person.uid)), None),
        Recipient::Group(gid) => (None, Some(gid.get())),
    };
    let number = match group {
        Some(_) => Type::TeamChat,
        None if message.sender.is_system() => Type::System,
        None => Type::AloneChat,
    };
    let chat = Chat {
        id: message.id.0,
        msg_id: message.msg_id.to_string(),
        from: wire_uid(message.sender.uid),
        from_name: &message.sender.name,
        to,
        group,
        content: &message.content,
        time: message.time_ms,
        kind: kind_word(message.kind),
    };
    send(number as u8, &chat)
}

/// What happened between people, where the seed has a type for it.
pub(super) fn notice(me: &Person, notice: &Notice) -> Option<Act> {
    match notice {
        Notice::FriendAsked(request) if request.to == *me => {
            let data = json!({
                "id": request.id.0,
                "from": request.from.uid.get(),
                "fromName": &*request.from.name,
                "to": me.uid.get(),
                "msg": &request.words,
                "time": request.time_ms,
            });
            Some(send(Type::FriendApply as u8, &data))
        }
        Notice::Group(news) => {
            let (kind, people) = match &news.what {
                GroupChange::Joined(people) => (Type::TeamMemberEnter, people.as_slice()),
                GroupChange::Left(people) => (Type::TeamMemberLeave, people.as_slice()),
                GroupChange::Made => (Type::TeamMemberEnter, std::slice::from_ref(&news.by)),
                GroupChange::Changed => return None,
            };
            let members: Value = people
                .iter()
                .map(|person| json!({ "uid": wire_uid(person.uid), "uname": &*person.name }))
                .collect();
            let data = json!({
                "group": news.gid.get(),
                "groupName": &*news.name,
                "members": members,
                "by": wire_uid(news.by.uid),
                "time": news.time_ms,
            });
            Some(send(kind as u8, &data))
        }
        Notice::FriendAsked(_)
        | Notice::FriendAnswered { .. }
        | Notice::FriendGone { .. }
        | Notice::Presence { .. } => None,
    }
}
