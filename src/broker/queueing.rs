//! Queues: what is kept in the store, handed to one consumer at a time, and gone once it is settled. Here a [`Queue`] meets
//! the sessions and the store; who gets what is decided there.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::broker::Asker;
use crate::broker::Broker;
use crate::broker::command::Reply;
use crate::broker::destination::Name;
use crate::broker::event::End;
use crate::broker::event::Event;
use crate::broker::moment::Moment;
use crate::broker::ports::NewQueued;
use crate::broker::ports::QueueChange;
use crate::broker::ports::QueueChanged;
use crate::broker::ports::QueuePage;
use crate::broker::ports::StoreError;
use crate::broker::queued::Handout;
use crate::broker::queued::QueueOp;
use crate::broker::queued::Queued;
use crate::broker::queued::QueuedId;
use crate::broker::queued::Tag;
use crate::broker::queued::Verdict;
use crate::broker::queues::Queue;
use crate::broker::refusal::Refusal;
use crate::broker::router::Waiting;
use crate::broker::sessions::Session;
use crate::broker::topics::Subscriber;
use crate::broker::topics::SubscriptionId;
use crate::broker::users::Uid;

/// The queues that somebody consumes, or of which something is known that the store does not know.
#[derive(Default)]
pub(super) struct Queues {
    named: HashMap<Name, Arc<Tended>>,
    of_session: HashMap<u64, HashMap<SubscriptionId, Arc<Tended>>>,
}

/// A queue in memory.
pub(super) struct Tended {
    name: Name,
    queue: Mutex<Queue<Arc<Session>>>,
}

impl Tended {
    fn queue(&self) -> MutexGuard<'_, Queue<Arc<Session>>> {
        // A queue is whole between any two of its steps.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Messages on the way out of the store, all of one queue.
struct Leaving {
    tended: Arc<Tended>,
    /// Who gets them back if the store does not let them go. Nobody where they have expired, or where the consumer settles by
    /// taking: these must not be pushed again, whatever the store holds.
    owner: Option<Subscriber>,
    taken: Vec<(Tag, QueuedId)>,
}

impl Broker {
    pub(super) fn consume(
        self: &Arc<Self>,
        now: Moment,
        session: &Arc<Session>,
        id: SubscriptionId,
        name: Name,
        prefetch: Option<usize>,
    ) {
        let subscriber = Subscriber {
            session: session.number,
            id,
        };
        let tended = {
            let mut queues = self.queues();
            let tended = queues.named.entry(name).or_insert_with_key(|name| {
                Arc::new(Tended {
                    name: name.clone(),
                    queue: Mutex::new(Queue::new()),
                })
            });
            let tended = Arc::clone(tended);
            // While the queues are held, so that nobody forgets this one meanwhile.
            let leads_to = Arc::clone(session);
            tended.queue().consume(subscriber, leads_to, prefetch);
            let of_session = queues.of_session.entry(session.number).or_default();
            of_session.insert(id, Arc::clone(&tended));
            tended
        };
        self.tend(now.epoch_ms, &tended, |_| ());
    }

    pub(super) fn cease(self: &Arc<Self>, now: Moment, session: &Session, id: SubscriptionId) {
        let mut queues = self.queues();
        let tended = queues
            .of_session
            .get_mut(&session.number)
            .and_then(|of_session| of_session.remove(&id));
        drop(queues);
        if let Some(tended) = tended {
            self.let_go(now.epoch_ms, &tended, session.number, id);
        }
    }

    pub(super) fn cease_all(self: &Arc<Self>, session: &Session) {
        let consumed = self.queues().of_session.remove(&session.number);
        for (id, tended) in consumed.into_iter().flatten() {
            // Whoever takes what comes back sees whether it has expired.
            self.let_go(0, &tended, session.number, id);
        }
    }

    fn let_go(
        self: &Arc<Self>,
        now_ms: u64,
        tended: &Arc<Tended>,
        session: u64,
        id: SubscriptionId,
    ) {
        self.tend(now_ms, tended, |queue| {
            queue.cease(Subscriber { session, id });
        });
        self.forget_if_idle(tended);
    }

    fn forget_if_idle(&self, tended: &Tended) {
        let mut queues = self.queues();
        let idle = |known: &Arc<Tended>| known.queue().is_idle();
        if queues.named.get(&tended.name).is_some_and(idle) {
            queues.named.remove(&tended.name);
        }
    }

    /// Carries out operations of a session, or of somebody without one, who has nothing to settle.
    pub(super) fn change_queues(
        self: &Arc<Self>,
        now: Moment,
        uid: Uid,
        session: Option<&Session>,
        ops: Vec<QueueOp>,
        asker: Asker,
    ) {
        let mut puts = Vec::new();
        let mut settles = Vec::new();
        for op in ops {
            match op {
                QueueOp::Put {
                    queue,
                    payload,
                    expires_ms,
                } => {
                    if let Err(refusal) = self.admit(now, uid, payload.bytes()) {
                        return self.refuse(asker, refusal);
                    }
                    puts.push(NewQueued {
                        queue,
                        payload,
                        expires_ms,
                    });
                }
                QueueOp::Settle {
                    subscription,
                    tag,
                    through,
                    verdict,
                } => settles.push((subscription, tag, through, verdict)),
            }
        }
        // What ends before it begins is kept for nobody.
        puts.retain(|put| put.expires_ms.is_none_or(|at| at > now.epoch_ms));
        let (mut consumed, mut dead) = (Vec::new(), Vec::new());
        for (subscription, tag, through, verdict) in settles {
            let Some(session) = session else { continue };
            let taken = self.take_out(now.epoch_ms, session, subscription, tag, through, verdict);
            match verdict {
                Verdict::Consumed => consumed.extend(taken),
                Verdict::Dead => dead.extend(taken),
                Verdict::Again => {}
            }
        }
        self.write(now.epoch_ms, puts, consumed, dead, Some(asker));
    }

    /// Takes from a consumer what it settles, and hands it the next.
    fn take_out(
        self: &Arc<Self>,
        now_ms: u64,
        session: &Session,
        id: SubscriptionId,
        tag: Tag,
        through: bool,
        verdict: Verdict,
    ) -> Option<Leaving> {
        let queues = self.queues();
        let tended = Arc::clone(queues.of_session.get(&session.number)?.get(&id)?);
        drop(queues);
        let subscriber = Subscriber {
            session: session.number,
            id,
        };
        let taken = self.tend(now_ms, &tended, |queue| {
            let taken = queue.take_out(subscriber, tag, through);
            match verdict {
                Verdict::Again => queue.give_back(taken.iter().map(|(_, id)| *id)),
                Verdict::Consumed | Verdict::Dead => queue.settle(taken.len()),
            }
            taken
        });
        Some(Leaving {
            tended,
            owner: Some(subscriber),
            taken,
        })
    }

    /// Writes to the store, and then tells the queues and the asker.
    fn write(
        self: &Arc<Self>,
        now_ms: u64,
        puts: Vec<NewQueued>,
        consumed: Vec<Leaving>,
        dead: Vec<Leaving>,
        asker: Option<Asker>,
    ) {
        let ids = |all: &[Leaving]| {
            let taken = all.iter().flat_map(|leaving| &leaving.taken);
            taken.map(|(_, id)| *id).collect()
        };
        let change = QueueChange {
            puts,
            takes: ids(&consumed),
            burials: ids(&dead),
            limits: self.limits.queues,
            time_ms: now_ms,
        };
        if change.puts.is_empty() && change.takes.is_empty() && change.burials.is_empty() {
            if let Some(asker) = asker {
                asker.answer(Ok(Reply::Done));
            }
            return;
        }
        let broker = Arc::clone(self);
        let done = Box::new(move |changed: Result<QueueChanged, StoreError>| {
            let answer = broker.told(changed);
            for leaving in consumed.into_iter().chain(dead) {
                let Leaving {
                    tended,
                    owner,
                    taken,
                } = leaving;
                broker.tend(now_ms, &tended, |queue| {
                    queue.settled(taken.len());
                    if let (Err(_), Some(owner)) = (&answer, owner) {
                        queue.restore(owner, taken);
                    }
                });
                broker.forget_if_idle(&tended);
            }
            let answer = answer.map(|added| {
                for message in added {
                    broker.committed(now_ms, message);
                }
                Reply::Done
            });
            match asker {
                Some(asker) => broker.settle(asker, answer),
                None => drop(answer),
            }
        });
        self.store.change_queues(change, done);
    }

    fn told(&self, changed: Result<QueueChanged, StoreError>) -> Result<Vec<Arc<Queued>>, Refusal> {
        let limits = self.limits.queues;
        match changed? {
            QueueChanged::Done(added) => Ok(added),
            QueueChanged::Full => Err(Refusal::QueueFull {
                messages_max: limits.messages_max,
                bytes_max: limits.bytes_max,
            }),
            QueueChanged::TooMany => Err(Refusal::TooManyQueues {
                queues_max: limits.queues_max,
            }),
        }
    }

    /// A message is in its queue. Runs on the store's thread, in the order of the ids.
    fn committed(self: &Arc<Self>, now_ms: u64, message: Arc<Queued>) {
        match message.buried {
            None => self.tally.queued.add(),
            Some(_) => self.tally.buried.add(),
        }
        let tended = self.queues().named.get(&message.queue).map(Arc::clone);
        if let Some(tended) = tended {
            self.tend(now_ms, &tended, |queue| queue.committed(message));
        }
    }

    /// Changes a queue, then does what follows from it.
    fn tend<T>(
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
            Err(StoreError::Broken(_) | StoreError::Closed) => {
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

    fn queues(&self) -> MutexGuard<'_, Queues> {
        // No change of these maps can panic half-way.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
