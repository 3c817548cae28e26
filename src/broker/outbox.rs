//! What waits for one session: bounded in every kind of thing, so that who does not read costs no more than this.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::broker::event::End;
use crate::broker::event::Event;
use crate::broker::inbox::Inbox;
use crate::broker::limits::OUTBOX_BYTES_MAX;
use crate::broker::limits::OUTBOX_HANDOUT_BYTES_MAX;
use crate::broker::limits::OUTBOX_HANDOUTS_MAX;
use crate::broker::limits::OUTBOX_MESSAGES_MAX;
use crate::broker::limits::OUTBOX_NOTICES_MAX;
use crate::broker::limits::OUTBOX_POST_BYTES_MAX;
use crate::broker::limits::OUTBOX_POSTS_MAX;
use crate::broker::message::Message;
use crate::broker::payload::Post;
use crate::broker::queued::Handout;
use crate::broker::topics::SubscriptionId;

/// Events on their way to a session, and its cursor on what waits in the store.
pub(super) struct Outbox {
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
    pub(super) inbox: Inbox,
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
    pub(super) fn new() -> Self {
        Self {
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
        }
    }

    /// How many events wait in it.
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// Puts in what is never left out: answers, and the end.
    pub(super) fn put(&mut self, event: Event) {
        self.events.push_back(event);
    }

    pub(super) fn put_message(&mut self, message: Arc<Message>) {
        self.messages += 1;
        self.content_bytes += message.bytes();
        self.events.push_back(Event::Message(message));
    }

    /// Whether there is room for another message.
    pub(super) fn has_room(&self) -> bool {
        self.messages < OUTBOX_MESSAGES_MAX && self.content_bytes < OUTBOX_BYTES_MAX
    }

    /// Whether so little waits that the next page should be fetched, before the client has to wait for it.
    pub(super) fn runs_low(&self) -> bool {
        self.messages < OUTBOX_MESSAGES_MAX / 2 && self.content_bytes < OUTBOX_BYTES_MAX / 2
    }

    /// Puts in a receipt or a notice; false if too many wait.
    pub(super) fn put_notice(&mut self, event: Event) -> bool {
        let room = self.notices < OUTBOX_NOTICES_MAX;
        if room {
            self.notices += 1;
            self.events.push_back(event);
        }
        room
    }

    /// Puts in what was published to a topic. Where there is no room the session ends, and its posts go at once: whoever
    /// does not read them shall not hold them in memory either.
    pub(super) fn put_post(&mut self, subscription: SubscriptionId, post: &Arc<Post>) -> Passed {
        if self.too_slow {
            return Passed::Over;
        }
        let bytes = post.payload.bytes();
        let fits = self.posts < OUTBOX_POSTS_MAX
            && self.post_bytes.saturating_add(bytes) <= OUTBOX_POST_BYTES_MAX;
        if fits || self.posts == 0 {
            self.posts += 1;
            self.post_bytes += bytes;
            let event = Event::Posted(subscription, Arc::clone(post));
            self.events.push_back(event);
            return Passed::On;
        }
        self.too_slow = true;
        (self.posts, self.post_bytes) = (0, 0);
        let is_post = |event: &Event| matches!(event, Event::Posted(..));
        self.events.retain(|event| !is_post(event));
        self.events.push_back(Event::Ended(End::SlowConsumer));
        Passed::TooSlow
    }

    /// Puts in a message of a queue; false if there is no room. Then [`Self::take_queues_wait`] says when there is.
    pub(super) fn put_handout(&mut self, handout: Handout) -> bool {
        let bytes = handout.message.payload.bytes();
        let fits = self.handouts < OUTBOX_HANDOUTS_MAX
            && self.handout_bytes.saturating_add(bytes) <= OUTBOX_HANDOUT_BYTES_MAX;
        let room = fits || self.handouts == 0;
        if room {
            self.handouts += 1;
            self.handout_bytes += bytes;
            self.events.push_back(Event::Handed(handout));
        } else {
            self.queues_wait = true;
        }
        room
    }

    /// Whether a queue waits for room and there is some again. It is told once.
    pub(super) fn take_queues_wait(&mut self) -> bool {
        let room = self.handouts < OUTBOX_HANDOUTS_MAX / 2
            && self.handout_bytes < OUTBOX_HANDOUT_BYTES_MAX / 2;
        room && std::mem::take(&mut self.queues_wait)
    }

    /// Moves up to `count_max` events to the end of `into`; whether more wait.
    pub(super) fn take(&mut self, into: &mut Vec<Event>, count_max: usize) -> bool {
        into.reserve(self.events.len().min(count_max));
        for _ in 0..count_max {
            let Some(event) = self.events.pop_front() else {
                // An outbox that once was full should not cost an idle session anything.
                if self.events.capacity() > 64 {
                    self.events = VecDeque::new();
                }
                return false;
            };
            self.note_taken(&event);
            into.push(event);
        }
        !self.events.is_empty()
    }

    fn note_taken(&mut self, event: &Event) {
        match event {
            Event::Message(message) => {
                self.messages -= 1;
                self.content_bytes -= message.bytes();
            }
            Event::Received(_) | Event::Noticed(_) => self.notices -= 1,
            Event::Posted(_, post) => {
                self.posts -= 1;
                self.post_bytes -= post.payload.bytes();
            }
            Event::Handed(handout) => {
                self.handouts -= 1;
                self.handout_bytes -= handout.message.payload.bytes();
            }
            Event::Answer(..) | Event::Ended(_) => {}
        }
    }
}
