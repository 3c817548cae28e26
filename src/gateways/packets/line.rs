//! What a session has asked and not been answered yet. Outcomes may come in any order; what is said about them leaves in
//! the order of the packets.

use std::collections::VecDeque;

use hongyan_grammar::packet::Id;
use hongyan_grammar::packet::ServerPacket;

use crate::broker::command::Reply;
use crate::broker::command::Ticket;
use crate::broker::refusal::Refusal;
use crate::gateways::packets::proof::Run;

/// Who waits for an answer of the broker.
#[derive(Debug)]
pub(super) enum Asker {
    /// The client, for the answer to this packet.
    Client(Id),
    /// The session, which has said that these messages arrived.
    Proof(Run),
    /// Nobody: it can't fail.
    Nobody,
}

/// What stands first in the line.
#[derive(Debug)]
pub(super) enum Settled {
    /// It needed no broker.
    Known(ServerPacket),
    /// The broker answered.
    Answered(Asker, Result<Reply, Refusal>),
}

#[derive(Debug)]
enum Place {
    Waits(Asker),
    Settled(Settled),
}

/// The line, oldest first.
#[derive(Debug, Default)]
pub(super) struct Line {
    places: VecDeque<Place>,
    /// The ticket of the first place; each place has the next one.
    first: u64,
}

impl Line {
    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Adds something that the broker is asked; its ticket.
    pub(super) fn ask(&mut self, asker: Asker) -> Ticket {
        let ticket = Ticket(self.first + self.places.len() as u64);
        self.places.push_back(Place::Waits(asker));
        ticket
    }

    /// Adds an answer that is known already.
    pub(super) fn note(&mut self, answer: ServerPacket) {
        self.places
            .push_back(Place::Settled(Settled::Known(answer)));
    }

    /// The broker answered. A ticket that does not wait is none of this line's.
    pub(super) fn answered(&mut self, Ticket(ticket): Ticket, answer: Result<Reply, Refusal>) {
        let index = ticket.checked_sub(self.first);
        let index = index.and_then(|index| usize::try_from(index).ok());
        let Some(place) = index.and_then(|index| self.places.get_mut(index)) else {
            return;
        };
        if let Place::Waits(asker) = place {
            let asker = std::mem::replace(asker, Asker::Nobody);
            *place = Place::Settled(Settled::Answered(asker, answer));
        }
    }

    /// Takes the oldest, if its outcome is known.
    pub(super) fn next_settled(&mut self) -> Option<Settled> {
        let is_settled = |place: &mut Place| matches!(place, Place::Settled(_));
        let Some(Place::Settled(settled)) = self.places.pop_front_if(is_settled) else {
            return None;
        };
        self.first += 1;
        if self.places.is_empty() && self.places.capacity() > 64 {
            self.places = VecDeque::new();
        }
        Some(settled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_leave_in_the_order_of_the_packets() {
        let mut line = Line::default();
        let a = line.ask(Asker::Client(Id::from(1)));
        let b = line.ask(Asker::Client(Id::from(2)));
        line.note(ServerPacket::Pong { id: Id::from(3) });
        line.answered(b, Ok(Reply::Done));
        assert!(line.next_settled().is_none(), "a is first");
        line.answered(a, Err(Refusal::Busy));
        line.answered(a, Ok(Reply::Done));
        let of = |settled: Settled| match settled {
            Settled::Answered(Asker::Client(id), answer) => (id, answer.is_ok()),
            Settled::Known(ServerPacket::Pong { id }) => (id, true),
            other => panic!("{other:?}"),
        };
        let left: Vec<_> = std::iter::from_fn(|| line.next_settled()).map(of).collect();
        let expected = [(1, false), (2, true), (3, true)];
        assert_eq!(left, expected.map(|(id, good)| (Id::from(id), good)));
        line.ask(Asker::Nobody);
        line.answered(a, Ok(Reply::Done));
        assert!(line.next_settled().is_none(), "a stale ticket is nobody's");
        assert_eq!(line.len(), 1);
    }
}
