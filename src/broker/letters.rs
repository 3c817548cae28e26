//! Messages on their way into the store: what is sent, what a courier's order leads to, and that something was received.

use std::sync::Arc;

use crate::broker::Asker;
use crate::broker::Broker;
use crate::broker::command::Address;
use crate::broker::command::Letter;
use crate::broker::command::Reply;
use crate::broker::groups::seats::may_ignore;
use crate::broker::message::Kind;
use crate::broker::message::MsgId;
use crate::broker::moment::Moment;
use crate::broker::orders::OrderId;
use crate::broker::ports::Appended;
use crate::broker::ports::Confirmation;
use crate::broker::ports::NewMessage;
use crate::broker::ports::Which;
use crate::broker::refusal::Refusal;
use crate::broker::social::Changed;
use crate::broker::users::Person;
use crate::broker::users::Uid;
use crate::broker::users::UserKey;

impl Broker {
    /// Keeps a message, then pushes it and answers.
    pub(super) fn send(
        self: &Arc<Self>,
        now: Moment,
        sender: &Person,
        letter: Letter,
        asker: Asker,
    ) {
        if let Err(refusal) = may_send(sender, &letter) {
            return self.refuse(asker, refusal);
        }
        let wants_reach = letter.wants_reach;
        let message = self.to_keep(now, sender, letter);
        self.keep(message, asker, move |broker, appended| {
            broker.route(appended, wants_reach)
        });
    }

    /// Keeps a message, notes it for the webhook, and answers with what `then` makes of it.
    fn keep(
        self: &Arc<Self>,
        message: NewMessage,
        asker: Asker,
        then: impl FnOnce(&Self, Appended) -> Reply + Send + 'static,
    ) {
        let hook = message.hook;
        let broker = Arc::clone(self);
        self.store.append(
            message,
            Box::new(move |appended| {
                if let Err(error) = &appended {
                    broker.note_unsure(error);
                }
                let appended = appended.map_err(Refusal::from).flatten();
                let kept = appended.map(|appended| {
                    if hook {
                        broker.note_hook(&appended);
                    }
                    then(&broker, appended)
                });
                broker.settle(asker, kept);
            }),
        );
    }

    fn to_keep(&self, now: Moment, sender: &Person, letter: Letter) -> NewMessage {
        let friends_only = letter.friends_only || self.limits.friends_only;
        NewMessage {
            sender: sender.uid,
            hook: self.limits.webhook && self.may_miss(&letter.to),
            to: letter.to,
            msg_id: letter.msg_id,
            kind: letter.kind,
            content: Arc::from(letter.content),
            envelope: letter.envelope.map(Arc::from),
            ignored: letter.ignored,
            // The system is nobody's friend, and writes to all.
            friends_only: friends_only && !sender.is_system(),
            time_ms: now.epoch_ms,
        }
    }

    /// Whether somebody may have no session whom a message to this address is for. Who is meant by a name, only the store
    /// knows.
    fn may_miss(&self, to: &Address) -> bool {
        match to {
            Address::User(UserKey::Uid(uid)) => !self.sessions.is_here(*uid),
            Address::User(UserKey::Name(_)) | Address::Group(_) => true,
        }
    }

    /// A courier took an order: that is a message to the customer. Answered once it is kept.
    pub(super) fn tell_customer(
        self: &Arc<Self>,
        now: Moment,
        courier: &Person,
        order: OrderId,
        taken: Changed,
        asker: Asker,
    ) {
        let Changed::OrderTaken { customer, .. } = &taken else {
            return self.settle(asker, Ok(Reply::Social(taken)));
        };
        // The same however often the order is taken, so that it is kept once.
        let msg_id = MsgId::sha1(&format!("order:{}", order.0));
        let mut letter = Letter::new(customer.uid, msg_id, order.0);
        letter.kind = Kind::Order;
        let message = self.to_keep(now, courier, letter);
        self.keep(message, asker, |broker, appended| {
            broker.route(appended, false);
            Reply::Social(taken)
        });
    }

    /// Moves messages to received, then tells their senders and answers.
    pub(super) fn confirm(
        self: &Arc<Self>,
        now: Moment,
        receiver: Uid,
        which: Which,
        asker: Asker,
    ) {
        let confirmation = Confirmation {
            receiver,
            which,
            time_ms: now.epoch_ms,
        };
        let broker = Arc::clone(self);
        self.store.confirm(
            confirmation,
            Box::new(move |confirmed| {
                let told = confirmed
                    .map_err(Refusal::from)
                    .and_then(|confirmed| broker.tell_senders(which, &confirmed));
                broker.settle(asker, told);
            }),
        );
    }
}

/// Whether this sender may send such a message at all.
fn may_send(sender: &Person, letter: &Letter) -> Result<(), Refusal> {
    match letter.kind {
        Kind::Text | Kind::Image => {}
        Kind::Push(_) if sender.is_system() => {}
        // Taking an order is what makes one.
        Kind::Push(_) | Kind::Order => return Err(Refusal::ServerOnly),
    }
    may_ignore(letter.ignored.len())
}
