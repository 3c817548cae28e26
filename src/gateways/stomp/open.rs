//! What a logged-in STOMP session does with each frame, and what it says of what the broker tells.

use hongyan_grammar::stomp::Command as Verb;
use hongyan_grammar::stomp::Frame;
use hongyan_grammar::stomp::Version;

use crate::auth::permits;
use crate::broker::command::Command;
use crate::broker::command::Reply;
use crate::broker::command::Ticket;
use crate::broker::event::Event;
use crate::broker::message::MessageId;
use crate::broker::message::MsgId;
use crate::broker::users::Person;
use crate::gateways::Act;
use crate::gateways::Farewell;
use crate::gateways::stomp::destination::NotSource;
use crate::gateways::stomp::destination::SOURCES_TAUGHT;
use crate::gateways::stomp::destination::Source;
use crate::gateways::stomp::destination::Target;
use crate::gateways::stomp::heartbeat::Beats;
use crate::gateways::stomp::order::Order;
use crate::gateways::stomp::order::Outcome;
use crate::gateways::stomp::outbound;
use crate::gateways::stomp::refusal::Fault;
use crate::gateways::stomp::request;
use crate::gateways::stomp::request::Request;
use crate::gateways::stomp::subscriptions::AckMode;
use crate::gateways::stomp::subscriptions::Acked;
use crate::gateways::stomp::subscriptions::SUBSCRIPTIONS_MAX;
use crate::gateways::stomp::subscriptions::Subscriptions;
use crate::gateways::stomp::transactions::Transactions;

/// A ticket under which nobody waits.
const NO_TICKET: Ticket = Ticket(u64::MAX);

/// The state of a session after CONNECTED.
pub(super) struct Open {
    pub(super) version: Version,
    pub(super) beats: Beats,
    /// When the token ends, on the steady clock.
    pub(super) expires_ms: Option<u64>,
    pub(super) order: Order,
    /// A frame that waits until everything before it is settled.
    pub(super) held: Option<Frame>,
    person: Person,
    subscriptions: Subscriptions,
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
        version: Version,
        person: Person,
        beats: Beats,
        expires_ms: Option<u64>,
    ) -> Self {
        Self {
            version,
            beats,
            expires_ms,
            order: Order::default(),
            held: None,
            person,
            subscriptions: Subscriptions::default(),
            transactions: Transactions::default(),
            pushes: 0,
        }
    }

    /// Takes one frame. Its RECEIPT is said here, or with its outcome.
    pub(super) fn take(&mut self, frame: &Frame, acts: &mut Vec<Act>) -> Result<Next, Fault> {
        let verb = frame.command;
        if self.version == Version::V1_2 && verb != Verb::Send && !frame.body.is_empty() {
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
            Verb::Send => request::send(frame)?,
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
                self.ask(Some(target), about, command, receipt, acts);
            }
            Request::Send(target, Err(bad)) => {
                self.order
                    .note(Some(target), receipt, Outcome::BadBody(bad))
            }
            Request::Acknowledge(pushed) => {
                match pushed.and_then(|pushed| self.subscriptions.acked(pushed)) {
                    Some(Acked { last, after }) => {
                        let command = Command::Acknowledge { last, after };
                        self.ask(None, None, command, receipt, acts);
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
        self.order.note(None, receipt, done);
    }

    fn ask(
        &mut self,
        target: Option<Target>,
        about: Option<MsgId>,
        command: Command,
        receipt: Option<String>,
        acts: &mut Vec<Act>,
    ) {
        let ticket = self.order.ask(target, about, receipt);
        acts.push(Act::Ask(ticket, command));
    }

    fn subscribe(&mut self, frame: &Frame) -> Result<Option<Act>, Fault> {
        let header = |name| frame.headers.get(name);
        let destination = header("destination")
            .filter(|text| !text.is_empty())
            .ok_or_else(|| {
                Fault::new(
                    "missing-destination",
                    format!("SUBSCRIBE needs a destination: {SOURCES_TAUGHT}"),
                )
            })?;
        let id = header("id").map(str::to_owned);
        match &id {
            None if self.version > Version::V1_0 => {
                return Err(Fault::missing_header("SUBSCRIBE", "id"));
            }
            Some(id) if self.subscriptions.has_id(id) => {
                let sentence = format!(
                    "the subscription id {id} is in use; UNSUBSCRIBE it first or take another"
                );
                return Err(Fault::new("duplicate-subscription", sentence));
            }
            _ => {}
        }
        let ack = AckMode::parse(header("ack")).ok_or_else(|| {
            Fault::new(
                "malformed-frame",
                "ack must be auto, client or client-individual",
            )
        })?;
        let source = Source::parse(destination, |key| permits::may_receive(&self.person, key))
            .map_err(|not| match not {
                NotSource::Another => Fault::new(
                    "access-denied",
                    format!("access denied: {destination} is another user's; {SOURCES_TAUGHT}"),
                ),
                NotSource::Unknown => Fault::new(
                    "unknown-destination",
                    format!("there is no such destination: {SOURCES_TAUGHT}"),
                ),
            })?;
        if self.subscriptions.len() >= SUBSCRIPTIONS_MAX {
            return Err(Fault::limit(
                "too-many-subscriptions",
                "subscriptions of a session",
                SUBSCRIPTIONS_MAX,
            ));
        }
        let first_of_inbox = source == Source::Inbox && !self.subscriptions.receive(Source::Inbox);
        self.subscriptions
            .add(id, destination.to_owned(), source, ack);
        Ok(first_of_inbox.then_some(Act::Ask(NO_TICKET, Command::Listen)))
    }

    fn unsubscribe(&mut self, frame: &Frame) -> Result<Option<Act>, Fault> {
        let listened = self.subscriptions.receive(Source::Inbox);
        let known = match (frame.headers.get("id"), frame.headers.get("destination")) {
            (Some(id), _) => self.subscriptions.remove(id),
            (None, Some(destination)) if self.version == Version::V1_0 => {
                self.subscriptions.remove_destination(destination)
            }
            (None, _) => return Err(Fault::missing_header("UNSUBSCRIBE", "id")),
        };
        if !known {
            return Ok(Some(Act::Stale));
        }
        let deaf = listened && !self.subscriptions.receive(Source::Inbox);
        Ok(deaf.then_some(Act::Ask(NO_TICKET, Command::Deafen)))
    }

    /// Says what became of a frame, where it is said.
    pub(super) fn tell(&mut self, target: Option<Target>, outcome: Outcome, acts: &mut Vec<Act>) {
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
            Event::Received(_) | Event::Answer(..) | Event::Ended(_) => {}
        }
    }

    fn push(&mut self, source: Source, id: Option<MessageId>, body: &[u8], acts: &mut Vec<Act>) {
        for subscription in self.subscriptions.to(source) {
            self.pushes += 1;
            let message = outbound::message(self.version, subscription, self.pushes, id, body);
            acts.push(Act::Say(message));
        }
    }

    fn receipt(&self, frame: &Frame, acts: &mut Vec<Act>) {
        if let Some(id) = frame.headers.get("receipt") {
            acts.push(Act::Say(outbound::receipt(self.version, id)));
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
