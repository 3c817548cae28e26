//! A store, asked one thing after another by somebody who waits for each answer.

use std::sync::Arc;
use std::sync::mpsc;

use hongyan::broker::command::Address;
use hongyan::broker::delivery::Delivery;
use hongyan::broker::groups::{Gid, Group, NewGroup};
use hongyan::broker::message::{Kind, Message, MessageId, MsgId};
use hongyan::broker::ports::{
    Account, AddedUser, Appended, Audience, Before, Confirmation, Confirmed, Counts, Done,
    HistoryPage, InboxPage, NewMessage, SocialAct, Store, StoreError, Verdict, Which,
};
use hongyan::broker::refusal::Refusal;
use hongyan::broker::social::{Changed, Social};
use hongyan::broker::users::{Person, Uid, UserKey};
use hongyan::stores::memory::MemoryStore;
use hongyan::stores::sqlite::SqliteStore;
use tempfile::TempDir;

pub struct Asker {
    pub store: Arc<dyn Store>,
    _dir: Option<TempDir>,
}

pub fn uid(number: u64) -> Uid {
    Uid::new(number).expect("a uid")
}

/// The msgID that begins with this number.
pub fn msg_id(number: u64) -> MsgId {
    let mut bytes = [0; 20];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    MsgId(bytes)
}

/// An act that asks for no friendship.
pub fn social(by: Uid, act: Social) -> SocialAct {
    SocialAct {
        by,
        act,
        friends_only: false,
        time_ms: 3000,
    }
}

pub fn new_message(sender: u64, receiver: u64, name: u64, content: &str) -> NewMessage {
    NewMessage {
        sender: uid(sender),
        to: uid(receiver).into(),
        msg_id: msg_id(name),
        kind: Kind::Text,
        content: content.into(),
        envelope: None,
        ignored: Vec::new(),
        friends_only: false,
        hook: false,
        time_ms: 1000,
    }
}

/// To a group, but not to these.
pub fn group_message(sender: u64, gid: Gid, name: u64, ignored: &[u64]) -> NewMessage {
    NewMessage {
        to: Address::Group(gid),
        ignored: keys(ignored),
        ..new_message(sender, sender, name, "hello")
    }
}

pub fn keys(numbers: &[u64]) -> Vec<UserKey> {
    numbers.iter().map(|number| key(*number)).collect()
}

pub fn key(number: u64) -> UserKey {
    UserKey::Uid(uid(number))
}

pub fn gid(number: u64) -> Gid {
    Gid::new(number).expect("a gid")
}

pub fn confirmation(receiver: u64, which: Which) -> Confirmation {
    Confirmation {
        receiver: uid(receiver),
        which,
        time_ms: 2000,
    }
}

pub fn named(name: u64) -> Which {
    Which::Named {
        msg_id: msg_id(name),
        pushed: None,
    }
}

/// A `done` and where its outcome will be.
pub fn answer<T: Send + 'static>() -> (Done<T>, mpsc::Receiver<Result<T, StoreError>>) {
    let (tell, told) = mpsc::channel();
    let done: Done<T> = Box::new(move |result| drop(tell.send(result)));
    (done, told)
}

pub fn ask<T: Send + 'static>(
    store: &dyn Store,
    question: impl FnOnce(&dyn Store, Done<T>),
) -> Result<T, StoreError> {
    let (done, told) = answer();
    question(store, done);
    told.recv().expect("every question is answered")
}

impl Asker {
    pub fn in_memory() -> Self {
        Self {
            store: Arc::new(MemoryStore::new()),
            _dir: None,
        }
    }

    pub fn on_disk() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        Self {
            store: Arc::new(SqliteStore::open(dir.path()).expect("a new store")),
            _dir: Some(dir),
        }
    }

    pub fn of(store: SqliteStore) -> Self {
        Self {
            store: Arc::new(store),
            _dir: None,
        }
    }

    pub fn ask<T: Send + 'static>(&self, question: impl FnOnce(&dyn Store, Done<T>)) -> T {
        ask(&*self.store, question).expect("a sound store")
    }

    /// Users 1 to `count`, called u1, u2, …
    pub fn with_users(&self, count: u64) {
        for number in 1..=count {
            let added = self.add_user(&format!("u{number}"));
            assert_eq!(added, AddedUser::New(person(number)));
        }
    }

    pub fn add_user(&self, name: &str) -> AddedUser {
        self.ask(|store, done| store.add_user(name.to_owned(), None, 1, done))
    }

    pub fn admit(&self, person: Person) -> AddedUser {
        self.ask(|store, done| store.admit_user(person, 1, done))
    }

    pub fn user(&self, key: UserKey) -> Option<Account> {
        self.ask(|store, done| store.user(key, done))
    }

    pub fn append(&self, message: NewMessage) -> Verdict<Appended> {
        self.ask(|store, done| store.append(message, done))
    }

    pub fn fresh(&self, sender: u64, receiver: u64, name: u64) -> Arc<Message> {
        self.kept(new_message(sender, receiver, name, "hello")).0
    }

    /// Appends what is new.
    pub fn kept(&self, message: NewMessage) -> (Arc<Message>, Audience) {
        match self.append(message) {
            Ok(Appended::Fresh(message, audience)) => (message, audience),
            other => panic!("not fresh: {other:?}"),
        }
    }

    /// Appends what was appended before.
    pub fn again(&self, message: NewMessage) -> Arc<Message> {
        match self.append(message) {
            Ok(Appended::Again(message, _)) => message,
            other => panic!("not again: {other:?}"),
        }
    }

    pub fn try_social(&self, by: Uid, act: Social) -> Verdict<Changed> {
        self.ask(|store, done| store.social(social(by, act), done))
    }

    pub fn social(&self, by: u64, act: Social) -> Changed {
        self.try_social(uid(by), act).expect("allowed")
    }

    pub fn refused(&self, by: u64, act: Social) -> Refusal {
        self.try_social(uid(by), act).expect_err("not allowed")
    }

    /// Two become friends.
    pub fn befriend(&self, one: u64, other: u64) {
        for (by, to) in [(one, other), (other, one)] {
            let (to, words) = (key(to), String::new());
            self.social(by, Social::AskFriend { to, words });
        }
    }

    /// A group of these, made by the first.
    pub fn group_of(&self, members: &[u64]) -> Gid {
        let new = NewGroup {
            members: keys(&members[1..]),
            ..NewGroup::default()
        };
        match self.social(members[0], Social::MakeGroup(new)) {
            Changed::Group {
                group, made: true, ..
            } => group.gid,
            other => panic!("no group was made: {other:?}"),
        }
    }

    pub fn say(&self, sender: u64, gid: Gid, name: u64) -> Arc<Message> {
        self.kept(group_message(sender, gid, name, &[])).0
    }

    pub fn group_history(&self, reader: u64, gid: Gid, limit: usize) -> HistoryPage {
        let with = Address::Group(gid);
        self.ask(|store, done| store.history(uid(reader), with, None, limit, done))
            .expect("a member")
    }

    pub fn since(&self, reader: u64, from_ms: u64, limit: usize) -> HistoryPage {
        self.ask(|store, done| store.since(uid(reader), from_ms, limit, done))
    }

    pub fn group(&self, reader: u64, gid: Gid) -> Verdict<Group> {
        self.ask(|store, done| store.group(uid(reader), gid, done))
    }

    pub fn confirm(&self, receiver: u64, which: Which) -> Confirmed {
        let confirmation = confirmation(receiver, which);
        self.ask(|store, done| store.confirm(confirmation, done))
    }

    /// Confirms, and tells the names of what was moved; `None` if nothing is known.
    pub fn moved(&self, receiver: u64, which: Which) -> Option<Vec<u64>> {
        let confirmed = self.confirm(receiver, which);
        let names = confirmed.receipts.iter().map(|receipt| {
            assert_eq!(receipt.receiver, uid(receiver));
            assert_eq!(receipt.time_ms, 2000);
            name_of(receipt.msg_id)
        });
        let names: Vec<u64> = names.collect();
        assert!(confirmed.known || names.is_empty());
        confirmed.known.then_some(names)
    }

    pub fn inbox(&self, reader: u64, after: u64, limit: usize) -> InboxPage {
        self.ask(|store, done| store.inbox(uid(reader), MessageId(after), limit, done))
    }

    /// The ids of all that waits.
    pub fn waiting(&self, reader: u64) -> Vec<u64> {
        let page = self.inbox(reader, 0, 1000);
        assert!(!page.more);
        ids(&page)
    }

    pub fn history(
        &self,
        reader: u64,
        with: u64,
        before: Option<Before>,
        limit: usize,
    ) -> HistoryPage {
        let with = uid(with).into();
        self.ask(|store, done| store.history(uid(reader), with, before, limit, done))
            .expect("a user")
    }

    pub fn revoked(&self, now_s: u64) -> Vec<String> {
        let mut revoked = self.ask(|store, done| store.revoked(now_s, done));
        revoked.sort();
        revoked
    }

    pub fn counts(&self) -> Counts {
        self.ask(|store, done| store.counts(done))
    }
}

pub fn person(number: u64) -> Person {
    Person {
        uid: uid(number),
        name: format!("u{number}").into(),
    }
}

pub fn name_of(msg_id: MsgId) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&msg_id.0[..8]);
    u64::from_be_bytes(bytes)
}

pub fn ids(page: &InboxPage) -> Vec<u64> {
    page.messages.iter().map(|message| message.id.0).collect()
}

/// The ids and states on a page.
pub fn states(page: &HistoryPage) -> Vec<(u64, Delivery)> {
    let states = page.messages.iter();
    states.map(|kept| (kept.message.id.0, kept.state)).collect()
}
