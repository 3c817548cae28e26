//! What a session has asked and not been answered yet. Outcomes may come in any order; what is said about them leaves in
//! the order of the frames.

use std::collections::VecDeque;

use crate::broker::command::Address;
use crate::broker::command::Reply;
use crate::broker::command::Ticket;
use crate::broker::message::MsgId;
use crate::broker::refusal::Refusal;
use crate::gateways::stomp::destination::Target;
use crate::gateways::stomp::inbound::BadBody;
use crate::gateways::stomp::subscriptions::Acked;

/// What a frame is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// Nothing that has a name: an `init`, told only if it fails.
    Nothing,
    /// An ACK. Told only if it fails.
    Ack(Acked),
    /// This message.
    Message(MsgId),
    /// This conversation, as the client named it.
    Conversation(Address),
}

/// What became of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The broker answered.
    Answered(About, Result<Reply, Refusal>),
    /// It never got as far as the broker.
    BadBody(BadBody),
}

/// How the outcome of a frame is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Telling {
    /// By a status: on the destination that belongs to this target, or, where it is an ACK or a NACK, only if it fails.
    Status(Option<Target>),
    /// By its RECEIPT, or by the ERROR that ends the session: topics have no statuses.
    Receipt,
}

/// A frame and, once it is known, its outcome.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) telling: Telling,
    /// The RECEIPT that it asked for.
    pub(super) receipt: Option<String>,
    about: About,
    outcome: Option<Outcome>,
}

/// The line of frames that wait for their outcome, oldest first.
#[derive(Debug, Default)]
pub(super) struct Order {
    places: VecDeque<Place>,
    /// The ticket of the first place; each place has the next one.
    first: u64,
}

impl Order {
    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Adds a frame that the broker is asked about; its ticket.
    pub(super) fn ask(
        &mut self,
        telling: Telling,
        about: About,
        receipt: Option<String>,
    ) -> Ticket {
        let ticket = Ticket(self.first + self.places.len() as u64);
        self.places.push_back(Place {
            telling,
            receipt,
            about,
            outcome: None,
        });
        ticket
    }

    /// Adds a frame whose outcome is known already.
    pub(super) fn note(&mut self, telling: Telling, receipt: Option<String>, outcome: Outcome) {
        self.places.push_back(Place {
            telling,
            receipt,
            about: About::Nothing,
            outcome: Some(outcome),
        });
    }

    /// The broker answered. A ticket that does not wait is none of this line's.
    pub(super) fn answered(&mut self, ticket: Ticket, answer: Result<Reply, Refusal>) {
        let index = ticket
            .0
            .checked_sub(self.first)
            .and_then(|index| usize::try_from(index).ok());
        if let Some(place) = index.and_then(|index| self.places.get_mut(index)) {
            place.outcome = Some(Outcome::Answered(place.about.clone(), answer));
        }
    }

    /// Takes the oldest frame, if its outcome is known.
    pub(super) fn next_settled(&mut self) -> Option<(Place, Outcome)> {
        let outcome = self.places.front_mut()?.outcome.take()?;
        let place = self.places.pop_front()?;
        self.first += 1;
        if self.places.is_empty() && self.places.capacity() > 64 {
            self.places = VecDeque::new();
        }
        Some((place, outcome))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_leave_in_the_order_of_the_frames() {
        let mut order = Order::default();
        let receipt = |name: &str| Some(name.to_owned());
        let a = order.ask(Telling::Receipt, About::Nothing, receipt("a"));
        let b = order.ask(Telling::Receipt, About::Nothing, receipt("b"));
        let done = Outcome::Answered(About::Nothing, Ok(Reply::Done));
        order.note(Telling::Receipt, receipt("c"), done);
        order.answered(b, Ok(Reply::Done));
        assert!(order.next_settled().is_none(), "a is first");
        order.answered(a, Err(Refusal::Busy));
        let left: Vec<_> = std::iter::from_fn(|| order.next_settled())
            .map(|(place, _)| place.receipt)
            .collect();
        assert_eq!(left, [receipt("a"), receipt("b"), receipt("c")]);
        let d = order.ask(Telling::Receipt, About::Nothing, None);
        order.answered(a, Ok(Reply::Done));
        assert!(order.next_settled().is_none(), "a stale ticket is nobody's");
        order.answered(d, Ok(Reply::Done));
        assert!(order.next_settled().is_some());
        assert_eq!(order.len(), 0);
    }
}
