//! A store, asked one thing after another by somebody who waits for each answer.

use std::sync::Arc;
use std::sync::mpsc;

use hongyan::broker::delivery::Delivery;
use hongyan::broker::message::{Message, MessageId, MsgId};
use hongyan::broker::ports::{
    Account, AddedUser, Appended, Before, Confirmation, Confirmed, Counts, Done, HistoryPage,
    InboxPage, NewMessage, Store, StoreError, Which,
};
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

pub fn new_message(sender: u64, receiver: u64, name: u64, content: &str) -> NewMessage {
    NewMessage {
        sender: uid(sender),
        receiver: uid(receiver),
        msg_id: msg_id(name),
        content: content.into(),
        time_ms: 1000,
    }
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

    pub fn append(&self, message: NewMessage) -> Appended {
        self.ask(|store, done| store.append(message, done))
    }

    pub fn fresh(&self, sender: u64, receiver: u64, name: u64) -> Arc<Message> {
        match self.append(new_message(sender, receiver, name, "hello")) {
            Appended::Fresh(message, _) => message,
            other => panic!("not fresh: {other:?}"),
        }
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
        self.ask(|store, done| store.history(uid(reader), uid(with), before, limit, done))
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
