//! Why a packet is answered `E`, and why a session ends with `C`: the sentences, and how the connection is closed.

use crate::broker::event::End;
use crate::broker::refusal::Refusal;
use crate::gateways::Farewell;

/// What an `E` says of a refusal: the broker's own words, where they do not speak of what packets don't have.
pub(super) fn sentence(refusal: Refusal) -> String {
    match refusal {
        Refusal::MsgIdTaken(_) => {
            "you already sent another msg to this user with this id; make a new id for a new packet"
                .to_owned()
        }
        Refusal::Busy | Refusal::NotStored => {
            "not stored; send the packet again with the same id".to_owned()
        }
        other => other.to_string(),
    }
}

/// Why a session ends: what its `C` says, and the close that follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// What is wrong, and what would be right.
    pub(super) sentence: String,
    /// How the connection is closed.
    pub(super) farewell: Farewell,
}

impl Fault {
    fn new(code: u16, reason: &'static str, sentence: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
            farewell: Farewell { code, reason },
        }
    }

    /// The token that opened the session has ended, or was revoked.
    pub(super) fn invalid_token() -> Self {
        Self::new(1008, "invalid-token", "invalid token")
    }

    /// A message was larger than the transport takes.
    pub(super) fn too_large(what: &str, max: usize) -> Self {
        let sentence = format!("a packet has at most {max} {what}");
        Self::new(1009, "packet-too-large", sentence)
    }

    /// Nothing proves that the client is still there.
    pub(super) fn silent(within_ms: u64) -> Self {
        let sentence = format!("no pong came to a ping for {} s", within_ms / 1_000);
        Self::new(1001, "silent", sentence)
    }
}

impl From<End> for Fault {
    fn from(end: End) -> Self {
        match end {
            End::TokenRevoked => Self::invalid_token(),
            End::Stopping => Self::new(
                1001,
                "broker-stopping",
                "the broker is stopping; connect again in a moment",
            ),
            End::StoreFailed => Self::new(
                1011,
                "store-failed",
                "your messages could not be read; nothing is lost, connect again in a moment",
            ),
            // Neither befalls packets: they have no topics and no devices.
            End::SlowConsumer => Self::new(1008, "slow-consumer", "you read too slowly"),
            End::Displaced { .. } => Self::new(
                1008,
                "displaced",
                "another connection of yours took this one's place",
            ),
        }
    }
}
