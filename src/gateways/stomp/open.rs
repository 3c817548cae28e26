//! What a logged-in STOMP session does with each frame.

use std::sync::Arc;

use hongyan_grammar::stomp::Command as Verb;
use hongyan_grammar::stomp::Frame;
use hongyan_grammar::stomp::Version;

use crate::auth::permits::Permits;
use crate::broker::command::Command;
use crate::broker::command::Letter;
use crate::broker::command::Reply;
use crate::broker::queued::QueueOp;
use crate::broker::queued::Verdict;
use crate::broker::users::Person;
use crate::gateways::Act;
use crate::gateways::Farewell;
use crate::gateways::stomp::destination::Target;
use crate::gateways::stomp::heartbeat::Beats;
use crate::gateways::stomp::order::About;
use crate::gateways::stomp::order::Order;
use crate::gateways::stomp::order::Outcome;
use crate::gateways::stomp::order::Telling;
use crate::gateways::stomp::outbound;
use crate::gateways::stomp::refusal::Fault;
use crate::gateways::stomp::request;
use crate::gateways::stomp::request::Request;
use crate::gateways::stomp::shared::Wire;
use crate::gateways::stomp::subscriptions::Acked;
use crate::gateways::stomp::subscriptions::Settled;
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
    pub(super) pushes: u64,
}

/// Whether the session goes on after a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Stay,
    Close,
}

/// Whether a frame may be taken before the frames before it are settled. A page of history is large, so that a session has
/// but one under way.
pub(super) fn may_overlap(frame: &Frame) -> bool {
    match frame.command {
        Verb::Send => frame.headers.get("destination") != Some(Target::History.as_str()),
        verb => matches!(verb, Verb::Ack | Verb::Nack),
    }
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
                self.commit(requests, receipt(frame), acts);
                return Ok(Next::Stay);
            }
            Verb::Disconnect => {
                self.receipt(frame, acts);
                let farewell = Farewell {
                    code: 1000,
                    reason: "",
                };
                acts.push(match receipt(frame) {
                    // STOMP 1.2, "DISCONNECT": it closes when it has the receipt.
                    Some(_) => Act::Leave(farewell),
                    None => Act::Close(farewell),
                });
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
            Some(_) if matches!(request, Request::Send(Target::History, _)) => {
                let sentence =
                    "history can't be asked for in a transaction; ask before or after it";
                return Err(Fault::new("bad-transaction", sentence));
            }
            Some(name) => {
                let of_headers = frame
                    .headers
                    .iter()
                    .map(|(name, value)| name.len() + value.len());
                let bytes = frame.body.len() + of_headers.sum::<usize>();
                self.transactions.add(name, request, bytes)?;
                // Kept for the COMMIT is all that can be said now; a client may wait for it before it commits.
                self.note_done(receipt(frame));
            }
            None => self.carry_out(request, receipt(frame), acts),
        }
        Ok(())
    }

    /// What concerns queues is asked together, so that all of it is kept or nothing. The RECEIPT stands in the line behind
    /// everything, so that it comes after all outcomes.
    fn commit(&mut self, requests: Vec<Request>, receipt: Option<String>, acts: &mut Vec<Act>) {
        let mut ops = Vec::new();
        for request in requests {
            match self.queue_op(&request) {
                Some(op) => ops.push(op),
                None => self.carry_out(request, None, acts),
            }
        }
        if ops.is_empty() {
            self.note_done(receipt);
        } else {
            let command = Command::ChangeQueues(ops);
            self.ask(Telling::Receipt, About::Nothing, command, receipt, acts);
        }
    }

    /// What a request does to a queue; `None` if it is about none.
    fn queue_op(&mut self, request: &Request) -> Option<QueueOp> {
        let (pushed, verdict) = match request {
            Request::Put(op) => return Some(op.clone()),
            Request::Acknowledge(Some(pushed)) => (*pushed, Verdict::Consumed),
            Request::Refuse(Some(pushed), verdict) => (*pushed, *verdict),
            _ => return None,
        };
        let settled = self.subscriptions.settled(pushed)?;
        let Settled {
            subscription,
            tag,
            through,
        } = settled;
        Some(QueueOp::Settle {
            subscription,
            tag,
            through,
            verdict,
        })
    }

    fn carry_out(&mut self, request: Request, receipt: Option<String>, acts: &mut Vec<Act>) {
        if let Some(op) = self.queue_op(&request) {
            let command = Command::ChangeQueues(vec![op]);
            return self.ask(Telling::Receipt, About::Nothing, command, receipt, acts);
        }
        match request {
            Request::Send(target, Ok(command)) => {
                let about = match &command {
                    Command::Send(Letter { msg_id, .. }) | Command::Confirm { msg_id } => {
                        About::Message(*msg_id)
                    }
                    Command::History { with, .. } => About::Conversation(with.clone()),
                    _ => About::Nothing,
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
                    About::Nothing,
                    Command::Publish(post),
                    receipt,
                    acts,
                );
            }
            Request::Acknowledge(pushed) => {
                match pushed.and_then(|pushed| self.subscriptions.acked(pushed)) {
                    Some(acked) => {
                        let about = About::Ack(acked);
                        let Acked { last, after, .. } = acked;
                        let command = Command::Acknowledge { last, after };
                        let telling = Telling::Status(None);
                        self.ask(telling, about, command, receipt, acts);
                    }
                    None => {
                        acts.push(Act::Stale);
                        self.note_done(receipt);
                    }
                }
            }
            Request::Put(_) | Request::Refuse(..) => self.note_done(receipt),
        }
    }

    /// Nothing to ask: it is done, and its RECEIPT waits only for those before it.
    fn note_done(&mut self, receipt: Option<String>) {
        let done = Outcome::Answered(About::Nothing, Ok(Reply::Done));
        self.order.note(Telling::Receipt, receipt, done);
    }

    fn ask(
        &mut self,
        telling: Telling,
        about: About,
        command: Command,
        receipt: Option<String>,
        acts: &mut Vec<Act>,
    ) {
        let ticket = self.order.ask(telling, about, receipt);
        acts.push(Act::Ask(ticket, Box::new(command)));
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
