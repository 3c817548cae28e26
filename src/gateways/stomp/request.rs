//! SEND, ACK and NACK as requests: what each asks for, whatever transaction it may wait in.

use hongyan_grammar::stomp::Frame;

use crate::broker::command::Command;
use crate::gateways::stomp::destination::TARGETS_TAUGHT;
use crate::gateways::stomp::destination::Target;
use crate::gateways::stomp::inbound;
use crate::gateways::stomp::inbound::BadBody;
use crate::gateways::stomp::refusal::Fault;
use crate::gateways::stomp::subscriptions::Pushed;

/// What a SEND, an ACK or a NACK asks for.
#[derive(Debug)]
pub(super) enum Request {
    /// A SEND to this target, or why its body asks for nothing.
    Send(Target, Result<Command, BadBody>),
    /// An ACK; none where its id is not of a message. What it means is known when it is carried out: one in a transaction
    /// that is aborted must leave no trace.
    Acknowledge(Option<Pushed>),
    /// A NACK: nothing to do. The message stays in the inbox, and comes again with the next `init`.
    Leave,
}

/// Reads a SEND.
pub(super) fn send(frame: &Frame) -> Result<Request, Fault> {
    let destination = frame
        .headers
        .get("destination")
        .filter(|text| !text.is_empty());
    let destination = destination.ok_or_else(|| {
        Fault::new(
            "missing-destination",
            format!("SEND needs a destination: {TARGETS_TAUGHT}"),
        )
    })?;
    let target = Target::parse(destination).ok_or_else(|| {
        Fault::new(
            "unknown-destination",
            format!("there is no such destination: {TARGETS_TAUGHT}"),
        )
    })?;
    Ok(Request::Send(target, inbound::read(target, &frame.body)))
}

/// Reads an ACK. STOMP 1.2 names the message by `id`, 1.0 and 1.1 by `message-id`.
pub(super) fn ack(frame: &Frame) -> Result<Request, Fault> {
    message_id(frame, "ACK").map(|id| Request::Acknowledge(Pushed::parse(id)))
}

/// Reads a NACK.
pub(super) fn nack(frame: &Frame) -> Result<Request, Fault> {
    message_id(frame, "NACK").map(|_| Request::Leave)
}

fn message_id<'a>(frame: &'a Frame, command: &str) -> Result<&'a str, Fault> {
    let header = |name| frame.headers.get(name);
    header("id")
        .or_else(|| header("message-id"))
        .ok_or_else(|| Fault::missing_header(command, "id (message-id before STOMP 1.2)"))
}
