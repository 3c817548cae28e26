//! One Socket.IO connection, from its first namespace to its end.
//!
//! ```text
//!   Waiting ──a log-in──▶ Admitting ──the credentials are good──▶ Open ──`/` is left──▶ Closed
//!      ▲  │                  │                                      │                     ▲
//!      │  └─ the deadline ───┼──────────────────────────────────────┼─ token, broker ─────┤
//!      └── refused (001, 002)┴─ refused (000) ────────────────────────────────────────────┘
//! ```

use sha1::Digest;
use sha1::Sha1;

use crate::auth::Denial;
use crate::broker::event::End;
use crate::broker::event::Event;
use crate::broker::moment::Moment;
use crate::gateways::Act;
use crate::gateways::Admitted;
use crate::gateways::Machine;
use crate::gateways::Mishap;
use crate::gateways::socketio::dialects;
use crate::gateways::socketio::dialects::First;
use crate::gateways::socketio::dialects::Greeting;
use crate::gateways::socketio::dialects::LogIn;
use crate::gateways::socketio::dialects::conversations;
use crate::gateways::socketio::dialects::rooms;
use crate::gateways::socketio::dialects::typed;
use crate::gateways::socketio::open::Open;
use crate::gateways::socketio::open::Speaking;
use crate::gateways::socketio::refusal::Fault;
use crate::gateways::socketio::refusal::Parting;
use crate::gateways::socketio::wire;
use crate::gateways::socketio::wire::Heard;
use crate::gateways::socketio::wire::Joined;
use crate::gateways::socketio::wire::Namespace;

/// The log-in must come, and be found good, within this time, in milliseconds: as CONNECT (CONTRACT section 4).
const LOG_IN_WITHIN_MS: u64 = 10_000;

/// How a connection came in.
#[derive(Clone)]
pub struct Door {
    /// Random bytes, made for this connection alone: its session token and its msgIDs come of them. A machine makes no
    /// chance of its own.
    pub secret: [u8; 32],
}

impl Door {
    /// Twenty bytes that nobody can guess, others for each `purpose`.
    pub(super) fn random(&self, purpose: &str) -> [u8; 20] {
        let digest = Sha1::new().chain_update(self.secret).chain_update(purpose);
        digest.finalize().into()
    }
}

/// Secrets stay out of logs.
impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Door { … }")
    }
}

/// The machine of one Socket.IO connection.
pub struct SocketIoSession {
    door: Door,
    joined: Joined,
    /// The socket's id.
    socket: String,
    state: State,
}

enum State {
    Waiting {
        until_ms: u64,
    },
    Admitting {
        log_in: Box<LogIn>,
        until_ms: u64,
    },
    Open {
        open: Box<dyn Open>,
        /// When the token ends, on the steady clock.
        expires_ms: Option<u64>,
    },
    Closed,
}

impl SocketIoSession {
    /// A machine for a connection that was opened now.
    pub fn new(now: Moment, door: Door) -> Self {
        Self {
            door,
            joined: Joined::default(),
            socket: String::new(),
            state: State::Waiting {
                until_ms: now.steady_ms + LOG_IN_WITHIN_MS,
            },
        }
    }

    fn join(&mut self, namespace: Namespace, socket: Option<String>, acts: &mut Vec<Act>) {
        self.joined.set(namespace, true);
        if namespace == Namespace::Root {
            self.socket = socket.unwrap_or_default();
            acts.push(conversations::connected(&self.socket));
        }
    }

    fn leave(&mut self, namespace: Namespace, acts: &mut Vec<Act>) {
        self.joined.set(namespace, false);
        if namespace == Namespace::Root {
            // What logs in goes by `/`; who leaves it logs out.
            acts.push(Act::Close(Parting::wished().farewell));
            self.state = State::Closed;
        }
    }

    /// What the client emits before it is logged in.
    fn first(&mut self, until_ms: u64, event: &wire::Event, acts: &mut Vec<Act>) {
        match dialects::first(event, &self.socket, acts) {
            First::LogIn(log_in) => {
                acts.push(Act::LogIn(log_in.credentials.clone()));
                self.state = State::Admitting { log_in, until_ms };
            }
            First::Over => self.end(&Parting::refused(), acts),
            First::Refused => {}
        }
    }

    fn enter(&mut self, now: Moment, log_in: LogIn, mut admitted: Admitted, acts: &mut Vec<Act>) {
        let left_ms = |expires_s: u64| expires_s.saturating_mul(1_000).saturating_sub(now.epoch_ms);
        let expires_ms = admitted
            .expires_s
            .map(|s| now.steady_ms.saturating_add(left_ms(s)));
        admitted.device = log_in.device;
        let me = admitted.person.clone();
        acts.push(Act::Enter(Box::new(admitted)));
        let open: Box<dyn Open> = match log_in.greeting {
            Greeting::Rooms => {
                acts.push(rooms::verdict(rooms::WELCOME));
                Speaking::begin(rooms::Rooms::default(), me, acts)
            }
            Greeting::Conversations(greeting) => {
                let dialect =
                    conversations::Conversations::greet(greeting, self.door.clone(), acts);
                Speaking::begin(dialect, me, acts)
            }
            Greeting::Typed => {
                acts.push(typed::registered());
                Speaking::begin(typed::Typed, me, acts)
            }
        };
        self.state = State::Open { open, expires_ms };
    }

    fn refuse_log_in(
        &mut self,
        log_in: LogIn,
        until_ms: u64,
        denial: &Denial,
        acts: &mut Vec<Act>,
    ) {
        self.state = State::Waiting { until_ms };
        let fault = Fault::new(denial.code(), denial.sentence());
        match log_in.greeting {
            Greeting::Rooms => {
                acts.push(rooms::verdict(rooms::INVALID));
                self.end(&Parting::refused(), acts);
            }
            Greeting::Conversations(greeting) => greeting.refuse(&fault, acts),
            Greeting::Typed => typed::refuse_unregistered(&fault, acts),
        }
    }

    fn end(&mut self, parting: &Parting, acts: &mut Vec<Act>) {
        match &self.state {
            State::Open { open, .. } => open.part(parting, acts),
            State::Waiting { .. } | State::Admitting { .. } => dialects::part(parting, acts),
            State::Closed => return,
        }
        acts.push(wire::disconnect());
        acts.push(Act::Close(parting.farewell));
        self.state = State::Closed;
    }
}

impl Machine for SocketIoSession {
    fn hear(&mut self, now: Moment, bytes: &[u8], acts: &mut Vec<Act>) {
        if matches!(self.state, State::Closed) {
            return;
        }
        let heard = match wire::read(bytes) {
            Ok(Heard::Connected(namespace, socket)) => return self.join(namespace, socket, acts),
            Ok(Heard::Disconnected(namespace)) => return self.leave(namespace, acts),
            Ok(Heard::Nothing) => return,
            Ok(Heard::Event(event)) => Ok(event),
            Err(fault) => Err(fault),
        };
        match (&mut self.state, heard) {
            (State::Open { open, .. }, heard) => open.hear(now, self.joined, heard, acts),
            (State::Waiting { until_ms }, Ok(event)) => {
                let until_ms = *until_ms;
                self.first(until_ms, &event, acts);
            }
            (State::Waiting { .. }, Err(fault)) => {
                rooms::refuse(&wire::Re::unread(), &fault, acts);
            }
            // Not hungry.
            (State::Admitting { .. } | State::Closed, _) => {}
        }
    }

    fn told(&mut self, now: Moment, event: Event, acts: &mut Vec<Act>) {
        if let State::Open { open, .. } = &mut self.state
            && let Err(parting) = open.told(now, self.joined, event, acts)
        {
            self.end(&parting, acts);
        }
    }

    fn admitted(&mut self, now: Moment, admission: Result<Admitted, Denial>, acts: &mut Vec<Act>) {
        let State::Admitting { log_in, until_ms } =
            std::mem::replace(&mut self.state, State::Closed)
        else {
            return;
        };
        let admission = admission.and_then(|admitted| match &log_in.claims {
            Some(claimed) if !claimed.means(&admitted.person) => Err(Denial::OthersToken),
            _ => Ok(admitted),
        });
        match admission {
            Ok(admitted) => self.enter(now, *log_in, admitted, acts),
            Err(denial) => self.refuse_log_in(*log_in, until_ms, &denial, acts),
        }
    }

    fn woken(&mut self, now: Moment, acts: &mut Vec<Act>) {
        let parting = match &mut self.state {
            State::Open { expires_ms, .. } if expires_ms.is_some_and(|at| now.steady_ms >= at) => {
                Parting::token_ended()
            }
            State::Open { open, .. } => return open.woken(now, acts),
            State::Waiting { until_ms } | State::Admitting { until_ms, .. }
                if now.steady_ms >= *until_ms =>
            {
                Parting::too_late()
            }
            State::Waiting { .. } | State::Admitting { .. } | State::Closed => return,
        };
        self.end(&parting, acts);
    }

    fn mishap(&mut self, _now: Moment, mishap: Mishap, acts: &mut Vec<Act>) {
        let parting = match mishap {
            Mishap::TooLarge(max) => Parting::too_large("bytes", max),
            Mishap::TooManyFragments(max) => Parting::too_large("fragments", max),
            Mishap::Stopping => Parting::from(End::Stopping),
        };
        self.end(&parting, acts);
    }

    fn proved(&mut self, now: Moment, mark: u64, acts: &mut Vec<Act>) {
        if let State::Open { open, .. } = &mut self.state {
            open.proved(now, mark, acts);
        }
    }

    fn unproved(&mut self, now: Moment, mark: u64, acts: &mut Vec<Act>) {
        if let State::Open { open, .. } = &mut self.state {
            open.unproved(now, mark, acts);
        }
    }

    /// An event leads to a bounded number of acts, and a turn hears a bounded number of events.
    fn is_full(&self) -> bool {
        false
    }

    fn go_on(&mut self, _now: Moment, _acts: &mut Vec<Act>) {}

    fn hungry(&self) -> bool {
        match &self.state {
            State::Waiting { .. } => true,
            State::Open { open, .. } => open.hungry(),
            State::Admitting { .. } | State::Closed => false,
        }
    }

    fn wake_at_ms(&self) -> Option<u64> {
        match &self.state {
            State::Waiting { until_ms } | State::Admitting { until_ms, .. } => Some(*until_ms),
            State::Open { open, expires_ms } => {
                [open.wake_at_ms(), *expires_ms].into_iter().flatten().min()
            }
            State::Closed => None,
        }
    }
}
