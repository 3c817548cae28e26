//! What a logged-in STOMP session says: what became of its frames, and what happened to its user.

use crate::broker::event::Event;
use crate::broker::message::MessageId;
use crate::gateways::Act;
use crate::gateways::stomp::destination::Source;
use crate::gateways::stomp::destination::Target;
use crate::gateways::stomp::open::Open;
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
            Event::Handed(handout) => {
                if let Some(subscription) = self.subscriptions.numbered(handout.subscription) {
                    self.pushes += 1;
                    let push = self.pushes;
                    acts.push(outbound::handout(self.wire, subscription, push, handout));
                }
            }
            Event::Received(_) | Event::Noticed(_) | Event::Answer(..) | Event::Ended(_) => {}
        }
    }

    fn push(&mut self, source: Source, id: Option<MessageId>, body: &[u8], acts: &mut Vec<Act>) {
        for subscription in self.subscriptions.to(source) {
            self.pushes += 1;
            let message = outbound::message(self.wire.version, subscription, self.pushes, id, body);
            acts.push(Act::Say(message));
        }
    }
}
