//! Queues: what is kept in the store, handed to one consumer at a time, and gone once it is settled. Here what sessions ask
//! meets the store; who gets what is decided in [`Queue`], and what follows from it is done in `tending`.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::broker::Asker;
use crate::broker::Broker;
use crate::broker::command::Reply;
use crate::broker::destination::Name;
use crate::broker::moment::Moment;
use crate::broker::ports::NewQueued;
use crate::broker::ports::QueueChange;
use crate::broker::ports::QueueChanged;
use crate::broker::ports::StoreError;
use crate::broker::queued::QueueOp;
use crate::broker::queued::Queued;
use crate::broker::queued::QueuedId;
use crate::broker::queued::Tag;
use crate::broker::queued::Verdict;
use crate::broker::queues::Queue;
use crate::broker::refusal::Refusal;
use crate::broker::sessions::Session;
use crate::broker::topics::Subscriber;
use crate::broker::topics::SubscriptionId;
use crate::broker::users::Uid;

/// The queues that somebody consumes, or of which something is known that the store does not know.
#[derive(Default)]
pub(super) struct Queues {
    pub(super) named: HashMap<Name, Arc<Tended>>,
    pub(super) of_session: HashMap<u64, HashMap<SubscriptionId, Arc<Tended>>>,
}

/// A queue in memory.
pub(super) struct Tended {
    pub(super) name: Name,
    queue: Mutex<Queue<Arc<Session>>>,
}

impl Tended {
    pub(super) fn queue(&self) -> MutexGuard<'_, Queue<Arc<Session>>> {
        // A queue is whole between any two of its steps.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Messages on the way out of the store, all of one queue.
pub(super) struct Leaving {
    pub(super) tended: Arc<Tended>,
    /// Who gets them back if the store does not let them go. Nobody where they have expired, or where the consumer settles by
    /// taking: these must not be pushed again, whatever the store holds.
    pub(super) owner: Option<Subscriber>,
    pub(super) taken: Vec<(Tag, QueuedId)>,
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

    pub(super) fn forget_if_idle(&self, tended: &Tended) {
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
    pub(super) fn take_out(
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
    pub(super) fn write(
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

    pub(super) fn queues(&self) -> MutexGuard<'_, Queues> {
        // No change of these maps can panic half-way.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
