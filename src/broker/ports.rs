//! What the broker needs of the outside: one trait, `Store`. It says what is kept, never how.
//!
//! Every call returns at once and hands its outcome to `done`, on a thread of the store's choosing; `done` must not block.
//! Writes are answered after the commit that holds them, in the order in which they were asked.

mod queues;
mod trouble;

use std::future::Future;
use std::sync::Arc;

use crate::broker::command::Address;
use crate::broker::command::Ears;
use crate::broker::command::GroupName;
use crate::broker::delivery::Kept;
use crate::broker::delivery::Receipt;
use crate::broker::destination::Name;
use crate::broker::friends::Friends;
use crate::broker::groups::Gid;
use crate::broker::groups::Group;
use crate::broker::groups::Roster;
use crate::broker::images::Image;
use crate::broker::images::ImageId;
use crate::broker::message::Kind;
use crate::broker::message::Message;
use crate::broker::message::MessageId;
use crate::broker::message::MsgId;
use crate::broker::orders::Location;
use crate::broker::refusal::Refusal;
use crate::broker::social;
use crate::broker::social::Social;
use crate::broker::users::Person;
use crate::broker::users::Uid;
use crate::broker::users::UserKey;

pub use crate::broker::ports::queues::NewQueued;
pub use crate::broker::ports::queues::QueueChange;
pub use crate::broker::ports::queues::QueueChanged;
pub use crate::broker::ports::queues::QueueLimits;
pub use crate::broker::ports::queues::QueuePage;
pub use crate::broker::ports::queues::QueueWhich;
pub use crate::broker::ports::trouble::StoreError;
pub use crate::broker::ports::trouble::Trouble;

/// Where an outcome goes.
pub type Done<T> = Box<dyn FnOnce(Result<T, StoreError>) + Send>;

/// What the store answers where the rules of the broker may say no: it asks them in the transaction itself.
pub type Verdict<T> = Result<T, Refusal>;

/// A message to keep. `sender` is a known user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// Who writes.
    pub sender: Uid,
    /// To whom; a user may write to oneself.
    pub to: Address,
    /// What the sender calls it.
    pub msg_id: MsgId,
    /// What it is.
    pub kind: Kind,
    /// What it says.
    pub content: Arc<str>,
    /// See [`Message::envelope`].
    pub envelope: Option<Arc<str>>,
    /// Members of the group who are not to have it: it is no gap to them, and in no inbox or history of theirs.
    pub ignored: Vec<UserKey>,
    /// Whether only a friend may write to the user.
    pub friends_only: bool,
    /// Whether the webhook is perhaps to be told ([`Store::due_hooks`]).
    pub hook: bool,
    /// Now, milliseconds since the Unix epoch. The store raises it where the clock went back.
    pub time_ms: u64,
}

/// What a user wants to do with other people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocialAct {
    /// Who.
    pub by: Uid,
    /// What.
    pub act: Social,
    /// Whether only friends may be brought into a group.
    pub friends_only: bool,
    /// Now, milliseconds since the Unix epoch.
    pub time_ms: u64,
}

/// What became of a [`NewMessage`] that was not refused. Refused it is, in this order: no such user or group
/// (where friendship is asked for: not friends), not a member, blocked, not friends, no such picture, msgID taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// Committed now.
    Fresh(Arc<Message>, Audience),
    /// The same sender, recipient, msgID, kind and content was committed before: this one.
    Again(Arc<Message>, Audience),
}

/// Whom a message to a group is for, when it was committed; empty for a message to a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audience {
    /// The members, the sender too.
    pub members: Option<Roster>,
    /// Of these, who is not to have it, by rising uid.
    pub ignored: Vec<Uid>,
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
    /// The message called so. Two senders may have used the same msgID: of those not yet received, the oldest that
    /// was `pushed` comes first, then the oldest of all.
    Named {
        /// The sender's id.
        msg_id: MsgId,
        /// What the confirming session was pushed.
        pushed: Option<Pushes>,
    },
    /// The one with this id.
    One(MessageId),
    /// All after `after`, up to and with `last`.
    Through {
        /// Not this one.
        after: MessageId,
        /// But this one.
        last: MessageId,
        /// Of these, only those to the user, or to groups, or all.
        by: Ears,
    },
}

/// What a session was pushed: of the messages to its user and of those to groups, all after an id and up to another. It may
/// have begun to hear the ones later than the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pushes {
    /// Of messages to users, those after this id; none where absent.
    pub direct_after: Option<MessageId>,
    /// Of messages to groups, those after this id; none where absent.
    pub groups_after: Option<MessageId>,
    /// The last of both.
    pub last: MessageId,
}

impl Pushes {
    /// Whether a message to the user (or, `grouped`, to a group) was pushed, if it was to be.
    pub fn have(&self, id: MessageId, grouped: bool) -> bool {
        let after = match grouped {
            true => self.groups_after,
            false => self.direct_after,
        };
        after.is_some_and(|after| after < id && id <= self.last)
    }
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

/// A page of a conversation, newest first, or of all conversations of a user, oldest first.
///
/// A message to a user is received when that user has received it. One to a group: to its sender, when every other member
/// has received all up to it; to everybody else, when they themselves have received it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryPage {
    /// At most as many as were asked for.
    pub messages: Vec<Kept>,
    /// Whether more exist in that direction.
    pub more: bool,
}

/// That the webhook is perhaps to be told of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Its number, which the webhook is told too: the same event again has the same one.
    pub id: u64,
    /// The message.
    pub message: Arc<Message>,
    /// Whom it is for and who has not received it yet, at most [`HOOK_USERS_MAX`].
    pub waiting: Vec<Person>,
    /// How often the webhook was told in vain.
    pub tries: u32,
}

/// Users that the webhook is told of with one message; of those of a larger group only the first.
pub const HOOK_USERS_MAX: usize = 1_000;

/// What is to become of a [`Hook`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookFate {
    /// The webhook knows, or need not.
    Done,
    /// Try again at this time, milliseconds since the Unix epoch; one more was in vain.
    Later(u64),
    /// Keep it as failed.
    Failed,
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
    /// Groups.
    pub groups: u64,
    /// Friendships.
    pub friendships: u64,
    /// Hooks that wait.
    pub hooks: u64,
    /// Hooks that were given up.
    pub hooks_failed: u64,
}

/// The keeper of users, messages and cursors.
pub trait Store: Send + Sync + 'static {
    /// Keeps a message: takes its `seq` and `id` in the same transaction. Calls of one thread are kept in their order.
    fn append(&self, message: NewMessage, done: Done<Verdict<Appended>>);
    /// Moves messages to `received`.
    fn confirm(&self, confirmation: Confirmation, done: Done<Confirmed>);
    /// What waits for `uid` after the id `after`, at most `limit` messages (at least 1).
    fn inbox(&self, uid: Uid, after: MessageId, limit: usize, done: Done<InboxPage>);
    /// A conversation of `reader`, at most `limit` messages before `before` (or the newest). Of a group's, what came since
    /// the reader joined, less what the reader was to ignore. Refused: no such user or group, not a member.
    fn history(
        &self,
        reader: Uid,
        with: Address,
        before: Option<Before>,
        limit: usize,
        done: Done<Verdict<HistoryPage>>,
    );
    /// All that was sent to or by `uid` at `from_ms` (milliseconds since the Unix epoch) or later, oldest first, at most
    /// `limit` messages.
    fn since(&self, uid: Uid, from_ms: u64, limit: usize, done: Done<HistoryPage>);
    /// Does what a user wants to do with other people, if the rules allow it ([`Uid::SYSTEM`] may do to groups what their
    /// admins may).
    fn social(&self, act: SocialAct, done: Done<Verdict<social::Changed>>);
    /// The friends of `uid`, and requests not yet answered.
    fn friends(&self, uid: Uid, done: Done<Friends>);
    /// Whether two users are friends.
    fn are_friends(&self, one: Uid, other: Uid, done: Done<bool>);
    /// Whom `uid` has blocked, by rising uid.
    fn blocks(&self, uid: Uid, done: Done<Vec<Person>>);
    /// The groups that `uid` is a member of, by rising number.
    fn groups(&self, uid: Uid, done: Done<Vec<GroupName>>);
    /// A group, as `reader` may see it. Refused: no such group, not a member.
    fn group(&self, reader: Uid, gid: Gid, done: Done<Verdict<Group>>);
    /// The members of a group; empty where there is no such group.
    fn roster(&self, gid: Gid, done: Done<Roster>);
    /// Where a user is, or was last.
    fn location(&self, uid: Uid, done: Done<Option<Location>>);
    /// Keeps a picture of `owner`: on disk before `done` is told. Refused: too many.
    fn keep_image(&self, owner: Uid, image: Image, time_ms: u64, done: Done<Verdict<ImageId>>);
    /// A picture that `reader` owns, or that a conversation of the reader's carries.
    fn image(&self, reader: Uid, id: ImageId, done: Done<Option<Image>>);
    /// At most `limit` hooks that are due at `now_ms`, oldest first.
    fn due_hooks(&self, now_ms: u64, limit: usize, done: Done<Vec<Hook>>);
    /// Says what is to become of a hook. One that is no more is no fault.
    fn settle_hook(&self, id: u64, fate: HookFate, done: Done<()>);
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
    /// Whether writes can be kept now, as far as the last one shows.
    fn health(&self) -> Result<(), Trouble>;
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
