//! What a logged-in STOMP session says: what became of its frames, and what happened to its user.

use crate::broker::command::Reply;
use crate::broker::event::Event;
use crate::broker::message::MessageId;
use crate::gateways::Act;
use crate::gateways::stomp::destination::Source;
use crate::gateways::stomp::destination::Target;
use crate::gateways::stomp::history;
use crate::gateways::stomp::notices;
use crate::gateways::stomp::open::Open;
use crate::gateways::stomp::order::About;
use crate::gateways::stomp::order::Outcome;
use crate::gateways::stomp::order::Telling;
use crate::gateways::stomp::outbound;
use crate::gateways::stomp::refusal::Fault;

impl Open {
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
        let named = |about| match about {
            About::Message(msg_id) => Some(msg_id.to_string()),
            About::Nothing | About::Ack(..) | About::Conversation(_) => None,
        };
        if let Outcome::Answered(About::Ack(acked), Ok(_)) = &outcome {
            self.subscriptions.note_acked(acked);
        }
        let (msg_id, code, content) = match outcome {
            Outcome::BadBody(bad) => (bad.msg_id, 400, bad.sentence),
            Outcome::Answered(about, Err(refusal)) => {
                (named(about), refusal.code(), refusal.to_string())
            }
            Outcome::Answered(About::Message(msg_id), Ok(_)) => {
                let content = outbound::CONTENT_OK.to_owned();
                (Some(msg_id.to_string()), 200, content)
            }
            Outcome::Answered(About::Conversation(with), Ok(Reply::History { messages, more })) => {
                let tail = outbound::tail(&history::body(&with, &messages, more));
                return self.push(Source::History, None, &tail, acts);
            }
            Outcome::Answered(_, Ok(_)) => return,
        };
        let source = match target {
            Some(Target::Send | Target::SendGroup) => Source::SendStatus,
            Some(Target::Confirm) => Source::ConfirmStatus,
            Some(Target::Init | Target::History) | None => Source::Status,
        };
        match msg_id {
            Some(msg_id) => self.push(
                source,
                None,
                &outbound::status_tail(&msg_id, code, &content),
                acts,
            ),
            None => {
                let destination = target.map_or("ACK", Target::as_str);
                let tail = outbound::trouble_tail(code, &content, destination);
                self.push(Source::Status, None, &tail, acts);
            }
        }
    }

    /// Says what happened to this user.
    pub(super) fn hear_of(&mut self, event: &Event, acts: &mut Vec<Act>) {
        match event {
            Event::Message(message) => {
                let tail = outbound::message_tail(message);
                let source = match message.group() {
                    None => Source::Inbox,
                    Some(_) => Source::Group,
                };
                self.push(source, Some(message.id), &tail, acts);
            }
            Event::Received(receipt) if self.subscriptions.receive(Source::DeliveryStatus) => {
                self.push(
                    Source::DeliveryStatus,
                    None,
                    &outbound::receipt_tail(receipt),
                    acts,
                );
            }
            Event::Posted(number, post) => {
                if let Some(subscription) = self.subscriptions.numbered(*number) {
                    self.pushes += 1;
                    acts.push(outbound::post(self.wire, subscription, self.pushes, post));
                }
            }
            Event::Handed(handout) => {
                if let Some(subscription) = self.subscriptions.numbered(handout.subscription) {
                    self.pushes += 1;
                    let push = self.pushes;
                    acts.push(outbound::handout(self.wire, subscription, push, handout));
                }
            }
            Event::Noticed(notice) => {
                let source = notices::source(notice);
                if self.subscriptions.receive(source) {
                    let tail = outbound::tail(&notices::body(notice));
                    self.push(source, None, &tail, acts);
                }
            }
            Event::Received(_) | Event::Answer(..) | Event::Ended(_) => {}
        }
    }

    /// MESSAGE to each subscription to `source`, which brings message `id` or news, and ends with `tail`.
    fn push(&mut self, source: Source, id: Option<MessageId>, tail: &str, acts: &mut Vec<Act>) {
        let version = self.wire.version;
        for subscription in self.subscriptions.to(source) {
            self.pushes += 1;
            let message = outbound::message(version, subscription, self.pushes, id, tail);
            acts.push(message);
        }
    }
}
