//! SUBSCRIBE and UNSUBSCRIBE: what may be received, and what the broker is asked for it.

use hongyan_grammar::stomp::Frame;
use hongyan_grammar::stomp::Version;

use crate::auth::permits;
use crate::broker::command::Command;
use crate::broker::command::Ears;
use crate::broker::command::Ticket;
use crate::broker::limits::PREFETCH_DEFAULT;
use crate::broker::limits::PREFETCH_MAX;
use crate::gateways::Act;
use crate::gateways::stomp::destination::NotSource;
use crate::gateways::stomp::destination::SOURCES_TAUGHT;
use crate::gateways::stomp::destination::Source;
use crate::gateways::stomp::destination::Wanted;
use crate::gateways::stomp::open::Open;
use crate::gateways::stomp::refusal::Fault;
use crate::gateways::stomp::subscriptions::AckMode;
use crate::gateways::stomp::subscriptions::SUBSCRIPTIONS_MAX;

/// A ticket under which nobody waits.
const NO_TICKET: Ticket = Ticket(u64::MAX);

impl Open {
    /// SUBSCRIBE; what to ask the broker, if anything.
    pub(super) fn subscribe(&mut self, frame: &Frame) -> Result<Option<Act>, Fault> {
        let header = |name| frame.headers.get(name);
        let destination = header("destination")
            .filter(|text| !text.is_empty())
            .ok_or_else(|| {
                Fault::new(
                    "missing-destination",
                    format!("SUBSCRIBE needs a destination: {SOURCES_TAUGHT}"),
                )
            })?;
        let id = self.new_id(header("id"))?;
        let ack = AckMode::parse(header("ack")).ok_or_else(|| {
            Fault::new(
                "malformed-frame",
                "ack must be auto, client or client-individual",
            )
        })?;
        let prefetch = prefetch(header("prefetch-count"))?;
        let wanted = self.wanted(destination)?;
        if self.subscriptions.len() >= SUBSCRIPTIONS_MAX {
            return Err(Fault::limit(
                "too-many-subscriptions",
                "subscriptions of a session",
                SUBSCRIPTIONS_MAX,
            ));
        }
        let heard = self.subscriptions.ears();
        let add = |source| {
            self.subscriptions
                .add(id, destination.to_owned(), source, ack)
        };
        let command = match wanted {
            Wanted::Own(source) => {
                add(source);
                self.listen(heard)
            }
            Wanted::Topics(topics) => Some(Command::Watch {
                subscription: add(Source::Topic),
                topics,
            }),
            Wanted::Queue(queue) => Some(Command::Consume {
                subscription: add(Source::Queue),
                queue,
                prefetch: (ack != AckMode::Auto).then_some(prefetch),
            }),
        };
        Ok(command.map(|command| Act::Ask(NO_TICKET, Box::new(command))))
    }

    /// What to ask the broker where the subscriptions no longer hear what they `heard`.
    fn listen(&self, heard: Ears) -> Option<Command> {
        let ears = self.subscriptions.ears();
        (ears != heard).then_some(Command::Listen(ears))
    }

    fn new_id(&self, id: Option<&str>) -> Result<Option<String>, Fault> {
        match id {
            None if self.wire.version > Version::V1_0 => {
                Err(Fault::missing_header("SUBSCRIBE", "id"))
            }
            Some(id) if self.subscriptions.has_id(id) => Err(Fault::new(
                "duplicate-subscription",
                format!("the subscription id {id} is in use; UNSUBSCRIBE it first or take another"),
            )),
            id => Ok(id.map(str::to_owned)),
        }
    }

    fn wanted(&self, destination: &str) -> Result<Wanted, Fault> {
        let wanted = Wanted::parse(destination, |key| permits::may_receive(&self.person, key));
        let denied = |why: &str| {
            let sentence = format!("access denied: {why}");
            Err(Fault::new("access-denied", sentence))
        };
        match wanted {
            Ok(Wanted::Topics(_) | Wanted::Queue(_))
                if !self.permits.may_read(&self.person, destination) =>
            {
                denied(&format!(
                    "you may not receive all of {destination}; the operator can permit it"
                ))
            }
            Ok(wanted) => Ok(wanted),
            Err(NotSource::Another) => denied(&format!(
                "{destination} is another user's; {SOURCES_TAUGHT}"
            )),
            Err(NotSource::Unknown) => Err(Fault::new(
                "unknown-destination",
                format!("there is no such destination: {SOURCES_TAUGHT}"),
            )),
        }
    }

    /// UNSUBSCRIBE; what to do about it.
    pub(super) fn unsubscribe(&mut self, frame: &Frame) -> Result<Option<Act>, Fault> {
        let heard = self.subscriptions.ears();
        let ended = match (frame.headers.get("id"), frame.headers.get("destination")) {
            (Some(id), _) => self.subscriptions.remove(id),
            (None, Some(destination)) if self.wire.version == Version::V1_0 => {
                self.subscriptions.remove_destination(destination)
            }
            (None, _) => return Err(Fault::missing_header("UNSUBSCRIBE", "id")),
        };
        let Some(ended) = ended else {
            return Ok(Some(Act::Stale));
        };
        let command = match ended.source {
            Source::Topic => Some(Command::Unwatch(ended.number)),
            Source::Queue => Some(Command::Cease(ended.number)),
            _ => self.listen(heard),
        };
        Ok(command.map(|command| Act::Ask(NO_TICKET, Box::new(command))))
    }
}

/// How many messages of a queue may be unacknowledged: RabbitMQ's word for it.
fn prefetch(header: Option<&str>) -> Result<usize, Fault> {
    let Some(text) = header else {
        return Ok(PREFETCH_DEFAULT);
    };
    let number = text.parse().ok();
    number
        .filter(|number| (1..=PREFETCH_MAX).contains(number))
        .ok_or_else(|| {
            Fault::new(
                "malformed-frame",
                format!("prefetch-count must be a number from 1 to {PREFETCH_MAX}"),
            )
        })
}
