//! The JSON that several gateways share: ids as numbers or digits, bodies within a depth, and a message as seed 003 writes it.

use hongyan_grammar::json::DEPTH_MAX;
use hongyan_grammar::json::depth;
use serde::Deserialize;
use serde::Serialize;
use serde::de::Unexpected;
use serde::de::Visitor;

use crate::broker::groups::Gid;
use crate::broker::message::Kind;
use crate::broker::message::Message;
use crate::broker::message::Recipient;
use crate::broker::users::Uid;

/// Reads JSON from a client. The error is a sentence for the client.
pub fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, String> {
    if depth(body) > DEPTH_MAX {
        return Err(format!("the JSON is nested deeper than {DEPTH_MAX}"));
    }
    serde_json::from_slice(body)
        .map_err(|error| format!("the body is not the JSON expected here: {error}"))
}

/// A uid as clients write it: a number or a string of digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UidJson(pub Uid);

impl<'de> Deserialize<'de> for UidJson {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdVisitor;
        impl Visitor<'_> for IdVisitor {
            type Value = UidJson;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a uid: a number from 1, or a string of its digits")
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<UidJson, E> {
                Uid::new(number)
                    .map(UidJson)
                    .ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<UidJson, E> {
                let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
                let number = if digits { text.parse().ok() } else { None };
                number
                    .and_then(Uid::new)
                    .map(UidJson)
                    .ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(IdVisitor)
    }
}

/// A user's number as clients write it: the system is 0.
pub fn wire_uid(uid: Uid) -> u64 {
    if uid == Uid::SYSTEM { 0 } else { uid.get() }
}

/// What a message is, where it is more than words.
pub fn kind_word(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Text => None,
        Kind::Image => Some("image"),
        Kind::Order => Some("order"),
        Kind::Push(_) => Some("push"),
    }
}

/// A message as seed 003 pushes it. The spellings are the wire's own; `groupId` and `type` are beyond the seed.
#[derive(Debug, Serialize)]
pub struct MessageJson<'a> {
    id: u64,
    #[serde(rename = "chatID")]
    chat_id: String,
    sender: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reciver: Option<&'a str>,
    content: &'a str,
    time: u64,
    #[serde(rename = "senderId")]
    sender_id: u64,
    #[serde(rename = "reciverId", skip_serializing_if = "Option::is_none")]
    reciver_id: Option<u64>,
    #[serde(rename = "groupId", skip_serializing_if = "Option::is_none")]
    group_id: Option<u64>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
}

impl<'a> From<&'a Message> for MessageJson<'a> {
    fn from(message: &'a Message) -> Self {
        let (receiver, group) = match &message.to {
            Recipient::User(person) => (Some(person), None),
            Recipient::Group(gid) => (None, Some(*gid)),
        };
        Self {
            id: message.id.0,
            chat_id: message.msg_id.to_string(),
            sender: &message.sender.name,
            reciver: receiver.map(|person| &*person.name),
            content: &message.content,
            time: message.time_ms,
            sender_id: wire_uid(message.sender.uid),
            reciver_id: receiver.map(|person| wire_uid(person.uid)),
            group_id: group.map(Gid::get),
            kind: kind_word(message.kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_is_a_number_or_its_digits() {
        for good in ["7", "\"7\"", "\"007\""] {
            assert_eq!(
                read::<UidJson>(good.as_bytes()).map(|id| id.0.get()),
                Ok(7),
                "{good}"
            );
        }
        for bad in [
            "0",
            "-1",
            "1.5",
            "\"\"",
            "\"x\"",
            "\"+7\"",
            "null",
            "9223372036854775808",
            "[7]",
        ] {
            assert!(read::<UidJson>(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn json_is_read_as_deep_as_allowed() {
        let deep = |n: usize| [vec![b'['; n], vec![b']'; n]].concat();
        assert!(read::<serde_json::Value>(&deep(DEPTH_MAX)).is_ok());
        assert!(read::<serde_json::Value>(&deep(DEPTH_MAX + 1)).is_err());
    }
}
