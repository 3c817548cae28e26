//! A message and the three numbers it is known by: the sender's msgID, the server's id, the conversation's seq.

use std::fmt;
use std::sync::Arc;
use std::sync::OnceLock;

use sha1::Digest;
use sha1::Sha1;

use crate::broker::groups::Gid;
use crate::broker::users::Person;

/// The id that the sender's client made: a SHA-1, written as 40 hex digits. Unique for a sender in a conversation only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MsgId(pub [u8; 20]);

impl MsgId {
    /// Reads 40 hex digits of either case; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: &[u8; 40] = text.as_bytes().try_into().ok()?;
        let mut bytes = [0; 20];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
        }
        Some(Self(bytes))
    }

    /// The SHA-1 of a text: for messages whose senders make no msgID.
    pub fn sha1(text: &str) -> Self {
        Self(Sha1::digest(text).into())
    }
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

impl fmt::Display for MsgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 40];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        // The bytes are ASCII digits, so this never takes the error's way.
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for MsgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MsgId({self})")
    }
}

/// The server's id of a message: rises in the order of storing, over all conversations. The first is 1; 0 is before all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub u64);

/// A message's place in its conversation: 1, 2, 3, … without a gap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

/// What a message is, beyond what it says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Words.
    #[default]
    Text,
    /// A picture; the content is its id ([`crate::broker::images::ImageId`]).
    Image,
    /// A courier took an order (CONTRACT section 7, `T`); the content is the order's id.
    Order,
    /// Something that an operator's server pushed (`POST /api/push`): one of seed 002's numbers. The content is JSON.
    Push(u8),
}

impl Kind {
    /// The number that stores keep.
    pub fn number(self) -> u16 {
        match self {
            Self::Text => 0,
            Self::Image => 1,
            Self::Order => 2,
            Self::Push(number) => 256 + u16::from(number),
        }
    }

    /// The kind with this number, if there is one.
    pub fn from_number(number: u16) -> Option<Self> {
        match number {
            0 => Some(Self::Text),
            1 => Some(Self::Image),
            2 => Some(Self::Order),
            pushed => {
                let [high, low] = pushed.to_be_bytes();
                (high == 1).then_some(Self::Push(low))
            }
        }
    }
}

/// Whom a message is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// A user; may be the sender.
    User(Person),
    /// All members of a group but the sender.
    Group(Gid),
}

/// A committed message. It never changes, so everybody shares one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its place among all messages.
    pub id: MessageId,
    /// Its place in its conversation.
    pub seq: Seq,
    /// What its sender calls it.
    pub msg_id: MsgId,
    /// Who wrote it.
    pub sender: Person,
    /// Whom it is for.
    pub to: Recipient,
    /// What it is.
    pub kind: Kind,
    /// What it says.
    pub content: Arc<str>,
    /// What the sender's gateway wants kept beside the content (its client's own id, further fields), in a writing that
    /// only gateways know.
    pub envelope: Option<Arc<str>>,
    /// When it was accepted, milliseconds since the Unix epoch. Never falls as `id` rises.
    pub time_ms: u64,
    /// What a gateway has made of it for all who get it.
    pub encoded: Encoded,
}

/// A place for what a gateway makes of a message that goes to many, once. It is no part of what the message is.
#[derive(Debug, Default)]
pub struct Encoded(OnceLock<Box<str>>);

impl Encoded {
    /// What is there, made by the first who asks. Only one gateway may use it, for one form.
    pub fn get(&self, make: impl FnOnce() -> String) -> &str {
        self.0.get_or_init(|| make().into())
    }
}

impl Clone for Encoded {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Encoded {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Encoded {}

impl Message {
    /// The group it is for, if any.
    pub fn group(&self) -> Option<Gid> {
        match self.to {
            Recipient::User(_) => None,
            Recipient::Group(gid) => Some(gid),
        }
    }

    /// What it costs to keep it waiting: the bytes of its content and envelope.
    pub fn bytes(&self) -> usize {
        self.content.len() + self.envelope.as_ref().map_or(0, |envelope| envelope.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_msg_id_of_a_text_is_its_sha1() {
        // FIPS 180, the example "abc".
        let known = "a9993e364706816aba3e25717850c26c9cd0d89d";
        assert_eq!(MsgId::sha1("abc").to_string(), known);
    }

    #[test]
    fn a_msg_id_reads_either_case_and_writes_lower() {
        let text = "34330e6e473c583354421ef814bcea13022d8a06";
        let id = MsgId::parse(text).expect("40 hex digits");
        assert_eq!(id.to_string(), text);
        assert_eq!(MsgId::parse(&text.to_uppercase()), Some(id));
        for bad in [
            "",
            "34330e",
            &text[1..],
            &format!("{text}0"),
            &text.replace('e', "g"),
        ] {
            assert_eq!(MsgId::parse(bad), None, "{bad:?}");
        }
    }
}
