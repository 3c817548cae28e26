//! A session's cursor on its user's inbox. The inbox itself is the store; this decides only what the session gets next, and
//! knows nothing of sockets or of the store.
//!
//! ```text
//!            listen                no room in the outbox, or init, or a commit in doubt
//!   Deaf ─────────────▶ Live ─────────────────────────────────────────────▶ Behind ──┐ a page is read
//!    ▲                   ▲                                                    │  ▲    │ and more waits
//!    │ deafen            └────────────────────────────────────────────────────┘  └────┘
//!    └─ (from any)           a page held all there is, up to the newest commit
//! ```
//!
//! *Live*: each message is pushed as it is committed. *Behind*: commits only move `newest`; pages are read from the store
//! until one of them has caught up with it. So a slow reader costs these few numbers.

use crate::broker::command::Ears;
use crate::broker::message::Message;
use crate::broker::message::MessageId;
use crate::broker::ports::InboxPage;
use crate::broker::ports::Pushes;

/// Which read of the store a page belongs to: an `init` or a `deafen` in between makes the page stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn(u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Deaf { init_asked: bool },
    Live,
    Behind { reading: bool },
}

#[derive(Debug)]
pub(super) struct Inbox {
    flow: Flow,
    turn: Turn,
    ears: Ears,
    /// Of what is heard, everything after these and up to `cursor` was pushed, or needed no push.
    direct_after: Option<MessageId>,
    groups_after: Option<MessageId>,
    cursor: MessageId,
    newest: MessageId,
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self {
            flow: Flow::Deaf { init_asked: false },
            turn: Turn(0),
            ears: Ears::default(),
            direct_after: None,
            groups_after: None,
            cursor: MessageId(0),
            newest: MessageId(0),
        }
    }

    /// What this session was pushed.
    pub(super) fn pushed(&self) -> Pushes {
        Pushes {
            direct_after: self.direct_after,
            groups_after: self.groups_after,
            last: self.cursor,
        }
    }

    /// Begins to push what is committed after `latest`, or everything if `init` was asked before. Who listens already only
    /// changes what is heard.
    pub(super) fn listen(&mut self, latest: MessageId, ears: Ears) {
        self.ears = ears;
        self.direct_after = self.direct_after.filter(|_| ears.direct);
        self.groups_after = self.groups_after.filter(|_| ears.groups);
        if ears == Ears::default() {
            self.flow = Flow::Deaf { init_asked: false };
            self.next_turn();
            return;
        }
        if let Flow::Deaf { init_asked } = self.flow {
            self.flow = Flow::Live;
            self.cursor = latest;
            if init_asked {
                self.init();
            }
        }
    }

    /// Goes back to the beginning of what waits.
    pub(super) fn init(&mut self) {
        if let Flow::Deaf { init_asked } = &mut self.flow {
            *init_asked = true;
            return;
        }
        self.next_turn();
        self.flow = Flow::Behind { reading: false };
        self.direct_after = self.ears.direct.then_some(MessageId(0));
        self.groups_after = self.ears.groups.then_some(MessageId(0));
        self.cursor = MessageId(0);
    }

    /// A message is pushed. With the first one of its kind the range of that kind begins: what is older, and was not
    /// received, was not pushed here.
    fn note_pushed(&mut self, message: &Message) {
        let after = match message.group() {
            None => &mut self.direct_after,
            Some(_) => &mut self.groups_after,
        };
        after.get_or_insert(MessageId(message.id.0.saturating_sub(1)));
    }

    /// Something after the cursor may have been committed without a word: only the store knows.
    pub(super) fn fall_behind(&mut self) {
        if !matches!(self.flow, Flow::Deaf { .. }) {
            self.next_turn();
            self.flow = Flow::Behind { reading: false };
        }
    }

    /// What is heard.
    pub(super) fn ears(&self) -> Ears {
        self.ears
    }

    /// Whether a message committed now is to be put in the outbox, where there is `room` or not.
    pub(super) fn offer(&mut self, message: &Message, room: bool) -> bool {
        let id = message.id;
        match self.flow {
            Flow::Deaf { .. } => false,
            Flow::Live if id <= self.cursor => false,
            Flow::Live if room => {
                self.cursor = id;
                self.note_pushed(message);
                true
            }
            Flow::Live | Flow::Behind { .. } => {
                self.newest = self.newest.max(id);
                if self.flow == Flow::Live {
                    self.flow = Flow::Behind { reading: false };
                }
                false
            }
        }
    }

    /// A message was committed that is not heard: it is not pushed later either, if what is heard changes.
    pub(super) fn pass_over(&mut self, id: MessageId) {
        if self.flow == Flow::Live {
            self.cursor = self.cursor.max(id);
        }
    }

    /// The read that the session needs next, if it is behind and none is under way: the messages after this id.
    pub(super) fn next_read(&mut self) -> Option<(Turn, MessageId)> {
        if self.flow != (Flow::Behind { reading: false }) {
            return None;
        }
        self.flow = Flow::Behind { reading: true };
        Some((self.turn, self.cursor))
    }

    /// Takes note of a page; whether its messages are to be put in the outbox (not if it is stale).
    pub(super) fn page_read(&mut self, turn: Turn, page: &InboxPage) -> bool {
        if turn != self.turn {
            return false;
        }
        let ears = self.ears;
        let heard = page.messages.iter().filter(|message| ears.hear(message));
        heard.for_each(|message| self.note_pushed(message));
        let last = page
            .messages
            .last()
            .map_or(self.cursor, |message| message.id);
        // All up to `through` was considered only if nothing was left out.
        self.cursor = if page.more {
            last
        } else {
            last.max(page.through)
        };
        self.flow = if page.more || self.newest > self.cursor {
            Flow::Behind { reading: false }
        } else {
            Flow::Live
        };
        true
    }

    /// The read did not happen; the next [`Self::next_read`] asks for it again.
    pub(super) fn page_missed(&mut self, turn: Turn) {
        if turn == self.turn {
            self.flow = Flow::Behind { reading: false };
        }
    }

    fn next_turn(&mut self) {
        self.turn = Turn(self.turn.0.wrapping_add(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::message::Encoded;
    use crate::broker::message::Kind;
    use crate::broker::message::MsgId;
    use crate::broker::message::Recipient;
    use crate::broker::message::Seq;
    use crate::broker::users::Person;

    fn message(id: u64) -> Message {
        Message {
            id: MessageId(id),
            seq: Seq(id),
            msg_id: MsgId([0; 20]),
            sender: Person::system(),
            to: Recipient::User(Person::system()),
            kind: Kind::Text,
            content: "".into(),
            envelope: None,
            time_ms: 0,
            encoded: Encoded::default(),
        }
    }

    fn caught_up(through: u64) -> InboxPage {
        InboxPage {
            through: MessageId(through),
            ..InboxPage::default()
        }
    }

    #[test]
    fn live_pushes_each_once_and_only_what_is_new() {
        let mut inbox = Inbox::new();
        assert!(!inbox.offer(&message(1), true), "nobody listens");
        inbox.listen(MessageId(1), Ears::ALL);
        assert!(!inbox.offer(&message(1), true));
        assert!(inbox.offer(&message(2), true));
        assert!(!inbox.offer(&message(2), true));
        let pushes = inbox.pushed();
        assert!(pushes.have(MessageId(2), false));
        assert!(!pushes.have(MessageId(1), false), "it was before");
        assert!(!pushes.have(MessageId(2), true), "no group's was pushed");
    }

    #[test]
    fn a_full_outbox_puts_the_session_behind_until_a_page_has_caught_up() {
        let mut inbox = Inbox::new();
        inbox.listen(MessageId(0), Ears::ALL);
        assert!(!inbox.offer(&message(1), false));
        assert!(!inbox.offer(&message(2), true), "2 must not overtake 1");
        let (turn, after) = inbox.next_read().expect("a read is due");
        assert_eq!(after, MessageId(0));
        assert_eq!(inbox.next_read(), None, "one read at a time");
        // Committed after the page's snapshot: the page can't know it.
        assert!(!inbox.offer(&message(3), true));
        assert!(inbox.page_read(turn, &caught_up(2)));
        let (turn, after) = inbox.next_read().expect("3 is newer than the page");
        assert_eq!(after, MessageId(2));
        assert!(inbox.page_read(turn, &caught_up(3)));
        assert!(!inbox.offer(&message(3), true), "the page considered it");
        assert!(inbox.offer(&message(4), true), "live again");
    }

    #[test]
    fn init_starts_over_and_makes_a_page_under_way_stale() {
        let mut inbox = Inbox::new();
        inbox.listen(MessageId(7), Ears::ALL);
        assert!(!inbox.offer(&message(8), false));
        let (stale, _) = inbox.next_read().expect("behind");
        inbox.init();
        let (turn, after) = inbox.next_read().expect("from the beginning");
        assert_eq!(after, MessageId(0));
        assert!(!inbox.page_read(stale, &caught_up(8)));
        inbox.page_missed(turn);
        assert!(
            inbox.next_read().is_some(),
            "a missed page is asked for again"
        );
    }

    #[test]
    fn init_before_listening_is_remembered() {
        let mut inbox = Inbox::new();
        inbox.init();
        assert_eq!(inbox.next_read(), None);
        inbox.listen(MessageId(5), Ears::ALL);
        assert_eq!(
            inbox.next_read().map(|(_, after)| after),
            Some(MessageId(0))
        );
    }
}
