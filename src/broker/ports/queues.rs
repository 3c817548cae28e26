//! What is asked of a store about queues, and what it answers.

use std::sync::Arc;

use crate::broker::destination::Name;
use crate::broker::payload::Payload;
use crate::broker::queued::Queued;
use crate::broker::queued::QueuedId;

/// A message to keep at the end of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewQueued {
    /// The queue; made where there is none.
    pub queue: Name,
    /// What is sent.
    pub payload: Arc<Payload>,
    /// When it ends, milliseconds since the Unix epoch.
    pub expires_ms: Option<u64>,
}

/// How much queues may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLimits {
    /// Messages in a queue.
    pub messages_max: u64,
    /// Bytes of headers and bodies in a queue.
    pub bytes_max: u64,
    /// Queues that hold anything.
    pub queues_max: u64,
}

impl Default for QueueLimits {
    fn default() -> Self {
        Self {
            messages_max: 1_000_000,
            bytes_max: 1 << 30,
            queues_max: 65_536,
        }
    }
}

/// What to change in queues: all of it together, or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueChange {
    /// Messages to keep, in this order.
    pub puts: Vec<NewQueued>,
    /// Messages to remove. One that is no more is no fault.
    pub takes: Vec<QueuedId>,
    /// Messages to move to the end of [`Name::dead`]. One that is no more is no fault.
    pub burials: Vec<QueuedId>,
    /// What must not be exceeded. What the change itself removes still counts. Where there would be too much, the expired
    /// go first.
    pub limits: QueueLimits,
    /// Now, milliseconds since the Unix epoch.
    pub time_ms: u64,
}

/// What became of a [`QueueChange`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueueChanged {
    /// It is committed. What was added, in the order of the ids: the puts, then what was buried.
    Done(Vec<Arc<Queued>>),
    /// Nothing was changed: a queue would hold too much.
    Full,
    /// Nothing was changed: there would be too many queues.
    TooMany,
}

/// Messages of a queue, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueuePage {
    /// At most as many as were asked for.
    pub messages: Vec<Arc<Queued>>,
    /// Whether the page was too small for more.
    pub more: bool,
}

/// Which messages of a queue a page is to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueueWhich {
    /// The oldest after this id, at most [`crate::broker::limits::PAGE_MESSAGES`].
    After(QueuedId),
    /// Those of these that are still there.
    These(Vec<QueuedId>),
}
