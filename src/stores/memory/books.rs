//! What is kept: users, messages in the order of storing, and the books of everything else.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use crate::broker::message::Message;
use crate::broker::message::MsgId;
use crate::broker::ports::Account;
use crate::broker::ports::AddedUser;
use crate::broker::ports::Counts;
use crate::broker::ports::TokenId;
use crate::broker::users::Person;
use crate::broker::users::Uid;
use crate::broker::users::UserKey;
use crate::stores::OWN_UID_MAX;
use crate::stores::memory::conversations::Conversations;
use crate::stores::memory::hooks::Hooks;
use crate::stores::memory::images::Images;
use crate::stores::memory::people::People;
use crate::stores::memory::queues::Queues;

/// Everything.
#[derive(Default)]
pub(super) struct Books {
    users: BTreeMap<u64, Account>,
    uids: HashMap<String, Uid>,
    /// The message with id 1 is the first.
    pub(super) messages: Vec<Arc<Message>>,
    pub(super) named: HashMap<MsgId, Vec<Arc<Message>>>,
    pub(super) conversations: Conversations,
    pub(super) people: People,
    pub(super) images: Images,
    pub(super) hooks: Hooks,
    revocations: HashMap<TokenId, u64>,
    pub(super) queues: Queues,
}

impl Books {
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
        if person.is_system() || person.name.is_empty() {
            return AddedUser::NameTaken;
        }
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

    /// A user, or the system.
    pub(super) fn person(&self, uid: Uid) -> Option<Person> {
        if uid == Uid::SYSTEM {
            return Some(Person::system());
        }
        Some(self.users.get(&uid.get())?.person.clone())
    }

    /// A user by number or name; nobody can name the system.
    pub(super) fn known(&self, key: &UserKey) -> Option<Person> {
        self.user(key).map(|account| account.person)
    }

    /// The same for those with whom one may have a conversation.
    pub(super) fn known_or_system(&self, key: &UserKey) -> Option<Person> {
        match key {
            UserKey::Uid(uid) => self.person(*uid),
            UserKey::Name(_) => self.known(key),
        }
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
        let all = self.conversations.all();
        let waiting = all.iter().flat_map(|conversation| {
            let last = conversation.last_seq();
            let members = conversation.members.values();
            members.map(move |member| member.received.waiting(last))
        });
        let groups = all.iter().filter(|found| found.group.is_some()).count();
        let (queues, queued) = self.queues.counts();
        let (hooks, hooks_failed) = self.hooks.counts();
        Counts {
            users: self.users.len() as u64,
            conversations: all.len() as u64,
            messages: self.messages.len() as u64,
            waiting: waiting.sum(),
            queues,
            queued,
            groups: groups as u64,
            friendships: self.people.friendships(),
            hooks,
            hooks_failed,
        }
    }
}
