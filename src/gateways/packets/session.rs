//! One packet connection, from `L` to `C`.
//!
//! ```text
//!   Entering ──L, and all that waits──▶ Open ──a fault, the end of the token, a stop: C──▶ Closed
//! ```
//!
//! The wstoken was looked at by the door. `t` and `i` may wait for their outcome while more of them come, so that they share
//! commits; every other packet that the broker is asked about waits until those before it are answered. Answers leave in the
//! order of the packets. What was pushed counts as received when a pong has proved it (`proof`).

use hongyan_grammar::packet::ClientPacket;
use hongyan_grammar::packet::Id;
use hongyan_grammar::packet::Refused;
use hongyan_grammar::packet::ServerPacket;

use crate::auth::Denial;
use crate::broker::command::Command;
use crate::broker::command::Ears;
use crate::broker::command::Pushed;
use crate::broker::event::End;
use crate::broker::event::Event;
use crate::broker::limits::UNANSWERED_MAX;
use crate::broker::moment::Moment;
use crate::broker::users::Uid;
use crate::gateways::Act;
use crate::gateways::Admitted;
use crate::gateways::Machine;
use crate::gateways::Mishap;
use crate::gateways::packets::inbound;
use crate::gateways::packets::inbound::Meaning;
use crate::gateways::packets::line::Asker;
use crate::gateways::packets::line::Line;
use crate::gateways::packets::line::Settled;
use crate::gateways::packets::outbound;
use crate::gateways::packets::proof::PONG_WITHIN_MS;
use crate::gateways::packets::proof::Proof;
use crate::gateways::packets::refusal::Fault;

/// How a connection came in.
#[derive(Clone, Debug)]
pub struct Door {
    /// Whom the wstoken has let in.
    pub admitted: Admitted,
    /// A name for the session, unlike that of others: what the server says of its own accord has ids made of it.
    pub session_name: String,
}

/// The machine of one packet connection.
pub struct PacketSession {
    session_name: String,
    /// Ids made so far.
    made: u64,
    state: State,
}

enum State {
    Entering(Admitted),
    Open(Box<Open>),
    Closed,
}

struct Open {
    uid: Uid,
    /// When the token ends, on the steady clock.
    expires_ms: Option<u64>,
    line: Line,
    /// A command that waits until everything before it is answered.
    held: Option<(Id, Command)>,
    proof: Proof,
}

impl PacketSession {
    /// A machine for a connection that was just made. It speaks first: it is full until it has said so.
    pub fn new(door: Door) -> Self {
        Self {
            session_name: door.session_name,
            made: 0,
            state: State::Entering(door.admitted),
        }
    }

    /// An id for a packet that answers none.
    fn make_id(&mut self) -> Id {
        self.made += 1;
        let id = Id::from_text(&format!("{}-{}", self.session_name, self.made));
        id.unwrap_or_else(|| Id::from(self.made))
    }

    fn enter(&mut self, now: Moment, acts: &mut Vec<Act>) {
        let State::Entering(admitted) = std::mem::replace(&mut self.state, State::Closed) else {
            return;
        };
        let left_ms = |expires_s: u64| expires_s.saturating_mul(1_000).saturating_sub(now.epoch_ms);
        let mut open = Open {
            uid: admitted.person.uid,
            expires_ms: admitted
                .expires_s
                .map(|s| now.steady_ms.saturating_add(left_ms(s))),
            line: Line::default(),
            held: None,
            proof: Proof::new(now),
        };
        acts.push(Act::Enter(Box::new(admitted)));
        acts.push(said(&ServerPacket::Login { id: self.make_id() }));
        // In this order: what waits comes before anything newer.
        open.ask(Asker::Nobody, Command::Init, acts);
        open.ask(Asker::Nobody, Command::Listen(Ears::ALL), acts);
        self.state = State::Open(Box::new(open));
    }

    fn end(&mut self, fault: Fault, acts: &mut Vec<Act>) {
        let close = ServerPacket::Close {
            id: self.make_id(),
            reason: fault.sentence,
        };
        acts.push(said(&close));
        acts.push(Act::Close(fault.farewell));
        self.state = State::Closed;
    }
}

impl Open {
    fn ask(&mut self, asker: Asker, command: Command, acts: &mut Vec<Act>) {
        acts.push(Act::Ask(self.line.ask(asker), Box::new(command)));
    }

    fn take(&mut self, now: Moment, bytes: &[u8], acts: &mut Vec<Act>) {
        match read(now, self.uid, bytes) {
            Ok((id, Meaning::Ping)) => self.line.note(ServerPacket::Pong { id }),
            Ok((id, Meaning::Ask(command))) => {
                if may_overlap(&command) || self.line.len() == 0 {
                    self.ask(Asker::Client(id), command, acts);
                } else {
                    self.held = Some((id, command));
                }
            }
            Err((id, reason)) => self.line.note(ServerPacket::Error { id, reason }),
        }
        self.settle(now, acts);
    }

    /// Says the answers that are known, in order, and goes on with the command that waited for them.
    fn settle(&mut self, now: Moment, acts: &mut Vec<Act>) {
        while let Some(settled) = self.line.next_settled() {
            match settled {
                Settled::Known(answer) => acts.push(said(&answer)),
                Settled::Answered(Asker::Client(id), answer) => {
                    acts.push(said(&outbound::answer(id, answer)));
                }
                Settled::Answered(Asker::Proof(run), Err(_)) => self.proof.not_kept(now, run),
                Settled::Answered(Asker::Proof(_) | Asker::Nobody, _) => {}
            }
        }
        if self.line.len() == 0
            && let Some((id, command)) = self.held.take()
        {
            // Whatever held the bytes back was not the client's silence.
            self.proof.excuse(now);
            self.ask(Asker::Client(id), command, acts);
        }
    }

    fn ping(&mut self, now: Moment, acts: &mut Vec<Act>) {
        acts.extend(self.proof.ping(now).map(Act::Probe));
    }

    fn is_hungry(&self) -> bool {
        self.held.is_none() && self.line.len() < UNANSWERED_MAX
    }
}

/// Whether a command may be asked before those before it are answered.
fn may_overlap(command: &Command) -> bool {
    matches!(command, Command::Send(_))
}

fn said(packet: &ServerPacket) -> Act {
    Act::Say(packet.write())
}

/// What a message means, and the id to answer under; or why it means nothing, and under which id to say so.
fn read(now: Moment, sender: Uid, bytes: &[u8]) -> Result<(Id, Meaning), (Option<Id>, String)> {
    let text = std::str::from_utf8(bytes);
    let text = text.map_err(|_| (None, "the message is not UTF-8".to_owned()))?;
    let packet =
        ClientPacket::read(text).map_err(|Refused { id, refusal }| (id, refusal.sentence))?;
    let id = packet.id.clone();
    match inbound::meaning(now, sender, packet) {
        Ok(meaning) => Ok((id, meaning)),
        Err(sentence) => Err((Some(id), sentence)),
    }
}

impl Machine for PacketSession {
    fn hear(&mut self, now: Moment, bytes: &[u8], acts: &mut Vec<Act>) {
        if let State::Open(open) = &mut self.state {
            open.take(now, bytes, acts);
        }
    }

    fn told(&mut self, now: Moment, event: Event, acts: &mut Vec<Act>) {
        let State::Open(open) = &mut self.state else {
            return;
        };
        match event {
            Event::Answer(ticket, answer) => {
                open.line.answered(ticket, *answer);
                open.settle(now, acts);
            }
            Event::Message(message) => {
                acts.push(said(&outbound::pushed(&message)));
                open.proof.pushed(message.id);
                open.ping(now, acts);
            }
            Event::Ended(end) => self.end(Fault::from(end), acts),
            // Packets have no words for these; what lasts of them can be asked for over REST.
            Event::Received(_) | Event::Noticed(_) | Event::Posted(..) | Event::Handed(_) => {}
        }
    }

    fn admitted(&mut self, _: Moment, _: Result<Admitted, Denial>, _: &mut Vec<Act>) {
        // The door has looked at the token; nothing else logs in here.
    }

    fn woken(&mut self, now: Moment, acts: &mut Vec<Act>) {
        let State::Open(open) = &mut self.state else {
            return;
        };
        if open.expires_ms.is_some_and(|at| now.steady_ms >= at) {
            return self.end(Fault::invalid_token(), acts);
        }
        if !open.is_hungry() {
            // The pong may well have come: nobody has listened.
            open.proof.excuse(now);
        }
        if open.proof.is_lost(now) {
            return self.end(Fault::silent(PONG_WITHIN_MS), acts);
        }
        open.ping(now, acts);
    }

    fn mishap(&mut self, _: Moment, mishap: Mishap, acts: &mut Vec<Act>) {
        if matches!(self.state, State::Closed) {
            return;
        }
        let fault = match mishap {
            Mishap::TooLarge(max) => Fault::too_large("bytes", max),
            Mishap::TooManyFragments(max) => Fault::too_large("fragments", max),
            Mishap::Stopping => Fault::from(End::Stopping),
        };
        self.end(fault, acts);
    }

    fn proved(&mut self, now: Moment, mark: u64, acts: &mut Vec<Act>) {
        let State::Open(open) = &mut self.state else {
            return;
        };
        if let Some(run) = open.proof.proved(mark) {
            let arrived = Command::Acknowledge {
                last: run.last,
                after: Some(Pushed {
                    after: run.after,
                    by: Ears::ALL,
                }),
            };
            open.ask(Asker::Proof(run), arrived, acts);
        }
        open.ping(now, acts);
    }

    fn is_full(&self) -> bool {
        matches!(self.state, State::Entering(_))
    }

    fn go_on(&mut self, now: Moment, acts: &mut Vec<Act>) {
        self.enter(now, acts);
    }

    fn hungry(&self) -> bool {
        match &self.state {
            State::Open(open) => open.is_hungry(),
            State::Entering(_) | State::Closed => false,
        }
    }

    fn wake_at_ms(&self) -> Option<u64> {
        let State::Open(open) = &self.state else {
            return None;
        };
        let wake_at_ms = open.proof.wake_at_ms();
        Some(open.expires_ms.map_or(wake_at_ms, |at| at.min(wake_at_ms)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::command::Reply;
    use crate::broker::command::Ticket;
    use crate::broker::message::MessageId;
    use crate::broker::message::MsgId;
    use crate::broker::refusal::Refusal;
    use crate::broker::users::Person;

    /// A session that has said `L` and been answered all that it asked at the beginning.
    fn open_session() -> PacketSession {
        let admitted = Admitted {
            person: Person {
                uid: Uid::new(1).unwrap(),
                name: "li".into(),
            },
            token: None,
            expires_s: None,
            device: None,
        };
        let mut session = PacketSession::new(Door {
            admitted,
            session_name: "s".to_owned(),
        });
        assert!(session.is_full() && !session.hungry(), "it speaks first");
        let mut acts = Vec::new();
        session.go_on(Moment::default(), &mut acts);
        for ticket in asked(&acts) {
            answer(&mut session, ticket, Ok(Reply::Done));
        }
        assert!(!session.is_full() && session.hungry());
        session
    }

    fn asked(acts: &[Act]) -> Vec<Ticket> {
        let ticket = |act: &Act| match act {
            Act::Ask(ticket, _) => Some(*ticket),
            _ => None,
        };
        acts.iter().filter_map(ticket).collect()
    }

    /// The ids of what was said.
    fn said(acts: &[Act]) -> Vec<u64> {
        let id = |act: &Act| match act {
            Act::Say(text) => {
                let packet: serde_json::Value = serde_json::from_str(text).expect("JSON");
                packet["id"].as_u64()
            }
            _ => None,
        };
        acts.iter().filter_map(id).collect()
    }

    fn hear(session: &mut PacketSession, text: &str) -> Vec<Act> {
        let mut acts = Vec::new();
        session.hear(Moment::default(), text.as_bytes(), &mut acts);
        acts
    }

    fn answer(
        session: &mut PacketSession,
        ticket: Ticket,
        answer: Result<Reply, Refusal>,
    ) -> Vec<Act> {
        let mut acts = Vec::new();
        let event = Event::Answer(ticket, Box::new(answer));
        session.told(Moment::default(), event, &mut acts);
        acts
    }

    fn sent() -> Result<Reply, Refusal> {
        Ok(Reply::Sent {
            id: MessageId(1),
            msg_id: MsgId([0; 20]),
            time_ms: 0,
            reach: None,
        })
    }

    #[test]
    fn answers_keep_the_order_of_the_packets_and_questions_wait_for_those_before_them() {
        let mut session = open_session();
        let first = asked(&hear(
            &mut session,
            r#"{"id":1,"to":2,"type":"t","msg":"x"}"#,
        ));
        assert_eq!(hear(&mut session, r#"{"id":2,"type":"P"}"#), []);
        assert_eq!(hear(&mut session, r#"{"id":3,"type":"H","msg":0}"#), []);
        assert!(!session.hungry(), "nothing overtakes the question");
        let acts = answer(&mut session, first[0], sent());
        assert_eq!(said(&acts), [1, 2]);
        let third = asked(&acts);
        assert!(session.hungry());
        let empty = Reply::History {
            messages: Vec::new(),
            more: false,
        };
        let acts = answer(&mut session, third[0], Ok(empty));
        assert_eq!(said(&acts), [3]);
    }

    #[test]
    fn a_session_with_too_much_unanswered_is_not_read() {
        let mut session = open_session();
        let text = r#"{"id":1,"to":2,"type":"t","msg":"x"}"#;
        let mut tickets = Vec::new();
        while session.hungry() {
            tickets.extend(asked(&hear(&mut session, text)));
        }
        assert_eq!(tickets.len(), UNANSWERED_MAX);
        answer(&mut session, tickets[0], sent());
        assert!(session.hungry());
    }
}
