//! MESSAGEs of topics and queues: the sender's own headers and body, written once for each STOMP version, behind the few
//! headers that each subscription has for itself.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Frame;
use hongyan_grammar::stomp::FrameWriter;
use hongyan_grammar::stomp::Version;

use crate::broker::payload::Encoding;
use crate::broker::payload::Payload;
use crate::gateways::Act;

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

    /// MESSAGE with these headers before those of the payload.
    pub(super) fn message(self, own: &[(&str, &str)], payload: &Payload) -> Act {
        let mut head = Vec::with_capacity(256);
        let mut writer = FrameWriter::begin(&mut head, Command::Message, self.version);
        for (name, value) in own {
            writer = writer.header(name, value);
        }
        // What ends the frame is behind it already.
        let _ = writer;
        match payload.encoded(self.language(), |payload| self.tail(payload)) {
            Encoding::Text(tail) => {
                head.reserve_exact(tail.len());
                let mut text = utf8(head);
                text.push_str(tail);
                Act::Say(text)
            }
            Encoding::Bytes(tail) => {
                head.extend_from_slice(tail);
                Act::SayBytes(head)
            }
        }
    }

    /// Everything from the payload's headers to the end of the frame.
    fn tail(self, payload: &Payload) -> Encoding {
        let is_text = std::str::from_utf8(&payload.body).is_ok();
        let in_base64 = (self.text_only && !is_text).then(|| BASE64_STANDARD.encode(&payload.body));
        let body = in_base64.as_deref().map_or(&*payload.body, str::as_bytes);
        let mut bytes = Vec::with_capacity(payload.bytes() + 128);
        let mut writer = FrameWriter::begin(&mut bytes, Command::Message, self.version);
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
        let begun = Command::Message.as_str().len() + 1;
        bytes.drain(..begun);
        if is_text || in_base64.is_some() {
            Encoding::Text(utf8(bytes).into())
        } else {
            Encoding::Bytes(bytes.into())
        }
    }
}

/// What was made of strings alone; the loss is for the compiler.
fn utf8(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(version: Version, text_only: bool) -> Wire {
        Wire { version, text_only }
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
            let said = wire(version, false).message(&[("destination", "/topic/a")], &payload);
            let text = format!(
                "MESSAGE\ndestination:/topic/a\ncolour:{colour}\ncontent-type:text/plain\ncontent-length:3\n\n起\0"
            );
            assert_eq!(said, Act::Say(text));
        }
    }

    #[test]
    fn other_bytes_are_said_as_bytes_or_in_base64() {
        let payload = sent(&[0xff, 0]);
        let said = wire(Version::V1_2, false).message(&[], &payload);
        let bytes = b"MESSAGE\ncolour:a\\cb\ncontent-type:application/octet-stream\ncontent-length:2\n\n\xff\0\0";
        assert_eq!(said, Act::SayBytes(bytes.to_vec()));
        let said = wire(Version::V1_2, true).message(&[], &payload);
        let text = "MESSAGE\ncontent-transfer-encoding:base64\ncolour:a\\cb\n\
                    content-type:application/octet-stream\ncontent-length:4\n\n/wA=\0";
        assert_eq!(said, Act::Say(text.to_owned()));
    }
}
