//! What a client must hear, and what it may.

use std::collections::BTreeSet;
use std::collections::VecDeque;

use crate::model::Id;
use crate::model::User;
use crate::stage::Line;
use crate::transition::Mode;

/// An answer that is to come, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Awaited {
    Connected,
    Receipt(u64),
    Status {
        confirms: bool,
        msg_id: String,
        code: u64,
    },
    Trouble(u64),
    /// These, newest first and each with whether it is received, are what there is; at most so many come.
    History(Vec<(Id, bool)>, usize),
}

pub struct Client {
    pub line: Line,
    pub user: User,
    pub takes: bool,
    pub direct: Option<Mode>,
    pub groups: Option<Mode>,
    /// What was the newest message when it began to hear what is said directly, and what is said in groups.
    pub direct_after: Id,
    pub groups_after: Id,
    /// An init was asked for while nothing was subscribed.
    pub init_asked: bool,
    /// When the token ends, on the steady clock.
    pub ends_ms: Option<u64>,
    pub awaited: VecDeque<Awaited>,
    /// Who received which message of the user's, by msgID.
    pub delivered: VecDeque<(String, User)>,
    pub owed: Owed,
    /// What was pushed since the last init, in this order.
    pub pushed: Vec<Pushed>,
}

/// A push that was heard.
#[derive(Clone, Debug)]
pub struct Pushed {
    pub id: Id,
    pub groups: bool,
    pub ack: Option<String>,
}

impl Client {
    pub fn new(line: Line, user: User) -> Self {
        Self {
            line,
            user,
            takes: true,
            direct: None,
            groups: None,
            direct_after: 0,
            groups_after: 0,
            init_asked: false,
            ends_ms: None,
            awaited: VecDeque::new(),
            delivered: VecDeque::new(),
            owed: Owed::default(),
            pushed: Vec::new(),
        }
    }

    /// Begins to hear what comes after `newest`, or ends to.
    pub fn turn(&mut self, groups: bool, mode: Option<Mode>, newest: Id) {
        if groups {
            (self.groups, self.groups_after) = (mode, newest);
        } else {
            (self.direct, self.direct_after) = (mode, newest);
        }
    }

    /// Whether it was listening already when a message was committed.
    pub fn listened_to(&self, groups: bool, id: Id) -> bool {
        let after = if groups {
            self.groups_after
        } else {
            self.direct_after
        };
        self.listens(groups) && id > after
    }

    /// Whether it subscribes to what is said in groups, or directly.
    pub fn listens(&self, groups: bool) -> bool {
        if groups { self.groups } else { self.direct }.is_some()
    }

    pub fn is_deaf(&self) -> bool {
        self.direct.is_none() && self.groups.is_none()
    }
}

/// The pushes that are to come: in this order, each once, and none but these.
///
/// Some need not come: what the user has received meanwhile may be on its way or not. So there may be several places in
/// the list where the pushes heard so far may have led to.
#[derive(Debug)]
pub struct Owed {
    list: Vec<(Id, bool)>,
    /// So many of the list have come or been passed over.
    places: BTreeSet<usize>,
}

impl Default for Owed {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            places: [0].into(),
        }
    }
}

impl Owed {
    pub fn push(&mut self, id: Id, must: bool) {
        self.list.push((id, must));
    }

    /// Whether a message must come, or has come and waits for others to be settled with.
    pub fn has(&self, id: Id) -> bool {
        self.list.contains(&(id, true))
    }

    /// None of these must come any more, because all that waits comes anew.
    pub fn start_over(&mut self) {
        self.list.iter_mut().for_each(|(_, must)| *must = false);
    }

    /// A message came; false where it must not have. `waits` says whether one must come if it is to.
    pub fn heard(&mut self, id: Id, waits: impl Fn(Id) -> bool) -> bool {
        let mut next = BTreeSet::new();
        for place in &self.places {
            for (at, (other, must)) in self.list.iter().enumerate().skip(*place) {
                if *other == id {
                    next.insert(at + 1);
                }
                if *must && waits(*other) {
                    break;
                }
            }
        }
        self.places = next;
        !self.places.is_empty()
    }

    /// Nothing more is on its way; the message that should have come and did not, if any.
    pub fn settle(&mut self, waits: impl Fn(Id) -> bool) -> Option<Id> {
        let missing = |place: &usize| {
            let rest = self.list[*place..].iter();
            let mut missing = rest.filter(|(id, must)| *must && waits(*id));
            missing.next().map(|(id, _)| *id)
        };
        let of_places: Vec<_> = self.places.iter().map(missing).collect();
        if of_places.contains(&None) {
            *self = Self::default();
            return None;
        }
        of_places.into_iter().flatten().next()
    }
}
