//! The reference: what users, groups and messages are after each transition, in the plainest words there are. It shares no
//! code with the broker or its stores, and keeps no cursors: who has received what is a set.

mod relations;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// A user's number. There are users 1 to [`USERS`].
pub type User = u64;

/// How many users there are.
pub const USERS: User = 4;

/// The number of nobody.
pub const NOBODY: User = 99;

/// A message's id: the first is 1, and there are no gaps.
pub type Id = u64;

/// The code of a refusal.
pub type Code = u16;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum To {
    User(User),
    /// By the number that the broker gave it.
    Group(u64),
}

/// What a message says, written in full only where it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    pub number: u32,
    /// So many bytes more.
    pub padding: usize,
}

impl Content {
    pub fn text(self) -> String {
        format!("content {}{}", self.number, "·".repeat(self.padding / 2))
    }
}

/// What a client wants to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    pub sender: User,
    pub to: To,
    /// Stands for a msgID.
    pub name: u32,
    pub content: Content,
    pub ignored: Vec<User>,
}

#[derive(Clone, Debug)]
pub struct Message {
    pub letter: Letter,
    pub seq: u64,
    pub time_ms: u64,
    /// Of a group's members, who is not to have it.
    ignored: BTreeSet<User>,
}

#[derive(Clone, Debug, Default)]
pub struct Group {
    /// Each with the seq after which this member joined.
    pub members: BTreeMap<User, u64>,
    admins: BTreeSet<User>,
}

#[derive(Clone, Debug)]
struct Request {
    from: User,
    to: User,
    answer: Option<bool>,
}

/// What became of a letter that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    Fresh(Id),
    Again,
}

/// What became of a question for friendship.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A new request, which is to be [`Model::note_request`]ed.
    Fresh,
    /// This one stands already.
    Stands(u64),
    /// The other had asked by this one.
    Crosses(u64),
}

#[derive(Clone, Debug, Default)]
pub struct Model {
    friends_only: bool,
    /// In the order of acceptance.
    pub messages: Vec<Message>,
    received: BTreeSet<(User, Id)>,
    pub groups: BTreeMap<u64, Group>,
    friends: BTreeSet<(User, User)>,
    blocks: BTreeSet<(User, User)>,
    requests: BTreeMap<u64, Request>,
}

impl Model {
    pub fn new(friends_only: bool) -> Self {
        Self {
            friends_only,
            ..Self::default()
        }
    }

    pub fn message(&self, id: Id) -> &Message {
        &self.messages[id as usize - 1]
    }

    fn ids(&self) -> impl DoubleEndedIterator<Item = Id> {
        1..=self.messages.len() as Id
    }

    // Messages.

    /// A letter comes to the store.
    pub fn send(&mut self, letter: &Letter, now_ms: u64) -> Result<Kept, Code> {
        let sender = letter.sender;
        match letter.to {
            To::User(user) => self.may_write(sender, user)?,
            To::Group(gid) => {
                let group = self.groups.get(&gid).ok_or(404_u16)?;
                if !group.members.contains_key(&sender) {
                    return Err(403);
                }
            }
        }
        let same = |known: &Letter| {
            (known.sender, known.to, known.name) == (sender, letter.to, letter.name)
        };
        if let Some(known) = self.messages.iter().find(|known| same(&known.letter)) {
            let equal = known.letter.content == letter.content;
            return if equal { Ok(Kept::Again) } else { Err(409) };
        }
        let ignored = match letter.to {
            To::User(_) => BTreeSet::new(),
            To::Group(gid) => {
                let members = &self.groups[&gid].members;
                let named = letter.ignored.iter().copied();
                named
                    .filter(|user| members.contains_key(user) && *user != sender)
                    .collect()
            }
        };
        let last_ms = self.messages.last().map_or(0, |last| last.time_ms);
        self.messages.push(Message {
            letter: letter.clone(),
            seq: self.last_seq(sender, letter.to) + 1,
            time_ms: now_ms.max(last_ms),
            ignored,
        });
        Ok(Kept::Fresh(self.messages.len() as Id))
    }

    fn may_write(&self, sender: User, receiver: User) -> Result<(), Code> {
        if receiver == NOBODY {
            return Err(if self.friends_only { 403 } else { 404 });
        }
        let blocked = self.blocks.contains(&(receiver, sender));
        let stranger = self.friends_only && !self.are_friends(sender, receiver);
        if sender != receiver && (blocked || stranger) {
            return Err(403);
        }
        Ok(())
    }

    fn last_seq(&self, sender: User, to: To) -> u64 {
        let of = conversation(sender, to);
        let theirs = |known: &&Message| conversation(known.letter.sender, known.letter.to) == of;
        self.messages.iter().filter(theirs).count() as u64
    }

    /// Whether a user sees a message in the history of its conversation.
    fn shows(&self, user: User, id: Id) -> bool {
        let message = self.message(id);
        match message.letter.to {
            To::User(receiver) => user == receiver || user == message.letter.sender,
            To::Group(gid) => {
                let joined = self.groups[&gid].members.get(&user);
                joined.is_some_and(|joined| *joined < message.seq)
                    && !message.ignored.contains(&user)
            }
        }
    }

    /// Whether a message is for a user.
    pub fn is_for(&self, user: User, id: Id) -> bool {
        let message = self.message(id);
        match message.letter.to {
            To::User(receiver) => user == receiver,
            To::Group(_) => user != message.letter.sender && self.shows(user, id),
        }
    }

    /// Whether a message waits to be received by a user.
    pub fn waits(&self, user: User, id: Id) -> bool {
        self.is_for(user, id) && !self.received.contains(&(user, id))
    }

    /// What waits for a user, oldest first.
    pub fn inbox(&self, user: User) -> Vec<Id> {
        self.ids().filter(|id| self.waits(user, *id)).collect()
    }

    /// How many messages wait for anybody.
    pub fn waiting(&self) -> usize {
        (1..=USERS).map(|user| self.inbox(user).len()).sum()
    }

    /// A user confirms these; those that this moves to received.
    pub fn confirm(&mut self, user: User, ids: &[Id]) -> Vec<Id> {
        let waiting = ids.iter().copied().filter(|id| self.waits(user, *id));
        let moved: Vec<Id> = waiting.collect();
        self.received.extend(moved.iter().map(|id| (user, *id)));
        moved
    }

    /// Which message a user means who confirms by name: of several, one not yet received; of these, the one `pushed` first
    /// to this client; then the oldest.
    pub fn named(&self, user: User, name: u32, pushed: &[Id]) -> Result<Id, Code> {
        let meant = self.ids().filter(|id| self.is_for(user, *id));
        let meant = meant.filter(|id| self.message(*id).letter.name == name);
        let place = |id: Id| pushed.iter().position(|other| *other == id);
        meant
            .min_by_key(|id| {
                let place = place(*id).unwrap_or(usize::MAX);
                (!self.waits(user, *id), place, *id)
            })
            .ok_or(404)
    }

    /// A conversation as a user sees it, newest first.
    pub fn history(&self, reader: User, with: To) -> Result<Vec<Id>, Code> {
        match with {
            To::User(NOBODY) => return Err(404),
            To::User(_) => {}
            To::Group(gid) => {
                let group = self.groups.get(&gid).ok_or(404_u16)?;
                if !group.members.contains_key(&reader) {
                    return Err(403);
                }
            }
        }
        let of = conversation(reader, with);
        let seen = self.ids().rev().filter(|id| {
            let letter = &self.message(*id).letter;
            conversation(letter.sender, letter.to) == of && self.shows(reader, *id)
        });
        Ok(seen.collect())
    }

    /// All that a user sees, oldest first.
    pub fn all_of(&self, reader: User) -> Vec<Id> {
        self.ids().filter(|id| self.shows(reader, *id)).collect()
    }

    /// Whether a message is received, as its reader sees it: to the sender in a group, when all other members have all up
    /// to it.
    pub fn is_received(&self, reader: User, id: Id) -> bool {
        let message = self.message(id);
        let gid = match message.letter.to {
            To::User(receiver) => return self.received.contains(&(receiver, id)),
            To::Group(_) if message.letter.sender != reader => {
                return self.received.contains(&(reader, id));
            }
            To::Group(gid) => gid,
        };
        let up_to = (1..=id).filter(|other| self.message(*other).letter.to == To::Group(gid));
        let up_to: Vec<Id> = up_to.collect();
        let mut others = self.groups[&gid].members.keys().filter(|m| **m != reader);
        others.all(|member| up_to.iter().all(|id| !self.waits(*member, *id)))
    }
}

/// Which conversation a message belongs to: a pair has one, whoever writes.
fn conversation(sender: User, to: To) -> (To, User) {
    match to {
        To::User(user) => (To::User(user.min(sender)), user.max(sender)),
        group @ To::Group(_) => (group, 0),
    }
}
