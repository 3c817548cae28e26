//! Why a STOMP session ends with an ERROR: one public table of short words, the sentence beside each, and how the
//! connection is closed.

use hongyan_grammar::refusal::Kind;
use hongyan_grammar::refusal::Refusal;

use crate::broker::event::End;
use crate::broker::refusal::Refusal as Refused;
use crate::gateways::Farewell;

/// An ERROR and the close that follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The `message` header: short and hyphenated, because some clients can't read a header value with a space.
    pub(super) word: &'static str,
    /// The body: what was wrong and what would be right.
    pub(super) sentence: String,
    /// How the connection is closed.
    pub(super) farewell: Farewell,
}

impl Fault {
    /// The client broke the protocol (WebSocket 1002).
    pub(super) fn new(word: &'static str, sentence: impl Into<String>) -> Self {
        Self {
            word,
            sentence: sentence.into(),
            farewell: Farewell {
                code: 1002,
                reason: word,
            },
        }
    }

    /// A header that the frame must have is not there.
    pub(super) fn missing_header(command: &str, header: &str) -> Self {
        Self::new(
            "missing-header",
            format!("{command} needs the header {header}"),
        )
    }

    /// More than a limit allows.
    pub(super) fn limit(word: &'static str, what: &str, max: usize) -> Self {
        Self::new(word, at_most(what, max))
    }

    /// More at once than the transport takes (WebSocket 1009).
    pub(super) fn too_large(what: &str, max: usize) -> Self {
        Refusal::new(Kind::FrameTooLarge, 0, at_most(what, max)).into()
    }

    /// A token or a password did not let the client in.
    pub(super) fn access_refused(sentence: impl Into<String>) -> Self {
        Self::new("access-refused", sentence)
    }
}

fn at_most(what: &str, max: usize) -> String {
    format!("{what}: at most {max} are allowed")
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        let word = refusal.kind.code();
        let code = match refusal.kind {
            Kind::FrameTooLarge | Kind::TooManyHeaders | Kind::HeaderTooLong => 1009,
            _ => 1002,
        };
        Self {
            word,
            sentence: refusal.sentence,
            farewell: Farewell { code, reason: word },
        }
    }
}

/// Only for what is told by no status: what is done to topics and queues.
impl From<Refused> for Fault {
    fn from(refused: Refused) -> Self {
        let (word, code) = match refused {
            Refused::ContentTooLarge { .. } => ("content-too-large", 1009),
            Refused::TooFast { .. } => ("too-fast", 1008),
            Refused::QueueFull { .. } => ("queue-full", 1013),
            Refused::TooManyQueues { .. } => ("too-many-queues", 1013),
            Refused::Busy | Refused::NotStored => ("not-stored", 1011),
            // Of messages, people and groups. Statuses tell these; nothing that is done to a topic or a queue is refused so.
            Refused::NoSuchUser
            | Refused::NoSuchGroup
            | Refused::NotMember
            | Refused::AdminsOnly
            | Refused::LastAdmin
            | Refused::GroupFull { .. }
            | Refused::BadGroup(_)
            | Refused::NotFriends
            | Refused::Blocked
            | Refused::Oneself
            | Refused::FriendsAlready
            | Refused::NoSuchRequest
            | Refused::AnsweredOtherwise
            | Refused::TooMany(_)
            | Refused::NoSuchOrder
            | Refused::OrderTaken
            | Refused::NoLocation
            | Refused::NoSuchImage
            | Refused::ServerOnly
            | Refused::NoSuchMessage(_)
            | Refused::MsgIdTaken(_) => ("refused", 1008),
        };
        let sentence = match refused {
            // There is no msgID to try again with.
            Refused::Busy | Refused::NotStored => {
                "not kept, because the broker could not write; connect again and do it again"
                    .to_owned()
            }
            refused => refused.to_string(),
        };
        Self {
            word,
            sentence,
            farewell: Farewell { code, reason: word },
        }
    }
}

impl From<End> for Fault {
    fn from(end: End) -> Self {
        let (word, sentence, code) = match end {
            End::TokenRevoked => ("access-refused", "invalid token", 1002),
            End::Stopping => (
                "broker-stopping",
                "the broker is stopping; connect again in a moment",
                1001,
            ),
            End::StoreFailed => (
                "store-failed",
                "your messages could not be read; nothing is lost, connect again in a moment",
                1011,
            ),
            // Only sessions with a device are displaced, and STOMP's have none.
            End::Displaced { .. } => (
                "displaced",
                "another connection of yours took this one's place",
                1008,
            ),
            End::SlowConsumer => (
                "slow-consumer",
                "too many messages of topics waited for you to read them, and nothing keeps those; \
                 read faster, or subscribe to fewer topics",
                1008,
            ),
        };
        Self {
            word,
            sentence: sentence.to_owned(),
            farewell: Farewell { code, reason: word },
        }
    }
}
