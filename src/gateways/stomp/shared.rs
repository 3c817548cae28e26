//! MESSAGEs of topics and queues: the sender's own headers and body, written once for each STOMP version, behind the few
//! headers that each subscription has for itself.

use std::borrow::Cow;
use std::cell::RefCell;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Frame;
use hongyan_grammar::stomp::FrameWriter;
use hongyan_grammar::stomp::Version;

use crate::broker::destination::Name;
use crate::broker::payload::Encoding;
use crate::broker::payload::Payload;
use crate::gateways::Act;
use crate::gateways::stomp::destination::TOPIC;

/// Headers of a SEND that are for the broker, or that the broker writes into the MESSAGE itself. All others pass through.
const NOT_PASSED_ON: [&str; 12] = [
    "destination",
    "topic",
    "receipt",
    "transaction",
    "content-length",
    "id",
    "ack",
    "message-id",
    "subscription",
    "redelivered",
    "heart-beat",
    "receipt-id",
];

/// What a subscriber reads where the sender has not said what it sends: STOMP 1.2, "content-type".
const ANY_TYPE: &str = "application/octet-stream";
const TEXT: &str = "text/plain";

/// What a SEND gives its subscribers.
pub(super) fn payload(frame: &Frame) -> Payload {
    let passed_on = frame
        .headers
        .iter()
        .filter(|(name, _)| !NOT_PASSED_ON.contains(name));
    let headers = passed_on.map(|(name, value)| (name.into(), value.into()));
    Payload::new(headers.collect(), frame.body.clone())
}

/// How a session can be told something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wire {
    /// The version agreed on.
    pub(super) version: Version,
    /// Whether the transport carries nothing but text (SockJS). A body that is none then travels in base64, and says so in
    /// `content-transfer-encoding`: better than a body with holes, or a message that never comes.
    pub(super) text_only: bool,
}

impl Wire {
    /// The number of this wire language, among those that keep an encoding.
    fn language(self) -> usize {
        let version = match self.version {
            Version::V1_0 => 0,
            Version::V1_1 => 1,
            Version::V1_2 => 2,
        };
        version + if self.text_only { 3 } else { 0 }
    }

    /// MESSAGE that begins as `begin` has it, and ends with the payload, which was posted to `topic` if to any.
    pub(super) fn message(
        self,
        payload: &Payload,
        topic: Option<&Name>,
        begin: impl for<'a> FnOnce(&'a mut Vec<u8>) -> FrameWriter<'a>,
    ) -> Act {
        let tail = payload.encoded(self.language(), |payload| self.tail(payload, topic));
        match tail {
            Encoding::Text(tail) => said(begin, tail),
            Encoding::Bytes(tail) => in_scratch(|out| {
                let _ = begin(out);
                Act::SayBytes([&**out, tail].concat())
            }),
        }
    }

    /// Everything from the payload's headers to the end of the frame.
    fn tail(self, payload: &Payload, topic: Option<&Name>) -> Encoding {
        let is_text = std::str::from_utf8(&payload.body).is_ok();
        let in_base64 = (self.text_only && !is_text).then(|| BASE64_STANDARD.encode(&payload.body));
        let body = in_base64.as_deref().map_or(&*payload.body, str::as_bytes);
        let mut bytes = Vec::with_capacity(payload.bytes() + 128);
        let topic = topic.map(|topic| [TOPIC, topic.as_str()].concat());
        let mut writer = FrameWriter::resume(&mut bytes, Command::Message, self.version, &[])
            .header_if("topic", topic.as_deref());
        if in_base64.is_some() {
            // Before the sender's: the first counts.
            writer = writer.header("content-transfer-encoding", "base64");
        }
        for (name, value) in &payload.headers {
            writer = writer.header(name, value);
        }
        if !payload
            .headers
            .iter()
            .any(|(name, _)| &**name == "content-type")
        {
            writer = writer.header("content-type", if is_text { TEXT } else { ANY_TYPE });
        }
        writer.body(body).end();
        if is_text || in_base64.is_some() {
            Encoding::Text(as_text(&bytes).into())
        } else {
            Encoding::Bytes(bytes.into())
        }
    }
}

/// A frame that begins as `begin` has it, and ends with `tail`.
pub(super) fn said(
    begin: impl for<'a> FnOnce(&'a mut Vec<u8>) -> FrameWriter<'a>,
    tail: &str,
) -> Act {
    in_scratch(|out| {
        // What ends the frame is in the tail.
        let _ = begin(out);
        Act::Say([&*as_text(out), tail].concat())
    })
}

/// A frame made of strings alone, in a string that is as large as its room: such a one goes to a socket as it is.
pub(super) fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
    in_scratch(|out| {
        write(out);
        as_text(out).into_owned()
    })
}

/// Room that a thread keeps: enough for nearly every frame.
const SCRATCH_BYTES_MAX: usize = 64 * 1024;

/// Gives a buffer of the thread's, empty, whose room lasts. Not to be nested.
fn in_scratch<T>(write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    thread_local! {
        static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.clear();
        scratch.shrink_to(SCRATCH_BYTES_MAX);
        write(scratch)
    })
}

/// What was made of strings alone; the loss is for the compiler. (`from_utf8_lossy` looks at each byte, several times as slowly.)
fn as_text(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(version: Version, text_only: bool) -> Wire {
        Wire { version, text_only }
    }

    fn bare(out: &mut Vec<u8>) -> FrameWriter<'_> {
        FrameWriter::begin(out, Command::Message, Version::V1_2)
    }

    fn sent(body: &[u8]) -> Payload {
        let send = Frame::new(Command::Send)
            .header("destination", "/topic/a")
            .header("receipt", "7")
            .header("colour", "a:b")
            .body(body);
        payload(&send)
    }

    #[test]
    fn a_text_is_said_as_text_in_the_spelling_of_each_version() {
        let payload = sent("起".as_bytes());
        for (version, colour) in [(Version::V1_0, "a:b"), (Version::V1_2, "a\\cb")] {
            let said = wire(version, false).message(&payload, None, |out| {
                FrameWriter::begin(out, Command::Message, version).header("message-id", "1")
            });
            let text = format!(
                "MESSAGE\nmessage-id:1\ncolour:{colour}\ncontent-type:text/plain\ncontent-length:3\n\n起\0"
            );
            assert_eq!(said, Act::Say(text));
        }
    }

    #[test]
    fn other_bytes_are_said_as_bytes_or_in_base64() {
        let payload = sent(&[0xff, 0]);
        let said = wire(Version::V1_2, false).message(&payload, None, bare);
        let bytes = b"MESSAGE\ncolour:a\\cb\ncontent-type:application/octet-stream\ncontent-length:2\n\n\xff\0\0";
        assert_eq!(said, Act::SayBytes(bytes.to_vec()));
        let said = wire(Version::V1_2, true).message(&payload, None, bare);
        let text = "MESSAGE\ncontent-transfer-encoding:base64\ncolour:a\\cb\n\
                    content-type:application/octet-stream\ncontent-length:4\n\n/wA=\0";
        assert_eq!(said, Act::Say(text.to_owned()));
    }
}
