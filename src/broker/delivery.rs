//! The states of a message and who moves them.
//!
//! ```text
//!            commit                    the receiver confirms
//!   (none) ─────────▶ stored ────────────────────────────────▶ received
//!            the store          recive, a STOMP ACK, or REST
//! ```
//!
//! States only go forward. A write to a socket moves nothing.

use std::sync::Arc;

use crate::broker::message::Message;
use crate::broker::message::MsgId;
use crate::broker::users::Uid;

/// How far a message has come (CONTRACT, "Delivery states").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Delivery {
    /// Committed to disk.
    Stored,
    /// Confirmed by its receiver.
    Received,
}

impl Delivery {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Received => "received",
        }
    }
}

/// A message as a page of history or inbox shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The message.
    pub message: Arc<Message>,
    /// Its state when the page was read.
    pub state: Delivery,
}

/// That a message was received, for its sender. Made once for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The sender's own id of the message.
    pub msg_id: MsgId,
    /// Who sent it, and is to be told.
    pub sender: Uid,
    /// Who received it.
    pub receiver: Uid,
    /// When it was confirmed, milliseconds since the Unix epoch.
    pub time_ms: u64,
}
