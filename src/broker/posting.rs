//! Topics: what is published goes to whoever subscribes now, and nowhere else. Nothing is kept.

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLockWriteGuard;

use crate::broker::Asker;
use crate::broker::Broker;
use crate::broker::command::Reply;
use crate::broker::command::Ticket;
use crate::broker::destination::Pattern;
use crate::broker::moment::Moment;
use crate::broker::outbox::Passed;
use crate::broker::payload::Post;
use crate::broker::sessions::Session;
use crate::broker::topics::Subscriber;
use crate::broker::topics::SubscriptionId;
use crate::broker::topics::Topics;

impl Broker {
    /// Asks for all that a session publishes at once, in this order, as [`Broker::ask`] does for one [`Command::Publish`]. What
    /// goes to one topic in a row is put in each subscriber's outbox together.
    ///
    /// [`Command::Publish`]: crate::broker::command::Command::Publish
    pub fn publish(&self, now: Moment, session: &Arc<Session>, posts: &[(Ticket, Arc<Post>)]) {
        for run in posts.chunk_by(|(_, one), (_, next)| one.topic == next.topic) {
            let admit = |(_, post): &(Ticket, Arc<Post>)| {
                self.admit(now, session.person.uid, post.payload.bytes())
            };
            let verdicts: Vec<_> = run.iter().map(admit).collect();
            let asked = run.iter().zip(&verdicts);
            let admitted = asked.filter_map(|((_, post), verdict)| verdict.is_ok().then_some(post));
            self.pass_on(&admitted.collect::<Vec<_>>());
            for ((ticket, _), verdict) in run.iter().zip(verdicts) {
                let asker = Asker::Session(Arc::clone(session), *ticket);
                self.settle(asker, verdict.map(|()| Reply::Done));
            }
        }
    }

    /// Puts posts to one topic in the outbox of each subscriber. Never waits for any of them.
    fn pass_on(&self, posts: &[&Arc<Post>]) {
        let Some(first) = posts.first() else {
            return;
        };
        self.tally.posts_published.add_many(posts.len() as u64);
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        let (mut on, mut too_slow) = (0, 0);
        topics.for_each(&first.topic, |subscriber, session| {
            session.post(subscriber.id, posts, |passed| match passed {
                Passed::On => on += 1,
                Passed::TooSlow => too_slow += 1,
                Passed::Over => {}
            });
        });
        self.tally.posts_passed_on.add_many(on);
        self.tally.slow_consumers.add_many(too_slow);
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
