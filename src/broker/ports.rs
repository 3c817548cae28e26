//! What the broker needs of the outside: one trait, `Store`. It says what is kept, never how.
//!
//! Every call returns at once and hands its outcome to `done`, on a thread of the store's choosing; `done` must not block.
//! Writes are answered after the commit that holds them, in the order in which they were asked.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use crate::broker::delivery::Kept;
use crate::broker::delivery::Receipt;
use crate::broker::destination::Name;
use crate::broker::message::Message;
use crate::broker::message::MessageId;
use crate::broker::message::MsgId;
use crate::broker::payload::Payload;
use crate::broker::queued::Queued;
use crate::broker::queued::QueuedId;
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

/// A message to keep at the end of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewQueued {
    /// The queue; made where there is none.
    pub queue: Name,
    /// What is sent.
    pub payload: Arc<Payload>,
    /// When it ends, milliseconds since the Unix epoch.
    pub expires_ms: Option<u64>,
}

/// How much queues may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLimits {
    /// Messages in a queue.
    pub messages_max: u64,
    /// Bytes of headers and bodies in a queue.
    pub bytes_max: u64,
    /// Queues that hold anything.
    pub queues_max: u64,
}

impl Default for QueueLimits {
    fn default() -> Self {
        Self {
            messages_max: 1_000_000,
            bytes_max: 1 << 30,
            queues_max: 65_536,
        }
    }
}

/// What to change in queues: all of it together, or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueChange {
    /// Messages to keep, in this order.
    pub puts: Vec<NewQueued>,
    /// Messages to remove. One that is no more is no fault.
    pub takes: Vec<QueuedId>,
    /// Messages to move to the end of [`Name::dead`]. One that is no more is no fault.
    pub burials: Vec<QueuedId>,
    /// What must not be exceeded. What the change itself removes still counts. Where there would be too much, the expired
    /// go first.
    pub limits: QueueLimits,
    /// Now, milliseconds since the Unix epoch.
    pub time_ms: u64,
}

/// What became of a [`QueueChange`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueueChanged {
    /// It is committed. What was added, in the order of the ids: the puts, then what was buried.
    Done(Vec<Arc<Queued>>),
    /// Nothing was changed: a queue would hold too much.
    Full,
    /// Nothing was changed: there would be too many queues.
    TooMany,
}

/// Messages of a queue, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueuePage {
    /// At most as many as were asked for.
    pub messages: Vec<Arc<Queued>>,
    /// Whether the page was too small for more.
    pub more: bool,
}

/// Which messages of a queue a page is to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueueWhich {
    /// The oldest after this id, at most [`crate::broker::limits::PAGE_MESSAGES`].
    After(QueuedId),
    /// Those of these that are still there.
    These(Vec<QueuedId>),
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
    /// Queues that hold anything.
    pub queues: u64,
    /// Messages in queues.
    pub queued: u64,
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
    /// Changes queues.
    fn change_queues(&self, change: QueueChange, done: Done<QueueChanged>);
    /// A page of a queue; empty where there is no such queue. Expired messages are on it too.
    fn queue_page(&self, queue: Name, which: QueueWhich, done: Done<QueuePage>);
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
