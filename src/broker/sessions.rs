//! Who is here: the live sessions of each user, and the bounded outbox of each session.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use dashmap::DashMap;
use tokio::sync::Notify;

use crate::broker::command::Reply;
use crate::broker::command::Ticket;
use crate::broker::delivery::Receipt;
use crate::broker::event::End;
use crate::broker::event::Event;
use crate::broker::inbox::Inbox;
use crate::broker::inbox::Turn;
use crate::broker::limits::OUTBOX_BYTES_MAX;
use crate::broker::limits::OUTBOX_HANDOUT_BYTES_MAX;
use crate::broker::limits::OUTBOX_HANDOUTS_MAX;
use crate::broker::limits::OUTBOX_MESSAGES_MAX;
use crate::broker::limits::OUTBOX_NOTICES_MAX;
use crate::broker::limits::OUTBOX_POST_BYTES_MAX;
use crate::broker::limits::OUTBOX_POSTS_MAX;
use crate::broker::message::Message;
use crate::broker::message::MessageId;
use crate::broker::payload::Post;
use crate::broker::ports::InboxPage;
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
    outbox: Mutex<Outbox>,
    bell: Notify,
}

struct Outbox {
    events: VecDeque<Event>,
    messages: usize,
    content_bytes: usize,
    notices: usize,
    posts: usize,
    post_bytes: usize,
    /// No post is put in any more.
    too_slow: bool,
    handouts: usize,
    handout_bytes: usize,
    /// A queue had something for which there was no room.
    queues_wait: bool,
    inbox: Inbox,
}

/// What became of a post for a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passed {
    /// It is in the outbox.
    On,
    /// There was no room, and the session ends for it.
    TooSlow,
    /// The session was ending already.
    Over,
}

impl Outbox {
    fn has_room(&self) -> bool {
        self.messages < OUTBOX_MESSAGES_MAX && self.content_bytes < OUTBOX_BYTES_MAX
    }

    /// Whether so little waits that the next page should be fetched, before the client has to wait for it.
    fn runs_low(&self) -> bool {
        self.messages < OUTBOX_MESSAGES_MAX / 2 && self.content_bytes < OUTBOX_BYTES_MAX / 2
    }

    fn put_message(&mut self, message: Arc<Message>) {
        self.messages += 1;
        self.content_bytes += message.bytes();
        self.events.push_back(Event::Message(message));
    }

    fn note_taken(&mut self, event: &Event) {
        match event {
            Event::Message(message) => {
                self.messages -= 1;
                self.content_bytes -= message.bytes();
            }
            Event::Received(_) => self.notices -= 1,
            Event::Posted(_, post) => {
                self.posts -= 1;
                self.post_bytes -= post.payload.bytes();
            }
            Event::Handed(handout) => {
                self.handouts -= 1;
                self.handout_bytes -= handout.message.payload.bytes();
            }
            Event::Noticed(_) => self.notices -= 1,
            Event::Answer(..) | Event::Ended(_) => {}
        }
    }
}

impl Session {
    /// Waits until something may be there to take. Safe to drop and call again.
    pub async fn rung(&self) {
        self.bell.notified().await;
    }

    /// What this session was pushed: messages after the first id, up to and with the second.
    pub(super) fn pushed(&self) -> (MessageId, MessageId) {
        self.outbox().inbox.pushed()
    }

    pub(super) fn answer(&self, ticket: Ticket, answer: Result<Reply, Refusal>) {
        self.put(Event::Answer(ticket, answer));
    }

    pub(super) fn end(&self, end: End) {
        self.put(Event::Ended(end));
    }

    /// Pushes a message that was just committed, or leaves it to the store.
    pub(super) fn offer(&self, message: &Arc<Message>) {
        let mut outbox = self.outbox();
        if !outbox.inbox.ears().hear(message) {
            return;
        }
        let room = outbox.has_room();
        if outbox.inbox.offer(message.id, room) {
            outbox.put_message(Arc::clone(message));
        }
        drop(outbox);
        // Also when it was left to the store: the gateway's next take is what fetches it.
        self.bell.notify_one();
    }

    /// Tells of a receipt; false if too many wait and this one was dropped.
    pub(super) fn notice(&self, receipt: Receipt) -> bool {
        let mut outbox = self.outbox();
        if outbox.notices >= OUTBOX_NOTICES_MAX {
            return false;
        }
        outbox.notices += 1;
        outbox.events.push_back(Event::Received(receipt));
        drop(outbox);
        self.bell.notify_one();
        true
    }

    /// Puts in what was published to a topic. Where there is no room the session ends, and its posts go at once: whoever
    /// does not read them shall not hold them in memory either.
    pub(super) fn post(&self, subscription: SubscriptionId, post: &Arc<Post>) -> Passed {
        let bytes = post.payload.bytes();
        let mut outbox = self.outbox();
        if outbox.too_slow {
            return Passed::Over;
        }
        let fits = outbox.posts < OUTBOX_POSTS_MAX
            && outbox.post_bytes.saturating_add(bytes) <= OUTBOX_POST_BYTES_MAX;
        let passed = if fits || outbox.posts == 0 {
            outbox.posts += 1;
            outbox.post_bytes += bytes;
            let event = Event::Posted(subscription, Arc::clone(post));
            outbox.events.push_back(event);
            Passed::On
        } else {
            outbox.too_slow = true;
            (outbox.posts, outbox.post_bytes) = (0, 0);
            let is_post = |event: &Event| matches!(event, Event::Posted(..));
            outbox.events.retain(|event| !is_post(event));
            outbox.events.push_back(Event::Ended(End::SlowConsumer));
            Passed::TooSlow
        };
        drop(outbox);
        self.bell.notify_one();
        passed
    }

    /// Puts in a message of a queue; false if there is no room. Then [`Self::take_queues_wait`] says when there is.
    pub(super) fn hand(&self, handout: Handout) -> bool {
        let bytes = handout.message.payload.bytes();
        let mut outbox = self.outbox();
        let fits = outbox.handouts < OUTBOX_HANDOUTS_MAX
            && outbox.handout_bytes.saturating_add(bytes) <= OUTBOX_HANDOUT_BYTES_MAX;
        if !fits && outbox.handouts > 0 {
            outbox.queues_wait = true;
            return false;
        }
        outbox.handouts += 1;
        outbox.handout_bytes += bytes;
        outbox.events.push_back(Event::Handed(handout));
        drop(outbox);
        self.bell.notify_one();
        true
    }

    /// Whether a queue waits for room and there is some again. It is told once.
    pub(super) fn take_queues_wait(&self) -> bool {
        let mut outbox = self.outbox();
        let room = outbox.handouts < OUTBOX_HANDOUTS_MAX / 2
            && outbox.handout_bytes < OUTBOX_HANDOUT_BYTES_MAX / 2;
        room && std::mem::take(&mut outbox.queues_wait)
    }

    pub(super) fn change_inbox(&self, change: impl FnOnce(&mut Inbox)) {
        change(&mut self.outbox().inbox);
    }

    /// Moves up to `count_max` events to the end of `into`.
    pub(super) fn take(&self, into: &mut Vec<Event>, count_max: usize) {
        let mut outbox = self.outbox();
        for _ in 0..count_max {
            let Some(event) = outbox.events.pop_front() else {
                // An outbox that once was full should not cost an idle session anything.
                if outbox.events.capacity() > 64 {
                    outbox.events = VecDeque::new();
                }
                return;
            };
            outbox.note_taken(&event);
            into.push(event);
        }
        if !outbox.events.is_empty() {
            self.bell.notify_one();
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
        self.bell.notify_one();
    }

    pub(super) fn page_missed(&self, turn: Turn) {
        self.outbox().inbox.page_missed(turn);
    }

    fn put(&self, event: Event) {
        self.outbox().events.push_back(event);
        self.bell.notify_one();
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
    pub(super) fn open(&self, person: Person, token: Option<TokenId>) -> Arc<Session> {
        let uid = person.uid;
        let session = Arc::new(Session {
            number: self.opened.fetch_add(1, Ordering::Relaxed) + 1,
            person,
            token,
            outbox: Mutex::new(Outbox {
                events: VecDeque::new(),
                messages: 0,
                content_bytes: 0,
                notices: 0,
                posts: 0,
                post_bytes: 0,
                too_slow: false,
                handouts: 0,
                handout_bytes: 0,
                queues_wait: false,
                inbox: Inbox::new(),
            }),
            bell: Notify::new(),
        });
        let mut here = self.of_user.entry(uid).or_insert_with(|| Arc::from([]));
        *here = here.iter().cloned().chain([Arc::clone(&session)]).collect();
        session
    }

    pub(super) fn close(&self, session: &Session) {
        self.of_user.remove_if_mut(&session.person.uid, |_, here| {
            *here = here
                .iter()
                .filter(|other| other.number != session.number)
                .cloned()
                .collect();
            here.is_empty()
        });
    }

    /// The sessions of `uid`, in the order in which they came.
    pub(super) fn of(&self, uid: Uid) -> Arc<[Arc<Session>]> {
        self.of_user
            .get(&uid)
            .map_or_else(|| Arc::from([]), |here| Arc::clone(&here))
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
