//! What a webhook is still to be told: asked for by whoever tells it, and settled by the same.

use crate::broker::Broker;
use crate::broker::moment::Moment;
use crate::broker::ports::Appended;
use crate::broker::ports::Hook;
use crate::broker::ports::HookFate;
use crate::broker::ports::StoreError;
use crate::broker::ports::outcome;

impl Broker {
    /// At most `limit` hooks that are due, oldest first.
    pub async fn due_hooks(&self, now: Moment, limit: usize) -> Result<Vec<Hook>, StoreError> {
        let (done, found) = outcome();
        self.store.due_hooks(now.epoch_ms, limit, done);
        found.await
    }

    /// Says what is to become of a hook.
    pub async fn settle_hook(&self, id: u64, fate: HookFate) -> Result<(), StoreError> {
        let (done, settled) = outcome();
        self.store.settle_hook(id, fate, done);
        settled.await
    }

    /// How many wait in the store. Reads a lot: for the start.
    pub async fn hooks_waiting(&self) -> Result<u64, StoreError> {
        let (done, counted) = outcome();
        self.store.counts(done);
        counted.await.map(|counts| counts.hooks)
    }

    /// Waits until a hook was kept since this was last waited for.
    pub async fn hook_kept(&self) {
        self.hook_kept.notified().await;
    }

    /// Notes that a message is kept which the webhook is perhaps to be told of.
    pub(super) fn note_hook(&self, appended: &Appended) {
        if let Appended::Fresh(..) = appended {
            self.tally.hooks_kept.add();
            self.hook_kept.notify_one();
        }
    }
}
