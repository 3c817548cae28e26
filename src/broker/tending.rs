//! What follows from each change of a queue: messages go to consumers, the expired go away, pages are read. And what follows
//! when a session takes what it was handed.

use std::sync::Arc;
use std::sync::MutexGuard;

use crate::broker::Broker;
use crate::broker::event::End;
use crate::broker::event::Event;
use crate::broker::moment::Moment;
use crate::broker::ports::QueuePage;
use crate::broker::ports::StoreError;
use crate::broker::queued::Handout;
use crate::broker::queued::Tag;
use crate::broker::queued::Verdict;
use crate::broker::queueing::Leaving;
use crate::broker::queueing::Tended;
use crate::broker::queues::Queue;
use crate::broker::router::Waiting;
use crate::broker::sessions::Session;
use crate::broker::topics::Subscriber;

impl Broker {
    /// Changes a queue, then does what follows from it.
    pub(super) fn tend<T>(
        self: &Arc<Self>,
        now_ms: u64,
        tended: &Arc<Tended>,
        change: impl FnOnce(&mut Queue<Arc<Session>>) -> T,
    ) -> T {
        let mut queue = tended.queue();
        let result = change(&mut queue);
        self.go_on(now_ms, tended, queue);
        result
    }

    /// Hands out what can be handed out, removes what has expired, and reads more where that is due.
    fn go_on(
        self: &Arc<Self>,
        now_ms: u64,
        tended: &Arc<Tended>,
        mut queue: MutexGuard<'_, Queue<Arc<Session>>>,
    ) {
        let expired = queue.dispatch(now_ms, |session, handout| {
            let room = session.hand(handout);
            if room {
                self.tally.queue_handouts.add();
            }
            room
        });
        let read = queue.next_read();
        // The store may answer at once.
        drop(queue);
        if !expired.is_empty() {
            let consumed = vec![Leaving {
                tended: Arc::clone(tended),
                owner: None,
                taken: expired.into_iter().map(|id| (Tag(0), id)).collect(),
            }];
            self.write(now_ms, Vec::new(), consumed, Vec::new(), None);
        }
        if let Some(which) = read {
            let broker = Arc::clone(self);
            let reader = Arc::clone(tended);
            let done = Box::new(move |page| broker.page_read(now_ms, reader, page));
            self.store.queue_page(tended.name.clone(), which, done);
        }
    }

    fn page_read(
        self: &Arc<Self>,
        now_ms: u64,
        tended: Arc<Tended>,
        page: Result<QueuePage, StoreError>,
    ) {
        let mut queue = tended.queue();
        match page {
            Ok(page) => {
                queue.page_read(page);
                self.go_on(now_ms, &tended, queue);
            }
            Err(StoreError::Busy) => {
                queue.page_missed();
                drop(queue);
                return self.wait_for_a_read(Waiting::Queue(tended));
            }
            Err(StoreError::Broken(_) | StoreError::Unable(_) | StoreError::Closed) => {
                queue.page_missed();
                let all = queue.consumers();
                all.for_each(|session| session.end(End::StoreFailed));
                drop(queue);
            }
        }
        self.forget_if_idle(&tended);
        self.fetch_for_waiting();
    }

    /// There was no place for a queue's read before.
    pub(super) fn read_queue(self: &Arc<Self>, tended: &Arc<Tended>) {
        self.tend(0, tended, |_| ());
    }

    /// Looks through what a session has just taken from its outbox, from `first` on: what has expired meanwhile is not for it
    /// any more, and what is settled by being taken is settled.
    pub(super) fn note_taken(
        self: &Arc<Self>,
        now: Moment,
        session: &Session,
        taken: &mut Vec<Event>,
        first: usize,
    ) {
        let handed = |event: &Event| matches!(event, Event::Handed(_));
        if !taken[first..].iter().any(handed) {
            return;
        }
        let mut consumed = Vec::new();
        let mut take_out = |handout: &Handout| {
            let Handout {
                subscription, tag, ..
            } = *handout;
            let done = Verdict::Consumed;
            let leaving = self.take_out(now.epoch_ms, session, subscription, tag, false, done);
            consumed.extend(leaving.map(|leaving| Leaving {
                owner: None,
                ..leaving
            }));
        };
        let mut index = 0;
        taken.retain(|event| {
            index += 1;
            let Event::Handed(handout) = event else {
                return true;
            };
            if index <= first {
                return true;
            }
            let expired = handout.message.is_expired(now.epoch_ms);
            if expired || handout.auto {
                take_out(handout);
            }
            !expired
        });
        self.write(now.epoch_ms, Vec::new(), consumed, Vec::new(), None);
    }

    /// A session's outbox has room again for what it consumes.
    pub(super) fn note_room(self: &Arc<Self>, now: Moment, session: &Session) {
        let queues = self.queues();
        let of_session = queues.of_session.get(&session.number);
        let consumed: Vec<_> = of_session
            .into_iter()
            .flatten()
            .map(|(id, tended)| (*id, Arc::clone(tended)))
            .collect();
        drop(queues);
        for (id, tended) in consumed {
            let subscriber = Subscriber {
                session: session.number,
                id,
            };
            self.tend(now.epoch_ms, &tended, |queue| queue.has_room(subscriber));
        }
    }
}
