//! The store in memory: the same answers as on disk, for tests and for trying things out. Nothing outlives it.

mod books;
mod confirmations;
mod conversations;
mod groups;
mod hooks;
mod images;
mod messages;
mod pages;
mod people;
mod queues;
mod social;

use std::sync::Mutex;
use std::sync::PoisonError;

use crate::broker::command::Address;
use crate::broker::command::GroupName;
use crate::broker::destination::Name;
use crate::broker::friends::Friends;
use crate::broker::groups::Gid;
use crate::broker::groups::Group;
use crate::broker::groups::Roster;
use crate::broker::images::Image;
use crate::broker::images::ImageId;
use crate::broker::message::MessageId;
use crate::broker::orders::Location;
use crate::broker::ports::Account;
use crate::broker::ports::AddedUser;
use crate::broker::ports::Appended;
use crate::broker::ports::Before;
use crate::broker::ports::Confirmation;
use crate::broker::ports::Confirmed;
use crate::broker::ports::Counts;
use crate::broker::ports::Done;
use crate::broker::ports::HistoryPage;
use crate::broker::ports::Hook;
use crate::broker::ports::HookFate;
use crate::broker::ports::InboxPage;
use crate::broker::ports::NewMessage;
use crate::broker::ports::QueueChange;
use crate::broker::ports::QueueChanged;
use crate::broker::ports::QueuePage;
use crate::broker::ports::QueueWhich;
use crate::broker::ports::SocialAct;
use crate::broker::ports::Store;
use crate::broker::ports::StoreError;
use crate::broker::ports::TokenId;
use crate::broker::ports::Trouble;
use crate::broker::ports::Verdict;
use crate::broker::social::Changed;
use crate::broker::users::Person;
use crate::broker::users::Uid;
use crate::broker::users::UserKey;
use books::Books;

/// A store that forgets. It answers on the caller's thread, before the call returns.
#[derive(Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    books: Books,
    closed: bool,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn ask<T>(&self, done: Done<T>, work: impl FnOnce(&mut Books) -> T) {
        self.try_ask(done, |books| Ok(work(books)));
    }

    fn try_ask<T>(&self, done: Done<T>, work: impl FnOnce(&mut Books) -> Result<T, StoreError>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let result = if state.closed {
            Err(StoreError::Closed)
        } else {
            work(&mut state.books)
        };
        // The answer may ask again at once, so the lock goes first.
        drop(state);
        done(result);
    }
}

impl Store for MemoryStore {
    fn append(&self, message: NewMessage, done: Done<Verdict<Appended>>) {
        self.try_ask(done, |books| books.append(&message));
    }

    fn confirm(&self, confirmation: Confirmation, done: Done<Confirmed>) {
        self.ask(done, |books| books.confirm(&confirmation));
    }

    fn inbox(&self, uid: Uid, after: MessageId, limit: usize, done: Done<InboxPage>) {
        self.ask(done, |books| books.inbox(uid, after, limit));
    }

    fn history(
        &self,
        reader: Uid,
        with: Address,
        before: Option<Before>,
        limit: usize,
        done: Done<Verdict<HistoryPage>>,
    ) {
        self.ask(done, |books| books.history(reader, &with, before, limit));
    }

    fn since(&self, uid: Uid, from_ms: u64, limit: usize, done: Done<HistoryPage>) {
        self.ask(done, |books| books.since(uid, from_ms, limit));
    }

    fn social(&self, act: SocialAct, done: Done<Verdict<Changed>>) {
        self.try_ask(done, |books| books.social(act));
    }

    fn friends(&self, uid: Uid, done: Done<Friends>) {
        self.ask(done, |books| books.friends(uid));
    }

    fn are_friends(&self, one: Uid, other: Uid, done: Done<bool>) {
        self.ask(done, |books| books.people.are_friends(one, other));
    }

    fn blocks(&self, uid: Uid, done: Done<Vec<Person>>) {
        self.ask(done, |books| books.blocks(uid));
    }

    fn groups(&self, uid: Uid, done: Done<Vec<GroupName>>) {
        self.ask(done, |books| books.groups(uid));
    }

    fn group(&self, reader: Uid, gid: Gid, done: Done<Verdict<Group>>) {
        self.ask(done, |books| books.group(reader, gid));
    }

    fn roster(&self, gid: Gid, done: Done<Roster>) {
        self.ask(done, |books| books.roster(gid));
    }

    fn location(&self, uid: Uid, done: Done<Option<Location>>) {
        self.ask(done, |books| books.people.location(uid));
    }

    fn keep_image(&self, owner: Uid, image: Image, _time_ms: u64, done: Done<Verdict<ImageId>>) {
        self.try_ask(done, |books| books.images.keep(owner, image));
    }

    fn image(&self, reader: Uid, id: ImageId, done: Done<Option<Image>>) {
        self.ask(done, |books| books.image(reader, id));
    }

    fn due_hooks(&self, now_ms: u64, limit: usize, done: Done<Vec<Hook>>) {
        self.ask(done, |books| books.due_hooks(now_ms, limit));
    }

    fn settle_hook(&self, id: u64, fate: HookFate, done: Done<()>) {
        self.ask(done, |books| books.hooks.settle(id, fate));
    }

    fn change_queues(&self, change: QueueChange, done: Done<QueueChanged>) {
        self.ask(done, |books| books.queues.change(&change));
    }

    fn queue_page(&self, queue: Name, which: QueueWhich, done: Done<QueuePage>) {
        self.ask(done, |books| books.queues.page(&queue, &which));
    }

    fn add_user(
        &self,
        name: String,
        password_hash: Option<String>,
        _time_ms: u64,
        done: Done<AddedUser>,
    ) {
        self.ask(done, |books| books.add_user(&name, password_hash));
    }

    fn admit_user(&self, person: Person, _time_ms: u64, done: Done<AddedUser>) {
        self.ask(done, |books| books.admit_user(person));
    }

    fn user(&self, key: UserKey, done: Done<Option<Account>>) {
        self.ask(done, |books| books.user(&key));
    }

    fn revoke(&self, token: TokenId, expires_s: u64, done: Done<()>) {
        self.ask(done, |books| books.revoke(token, expires_s));
    }

    fn revoked(&self, now_s: u64, done: Done<Vec<TokenId>>) {
        self.ask(done, |books| books.revoked(now_s));
    }

    fn counts(&self, done: Done<Counts>) {
        self.ask(done, |books| books.counts());
    }

    fn health(&self) -> Result<(), Trouble> {
        Ok(())
    }

    fn close(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.closed = true;
    }
}
