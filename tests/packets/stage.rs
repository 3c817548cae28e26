//! Plays a dialogue of `frames/packets/dialogues/` with the packet machine, the broker and a store in memory, on a pretend
//! clock. The format is described in `frames/packets/README.md`.

mod world;

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::Arc;

use hongyan::broker::Broker;
use hongyan::broker::groups::Gid;
use hongyan::broker::limits::Limits;
use hongyan::broker::moment::Moment;
use hongyan::broker::ports::QueueLimits;
use hongyan::broker::ports::Store;
use hongyan::broker::sessions::Session;
use hongyan::broker::users::Person;
use hongyan::gateways::Act;
use hongyan::gateways::Admitted;
use hongyan::gateways::Machine;
use hongyan::gateways::Mishap;
use hongyan::gateways::packets::Door;
use hongyan::gateways::packets::PacketSession;
use hongyan::stores::memory::MemoryStore;
use serde_json::Value;

/// Where every dialogue begins: seed 003's own message.
const START: Moment = Moment {
    steady_ms: 0,
    epoch_ms: 1_504_712_402_000,
};

/// A token's life in dialogues, seconds.
const TOKEN_LIFE_S: u64 = 3_600;

/// Plays the dialogue in `text`. The error says which line is not as written.
pub fn play(text: &str) -> Result<(), String> {
    let mut stage = Stage::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if !line.is_empty() && !line.starts_with('#') {
            stage
                .perform(line)
                .map_err(|why| format!("line {}: {line}\n{why}", index + 1))?;
        }
    }
    stage.nothing_unsaid()
}

struct Connection {
    machine: PacketSession,
    session: Option<Arc<Session>>,
    said: VecDeque<Said>,
    /// The mark of the last ping.
    mark: u64,
    over: bool,
}

#[derive(Debug)]
enum Said {
    Packet(Value),
    Ping,
    Closed(u16),
}

struct Stage {
    now: Moment,
    store: Arc<dyn Store>,
    broker: Arc<Broker>,
    people: BTreeMap<String, Person>,
    connections: BTreeMap<String, Connection>,
    /// What `$name` stood for.
    captured: BTreeMap<String, Value>,
    /// Messages of other gateways so far.
    sent: u32,
    /// The group that was made last.
    group: Option<Gid>,
}

impl Stage {
    fn new() -> Self {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let limits = Limits {
            content_bytes_max: 4_096,
            messages_per_second: 10,
            queues: QueueLimits::default(),
            friends_only: false,
            webhook: false,
        };
        Self {
            now: START,
            broker: Broker::new(Arc::clone(&store), limits),
            store,
            people: BTreeMap::new(),
            connections: BTreeMap::new(),
            captured: BTreeMap::new(),
            sent: 0,
            group: None,
        }
    }

    fn perform(&mut self, line: &str) -> Result<(), String> {
        if let Some(time) = line.strip_prefix('+') {
            self.nothing_unsaid()?;
            let ms = match (time.strip_suffix("ms"), time.strip_suffix('s')) {
                (Some(ms), _) => ms.parse().map_err(|_| "not a time")?,
                (None, Some(s)) => s.parse::<u64>().map_err(|_| "not a time")? * 1_000,
                (None, None) => return Err("a time is +30s or +500ms".to_owned()),
            };
            self.pass(ms);
            return Ok(());
        }
        if let Some((who, what)) = line.split_once(": ")
            && let Some((side @ ("C" | "S"), name)) = who.split_at_checked(1)
        {
            return match side {
                "C" => {
                    self.nothing_unsaid()?;
                    self.client(name, what)
                }
                _ => self.server(name, what),
            };
        }
        self.nothing_unsaid()?;
        self.world(line)?;
        self.settle();
        Ok(())
    }

    fn client(&mut self, name: &str, what: &str) -> Result<(), String> {
        if let Some(door) = what.strip_prefix("(open) ") {
            return self.open(name, door);
        }
        if what == "(gone)" {
            let gone = self.connections.remove(name).ok_or("no such connection")?;
            if let Some(session) = gone.session {
                self.broker.close(self.now, &session);
            }
            return Ok(());
        }
        let text = self.fill(what);
        let now = self.now;
        let connection = self.connection(name)?;
        let mut acts = Vec::new();
        match what {
            "(pong)" => connection.machine.proved(now, connection.mark, &mut acts),
            "(a pong of its own)" => connection
                .machine
                .proved(now, connection.mark + 1, &mut acts),
            "(too large)" => {
                connection
                    .machine
                    .mishap(now, Mishap::TooLarge(4_096), &mut acts);
            }
            "(no UTF-8)" => connection.machine.hear(now, b"\xff", &mut acts),
            _ => {
                assert!(connection.machine.hungry(), "nothing is read now");
                connection.machine.hear(now, text.as_bytes(), &mut acts);
            }
        }
        self.carry_out(name, acts);
        self.settle();
        Ok(())
    }

    fn open(&mut self, name: &str, door: &str) -> Result<(), String> {
        let (user, life_s) = match door.split_once(' ') {
            Some((user, life)) => {
                let life_s = life.strip_suffix('s').and_then(|s| s.parse().ok());
                (user, life_s.ok_or("a life is 20s")?)
            }
            None => (door, TOKEN_LIFE_S),
        };
        let admitted = Admitted {
            person: self.person(user)?,
            token: Some(format!("token-of-{user}")),
            expires_s: Some(self.now.epoch_ms / 1_000 + life_s),
            device: None,
        };
        let session_name = format!("session-{name}");
        let connection = Connection {
            machine: PacketSession::new(Door {
                admitted,
                session_name,
            }),
            session: None,
            said: VecDeque::new(),
            mark: 0,
            over: false,
        };
        self.connections.insert(name.to_owned(), connection);
        self.go_on(name);
        self.settle();
        Ok(())
    }

    fn go_on(&mut self, name: &str) {
        let now = self.now;
        while let Ok(connection) = self.connection(name)
            && connection.machine.is_full()
        {
            let mut acts = Vec::new();
            connection.machine.go_on(now, &mut acts);
            self.carry_out(name, acts);
        }
    }

    fn connection(&mut self, name: &str) -> Result<&mut Connection, String> {
        let connection = self.connections.get_mut(name);
        connection.ok_or_else(|| format!("there is no connection {name}: open it first"))
    }

    fn carry_out(&mut self, name: &str, acts: Vec<Act>) {
        for act in acts {
            let connection = self.connections.get_mut(name).expect("an open connection");
            assert!(!connection.over, "nothing follows a close");
            match act {
                Act::Say(text) => {
                    let packet = serde_json::from_str(&text).expect("a packet is JSON");
                    connection.said.push_back(Said::Packet(packet));
                }
                Act::Ask(ticket, command) => {
                    let session = connection.session.as_ref().expect("it has entered");
                    self.broker.ask(self.now, session, ticket, *command);
                }
                Act::Enter(admitted) => {
                    connection.session = Some(admitted.open(&self.broker, self.now));
                }
                Act::Probe(mark) => {
                    assert!(mark > connection.mark, "marks rise");
                    connection.mark = mark;
                    connection.said.push_back(Said::Ping);
                }
                Act::Close(farewell) => {
                    connection.over = true;
                    connection.said.push_back(Said::Closed(farewell.code));
                    if let Some(session) = connection.session.take() {
                        self.broker.close(self.now, &session);
                    }
                }
                other => panic!("packets have no use for {other:?}"),
            }
        }
    }

    /// Lets every session take what the broker has for it, until there is nothing more.
    fn settle(&mut self) {
        loop {
            let names: Vec<String> = self.connections.keys().cloned().collect();
            let mut quiet = true;
            for name in names {
                let Some(session) = self.connections[&name].session.clone() else {
                    continue;
                };
                let mut events = Vec::new();
                self.broker.take(self.now, &session, &mut events, 7);
                for event in events {
                    quiet = false;
                    let mut acts = Vec::new();
                    let connection = self.connections.get_mut(&name).expect("it was there");
                    if !connection.over {
                        connection.machine.told(self.now, event, &mut acts);
                    }
                    self.carry_out(&name, acts);
                }
            }
            if quiet {
                return;
            }
        }
    }

    /// Lets time pass, waking each machine exactly when it asked to be woken.
    fn pass(&mut self, ms: u64) {
        let until = self.now.after_ms(ms);
        loop {
            let due = |(name, connection): (&String, &Connection)| {
                let at = connection
                    .machine
                    .wake_at_ms()
                    .filter(|_| !connection.over)?;
                (at <= until.steady_ms).then(|| (at, name.clone()))
            };
            let Some((at, name)) = self.connections.iter().filter_map(due).min() else {
                break;
            };
            self.now = self.now.after_ms(at.saturating_sub(self.now.steady_ms));
            let now = self.now;
            let connection = self.connections.get_mut(&name).expect("it was there");
            let mut acts = Vec::new();
            connection.machine.woken(now, &mut acts);
            let again = connection.machine.wake_at_ms();
            assert!(
                !acts.is_empty() || again.is_none_or(|again| again > at),
                "woken for nothing, and to be woken again at once"
            );
            self.carry_out(&name, acts);
            self.settle();
        }
        self.now = until;
    }

    fn server(&mut self, name: &str, what: &str) -> Result<(), String> {
        let filled = self.fill(what);
        let connection = self.connection(name)?;
        let said = connection.said.pop_front().ok_or("nothing was said")?;
        let as_written = match &said {
            Said::Ping => what == "(ping)",
            Said::Closed(code) => what == format!("(close {code})"),
            Said::Packet(packet) => match serde_json::from_str(&filled) {
                Ok(pattern) => self.fits(&pattern, packet),
                Err(error) => return Err(format!("this is no JSON: {error}")),
            },
        };
        if as_written {
            return Ok(());
        }
        Err(format!("instead: {}", said.show()))
    }

    /// Whether `value` is as `pattern` says: the string `*` fits anything, `$name` what it fitted first, and one that
    /// ends with `…` what begins so.
    fn fits(&mut self, pattern: &Value, value: &Value) -> bool {
        match (pattern, value) {
            (Value::String(word), _) if word == "*" => true,
            (Value::String(word), _) if word.starts_with('$') => {
                let known = self
                    .captured
                    .entry(word.clone())
                    .or_insert_with(|| value.clone());
                known == value
            }
            (Value::String(word), Value::String(value)) => match word.strip_suffix('…') {
                Some(start) => value.starts_with(start),
                None => word == value,
            },
            (Value::Array(patterns), Value::Array(values)) => {
                patterns.len() == values.len()
                    && patterns
                        .iter()
                        .zip(values)
                        .all(|(one, other)| self.fits(one, other))
            }
            (Value::Object(patterns), Value::Object(values)) => {
                patterns.len() == values.len()
                    && patterns.iter().all(|(name, one)| {
                        values.get(name).is_some_and(|other| self.fits(one, other))
                    })
            }
            _ => pattern == value,
        }
    }

    /// Replaces `(1023 起)` by so many of that character.
    fn fill(&self, text: &str) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('(') {
            filled.push_str(before);
            let run = after.split_once(')').and_then(|(run, rest)| {
                let (count, what) = run.split_once(' ')?;
                Some((what.repeat(count.parse().ok()?), rest))
            });
            match run {
                Some((run, after)) => {
                    filled.push_str(&run);
                    rest = after;
                }
                None => {
                    filled.push('(');
                    rest = after;
                }
            }
        }
        filled + rest
    }

    fn nothing_unsaid(&self) -> Result<(), String> {
        for (name, connection) in &self.connections {
            if let Some(said) = connection.said.front() {
                let said = said.show();
                return Err(format!(
                    "before this, S{name} said more than is written:\n{said}"
                ));
            }
        }
        Ok(())
    }
}

impl Said {
    fn show(&self) -> String {
        match self {
            Self::Packet(packet) => packet.to_string(),
            Self::Ping => "(ping)".to_owned(),
            Self::Closed(code) => format!("(close {code})"),
        }
    }
}
