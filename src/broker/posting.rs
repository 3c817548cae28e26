//! Topics: what is published goes to whoever subscribes now, and nowhere else. Nothing is kept.

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLockWriteGuard;

use crate::broker::Broker;
use crate::broker::command::Reply;
use crate::broker::destination::Pattern;
use crate::broker::outbox::Passed;
use crate::broker::payload::Post;
use crate::broker::sessions::Session;
use crate::broker::topics::Subscriber;
use crate::broker::topics::SubscriptionId;
use crate::broker::topics::Topics;

impl Broker {
    /// Puts a post in the outbox of each subscriber. Never waits for any of them.
    pub(super) fn publish(&self, post: &Arc<Post>) -> Reply {
        self.tally.posts_published.add();
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        topics.for_each(&post.topic, |subscriber, session| {
            match session.post(subscriber.id, post) {
                Passed::On => self.tally.posts_passed_on.add(),
                Passed::TooSlow => self.tally.slow_consumers.add(),
                Passed::Over => {}
            }
        });
        Reply::Done
    }

    pub(super) fn watch(&self, session: &Arc<Session>, id: SubscriptionId, topics: Pattern) {
        let subscriber = Subscriber {
            session: session.number,
            id,
        };
        let leads_to = Arc::clone(session);
        self.topics_to_change().add(subscriber, topics, leads_to);
    }

    pub(super) fn unwatch(&self, session: &Session, id: SubscriptionId) {
        self.topics_to_change().remove(Subscriber {
            session: session.number,
            id,
        });
    }

    pub(super) fn unwatch_all(&self, session: &Session) {
        self.topics_to_change().remove_session(session.number);
    }

    fn topics_to_change(&self) -> RwLockWriteGuard<'_, Topics<Arc<Session>>> {
        // No change below can panic half-way, so a poisoned index is still whole.
        self.topics.write().unwrap_or_else(PoisonError::into_inner)
    }
}
