//! The answer to a question for history: a page of a conversation, newest first, within a bound of bytes.

use serde::Serialize;

use crate::broker::command::Address;
use crate::broker::delivery::Kept;
use crate::broker::users::UserKey;
use crate::gateways::json::KeptJson;
use crate::gateways::json::wire_uid;
use crate::gateways::stomp::outbound;

/// Bytes of contents in one answer (a single larger message still fits). Beyond, the older ones wait for the next question.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

#[derive(Serialize)]
struct HistoryJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    with: Option<WithJson<'a>>,
    #[serde(rename = "groupId", skip_serializing_if = "Option::is_none")]
    group_id: Option<u64>,
    messages: Vec<KeptJson<'a>>,
    more: bool,
}

/// The other user, as the client has named them.
#[derive(Serialize)]
#[serde(untagged)]
enum WithJson<'a> {
    Uid(u64),
    Name(&'a str),
}

/// The body of an answer about the conversation that the client named so.
pub(super) fn body(about: &Address, messages: &[Kept], more: bool) -> Vec<u8> {
    let (with, group_id) = match about {
        Address::User(UserKey::Uid(uid)) => (Some(WithJson::Uid(wire_uid(*uid))), None),
        Address::User(UserKey::Name(name)) => (Some(WithJson::Name(name)), None),
        Address::Group(gid) => (None, Some(gid.get())),
    };
    let fitting = fitting(messages);
    let shown = messages[..fitting].iter();
    outbound::json(&HistoryJson {
        with,
        group_id,
        messages: shown
            .map(|kept| KeptJson::new(&kept.message, kept.state))
            .collect(),
        more: more || fitting < messages.len(),
    })
}

/// How many of the messages fit one answer.
fn fitting(messages: &[Kept]) -> usize {
    let mut bytes = 0;
    let beyond = messages.iter().enumerate().position(|(index, kept)| {
        bytes += kept.message.content.len();
        index > 0 && bytes > ANSWER_BYTES_MAX
    });
    beyond.unwrap_or(messages.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::delivery::Delivery;
    use crate::broker::groups::Gid;
    use crate::broker::message::Encoded;
    use crate::broker::message::Kind;
    use crate::broker::message::Message;
    use crate::broker::message::MessageId;
    use crate::broker::message::MsgId;
    use crate::broker::message::Recipient;
    use crate::broker::message::Seq;
    use crate::broker::users::Person;
    use std::sync::Arc;

    fn kept(bytes: usize) -> Kept {
        let gid = Gid::new(3).unwrap();
        let message = Arc::new(Message {
            id: MessageId(1),
            seq: Seq(1),
            msg_id: MsgId([0; 20]),
            sender: Person::system(),
            to: Recipient::Group(gid),
            kind: Kind::Text,
            content: "x".repeat(bytes).into(),
            envelope: None,
            time_ms: 0,
            encoded: Encoded::default(),
        });
        let state = Delivery::Stored;
        Kept { message, state }
    }

    #[test]
    fn an_answer_is_bounded_in_bytes_and_says_that_there_is_more() {
        let half = || kept(ANSWER_BYTES_MAX / 2);
        let about = Address::Group(Gid::new(3).unwrap());
        for (messages, fits) in [
            (vec![], 0),
            (vec![half(), half()], 2),
            (vec![half(), half(), kept(1)], 2),
            (vec![kept(ANSWER_BYTES_MAX + 1)], 1),
            (vec![kept(ANSWER_BYTES_MAX + 1), kept(0)], 1),
        ] {
            let body = body(&about, &messages, false);
            let answer: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(answer["messages"].as_array().unwrap().len(), fits);
            assert_eq!(answer["more"], fits < messages.len());
            assert_eq!(answer["groupId"], 3);
            assert!(answer.get("with").is_none());
        }
    }
}
