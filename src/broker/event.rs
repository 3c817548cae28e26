//! What the broker tells a session. The list is closed; each gateway writes these in its own words.

use std::sync::Arc;

use crate::broker::command::Reply;
use crate::broker::command::Ticket;
use crate::broker::delivery::Receipt;
use crate::broker::message::Message;
use crate::broker::notice::Notice;
use crate::broker::payload::Post;
use crate::broker::queued::Handout;
use crate::broker::refusal::Refusal;
use crate::broker::topics::SubscriptionId;

/// Something told to one session. What is large is boxed: thousands of outboxes are written and read in turn, so that how
/// many events fit the processor's caches is felt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The answer to a command of this session. Every command gets one.
    Answer(Ticket, Box<Result<Reply, Refusal>>),
    /// A message for this session's user.
    Message(Arc<Message>),
    /// A message of this session's user was received.
    Received(Box<Receipt>),
    /// Something was published to a topic of this subscription.
    Posted(SubscriptionId, Arc<Post>),
    /// A message of a queue that this session consumes.
    Handed(Handout),
    /// Something happened between people.
    Noticed(Arc<Notice>),
    /// The session is over; nothing follows.
    Ended(End),
}

/// Why the broker ended a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The token that opened it was revoked.
    TokenRevoked,
    /// The broker is stopping; the session may come back when it is up again.
    Stopping,
    /// What waits for the user could not be read from the store.
    StoreFailed,
    /// It took what was published to its topics too slowly: more waited than an outbox may hold.
    SlowConsumer,
    /// Another connection of the user took its place; whether it was of another device.
    Displaced {
        /// Whether another device did.
        other_device: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_small() {
        assert!(size_of::<Event>() <= 32, "{}", size_of::<Event>());
    }
}
