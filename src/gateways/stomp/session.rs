//! One STOMP connection, from CONNECT to DISCONNECT.
//!
//! ```text
//!   Waiting ──CONNECT──▶ Admitting ──the credentials are good──▶ Open ──DISCONNECT──▶ Closed
//!      │      (a token in the URL was looked at before: straight to Open)               ▲
//!      └───────────────── a fault, or the deadline: ERROR ──────────────────────────────┘
//! ```
//!
//! SEND, ACK and NACK may wait for their outcome while more of them come. Every other frame waits until those are told, so
//! that effects and RECEIPTs keep the order of the frames.

use std::sync::Arc;

use hongyan_grammar::stomp::Command as Verb;
use hongyan_grammar::stomp::Decoder;
use hongyan_grammar::stomp::Frame;
use hongyan_grammar::stomp::Limits;
use hongyan_grammar::stomp::Side;
use hongyan_grammar::stomp::Unit;
use hongyan_grammar::stomp::Version;

use crate::auth::Denial;
use crate::auth::permits::Permits;
use crate::broker::event::End;
use crate::broker::event::Event;
use crate::broker::limits::UNANSWERED_MAX;
use crate::broker::moment::Moment;
use crate::gateways::Act;
use crate::gateways::Admitted;
use crate::gateways::Machine;
use crate::gateways::Mishap;
use crate::gateways::stomp::connect;
use crate::gateways::stomp::connect::Connect;
use crate::gateways::stomp::heartbeat::Beats;
use crate::gateways::stomp::open;
use crate::gateways::stomp::open::Next;
use crate::gateways::stomp::open::Open;
use crate::gateways::stomp::outbound;
use crate::gateways::stomp::refusal::Fault;
use crate::gateways::stomp::shared::Wire;

/// CONNECT must come within this time, in milliseconds (CONTRACT section 4).
const CONNECT_WITHIN_MS: u64 = 10_000;

/// Acts that what was heard may lead to before they are done: many small frames come in one message.
const ACTS_MAX: usize = 256;

/// How a connection came in.
#[derive(Clone, Debug, Default)]
pub struct Door {
    /// Who it is, where a token in the URL has said so.
    pub admitted: Option<Admitted>,
    /// The version of the WebSocket subprotocol that was echoed.
    pub subprotocol: Option<Version>,
    /// Whether a browser is at the other end (it sent an Origin).
    pub from_browser: bool,
    /// A name for the session, unlike that of others, without spaces.
    pub session_name: String,
    /// Most bytes of a frame after log-in (`--max-frame`).
    pub frame_bytes_max: usize,
    /// Whether the transport carries nothing but text, as SockJS does.
    pub text_only: bool,
    /// Who may use which topics.
    pub permits: Arc<Permits>,
}

/// The machine of one STOMP connection.
pub struct StompSession {
    decoder: Decoder,
    door: Door,
    state: State,
    /// That frames wait to be read until the acts so far are done.
    full: bool,
}

enum State {
    Waiting { until_ms: u64 },
    Admitting { connect: Connect, until_ms: u64 },
    Open(Box<Open>),
    Closed,
}

impl StompSession {
    /// A machine for a connection that was opened now.
    pub fn new(now: Moment, door: Door) -> Self {
        Self {
            decoder: Decoder::new(Side::Server, Limits::before_log_in()),
            door,
            state: State::Waiting {
                until_ms: now.steady_ms + CONNECT_WITHIN_MS,
            },
            full: false,
        }
    }

    fn version(&self) -> Version {
        match &self.state {
            State::Open(open) => open.wire.version,
            State::Admitting { connect, .. } => connect.version,
            State::Waiting { .. } | State::Closed => self.door.subprotocol.unwrap_or(Version::V1_0),
        }
    }

    /// Reads what is buffered, as far as frames may be taken now.
    fn read_on(&mut self, now: Moment, acts: &mut Vec<Act>) {
        while self.hungry() {
            if acts.len() >= ACTS_MAX {
                self.full = true;
                return;
            }
            match self.decoder.next() {
                Ok(None) => return,
                Ok(Some(Unit::Beat)) => {}
                Ok(Some(Unit::Frame(frame))) => self.take(now, frame, acts),
                Err(refusal) => return self.fail(&Fault::from(refusal), None, acts),
            }
        }
    }

    fn take(&mut self, now: Moment, frame: Frame, acts: &mut Vec<Act>) {
        let receipt = frame.headers.get("receipt").map(str::to_owned);
        let taken = match (&mut self.state, frame.command) {
            (State::Waiting { .. }, Verb::Connect | Verb::Stomp) => {
                return self.connect(now, &frame, acts);
            }
            (State::Waiting { .. }, _) => Err(Fault::new(
                "not-connected",
                "the first frame must be CONNECT or STOMP",
            )),
            (State::Open(open), _) if open::may_overlap(&frame) || open.order.len() == 0 => {
                open.take(&frame, acts)
            }
            (State::Open(open), _) => {
                open.held = Some(frame);
                return;
            }
            (State::Admitting { .. } | State::Closed, _) => Ok(Next::Stay),
        };
        match taken {
            Ok(Next::Stay) => self.settle(acts),
            Ok(Next::Close) => self.state = State::Closed,
            Err(fault) => self.fail(&fault, receipt.as_deref(), acts),
        }
    }

    fn connect(&mut self, now: Moment, frame: &Frame, acts: &mut Vec<Act>) {
        let receipt = frame.headers.get("receipt");
        let connect = match connect::read(frame, self.door.subprotocol) {
            Ok(connect) => connect,
            Err(fault) => return self.fail(&fault, receipt, acts),
        };
        if let Some(admitted) = self.door.admitted.take() {
            return self.enter(now, &connect, admitted, acts);
        }
        match connect::credentials(frame) {
            Some(credentials) => {
                acts.push(Act::LogIn(credentials));
                let until_ms = now.steady_ms + CONNECT_WITHIN_MS;
                self.state = State::Admitting { connect, until_ms };
            }
            None => {
                let sentence = "no token: give it in the URL (?srect=…), in the header srect or Authorization, \
                     or give login and passcode";
                self.fail(&Fault::access_refused(sentence), receipt, acts);
            }
        }
    }

    fn enter(&mut self, now: Moment, connect: &Connect, admitted: Admitted, acts: &mut Vec<Act>) {
        let offer = connect.wish.offer(self.door.from_browser);
        let left_ms = |expires_s: u64| expires_s.saturating_mul(1_000).saturating_sub(now.epoch_ms);
        self.decoder.set_version(connect.version);
        self.decoder
            .set_limits(Limits::after(self.door.frame_bytes_max));
        let expires_ms = admitted
            .expires_s
            .map(|s| now.steady_ms.saturating_add(left_ms(s)));
        let beats = Beats::agreed(now, offer);
        let wire = Wire {
            version: connect.version,
            text_only: self.door.text_only,
        };
        let permits = Arc::clone(&self.door.permits);
        let open = Open::new(wire, admitted.person.clone(), permits, beats, expires_ms);
        self.state = State::Open(Box::new(open));
        acts.push(Act::Enter(Box::new(admitted)));
        let connected = outbound::connected(connect.version, &self.door.session_name, offer);
        acts.push(Act::Say(connected));
        if let Some(receipt) = &connect.receipt {
            acts.push(Act::Say(outbound::receipt(connect.version, receipt)));
        }
    }

    /// Tells the outcomes that are known, in order, and goes on with the frame that waited for them.
    fn settle(&mut self, acts: &mut Vec<Act>) {
        let State::Open(open) = &mut self.state else {
            return;
        };
        while let Some((place, outcome)) = open.order.next_settled() {
            if let Err(fault) = open.tell(place.telling, outcome, acts) {
                return self.fail(&fault, place.receipt.as_deref(), acts);
            }
            if let Some(receipt) = place.receipt {
                acts.push(Act::Say(outbound::receipt(open.wire.version, &receipt)));
            }
        }
    }

    fn resume(&mut self, now: Moment, acts: &mut Vec<Act>) {
        self.settle(acts);
        if let State::Open(open) = &mut self.state
            && open.order.len() == 0
            && let Some(frame) = open.held.take()
        {
            // Whatever held the bytes back was not the client's silence.
            open.beats.heard(now);
            self.take(now, frame, acts);
        }
        self.read_on(now, acts);
    }

    fn fail(&mut self, fault: &Fault, receipt: Option<&str>, acts: &mut Vec<Act>) {
        acts.push(Act::Say(outbound::error(self.version(), fault, receipt)));
        acts.push(Act::Close(fault.farewell));
        self.state = State::Closed;
    }
}

impl Machine for StompSession {
    fn hear(&mut self, now: Moment, bytes: &[u8], acts: &mut Vec<Act>) {
        let said_before = acts.len();
        if let State::Open(open) = &mut self.state {
            open.beats.heard(now);
        }
        self.decoder.feed(bytes);
        self.read_on(now, acts);
        self.note_said(now, &acts[said_before..]);
    }

    fn told(&mut self, now: Moment, event: Event, acts: &mut Vec<Act>) {
        let said_before = acts.len();
        let State::Open(open) = &mut self.state else {
            return;
        };
        match event {
            Event::Answer(ticket, answer) => {
                open.order.answered(ticket, *answer);
                self.resume(now, acts);
            }
            Event::Ended(end) => self.fail(&Fault::from(end), None, acts),
            Event::Message(_)
            | Event::Received(_)
            | Event::Posted(..)
            | Event::Handed(_)
            | Event::Noticed(_) => {
                open.hear_of(&event, acts);
            }
        }
        self.note_said(now, &acts[said_before..]);
    }

    fn admitted(&mut self, now: Moment, admission: Result<Admitted, Denial>, acts: &mut Vec<Act>) {
        let State::Admitting { connect, .. } = std::mem::replace(&mut self.state, State::Closed)
        else {
            return;
        };
        match admission {
            Ok(admitted) => {
                self.enter(now, &connect, admitted, acts);
                self.read_on(now, acts);
            }
            Err(denial) => self.fail(
                &Fault::access_refused(denial.sentence()),
                connect.receipt.as_deref(),
                acts,
            ),
        }
    }

    fn woken(&mut self, now: Moment, acts: &mut Vec<Act>) {
        if let (false, State::Open(open)) = (self.hungry(), &mut self.state) {
            // It may well have spoken: nobody has listened.
            open.beats.heard(now);
        }
        let fault = match &mut self.state {
            State::Waiting { until_ms } | State::Admitting { until_ms, .. }
                if now.steady_ms >= *until_ms =>
            {
                Fault::new(
                    "connect-timeout",
                    "CONNECT must come within 10 seconds of the connection",
                )
            }
            State::Open(open) if open.expires_ms.is_some_and(|at| now.steady_ms >= at) => {
                Fault::access_refused("invalid token")
            }
            State::Open(open) if open.beats.lost(now) => Fault::new(
                "heartbeat-timeout",
                format!(
                    "nothing came from you for {} ms; send at least a newline",
                    open.beats.silence_ms_max()
                ),
            ),
            State::Open(open) if open.beats.due(now) => {
                open.beats.said(now);
                acts.push(Act::Say("\n".to_owned()));
                return;
            }
            _ => return,
        };
        self.fail(&fault, None, acts);
    }

    fn mishap(&mut self, _now: Moment, mishap: Mishap, acts: &mut Vec<Act>) {
        let fault = match (mishap, &self.state) {
            (_, State::Closed) => return,
            (Mishap::TooLarge(max), _) => Fault::too_large("bytes in a message", max),
            (Mishap::TooManyFragments(max), _) => Fault::too_large("fragments in a message", max),
            (Mishap::Stopping, _) => Fault::from(End::Stopping),
        };
        self.fail(&fault, None, acts);
    }

    fn is_full(&self) -> bool {
        self.full
    }

    fn go_on(&mut self, now: Moment, acts: &mut Vec<Act>) {
        self.full = false;
        self.read_on(now, acts);
        self.note_said(now, acts);
    }

    fn hungry(&self) -> bool {
        match &self.state {
            State::Waiting { .. } => true,
            State::Open(open) => {
                !self.full && open.held.is_none() && open.order.len() < UNANSWERED_MAX
            }
            State::Admitting { .. } | State::Closed => false,
        }
    }

    fn wake_at_ms(&self) -> Option<u64> {
        match &self.state {
            State::Waiting { until_ms } | State::Admitting { until_ms, .. } => Some(*until_ms),
            State::Open(open) => [open.beats.wake_at_ms(), open.expires_ms]
                .into_iter()
                .flatten()
                .min(),
            State::Closed => None,
        }
    }
}

impl StompSession {
    fn note_said(&mut self, now: Moment, acts: &[Act]) {
        if let State::Open(open) = &mut self.state
            && acts
                .iter()
                .any(|act| matches!(act, Act::Say(_) | Act::SayBytes(_)))
        {
            open.beats.said(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::users::Person;
    use crate::broker::users::Uid;

    /// A session that is logged in, and subscribed to its errors.
    fn open_session() -> StompSession {
        let person = Person {
            uid: Uid::new(1).unwrap(),
            name: "li".into(),
        };
        let admitted = Admitted {
            person,
            token: None,
            expires_s: None,
            device: None,
        };
        let door = Door {
            admitted: Some(admitted),
            session_name: "s".to_owned(),
            frame_bytes_max: 4_096,
            ..Door::default()
        };
        let mut session = StompSession::new(Moment::default(), door);
        let begin = "CONNECT\naccept-version:1.2\n\n\0SUBSCRIBE\nid:s\ndestination:/user/queue/status\n\n\0";
        session.hear(Moment::default(), begin.as_bytes(), &mut Vec::new());
        session
    }

    #[test]
    fn many_frames_in_one_message_are_answered_a_few_at_a_time() {
        const FRAMES: usize = 10_000;
        let mut session = open_session();
        let bad = "SEND\ndestination:/socket/chat/send\n\n{\0".repeat(FRAMES);
        let mut acts = Vec::new();
        session.hear(Moment::default(), bad.as_bytes(), &mut acts);
        let mut answered = acts.len();
        while session.is_full() {
            assert!(!session.hungry(), "nothing more may come in between");
            acts.clear();
            session.go_on(Moment::default(), &mut acts);
            assert!(acts.len() <= ACTS_MAX, "{} acts at once", acts.len());
            answered += acts.len();
        }
        assert_eq!(answered, FRAMES);
        assert!(session.hungry());
    }
}
