//! The webhook: the operator's URL is told, by a signed POST, of each message for users with no session. What is to be told
//! waits in the store, so that a send never waits for it and a restart forgets none; it is told at least once, and at most
//! [`TRIES_MAX`] times.

mod event;
mod post;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::iter;
use http::Uri;
use tokio::sync::watch;

use crate::broker::Broker;
use crate::broker::moment::Moment;
use crate::broker::ports::Hook;
use crate::broker::ports::HookFate;
use crate::broker::ports::StoreError;
use crate::broker::users::Person;
use crate::gateways::clock::Clock;
use crate::gateways::tally::Tally;
use crate::gateways::webhook::post::Post;

/// How often one event is told at most, before it is kept as failed.
pub const TRIES_MAX: u32 = 8;

/// How long it waits after each try that was in vain, in milliseconds: 1 s, 5 s, 30 s, 2 min, 10 min, 30 min, 2 h.
pub const WAITS_MS: [u64; TRIES_MAX as usize - 1] =
    [1_000, 5_000, 30_000, 120_000, 600_000, 1_800_000, 7_200_000];

/// Events that are told at the same time.
pub const AT_ONCE_MAX: usize = 4;

/// Events in memory at once; the others wait in the store.
const LOOK_MAX: usize = 32;

/// How often the store is asked for events whose time has come again.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What the webhook must be told itself.
pub struct Options {
    /// Where to post; `http` or `https`.
    pub url: Uri,
    /// What signs each event.
    pub key: Vec<u8>,
}

/// Tells the operator's URL.
pub struct Webhook {
    broker: Arc<Broker>,
    tally: Arc<Tally>,
    post: Post,
}

impl Webhook {
    /// Gets ready. Errors: where the URL is `https` and this machine has no root certificates to trust.
    pub fn new(broker: Arc<Broker>, tally: Arc<Tally>, options: Options) -> io::Result<Self> {
        let post = Post::new(options.url, options.key)?;
        Ok(Self {
            broker,
            tally,
            post,
        })
    }

    /// Tells what is due, until `stopping` becomes true. What is under way then is told again after the next start.
    pub async fn run(self, clock: Clock, mut stopping: watch::Receiver<bool>) {
        tokio::select! {
            _ = stopping.wait_for(|stopping| *stopping) => {}
            () = self.look_for_ever(clock) => {}
        }
    }

    async fn look_for_ever(&self, clock: Clock) {
        let kept = self.broker.tally().hooks_kept.get();
        if let Ok(waiting) = self.broker.hooks_waiting().await {
            let found = waiting.saturating_sub(kept);
            self.tally.hooks_found.add_many(found);
        }
        loop {
            match self.tell_due(|| clock.now()).await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "the webhook waits"),
            }
            tokio::select! {
                () = self.broker.hook_kept() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Tells what is due now, and waits until all of that is told or put off; whether there may be more.
    ///
    /// Errors: the store's. Then some may be told again.
    pub async fn tell_due(&self, now: impl Fn() -> Moment) -> Result<bool, StoreError> {
        let due = self.broker.due_hooks(now(), LOOK_MAX).await?;
        let more = due.len() == LOOK_MAX;
        let now = &now;
        let mut settled = iter(due)
            .map(|hook| async move {
                let fate = self.tell(&hook, now).await;
                self.broker.settle_hook(hook.id, fate).await
            })
            .buffer_unordered(AT_ONCE_MAX);
        let mut all = Ok(more);
        while let Some(one) = settled.next().await {
            if let Err(error) = one {
                all = Err(error);
            }
        }
        all
    }

    async fn tell(&self, hook: &Hook, now: impl Fn() -> Moment) -> HookFate {
        let tally = &self.tally;
        let away = |person: &&Person| !self.broker.is_online(person.uid);
        let away: Vec<&Person> = hook.waiting.iter().filter(away).collect();
        if away.is_empty() {
            tally.hooks_needless.add();
            return HookFate::Done;
        }
        let body = event::body(hook.id, &hook.message, &away);
        let Err(why) = self.post.post(hook.id, body).await else {
            tally.hooks_told.add();
            return HookFate::Done;
        };
        let wait_ms = usize::try_from(hook.tries).map(|tries| WAITS_MS.get(tries).copied());
        match wait_ms {
            Ok(Some(wait_ms)) => {
                tally.hooks_retried.add();
                tracing::debug!(event = hook.id, %why, wait_ms, "the webhook is to be told again");
                HookFate::Later(now().epoch_ms.saturating_add(wait_ms))
            }
            _ => {
                tally.hooks_failed.add();
                tracing::warn!(event = hook.id, %why, "the webhook could not be told");
                HookFate::Failed
            }
        }
    }
}
