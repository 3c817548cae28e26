//! One queue in memory: which messages are ready, who has which, and who gets the next. The messages themselves are in the
//! store, which this does not know; nor does it know sessions, only what it was given for each consumer.
//!
//! ```text
//!                page read, or committed         dispatch                settle
//!   (store) ──────────────────────────▶ ready ─────────────▶ out ──────────────────▶ settling ──▶ gone
//!      ▲                                  ▲                   │                          │ not committed
//!      └── as ids: missed ◀───────────────┼───────────────────┴──────────────────────────┘
//!                │  page of these         │         given back, or the consumer is gone
//!                └────────────────────────┘
//! ```
//!
//! Only *ready* holds bodies, at most about two pages of them. What is out, or missed, is a number each. Messages leave in the
//! order of their ids: one that came back goes first, and those behind it wait until it is read again.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::broker::limits::OUTBOX_HANDOUTS_MAX;
use crate::broker::limits::PAGE_MESSAGES;
use crate::broker::ports::QueuePage;
use crate::broker::ports::QueueWhich;
use crate::broker::queued::Handout;
use crate::broker::queued::Queued;
use crate::broker::queued::QueuedId;
use crate::broker::queued::Tag;
use crate::broker::topics::Subscriber;

/// A queue with its consumers; `C` is where each leads.
#[derive(Debug)]
pub(super) struct Queue<C> {
    ready: BTreeMap<QueuedId, Ready>,
    /// Known to wait, but no longer in memory, and whether it was pushed before.
    missed: BTreeMap<QueuedId, bool>,
    /// All messages up to here were read, or came by a commit.
    cursor: QueuedId,
    /// Whether the store may hold messages after the cursor.
    behind: bool,
    reading: Option<Reading>,
    /// Messages whose end the store has yet to commit.
    settling: usize,
    consumers: Vec<Consumer<C>>,
    /// Whose turn it is.
    next: usize,
    tags: u64,
}

#[derive(Debug)]
struct Ready {
    message: Arc<Queued>,
    again: bool,
}

#[derive(Debug)]
enum Reading {
    /// The messages after the cursor; whether others were committed since it began.
    On { overtaken: bool },
    /// These again.
    Back(BTreeMap<QueuedId, bool>),
}

#[derive(Debug)]
struct Consumer<C> {
    subscriber: Subscriber,
    leads_to: C,
    /// Most messages that it may have unsettled.
    credit: usize,
    auto: bool,
    out: BTreeMap<Tag, QueuedId>,
    /// Where it leads to has no room; it will say when it has.
    full: bool,
}

impl<C> Queue<C> {
    /// A queue of which nothing is known yet.
    pub(super) fn new() -> Self {
        Self {
            ready: BTreeMap::new(),
            missed: BTreeMap::new(),
            cursor: QueuedId(0),
            behind: true,
            reading: None,
            settling: 0,
            consumers: Vec::new(),
            next: 0,
            tags: 0,
        }
    }

    /// Whether it may be forgotten: nobody consumes, and nothing is known of it that the store does not know.
    pub(super) fn is_idle(&self) -> bool {
        let pushed_before = self.missed.values().any(|again| *again);
        self.consumers.is_empty() && self.settling == 0 && self.reading.is_none() && !pushed_before
    }

    /// A consumer comes. It may have `prefetch` messages unsettled; with none, each is settled as soon as it is taken.
    pub(super) fn consume(&mut self, subscriber: Subscriber, leads_to: C, prefetch: Option<usize>) {
        self.consumers.push(Consumer {
            subscriber,
            leads_to,
            credit: prefetch.unwrap_or(OUTBOX_HANDOUTS_MAX),
            auto: prefetch.is_none(),
            out: BTreeMap::new(),
            full: false,
        });
    }

    /// A consumer goes; what it had not settled comes back.
    pub(super) fn cease(&mut self, subscriber: Subscriber) {
        let Some(at) = self.position(subscriber) else {
            return;
        };
        let gone = self.consumers.remove(at);
        if self.next > at {
            self.next -= 1;
        }
        self.give_back(gone.out.into_values());
        if self.consumers.is_empty() {
            // Nobody needs the bodies now.
            let ready = std::mem::take(&mut self.ready).into_iter();
            self.missed
                .extend(ready.map(|(id, ready)| (id, ready.again)));
        }
    }

    /// All consumers.
    pub(super) fn consumers(&self) -> impl Iterator<Item = &C> {
        self.consumers.iter().map(|consumer| &consumer.leads_to)
    }

    /// A message was committed. They come in the order of their ids.
    pub(super) fn committed(&mut self, message: Arc<Queued>) {
        if message.id <= self.cursor {
            // A page was faster.
            return;
        }
        if let Some(Reading::On { overtaken }) = &mut self.reading {
            *overtaken = true;
        }
        let reads_on = matches!(self.reading, Some(Reading::On { .. }));
        let wanted = self.consumers.iter().any(Consumer::can_take);
        let room = self.ready.len() < PAGE_MESSAGES;
        if self.behind || reads_on || !wanted || !room {
            self.behind = true;
            return;
        }
        self.cursor = message.id;
        let again = false;
        self.ready.insert(message.id, Ready { message, again });
    }

    /// The read that is due now, if any. One at a time.
    pub(super) fn next_read(&mut self) -> Option<QueueWhich> {
        let low = self.ready.len() < PAGE_MESSAGES / 2;
        let wanted = self.consumers.iter().any(Consumer::can_take);
        let blocked = self.first_missed().is_some_and(|missed| {
            let first_ready = self.ready.keys().next();
            first_ready.is_some_and(|ready| missed < *ready)
        });
        if self.reading.is_some() || !wanted || !(low || blocked) {
            return None;
        }
        if self.missed.is_empty() {
            self.behind.then(|| {
                self.reading = Some(Reading::On { overtaken: false });
                QueueWhich::After(self.cursor)
            })
        } else {
            let these: BTreeMap<_, _> = self
                .missed
                .iter()
                .take(PAGE_MESSAGES)
                .map(|(id, again)| (*id, *again))
                .collect();
            self.missed.retain(|id, _| !these.contains_key(id));
            let ids = these.keys().copied().collect();
            self.reading = Some(Reading::Back(these));
            Some(QueueWhich::These(ids))
        }
    }

    /// The read that was due is done.
    pub(super) fn page_read(&mut self, page: QueuePage) {
        let last = page.messages.last().map(|message| message.id);
        match self.reading.take() {
            None => {}
            Some(Reading::On { overtaken }) => {
                self.cursor = self.cursor.max(last.unwrap_or_default());
                self.behind = page.more || overtaken;
                self.add_ready(page, |_| false);
            }
            Some(Reading::Back(mut asked)) => {
                // What is not on the page is gone, unless the page was too small for it.
                if page.more {
                    let first_left_out = QueuedId(last.map_or(0, |last| last.0 + 1));
                    self.missed.extend(asked.split_off(&first_left_out));
                }
                self.add_ready(page, |id| asked.get(&id).copied().unwrap_or(true));
            }
        }
    }

    fn add_ready(&mut self, page: QueuePage, again: impl Fn(QueuedId) -> bool) {
        for message in page.messages {
            let again = again(message.id);
            if self.consumers.is_empty() {
                self.missed.insert(message.id, again);
            } else {
                self.ready.insert(message.id, Ready { message, again });
            }
        }
    }

    /// The read that was due did not happen; the next one asks for the same.
    pub(super) fn page_missed(&mut self) {
        match self.reading.take() {
            None => {}
            Some(Reading::On { .. }) => self.behind = true,
            Some(Reading::Back(asked)) => self.missed.extend(asked),
        }
    }

    /// Hands out what is ready, in order, to the consumers in turn, as long as they take it: `push` says whether there was
    /// room. What has expired at `now_ms` is given back instead, to be removed from the store; it counts as settling.
    pub(super) fn dispatch(
        &mut self,
        now_ms: u64,
        mut push: impl FnMut(&C, Handout) -> bool,
    ) -> Vec<QueuedId> {
        let mut expired = Vec::new();
        while let Some((id, ready)) = self.ready.pop_first() {
            if self.first_missed().is_some_and(|missed| missed < id) {
                self.ready.insert(id, ready);
                break;
            }
            if ready.message.is_expired(now_ms) {
                expired.push(id);
                continue;
            }
            if !self.hand_out(&ready, &mut push) {
                self.ready.insert(id, ready);
                break;
            }
        }
        self.settling += expired.len();
        expired
    }

    /// Gives one message to the next consumer that takes it.
    fn hand_out(&mut self, ready: &Ready, push: &mut impl FnMut(&C, Handout) -> bool) -> bool {
        for turn in 0..self.consumers.len() {
            let at = (self.next + turn) % self.consumers.len();
            let consumer = &mut self.consumers[at];
            if !consumer.can_take() {
                continue;
            }
            let tag = Tag(self.tags + 1);
            let handout = Handout {
                subscription: consumer.subscriber.id,
                tag,
                message: Arc::clone(&ready.message),
                again: ready.again,
                auto: consumer.auto,
            };
            if push(&consumer.leads_to, handout) {
                self.tags += 1;
                consumer.out.insert(tag, ready.message.id);
                self.next = at + 1;
                return true;
            }
            consumer.full = true;
        }
        false
    }

    /// Where a consumer leads to has room again.
    pub(super) fn has_room(&mut self, subscriber: Subscriber) {
        if let Some(at) = self.position(subscriber) {
            self.consumers[at].full = false;
        }
    }

    /// Takes from a consumer the messages of one push, or of all `through` it: no longer its own, and not yet anybody else's.
    /// None of them if they are settled already.
    pub(super) fn take_out(
        &mut self,
        subscriber: Subscriber,
        tag: Tag,
        through: bool,
    ) -> Vec<(Tag, QueuedId)> {
        let Some(at) = self.position(subscriber) else {
            return Vec::new();
        };
        let out = &mut self.consumers[at].out;
        if !through {
            return out.remove_entry(&tag).into_iter().collect();
        }
        let later = out.split_off(&Tag(tag.0.saturating_add(1)));
        std::mem::replace(out, later).into_iter().collect()
    }

    /// They were not taken after all: they are the consumer's again, if it is still there.
    pub(super) fn restore(&mut self, subscriber: Subscriber, taken: Vec<(Tag, QueuedId)>) {
        match self.position(subscriber) {
            Some(at) => self.consumers[at].out.extend(taken),
            None => self.give_back(taken.into_iter().map(|(_, id)| id)),
        }
    }

    /// Messages that were taken out come back to their places.
    pub(super) fn give_back(&mut self, ids: impl IntoIterator<Item = QueuedId>) {
        self.missed.extend(ids.into_iter().map(|id| (id, true)));
    }

    /// So many messages that were taken out are to be removed from the store.
    pub(super) fn settle(&mut self, messages: usize) {
        self.settling += messages;
    }

    /// The store has committed the end of so many.
    pub(super) fn settled(&mut self, messages: usize) {
        self.settling = self.settling.saturating_sub(messages);
    }

    /// The oldest message that must be read again before any behind it may leave.
    fn first_missed(&self) -> Option<QueuedId> {
        let asked = match &self.reading {
            Some(Reading::Back(asked)) => asked.keys().next(),
            _ => None,
        };
        let missed = self.missed.keys().next();
        asked.into_iter().chain(missed).min().copied()
    }

    fn position(&self, subscriber: Subscriber) -> Option<usize> {
        let mut all = self.consumers.iter();
        all.position(|consumer| consumer.subscriber == subscriber)
    }
}

impl<C> Consumer<C> {
    fn can_take(&self) -> bool {
        !self.full && self.out.len() < self.credit
    }
}

#[cfg(test)]
mod tests;
