//! Gateways give bytes their meaning. Each protocol is a [`Machine`] without I/O or a clock; [`drive`] is the one loop that
//! ties a machine to its connection, to the broker and to time.

mod admission;
pub mod clock;
pub mod drive;
pub mod envelope;
pub mod json;
pub mod packets;
pub mod page;
mod parting;
pub mod rest;
pub mod socketio;
pub mod stomp;
pub mod tally;
pub mod url;
pub mod webhook;

use std::sync::Arc;

use crate::auth::Denial;
use crate::auth::Login;
use crate::broker::Broker;
use crate::broker::command::Command;
use crate::broker::command::Ticket;
use crate::broker::event::Event;
use crate::broker::moment::Moment;
use crate::broker::ports::TokenId;
use crate::broker::sessions::Session;
use crate::broker::users::Person;
use crate::broker::users::UserKey;

/// What a client shows to be let in.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// A session token.
    Token(String),
    /// A name and a password.
    Password {
        /// The user's name.
        name: String,
        /// The password as typed.
        password: String,
    },
    /// Nothing but a name or a uid, which is enough only with `--trust-login`.
    Trusted(UserKey),
}

/// Secrets stay out of logs.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "Token(…)",
            Self::Password { .. } => "Password { … }",
            Self::Trusted(_) => "Trusted(…)",
        })
    }
}

/// A user whose credentials were good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// Who.
    pub person: Person,
    /// The token that opened the session; none where a password did.
    pub token: Option<TokenId>,
    /// When the token ends, seconds since the Unix epoch.
    pub expires_s: Option<u64>,
    /// Which device it is, where a user may have but one session of the kind (seed 002).
    pub device: Option<String>,
}

impl Admitted {
    /// Begins the session. It may end by itself from then on, and the broker is to be told when its connection does.
    pub fn open(self, broker: &Arc<Broker>, now: Moment) -> Arc<Session> {
        broker.open(now, self.person, self.token, self.device)
    }
}

impl From<Login> for Admitted {
    fn from(login: Login) -> Self {
        Self {
            person: login.person,
            token: Some(login.token),
            expires_s: Some(login.expires_s),
            device: None,
        }
    }
}

/// How a connection is closed: a WebSocket close code (RFC 6455, 7.4) and a short reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Farewell {
    /// The code.
    pub code: u16,
    /// The reason, at most 123 bytes.
    pub reason: &'static str,
}

/// What a machine wants done, in this order. What is large is boxed: each thing said moves a few times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Send this as one message.
    Say(String),
    /// The same for a message that is no text.
    SayBytes(Vec<u8>),
    /// Ask the broker; the answer comes as an event.
    Ask(Ticket, Box<Command>),
    /// Look at these; the answer comes to [`Machine::admitted`].
    LogIn(Credentials),
    /// This user's session begins; only asked once, and before any [`Act::Ask`].
    Enter(Box<Admitted>),
    /// Count that the client spoke of something that is no more, which is no fault: it happens after a reconnection.
    Stale,
    /// Have the transport prove that all said before this has reached the client; then [`Machine::proved`] hears this
    /// mark. Marks rise, and a later one proves the earlier ones.
    Probe(u64),
    /// Close the connection; nothing follows.
    Close(Farewell),
    /// The same, for a client that has taken its leave and is about to close by itself: it is given a moment for that.
    Leave(Farewell),
}

/// What happened to the connection that the machine may still speak about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// A message was larger than the transport takes; the most it takes, in bytes.
    TooLarge(usize),
    /// A message came in more fragments than the transport takes; the most it takes.
    TooManyFragments(usize),
    /// The broker is stopping, and no session has been told yet.
    Stopping,
}

/// A protocol without I/O. It is told what happens and says what to do; time is an argument.
pub trait Machine: Send {
    /// Bytes came from the client, cut anywhere.
    fn hear(&mut self, now: Moment, bytes: &[u8], acts: &mut Vec<Act>);
    /// The broker told the session something.
    fn told(&mut self, now: Moment, event: Event, acts: &mut Vec<Act>);
    /// What became of [`Act::LogIn`].
    fn admitted(&mut self, now: Moment, admission: Result<Admitted, Denial>, acts: &mut Vec<Act>);
    /// The time that [`Self::wake_at_ms`] named has come, or an earlier one.
    fn woken(&mut self, now: Moment, acts: &mut Vec<Act>);
    /// Something is wrong with the connection.
    fn mishap(&mut self, now: Moment, mishap: Mishap, acts: &mut Vec<Act>);
    /// All said before [`Act::Probe`] with this mark has reached the client.
    fn proved(&mut self, _now: Moment, _mark: u64, _acts: &mut Vec<Act>) {}
    /// Some of what was said before [`Act::Probe`] with this mark was thrown away, because the client had left.
    fn unproved(&mut self, _now: Moment, _mark: u64, _acts: &mut Vec<Act>) {}
    /// Whether it has stopped in the midst of what it heard, because that led to so much already: when this is done,
    /// [`Self::go_on`] is to be called before anything else.
    fn is_full(&self) -> bool;
    /// Goes on with what was heard.
    fn go_on(&mut self, now: Moment, acts: &mut Vec<Act>);
    /// Whether more bytes may be brought. While not, they wait with the client.
    fn hungry(&self) -> bool;
    /// When to wake it, on the steady clock.
    fn wake_at_ms(&self) -> Option<u64>;
}

/// The token in an `Authorization: Bearer …` value.
pub fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acts_are_small() {
        assert!(size_of::<Act>() <= 64, "{}", size_of::<Act>());
    }
}
