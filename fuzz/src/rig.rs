//! A broker with a store in memory, some people, connections and a pretend clock: what the targets of the machines share.
//!
//! It does for a machine what the real loop does, at once and in one thread, and holds every machine to what all of them
//! promise. What one protocol promises, its [`Ear`] knows.

mod people;

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::FutureExt;
use hongyan::broker::Broker;
use hongyan::broker::command::Command;
use hongyan::broker::command::Letter;
use hongyan::broker::command::Reply;
use hongyan::broker::event::Event;
use hongyan::broker::limits::Limits;
use hongyan::broker::message::MsgId;
use hongyan::broker::moment::Moment;
use hongyan::broker::ports::AddedUser;
use hongyan::broker::ports::QueueLimits;
use hongyan::broker::ports::Store;
use hongyan::broker::ports::outcome;
use hongyan::broker::sessions::Session;
use hongyan::broker::users::Person;
use hongyan::gateways::Act;
use hongyan::gateways::Machine;
use hongyan::gateways::Mishap;
use hongyan::stores::memory::MemoryStore;

/// Where every run begins: seed 003's own message.
pub(super) const START: Moment = Moment {
    steady_ms: 0,
    epoch_ms: 1_504_712_402_000,
};

/// Most bytes of a content here.
pub(super) const CONTENT_BYTES_MAX: usize = 1_000;

/// A token's life, seconds.
const TOKEN_LIFE_S: u64 = 3_600;

/// The people. The first two are at the connections and are friends; zhao and qian write to each other what is nobody
/// else's; sun is well-behaved.
const NAMES: [&str; 5] = ["li", "wu", "zhao", "qian", "sun"];

/// What zhao and qian write to each other. A fuzzer sees what its input is compared with, and may learn it.
pub(super) const SECRET: &str = "between zhao and qian";

/// Times that machines and broker are woken in one stretch of time; the clients have the bytes to ask for no more.
const WAKES_MAX: usize = 4_000;

/// What one client hears, and what its protocol promises it.
pub(super) trait Ear {
    /// The machine said this, as one message. `open` is whether its user's session has begun.
    fn said(&mut self, said: &[u8], open: bool);
    /// The machine closed the connection.
    fn closed(&mut self);
    /// The client has spoken, and all that came of it is done; `over` is whether the connection is closed.
    fn settled(&mut self, over: bool);
}

/// One connection.
pub(super) struct Connection<M, E> {
    pub(super) machine: M,
    pub(super) ear: E,
    session: Option<Arc<Session>>,
    entered: bool,
    /// The last probe.
    mark: u64,
    pub(super) over: bool,
}

/// Everybody, and the time.
pub(super) struct Rig<M, E> {
    pub(super) now: Moment,
    pub(super) broker: Arc<Broker>,
    people: Vec<Person>,
    pub(super) connections: Vec<Connection<M, E>>,
    /// Sun's session, which does nothing wrong.
    bystander: Arc<Session>,
    /// Messages written beside the connections.
    written: u8,
    stopped: bool,
}

impl<M: Machine, E: Ear> Rig<M, E> {
    /// Everybody as they are at the beginning, and nobody connected but sun.
    pub(super) fn new() -> Self {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let limits = Limits {
            content_bytes_max: CONTENT_BYTES_MAX,
            messages_per_second: 50,
            queues: QueueLimits {
                messages_max: 8,
                bytes_max: 4_000,
                queues_max: 4,
            },
            ..Limits::default()
        };
        let broker = Broker::new(Arc::clone(&store), limits);
        let people: Vec<Person> = NAMES.iter().map(|name| added(&*store, name)).collect();
        let bystander = broker.open(START, people[4].clone(), None, None);
        let mut rig = Self {
            now: START,
            broker,
            people,
            connections: Vec::new(),
            bystander,
            written: 0,
            stopped: false,
        };
        rig.settle_down();
        rig
    }

    /// A new connection in the place of `at`, or behind the others.
    pub(super) fn connect(&mut self, at: usize, machine: M, ear: E) {
        let connection = Connection {
            machine,
            ear,
            session: None,
            entered: false,
            mark: 0,
            over: false,
        };
        if at < self.connections.len() {
            let gone = std::mem::replace(&mut self.connections[at], connection);
            if let Some(session) = gone.session {
                self.broker.close(self.now, &session);
            }
        } else {
            self.connections.push(connection);
        }
        self.go_on(at);
        self.settle();
    }

    /// The client at `at` says `bytes`, if anybody listens.
    pub(super) fn hear(&mut self, at: usize, bytes: &[u8]) {
        let now = self.now;
        let connection = &mut self.connections[at];
        if connection.over {
            let mut acts = Vec::new();
            connection.machine.hear(now, bytes, &mut acts);
            assert_eq!(acts, [], "nothing follows a close");
            return;
        }
        let mut acts = Vec::new();
        connection.machine.hear(now, bytes, &mut acts);
        self.carry_out(at, acts);
        self.settle();
        self.go_on(at);
    }

    /// All that came of what the client said is done; its ear compares.
    pub(super) fn compare(&mut self, at: usize) {
        let connection = &mut self.connections[at];
        connection.ear.settled(connection.over);
    }

    /// Whether the machine at `at` would be brought more.
    pub(super) fn is_hungry(&self, at: usize) -> bool {
        let connection = &self.connections[at];
        !connection.over && connection.machine.hungry()
    }

    pub(super) fn mishap(&mut self, at: usize, mishap: Mishap) {
        let now = self.now;
        self.let_machine(at, |machine, acts| machine.mishap(now, mishap, acts));
        self.settle();
    }

    /// The transport proves what was said before the last probe.
    pub(super) fn prove(&mut self, at: usize) {
        let (now, mark) = (self.now, self.connections[at].mark);
        self.let_machine(at, |machine, acts| machine.proved(now, mark, acts));
        self.settle();
    }

    fn let_machine(&mut self, at: usize, act: impl FnOnce(&mut M, &mut Vec<Act>)) {
        let mut acts = Vec::new();
        let connection = &mut self.connections[at];
        act(&mut connection.machine, &mut acts);
        assert!(
            !connection.over || acts.is_empty(),
            "after a close: {acts:?}"
        );
        self.carry_out(at, acts);
    }

    fn go_on(&mut self, at: usize) {
        let now = self.now;
        while !self.connections[at].over && self.connections[at].machine.is_full() {
            self.let_machine(at, |machine, acts| machine.go_on(now, acts));
            self.settle();
        }
    }

    fn carry_out(&mut self, at: usize, acts: Vec<Act>) {
        let mut acts = VecDeque::from(acts);
        while let Some(act) = acts.pop_front() {
            let now = self.now;
            let admission = match &act {
                Act::LogIn(credentials) => Some(self.admit(credentials)),
                _ => None,
            };
            let connection = &mut self.connections[at];
            assert!(!connection.over, "nothing follows a close: {act:?}");
            match act {
                Act::Say(text) => {
                    assert!(!text.contains(SECRET), "not for this user: {text}");
                    connection.ear.said(text.as_bytes(), connection.entered);
                }
                Act::SayBytes(bytes) => {
                    assert!(std::str::from_utf8(&bytes).is_err(), "text is said as text");
                    connection.ear.said(&bytes, connection.entered);
                }
                Act::Ask(ticket, command) => {
                    let session = connection.session.as_ref();
                    let session = session.expect("asks come after the entry");
                    self.broker.ask(now, session, ticket, *command);
                }
                Act::LogIn(_) => {
                    assert!(!connection.entered, "a log-in after the entry");
                    let mut more = Vec::new();
                    let admission = admission.expect("looked at above");
                    connection.machine.admitted(now, admission, &mut more);
                    // What a log-in leads to comes before what was heard behind it.
                    more.into_iter().rev().for_each(|act| acts.push_front(act));
                }
                Act::Enter(admitted) => {
                    assert!(!connection.entered, "a second entry");
                    connection.entered = true;
                    connection.session = Some(admitted.open(&self.broker, now));
                }
                Act::Probe(mark) => {
                    assert!(mark > connection.mark, "marks rise");
                    connection.mark = mark;
                }
                Act::Stale => {}
                Act::Close(farewell) | Act::Leave(farewell) => {
                    assert!(farewell.reason.len() <= 123, "{farewell:?}");
                    connection.over = true;
                    connection.ear.closed();
                    assert!(!connection.machine.hungry() && !connection.machine.is_full());
                    assert_eq!(connection.machine.wake_at_ms(), None);
                    if let Some(session) = connection.session.take() {
                        self.broker.close(now, &session);
                    }
                }
            }
        }
    }

    /// Lets every session take what the broker has for it, until there is nothing more.
    pub(super) fn settle(&mut self) {
        let mut rounds = 0;
        loop {
            let mut quiet = true;
            for at in 0..self.connections.len() {
                let Some(session) = self.connections[at].session.clone() else {
                    continue;
                };
                let mut events = Vec::new();
                self.broker.take(self.now, &session, &mut events, 7);
                for event in events {
                    quiet = false;
                    let now = self.now;
                    self.let_machine(at, |machine, acts| machine.told(now, event, acts));
                }
            }
            let mut events = Vec::new();
            self.broker
                .take(self.now, &self.bystander, &mut events, usize::MAX);
            for event in &events {
                let ended = matches!(event, Event::Ended(_));
                assert!(!ended || self.stopped, "somebody else's session: {event:?}");
                if let Event::Message(message) = event {
                    assert_ne!(&*message.content, SECRET);
                }
            }
            if quiet {
                return;
            }
            rounds += 1;
            assert!(rounds < 100_000, "it never becomes quiet");
        }
    }

    /// Lets time pass, waking the broker and each machine exactly when they asked to be woken.
    pub(super) fn pass(&mut self, ms: u64) {
        let until = self.now.after_ms(ms);
        for _ in 0..WAKES_MAX {
            let due = |(at, connection): (usize, &Connection<M, E>)| {
                let wake_at_ms = connection.machine.wake_at_ms()?;
                (!connection.over).then_some((wake_at_ms, Some(at)))
            };
            let machines = self.connections.iter().enumerate().filter_map(due);
            let broker = self.broker.wake_at_ms().map(|at_ms| (at_ms, None));
            let next = machines.chain(broker).min();
            let Some((at_ms, who)) = next.filter(|(at_ms, _)| *at_ms <= until.steady_ms) else {
                break;
            };
            let left_ms = at_ms.saturating_sub(self.now.steady_ms);
            self.now = self.now.after_ms(left_ms);
            let now = self.now;
            match who {
                Some(at) => {
                    let mut acts = Vec::new();
                    let machine = &mut self.connections[at].machine;
                    machine.woken(now, &mut acts);
                    let again = machine.wake_at_ms().is_some_and(|again| again <= at_ms);
                    assert!(
                        !acts.is_empty() || !again,
                        "woken for nothing, and at once again"
                    );
                    self.carry_out(at, acts);
                }
                None => self.broker.woken(now),
            }
            self.settle();
        }
        self.now = self
            .now
            .after_ms(until.steady_ms.saturating_sub(self.now.steady_ms));
    }

    /// The token of who is at `at` ends.
    pub(super) fn revoke(&mut self, who: usize) {
        let uid = self.people[who].uid;
        self.broker
            .end_token(uid, &format!("token-of-{}", NAMES[who]));
        self.settle();
    }

    /// The broker stops: everybody is told and closed.
    pub(super) fn stop(&mut self) {
        self.stopped = true;
        self.broker.stop();
        self.settle();
        for at in 0..self.connections.len() {
            if !self.connections[at].over {
                self.mishap(at, Mishap::Stopping);
            }
            assert!(self.connections[at].over, "a session that was not told");
        }
    }

    /// The broker still serves others: sun writes to sun, and has it.
    pub(super) fn still_serves(&mut self) {
        self.whisper();
        self.settle();
        if self.stopped {
            return;
        }
        // Nobody has the rate of another.
        self.now = self.now.after_ms(1_000);
        let sun = self.people[4].clone();
        let content = "is anybody here?";
        let letter = Letter::new(sun.uid, MsgId([255; 20]), content);
        let sent = self.ask(4, Command::Send(letter));
        assert!(matches!(sent, Ok(Reply::Sent { .. })), "{sent:?}");
        let mut events = Vec::new();
        self.broker
            .take(self.now, &self.bystander, &mut events, usize::MAX);
        let heard = events.iter().any(|event| match event {
            Event::Message(message) => &*message.content == content,
            _ => false,
        });
        assert!(heard, "a message that was kept was not pushed: {events:?}");
    }
}

fn added(store: &dyn Store, name: &str) -> Person {
    let (done, made) = outcome();
    store.add_user(name.to_owned(), None, START.epoch_ms, done);
    match made.now_or_never() {
        Some(Ok(AddedUser::New(person))) => person,
        other => panic!("{name} is new: {other:?}"),
    }
}

/// The records of a script: an octet that says what happens, and the rest. U+001E stands between two. There are none where
/// the secret is among them: what a client says itself it may be told.
pub(super) fn records(script: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let told = script
        .windows(SECRET.len())
        .any(|part| part == SECRET.as_bytes());
    let script = if told { &[] } else { script };
    script
        .split(|octet| *octet == 0x1e)
        .filter_map(|record| record.split_first())
        .map(|(what, rest)| (*what, rest))
        .take(64)
}

/// A time in a record: decimal digits, at most 100 s.
pub(super) fn milliseconds(digits: &[u8]) -> u64 {
    let number = std::str::from_utf8(digits).ok();
    let number = number.and_then(|digits| digits.trim().parse::<u64>().ok());
    number.unwrap_or(500).min(100_000)
}
