//! What gateways keep of a client's message beside its content ([`Message::envelope`]), written and read: the id that the
//! client gave it, and fields of which the broker knows nothing. Shared, because what one gateway keeps another shows.
//!
//! On disk it is `{"id": …, "fields": {…}}`; each part is there only where there is something to keep.

use serde::Deserialize;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;
use serde_json::value::RawValue;
use sha1::Digest;
use sha1::Sha1;

use crate::broker::message::Message;
use crate::broker::message::MsgId;
use crate::broker::users::Uid;

/// What is kept beside a content.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Envelope {
    /// The client's own id of the message, letter for letter as it came: a number that a `f64` could not hold stays whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Box<RawValue>>,
    /// Further fields that the client sent, by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub fields: Map<String, Value>,
}

impl Envelope {
    /// An envelope with nothing but the client's own id: any JSON.
    pub fn with_id(id: &impl Serialize) -> Self {
        Self {
            // What can't be written as JSON never came as JSON.
            id: serde_json::value::to_raw_value(id).ok(),
            fields: Map::new(),
        }
    }

    /// What was kept with a message. Nothing where its sender's protocol keeps nothing.
    pub fn of(message: &Message) -> Self {
        let kept = message.envelope.as_deref();
        kept.and_then(|kept| serde_json::from_str(kept).ok())
            .unwrap_or_default()
    }

    /// The text for [`crate::broker::command::Letter::envelope`]; none where there is nothing to keep.
    pub fn write(&self) -> Option<String> {
        if self.id.is_none() && self.fields.is_empty() {
            return None;
        }
        // Raw JSON, strings and maps with strings for keys always can be written.
        serde_json::to_string(self).ok()
    }
}

/// The msgID of a message whose client made an id of its own kind: SHA-1 of sender, colon and id (CONTRACT section 7).
pub fn msg_id(sender: Uid, id: &str) -> MsgId {
    MsgId(Sha1::digest(format!("{sender}:{id}")).into())
}

/// The same for an id in JSON: of a string what it says, of anything else (a number, as a rule) as it is written. So the
/// number 7 and the string "7" are one id, as everywhere on the wire.
pub fn msg_id_of(sender: Uid, id: &RawValue) -> MsgId {
    match serde_json::from_str::<String>(id.get()) {
        Ok(text) => msg_id(sender, &text),
        Err(_) => msg_id(sender, id.get()),
    }
}

/// The id by which a message is shown where clients have ids of their own kind: the sender's own, else the msgID in hex.
pub fn shown_id(message: &Message) -> Box<RawValue> {
    let own = Envelope::of(message).id;
    own.or_else(|| serde_json::value::to_raw_value(&message.msg_id.to_string()).ok())
        .unwrap_or_else(|| RawValue::NULL.to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::broker::message::Encoded;
    use crate::broker::message::Kind;
    use crate::broker::message::MessageId;
    use crate::broker::message::Recipient;
    use crate::broker::message::Seq;
    use crate::broker::users::Person;

    fn message(envelope: Option<&str>) -> Message {
        let li = Person {
            uid: Uid::new(1).unwrap(),
            name: "li".into(),
        };
        Message {
            id: MessageId(1),
            seq: Seq(1),
            msg_id: MsgId([0xab; 20]),
            sender: li.clone(),
            to: Recipient::User(li),
            kind: Kind::Text,
            content: "x".into(),
            envelope: envelope.map(Arc::from),
            time_ms: 0,
            encoded: Encoded::default(),
        }
    }

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[test]
    fn what_is_written_reads_back() {
        assert_eq!(Envelope::default().write(), None);
        for id in [r#""17000.5x""#, "17000000000000000000001", "1e3", "null"] {
            let mut envelope = Envelope::with_id(&raw(id));
            envelope
                .fields
                .insert("sendDate".to_owned(), json!({"a": [1]}));
            let written = envelope.write().unwrap();
            let read = Envelope::of(&message(Some(&written)));
            assert_eq!(read.fields, envelope.fields);
            // A null is no id.
            let kept = read.id.as_deref().map(RawValue::get);
            assert_eq!(kept, Some(id).filter(|id| *id != "null"));
        }
        let of_value = Envelope::with_id(&json!(7)).write();
        assert_eq!(of_value.as_deref(), Some(r#"{"id":7}"#));
    }

    #[test]
    fn what_is_no_envelope_is_an_empty_one() {
        for kept in [None, Some(""), Some("[]"), Some("{"), Some("{\"other\":1}")] {
            let read = Envelope::of(&message(kept));
            assert!(read.id.is_none() && read.fields.is_empty(), "{kept:?}");
        }
    }

    #[test]
    fn a_message_is_shown_by_its_senders_id_or_by_its_msg_id() {
        assert_eq!(shown_id(&message(Some(r#"{"id":007}"#))).get(), hex());
        assert_eq!(shown_id(&message(Some(r#"{"id":"a"}"#))).get(), "\"a\"");
        assert_eq!(shown_id(&message(None)).get(), hex());
    }

    fn hex() -> String {
        format!("\"{}\"", "ab".repeat(20))
    }

    #[test]
    fn a_msg_id_is_of_sender_and_id() {
        let li = Uid::new(1).unwrap();
        // printf 1:7 | sha1sum
        let of_text = msg_id(li, "7");
        assert_eq!(
            of_text.to_string(),
            "3497f7def3d6081e6f65ac6e577296bc6b810c05"
        );
        assert_eq!(msg_id_of(li, &raw("7")), of_text);
        assert_eq!(msg_id_of(li, &raw("\"7\"")), of_text);
        assert_ne!(msg_id(Uid::new(17).unwrap(), "7"), of_text);
    }
}
