//! Why something is refused, or the connection ended: a code of CONTRACT section 4 and a sentence. Each dialect says it in
//! its own words.

use crate::broker::event::End;
use crate::broker::refusal::Refusal;
use crate::gateways::Farewell;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The code of CONTRACT section 4.
    pub(super) code: u16,
    /// What was wrong and what would be right.
    pub(super) sentence: String,
}

impl Fault {
    pub(super) fn new(code: u16, sentence: impl Into<String>) -> Self {
        Self {
            code,
            sentence: sentence.into(),
        }
    }

    /// The client wrote what can't be understood.
    pub(super) fn bad(sentence: impl Into<String>) -> Self {
        Self::new(400, sentence)
    }

    /// Nobody is logged in, or not as whom it should be.
    pub(super) fn not_logged_in(sentence: impl Into<String>) -> Self {
        Self::new(401, sentence)
    }

    /// There is no such event here.
    pub(super) fn unknown(event: &str, taught: &str) -> Self {
        let shown: String = event.chars().take(64).collect();
        Self::new(404, format!("there is no event {shown:?} here: {taught}"))
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.code(), refusal.to_string())
    }
}

/// Why the connection ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parting {
    /// What the client is told; nothing where it knows.
    pub(super) fault: Option<Fault>,
    /// Whether another device has taken this one's place, for which seed 002 has a word of its own.
    pub(super) other_device: bool,
    /// How the connection is closed, where its transport can say it.
    pub(super) farewell: Farewell,
}

impl Parting {
    fn new(farewell: u16, reason: &'static str, code: u16, sentence: impl Into<String>) -> Self {
        Self {
            fault: Some(Fault::new(code, sentence)),
            other_device: false,
            farewell: Farewell {
                code: farewell,
                reason,
            },
        }
    }

    /// The client has said good-bye.
    pub(super) fn wished() -> Self {
        Self {
            fault: None,
            other_device: false,
            farewell: Farewell {
                code: 1000,
                reason: "",
            },
        }
    }

    /// The log-in did not come in time.
    pub(super) fn too_late() -> Self {
        let sentence =
            "log in within 10 seconds of the connection: auth-c, logIn, or message with type 1";
        Self::new(1002, "log-in-timeout", 401, sentence)
    }

    /// The log-in was refused, and the client was told.
    pub(super) fn refused() -> Self {
        Self {
            fault: None,
            other_device: false,
            farewell: Farewell {
                code: 1002,
                reason: "access-refused",
            },
        }
    }

    /// The token has ended.
    pub(super) fn token_ended() -> Self {
        Self::new(1002, "access-refused", 401, "invalid token")
    }

    /// A message was larger than the transport takes.
    pub(super) fn too_large(what: &str, max: usize) -> Self {
        let sentence = format!("{what} in a message: at most {max} are allowed");
        Self::new(1009, "message-too-large", 413, sentence)
    }
}

impl From<End> for Parting {
    fn from(end: End) -> Self {
        match end {
            End::TokenRevoked => Self::token_ended(),
            End::Stopping => {
                let sentence = "the broker is stopping; connect again in a moment";
                Self::new(1001, "broker-stopping", 503, sentence)
            }
            End::StoreFailed => {
                let sentence =
                    "your messages could not be read; nothing is lost, connect again in a moment";
                Self::new(1011, "store-failed", 500, sentence)
            }
            // Only sessions with topics can be such, and here are none.
            End::SlowConsumer => {
                let sentence = "you read too slowly; connect again";
                Self::new(1008, "slow-consumer", 429, sentence)
            }
            End::Displaced { other_device } => Self {
                fault: None,
                other_device,
                farewell: Farewell {
                    code: 1008,
                    reason: "displaced",
                },
            },
        }
    }
}
