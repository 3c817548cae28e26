//! The port `Store`: each question to whoever answers it, the writer, a reader or the thread of the pictures.

use std::sync::Arc;

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
use crate::stores::sqlite::SqliteStore;
use crate::stores::sqlite::confirmations;
use crate::stores::sqlite::counts;
use crate::stores::sqlite::friends;
use crate::stores::sqlite::groups;
use crate::stores::sqlite::history;
use crate::stores::sqlite::history::HistoryAsk;
use crate::stores::sqlite::hooks;
use crate::stores::sqlite::images;
use crate::stores::sqlite::images::ImageAsk;
use crate::stores::sqlite::images::NewImage;
use crate::stores::sqlite::inbox;
use crate::stores::sqlite::inbox::InboxAsk;
use crate::stores::sqlite::messages;
use crate::stores::sqlite::orders;
use crate::stores::sqlite::queue::Refused;
use crate::stores::sqlite::queue_pages;
use crate::stores::sqlite::queue_pages::QueueAsk;
use crate::stores::sqlite::queues;
use crate::stores::sqlite::revocations;
use crate::stores::sqlite::since;
use crate::stores::sqlite::since::SinceAsk;
use crate::stores::sqlite::social;
use crate::stores::sqlite::users;
use crate::stores::sqlite::users::NewUser;

impl Store for SqliteStore {
    fn append(&self, message: NewMessage, done: Done<Verdict<Appended>>) {
        let envelope = message
            .envelope
            .as_ref()
            .map_or(0, |envelope| envelope.len());
        let bytes = message.content.len() + envelope + message.ignored.len() * 32;
        self.write(message, bytes, messages::append, done);
    }

    fn confirm(&self, confirmation: Confirmation, done: Done<Confirmed>) {
        self.write(confirmation, 0, confirmations::confirm, done);
    }

    fn inbox(&self, uid: Uid, after: MessageId, limit: usize, done: Done<InboxPage>) {
        self.read(InboxAsk { uid, after, limit }, inbox::inbox, done);
    }

    fn history(
        &self,
        reader: Uid,
        with: Address,
        before: Option<Before>,
        limit: usize,
        done: Done<Verdict<HistoryPage>>,
    ) {
        let ask = HistoryAsk {
            reader,
            with,
            before,
            limit,
        };
        self.read(ask, history::history, done);
    }

    fn since(&self, uid: Uid, from_ms: u64, limit: usize, done: Done<HistoryPage>) {
        let ask = SinceAsk {
            uid,
            from_ms,
            limit,
        };
        self.read(ask, since::since, done);
    }

    fn social(&self, act: SocialAct, done: Done<Verdict<Changed>>) {
        let bytes = social::bytes(&act.act);
        self.write(act, bytes, social::act, done);
    }

    fn friends(&self, uid: Uid, done: Done<Friends>) {
        self.read(uid, friends::friends, done);
    }

    fn are_friends(&self, one: Uid, other: Uid, done: Done<bool>) {
        self.read((one, other), friends::are_friends, done);
    }

    fn blocks(&self, uid: Uid, done: Done<Vec<Person>>) {
        self.read(uid, friends::blocks, done);
    }

    fn groups(&self, uid: Uid, done: Done<Vec<GroupName>>) {
        self.read(uid, groups::groups, done);
    }

    fn group(&self, reader: Uid, gid: Gid, done: Done<Verdict<Group>>) {
        self.read((reader, gid), groups::group, done);
    }

    fn roster(&self, gid: Gid, done: Done<Roster>) {
        self.read(gid, groups::roster, done);
    }

    fn location(&self, uid: Uid, done: Done<Option<Location>>) {
        self.read(uid, orders::location, done);
    }

    fn keep_image(&self, owner: Uid, image: Image, time_ms: u64, done: Done<Verdict<ImageId>>) {
        let bytes = image.bytes.len();
        let new = NewImage {
            owner,
            image,
            time_ms,
            done,
        };
        match self.images.push(new, bytes) {
            Ok(()) => {}
            Err(Refused::Full(new)) => (new.done)(Err(StoreError::Busy)),
            Err(Refused::Closed(new)) => (new.done)(Err(StoreError::Closed)),
        }
    }

    fn image(&self, reader: Uid, id: ImageId, done: Done<Option<Image>>) {
        let directory = Arc::clone(&self.image_directory);
        let ask = ImageAsk {
            directory,
            reader,
            id,
        };
        self.read(ask, images::image, done);
    }

    fn due_hooks(&self, now_ms: u64, limit: usize, done: Done<Vec<Hook>>) {
        self.read((now_ms, limit), hooks::due, done);
    }

    fn settle_hook(&self, id: u64, fate: HookFate, done: Done<()>) {
        self.write(
            (id, fate),
            0,
            |books, settled| hooks::settle(&books.conn, settled),
            done,
        );
    }

    fn change_queues(&self, change: QueueChange, done: Done<QueueChanged>) {
        let bytes = change.puts.iter().map(|put| put.payload.bytes()).sum();
        self.write(change, bytes, queues::change, done);
    }

    fn queue_page(&self, queue: Name, which: QueueWhich, done: Done<QueuePage>) {
        self.read(QueueAsk { queue, which }, queue_pages::page, done);
    }

    fn add_user(
        &self,
        name: String,
        password_hash: Option<String>,
        time_ms: u64,
        done: Done<AddedUser>,
    ) {
        let new = NewUser {
            name,
            password_hash,
            time_ms,
        };
        self.write(new, 0, |books, new| users::add_user(&books.conn, new), done);
    }

    fn admit_user(&self, person: Person, time_ms: u64, done: Done<AddedUser>) {
        let new = (person, time_ms);
        self.write(
            new,
            0,
            |books, new| users::admit_user(&books.conn, new),
            done,
        );
    }

    fn user(&self, key: UserKey, done: Done<Option<Account>>) {
        self.read(key, users::find_user, done);
    }

    fn revoke(&self, token: TokenId, expires_s: u64, done: Done<()>) {
        self.write(
            (token, expires_s),
            0,
            |books, revocation| revocations::revoke(&books.conn, revocation),
            done,
        );
    }

    fn revoked(&self, now_s: u64, done: Done<Vec<TokenId>>) {
        self.write(
            now_s,
            0,
            |books, now_s| revocations::revoked(&books.conn, now_s),
            done,
        );
    }

    fn counts(&self, done: Done<Counts>) {
        self.read((), |conn, ()| counts::counts(conn), done);
    }

    fn health(&self) -> Result<(), Trouble> {
        self.condition.health()
    }

    fn close(&self) {
        self.shut();
    }
}
