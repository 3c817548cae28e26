//! As much of a store as auth asks for. It can be told to fail, and to wait with its answers to revocations.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

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

#[derive(Default)]
pub(super) struct Shelf {
    pub(super) users: Mutex<Vec<Account>>,
    pub(super) revoked: Mutex<Vec<(TokenId, u64)>>,
    /// How often a user was asked for.
    pub(super) reads: AtomicUsize,
    /// While set, everything fails.
    pub(super) broken: AtomicBool,
    /// While set, revocations are kept and their answers put here.
    pub(super) held: Mutex<Option<Vec<Done<()>>>>,
}

impl Shelf {
    fn answer<T>(&self, done: Done<T>, value: impl FnOnce() -> T) {
        if self.broken.load(Ordering::Relaxed) {
            done(Err(StoreError::Broken("told to".into())));
        } else {
            done(Ok(value()));
        }
    }

    fn add(&self, person: Person, password_hash: Option<String>) -> AddedUser {
        let mut users = self.users.lock().unwrap();
        let clash =
            |known: &Account| known.person.uid == person.uid || known.person.name == person.name;
        match users.iter().find(|known| clash(known)) {
            Some(known) if known.person == person && password_hash.is_none() => {}
            Some(_) => return AddedUser::NameTaken,
            None => users.push(Account {
                person: person.clone(),
                password_hash,
            }),
        }
        AddedUser::New(person)
    }
}

impl Store for Shelf {
    fn add_user(&self, name: String, hash: Option<String>, _: u64, done: Done<AddedUser>) {
        let next = self.users.lock().unwrap().len() as u64 + 1;
        let person = Person {
            uid: Uid::new(next).unwrap(),
            name: name.into(),
        };
        self.answer(done, || self.add(person, hash));
    }

    fn admit_user(&self, person: Person, _: u64, done: Done<AddedUser>) {
        self.answer(done, || self.add(person, None));
    }

    fn user(&self, key: UserKey, done: Done<Option<Account>>) {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let users = self.users.lock().unwrap();
        let found = users.iter().find(|known| key.means(&known.person));
        self.answer(done, || found.cloned());
    }

    fn revoke(&self, token: TokenId, expires_s: u64, done: Done<()>) {
        if let Some(held) = &mut *self.held.lock().unwrap() {
            held.push(done);
            return;
        }
        self.answer(done, || {
            self.revoked.lock().unwrap().push((token, expires_s));
        });
    }

    fn revoked(&self, now_s: u64, done: Done<Vec<TokenId>>) {
        let mut revoked = self.revoked.lock().unwrap();
        revoked.retain(|(_, expires_s)| *expires_s > now_s);
        self.answer(done, || revoked.iter().map(|(id, _)| id.clone()).collect());
    }

    fn append(&self, _: NewMessage, _: Done<Verdict<Appended>>) {
        unimplemented!("auth sends nothing");
    }

    fn confirm(&self, _: Confirmation, _: Done<Confirmed>) {
        unimplemented!("auth confirms nothing");
    }

    fn inbox(&self, _: Uid, _: MessageId, _: usize, _: Done<InboxPage>) {
        unimplemented!("auth reads no messages");
    }

    fn history(
        &self,
        _: Uid,
        _: Address,
        _: Option<Before>,
        _: usize,
        _: Done<Verdict<HistoryPage>>,
    ) {
        unimplemented!("auth reads no messages");
    }

    fn since(&self, _: Uid, _: u64, _: usize, _: Done<HistoryPage>) {
        unimplemented!("auth reads no messages");
    }

    fn social(&self, _: SocialAct, _: Done<Verdict<Changed>>) {
        unimplemented!("auth has no friends");
    }

    fn friends(&self, _: Uid, _: Done<Friends>) {
        unimplemented!("auth has no friends");
    }

    fn are_friends(&self, _: Uid, _: Uid, _: Done<bool>) {
        unimplemented!("auth has no friends");
    }

    fn blocks(&self, _: Uid, _: Done<Vec<Person>>) {
        unimplemented!("auth blocks nobody");
    }

    fn groups(&self, _: Uid, _: Done<Vec<GroupName>>) {
        unimplemented!("auth has no groups");
    }

    fn group(&self, _: Uid, _: Gid, _: Done<Verdict<Group>>) {
        unimplemented!("auth has no groups");
    }

    fn roster(&self, _: Gid, _: Done<Roster>) {
        unimplemented!("auth has no groups");
    }

    fn location(&self, _: Uid, _: Done<Option<Location>>) {
        unimplemented!("auth goes nowhere");
    }

    fn keep_image(&self, _: Uid, _: Image, _: u64, _: Done<Verdict<ImageId>>) {
        unimplemented!("auth has no pictures");
    }

    fn image(&self, _: Uid, _: ImageId, _: Done<Option<Image>>) {
        unimplemented!("auth has no pictures");
    }

    fn due_hooks(&self, _: u64, _: usize, _: Done<Vec<Hook>>) {
        unimplemented!("auth has no hooks");
    }

    fn settle_hook(&self, _: u64, _: HookFate, _: Done<()>) {
        unimplemented!("auth has no hooks");
    }

    fn change_queues(&self, _: QueueChange, _: Done<QueueChanged>) {
        unimplemented!("auth has no queues");
    }

    fn queue_page(&self, _: Name, _: QueueWhich, _: Done<QueuePage>) {
        unimplemented!("auth has no queues");
    }

    fn counts(&self, _: Done<Counts>) {
        unimplemented!("auth counts nothing");
    }

    fn health(&self) -> Result<(), Trouble> {
        unimplemented!("auth does not ask");
    }

    fn close(&self) {
        unimplemented!("auth closes nothing");
    }
}
