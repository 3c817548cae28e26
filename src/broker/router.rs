//! Where committed things go: a message to the receiver's sessions, a receipt to the sender's, a page to a session that is
//! behind. Runs on the store's threads, after the commit; messages come here in the order of their ids.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use crate::broker::Broker;
use crate::broker::command::Reach;
use crate::broker::command::Reply;
use crate::broker::event::End;
use crate::broker::event::Event;
use crate::broker::limits::PAGE_MESSAGES;
use crate::broker::message::Message;
use crate::broker::message::MessageId;
use crate::broker::message::Recipient;
use crate::broker::moment::Moment;
use crate::broker::ports::Appended;
use crate::broker::ports::Audience;
use crate::broker::ports::Confirmed;
use crate::broker::ports::InboxPage;
use crate::broker::ports::StoreError;
use crate::broker::ports::Which;
use crate::broker::queueing::Tended;
use crate::broker::refusal::Refusal;
use crate::broker::sessions::Session;
use crate::broker::users::Person;
use crate::broker::users::Uid;

/// Somebody whose read the store had no place for.
pub(super) enum Waiting {
    /// A session that is behind.
    Inbox(Arc<Session>),
    /// A queue.
    Queue(Arc<Tended>),
    /// News of who came and who went.
    Presence,
}

impl Broker {
    /// Asks which message is the newest of those that are there already: who begins to listen has asked for none of them.
    pub(super) fn learn_latest(self: &Arc<Self>) {
        let broker = Arc::clone(self);
        let done = Box::new(move |page: Result<InboxPage, StoreError>| {
            // Where the store fails, sessions will be told; here it costs nothing but a push too many.
            if let Ok(page) = page {
                broker.latest.fetch_max(page.through.0, Ordering::SeqCst);
            }
        });
        self.store
            .inbox(Uid::SYSTEM, MessageId(i64::MAX as u64), 1, done);
    }

    /// A message could not be kept. Perhaps it was all the same: then its sender tries again and is told that it is kept,
    /// and nobody has been pushed it.
    pub(super) fn note_unsure(&self, error: &StoreError) {
        if matches!(error, StoreError::Broken(_)) {
            self.unsure.store(true, Ordering::SeqCst);
        }
    }

    /// Pushes what was appended, if it is new, and says what to answer.
    pub(super) fn route(&self, appended: Appended, wants_reach: bool) -> Reply {
        if self.unsure.swap(false, Ordering::SeqCst) {
            // What nobody was told of is found where everything is, and in its order.
            let all = self.sessions.all();
            all.iter().for_each(|session| session.fall_behind());
        }
        let (message, audience) = match appended {
            Appended::Again(message, audience) => {
                self.tally.messages_repeated.add();
                (message, audience)
            }
            Appended::Fresh(message, audience) => {
                self.tally.messages_stored.add();
                // Before the push: whoever begins to listen in between has asked for what comes later, or for all.
                self.latest.fetch_max(message.id.0, Ordering::SeqCst);
                self.push(&message, &audience);
                (message, audience)
            }
        };
        Reply::Sent {
            id: message.id,
            msg_id: message.msg_id,
            time_ms: message.time_ms,
            reach: wants_reach.then(|| Box::new(self.reach(&message, &audience))),
        }
    }

    fn push(&self, message: &Arc<Message>, audience: &Audience) {
        match &message.to {
            Recipient::User(person) => {
                let here = self.sessions.of(person.uid);
                here.iter().for_each(|session| session.offer(message));
            }
            Recipient::Group(_) => {
                let members = audience.members.as_deref().unwrap_or_default();
                self.sessions.for_each_of(members, |session| {
                    if is_for(message, audience, session.person.uid) {
                        session.offer(message);
                    }
                });
            }
        }
    }

    /// Who of those that a message is for is here.
    fn reach(&self, message: &Message, audience: &Audience) -> Reach {
        let receivers: Vec<Person> = match &message.to {
            Recipient::User(person) => vec![person.clone()],
            Recipient::Group(_) => {
                let members = audience.members.iter().flat_map(|members| members.iter());
                let meant = members.filter(|member| is_for(message, audience, member.uid));
                meant.cloned().collect()
            }
        };
        let is_here = |person: &Person| self.sessions.is_here(person.uid);
        let (online, offline) = receivers.into_iter().partition(is_here);
        Reach { online, offline }
    }

    /// Tells the senders what was received, and says what to answer the receiver.
    pub(super) fn tell_senders(
        &self,
        which: Which,
        confirmed: &Confirmed,
    ) -> Result<Reply, Refusal> {
        for receipt in &confirmed.receipts {
            self.tally.messages_received.add();
            for session in self.sessions.of(receipt.sender).iter() {
                if !session.notice(*receipt) {
                    self.tally.notices_dropped.add();
                }
            }
        }
        match which {
            Which::Named { msg_id, .. } if confirmed.known => Ok(Reply::Confirmed { msg_id }),
            Which::Named { msg_id, .. } => Err(Refusal::NoSuchMessage(msg_id)),
            Which::One(_) | Which::Through { .. } => Ok(Reply::Done),
        }
    }

    /// The newest message that was routed.
    pub(super) fn latest(&self) -> MessageId {
        MessageId(self.latest.load(Ordering::SeqCst))
    }

    /// Moves up to `count_max` events of a session to the end of `into`, and fetches more from the store, and from the queues
    /// it consumes, where the session has room again.
    pub fn take(
        self: &Arc<Self>,
        now: Moment,
        session: &Arc<Session>,
        into: &mut Vec<Event>,
        count_max: usize,
    ) {
        let first = into.len();
        session.take(into, count_max);
        self.note_taken(now, session, into, first);
        if session.take_queues_wait() {
            self.note_room(now, session);
        }
        self.fetch(session);
    }

    /// Reads the next page for a session that is behind, if one is due.
    pub(super) fn fetch(self: &Arc<Self>, session: &Arc<Session>) {
        let Some((turn, after)) = session.next_read() else {
            return;
        };
        let broker = Arc::clone(self);
        let reader = Arc::clone(session);
        let done = Box::new(move |page| {
            match page {
                Ok(page) => {
                    broker.tally.pages_read.add();
                    reader.page_read(turn, page);
                }
                Err(StoreError::Busy) => {
                    reader.page_missed(turn);
                    return broker.wait_for_a_read(Waiting::Inbox(reader));
                }
                Err(StoreError::Broken(_) | StoreError::Unable(_) | StoreError::Closed) => {
                    reader.end(End::StoreFailed)
                }
            }
            broker.fetch_for_waiting();
        });
        self.store
            .inbox(session.person.uid, after, PAGE_MESSAGES, done);
    }

    /// A place at the store has come free: for somebody that it had none for.
    pub(super) fn fetch_for_waiting(self: &Arc<Self>) {
        let waiting = self.unread().pop_front();
        match waiting {
            Some(Waiting::Inbox(session)) => self.fetch(&session),
            Some(Waiting::Queue(queue)) => self.read_queue(&queue),
            Some(Waiting::Presence) => self.go_on_telling(),
            None => {}
        }
    }

    /// The store had no place for a read.
    pub(super) fn wait_for_a_read(&self, waiting: Waiting) {
        self.unread().push_back(waiting);
    }

    fn unread(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        // A queue is whole after any panic.
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a message to a group is for this member.
fn is_for(message: &Message, audience: &Audience, member: Uid) -> bool {
    member != message.sender.uid && audience.ignored.binary_search(&member).is_err()
}
