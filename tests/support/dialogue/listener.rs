//! What a client hears, read as clients read it, and held to what every client needs.

use std::collections::HashSet;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Arc;

use hongyan::broker::sessions::Session;
use hongyan::gateways::Farewell;
use hongyan::gateways::stomp::StompSession;
use hongyan_grammar::stomp::Decoder;
use hongyan_grammar::stomp::Frame;
use hongyan_grammar::stomp::Limits;
use hongyan_grammar::stomp::Side;
use hongyan_grammar::stomp::Unit;
use hongyan_grammar::stomp::Version;

/// One connection, and what its client has heard.
pub(super) struct Connection {
    pub(super) machine: StompSession,
    pub(super) session: Option<Arc<Session>>,
    decoder: Decoder,
    pub(super) said: VecDeque<Said>,
    /// Each is unlike the others in the session.
    message_ids: HashSet<String>,
    pub(super) over: bool,
}

/// What a client heard.
#[derive(Debug)]
pub(super) enum Said {
    Beat,
    Frame(Frame),
    /// Nothing on the wire: that the client spoke of something that is no more was counted.
    Stale,
    Closed(Farewell),
}

impl Connection {
    /// A connection whose server is `machine`.
    pub(super) fn new(machine: StompSession) -> Self {
        Self {
            machine,
            session: None,
            decoder: Decoder::new(Side::Client, Limits::after(1 << 20)),
            said: VecDeque::new(),
            message_ids: HashSet::new(),
            over: false,
        }
    }

    /// What was said is read as a client reads it: one frame, or one newline, in a message.
    pub(super) fn hear(&mut self, bytes: &[u8]) {
        self.decoder.feed(bytes);
        let unit = self
            .decoder
            .next()
            .expect("a frame that reads")
            .expect("a whole frame");
        assert_eq!(
            self.decoder.next(),
            Ok(None),
            "one frame in a message: {bytes:?}"
        );
        self.said.push_back(match unit {
            Unit::Beat => {
                assert_eq!(bytes, b"\n", "a heart-beat is exactly a newline");
                Said::Beat
            }
            Unit::Frame(frame) => {
                if frame.command == hongyan_grammar::stomp::Command::Connected {
                    let version = frame.headers.get("version").and_then(Version::parse);
                    self.decoder
                        .set_version(version.expect("CONNECTED has a version"));
                }
                simple_headers(&frame);
                whole(&frame);
                if let Some(id) = frame.headers.get("message-id") {
                    let new = self.message_ids.insert(id.to_owned());
                    assert!(new, "a second message-id:{id}");
                }
                Said::Frame(frame)
            }
        });
    }
}

/// StompProtocolAndroid reads a header with `([^:\s]+)\s*:\s*([^:\s]+)`: a value that the broker makes must survive that
/// whole. What repeats the client's own words is the client's own matter.
fn simple_headers(frame: &Frame) {
    for (name, value) in frame.headers.iter() {
        if ["destination", "subscription", "receipt-id"].contains(&name) {
            continue;
        }
        let simple = |text: &str| {
            !text.is_empty() && !text.contains(|c: char| c == ':' || c == '\\' || c.is_whitespace())
        };
        assert!(
            simple(name) && simple(value),
            "a simple client can't read {name}:{value}"
        );
    }
}

/// Every frame has what clients need of its kind, whatever a dialogue says of it.
fn whole(frame: &Frame) {
    let needed: &[&str] = match frame.command.as_str() {
        "CONNECTED" => &["version", "heart-beat", "session", "server"],
        "MESSAGE" => &[
            "destination",
            "message-id",
            "content-type",
            "content-length",
        ],
        "RECEIPT" => &["receipt-id"],
        "ERROR" => &["message", "content-type", "content-length"],
        other => panic!("a server does not say {other}"),
    };
    for name in needed {
        let there = frame.headers.get(name).is_some();
        assert!(there, "{} without {name}", frame.command.as_str());
    }
    let speaks = ["MESSAGE", "ERROR"].contains(&frame.command.as_str());
    assert_eq!(speaks, !frame.body.is_empty(), "a body where one belongs");
}

impl Said {
    /// As a dialogue would have it.
    pub(super) fn show(&self) -> String {
        match self {
            Self::Beat => "(beat)".to_owned(),
            Self::Stale => "(stale)".to_owned(),
            Self::Closed(farewell) => format!("(close {})", farewell.code),
            Self::Frame(frame) => {
                let mut text = frame.command.as_str().to_owned();
                for (name, value) in frame.headers.iter() {
                    let _ = write!(text, "\n    {name}:{value}");
                }
                let _ = write!(text, "\n    > {}", String::from_utf8_lossy(&frame.body));
                text
            }
        }
    }
}
