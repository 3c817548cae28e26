//! What is said in each scenario where messages flow: how a message is sent, what answers it, what it looks like when it is
//! pushed, and how it is confirmed.

use std::borrow::Cow;

use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Frame;
use hongyan_grammar::stomp::FrameWriter;
use hongyan_grammar::stomp::Version;
use serde::Deserialize;

use crate::bench::Failed;
use crate::bench::failed;
use crate::bench::line::unexpected;
use crate::bench::socketio;

/// Digits of a message's number, with which its content begins.
const NUMBER_DIGITS: usize = 10;

/// The topic of the load, where no other is named.
pub(super) const TOPIC: &str = "/topic/bench";

/// Where the statuses of messages come to.
pub(super) const SEND_STATUS: &str = "/user/queue/send/status";
/// Where the statuses of confirmations come to.
pub(super) const CONFIRM_STATUS: &str = "/user/queue/recive/status";

/// The words of one flow: a sender and those who receive.
pub(super) struct Talk {
    words: Words,
    /// What the content is filled up with.
    padding: String,
    /// Sets the msgIDs of this flow apart from those of others.
    salt: u64,
}

/// Which words.
pub(super) enum Words {
    /// Seed 003: to this user.
    Chat {
        /// The receiver.
        to: u64,
    },
    /// To this group of Hongyan.
    Group {
        /// Its id.
        id: u64,
    },
    /// Seed 001's `message/direct`, over Socket.IO.
    Direct {
        /// The receiver.
        to: u64,
        /// What the sender's log-in was answered with.
        session_token: String,
    },
    /// The frames of a topic as subscribers get them, for a server that hands on what it reads.
    Bare,
    /// To a destination of any STOMP broker.
    Plain {
        /// The destination.
        destination: String,
        /// Further headers of SEND.
        headers: Vec<(String, String)>,
        /// Whether each MESSAGE gets an ACK.
        acks: bool,
    },
}

/// A push, as seed 003 and `/user/queue/group` write it.
#[derive(Deserialize)]
struct Push<'a> {
    #[serde(borrow, rename = "chatID", alias = "msgID")]
    msg_id: Cow<'a, str>,
    #[serde(borrow)]
    content: Cow<'a, str>,
}

/// A status.
#[derive(Deserialize)]
struct Status<'a> {
    #[serde(borrow, rename = "msgID")]
    msg_id: Cow<'a, str>,
    code: u16,
}

impl Talk {
    /// The words of flow `index` of run `salt`, whose contents have `bytes` bytes.
    pub(super) fn new(words: Words, bytes: usize, salt: u64, index: u64) -> Self {
        Self {
            words,
            padding: "x".repeat(bytes.saturating_sub(NUMBER_DIGITS + 1)),
            salt: mixed(salt ^ mixed(index)),
        }
    }

    /// Writes the SEND of message `number`.
    pub(super) fn write_message(&self, number: u64, out: &mut Vec<u8>) {
        let content = format!("{number:0NUMBER_DIGITS$} {}", self.padding);
        let begin = |out| FrameWriter::begin(out, Command::Send, Version::V1_2);
        match &self.words {
            Words::Chat { to } => {
                let msg_id = self.msg_id(number);
                let body =
                    format!(r#"{{"msgID":"{msg_id}","reciverId":{to},"content":"{content}"}}"#);
                begin(out)
                    .header("destination", "/socket/chat/send")
                    .body(body.as_bytes())
                    .end();
            }
            Words::Group { id } => {
                let msg_id = self.msg_id(number);
                let body =
                    format!(r#"{{"msgID":"{msg_id}","groupId":{id},"content":"{content}"}}"#);
                begin(out)
                    .header("destination", "/socket/group/send")
                    .body(body.as_bytes())
                    .end();
            }
            Words::Direct { to, session_token } => {
                out.extend(socketio::direct(number, session_token, *to, &content));
            }
            Words::Bare => {
                let id = number.to_string();
                FrameWriter::begin(out, Command::Message, Version::V1_2)
                    .header("subscription", TOPIC)
                    .header("destination", TOPIC)
                    .header("topic", TOPIC)
                    .header("message-id", &id)
                    .header("content-type", "text/plain")
                    .body(content.as_bytes())
                    .end();
            }
            Words::Plain {
                destination,
                headers,
                ..
            } => {
                let writer = begin(out)
                    .header("destination", destination)
                    .header_number("receipt", number);
                headers
                    .iter()
                    .fold(writer, |writer, (name, value)| writer.header(name, value))
                    .body(content.as_bytes())
                    .end();
            }
        }
    }

    /// Checks that `frame` answers message `number` with yes.
    pub(super) fn check_answer(&self, frame: &Frame, number: u64) -> Result<(), Failed> {
        let yes = match self.words {
            Words::Plain { .. } => {
                let receipt = frame.headers.get("receipt-id");
                frame.command == Command::Receipt && receipt == Some(&number.to_string())
            }
            Words::Direct { .. } => socketio::is_yes(frame, number),
            // The server hands the frame back as well.
            Words::Bare => self::number(&frame.body) == Some(number),
            Words::Chat { .. } | Words::Group { .. } => {
                let status: Result<Status, _> = serde_json::from_slice(&frame.body);
                status.is_ok_and(|it| it.code == 200 && it.msg_id == self.msg_id(number))
            }
        };
        match yes {
            true => Ok(()),
            false => Err(unexpected(&format!("yes to message {number}"), frame)),
        }
    }

    /// The number of the message that `frame` pushes; its confirmation, if it gets one, is written to `out`.
    pub(super) fn pushed(&self, frame: &Frame, out: &mut Vec<u8>) -> Result<u64, Failed> {
        if frame.command != Command::Message {
            return Err(unexpected("MESSAGE", frame));
        }
        if let Words::Plain { acks, .. } = self.words {
            if acks {
                // 1.2 says `ack`; before that it is the message's own id.
                let id = frame.headers.get("ack");
                let id = id.or_else(|| frame.headers.get("message-id"));
                FrameWriter::begin(out, Command::Ack, Version::V1_2)
                    .header("id", id.unwrap_or_default())
                    .end();
            }
            return number(&frame.body).ok_or_else(|| unexpected("a message of ours", frame));
        }
        if let Words::Bare = self.words {
            return number(&frame.body).ok_or_else(|| unexpected("a message of ours", frame));
        }
        if let Words::Direct { .. } = self.words {
            let content = socketio::pushed(frame)?;
            return number(content.as_bytes())
                .ok_or_else(|| unexpected("a message of ours", frame));
        }
        let push: Push = serde_json::from_slice(&frame.body)
            .map_err(|why| failed("the body of a MESSAGE", why))?;
        if let Words::Chat { .. } = self.words {
            let body = format!(r#"{{"msgID":"{}"}}"#, push.msg_id);
            FrameWriter::begin(out, Command::Send, Version::V1_2)
                .header("destination", "/socket/chat/recive")
                .body(body.as_bytes())
                .end();
        }
        number(push.content.as_bytes()).ok_or_else(|| unexpected("a message of ours", frame))
    }

    /// The msgID of message `number`: 40 hex digits that look as random as a hash does, since that is what costs an index.
    fn msg_id(&self, number: u64) -> String {
        let first = mixed(self.salt ^ mixed(number));
        let second = mixed(first);
        let third = mixed(second) as u32;
        format!("{first:016x}{second:016x}{third:08x}")
    }
}

/// The number with which a content begins.
fn number(content: &[u8]) -> Option<u64> {
    let digits = content.get(..NUMBER_DIGITS)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// splitmix64's finalizer: each bit of the result depends on each bit of `number`.
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use hongyan_grammar::stomp::Command;
    use hongyan_grammar::stomp::Frame;

    use super::Talk;
    use super::Words;

    #[test]
    fn what_is_sent_is_recognised_when_it_is_pushed() {
        let words = Words::Plain {
            destination: "/queue/a".into(),
            headers: Vec::new(),
            acks: true,
        };
        let talk = Talk::new(words, 20, 1, 2);
        let mut sent = Vec::new();
        talk.write_message(77, &mut sent);
        let text = String::from_utf8(sent).expect("text");
        let (head, body) = text.split_once("\n\n").expect("a body");
        assert!(head.contains("receipt:77"), "{head}");
        let push = Frame::new(Command::Message)
            .header("ack", "x-1")
            .body(body.trim_end_matches('\0'));
        let mut confirmation = Vec::new();
        assert_eq!(talk.pushed(&push, &mut confirmation).ok(), Some(77));
        assert_eq!(confirmation, b"ACK\nid:x-1\n\n\0");
        let receipt = |id| Frame::new(Command::Receipt).header("receipt-id", id);
        assert!(talk.check_answer(&receipt("77"), 77).is_ok());
        assert!(talk.check_answer(&receipt("76"), 77).is_err());
    }

    #[test]
    fn no_two_messages_have_one_id() {
        let talk = |index| Talk::new(Words::Chat { to: 1 }, 20, 1, index);
        let ids: std::collections::HashSet<String> = (0..50)
            .flat_map(|index| (0..50).map(move |number| (index, number)))
            .map(|(index, number)| talk(index).msg_id(number))
            .collect();
        assert_eq!(ids.len(), 2_500);
        assert!(ids.iter().all(|id| id.len() == 40));
    }
}
