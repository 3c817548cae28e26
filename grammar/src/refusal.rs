//! Why bytes were refused: the kind, the place, and a sentence for whoever sent them.
//!
//! It decides the public codes of the grammar's refusals; it does not know what is done to the
//! sender.

use std::{error, fmt};

/// Bytes that are not a sentence of the grammar, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The kind of fault, which has a code for programs.
    pub kind: Kind,
    /// Where the fault is, in bytes from the first byte of the frame (for SockJS and packets: of the message).
    pub offset: usize,
    /// What was wrong and what would be right, for people. One line, and never longer than a few
    /// hundred bytes.
    pub sentence: String,
}

impl Refusal {
    /// A refusal of `kind` at `offset`, explained by `sentence`.
    pub fn new(kind: Kind, offset: usize, sentence: impl Into<String>) -> Self {
        Self {
            kind,
            offset,
            sentence: sentence.into(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} at byte {}: {}",
            self.kind.code(),
            self.offset,
            self.sentence
        )
    }
}

impl error::Error for Refusal {}

/// The kinds of fault. A closed list: the codes are part of what clients may rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The bytes break the grammar: a header without a colon, an escape that the version does not
    /// define, a content-length that is no number or is not followed by a NUL, a NUL among the
    /// headers, text that is not UTF-8.
    MalformedFrame,
    /// The first line is not a command that the other side may send.
    UnknownCommand,
    /// The frame is larger than [`Limits::frame_bytes`](crate::stomp::Limits::frame_bytes).
    FrameTooLarge,
    /// The frame has more header lines than [`Limits::headers`](crate::stomp::Limits::headers).
    TooManyHeaders,
    /// A header line, or the command line, is longer than
    /// [`Limits::header_bytes`](crate::stomp::Limits::header_bytes).
    HeaderTooLong,
    /// A SockJS message that is not a JSON array of strings.
    MalformedMessage,
    /// A packet (seed 004) that is not a JSON object, or has a field that is not as its type wants it.
    MalformedPacket,
    /// A packet of a type that the other side may not send.
    UnknownType,
    /// The text of a packet is longer than [`TEXT_CHARS_MAX`](crate::packet::TEXT_CHARS_MAX).
    TextTooLong,
}

impl Kind {
    /// The code for programs: the value of the `message` header of the ERROR that answers. It holds
    /// no space and no colon, because there are clients whose parsers die on those.
    ///
    /// Everything that is too large has the one code `frame-too-large`; the sentence says which
    /// limit it was.
    pub fn code(self) -> &'static str {
        match self {
            Self::MalformedFrame => "malformed-frame",
            Self::UnknownCommand => "unknown-command",
            Self::FrameTooLarge | Self::TooManyHeaders | Self::HeaderTooLong => "frame-too-large",
            Self::MalformedMessage => "malformed-message",
            Self::MalformedPacket => "malformed-packet",
            Self::UnknownType => "unknown-type",
            Self::TextTooLong => "text-too-long",
        }
    }
}
