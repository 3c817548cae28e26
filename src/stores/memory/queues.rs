//! The shared queues.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::broker::destination::Name;
use crate::broker::limits::PAGE_MESSAGES;
use crate::broker::ports::QueueChange;
use crate::broker::ports::QueueChanged;
use crate::broker::ports::QueuePage;
use crate::broker::ports::QueueWhich;
use crate::broker::queued::Buried;
use crate::broker::queued::Queued;
use crate::broker::queued::QueuedId;
use crate::stores::pages::Room;

/// Everything that waits, by queue; an empty queue is none.
#[derive(Default)]
pub(super) struct Queues {
    named: BTreeMap<Name, BTreeMap<QueuedId, Arc<Queued>>>,
    last: u64,
}

impl Queues {
    pub(super) fn change(&mut self, change: &QueueChange) -> QueueChanged {
        if let Some(refused) = self.refused(change) {
            return refused;
        }
        for id in &change.takes {
            self.take(*id);
        }
        let mut added = Vec::new();
        for put in &change.puts {
            added.push(self.insert(Queued {
                id: QueuedId(0),
                queue: put.queue.clone(),
                payload: Arc::clone(&put.payload),
                expires_ms: put.expires_ms,
                buried: None,
            }));
        }
        for id in &change.burials {
            let Some(taken) = self.take(*id) else {
                continue;
            };
            let from_now = Buried {
                from: taken.queue.clone(),
                time_ms: change.time_ms,
            };
            added.push(self.insert(Queued {
                id: QueuedId(0),
                queue: Name::dead(),
                payload: Arc::clone(&taken.payload),
                expires_ms: None,
                buried: Some(taken.buried.clone().unwrap_or(from_now)),
            }));
        }
        QueueChanged::Done(added)
    }

    fn refused(&mut self, change: &QueueChange) -> Option<QueueChanged> {
        let mut added: BTreeMap<Name, (u64, u64)> = BTreeMap::new();
        let mut add = |name: &Name, more: usize| {
            let (messages, bytes) = added.entry(name.clone()).or_default();
            *messages += 1;
            *bytes += more as u64;
        };
        for put in &change.puts {
            add(&put.queue, put.payload.bytes());
        }
        for buried in change.burials.iter().filter_map(|id| self.find(*id)) {
            add(&Name::dead(), buried.payload.bytes());
        }
        let limits = change.limits;
        let mut made = 0;
        for (name, (messages, bytes)) in added {
            made += u64::from(!self.named.contains_key(&name));
            let fits = |(held, held_bytes)| {
                held + messages <= limits.messages_max && held_bytes + bytes <= limits.bytes_max
            };
            if fits(self.level(&name)) {
                continue;
            }
            if let Some(queue) = self.named.get_mut(&name) {
                queue.retain(|_, message| !message.is_expired(change.time_ms));
            }
            if !fits(self.level(&name)) {
                return Some(QueueChanged::Full);
            }
        }
        let too_many = made > 0 && self.named.len() as u64 + made > limits.queues_max;
        too_many.then_some(QueueChanged::TooMany)
    }

    fn level(&self, name: &Name) -> (u64, u64) {
        let queue = self.named.get(name).into_iter().flat_map(BTreeMap::values);
        queue.fold((0, 0), |(messages, bytes), message| {
            (messages + 1, bytes + message.payload.bytes() as u64)
        })
    }

    fn find(&self, id: QueuedId) -> Option<&Arc<Queued>> {
        self.named.values().find_map(|queue| queue.get(&id))
    }

    fn take(&mut self, id: QueuedId) -> Option<Arc<Queued>> {
        let taken = self
            .named
            .values_mut()
            .find_map(|queue| queue.remove(&id))?;
        self.named.retain(|_, queue| !queue.is_empty());
        Some(taken)
    }

    fn insert(&mut self, new: Queued) -> Arc<Queued> {
        self.last += 1;
        let id = QueuedId(self.last);
        let message = Arc::new(Queued { id, ..new });
        let queue = self.named.entry(message.queue.clone()).or_default();
        queue.insert(id, Arc::clone(&message));
        message
    }

    pub(super) fn page(&self, name: &Name, which: &QueueWhich) -> QueuePage {
        let Some(queue) = self.named.get(name) else {
            return QueuePage::default();
        };
        let meant: Vec<&Arc<Queued>> = match which {
            QueueWhich::After(after) => queue
                .iter()
                .filter(|(id, _)| *id > after)
                .map(|(_, message)| message)
                .collect(),
            QueueWhich::These(ids) => ids.iter().filter_map(|id| queue.get(id)).collect(),
        };
        let messages_max = match which {
            QueueWhich::After(_) => PAGE_MESSAGES,
            QueueWhich::These(ids) => ids.len(),
        };
        let mut room = Room::new(messages_max);
        let fitting = meant
            .iter()
            .take_while(|message| room.take(message.payload.bytes()));
        let messages: Vec<_> = fitting.map(|message| Arc::clone(message)).collect();
        QueuePage {
            more: messages.len() < meant.len(),
            messages,
        }
    }

    /// How many queues, and how many messages in all of them.
    pub(super) fn counts(&self) -> (u64, u64) {
        let messages = self.named.values().map(BTreeMap::len).sum::<usize>();
        (self.named.len() as u64, messages as u64)
    }
}
