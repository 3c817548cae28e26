//! What is kept: users, messages in the order of storing, and pairs with their members' cursors.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::broker::command::Address;
use crate::broker::message::Message;
use crate::broker::message::MessageId;
use crate::broker::message::MsgId;
use crate::broker::message::Recipient;
use crate::broker::message::Seq;
use crate::broker::ports::Account;
use crate::broker::ports::AddedUser;
use crate::broker::ports::Appended;
use crate::broker::ports::Audience;
use crate::broker::ports::Counts;
use crate::broker::ports::NewMessage;
use crate::broker::ports::StoreError;
use crate::broker::ports::TokenId;
use crate::broker::ports::Verdict;
use crate::broker::refusal::Refusal;
use crate::broker::users::Person;
use crate::broker::users::Uid;
use crate::broker::users::UserKey;
use crate::stores::OWN_UID_MAX;
use crate::stores::memory::queues::Queues;
use crate::stores::received::Received;

/// Everything.
#[derive(Default)]
pub(super) struct Books {
    users: BTreeMap<u64, Account>,
    uids: HashMap<String, Uid>,
    /// The message with id 1 is the first.
    pub(super) messages: Vec<Arc<Message>>,
    pub(super) named: HashMap<MsgId, Vec<Arc<Message>>>,
    pub(super) pairs: BTreeMap<PairKey, Pair>,
    revocations: HashMap<TokenId, u64>,
    pub(super) queues: Queues,
}

/// The two of a pair, the lower uid first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PairKey(pub(super) Uid, pub(super) Uid);

impl PairKey {
    /// The key of the conversation of two users.
    pub(super) fn of(one: Uid, other: Uid) -> Self {
        Self(one.min(other), one.max(other))
    }

    /// Whether `uid` is one of the two.
    pub(super) fn has(self, uid: Uid) -> bool {
        self.0 == uid || self.1 == uid
    }
}

/// A conversation.
#[derive(Default)]
pub(super) struct Pair {
    /// The message with seq 1 is the first.
    pub(super) log: Vec<Arc<Message>>,
    /// Of the lower uid and of the higher.
    received: [Received; 2],
}

impl Pair {
    /// What a member received.
    pub(super) fn received(&self, key: PairKey, uid: Uid) -> &Received {
        &self.received[usize::from(uid != key.0)]
    }

    /// The same, to be moved on.
    pub(super) fn received_mut(&mut self, key: PairKey, uid: Uid) -> &mut Received {
        &mut self.received[usize::from(uid != key.0)]
    }

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
}

impl Books {
    pub(super) fn append(&mut self, new: &NewMessage) -> Result<Verdict<Appended>, StoreError> {
        let Address::User(UserKey::Uid(to)) = new.to else {
            return Ok(Err(Refusal::NoSuchUser));
        };
        let Some(receiver) = self.person(to) else {
            return Ok(Err(Refusal::NoSuchUser));
        };
        let sender = self
            .person(new.sender)
            .ok_or_else(|| StoreError::Broken("the sender is not a user".to_owned()))?;
        let key = PairKey::of(new.sender, to);
        let namesakes = self.named.entry(new.msg_id).or_default();
        let before = namesakes
            .iter()
            .find(|kept| kept.sender == sender && kept.to == Recipient::User(receiver.clone()));
        if let Some(kept) = before {
            return Ok(if kept.content == new.content {
                Ok(Appended::Again(Arc::clone(kept), Audience::default()))
            } else {
                Err(Refusal::MsgIdTaken(new.msg_id))
            });
        }
        let last_ms = self.messages.last().map_or(0, |last| last.time_ms);
        let pair = self.pairs.entry(key).or_default();
        let message = Arc::new(Message {
            id: MessageId(self.messages.len() as u64 + 1),
            seq: Seq(pair.last_seq() + 1),
            msg_id: new.msg_id,
            sender,
            to: Recipient::User(receiver),
            kind: new.kind,
            envelope: new.envelope.clone(),
            content: Arc::clone(&new.content),
            time_ms: new.time_ms.max(last_ms).min(i64::MAX as u64),
        });
        namesakes.push(Arc::clone(&message));
        self.messages.push(Arc::clone(&message));
        pair.log.push(Arc::clone(&message));
        if new.sender != to {
            let seq = message.seq.0;
            pair.received_mut(key, new.sender).add(seq, seq, |_| ());
        }
        Ok(Ok(Appended::Fresh(message, Audience::default())))
    }

    pub(super) fn add_user(&mut self, name: &str, password_hash: Option<String>) -> AddedUser {
        let own = self.users.range(..=OWN_UID_MAX).next_back();
        let next = own.map_or(1, |(highest, _)| highest + 1);
        let free = if next <= OWN_UID_MAX {
            Some(next)
        } else {
            (1..).find(|uid| !self.users.contains_key(uid))
        };
        match free.and_then(Uid::new) {
            Some(uid) if !self.uids.contains_key(name) => {
                let name = name.into();
                AddedUser::New(self.keep_user(Person { uid, name }, password_hash))
            }
            _ => AddedUser::NameTaken,
        }
    }

    pub(super) fn admit_user(&mut self, person: Person) -> AddedUser {
        let by_uid = self.person(person.uid);
        let by_name = self.uids.get(&*person.name).copied();
        match (by_uid, by_name) {
            (None, None) => AddedUser::New(self.keep_user(person, None)),
            (Some(kept), _) if kept == person => AddedUser::New(person),
            _ => AddedUser::NameTaken,
        }
    }

    fn keep_user(&mut self, person: Person, password_hash: Option<String>) -> Person {
        self.uids.insert(person.name.to_string(), person.uid);
        let account = Account {
            person: person.clone(),
            password_hash,
        };
        self.users.insert(person.uid.get(), account);
        person
    }

    pub(super) fn user(&self, key: &UserKey) -> Option<Account> {
        let uid = match key {
            UserKey::Uid(uid) => *uid,
            UserKey::Name(name) => *self.uids.get(name)?,
        };
        self.users.get(&uid.get()).cloned()
    }

    fn person(&self, uid: Uid) -> Option<Person> {
        Some(self.users.get(&uid.get())?.person.clone())
    }

    pub(super) fn revoke(&mut self, token: TokenId, expires_s: u64) {
        match self.revocations.entry(token) {
            Entry::Occupied(mut kept) => {
                kept.insert(expires_s.max(*kept.get()));
            }
            Entry::Vacant(free) => {
                free.insert(expires_s);
            }
        }
    }

    pub(super) fn revoked(&mut self, now_s: u64) -> Vec<TokenId> {
        self.revocations.retain(|_, expires_s| *expires_s > now_s);
        self.revocations.keys().cloned().collect()
    }

    pub(super) fn counts(&self) -> Counts {
        let waiting = self.pairs.iter().flat_map(|(key, pair)| {
            let high = (key.1 != key.0).then_some(key.1);
            std::iter::once(key.0)
                .chain(high)
                .map(|uid| pair.received(*key, uid).waiting(pair.last_seq()))
        });
        let (queues, queued) = self.queues.counts();
        Counts {
            users: self.users.len() as u64,
            conversations: self.pairs.len() as u64,
            messages: self.messages.len() as u64,
            waiting: waiting.sum(),
            queues,
            queued,
            ..Counts::default()
        }
    }
}
