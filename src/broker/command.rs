//! What may be asked of the broker, and what it answers. Both lists are closed.

use std::sync::Arc;

use crate::broker::delivery::Kept;
use crate::broker::destination::Name;
use crate::broker::destination::Pattern;
use crate::broker::friends::Friends;
use crate::broker::groups::Gid;
use crate::broker::groups::Group;
use crate::broker::images::Image;
use crate::broker::images::ImageId;
use crate::broker::message::Kind;
use crate::broker::message::Message;
use crate::broker::message::MessageId;
use crate::broker::message::MsgId;
use crate::broker::orders::Location;
use crate::broker::payload::Post;
use crate::broker::ports::Before;
use crate::broker::queued::QueueOp;
use crate::broker::social;
use crate::broker::social::Social;
use crate::broker::topics::SubscriptionId;
use crate::broker::users::Person;
use crate::broker::users::Uid;
use crate::broker::users::UserKey;

/// What the asker calls a question, to know its answer by. The broker only hands it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(pub u64);

/// What a user may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Keep this message and push it to whom it is for. Answer: [`Reply::Sent`], after the commit.
    Send(Letter),
    /// The message called so has arrived here. Answer: [`Reply::Confirmed`], the same however often it is asked.
    Confirm {
        /// The sender's id of it.
        msg_id: MsgId,
    },
    /// Messages pushed to this session have arrived (a STOMP ACK). Answer: [`Reply::Done`], also where nothing was left to move.
    Acknowledge {
        /// The last one.
        last: MessageId,
        /// Where given, all that was pushed after this one as well.
        after: Option<Pushed>,
    },
    /// Push these messages to this session from now on, and no others. Answer: [`Reply::Done`].
    Listen(Ears),
    /// Push everything not yet received, oldest first, before anything newer. Answer: [`Reply::Done`]; the messages follow
    /// as events once this session listens.
    Init,
    /// What waits for this user. Answer: [`Reply::Inbox`].
    Inbox {
        /// Only messages after this id; 0 for all.
        after: MessageId,
        /// At most so many.
        limit: usize,
    },
    /// A page of everything that was sent to or by this user from a time on, oldest first. Answer: [`Reply::History`].
    Since {
        /// Not earlier than this, milliseconds since the Unix epoch.
        time_ms: u64,
        /// At most so many.
        limit: usize,
    },
    /// A page of a conversation, newest first. Answer: [`Reply::History`].
    History {
        /// The other user, or the group.
        with: Address,
        /// Where the page ends; the newest when absent.
        before: Option<Before>,
        /// At most so many.
        limit: usize,
    },
    /// Pass this on to whoever subscribes to its topic now. Answer: [`Reply::Done`], once it is in their outboxes.
    Publish(Arc<Post>),
    /// Pass on to this session what is published to these topics, from now on. Answer: [`Reply::Done`].
    Watch {
        /// What the session calls the subscription.
        subscription: SubscriptionId,
        /// Which topics.
        topics: Pattern,
    },
    /// End a subscription to topics. Answer: [`Reply::Done`], also where there is none.
    Unwatch(SubscriptionId),
    /// Hand messages of this queue to this session, each to it alone, until it settles them. Answer: [`Reply::Done`].
    Consume {
        /// What the session calls the subscription.
        subscription: SubscriptionId,
        /// The queue.
        queue: Name,
        /// How many it may have unsettled; none where each counts as settled as soon as the session takes it.
        prefetch: Option<usize>,
    },
    /// Hand over no more; what is not settled goes back to its queue. Answer: [`Reply::Done`], also where there is none.
    Cease(SubscriptionId),
    /// Change queues, all of it in one commit or nothing. Answer: [`Reply::Done`], after the commit.
    ChangeQueues(Vec<QueueOp>),
    /// Do something with other people. Answer: [`Reply::Social`].
    Social(Social),
    /// One's friends, and requests not yet answered. Answer: [`Reply::Friends`].
    Friends,
    /// Whom one has blocked. Answer: [`Reply::Blocks`].
    Blocks,
    /// The groups one is a member of. Answer: [`Reply::Groups`].
    Groups,
    /// A group that one is a member of. Answer: [`Reply::Group`].
    Group(Gid),
    /// Whether a user is here. Answer: [`Reply::Online`].
    Online(UserKey),
    /// Where a friend is, or was last. Answer: [`Reply::Location`].
    Location(UserKey),
    /// Keep a picture. Answer: [`Reply::ImageKept`], once it is on disk.
    KeepImage(Image),
    /// A picture that is one's own, or in a conversation that one is in. Answer: [`Reply::Image`].
    Image(ImageId),
}

impl Command {
    /// The bytes that it brings, where it counts as one message to the sender's rate; `None` where it is free (what only
    /// moves one's own session or cursor) or counted one by one elsewhere (posts, and the parts of [`Self::ChangeQueues`]).
    pub(super) fn weight(&self) -> Option<usize> {
        match self {
            Self::Send(letter) => {
                // Each by itself: what a gateway keeps beside it makes nobody's content shorter.
                let envelope_bytes = letter.envelope.as_ref().map_or(0, String::len);
                Some(letter.content.len().max(envelope_bytes))
            }
            Self::Social(Social::AskFriend { words, .. }) => Some(words.len()),
            Self::Inbox { .. }
            | Self::Since { .. }
            | Self::History { .. }
            | Self::Social(_)
            | Self::Friends
            | Self::Blocks
            | Self::Groups
            | Self::Group(_)
            | Self::Online(_)
            | Self::Location(_)
            // A picture has a bound of its own, which the gateway knows.
            | Self::KeepImage(_)
            | Self::Image(_) => Some(0),
            Self::Confirm { .. }
            | Self::Acknowledge { .. }
            | Self::Listen(_)
            | Self::Init
            | Self::Watch { .. }
            | Self::Unwatch(_)
            | Self::Consume { .. }
            | Self::Cease(_)
            | Self::Publish(_)
            | Self::ChangeQueues(_) => None,
        }
    }
}

/// Whom a message is for, or whose conversation is meant, as a client names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// A user.
    User(UserKey),
    /// A group.
    Group(Gid),
}

impl From<Uid> for Address {
    fn from(uid: Uid) -> Self {
        Self::User(UserKey::Uid(uid))
    }
}

/// A message to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Whom it is for; a user may write to oneself.
    pub to: Address,
    /// The sender's own id of it.
    pub msg_id: MsgId,
    /// What it is.
    pub kind: Kind,
    /// What it says.
    pub content: String,
    /// See [`crate::broker::message::Message::envelope`].
    pub envelope: Option<String>,
    /// Members of the group who are not to have it. Who is none is passed over.
    pub ignored: Vec<UserKey>,
    /// Whether the gateway asks for friendship, whatever the operator chose.
    pub friends_only: bool,
    /// Whether the answer is to say who is here and who is not ([`Reply::Sent`]'s `reach`).
    pub wants_reach: bool,
}

impl Letter {
    /// Plain words.
    pub fn new(to: impl Into<Address>, msg_id: MsgId, content: impl Into<String>) -> Self {
        Self {
            to: to.into(),
            msg_id,
            kind: Kind::Text,
            content: content.into(),
            envelope: None,
            ignored: Vec::new(),
            friends_only: false,
            wants_reach: false,
        }
    }
}

/// Which messages a session is pushed. With neither it is deaf.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ears {
    /// Those to this user.
    pub direct: bool,
    /// Those to groups.
    pub groups: bool,
}

impl Ears {
    /// Both.
    pub const ALL: Self = Self {
        direct: true,
        groups: true,
    };

    /// Whether such a message is heard.
    pub fn hear(self, message: &Message) -> bool {
        match message.group() {
            None => self.direct,
            Some(_) => self.groups,
        }
    }
}

/// A range of what a session was pushed, open at its end: see [`Command::Acknowledge`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// Not this one.
    pub after: MessageId,
    /// Only those that these ears heard.
    pub by: Ears,
}

/// The answer to a [`Command`] that was not refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The message is committed, now or by an earlier, equal request.
    Sent {
        /// Its id.
        id: MessageId,
        /// The sender's own id of it.
        msg_id: MsgId,
        /// When it was accepted, milliseconds since the Unix epoch.
        time_ms: u64,
        /// Whom it reached, if that was asked for.
        reach: Option<Box<Reach>>,
    },
    /// The message is received.
    Confirmed {
        /// The sender's id of it.
        msg_id: MsgId,
    },
    /// Done, and there is nothing to say about it.
    Done,
    /// What waits, oldest first, and whether more does.
    Inbox {
        /// The messages.
        messages: Vec<Arc<Message>>,
        /// Whether more wait.
        more: bool,
    },
    /// A page of history, in the order asked for, and whether more lies beyond it.
    History {
        /// The messages.
        messages: Vec<Kept>,
        /// Whether more exist.
        more: bool,
    },
    /// What became of a [`Social`] act.
    Social(social::Changed),
    /// The friends.
    Friends {
        /// They, and the requests.
        friends: Box<Friends>,
        /// Those of the friends who are here, by rising uid.
        here: Vec<Uid>,
    },
    /// Who is blocked, by rising uid.
    Blocks(Vec<Person>),
    /// The groups, by rising number.
    Groups(Vec<GroupName>),
    /// The group.
    Group(Box<Group>),
    /// A user, and whether any session of theirs is here.
    Online {
        /// Who.
        person: Person,
        /// Whether here.
        online: bool,
    },
    /// Where a user is, or was last.
    Location {
        /// Who.
        person: Person,
        /// Where.
        location: Location,
    },
    /// The picture is on disk.
    ImageKept(ImageId),
    /// The picture.
    Image(Image),
}

/// Whom a message reached: who of those it is for was here when it was committed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Those with a session.
    pub online: Vec<Person>,
    /// Those without.
    pub offline: Vec<Person>,
}

/// A group, named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupName {
    /// Its number.
    pub gid: Gid,
    /// Its name.
    pub name: Arc<str>,
}
