//! Messages as seed 003 writes them.

use serde::Serialize;

use crate::broker::delivery::Delivery;
use crate::broker::groups::Gid;
use crate::broker::message::Kind;
use crate::broker::message::Message;
use crate::broker::message::MessageId;
use crate::broker::message::Recipient;
use crate::broker::ports::Before;
use crate::gateways::json::push_name;
use crate::gateways::json::wire_uid;

/// What a message is, where it is more than words: `image`, `order`, or the name of seed 002's type.
pub fn kind_word(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Text => None,
        Kind::Image => Some("image"),
        Kind::Order => Some("order"),
        Kind::Push(number) => push_name(number).or(Some("push")),
    }
}

/// What a client says that its message is: words where it says nothing. The error is a sentence for the client.
pub fn kind_of(word: Option<&str>) -> Result<Kind, &'static str> {
    match word {
        None | Some("text") => Ok(Kind::Text),
        Some("image") => Ok(Kind::Image),
        Some(_) => Err("\"type\" must be \"text\" or \"image\"; the content of an image is its id"),
    }
}

/// Where times begin: a lower `before` is an id. As a time this is September 2001.
const TIMES_FROM: u64 = 1_000_000_000_000;

/// Where a page of history ends that is to end before this id, or this time in milliseconds since the Unix epoch.
pub fn before_of(number: u64) -> Before {
    match number {
        TIMES_FROM.. => Before::Time(number),
        _ => Before::Id(MessageId(number)),
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

/// A message with its state, as pages of history and inbox show it.
#[derive(Debug, Serialize)]
pub struct KeptJson<'a> {
    #[serde(flatten)]
    message: MessageJson<'a>,
    #[serde(rename = "msgID")]
    msg_id: String,
    state: &'static str,
}

impl<'a> KeptJson<'a> {
    /// `message`, which has come so far.
    pub fn new(message: &'a Message, state: Delivery) -> Self {
        Self {
            message: MessageJson::from(message),
            msg_id: message.msg_id.to_string(),
            state: state.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::message::Encoded;
    use crate::broker::message::MsgId;
    use crate::broker::message::Seq;
    use crate::broker::users::Person;

    #[test]
    fn the_system_is_nobody_and_a_push_has_its_type() {
        let message = Message {
            id: MessageId(7),
            seq: Seq(1),
            msg_id: MsgId([0; 20]),
            sender: Person::system(),
            to: Recipient::Group(Gid::new(3).unwrap()),
            kind: Kind::Push(5),
            content: "{}".into(),
            envelope: None,
            time_ms: 9,
            encoded: Encoded::default(),
        };
        let json = serde_json::to_value(MessageJson::from(&message)).unwrap();
        let expected = serde_json::json!({
            "id": 7, "chatID": "0".repeat(40), "sender": "", "senderId": 0, "groupId": 3,
            "content": "{}", "time": 9, "type": "S2C_SYSTEM_PUSH",
        });
        assert_eq!(json, expected);
    }
}
