//! What the broker has counted since it started. `metrics` gives these their public names.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// A number that only rises.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// One more.
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// So many more.
    pub fn add_many(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// How many so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The broker's counts.
#[derive(Debug, Default)]
pub struct Tally {
    /// Sessions opened.
    pub sessions_opened: Count,
    /// Sessions closed.
    pub sessions_closed: Count,
    /// Messages committed.
    pub messages_stored: Count,
    /// Equal sends of a message that was committed before.
    pub messages_repeated: Count,
    /// Messages moved to received.
    pub messages_received: Count,
    /// Commands refused.
    pub refusals: Count,
    /// Notices, of deliveries and of people, dropped because too many waited.
    pub notices_dropped: Count,
    /// Pages read from the store for sessions that were behind.
    pub pages_read: Count,
    /// Messages published to topics.
    pub posts_published: Count,
    /// Topic messages put in the outbox of a session, one for each subscription.
    pub posts_passed_on: Count,
    /// Messages kept in queues.
    pub queued: Count,
    /// Messages of queues put in the outbox of a consumer.
    pub queue_handouts: Count,
    /// Messages of queues moved to the dead.
    pub buried: Count,
    /// Messages kept that the webhook is perhaps to be told of.
    pub hooks_kept: Count,
    /// Sessions ended because they took their topic messages too slowly.
    pub slow_consumers: Count,
}
