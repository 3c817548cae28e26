//! The system: the broker on a store behind a gate, a machine for each connection, and a pretend clock. No sockets, and all
//! of it on one thread but the store.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

use tempfile::TempDir;

use hongyan::broker::Broker;
use hongyan::broker::command::Command;
use hongyan::broker::command::Reply;
use hongyan::broker::limits::Limits;
use hongyan::broker::moment::Moment;
use hongyan::broker::ports::Store;
use hongyan::broker::ports::outcome;
use hongyan::broker::refusal::Refusal;
use hongyan::broker::sessions::Session;
use hongyan::broker::users::Person;
use hongyan::broker::users::Uid;
use hongyan::gateways::Act;
use hongyan::gateways::Admitted;
use hongyan::gateways::Machine;
use hongyan::gateways::stomp::Door;
use hongyan::gateways::stomp::StompSession;
use hongyan::stores::memory::MemoryStore;
use hongyan::stores::sqlite::SqliteStore;
use hongyan::stores::sqlite::check;

use crate::gate::Gate;
use crate::model::USERS;
use crate::wire::Heard;
use crate::wire::Reader;

/// Where the messages are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    Memory,
    Disk,
}

/// What a connection is called.
pub type Line = u64;

const START: Moment = Moment {
    steady_ms: 0,
    epoch_ms: 1_504_712_402_000,
};

pub struct Stage {
    pub now: Moment,
    limits: Limits,
    memory: Option<Arc<MemoryStore>>,
    disk: Option<TempDir>,
    pub gate: Arc<Gate>,
    pub broker: Arc<Broker>,
    lines: BTreeMap<Line, Connection>,
    opened: Line,
}

struct Connection {
    machine: StompSession,
    session: Option<Arc<Session>>,
    reader: Reader,
    heard: VecDeque<Heard>,
    /// Whether it takes what the broker has for it.
    takes: bool,
    over: bool,
}

pub fn person(user: u64) -> Person {
    Person {
        uid: Uid::new(user).expect("a uid"),
        name: format!("u{user}").into(),
    }
}

impl Stage {
    pub fn new(place: Where, friends_only: bool) -> Self {
        let limits = Limits {
            messages_per_second: u32::MAX,
            friends_only,
            ..Limits::default()
        };
        let (memory, disk) = match place {
            Where::Memory => (Some(Arc::new(MemoryStore::new())), None),
            Where::Disk => (None, Some(folder())),
        };
        let gate = Arc::new(Gate::new(Arc::new(MemoryStore::new())));
        let mut stage = Self {
            now: START,
            limits,
            memory,
            disk,
            broker: Broker::new(gate.clone(), limits),
            gate,
            lines: BTreeMap::new(),
            opened: 0,
        };
        stage.begin();
        for user in 1..=USERS {
            let (done, told) = outcome();
            let store = Arc::clone(&stage.gate);
            store.add_user(format!("u{user}"), None, 0, done);
            stage.wait(told).expect("a new user");
        }
        stage
    }

    /// A broker begins on what is stored.
    fn begin(&mut self) {
        let store: Arc<dyn Store> = match (&self.memory, &self.disk) {
            (Some(memory), _) => memory.clone(),
            (None, Some(disk)) => Arc::new(SqliteStore::open(disk.path()).expect("a sound store")),
            (None, None) => unreachable!("it is kept somewhere"),
        };
        self.gate = Arc::new(Gate::new(store));
        self.broker = Broker::new(self.gate.clone(), self.limits);
    }

    /// The process is gone, and another begins.
    pub fn restart(&mut self) {
        self.end();
        self.begin();
    }

    fn end(&mut self) {
        self.gate.abandon();
        self.lines.clear();
        if self.disk.is_some() {
            self.gate.close();
        }
    }

    /// Looks at what is on disk as `hongyan check` does.
    pub fn check(mut self) -> Result<(), String> {
        self.end();
        let Some(disk) = &self.disk else {
            return Ok(());
        };
        let report = check(disk.path()).map_err(|error| error.to_string())?;
        match report.is_sound() {
            true => Ok(()),
            false => Err(report.to_string()),
        }
    }

    /// Somebody connects whose token is good, and lives so many seconds.
    pub fn connect(&mut self, user: u64, life_s: Option<u32>) -> Line {
        self.opened += 1;
        let name = self.opened;
        let admitted = Admitted {
            person: person(user),
            token: Some(token(name)),
            expires_s: life_s.map(|life_s| self.now.epoch_ms / 1_000 + u64::from(life_s)),
            device: None,
        };
        let door = Door {
            admitted: Some(admitted),
            session_name: format!("s{name}"),
            frame_bytes_max: 1 << 20,
            ..Door::default()
        };
        let connection = Connection {
            machine: StompSession::new(self.now, door),
            session: None,
            reader: Reader::new(),
            heard: VecDeque::new(),
            takes: true,
            over: false,
        };
        self.lines.insert(name, connection);
        name
    }

    /// The token of a connection is revoked.
    pub fn log_out(&mut self, user: u64, line: Line) {
        self.broker.end_token(person(user).uid, &token(line));
    }

    /// A connection is gone without a word.
    pub fn cut(&mut self, line: Line) {
        let connection = self.lines.remove(&line).expect("a connection");
        if let Some(session) = connection.session {
            self.broker.close(self.now, &session);
        }
    }

    pub fn let_take(&mut self, line: Line, takes: bool) {
        self.lines.get_mut(&line).expect("a connection").takes = takes;
    }

    /// What a connection said since it was asked last.
    pub fn heard(&mut self, line: Line) -> VecDeque<Heard> {
        let connection = self.lines.get_mut(&line).expect("a connection");
        std::mem::take(&mut connection.heard)
    }

    /// A client says something.
    pub fn say(&mut self, line: Line, wire: &str) {
        let mut acts = Vec::new();
        let connection = self.lines.get_mut(&line).expect("a connection");
        connection
            .machine
            .hear(self.now, wire.as_bytes(), &mut acts);
        self.carry_out(line, acts);
        loop {
            let connection = self.lines.get_mut(&line).expect("a connection");
            if connection.over || !connection.machine.is_full() {
                return;
            }
            let mut acts = Vec::new();
            connection.machine.go_on(self.now, &mut acts);
            self.carry_out(line, acts);
        }
    }

    fn carry_out(&mut self, line: Line, acts: Vec<Act>) {
        let connection = self.lines.get_mut(&line).expect("a connection");
        for act in acts {
            assert!(!connection.over, "nothing follows a close");
            match act {
                Act::Say(text) => {
                    let heard = connection.reader.read(text.as_bytes());
                    connection.heard.push_back(heard);
                }
                Act::Ask(ticket, command) => {
                    let session = connection.session.as_ref().expect("it has entered");
                    self.broker.ask(self.now, session, ticket, *command);
                }
                Act::Enter(admitted) => {
                    connection.session = Some(admitted.open(&self.broker, self.now));
                }
                Act::Stale => {}
                Act::Close(_) | Act::Leave(_) => {
                    connection.over = true;
                    connection.heard.push_back(Heard::Closed);
                    if let Some(session) = connection.session.take() {
                        self.broker.close(self.now, &session);
                    }
                }
                Act::SayBytes(_) | Act::LogIn(_) | Act::Probe(_) => panic!("not here: {act:?}"),
            }
        }
    }

    /// Lets all answers through, and every connection take what there is for it, until there is nothing more.
    pub fn settle(&mut self) {
        loop {
            while self.gate.let_through() {}
            let mut quiet = true;
            let lines: Vec<Line> = self.lines.keys().copied().collect();
            for line in lines {
                let connection = self.lines.get_mut(&line).expect("a connection");
                let Some(session) = connection.session.clone().filter(|_| connection.takes) else {
                    continue;
                };
                let mut events = Vec::new();
                self.broker.take(self.now, &session, &mut events, 7);
                for event in events {
                    quiet = false;
                    let mut acts = Vec::new();
                    let connection = self.lines.get_mut(&line).expect("a connection");
                    if !connection.over {
                        connection.machine.told(self.now, event, &mut acts);
                    }
                    self.carry_out(line, acts);
                }
            }
            // A look at an outbox may have led to a read.
            if quiet && !self.gate.let_through() {
                return;
            }
        }
    }

    /// Lets time pass, waking whoever asked for it when it is due.
    pub fn pass(&mut self, ms: u64) {
        let until = self.now.after_ms(ms);
        loop {
            let of_lines = self.lines.iter().filter_map(|(line, connection)| {
                let at = connection.machine.wake_at_ms();
                at.filter(|_| !connection.over).map(|at| (at, Some(*line)))
            });
            let of_broker = self.broker.wake_at_ms().map(|at| (at, None));
            let next = of_lines.chain(of_broker).min();
            let Some((at, who)) = next.filter(|(at, _)| *at <= until.steady_ms) else {
                break;
            };
            self.now = self.now.after_ms(at.saturating_sub(self.now.steady_ms));
            match who {
                None => self.broker.woken(self.now),
                Some(line) => {
                    let mut acts = Vec::new();
                    let connection = self.lines.get_mut(&line).expect("a connection");
                    connection.machine.woken(self.now, &mut acts);
                    self.carry_out(line, acts);
                }
            }
            self.settle();
        }
        self.now = until;
    }

    /// The wall clock goes back; the steady one never does.
    pub fn back(&mut self, ms: u64) {
        self.now.epoch_ms -= ms;
    }

    /// Asks for somebody without a session.
    pub fn ask(&mut self, user: u64, command: Command) -> Result<Reply, Refusal> {
        let broker = Arc::clone(&self.broker);
        let person = person(user);
        self.wait(broker.ask_once(self.now, &person, command))
    }

    /// Waits for something that only the store holds up.
    pub fn wait<T>(&mut self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        loop {
            let polled = future
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()));
            if let Poll::Ready(outcome) = polled {
                return outcome;
            }
            assert!(self.gate.let_through(), "nothing more comes");
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Answers that wait hold the broker, and it holds them.
        self.gate.abandon();
    }
}

fn token(line: Line) -> String {
    format!("token-{line}")
}

/// A folder for data: in memory where that is possible, because thousands of brokers begin on it.
fn folder() -> TempDir {
    TempDir::new_in("/dev/shm")
        .or_else(|_| TempDir::new())
        .expect("a folder")
}
