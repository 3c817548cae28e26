//! The gate as a store: each request is a read or a write of the store behind it.

use hongyan::broker::command::Address;
use hongyan::broker::command::GroupName;
use hongyan::broker::destination::Name;
use hongyan::broker::friends::Friends;
use hongyan::broker::groups::Gid;
use hongyan::broker::groups::Group;
use hongyan::broker::groups::Roster;
use hongyan::broker::images::Image;
use hongyan::broker::images::ImageId;
use hongyan::broker::message::MessageId;
use hongyan::broker::orders::Location;
use hongyan::broker::ports::Account;
use hongyan::broker::ports::AddedUser;
use hongyan::broker::ports::Appended;
use hongyan::broker::ports::Before;
use hongyan::broker::ports::Confirmation;
use hongyan::broker::ports::Confirmed;
use hongyan::broker::ports::Counts;
use hongyan::broker::ports::Done;
use hongyan::broker::ports::HistoryPage;
use hongyan::broker::ports::Hook;
use hongyan::broker::ports::HookFate;
use hongyan::broker::ports::InboxPage;
use hongyan::broker::ports::NewMessage;
use hongyan::broker::ports::QueueChange;
use hongyan::broker::ports::QueueChanged;
use hongyan::broker::ports::QueuePage;
use hongyan::broker::ports::QueueWhich;
use hongyan::broker::ports::SocialAct;
use hongyan::broker::ports::Store;
use hongyan::broker::ports::TokenId;
use hongyan::broker::ports::Trouble;
use hongyan::broker::ports::Verdict;
use hongyan::broker::social::Changed;
use hongyan::broker::users::Person;
use hongyan::broker::users::Uid;
use hongyan::broker::users::UserKey;

use crate::gate::Gate;

impl Store for Gate {
    fn append(&self, message: NewMessage, done: Done<Verdict<Appended>>) {
        self.write(done, |store, done| store.append(message, done));
    }

    fn confirm(&self, confirmation: Confirmation, done: Done<Confirmed>) {
        self.write(done, move |store, done| store.confirm(confirmation, done));
    }

    fn inbox(&self, uid: Uid, after: MessageId, limit: usize, done: Done<InboxPage>) {
        self.read(done, move |store, done| {
            store.inbox(uid, after, limit, done)
        });
    }

    fn history(
        &self,
        reader: Uid,
        with: Address,
        before: Option<Before>,
        limit: usize,
        done: Done<Verdict<HistoryPage>>,
    ) {
        self.read(done, move |store, done| {
            store.history(reader, with, before, limit, done);
        });
    }

    fn since(&self, uid: Uid, from_ms: u64, limit: usize, done: Done<HistoryPage>) {
        self.read(done, move |store, done| {
            store.since(uid, from_ms, limit, done);
        });
    }

    fn social(&self, act: SocialAct, done: Done<Verdict<Changed>>) {
        self.write(done, move |store, done| store.social(act, done));
    }

    fn friends(&self, uid: Uid, done: Done<Friends>) {
        self.read(done, move |store, done| store.friends(uid, done));
    }

    fn are_friends(&self, one: Uid, other: Uid, done: Done<bool>) {
        self.read(done, move |store, done| store.are_friends(one, other, done));
    }

    fn blocks(&self, uid: Uid, done: Done<Vec<Person>>) {
        self.read(done, move |store, done| store.blocks(uid, done));
    }

    fn groups(&self, uid: Uid, done: Done<Vec<GroupName>>) {
        self.read(done, move |store, done| store.groups(uid, done));
    }

    fn group(&self, reader: Uid, gid: Gid, done: Done<Verdict<Group>>) {
        self.read(done, move |store, done| store.group(reader, gid, done));
    }

    fn roster(&self, gid: Gid, done: Done<Roster>) {
        self.read(done, move |store, done| store.roster(gid, done));
    }

    fn location(&self, uid: Uid, done: Done<Option<Location>>) {
        self.read(done, move |store, done| store.location(uid, done));
    }

    fn keep_image(&self, owner: Uid, image: Image, time_ms: u64, done: Done<Verdict<ImageId>>) {
        self.write(done, move |store, done| {
            store.keep_image(owner, image, time_ms, done);
        });
    }

    fn image(&self, reader: Uid, id: ImageId, done: Done<Option<Image>>) {
        self.read(done, move |store, done| store.image(reader, id, done));
    }

    fn due_hooks(&self, now_ms: u64, limit: usize, done: Done<Vec<Hook>>) {
        self.read(done, move |store, done| {
            store.due_hooks(now_ms, limit, done)
        });
    }

    fn settle_hook(&self, id: u64, fate: HookFate, done: Done<()>) {
        self.write(done, move |store, done| store.settle_hook(id, fate, done));
    }

    fn change_queues(&self, change: QueueChange, done: Done<QueueChanged>) {
        self.write(done, |store, done| store.change_queues(change, done));
    }

    fn queue_page(&self, queue: Name, which: QueueWhich, done: Done<QueuePage>) {
        self.read(done, |store, done| store.queue_page(queue, which, done));
    }

    fn add_user(
        &self,
        name: String,
        password_hash: Option<String>,
        time_ms: u64,
        done: Done<AddedUser>,
    ) {
        self.write(done, move |store, done| {
            store.add_user(name, password_hash, time_ms, done);
        });
    }

    fn admit_user(&self, person: Person, time_ms: u64, done: Done<AddedUser>) {
        self.write(done, move |store, done| {
            store.admit_user(person, time_ms, done)
        });
    }

    fn user(&self, key: UserKey, done: Done<Option<Account>>) {
        self.read(done, |store, done| store.user(key, done));
    }

    fn revoke(&self, token: TokenId, expires_s: u64, done: Done<()>) {
        self.write(done, move |store, done| {
            store.revoke(token, expires_s, done)
        });
    }

    fn revoked(&self, now_s: u64, done: Done<Vec<TokenId>>) {
        self.write(done, move |store, done| store.revoked(now_s, done));
    }

    fn counts(&self, done: Done<Counts>) {
        self.read(done, |store, done| store.counts(done));
    }

    fn health(&self) -> Result<(), Trouble> {
        self.store.health()
    }

    fn close(&self) {
        self.store.close();
    }
}
