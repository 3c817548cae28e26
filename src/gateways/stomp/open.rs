//! What a logged-in STOMP session does with each frame, and what it says of what the broker tells.

use std::sync::Arc;

use hongyan_grammar::stomp::Command as Verb;
use hongyan_grammar::stomp::Frame;
use hongyan_grammar::stomp::Version;

use crate::auth::permits::Permits;
use crate::broker::command::Command;
use crate::broker::command::Reply;
use crate::broker::event::Event;
use crate::broker::message::MessageId;
use crate::broker::message::MsgId;
use crate::broker::users::Person;
use crate::gateways::Act;
use crate::gateways::Farewell;
use crate::gateways::stomp::destination::Source;
use crate::gateways::stomp::destination::Target;
use crate::gateways::stomp::heartbeat::Beats;
use crate::gateways::stomp::order::Order;
use crate::gateways::stomp::order::Outcome;
use crate::gateways::stomp::order::Telling;
use crate::gateways::stomp::outbound;
use crate::gateways::stomp::refusal::Fault;
use crate::gateways::stomp::request;
use crate::gateways::stomp::request::Request;
use crate::gateways::stomp::shared::Wire;
use crate::gateways::stomp::subscriptions::Acked;
use crate::gateways::stomp::subscriptions::Subscriptions;
use crate::gateways::stomp::transactions::Transactions;

/// The state of a session after CONNECTED.
pub(super) struct Open {
    pub(super) wire: Wire,
    pub(super) beats: Beats,
    /// When the token ends, on the steady clock.
    pub(super) expires_ms: Option<u64>,
    pub(super) order: Order,
    /// A frame that waits until everything before it is settled.
    pub(super) held: Option<Frame>,
    pub(super) person: Person,
    pub(super) permits: Arc<Permits>,
    pub(super) subscriptions: Subscriptions,
    transactions: Transactions,
    /// MESSAGEs sent so far.
    pushes: u64,
}

/// Whether the session goes on after a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Stay,
    Close,
}

/// Whether a frame may be taken before the frames before it are settled.
pub(super) fn may_overlap(verb: Verb) -> bool {
    matches!(verb, Verb::Send | Verb::Ack | Verb::Nack)
}

impl Open {
    pub(super) fn new(
        wire: Wire,
        person: Person,
        permits: Arc<Permits>,
        beats: Beats,
        expires_ms: Option<u64>,
    ) -> Self {
        Self {
            wire,
            beats,
            expires_ms,
            order: Order::default(),
            held: None,
            person,
            permits,
            subscriptions: Subscriptions::default(),
            transactions: Transactions::default(),
            pushes: 0,
        }
    }

    /// Takes one frame. Its RECEIPT is said here, or with its outcome.
    pub(super) fn take(&mut self, frame: &Frame, acts: &mut Vec<Act>) -> Result<Next, Fault> {
        let verb = frame.command;
        if self.wire.version == Version::V1_2 && verb != Verb::Send && !frame.body.is_empty() {
            return Err(Fault::new("malformed-frame", "only SEND may have a body"));
        }
        match verb {
            Verb::Send | Verb::Ack | Verb::Nack => {
                self.take_request(frame, acts)?;
                return Ok(Next::Stay);
            }
            Verb::Subscribe => {
                // RECEIPT first: the first MESSAGE may follow at once.
                let listens = self.subscribe(frame)?;
                self.receipt(frame, acts);
                acts.extend(listens);
                return Ok(Next::Stay);
            }
            Verb::Unsubscribe => acts.extend(self.unsubscribe(frame)?),
            Verb::Begin => self.transactions.begin(transaction(frame, "BEGIN")?)?,
            Verb::Abort => drop(self.transactions.end(transaction(frame, "ABORT")?)?),
            Verb::Commit => {
                let requests = self.transactions.end(transaction(frame, "COMMIT")?)?;
                for request in requests {
                    self.carry_out(request, None, acts);
                }
                // In the line behind them, so that it comes after all their outcomes.
                self.note_done(receipt(frame));
                return Ok(Next::Stay);
            }
            Verb::Disconnect => {
                self.receipt(frame, acts);
                acts.push(Act::Close(Farewell {
                    code: 1000,
                    reason: "",
                }));
                return Ok(Next::Close);
            }
            Verb::Connect | Verb::Stomp => {
                return Err(Fault::new(
                    "already-connected",
                    "this session is connected already",
                ));
            }
            Verb::Connected | Verb::Message | Verb::Receipt | Verb::Error => {
                return Err(Fault::new(
                    "unknown-command",
                    format!(
                        "{} is for servers; a client sends SEND, SUBSCRIBE and the like",
                        verb.as_str()
                    ),
                ));
            }
        }
        self.receipt(frame, acts);
        Ok(Next::Stay)
    }

    fn take_request(&mut self, frame: &Frame, acts: &mut Vec<Act>) -> Result<(), Fault> {
        let request = match frame.command {
            Verb::Send => request::send(frame, |destination| {
                self.permits.may_write(&self.person, destination)
            })?,
            Verb::Ack => request::ack(frame)?,
            _ => request::nack(frame)?,
        };
        match frame.headers.get("transaction") {
            Some(name) => {
                self.transactions.add(name, request, frame.body.len())?;
                // Kept for the COMMIT is all that can be said now; a client may wait for it before it commits.
                self.note_done(receipt(frame));
            }
            None => self.carry_out(request, receipt(frame), acts),
        }
        Ok(())
    }

    fn carry_out(&mut self, request: Request, receipt: Option<String>, acts: &mut Vec<Act>) {
        match request {
            Request::Send(target, Ok(command)) => {
                let about = match &command {
                    Command::Send { msg_id, .. } | Command::Confirm { msg_id } => Some(*msg_id),
                    _ => None,
                };
                let telling = Telling::Status(Some(target));
                self.ask(telling, about, command, receipt, acts);
            }
            Request::Send(target, Err(bad)) => {
                let telling = Telling::Status(Some(target));
                self.order.note(telling, receipt, Outcome::BadBody(bad));
            }
            Request::Publish(post) => {
                self.ask(
                    Telling::Receipt,
                    None,
                    Command::Publish(post),
                    receipt,
                    acts,
                );
            }
            Request::Acknowledge(pushed) => {
                match pushed.and_then(|pushed| self.subscriptions.acked(pushed)) {
                    Some(Acked { last, after }) => {
                        let command = Command::Acknowledge { last, after };
                        self.ask(Telling::Status(None), None, command, receipt, acts);
                    }
                    None => {
                        acts.push(Act::Stale);
                        self.note_done(receipt);
                    }
                }
            }
            Request::Leave => self.note_done(receipt),
        }
    }

    /// Nothing to ask: it is done, and its RECEIPT waits only for those before it.
    fn note_done(&mut self, receipt: Option<String>) {
        let done = Outcome::Answered(None, Ok(Reply::Done));
        self.order.note(Telling::Receipt, receipt, done);
    }

    fn ask(
        &mut self,
        telling: Telling,
        about: Option<MsgId>,
        command: Command,
        receipt: Option<String>,
        acts: &mut Vec<Act>,
    ) {
        let ticket = self.order.ask(telling, about, receipt);
        acts.push(Act::Ask(ticket, command));
    }

    /// Says what became of a frame, where it is said. A fault is what the session ends with.
    pub(super) fn tell(
        &mut self,
        telling: Telling,
        outcome: Outcome,
        acts: &mut Vec<Act>,
    ) -> Result<(), Fault> {
        match (telling, outcome) {
            (Telling::Status(target), outcome) => self.tell_status(target, outcome, acts),
            (Telling::Receipt, Outcome::Answered(_, Err(refusal))) => return Err(refusal.into()),
            (Telling::Receipt, _) => {}
        }
        Ok(())
    }

    fn tell_status(&mut self, target: Option<Target>, outcome: Outcome, acts: &mut Vec<Act>) {
        let (msg_id, code, content) = match outcome {
            Outcome::BadBody(bad) => (bad.msg_id, 400, bad.sentence),
            Outcome::Answered(about, Err(refusal)) => (
                about.map(|id| id.to_string()),
                refusal.code(),
                refusal.to_string(),
            ),
            Outcome::Answered(None, Ok(_)) => return,
            Outcome::Answered(Some(about), Ok(_)) => (
                Some(about.to_string()),
                200,
                outbound::CONTENT_OK.to_owned(),
            ),
        };
        let source = match target {
            Some(Target::Send) => Source::SendStatus,
            Some(Target::Confirm) => Source::ConfirmStatus,
            Some(Target::Init) | None => Source::Status,
        };
        match msg_id {
            Some(msg_id) => self.push(
                source,
                None,
                &outbound::status_body(&msg_id, code, &content),
                acts,
            ),
            None => {
                let destination = target.map_or("ACK", Target::as_str);
                let body = outbound::trouble_body(code, &content, destination);
                self.push(Source::Status, None, &body, acts);
            }
        }
    }

    /// Says what happened to this user.
    pub(super) fn hear_of(&mut self, event: &Event, acts: &mut Vec<Act>) {
        match event {
            Event::Message(message) => {
                let body = outbound::message_body(message);
                self.push(Source::Inbox, Some(message.id), &body, acts);
            }
            Event::Received(receipt) if self.subscriptions.receive(Source::DeliveryStatus) => {
                self.push(
                    Source::DeliveryStatus,
                    None,
                    &outbound::receipt_body(receipt),
                    acts,
                );
            }
            Event::Posted(number, post) => {
                if let Some(subscription) = self.subscriptions.numbered(*number) {
                    self.pushes += 1;
                    acts.push(outbound::post(self.wire, subscription, self.pushes, post));
                }
            }
            Event::Received(_) | Event::Answer(..) | Event::Ended(_) => {}
        }
    }

    fn push(&mut self, source: Source, id: Option<MessageId>, body: &[u8], acts: &mut Vec<Act>) {
        for subscription in self.subscriptions.to(source) {
            self.pushes += 1;
            let message = outbound::message(self.wire.version, subscription, self.pushes, id, body);
            acts.push(Act::Say(message));
        }
    }

    fn receipt(&self, frame: &Frame, acts: &mut Vec<Act>) {
        if let Some(id) = frame.headers.get("receipt") {
            acts.push(Act::Say(outbound::receipt(self.wire.version, id)));
        }
    }
}

fn receipt(frame: &Frame) -> Option<String> {
    frame.headers.get("receipt").map(str::to_owned)
}

fn transaction<'a>(frame: &'a Frame, command: &str) -> Result<&'a str, Fault> {
    let name = frame.headers.get("transaction");
    name.ok_or_else(|| Fault::missing_header(command, "transaction"))
}
