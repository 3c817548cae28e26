//! SEND, ACK and NACK as requests: what each asks for, whatever transaction it may wait in.

use std::sync::Arc;

use hongyan_grammar::stomp::Frame;

use crate::broker::command::Command;
use crate::broker::payload::Post;
use crate::broker::queued::QueueOp;
use crate::broker::queued::Verdict;
use crate::gateways::stomp::destination::Goal;
use crate::gateways::stomp::destination::TARGETS_TAUGHT;
use crate::gateways::stomp::destination::Target;
use crate::gateways::stomp::inbound;
use crate::gateways::stomp::inbound::BadBody;
use crate::gateways::stomp::refusal::Fault;
use crate::gateways::stomp::shared;
use crate::gateways::stomp::subscriptions::Pushed;

/// What a SEND, an ACK or a NACK asks for.
#[derive(Debug)]
pub(super) enum Request {
    /// A SEND to this target, or why its body asks for nothing.
    Send(Target, Result<Command, BadBody>),
    /// A SEND to a topic.
    Publish(Arc<Post>),
    /// An ACK; none where its id is not of a message. What it means is known when it is carried out: one in a transaction
    /// that is aborted must leave no trace.
    Acknowledge(Option<Pushed>),
    /// A SEND to a queue.
    Put(QueueOp),
    /// A NACK, and what it says of a queue's message. To a message of a user it does nothing: that stays in the inbox, and
    /// comes again with the next `init`.
    Refuse(Option<Pushed>, Verdict),
}

/// Reads a SEND by somebody who may write to what `may_write` says.
pub(super) fn send(frame: &Frame, may_write: impl Fn(&str) -> bool) -> Result<Request, Fault> {
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
    let goal = Goal::parse(destination).ok_or_else(|| {
        Fault::new(
            "unknown-destination",
            format!("there is no such destination: {TARGETS_TAUGHT}"),
        )
    })?;
    match goal {
        Goal::Chat(target) => Ok(Request::Send(target, inbound::read(target, &frame.body))),
        _ if !may_write(destination) => Err(Fault::new(
            "access-denied",
            format!("access denied: you may not send to {destination}; the operator can permit it"),
        )),
        Goal::Topic(topic) => Ok(Request::Publish(Arc::new(Post {
            topic,
            payload: Arc::new(shared::payload(frame)),
        }))),
        Goal::Queue(queue) => Ok(Request::Put(QueueOp::Put {
            queue,
            payload: Arc::new(shared::payload(frame)),
            expires_ms: expires_ms(frame)?,
        })),
    }
}

/// When a message ends. As elsewhere, 0 is never.
fn expires_ms(frame: &Frame) -> Result<Option<u64>, Fault> {
    let Some(expires) = frame.headers.get("expires") else {
        return Ok(None);
    };
    let wrong = |_| {
        let sentence = "expires must be a time in milliseconds since 1970, or 0 for never";
        Fault::new("malformed-frame", sentence)
    };
    expires
        .parse()
        .map(|at| Some(at).filter(|at| *at > 0))
        .map_err(wrong)
}

/// Reads an ACK. STOMP 1.2 names the message by `id`, 1.0 and 1.1 by `message-id`.
pub(super) fn ack(frame: &Frame) -> Result<Request, Fault> {
    message_id(frame, "ACK").map(|id| Request::Acknowledge(Pushed::parse(id)))
}

/// Reads a NACK. `requeue:false` is RabbitMQ's word for: nobody shall have it again.
pub(super) fn nack(frame: &Frame) -> Result<Request, Fault> {
    let verdict = match frame.headers.get("requeue") {
        Some("false") => Verdict::Dead,
        _ => Verdict::Again,
    };
    message_id(frame, "NACK").map(|id| Request::Refuse(Pushed::parse(id), verdict))
}

fn message_id<'a>(frame: &'a Frame, command: &str) -> Result<&'a str, Fault> {
    let header = |name| frame.headers.get(name);
    header("id")
        .or_else(|| header("message-id"))
        .ok_or_else(|| Fault::missing_header(command, "id (message-id before STOMP 1.2)"))
}
