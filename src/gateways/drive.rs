//! The one loop: a connection, a machine, the broker and the time, tied together. Knows no protocol.

use std::future::Future;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio::time::sleep_until;
use tokio::time::timeout;

use crate::auth::Auth;
use crate::auth::Denial;
use crate::broker::Broker;
use crate::broker::command::Command;
use crate::broker::command::Ticket;
use crate::broker::event::End;
use crate::broker::event::Event;
use crate::broker::moment::Moment;
use crate::broker::payload::Post;
use crate::broker::sessions::Session;
use crate::gateways::Act;
use crate::gateways::Admitted;
use crate::gateways::Farewell;
use crate::gateways::Machine;
use crate::gateways::Mishap;
use crate::gateways::admission::Admission;
use crate::gateways::admission::admission;
use crate::gateways::admission::answered;
use crate::gateways::clock::Clock;
use crate::gateways::parting::part;
use crate::gateways::parting::parting;
use crate::gateways::tally::Tally;
use crate::transports::Heard;
use crate::transports::Link;
use crate::transports::Lost;

/// How long a client may take to take what is sent to it (CONTRACT section 9).
const STALL_AFTER: Duration = Duration::from_secs(30);

/// Messages read, and events taken, before what they led to is sent.
const TURN_MAX: usize = 64;

/// Bytes that events may have led to before those are sent: one event may go to many subscriptions.
const SAID_BYTES_MAX: usize = 256 * 1024;

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

enum Happened {
    Heard(Result<Heard, Lost>),
    Rung,
    Admitted(Result<Admitted, Denial>),
    Woken,
    Stopping,
}

/// What is known of one connection while its loop runs.
struct Drive<L, M> {
    context: Context,
    link: L,
    machine: M,
    seat: Option<Seat>,
    admission: Option<Admission>,
    /// That nothing more will come.
    lost: Option<Lost>,
    /// The client has taken its leave.
    is_leaving: bool,
}

/// A session's place at the broker, given back however the connection ends.
struct Seat {
    broker: Arc<Broker>,
    session: Arc<Session>,
    clock: Clock,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.broker.close(self.clock.now(), &self.session);
    }
}

/// Runs a connection until it is over.
///
/// Every connection holds what this returns, so it is made with care: what an `async fn` is given it has twice, once as it
/// came and once in use, while a block uses what it captured in its place.
pub fn drive<L: Link, M: Machine>(
    context: Context,
    link: L,
    machine: M,
) -> impl Future<Output = ()> + Send {
    let mut drive = Drive {
        context,
        link,
        machine,
        seat: None,
        admission: None,
        lost: None,
        is_leaving: false,
    };
    async move {
        drive.context.tally.connections_opened.add();
        let farewell = drive.run().await;
        drop(drive.seat);
        if let Some(farewell) = farewell {
            // Only who leaves needs room for this.
            Box::pin(part(drive.link, farewell, drive.is_leaving)).await;
        }
        // Not before the last words are said: a broker that stops keeps the way to them open as long.
        drive.context.tally.connections_closed.add();
    }
}

/// The end of a connection: how to say good-bye, if there is still somebody to say it to.
type Ending = Option<Farewell>;

impl<L: Link, M: Machine> Drive<L, M> {
    async fn run(&mut self) -> Ending {
        loop {
            if let Err(ending) = self.turn().await {
                return ending;
            }
        }
    }

    /// Waits for the next thing to happen, lets the machine say what to do, and does it.
    async fn turn(&mut self) -> Result<(), Ending> {
        let mut acts = Vec::new();
        if self.machine.is_full() {
            let now = self.context.clock.now();
            self.machine.go_on(now, &mut acts);
            return self.carry_out(acts).await;
        }
        if let Some(lost) = self.lost {
            return Err(parting(lost));
        }
        let happened = self.happens().await;
        let now = self.context.clock.now();
        match happened {
            Happened::Heard(heard) => self.read(heard, &mut acts),
            Happened::Rung => return self.tell(now).await,
            Happened::Admitted(admission) => {
                self.admission = None;
                if admission.is_err() {
                    self.context.tally.logins_refused.add();
                }
                self.machine.admitted(now, admission, &mut acts);
            }
            Happened::Woken => self.machine.woken(now, &mut acts),
            Happened::Stopping => self.machine.mishap(now, Mishap::Stopping, &mut acts),
        }
        self.carry_out(acts).await
    }

    /// Tells the machine what happened to its session. What comes of each event is carried out before the next, so that what
    /// one was written in serves the next as well, and is sent when all are told.
    async fn tell(&mut self, now: Moment) -> Result<(), Ending> {
        let mut events = Vec::new();
        if let Some(seat) = &self.seat {
            seat.broker.take(now, &seat.session, &mut events, TURN_MAX);
        }
        let mut acts = Vec::new();
        let (mut acted, mut said) = (false, 0);
        for event in events {
            self.machine.told(now, event, &mut acts);
            acted |= !acts.is_empty();
            said += said_bytes(&acts);
            let farewell = self.perform(&mut acts).map_err(parting)?;
            if farewell.is_some() {
                return self.send(farewell).await;
            }
            if said > SAID_BYTES_MAX {
                said = 0;
                self.send(None).await?;
            }
        }
        match acted {
            true => self.send(None).await,
            false => Ok(()),
        }
    }

    async fn carry_out(&mut self, mut acts: Vec<Act>) -> Result<(), Ending> {
        if acts.is_empty() {
            return Ok(());
        }
        let farewell = self.perform(&mut acts).map_err(parting)?;
        self.send(farewell).await
    }

    /// Sends what was said.
    async fn send(&mut self, farewell: Option<Farewell>) -> Result<(), Ending> {
        let flushed = timeout(STALL_AFTER, self.link.flush()).await;
        let flushed = flushed.unwrap_or_else(|_| {
            self.context.tally.stalled.add();
            Err(Lost::Stalled)
        });
        flushed.map_err(parting)?;
        match farewell {
            Some(farewell) => Err(Some(farewell)),
            None => Ok(()),
        }
    }

    async fn happens(&mut self) -> Happened {
        let Context {
            clock, stopping, ..
        } = &mut self.context;
        let wake_at = self.machine.wake_at_ms().map(|ms| clock.instant(ms));
        tokio::select! {
            heard = self.link.hear(), if self.machine.hungry() => Happened::Heard(heard),
            () = rung(self.seat.as_ref()) => Happened::Rung,
            admission = answered(&mut self.admission) => Happened::Admitted(admission),
            () = at(wake_at) => Happened::Woken,
            // A session is told by the broker, after everything else that it is told.
            _ = stopping.wait_for(|stopping| *stopping), if self.seat.is_none() => Happened::Stopping,
        }
    }

    /// Lets the machine hear `first` and what is there already behind it.
    fn read(&mut self, first: Result<Heard, Lost>, acts: &mut Vec<Act>) {
        let clock = self.context.clock;
        let mut heard = first;
        for left in (0..TURN_MAX).rev() {
            match heard {
                Ok(Heard::Message(bytes)) => self.machine.hear(clock.now(), &bytes, acts),
                Ok(Heard::Proved(mark)) => self.machine.proved(clock.now(), mark, acts),
                Ok(Heard::Unproved(mark)) => self.machine.unproved(clock.now(), mark, acts),
                Err(Lost::TooLarge(max)) => {
                    let mishap = Mishap::TooLarge(max);
                    return self.machine.mishap(clock.now(), mishap, acts);
                }
                Err(Lost::TooManyFragments(max)) => {
                    let mishap = Mishap::TooManyFragments(max);
                    return self.machine.mishap(clock.now(), mishap, acts);
                }
                // What was read before the end still counts.
                Err(lost) => {
                    if lost == Lost::Stalled {
                        self.context.tally.stalled.add();
                    }
                    self.lost = Some(lost);
                    return;
                }
            }
            if left == 0 || !self.machine.hungry() {
                return;
            }
            match self.link.hear().now_or_never() {
                Some(more) => heard = more,
                None => return,
            }
        }
    }

    /// Does these, up to a close. None is left.
    fn perform(&mut self, acts: &mut Vec<Act>) -> Result<Option<Farewell>, Lost> {
        let mut posts = Vec::new();
        for act in acts.drain(..) {
            let is_post = |command: &Command| matches!(command, Command::Publish(_));
            if !matches!(&act, Act::Ask(_, command) if is_post(command)) {
                self.publish(&mut posts);
            }
            match act {
                Act::Say(message) => self.link.say(message)?,
                Act::SayBytes(message) => self.link.say_bytes(message)?,
                Act::Ask(ticket, command) => match (*command, &self.seat) {
                    (Command::Publish(post), _) => posts.push((ticket, post)),
                    (command, Some(seat)) => {
                        let now = self.context.clock.now();
                        seat.broker.ask(now, &seat.session, ticket, command);
                    }
                    (_, None) => {}
                },
                Act::LogIn(credentials) => {
                    let Context { auth, clock, .. } = &self.context;
                    self.admission = Some(admission(auth, *clock, credentials));
                }
                Act::Enter(admitted) if self.is_over(&admitted) => {
                    // Of what the machine wanted to do as this user, nothing is done.
                    let now = self.context.clock.now();
                    let mut instead = Vec::new();
                    let over = Event::Ended(End::TokenRevoked);
                    self.machine.told(now, over, &mut instead);
                    return self.perform(&mut instead);
                }
                Act::Enter(admitted) => self.enter(*admitted),
                Act::Probe(mark) => self.link.probe(mark)?,
                Act::Stale => self.context.tally.stale.add(),
                Act::Close(farewell) => return Ok(Some(farewell)),
                Act::Leave(farewell) => {
                    self.is_leaving = true;
                    return Ok(Some(farewell));
                }
            }
        }
        self.publish(&mut posts);
        Ok(None)
    }

    /// Publishes what was asked for one after another.
    fn publish(&self, posts: &mut Vec<(Ticket, Arc<Post>)>) {
        if posts.is_empty() {
            return;
        }
        if let Some(Seat {
            broker, session, ..
        }) = &self.seat
        {
            broker.publish(self.context.clock.now(), session, posts);
        }
        posts.clear();
    }

    /// Whether the token has ended since it was looked at: the door looks, and a client may come in much later.
    fn is_over(&self, admitted: &Admitted) -> bool {
        let Context { auth, clock, .. } = &self.context;
        let now_s = clock.now().epoch_ms / 1_000;
        let revoked = admitted
            .token
            .as_deref()
            .is_some_and(|token| auth.is_revoked(token));
        revoked
            || admitted
                .expires_s
                .is_some_and(|expires_s| expires_s <= now_s)
    }

    fn enter(&mut self, admitted: Admitted) {
        let Context {
            broker,
            auth,
            clock,
            ..
        } = &self.context;
        let session = admitted.open(broker, clock.now());
        // The token may have been revoked between the look at it and now: whoever revokes ends only the sessions there are.
        if let Some(token) = session
            .token
            .as_deref()
            .filter(|token| auth.is_revoked(token))
        {
            broker.end_token(session.person.uid, token);
        }
        let broker = Arc::clone(broker);
        self.seat = Some(Seat {
            broker,
            session,
            clock: *clock,
        });
    }
}

fn said_bytes(acts: &[Act]) -> usize {
    let said = acts.iter().map(|act| match act {
        Act::Say(message) => message.len(),
        Act::SayBytes(message) => message.len(),
        _ => 0,
    });
    said.sum()
}

async fn rung(seat: Option<&Seat>) {
    match seat {
        Some(seat) => seat.session.rung().await,
        None => pending().await,
    }
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => pending().await,
    }
}
