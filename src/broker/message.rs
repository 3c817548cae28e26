//! A message and the three numbers it is known by: the sender's msgID, the server's id, the conversation's seq.

use std::fmt;
use std::sync::Arc;

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
    pub receiver: Person,
    /// What it says.
    pub content: Arc<str>,
    /// When it was accepted, milliseconds since the Unix epoch. Never falls as `id` rises.
    pub time_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

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
