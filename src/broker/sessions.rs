//! Who is here: the live sessions of each user.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use dashmap::DashMap;
use tokio::sync::Notify;

use crate::broker::bells;
use crate::broker::command::Reply;
use crate::broker::command::Ticket;
use crate::broker::delivery::Receipt;
use crate::broker::event::End;
use crate::broker::event::Event;
use crate::broker::inbox::Inbox;
use crate::broker::inbox::Turn;
use crate::broker::message::Message;
use crate::broker::message::MessageId;
use crate::broker::notice::Notice;
use crate::broker::outbox::Outbox;
use crate::broker::outbox::Passed;
use crate::broker::payload::Post;
use crate::broker::ports::InboxPage;
use crate::broker::ports::Pushes;
use crate::broker::ports::TokenId;
use crate::broker::queued::Handout;
use crate::broker::refusal::Refusal;
use crate::broker::topics::SubscriptionId;
use crate::broker::users::Person;
use crate::broker::users::Uid;

/// One live connection of a user. A gateway takes its events out with [`crate::broker::Broker::take`].
pub struct Session {
    /// Unlike that of any other session of this run.
    pub number: u64,
    /// Whose it is.
    pub person: Person,
    /// The token that opened it; `None` where name and password did.
    pub token: Option<TokenId>,
    /// Which device it is, where a user may have but one such session.
    pub device: Option<String>,
    outbox: Mutex<Outbox>,
    bell: Notify,
}

impl Session {
    /// Waits until something may be there to take. Safe to drop and call again.
    pub async fn rung(&self) {
        self.bell.notified().await;
    }

    pub(super) fn wake(&self) {
        self.bell.notify_one();
    }

    /// What this session was pushed.
    pub(super) fn pushed(&self) -> Pushes {
        self.outbox().inbox.pushed()
    }

    pub(super) fn answer(self: &Arc<Self>, ticket: Ticket, answer: Result<Reply, Refusal>) {
        self.put(Event::Answer(ticket, Box::new(answer)));
    }

    pub(super) fn end(self: &Arc<Self>, end: End) {
        self.put(Event::Ended(end));
    }

    /// Pushes a message that was just committed, or leaves it to the store.
    pub(super) fn offer(self: &Arc<Self>, message: &Arc<Message>) {
        let mut outbox = self.outbox();
        if !outbox.inbox.ears().hear(message) {
            outbox.inbox.pass_over(message.id);
            return;
        }
        let before = outbox.len();
        let room = outbox.has_room();
        if outbox.inbox.offer(message, room) {
            outbox.put_message(Arc::clone(message));
        }
        drop(outbox);
        // Also when it was left to the store: the gateway's next take is what fetches it.
        bells::ring(self, before);
    }

    /// Leaves what was committed since the last push to the store.
    pub(super) fn fall_behind(self: &Arc<Self>) {
        self.ring_after(|outbox| outbox.inbox.fall_behind());
    }

    /// Tells of a receipt; false if too many notices wait and this one was dropped.
    pub(super) fn notice(self: &Arc<Self>, receipt: Receipt) -> bool {
        self.ring_after(|outbox| outbox.put_notice(Event::Received(Box::new(receipt))))
    }

    /// Tells what happened between people; false as above.
    pub(super) fn inform(self: &Arc<Self>, notice: &Arc<Notice>) -> bool {
        self.ring_after(|outbox| outbox.put_notice(Event::Noticed(Arc::clone(notice))))
    }

    /// Passes posts on, one after another, and tells what became of each: see [`Outbox::put_post`].
    pub(super) fn post(
        self: &Arc<Self>,
        subscription: SubscriptionId,
        posts: &[&Arc<Post>],
        tell: impl FnMut(Passed),
    ) {
        self.ring_after(|outbox| {
            let passed = posts.iter().map(|post| outbox.put_post(subscription, post));
            passed.for_each(tell);
        });
    }

    /// See [`Outbox::put_handout`].
    pub(super) fn hand(self: &Arc<Self>, handout: Handout) -> bool {
        self.ring_after(|outbox| outbox.put_handout(handout))
    }

    /// See [`Outbox::take_queues_wait`].
    pub(super) fn take_queues_wait(&self) -> bool {
        self.outbox().take_queues_wait()
    }

    pub(super) fn change_inbox(&self, change: impl FnOnce(&mut Inbox)) {
        change(&mut self.outbox().inbox);
    }

    /// Moves up to `count_max` events to the end of `into`.
    pub(super) fn take(&self, into: &mut Vec<Event>, count_max: usize) {
        if self.outbox().take(into, count_max) {
            self.wake();
        }
    }

    /// The read of the store that is due now, if any: the messages after this id.
    pub(super) fn next_read(&self) -> Option<(Turn, MessageId)> {
        let mut outbox = self.outbox();
        if outbox.runs_low() {
            outbox.inbox.next_read()
        } else {
            None
        }
    }

    pub(super) fn page_read(&self, turn: Turn, page: InboxPage) {
        let mut outbox = self.outbox();
        if outbox.inbox.page_read(turn, &page) {
            let ears = outbox.inbox.ears();
            for message in page.messages {
                if ears.hear(&message) {
                    outbox.put_message(message);
                }
            }
        }
        drop(outbox);
        self.wake();
    }

    pub(super) fn page_missed(&self, turn: Turn) {
        self.outbox().inbox.page_missed(turn);
    }

    fn put(self: &Arc<Self>, event: Event) {
        self.ring_after(|outbox| outbox.put(event));
    }

    fn ring_after<T>(self: &Arc<Self>, change: impl FnOnce(&mut Outbox) -> T) -> T {
        let mut outbox = self.outbox();
        let before = outbox.len();
        let changed = change(&mut outbox);
        drop(outbox);
        bells::ring(self, before);
        changed
    }

    fn outbox(&self) -> MutexGuard<'_, Outbox> {
        // Nothing below can panic half-way through a change, so a poisoned outbox is still whole.
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The live sessions of all users.
#[derive(Default)]
pub(super) struct Sessions {
    of_user: DashMap<Uid, Arc<[Arc<Session>]>>,
    opened: AtomicU64,
}

impl Sessions {
    /// A session begins. One with a device takes the place of the user's other ones that have a device. `first` is called
    /// where the user had no session: in order with all that opens and closes for that user, so it must be short.
    pub(super) fn open(
        &self,
        person: Person,
        token: Option<TokenId>,
        device: Option<String>,
        first: impl FnOnce(),
    ) -> Arc<Session> {
        let session = Arc::new(Session {
            number: self.opened.fetch_add(1, Ordering::Relaxed) + 1,
            person,
            token,
            device,
            outbox: Mutex::new(Outbox::new()),
            bell: Notify::new(),
        });
        let here = self.of_user.entry(session.person.uid);
        let mut here = here.or_insert_with(|| Arc::from([]));
        if here.is_empty() {
            first();
        }
        let (displaced, stay): (Vec<_>, Vec<_>) = here
            .iter()
            .cloned()
            .partition(|other| session.device.is_some() && other.device.is_some());
        for other in displaced {
            other.end(End::Displaced {
                other_device: other.device != session.device,
            });
        }
        *here = stay.into_iter().chain([Arc::clone(&session)]).collect();
        drop(here);
        session
    }

    /// A session ends; no fault where it has ended before. `last` is called where the user has no session any more, as
    /// `first` above.
    pub(super) fn close(&self, session: &Session, last: impl FnOnce()) {
        self.of_user.remove_if_mut(&session.person.uid, |_, here| {
            *here = here
                .iter()
                .filter(|other| other.number != session.number)
                .cloned()
                .collect();
            if here.is_empty() {
                last();
            }
            here.is_empty()
        });
    }

    /// The sessions of `uid`, in the order in which they came.
    pub(super) fn of(&self, uid: Uid) -> Arc<[Arc<Session>]> {
        self.of_user
            .get(&uid)
            .map_or_else(|| Arc::from([]), |here| Arc::clone(&here))
    }

    /// Calls `each` for each session of those of `people` (by rising uid) who are here. Costs as much as the fewer: the
    /// people, or the users who are here.
    pub(super) fn for_each_of(&self, people: &[Person], mut each: impl FnMut(&Arc<Session>)) {
        if people.len() <= self.of_user.len() {
            for person in people {
                self.of(person.uid).iter().for_each(&mut each);
            }
            return;
        }
        for here in &self.of_user {
            let meant = people.binary_search_by_key(here.key(), |person| person.uid);
            if meant.is_ok() {
                here.value().iter().for_each(&mut each);
            }
        }
    }

    pub(super) fn is_here(&self, uid: Uid) -> bool {
        self.of_user.contains_key(&uid)
    }

    pub(super) fn all(&self) -> Vec<Arc<Session>> {
        self.of_user
            .iter()
            .flat_map(|here| here.value().to_vec())
            .collect()
    }
}
