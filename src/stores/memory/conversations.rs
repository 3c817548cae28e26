//! Conversations: a log, and its members with their cursors. A pair is one, and so is a group.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;

use crate::broker::command::Ears;
use crate::broker::delivery::Delivery;
use crate::broker::groups::Gid;
use crate::broker::message::Message;
use crate::broker::message::Recipient;
use crate::broker::users::Uid;
use crate::stores::memory::groups::Kept;
use crate::stores::received::Received;

/// A conversation's number; of a group's it is the gid. The first is 1.
pub(super) type Number = u64;

/// All conversations.
#[derive(Default)]
pub(super) struct Conversations {
    all: Vec<Conversation>,
    /// Of two users, the lower uid first.
    pairs: HashMap<(Uid, Uid), Number>,
    of_user: HashMap<Uid, Vec<Number>>,
}

/// A log and its members.
#[derive(Default)]
pub(super) struct Conversation {
    /// The message with seq 1 is the first.
    pub(super) log: Vec<Arc<Message>>,
    pub(super) members: BTreeMap<Uid, Member>,
    /// What only a group has.
    pub(super) group: Option<Kept>,
    /// Who was not to have a message, by its seq, each list by rising uid.
    ignored: HashMap<u64, Vec<Uid>>,
}

/// A member of a conversation.
#[derive(Default)]
pub(super) struct Member {
    pub(super) received: Received,
    /// What came up to and with this seq is not the member's to see.
    joined: u64,
    /// Whether an admin of the group.
    pub(super) admin: bool,
}

impl Conversations {
    /// The conversation of two users, begun where there was none.
    pub(super) fn between(&mut self, one: Uid, other: Uid) -> &mut Conversation {
        let key = (one.min(other), one.max(other));
        let number = match self.pairs.get(&key) {
            Some(number) => *number,
            None => {
                let number = self.begin(Conversation::default());
                self.pairs.insert(key, number);
                self.enter(number, one);
                self.enter(number, other);
                number
            }
        };
        self.at_mut(number)
    }

    /// The conversation of two users, if they ever spoke.
    pub(super) fn pair(&self, one: Uid, other: Uid) -> Option<&Conversation> {
        let number = self.pairs.get(&(one.min(other), one.max(other)))?;
        Some(self.at(*number))
    }

    /// A group.
    pub(super) fn group(&self, gid: Gid) -> Option<&Conversation> {
        let at = usize::try_from(gid.get()).ok()?.checked_sub(1)?;
        self.all.get(at).filter(|found| found.group.is_some())
    }

    /// The same, to be changed.
    pub(super) fn group_mut(&mut self, gid: Gid) -> Option<&mut Conversation> {
        let at = usize::try_from(gid.get()).ok()?.checked_sub(1)?;
        self.all.get_mut(at).filter(|found| found.group.is_some())
    }

    /// Begins a group without members.
    pub(super) fn begin_group(&mut self, kept: Kept) -> Gid {
        let number = self.begin(Conversation {
            group: Some(kept),
            ..Conversation::default()
        });
        Gid::new(number).expect("numbers begin at 1, and memory ends before i64::MAX")
    }

    fn begin(&mut self, conversation: Conversation) -> Number {
        self.all.push(conversation);
        self.all.len() as Number
    }

    /// Makes a user a member, who sees what comes from now on; no change where the user is one.
    pub(super) fn enter(&mut self, number: Number, uid: Uid) {
        let conversation = self.at_mut(number);
        let joined = conversation.last_seq();
        if conversation.members.contains_key(&uid) {
            return;
        }
        let member = Member {
            received: Received::new(joined, BTreeMap::new()),
            joined,
            admin: false,
        };
        conversation.members.insert(uid, member);
        self.of_user.entry(uid).or_default().push(number);
    }

    /// Makes a user no longer a member.
    pub(super) fn leave(&mut self, number: Number, uid: Uid) {
        self.at_mut(number).members.remove(&uid);
        if let Some(of_user) = self.of_user.get_mut(&uid) {
            of_user.retain(|other| *other != number);
        }
    }

    /// The conversations that a user is a member of.
    pub(super) fn of(&self, uid: Uid) -> impl Iterator<Item = &Conversation> {
        let numbers = self.of_user.get(&uid).into_iter().flatten();
        numbers.map(|number| self.at(*number))
    }

    /// The groups that a user is a member of, by rising number.
    pub(super) fn groups_of(&self, uid: Uid) -> impl Iterator<Item = (Gid, &Kept)> {
        let mut numbers = self.of_user.get(&uid).cloned().unwrap_or_default();
        numbers.sort_unstable();
        numbers
            .into_iter()
            .filter_map(|number| Some((Gid::new(number)?, self.at(number).group.as_ref()?)))
    }

    /// Where a message is kept.
    pub(super) fn holding(&self, message: &Message) -> Option<&Conversation> {
        match &message.to {
            Recipient::User(person) => self.pair(message.sender.uid, person.uid),
            Recipient::Group(gid) => self.group(*gid),
        }
    }

    /// The same, to be changed.
    pub(super) fn holding_mut(&mut self, message: &Message) -> Option<&mut Conversation> {
        match &message.to {
            Recipient::User(person) => Some(self.between(message.sender.uid, person.uid)),
            Recipient::Group(gid) => self.group_mut(*gid),
        }
    }

    /// All there are.
    pub(super) fn all(&self) -> &[Conversation] {
        &self.all
    }

    fn at(&self, number: Number) -> &Conversation {
        // Numbers come only from `begin`, and nothing is ever removed.
        &self.all[number as usize - 1]
    }

    fn at_mut(&mut self, number: Number) -> &mut Conversation {
        &mut self.all[number as usize - 1]
    }
}

impl Conversation {
    /// The seq of the newest message.
    pub(super) fn last_seq(&self) -> u64 {
        self.log.len() as u64
    }

    /// The messages from `first` to `last`.
    pub(super) fn between(&self, first: u64, last: u64) -> &[Arc<Message>] {
        &self.log[first as usize - 1..last as usize]
    }

    /// The first seq whose message has an id above `id`; one past the last if there is none.
    pub(super) fn after_id(&self, id: u64) -> u64 {
        1 + self.log.partition_point(|message| message.id.0 <= id) as u64
    }

    /// Keeps a message. To its sender it counts as received (not where one writes to oneself), and to whom it is not for.
    pub(super) fn keep(&mut self, message: &Arc<Message>, ignored: &[Uid]) {
        let seq = message.seq.0;
        self.log.push(Arc::clone(message));
        let to_oneself =
            matches!(&message.to, Recipient::User(person) if *person == message.sender);
        let sender = (!to_oneself).then_some(&message.sender.uid);
        for uid in ignored.iter().chain(sender) {
            if let Some(member) = self.members.get_mut(uid) {
                member.received.add(seq, seq, |_| ());
            }
        }
        if !ignored.is_empty() {
            self.ignored.insert(seq, ignored.to_vec());
        }
    }

    /// Who was not to have a message, by rising uid.
    pub(super) fn ignored(&self, message: &Message) -> &[Uid] {
        self.ignored.get(&message.seq.0).map_or(&[], Vec::as_slice)
    }

    /// Whether a user may see a message of this log.
    pub(super) fn shows(&self, message: &Message, uid: Uid) -> bool {
        let seq = message.seq.0;
        let since_joined = |member: &Member| member.joined < seq;
        self.members.get(&uid).is_some_and(since_joined) && !self.ignored(message).contains(&uid)
    }

    /// Whether a message of this log was sent to this user.
    pub(super) fn sends(&self, message: &Message, uid: Uid) -> bool {
        match &message.to {
            Recipient::User(person) => person.uid == uid,
            Recipient::Group(_) => message.sender.uid != uid && self.shows(message, uid),
        }
    }

    /// Whether a member has received a message of this log.
    pub(super) fn is_received(&self, message: &Message, uid: Uid) -> bool {
        let seq = message.seq.0;
        let member = self.members.get(&uid);
        member.is_some_and(|member| member.received.contains(seq))
    }

    /// How far a message has come, as `reader` sees it.
    pub(super) fn state(&self, message: &Message, reader: Uid) -> Delivery {
        let received = match &message.to {
            Recipient::User(person) => self.is_received(message, person.uid),
            Recipient::Group(_) if message.sender.uid == reader => {
                let mut others = self.members.iter().filter(|(uid, _)| **uid != reader);
                others.all(|(_, member)| member.received.through() >= message.seq.0)
            }
            Recipient::Group(_) => self.is_received(message, reader),
        };
        if received {
            Delivery::Received
        } else {
            Delivery::Stored
        }
    }

    /// What waits for a member and is heard by `by`, from the seq `first` to `last`.
    pub(super) fn waiting(&self, uid: Uid, first: u64, last: u64, by: Ears) -> Vec<Arc<Message>> {
        let Some(member) = self.members.get(&uid) else {
            return Vec::new();
        };
        let gaps = member.received.gaps(first, last);
        gaps.flat_map(|(first, last)| self.between(first, last))
            .filter(|message| by.hear(message))
            .map(Arc::clone)
            .collect()
    }
}
