//! From what the broker tells to packets. What comes from other gateways is shown as a packet, too.

use hongyan_grammar::packet::Content;
use hongyan_grammar::packet::Id;
use hongyan_grammar::packet::Message as Shown;
use hongyan_grammar::packet::ServerPacket;
use serde_json::Value;
use serde_json::json;

use crate::broker::command::Reply;
use crate::broker::delivery::Kept;
use crate::broker::groups::Gid;
use crate::broker::message::Kind;
use crate::broker::message::Message;
use crate::broker::message::Recipient;
use crate::broker::refusal::Refusal;
use crate::broker::social::Changed;
use crate::broker::users::Uid;
use crate::gateways::envelope;
use crate::gateways::json::wire_uid;
use crate::gateways::packets::refusal;

/// Bytes of contents in the answer to one `H`, of which there is one message at least. What is beyond it is asked for next.
const HISTORY_BYTES_MAX: usize = 1024 * 1024;

/// The largest number that every reader of JSON keeps whole: 2^53 - 1.
const WHOLE_MAX: u64 = (1 << 53) - 1;

/// The answer to the packet of this id.
pub(super) fn answer(id: Id, answer: Result<Reply, Refusal>) -> ServerPacket {
    match answer {
        Err(refused) => ServerPacket::Error {
            id: Some(id),
            reason: refusal::sentence(refused),
        },
        Ok(Reply::Online { person, online }) => ServerPacket::Online {
            id,
            uid: wire_uid(person.uid),
            online,
        },
        Ok(Reply::History { messages, more }) => history(id, &messages, more),
        Ok(Reply::Social(Changed::OrderTaken { customer, .. })) => ServerPacket::Done {
            id,
            customer: Some(wire_uid(customer.uid)),
        },
        Ok(_) => ServerPacket::Done { id, customer: None },
    }
}

fn history(id: Id, messages: &[Kept], more: bool) -> ServerPacket {
    let mut bytes = 0;
    let fitting = messages.iter().take_while(|kept| {
        let fits = bytes <= HISTORY_BYTES_MAX;
        bytes += kept.message.bytes();
        fits
    });
    let packets: Vec<Shown> = fitting.map(|kept| remembered(&kept.message)).collect();
    ServerPacket::History {
        id,
        more: more || packets.len() < messages.len(),
        packets,
    }
}

/// A message as it is pushed to its receiver.
pub(super) fn pushed(message: &Message) -> ServerPacket {
    ServerPacket::Message(shown(message))
}

/// A message as a history has it: also to whom, and when.
fn remembered(message: &Message) -> Shown {
    Shown {
        to: match &message.to {
            Recipient::User(person) => Some(wire_uid(person.uid)),
            Recipient::Group(_) => None,
        },
        time_ms: Some(message.time_ms),
        ..shown(message)
    }
}

fn shown(message: &Message) -> Shown {
    let own = Id::from_json(envelope::shown_id(message).get());
    Shown {
        // Other gateways let their clients have ids that are longer, or no words at all.
        id: own
            .or_else(|| Id::from_text(&message.msg_id.to_string()))
            .unwrap_or_else(|| Id::from(message.id.0)),
        from: wire_uid(message.sender.uid),
        to: None,
        group: message.group().map(Gid::get),
        content: content(message),
        time_ms: None,
    }
}

fn content(message: &Message) -> Content {
    let said = &*message.content;
    match message.kind {
        Kind::Text if message.sender.uid == Uid::SYSTEM => Content::System(Value::from(said)),
        Kind::Text => Content::Text(said.to_owned()),
        Kind::Image => Content::Image(said.to_owned()),
        Kind::Order => Content::System(order(said)),
        Kind::Push(number) => {
            let data = serde_json::from_str(said).unwrap_or_else(|_| Value::from(said));
            Content::System(json!({"type": number, "data": data}))
        }
    }
}

/// An order's id: one that is a number is written as a number, as all ids are.
fn order(id: &str) -> Value {
    let number = id.parse::<u64>().ok().filter(|number| *number <= WHOLE_MAX);
    // Neither "+7" nor "007" is the number 7.
    match number.filter(|number| number.to_string() == id) {
        Some(number) => Value::from(number),
        None => Value::from(id),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::broker::delivery::Delivery;
    use crate::broker::message::Encoded;
    use crate::broker::message::MessageId;
    use crate::broker::message::MsgId;
    use crate::broker::message::Seq;
    use crate::broker::users::Person;

    fn person(uid: u64) -> Person {
        Person {
            uid: Uid::new(uid).unwrap(),
            name: format!("n{uid}").into(),
        }
    }

    fn message(kind: Kind, content: &str) -> Message {
        Message {
            id: MessageId(3),
            seq: Seq(1),
            msg_id: MsgId([0xab; 20]),
            sender: person(1),
            to: Recipient::User(person(2)),
            kind,
            content: content.into(),
            envelope: None,
            time_ms: 17,
            encoded: Encoded::default(),
        }
    }

    #[test]
    fn each_kind_has_its_packet() {
        let id = "ab".repeat(20);
        let with_id = |rest: &str| format!(r#"{{"id":"{id}",{rest}}}"#);
        for (message, rest) in [
            (
                message(Kind::Text, "起来"),
                r#""from":1,"type":"t","msg":"起来""#,
            ),
            (
                message(Kind::Image, "0f"),
                r#""from":1,"type":"i","msg":"0f""#,
            ),
            (
                message(Kind::Order, "42"),
                r#""from":1,"type":"s","msg":42"#,
            ),
            (
                message(Kind::Order, "042"),
                r#""from":1,"type":"s","msg":"042""#,
            ),
            (
                message(Kind::Push(5), r#"{"a":[1]}"#),
                r#""from":1,"type":"s","msg":{"data":{"a":[1]},"type":5}"#,
            ),
            (
                Message {
                    sender: Person::system(),
                    ..message(Kind::Text, "hello")
                },
                r#""from":0,"type":"s","msg":"hello""#,
            ),
            (
                Message {
                    to: Recipient::Group(Gid::new(9).unwrap()),
                    ..message(Kind::Text, "all")
                },
                r#""from":1,"type":"t","msg":"all","group":9"#,
            ),
        ] {
            assert_eq!(pushed(&message).write(), with_id(rest));
        }
    }

    #[test]
    fn a_message_has_the_id_of_its_sender_where_that_is_one() {
        let with = |envelope: &str| {
            let message = Message {
                envelope: Some(Arc::from(envelope)),
                ..message(Kind::Text, "x")
            };
            shown(&message).id.as_json().to_owned()
        };
        assert_eq!(with(r#"{"id":17.50}"#), "17.50");
        assert_eq!(with(r#"{"id":"17-x"}"#), "\"17-x\"");
        let hex = format!("\"{}\"", "ab".repeat(20));
        assert_eq!(with(r#"{"id":{"a":1}}"#), hex);
        assert_eq!(with(&format!(r#"{{"id":"{}"}}"#, "x".repeat(129))), hex);
    }

    #[test]
    fn a_history_is_cut_where_it_would_be_too_large() {
        let kept = |content: &str| Kept {
            message: Arc::new(message(Kind::Text, content)),
            state: Delivery::Stored,
        };
        let large = "x".repeat(HISTORY_BYTES_MAX);
        for (contents, packets, cut) in [
            (vec![], 0, false),
            (vec!["a", "b"], 2, false),
            (vec![&large, "b"], 2, false),
            (vec![&large, "b", "c"], 2, true),
        ] {
            let messages: Vec<Kept> = contents.into_iter().map(kept).collect();
            let answer = history(Id::from(1), &messages, false);
            let ServerPacket::History {
                packets: said,
                more,
                ..
            } = answer
            else {
                panic!("{answer:?}");
            };
            assert_eq!((said.len(), more), (packets, cut));
            assert!(
                said.iter()
                    .all(|one| one.time_ms == Some(17) && one.to == Some(2))
            );
        }
    }
}
