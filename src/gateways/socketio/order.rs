//! What the client was not answered yet. The broker may answer in any order; what is said about it leaves in the order of
//! the client's events, because most of these have no ids.

use std::collections::VecDeque;

use crate::broker::command::Command;
use crate::broker::command::Reply;
use crate::broker::command::Ticket;
use crate::broker::refusal::Refusal;
use crate::gateways::Act;
use crate::gateways::socketio::refusal::Fault;
use crate::gateways::socketio::wire::Re;

/// What the broker answered to one command.
pub(super) type Answer = Result<Reply, Refusal>;

/// A ticket under which nobody waits.
pub(super) const NO_TICKET: Ticket = Ticket(u64::MAX);

/// Most commands that one event may lead to: its tickets are told apart by as many bits.
pub(super) const COMMANDS_MAX: usize = 1 << COMMAND_BITS;
const COMMAND_BITS: u32 = 8;

/// What an event asks for, and what its dialect must remember to tell the outcome.
#[derive(Debug)]
pub(super) struct Request<T> {
    pub(super) telling: T,
    /// At most [`COMMANDS_MAX`]; none where the answer needs no broker.
    pub(super) commands: Vec<Command>,
}

/// An event and what of its answers is known.
#[derive(Debug)]
struct Place<T> {
    re: Re,
    telling: Result<T, Fault>,
    answers: Vec<Option<Answer>>,
    missing: usize,
}

/// An event all of whose answers are known.
#[derive(Debug)]
pub(super) struct Settled<T> {
    pub(super) re: Re,
    /// How to tell them; or why the event never got as far as the broker.
    pub(super) telling: Result<T, Fault>,
    /// In the order of the commands.
    pub(super) answers: Vec<Answer>,
}

/// The line of events that wait for their answers, oldest first.
#[derive(Debug)]
pub(super) struct Order<T> {
    places: VecDeque<Place<T>>,
    /// The number of the first place; each has the next one.
    first: u64,
    unanswered: usize,
}

impl<T> Default for Order<T> {
    fn default() -> Self {
        Self {
            places: VecDeque::new(),
            first: 1,
            unanswered: 0,
        }
    }
}

impl<T> Order<T> {
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Commands that the broker has not answered.
    pub(super) fn unanswered(&self) -> usize {
        self.unanswered
    }

    /// Puts an event at the end of the line and asks what it asks for.
    pub(super) fn ask(&mut self, re: Re, request: Result<Request<T>, Fault>, acts: &mut Vec<Act>) {
        let number = self.first + self.places.len() as u64;
        let place = self.place(re, number, request, acts);
        self.places.push_back(place);
    }

    /// Puts an event that was settled back to the head of the line, because there is more to ask for it.
    pub(super) fn ask_on(&mut self, re: Re, request: Request<T>, acts: &mut Vec<Act>) {
        self.first -= 1;
        let place = self.place(re, self.first, Ok(request), acts);
        self.places.push_front(place);
    }

    fn place(
        &mut self,
        re: Re,
        number: u64,
        request: Result<Request<T>, Fault>,
        acts: &mut Vec<Act>,
    ) -> Place<T> {
        let (telling, commands) = match request {
            Ok(Request { telling, commands }) => (Ok(telling), commands),
            Err(fault) => (Err(fault), Vec::new()),
        };
        let missing = commands.len();
        self.unanswered += missing;
        let tickets = (number << COMMAND_BITS..).map(Ticket);
        acts.extend(
            tickets
                .zip(commands)
                .map(|(ticket, command)| Act::Ask(ticket, Box::new(command))),
        );
        Place {
            re,
            telling,
            answers: (0..missing).map(|_| None).collect(),
            missing,
        }
    }

    /// The broker answered. A ticket that does not wait is none of this line's.
    pub(super) fn answered(&mut self, ticket: Ticket, answer: Answer) {
        let number = (ticket.0 >> COMMAND_BITS).checked_sub(self.first);
        let place = number
            .and_then(|number| usize::try_from(number).ok())
            .and_then(|number| self.places.get_mut(number));
        let Some(place) = place else {
            return;
        };
        let index = (ticket.0 & (COMMANDS_MAX as u64 - 1)) as usize;
        if let Some(known @ None) = place.answers.get_mut(index) {
            *known = Some(answer);
            place.missing -= 1;
            self.unanswered -= 1;
        }
    }

    /// Takes the oldest event, if all its answers are known.
    pub(super) fn next_settled(&mut self) -> Option<Settled<T>> {
        if self.places.front()?.missing > 0 {
            return None;
        }
        let place = self.places.pop_front()?;
        self.first += 1;
        if self.places.is_empty() && self.places.capacity() > 64 {
            self.places = VecDeque::new();
        }
        Some(Settled {
            re: place.re,
            telling: place.telling,
            answers: place.answers.into_iter().flatten().collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn re(name: &str) -> Re {
        Re {
            name: name.to_owned(),
            ack: None,
            id: None,
        }
    }

    fn request(telling: u8, commands: usize) -> Result<Request<u8>, Fault> {
        let commands = vec![Command::Init; commands];
        Ok(Request { telling, commands })
    }

    #[test]
    fn answers_leave_in_the_order_of_the_events() {
        let (mut order, mut acts) = (Order::default(), Vec::new());
        order.ask(re("a"), request(1, 2), &mut acts);
        order.ask(re("b"), request(2, 0), &mut acts);
        order.ask(re("c"), Err(Fault::bad("no")), &mut acts);
        let tickets: Vec<Ticket> = acts
            .iter()
            .map(|act| match act {
                Act::Ask(ticket, _) => *ticket,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(order.unanswered(), 2);
        order.answered(tickets[1], Err(Refusal::Blocked));
        order.answered(tickets[1], Ok(Reply::Done));
        order.answered(Ticket(u64::MAX), Ok(Reply::Done));
        assert!(order.next_settled().is_none(), "a has one to come");
        order.answered(tickets[0], Ok(Reply::Done));
        let a = order.next_settled().unwrap();
        assert_eq!(a.answers, [Ok(Reply::Done), Err(Refusal::Blocked)]);
        // There is more to ask for a: b waits.
        let more = Request {
            telling: 3,
            commands: vec![Command::Init],
        };
        order.ask_on(a.re, more, &mut acts);
        assert!(order.next_settled().is_none());
        order.answered(tickets[0], Ok(Reply::Done));
        let names: Vec<_> = std::iter::from_fn(|| order.next_settled())
            .map(|settled| (settled.re.name, settled.telling.is_ok()))
            .collect();
        let expected = [("a", true), ("b", true), ("c", false)];
        assert_eq!(names, expected.map(|(name, ok)| (name.to_owned(), ok)));
        assert!(order.is_empty() && order.unanswered() == 0);
    }
}
