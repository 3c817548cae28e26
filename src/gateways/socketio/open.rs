//! A session that is logged in: the same for every dialect.
//!
//! Sends may wait for their outcome while more of them come, so that they share commits. Every other event that asks the
//! broker for something waits until those before it are answered, so that effects keep the order of the events.

use crate::broker::command::Command;
use crate::broker::event::Event as Told;
use crate::broker::limits::UNANSWERED_MAX;
use crate::broker::moment::Moment;
use crate::broker::users::Person;
use crate::gateways::Act;
use crate::gateways::socketio::dialects::Dialect;
use crate::gateways::socketio::dialects::Next;
use crate::gateways::socketio::dialects::Scene;
use crate::gateways::socketio::order::NO_TICKET;
use crate::gateways::socketio::order::Order;
use crate::gateways::socketio::order::Request;
use crate::gateways::socketio::order::Settled;
use crate::gateways::socketio::proof::Proofs;
use crate::gateways::socketio::refusal::Fault;
use crate::gateways::socketio::refusal::Parting;
use crate::gateways::socketio::wire::Event;
use crate::gateways::socketio::wire::Joined;
use crate::gateways::socketio::wire::Re;

/// What was asked too fast is asked again so much later, in milliseconds: then a second's worth may be asked.
const ASK_AGAIN_MS: u64 = 1_000;

/// A logged-in session, whatever it speaks.
pub(super) trait Open: Send {
    /// The client emitted this; a fault where it could not be read.
    fn hear(
        &mut self,
        now: Moment,
        joined: Joined,
        heard: Result<Event, Fault>,
        acts: &mut Vec<Act>,
    );
    /// The broker told this. `Err` where it ended the session.
    fn told(
        &mut self,
        now: Moment,
        joined: Joined,
        told: Told,
        acts: &mut Vec<Act>,
    ) -> Result<(), Parting>;
    /// What was said before this probe has reached the client.
    fn proved(&mut self, now: Moment, mark: u64, acts: &mut Vec<Act>);
    /// Some of what was said before this probe was thrown away.
    fn unproved(&mut self, now: Moment, mark: u64, acts: &mut Vec<Act>);
    /// When it has something to do, on the steady clock.
    fn wake_at_ms(&self) -> Option<u64>;
    /// That time has come, or an earlier one.
    fn woken(&mut self, now: Moment, acts: &mut Vec<Act>);
    /// Whether it may hear more.
    fn hungry(&self) -> bool;
    /// Says that, and why, the connection ends.
    fn part(&self, parting: &Parting, acts: &mut Vec<Act>);
}

/// A logged-in session that speaks `D`.
pub(super) struct Speaking<D: Dialect> {
    dialect: D,
    me: Person,
    order: Order<D::Telling>,
    /// An event that waits until everything before it is answered.
    held: Option<(Re, Request<D::Telling>)>,
    /// The event at the head of the line, where it is asked for again at this time on the steady clock.
    later: Option<(u64, Re, Request<D::Telling>)>,
    proofs: Proofs,
}

impl<D: Dialect> Speaking<D> {
    /// A session of `me`, and what it asks first.
    pub(super) fn begin(dialect: D, me: Person, acts: &mut Vec<Act>) -> Box<Self> {
        let asked = dialect.begin();
        acts.extend(
            asked
                .into_iter()
                .map(|command| Act::Ask(NO_TICKET, Box::new(command))),
        );
        Box::new(Self {
            dialect,
            me,
            order: Order::default(),
            held: None,
            later: None,
            proofs: Proofs::default(),
        })
    }

    /// Tells the outcomes that are known, in order, and goes on with the event that waited for them.
    fn settle(&mut self, now: Moment, joined: Joined, acts: &mut Vec<Act>) {
        loop {
            while self.later.is_none()
                && let Some(settled) = self.order.next_settled()
            {
                self.tell(now, joined, settled, acts);
            }
            if self.later.is_some() || !self.order.is_empty() {
                return;
            }
            // Nothing is asked, so no page is under way.
            self.proofs.forget_received();
            let Some((re, request)) = self.held.take() else {
                return;
            };
            self.order.ask(re, Ok(request), acts);
        }
    }

    fn tell(
        &mut self,
        now: Moment,
        joined: Joined,
        settled: Settled<D::Telling>,
        acts: &mut Vec<Act>,
    ) {
        let Settled {
            re,
            telling,
            answers,
        } = settled;
        let scene = Scene {
            now,
            me: &self.me,
            joined,
            proofs: &mut self.proofs,
            acts,
        };
        let told = telling.and_then(|telling| self.dialect.tell(scene, &re, telling, answers));
        match told {
            Ok(Next::Done) => {}
            Ok(Next::Ask(more)) => self.order.ask_on(re, more, acts),
            Ok(Next::AskLater(again)) => {
                self.later = Some((now.steady_ms + ASK_AGAIN_MS, re, again));
            }
            Err(fault) => self.dialect.refuse(&re, &fault, acts),
        }
        self.proofs.probe(now, acts);
    }
}

/// Whether this may be asked before the events before it are answered.
fn may_overlap(commands: &[Command]) -> bool {
    commands
        .iter()
        .all(|command| matches!(command, Command::Send(_)))
}

impl<D: Dialect> Open for Speaking<D> {
    fn hear(
        &mut self,
        now: Moment,
        joined: Joined,
        heard: Result<Event, Fault>,
        acts: &mut Vec<Act>,
    ) {
        let (re, request) = match heard {
            Ok(event) => {
                let request = event
                    .check()
                    .and_then(|()| self.dialect.request(&self.me, &event));
                (event.re(), request)
            }
            Err(fault) => (Re::unread(), Err(fault)),
        };
        match request {
            Ok(request) if !self.order.is_empty() && !may_overlap(&request.commands) => {
                self.held = Some((re, request));
            }
            request => self.order.ask(re, request, acts),
        }
        self.settle(now, joined, acts);
    }

    fn told(
        &mut self,
        now: Moment,
        joined: Joined,
        told: Told,
        acts: &mut Vec<Act>,
    ) -> Result<(), Parting> {
        match told {
            Told::Answer(ticket, answer) if Proofs::asks_as(ticket) => {
                self.proofs.answered(now, ticket, answer.is_ok());
                if self.order.is_empty() {
                    self.proofs.forget_received();
                }
                self.proofs.probe(now, acts);
            }
            Told::Answer(ticket, answer) => {
                self.order.answered(ticket, *answer);
                self.settle(now, joined, acts);
            }
            Told::Message(message) => {
                let scene = Scene {
                    now,
                    me: &self.me,
                    joined,
                    proofs: &mut self.proofs,
                    acts,
                };
                match self.dialect.message(&scene, &message) {
                    Some(said) => {
                        acts.push(said);
                        self.proofs.said(&message);
                        self.proofs.probe(now, acts);
                    }
                    None => self.proofs.left_out(&message),
                }
            }
            Told::Noticed(notice) => {
                let scene = Scene {
                    now,
                    me: &self.me,
                    joined,
                    proofs: &mut self.proofs,
                    acts,
                };
                self.dialect.notice(scene, &notice);
            }
            Told::Ended(end) => return Err(Parting::from(end)),
            // None of the dialects has a word for a receipt, and none has topics or queues.
            Told::Received(_) | Told::Posted(..) | Told::Handed(_) => {}
        }
        Ok(())
    }

    fn proved(&mut self, now: Moment, mark: u64, acts: &mut Vec<Act>) {
        self.proofs.proved(now, mark, acts);
    }

    fn unproved(&mut self, now: Moment, mark: u64, acts: &mut Vec<Act>) {
        self.proofs.unproved(now, mark, acts);
    }

    fn wake_at_ms(&self) -> Option<u64> {
        let later = self.later.as_ref().map(|(at_ms, ..)| *at_ms);
        [later, self.proofs.wake_at_ms()]
            .into_iter()
            .flatten()
            .min()
    }

    fn woken(&mut self, now: Moment, acts: &mut Vec<Act>) {
        let due = self.later.take_if(|(at_ms, ..)| *at_ms <= now.steady_ms);
        if let Some((_, re, request)) = due {
            self.order.ask_on(re, request, acts);
        }
        self.proofs.probe(now, acts);
    }

    fn hungry(&self) -> bool {
        self.held.is_none() && self.later.is_none() && self.order.unanswered() < UNANSWERED_MAX
    }

    fn part(&self, parting: &Parting, acts: &mut Vec<Act>) {
        self.dialect.part(parting, acts);
    }
}
