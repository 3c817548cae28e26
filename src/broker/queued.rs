//! A message of a queue, and its way to a consumer.

use std::sync::Arc;

use crate::broker::destination::Name;
use crate::broker::payload::Payload;
use crate::broker::topics::SubscriptionId;

/// The store's id of a queue's message: rises in the order of storing, over all queues, and is never used again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueuedId(pub u64);

/// A committed message of a queue. It never changes, so everybody shares one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued {
    /// Its place among all messages of queues.
    pub id: QueuedId,
    /// The queue.
    pub queue: Name,
    /// What was sent.
    pub payload: Arc<Payload>,
    /// When it ends, milliseconds since the Unix epoch: from then on nobody gets it.
    pub expires_ms: Option<u64>,
    /// Where it came from, if it lies among the dead.
    pub buried: Option<Buried>,
}

impl Queued {
    /// Whether it has ended at `now_ms`.
    pub fn is_expired(&self, now_ms: u64) -> bool {
        self.expires_ms.is_some_and(|at| at <= now_ms)
    }
}

/// That a consumer would not have a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buried {
    /// The queue it was in.
    pub from: Name,
    /// When, milliseconds since the Unix epoch.
    pub time_ms: u64,
}

/// What one push of a message is called. Rises with each push of a queue; a message that is pushed again has another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u64);

/// A message on its way to a consumer. Until it is settled, it is nobody else's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handout {
    /// The consumer, as its session calls it.
    pub subscription: SubscriptionId,
    /// What to name when settling it.
    pub tag: Tag,
    /// The message.
    pub message: Arc<Queued>,
    /// Whether it was pushed to somebody before.
    pub again: bool,
    /// Whether it is settled as soon as the session takes it.
    pub auto: bool,
}

/// What a consumer has to say of a message that was pushed to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is done with.
    Consumed,
    /// Somebody shall have it again; it goes back to its place.
    Again,
    /// Nobody shall have it again: it goes to the dead.
    Dead,
}

/// One thing to do with a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueueOp {
    /// Keep this at the end of a queue.
    Put {
        /// The queue. It exists as long as something is in it.
        queue: Name,
        /// What is sent.
        payload: Arc<Payload>,
        /// When it ends, milliseconds since the Unix epoch.
        expires_ms: Option<u64>,
    },
    /// Settle what was pushed to a consumer. Without effect where that is settled, or the consumer is no more.
    Settle {
        /// The consumer.
        subscription: SubscriptionId,
        /// Which push.
        tag: Tag,
        /// All pushes before it as well.
        through: bool,
        /// How.
        verdict: Verdict,
    },
}
