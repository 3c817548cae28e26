//! What the broker needs of the outside: one trait, `Store`. It says what is kept, never how.
//!
//! Every call returns at once and hands its outcome to `done`, on a thread of the store's choosing; `done` must not block.
//! Writes are answered after the commit that holds them, in the order in which they were asked.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use crate::broker::delivery::Kept;
use crate::broker::delivery::Receipt;
use crate::broker::message::Message;
use crate::broker::message::MessageId;
use crate::broker::message::MsgId;
use crate::broker::users::Person;
use crate::broker::users::Uid;
use crate::broker::users::UserKey;

/// Where an outcome goes.
pub type Done<T> = Box<dyn FnOnce(Result<T, StoreError>) + Send>;

/// Why the store did not do what was asked. Nothing of the request was kept, except that after
/// [`StoreError::Broken`] a write may still have reached the disk: asking again with the same msgID is safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// Too much waits already. Try again.
    Busy,
    /// The disk or the database failed; the text is for the log, never for a client.
    Broken(String),
    /// The store is closing.
    Closed,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("too many requests wait for the store"),
            Self::Broken(why) => write!(f, "the store failed: {why}"),
            Self::Closed => f.write_str("the store is closing"),
        }
    }
}

impl std::error::Error for StoreError {}

/// A message to keep. `sender` is a known user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// Who writes.
    pub sender: Uid,
    /// To whom; may be the sender.
    pub receiver: Uid,
    /// What the sender calls it.
    pub msg_id: MsgId,
    /// What it says.
    pub content: Arc<str>,
    /// Now, milliseconds since the Unix epoch. The store raises it where the clock went back.
    pub time_ms: u64,
}

/// What became of a [`NewMessage`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// Committed now.
    Fresh(Arc<Message>),
    /// The same sender, receiver, msgID and content was committed before: this one.
    Again(Arc<Message>),
    /// The msgID stands for another content between these two.
    Taken,
    /// There is no such receiver.
    NoReceiver,
}

/// A receiver's confirmation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confirmation {
    /// Who confirms.
    pub receiver: Uid,
    /// What is confirmed.
    pub which: Which,
    /// Now, milliseconds since the Unix epoch.
    pub time_ms: u64,
}

/// Which messages a confirmation means. Only messages to the confirming user count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The message called so. Two senders may have used the same msgID: of those not yet received, the oldest with an id
    /// in `pushed` (after the first, up to and with the second) comes first, then the oldest of all.
    Named {
        /// The sender's id.
        msg_id: MsgId,
        /// What the confirming session was pushed, as a range of ids.
        pushed: Option<(MessageId, MessageId)>,
    },
    /// The one with this id.
    One(MessageId),
    /// All after `after`, up to and with `last`.
    Through {
        /// Not this one.
        after: MessageId,
        /// But this one.
        last: MessageId,
    },
}

/// What a confirmation did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confirmed {
    /// Whether it meant any message at all, received before or not.
    pub known: bool,
    /// The messages it moved to `received`, oldest first.
    pub receipts: Vec<Receipt>,
}

/// Messages that wait for a user, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InboxPage {
    /// At most as many as were asked for.
    pub messages: Vec<Arc<Message>>,
    /// Whether more than these waited.
    pub more: bool,
    /// The newest id of any message in the store when the page was read (0 in an empty store). When `more` is false,
    /// nothing up to and with this id waits beyond the page.
    pub through: MessageId,
}

/// Where a page of history ends, going back in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// Messages with a lower id.
    Id(MessageId),
    /// Messages accepted earlier, milliseconds since the Unix epoch.
    Time(u64),
}

/// A page of a conversation, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryPage {
    /// At most as many as were asked for.
    pub messages: Vec<Kept>,
    /// Whether older ones exist.
    pub more: bool,
}

/// What became of a new user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddedUser {
    /// Made now.
    New(Person),
    /// The name is another's.
    NameTaken,
}

/// A user and the PHC string of the password, if the user has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Who.
    pub person: Person,
    /// argon2, as a PHC string. Users made by a foreign token have none.
    pub password_hash: Option<String>,
}

/// A token's `jti`: at most 64 bytes, checked before it comes here.
pub type TokenId = String;

/// How many of each the store keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Users.
    pub users: u64,
    /// Conversations.
    pub conversations: u64,
    /// Messages.
    pub messages: u64,
    /// Messages not yet received.
    pub waiting: u64,
}

/// The keeper of users, messages and cursors.
pub trait Store: Send + Sync + 'static {
    /// Keeps a message: takes its `seq` and `id` in the same transaction. Calls of one thread are kept in their order.
    fn append(&self, message: NewMessage, done: Done<Appended>);
    /// Moves messages to `received`.
    fn confirm(&self, confirmation: Confirmation, done: Done<Confirmed>);
    /// What waits for `uid` after the id `after`, at most `limit` messages (at least 1).
    fn inbox(&self, uid: Uid, after: MessageId, limit: usize, done: Done<InboxPage>);
    /// The conversation of `reader` and `with`, at most `limit` messages before `before` (or the newest).
    fn history(
        &self,
        reader: Uid,
        with: Uid,
        before: Option<Before>,
        limit: usize,
        done: Done<HistoryPage>,
    );
    /// Makes a user with the next free uid.
    fn add_user(
        &self,
        name: String,
        password_hash: Option<String>,
        time_ms: u64,
        done: Done<AddedUser>,
    );
    /// Makes sure that this very person exists: for tokens minted elsewhere. `NameTaken` where the uid has another name or
    /// the name another uid.
    fn admit_user(&self, person: Person, time_ms: u64, done: Done<AddedUser>);
    /// Finds a user.
    fn user(&self, key: UserKey, done: Done<Option<Account>>);
    /// Keeps a revocation until `expires_s` (seconds since the Unix epoch), when the token would have ended anyway.
    fn revoke(&self, token: TokenId, expires_s: u64, done: Done<()>);
    /// All revocations that still matter at `now_s`; those that don't are forgotten.
    fn revoked(&self, now_s: u64, done: Done<Vec<TokenId>>);
    /// Counts all. May read a lot: for people, not for each request.
    fn counts(&self, done: Done<Counts>);
    /// Whether writes can be kept now; the sentence says why not.
    fn health(&self) -> Result<(), String>;
    /// Stops taking requests, finishes those taken, and closes. Blocks until that is done.
    fn close(&self);
}

/// A [`Done`] and the future of what it will be given.
pub fn outcome<T: Send + 'static>() -> (Done<T>, impl Future<Output = Result<T, StoreError>>) {
    let (tell, told) = tokio::sync::oneshot::channel();
    let done: Done<T> = Box::new(move |result| {
        // The asker may have gone; then nobody needs the outcome.
        let _ = tell.send(result);
    });
    (done, async move {
        told.await.unwrap_or(Err(StoreError::Closed))
    })
}
