//! The subscriptions of one session: which there are, how each is acknowledged, and what an ACK's id means.

use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::FrameWriter;
use hongyan_grammar::stomp::Version;

use crate::broker::command::Ears;
use crate::broker::command::Pushed as Range;
use crate::broker::message::MessageId;
use crate::broker::queued::Tag;
use crate::broker::topics::SubscriptionId;
use crate::gateways::stomp::destination::Source;

/// Most subscriptions of a session (CONTRACT section 9).
pub(super) const SUBSCRIPTIONS_MAX: usize = 128;

/// How a subscription's messages are acknowledged (STOMP 1.2, SUBSCRIBE `ack`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AckMode {
    Auto,
    /// An ACK counts for all messages before, too.
    Client,
    ClientIndividual,
}

impl AckMode {
    /// Reads the `ack` header; none is `auto`.
    pub(super) fn parse(header: Option<&str>) -> Option<Self> {
        match header {
            None | Some("auto") => Some(Self::Auto),
            Some("client") => Some(Self::Client),
            Some("client-individual") => Some(Self::ClientIndividual),
            Some(_) => None,
        }
    }
}

/// One subscription.
#[derive(Debug)]
pub(super) struct Subscription {
    /// The client's id; none in STOMP 1.0 where it gave none.
    pub(super) id: Option<String>,
    /// The very string that was subscribed: MESSAGE repeats it.
    pub(super) destination: String,
    pub(super) source: Source,
    pub(super) ack: AckMode,
    pub(super) number: SubscriptionId,
    run: Option<Run>,
    head: Option<Box<[u8]>>,
}

/// A run of pushes with rising ids and nothing left out: all up to `after` was received or came before it, `last` was pushed. An
/// `init` begins a new one.
#[derive(Clone, Copy, Debug)]
struct Run {
    after: MessageId,
    last: MessageId,
}

impl Subscription {
    /// What push number `push` of the session is called, which brings `message` of a user or news.
    pub(super) fn message_id(&mut self, push: u64, message: Option<MessageId>) -> PushId {
        let what = match message {
            Some(id) => {
                let after = match self.run {
                    Some(run) if run.last < id => run.after,
                    _ => MessageId(id.0.saturating_sub(1)),
                };
                self.run = Some(Run { after, last: id });
                Some(id)
            }
            // News between messages: a cumulative ACK of it counts for those before it.
            None if self.ack == AckMode::Client => self.run.map(|run| run.last),
            None => None,
        };
        PushId {
            number: self.number,
            push,
            what: what.map(|id| id.0),
        }
    }

    /// The same for a message of a queue: an ACK finds the push again, and no later push of the same message.
    pub(super) fn handout_id(&self, push: u64, tag: Tag) -> PushId {
        PushId {
            number: self.number,
            push,
            what: Some(tag.0),
        }
    }

    /// Whether its client acknowledges what comes.
    fn asks_for_acks(&self) -> bool {
        self.ack != AckMode::Auto
    }

    /// Begins a MESSAGE to it, in the version that was agreed on, with all that is of the subscription: `destination`,
    /// `subscription`, and this `message-id`, which is the `ack` as well.
    pub(super) fn begin<'a>(
        &mut self,
        out: &'a mut Vec<u8>,
        version: Version,
        message_id: PushId,
    ) -> FrameWriter<'a> {
        let frame = FrameWriter::resume(out, Command::Message, version, self.head(version))
            .header_numbers("message-id", message_id.numbers());
        match self.asks_for_acks() {
            true => frame.header_numbers("ack", message_id.numbers()),
            false => frame,
        }
    }

    /// How each MESSAGE to it begins: the command and what is the same in all of them.
    fn head(&mut self, version: Version) -> &[u8] {
        let (destination, id) = (&self.destination, self.id.as_deref());
        self.head.get_or_insert_with(|| {
            let mut head = Vec::new();
            let _ = FrameWriter::begin(&mut head, Command::Message, version)
                .header("destination", destination)
                .header_if("subscription", id);
            head.into()
        })
    }
}

/// A `message-id`, unique in the session, in which an ACK finds the subscription and the message again: [`Pushed::parse`].
#[derive(Clone, Copy, Debug)]
pub(super) struct PushId {
    number: SubscriptionId,
    push: u64,
    what: Option<u64>,
}

impl PushId {
    /// The numbers of which it is made, in their order.
    fn numbers(self) -> impl Iterator<Item = u64> {
        [u64::from(self.number.0), self.push]
            .into_iter()
            .chain(self.what)
    }
}

/// A `message-id` that an ACK repeats, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pushed {
    number: SubscriptionId,
    /// The id of a message to the user, or the tag of a queue's.
    what: u64,
}

impl Pushed {
    /// Reads it; `None` where it is of nothing that can be acknowledged.
    pub(super) fn parse(message_id: &str) -> Option<Self> {
        let mut parts = message_id.splitn(3, '-');
        let number = SubscriptionId(parts.next()?.parse().ok()?);
        let what = parts.nth(1)?.parse().ok()?;
        Some(Self { number, what })
    }
}

/// What an ACK or a NACK means for a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) subscription: SubscriptionId,
    pub(super) tag: Tag,
    /// Whether it counts for all pushes before as well.
    pub(super) through: bool,
}

/// What an ACK means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Acked {
    pub(super) subscription: SubscriptionId,
    pub(super) last: MessageId,
    /// Where the mode is cumulative: all after this one that the subscription receives.
    pub(super) after: Option<Range>,
}

/// All subscriptions of a session, in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    all: Vec<Subscription>,
    made: u32,
}

impl Subscriptions {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn has_id(&self, id: &str) -> bool {
        self.all.iter().any(|known| known.id.as_deref() == Some(id))
    }

    /// Which messages of people any subscription receives.
    pub(super) fn ears(&self) -> Ears {
        Ears {
            direct: self.receive(Source::Inbox),
            groups: self.receive(Source::Group),
        }
    }

    /// Whether any subscription receives `source`.
    pub(super) fn receive(&self, source: Source) -> bool {
        self.all.iter().any(|known| known.source == source)
    }

    /// Adds a subscription; its number.
    pub(super) fn add(
        &mut self,
        id: Option<String>,
        destination: String,
        source: Source,
        ack: AckMode,
    ) -> SubscriptionId {
        self.made += 1;
        let number = SubscriptionId(self.made);
        if self.all.is_empty() {
            // Many sessions have just one, and would hold room for four.
            self.all.reserve_exact(1);
        }
        self.all.push(Subscription {
            id,
            destination,
            source,
            ack,
            number,
            run: None,
            head: None,
        });
        number
    }

    /// Removes the subscription of this id, if there is one.
    pub(super) fn remove(&mut self, id: &str) -> Option<Subscription> {
        self.remove_first(|known| known.id.as_deref() == Some(id))
    }

    /// Removes the oldest subscription to this destination (STOMP 1.0), if there is one.
    pub(super) fn remove_destination(&mut self, destination: &str) -> Option<Subscription> {
        self.remove_first(|known| known.destination == destination)
    }

    fn remove_first(&mut self, meant: impl Fn(&Subscription) -> bool) -> Option<Subscription> {
        let found = self.all.iter().position(meant);
        found.map(|index| self.all.remove(index))
    }

    /// The subscription of this number, unless it has ended.
    pub(super) fn numbered(&mut self, number: SubscriptionId) -> Option<&mut Subscription> {
        self.all.iter_mut().find(|known| known.number == number)
    }

    /// The subscriptions that receive `source`.
    pub(super) fn to(&mut self, source: Source) -> impl Iterator<Item = &mut Subscription> {
        self.all
            .iter_mut()
            .filter(move |known| known.source == source)
    }

    /// What an ACK or a NACK of this means for a queue; `None` where it was no push of a queue that is to be acknowledged.
    pub(super) fn settled(&mut self, pushed: Pushed) -> Option<Settled> {
        let subscription = self.numbered(pushed.number)?;
        let acked = subscription.source == Source::Queue && subscription.asks_for_acks();
        acked.then_some(Settled {
            subscription: pushed.number,
            tag: Tag(pushed.what),
            through: subscription.ack == AckMode::Client,
        })
    }

    /// What an ACK of this means; `None` where it means nothing (any more): no subscription of this session was pushed it,
    /// or the mode is `auto`.
    pub(super) fn acked(&mut self, pushed: Pushed) -> Option<Acked> {
        let last = MessageId(pushed.what);
        let subscription = self.numbered(pushed.number)?;
        let by = subscription.source.ears();
        if by == Ears::default() {
            return None;
        }
        let after = match (subscription.ack, &mut subscription.run) {
            (AckMode::Auto, _) => return None,
            (AckMode::Client, Some(run)) if last <= run.last => {
                let after = run.after.min(last);
                Some(Range { after, by })
            }
            // Pushed before the last `init`, or to an earlier session: what lies before it may not have been pushed yet.
            (AckMode::Client | AckMode::ClientIndividual, _) => None,
        };
        let subscription = pushed.number;
        Some(Acked {
            subscription,
            last,
            after,
        })
    }

    /// An ACK was carried out: the next cumulative one counts from here. Until then, and where one is refused, the next
    /// counts for the same again.
    pub(super) fn note_acked(&mut self, acked: &Acked) {
        let Some(Range { after, .. }) = acked.after else {
            return;
        };
        let subscription = self.numbered(acked.subscription);
        if let Some(run) = subscription.and_then(|it| it.run.as_mut()) {
            // A run begun anew meanwhile may have begun before what this one was of.
            if after <= run.after {
                run.after = run.after.max(acked.last);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIRECT: Ears = Ears {
        direct: true,
        groups: false,
    };

    fn listening(ack: AckMode) -> Subscriptions {
        let mut subscriptions = Subscriptions::default();
        let destination = "/user/1/recive".to_owned();
        subscriptions.add(Some("s".into()), destination, Source::Inbox, ack);
        subscriptions
    }

    /// What an ACK of this push would name.
    fn parse(id: PushId) -> Option<Pushed> {
        let numbers: Vec<String> = id.numbers().map(|number| number.to_string()).collect();
        Pushed::parse(&numbers.join("-"))
    }

    /// Pushes these messages, and gives what ACKs of them would name.
    fn push(subscriptions: &mut Subscriptions, ids: &[u64]) -> Vec<Pushed> {
        let mut push = |id: &u64| {
            let inbox = subscriptions.to(Source::Inbox).next().expect("the one");
            parse(inbox.message_id(1, Some(MessageId(*id)))).expect("its own")
        };
        ids.iter().map(&mut push).collect()
    }

    fn acked(last: u64, after: Option<u64>) -> Option<Acked> {
        Some(Acked {
            subscription: SubscriptionId(1),
            last: MessageId(last),
            after: after.map(|after| Range {
                after: MessageId(after),
                by: DIRECT,
            }),
        })
    }

    #[test]
    fn a_cumulative_ack_counts_from_the_last_one() {
        let mut subscriptions = listening(AckMode::Client);
        let pushed = push(&mut subscriptions, &[5, 8, 9]);
        let first = subscriptions.acked(pushed[1]).expect("an ACK");
        assert_eq!(Some(first), acked(8, Some(4)));
        subscriptions.note_acked(&first);
        assert_eq!(subscriptions.acked(pushed[2]), acked(9, Some(8)));
        assert_eq!(subscriptions.acked(pushed[0]), acked(5, Some(5)));
    }

    #[test]
    fn an_ack_that_was_refused_is_made_up_for_by_the_next() {
        let mut subscriptions = listening(AckMode::Client);
        let pushed = push(&mut subscriptions, &[5, 8, 9]);
        assert_eq!(subscriptions.acked(pushed[1]), acked(8, Some(4)));
        // It is not answered yet, and may still be refused.
        let next = subscriptions.acked(pushed[2]).expect("an ACK");
        assert_eq!(Some(next), acked(9, Some(4)));
        subscriptions.note_acked(&next);
        assert_eq!(subscriptions.acked(pushed[2]), acked(9, Some(9)));
    }

    #[test]
    fn an_ack_from_before_an_init_leaves_out_nothing_of_what_comes_after_it() {
        let mut subscriptions = listening(AckMode::Client);
        let live = push(&mut subscriptions, &[301]);
        let of_live = subscriptions.acked(live[0]).expect("an ACK");
        let after_init = push(&mut subscriptions, &[1, 2]);
        subscriptions.note_acked(&of_live);
        assert_eq!(subscriptions.acked(after_init[1]), acked(2, Some(0)));
    }

    #[test]
    fn a_cumulative_ack_never_counts_for_what_was_not_pushed() {
        let mut subscriptions = listening(AckMode::Client);
        let live = push(&mut subscriptions, &[301]);
        let after_init = push(&mut subscriptions, &[1, 2]);
        assert_eq!(
            subscriptions.acked(live[0]),
            acked(301, None),
            "3 to 300 are still to come"
        );
        let first = subscriptions.acked(after_init[1]).expect("an ACK");
        assert_eq!(Some(first), acked(2, Some(0)));
        subscriptions.note_acked(&first);
        let later = push(&mut subscriptions, &[3, 301]);
        assert_eq!(subscriptions.acked(later[1]), acked(301, Some(2)));
    }

    #[test]
    fn a_cumulative_ack_of_news_counts_for_the_messages_before_it() {
        let mut subscriptions = Subscriptions::default();
        let destination = "/user/queue/group".to_owned();
        subscriptions.add(
            Some("g".into()),
            destination,
            Source::Group,
            AckMode::Client,
        );
        let mut push = |id: Option<u64>| {
            let group = subscriptions.to(Source::Group).next().expect("the one");
            parse(group.message_id(1, id.map(MessageId)))
        };
        assert_eq!(push(None), None, "nothing was before it");
        push(Some(5));
        let news = push(None).expect("a message was before it");
        push(Some(8));
        let by = Ears {
            direct: false,
            groups: true,
        };
        let after = Some(Range {
            after: MessageId(4),
            by,
        });
        let last = MessageId(5);
        let acked = subscriptions.acked(news).expect("an ACK");
        assert_eq!((acked.last, acked.after), (last, after));
    }

    #[test]
    fn an_ack_of_something_else_means_nothing() {
        for stale in ["", "1", "1-1", "1-x-y", "x-1-5"] {
            assert_eq!(Pushed::parse(stale), None, "{stale:?}");
        }
        let mut subscriptions = listening(AckMode::ClientIndividual);
        push(&mut subscriptions, &[5]);
        let of_another = Pushed::parse("7-1-5").expect("well formed");
        assert_eq!(subscriptions.acked(of_another), None);
        let mut automatic = listening(AckMode::Auto);
        let pushed = push(&mut automatic, &[5]);
        assert_eq!(automatic.acked(pushed[0]), None);
    }
}
