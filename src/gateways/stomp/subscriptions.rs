//! The subscriptions of one session: which there are, how each is acknowledged, and what an ACK's id means.

use crate::broker::message::MessageId;
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
    /// Unlike that of any other subscription of this session, also past ones.
    number: u32,
    run: Option<Run>,
}

/// A run of pushes with rising ids and nothing left out: `after` was acknowledged or came before it, `last` was pushed. An
/// `init` begins a new one.
#[derive(Clone, Copy, Debug)]
struct Run {
    after: MessageId,
    last: MessageId,
}

impl Subscription {
    /// A `message-id`, unique in the session, in which an ACK finds the subscription and the message again.
    pub(super) fn message_id(&mut self, push: u64, message: Option<MessageId>) -> String {
        let Some(id) = message else {
            return format!("{}-{push}", self.number);
        };
        let after = match self.run {
            Some(run) if run.last < id => run.after,
            _ => MessageId(id.0.saturating_sub(1)),
        };
        self.run = Some(Run { after, last: id });
        format!("{}-{push}-{}", self.number, id.0)
    }
}

/// A `message-id` that an ACK repeats, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pushed {
    number: u32,
    message: MessageId,
}

impl Pushed {
    /// Reads it; `None` where it is no message of a user.
    pub(super) fn parse(message_id: &str) -> Option<Self> {
        let mut parts = message_id.splitn(3, '-');
        let number = parts.next()?.parse().ok()?;
        let message = MessageId(parts.nth(1)?.parse().ok()?);
        Some(Self { number, message })
    }
}

/// What an ACK means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Acked {
    pub(super) last: MessageId,
    /// Where the mode is cumulative: all after this one.
    pub(super) after: Option<MessageId>,
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

    /// Whether any subscription receives `source`.
    pub(super) fn receive(&self, source: Source) -> bool {
        self.all.iter().any(|known| known.source == source)
    }

    pub(super) fn add(
        &mut self,
        id: Option<String>,
        destination: String,
        source: Source,
        ack: AckMode,
    ) {
        self.made += 1;
        self.all.push(Subscription {
            id,
            destination,
            source,
            ack,
            number: self.made,
            run: None,
        });
    }

    /// Removes the subscription of this id; false if there is none.
    pub(super) fn remove(&mut self, id: &str) -> bool {
        self.remove_first(|known| known.id.as_deref() == Some(id))
    }

    /// Removes the oldest subscription to this destination (STOMP 1.0); false if there is none.
    pub(super) fn remove_destination(&mut self, destination: &str) -> bool {
        self.remove_first(|known| known.destination == destination)
    }

    fn remove_first(&mut self, meant: impl Fn(&Subscription) -> bool) -> bool {
        let found = self.all.iter().position(meant);
        found.map(|index| self.all.remove(index)).is_some()
    }

    /// The subscriptions that receive `source`.
    pub(super) fn to(&mut self, source: Source) -> impl Iterator<Item = &mut Subscription> {
        self.all
            .iter_mut()
            .filter(move |known| known.source == source)
    }

    /// What an ACK of this means; `None` where it means nothing (any more): no subscription of this session was pushed it,
    /// or the mode is `auto`.
    pub(super) fn acked(&mut self, pushed: Pushed) -> Option<Acked> {
        let last = pushed.message;
        let subscription = self
            .all
            .iter_mut()
            .find(|known| known.number == pushed.number)?;
        let after = match (subscription.ack, &mut subscription.run) {
            (AckMode::Auto, _) => return None,
            (AckMode::Client, Some(run)) if last <= run.last => {
                let after = run.after.min(last);
                run.after = run.after.max(last);
                Some(after)
            }
            // Pushed before the last `init`, or to an earlier session: what lies before it may not have been pushed yet.
            (AckMode::Client | AckMode::ClientIndividual, _) => None,
        };
        Some(Acked { last, after })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening(ack: AckMode) -> Subscriptions {
        let mut subscriptions = Subscriptions::default();
        let destination = "/user/1/recive".to_owned();
        subscriptions.add(Some("s".into()), destination, Source::Inbox, ack);
        subscriptions
    }

    /// Pushes these messages, and gives what ACKs of them would name.
    fn push(subscriptions: &mut Subscriptions, ids: &[u64]) -> Vec<Pushed> {
        let mut push = |id: &u64| {
            let inbox = subscriptions.to(Source::Inbox).next().expect("the one");
            Pushed::parse(&inbox.message_id(1, Some(MessageId(*id)))).expect("its own")
        };
        ids.iter().map(&mut push).collect()
    }

    fn acked(last: u64, after: Option<u64>) -> Option<Acked> {
        Some(Acked {
            last: MessageId(last),
            after: after.map(MessageId),
        })
    }

    #[test]
    fn a_cumulative_ack_counts_from_the_last_one() {
        let mut subscriptions = listening(AckMode::Client);
        let pushed = push(&mut subscriptions, &[5, 8, 9]);
        assert_eq!(subscriptions.acked(pushed[1]), acked(8, Some(4)));
        assert_eq!(subscriptions.acked(pushed[2]), acked(9, Some(8)));
        assert_eq!(subscriptions.acked(pushed[0]), acked(5, Some(5)));
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
        assert_eq!(subscriptions.acked(after_init[1]), acked(2, Some(0)));
        let later = push(&mut subscriptions, &[3, 301]);
        assert_eq!(subscriptions.acked(later[1]), acked(301, Some(2)));
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
