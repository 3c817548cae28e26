//! The one loop: a connection, a machine, the broker and the time, tied together. Knows no protocol.

use std::future::Future;
use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio::time::sleep_until;
use tokio::time::timeout;

use crate::auth::Auth;
use crate::broker::Broker;
use crate::broker::event::Event;
use crate::broker::sessions::Session;
use crate::gateways::Act;
use crate::gateways::Admitted;
use crate::gateways::Credentials;
use crate::gateways::Farewell;
use crate::gateways::Machine;
use crate::gateways::Mishap;
use crate::gateways::clock::Clock;
use crate::gateways::tally::Tally;
use crate::transports::Link;
use crate::transports::Lost;

/// How long a client may take to take what is sent to it (CONTRACT section 9).
const STALL_AFTER: Duration = Duration::from_secs(30);

/// Messages read, and events taken, before what they led to is sent.
const TURN_MAX: usize = 64;

/// What every connection needs of the rest.
#[derive(Clone)]
pub struct Context {
    /// The broker.
    pub broker: Arc<Broker>,
    /// Who may come in.
    pub auth: Arc<Auth>,
    /// The time.
    pub clock: Clock,
    /// What is counted.
    pub tally: Arc<Tally>,
    /// Becomes true when the process is to stop.
    pub stopping: watch::Receiver<bool>,
}

type Admission = Pin<Box<dyn Future<Output = Result<Admitted, String>> + Send>>;

/// What is known of one connection while its loop runs.
struct Drive<L, M> {
    context: Context,
    link: L,
    machine: M,
    session: Option<Arc<Session>>,
    admission: Option<Admission>,
}

/// Runs a connection until it is over.
pub async fn drive<L: Link, M: Machine>(context: Context, link: L, machine: M) {
    let mut drive = Drive {
        context,
        link,
        machine,
        session: None,
        admission: None,
    };
    let farewell = drive.run().await;
    if let Some(session) = &drive.session {
        drive.context.broker.close(session);
    }
    if let Some(Farewell { code, reason }) = farewell {
        drive.link.close(code, reason).await;
    }
}

impl<L: Link, M: Machine> Drive<L, M> {
    /// How to say good-bye, if there is still somebody to say it to.
    async fn run(&mut self) -> Option<Farewell> {
        loop {
            let mut acts = Vec::new();
            if let Err(farewell) = self.turn(&mut acts).await {
                return farewell;
            }
            if acts.is_empty() {
                continue;
            }
            let farewell = match self.perform(acts) {
                Ok(farewell) => farewell,
                Err(lost) => return parting(lost),
            };
            match timeout(STALL_AFTER, self.link.flush())
                .await
                .unwrap_or(Err(Lost::Stalled))
            {
                Ok(()) if farewell.is_some() => return farewell,
                Ok(()) => {}
                Err(lost) => return parting(lost),
            }
        }
    }

    /// Waits for the next thing to happen and lets the machine say what to do. The error is the end.
    async fn turn(&mut self, acts: &mut Vec<Act>) -> Result<(), Option<Farewell>> {
        let Context {
            broker,
            clock,
            stopping,
            ..
        } = &mut self.context;
        let wake_at = self.machine.wake_at_ms().map(|ms| clock.instant(ms));
        tokio::select! {
            heard = self.link.hear(), if self.machine.hungry() => {
                let mut heard = heard;
                for _ in 0..TURN_MAX {
                    match heard {
                        Ok(bytes) => self.machine.hear(clock.now(), &bytes, acts),
                        Err(Lost::TooLarge(max)) => {
                            self.machine.mishap(clock.now(), Mishap::TooLarge(max), acts);
                            break;
                        }
                        // What was read before the end still counts.
                        Err(_) if !acts.is_empty() => break,
                        Err(lost) => return Err(parting(lost)),
                    }
                    if !self.machine.hungry() {
                        break;
                    }
                    match self.link.hear().now_or_never() {
                        Some(more) => heard = more,
                        None => break,
                    }
                }
            }
            () = rung(self.session.as_deref()) => {
                let mut events: Vec<Event> = Vec::new();
                if let Some(session) = &self.session {
                    broker.take(session, &mut events, TURN_MAX);
                }
                for event in events {
                    self.machine.told(clock.now(), event, acts);
                }
            }
            admission = answered(&mut self.admission) => {
                self.admission = None;
                self.machine.admitted(clock.now(), admission, acts);
            }
            () = at(wake_at) => self.machine.woken(clock.now(), acts),
            // A session is told by the broker, after everything else that it is told.
            stop = stopping.wait_for(|stopping| *stopping), if self.session.is_none() => {
                drop(stop);
                self.machine.mishap(clock.now(), Mishap::Stopping, acts);
            }
        }
        Ok(())
    }

    fn perform(&mut self, acts: Vec<Act>) -> Result<Option<Farewell>, Lost> {
        for act in acts {
            match act {
                Act::Say(message) => self.link.say(message)?,
                Act::Ask(ticket, command) => {
                    if let Some(session) = &self.session {
                        let Context { broker, clock, .. } = &self.context;
                        broker.ask(clock.now(), session, ticket, command);
                    }
                }
                Act::LogIn(credentials) => {
                    let Context { auth, clock, .. } = &self.context;
                    self.admission = Some(Box::pin(admit(Arc::clone(auth), *clock, credentials)));
                }
                Act::Enter(admitted) => {
                    self.session = Some(self.context.broker.open(admitted.person, admitted.token));
                }
                Act::Stale => self.context.tally.stale.add(),
                Act::Close(farewell) => return Ok(Some(farewell)),
            }
        }
        Ok(None)
    }
}

/// What to say when a connection is lost: nothing, unless it still can be heard.
fn parting(lost: Lost) -> Option<Farewell> {
    match lost {
        Lost::Gone | Lost::Stalled => None,
        Lost::TooLarge(_) => Some(Farewell {
            code: 1009,
            reason: "message too large",
        }),
        Lost::Malformed => Some(Farewell {
            code: 1007,
            reason: "malformed message",
        }),
    }
}

async fn admit(
    auth: Arc<Auth>,
    clock: Clock,
    credentials: Credentials,
) -> Result<Admitted, String> {
    let now = clock.now();
    match credentials {
        Credentials::Token(token) => auth.session(now, &token).await.map(Admitted::from),
        Credentials::Password { name, password } => {
            auth.log_in(now, &name, &password)
                .await
                .map(|(person, _)| Admitted {
                    person,
                    token: None,
                    expires_s: None,
                })
        }
    }
    .map_err(|denial| denial.sentence())
}

async fn rung(session: Option<&Session>) {
    match session {
        Some(session) => session.rung().await,
        None => pending().await,
    }
}

async fn answered(admission: &mut Option<Admission>) -> Result<Admitted, String> {
    match admission {
        Some(admission) => admission.await,
        None => pending().await,
    }
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => pending().await,
    }
}
