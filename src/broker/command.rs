//! What may be asked of the broker, and what it answers. Both lists are closed.

use std::sync::Arc;

use crate::broker::delivery::Kept;
use crate::broker::destination::Name;
use crate::broker::destination::Pattern;
use crate::broker::message::Message;
use crate::broker::message::MessageId;
use crate::broker::message::MsgId;
use crate::broker::payload::Post;
use crate::broker::ports::Before;
use crate::broker::queued::QueueOp;
use crate::broker::topics::SubscriptionId;
use crate::broker::users::Uid;

/// What the asker calls a question, to know its answer by. The broker only hands it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(pub u64);

/// What a user may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Keep this message and push it to its receiver. Answer: [`Reply::Sent`], after the commit.
    Send {
        /// The receiver; may be the sender.
        to: Uid,
        /// The sender's own id of it.
        msg_id: MsgId,
        /// What it says.
        content: String,
    },
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
        after: Option<MessageId>,
    },
    /// Push messages to this session from now on. Answer: [`Reply::Done`].
    Listen,
    /// Push no more messages to this session. Answer: [`Reply::Done`].
    Deafen,
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
    /// A page of the conversation with `with`, newest first. Answer: [`Reply::History`].
    History {
        /// The other user.
        with: Uid,
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
    /// A page of history, newest first, and whether older ones exist.
    History {
        /// The messages.
        messages: Vec<Kept>,
        /// Whether older ones exist.
        more: bool,
    },
}
