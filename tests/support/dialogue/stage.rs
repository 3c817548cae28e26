//! Where a dialogue is played: a broker with a store in memory, a machine for each connection, and a pretend clock.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Arc;

use hongyan::auth::Denial;
use hongyan::auth::permits::Permits;
use hongyan::broker::Broker;
use hongyan::broker::limits::Limits;
use hongyan::broker::moment::Moment;
use hongyan::broker::ports::QueueLimits;
use hongyan::broker::ports::Store;
use hongyan::gateways::Act;
use hongyan::gateways::Credentials;
use hongyan::gateways::Machine;
use hongyan::gateways::Mishap;
use hongyan::gateways::stomp::Door;
use hongyan::gateways::stomp::StompSession;
use hongyan::stores::memory::MemoryStore;
use hongyan_grammar::stomp::Version;

use crate::support::dialogue::Block;
use crate::support::dialogue::Cut;
use crate::support::dialogue::deeds::Elsewhere;
use crate::support::dialogue::listener::Connection;
use crate::support::dialogue::listener::Said;
use crate::support::dialogue::patterns::Captured;
use crate::support::dialogue::patterns::unescape;
use crate::support::dialogue::people::People;
use crate::support::dialogue::people::token_id;

/// Where every dialogue begins: seed 003's own message.
pub(super) const START: Moment = Moment {
    steady_ms: 0,
    epoch_ms: 1_504_712_402_000,
};

/// A frame's bytes at most after log-in, in dialogues.
const FRAME_BYTES_MAX: usize = 4_096;

/// The broker, its clients, and the time.
pub(super) struct Stage {
    cut: Cut,
    now: Moment,
    store: Arc<dyn Store>,
    broker: Arc<Broker>,
    people: People,
    connections: HashMap<String, Connection>,
    captured: Captured,
    permits: Permits,
}

impl Stage {
    /// A stage with nobody on it.
    pub(super) fn new(cut: Cut) -> Self {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let limits = Limits {
            content_bytes_max: 1_000,
            messages_per_second: 5,
            queues: QueueLimits {
                messages_max: 4,
                bytes_max: 1_500,
                queues_max: 3,
            },
            ..Limits::default()
        };
        Self {
            cut,
            now: START,
            broker: Broker::new(Arc::clone(&store), limits),
            store,
            people: People::default(),
            connections: HashMap::new(),
            captured: Captured::default(),
            permits: Permits::default(),
        }
    }

    /// Does what a block says, or says what went otherwise.
    pub(super) fn perform(&mut self, block: &Block<'_>) -> Result<(), String> {
        if let Some(names) = block.line.strip_prefix("users ") {
            for name in names.split(' ') {
                self.people.add(name, self.now, &*self.store);
            }
            return Ok(());
        }
        if let Some(users) = block.line.strip_prefix("permit ") {
            let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
            let listed = |wanted: &str| {
                let mut all = block.headers.iter().filter(|(name, _)| *name == wanted);
                all.next().map_or(Vec::new(), |(_, list)| words(list))
            };
            return self
                .permits
                .add(&words(users), &listed("read"), &listed("write"));
        }
        if let Some(time) = block.line.strip_prefix('+') {
            self.nothing_unsaid()?;
            let ms = match (time.strip_suffix("ms"), time.strip_suffix('s')) {
                (Some(ms), _) => ms.parse().map_err(|_| "not a time")?,
                (None, Some(s)) => s.parse::<u64>().map_err(|_| "not a time")? * 1_000,
                (None, None) => return Err("a time is +30s or +500ms".to_owned()),
            };
            self.pass(ms);
            return Ok(());
        }
        let (who, what) = block
            .line
            .split_once(": ")
            .ok_or("a line is `C1: …`, `S1: …`, `users …` or `+30s`")?;
        match who.split_at(1) {
            ("C", name) => {
                self.nothing_unsaid()?;
                self.client(name, what, block)
            }
            ("S", name) => self.server(name, what, block),
            ("B", "") => self.broker_does(what),
            _ => Err("who is C1, C2, … or S1, S2, … or B".to_owned()),
        }
    }

    fn client(&mut self, name: &str, what: &str, block: &Block<'_>) -> Result<(), String> {
        let words: Vec<&str> = what.split(' ').collect();
        match words[..] {
            ["(open)", ref door @ ..] => return self.open(name, door),
            ["(beat)"] => return self.hear(name, b"\n"),
            ["(raw)"] => {
                let bytes = block
                    .pieces
                    .iter()
                    .map(|piece| unescape(&self.captured.fill(piece)));
                let bytes = bytes.collect::<Result<Vec<_>, _>>()?.concat();
                return self.hear(name, &bytes);
            }
            ["(too-large)"] => {
                let mut acts = Vec::new();
                let connection = self.connections.get_mut(name).ok_or("no such connection")?;
                let mishap = Mishap::TooLarge(FRAME_BYTES_MAX);
                connection.machine.mishap(self.now, mishap, &mut acts);
                self.carry_out(name, acts);
                return Ok(());
            }
            ["(gone)"] => {
                let gone = self.connections.remove(name).ok_or("no such connection")?;
                gone.session
                    .iter()
                    .for_each(|session| self.broker.close(self.now, session));
                return Ok(());
            }
            [times, "times)", command] => {
                let times = times.strip_prefix('(').and_then(|n| n.parse().ok());
                let mut wire = String::new();
                for n in 1..=times.ok_or("a count is (3 times)")? {
                    let number: u32 = n;
                    self.captured.set("n", number.to_string());
                    wire.push_str(&self.frame(command, block));
                }
                self.captured.forget("n");
                return self.hear(name, wire.as_bytes());
            }
            _ => {}
        }
        let wire = self.frame(what, block);
        self.hear(name, wire.as_bytes())
    }

    fn frame(&self, command: &str, block: &Block<'_>) -> String {
        let mut wire = format!("{command}\n");
        for (header, value) in &block.headers {
            let _ = writeln!(wire, "{header}:{}", self.captured.fill(value));
        }
        let _ = write!(
            wire,
            "\n{}\0",
            self.captured.fill(block.body.unwrap_or_default())
        );
        wire
    }

    fn open(&mut self, name: &str, words: &[&str]) -> Result<(), String> {
        let mut door = Door {
            session_name: format!("session-{name}"),
            frame_bytes_max: FRAME_BYTES_MAX,
            permits: Arc::new(self.permits.clone()),
            ..Door::default()
        };
        for word in words {
            match word.split_once('=') {
                Some(("user", user)) => {
                    door.admitted = Some(
                        self.people
                            .by_token(user)
                            .map_err(|denial| denial.sentence())?,
                    );
                }
                Some(("subprotocol", offered)) => {
                    door.subprotocol = Version::from_subprotocols(offered);
                }
                None if *word == "browser" => door.from_browser = true,
                None if *word == "text-only" => door.text_only = true,
                _ => {
                    return Err(format!(
                        "a door has user=, subprotocol=, browser and text-only, not {word}"
                    ));
                }
            }
        }
        let connection = Connection::new(StompSession::new(self.now, door));
        self.connections.insert(name.to_owned(), connection);
        Ok(())
    }

    fn hear(&mut self, name: &str, bytes: &[u8]) -> Result<(), String> {
        let piece_bytes = match self.cut {
            Cut::Nowhere => bytes.len().max(1),
            Cut::Everywhere => 1,
        };
        for piece in bytes.chunks(piece_bytes) {
            let connection = self
                .connections
                .get_mut(name)
                .ok_or("no such connection: open it first")?;
            let mut acts = Vec::new();
            connection.machine.hear(self.now, piece, &mut acts);
            self.carry_out(name, acts);
            self.settle();
            while let Some(full) = self
                .connections
                .get_mut(name)
                .filter(|c| c.machine.is_full())
            {
                let mut acts = Vec::new();
                full.machine.go_on(self.now, &mut acts);
                self.carry_out(name, acts);
                self.settle();
            }
        }
        Ok(())
    }

    fn carry_out(&mut self, name: &str, acts: Vec<Act>) {
        let mut acts = VecDeque::from(acts);
        while let Some(act) = acts.pop_front() {
            let admitted = match &act {
                Act::LogIn(Credentials::Token(token)) => self.people.by_token(token),
                Act::LogIn(Credentials::Password { name, password }) => {
                    self.people.by_password(name, password)
                }
                _ => Err(Denial::NoCredentials),
            };
            let connection = self.connections.get_mut(name).expect("an open connection");
            assert!(!connection.over, "nothing follows a close");
            match act {
                Act::Say(text) => connection.hear(text.as_bytes()),
                Act::SayBytes(bytes) => {
                    assert!(String::from_utf8(bytes.clone()).is_err(), "said as bytes");
                    connection.hear(&bytes);
                }
                Act::Ask(ticket, command) => {
                    let session = connection
                        .session
                        .as_ref()
                        .expect("asks come after the entry");
                    self.broker.ask(self.now, session, ticket, *command);
                }
                Act::LogIn(_) => {
                    let mut more = Vec::new();
                    connection.machine.admitted(self.now, admitted, &mut more);
                    acts.extend(more);
                }
                Act::Enter(admitted) => {
                    connection.session = Some(admitted.open(&self.broker, self.now));
                }
                Act::Probe(_) => panic!("STOMP has confirmations of its own"),
                Act::Stale => connection.said.push_back(Said::Stale),
                Act::Close(farewell) | Act::Leave(farewell) => {
                    connection.over = true;
                    connection.said.push_back(Said::Closed(farewell));
                    if let Some(session) = connection.session.take() {
                        self.broker.close(self.now, &session);
                    }
                }
            }
        }
    }

    /// Lets every session take what the broker has for it, until there is nothing more.
    fn settle(&mut self) {
        loop {
            let mut names: Vec<String> = self.connections.keys().cloned().collect();
            names.sort();
            let mut quiet = true;
            for name in names {
                let connection = &self.connections[&name];
                let Some(session) = connection.session.clone() else {
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

    /// Lets time pass, waking the broker and each machine exactly when they asked to be woken.
    fn pass(&mut self, ms: u64) {
        let until = self.now.after_ms(ms);
        loop {
            let due = |connection: &Connection| {
                connection.machine.wake_at_ms().filter(|_| !connection.over)
            };
            let next = self
                .connections
                .iter()
                .filter_map(|(name, c)| due(c).map(|at| (at, name.clone())))
                .min();
            let next = next.filter(|(at, _)| *at <= until.steady_ms);
            let before = next.as_ref().map_or(until.steady_ms, |(at, _)| *at);
            if let Some(at) = self.broker.wake_at_ms().filter(|at| *at <= before) {
                self.now = self.now.after_ms(at.saturating_sub(self.now.steady_ms));
                self.broker.woken(self.now);
                self.settle();
                continue;
            }
            let Some((at, name)) = next else {
                break;
            };
            self.now = self.now.after_ms(at.saturating_sub(self.now.steady_ms));
            let mut acts = Vec::new();
            let connection = self.connections.get_mut(&name).expect("it was there");
            connection.machine.woken(self.now, &mut acts);
            assert!(
                !acts.is_empty()
                    || connection
                        .machine
                        .wake_at_ms()
                        .is_none_or(|again| again > at),
                "woken for nothing, and to be woken again at once"
            );
            self.carry_out(&name, acts);
            self.settle();
        }
        self.now = until;
    }

    fn broker_does(&mut self, what: &str) -> Result<(), String> {
        match what.split_once(' ') {
            None if what == "stops" => {
                self.broker.stop();
                self.tell_those_without_a_session();
            }
            Some(("revokes", name)) => {
                let uid = self.people.revoke(name).ok_or("no such user")?;
                self.broker.end_token(uid, &token_id(name));
            }
            _ => {
                let words: Vec<&str> = what.split(' ').collect();
                let mut elsewhere = Elsewhere {
                    broker: &self.broker,
                    now: self.now,
                    people: &self.people,
                    captured: &mut self.captured,
                };
                elsewhere.perform(&words)?;
            }
        }
        self.settle();
        Ok(())
    }

    fn tell_those_without_a_session(&mut self) {
        let waits = |c: &Connection| c.session.is_none() && !c.over;
        let waiting = self.connections.iter().filter(|(_, c)| waits(c));
        let names: Vec<String> = waiting.map(|(name, _)| name.clone()).collect();
        for name in names {
            let mut acts = Vec::new();
            let connection = self.connections.get_mut(&name).expect("it was there");
            let mishap = Mishap::Stopping;
            connection.machine.mishap(self.now, mishap, &mut acts);
            self.carry_out(&name, acts);
        }
    }

    fn server(&mut self, name: &str, what: &str, block: &Block<'_>) -> Result<(), String> {
        let connection = self.connections.get_mut(name).ok_or("no such connection")?;
        let said = connection.said.pop_front().ok_or("nothing was said")?;
        match (
            &said,
            what.strip_prefix("(close ")
                .and_then(|code| code.strip_suffix(')')),
        ) {
            (Said::Closed(farewell), Some(code)) if farewell.code.to_string() == code => {
                return Ok(());
            }
            (Said::Beat, None) if what == "(beat)" => return Ok(()),
            (Said::Stale, None) if what == "(stale)" => return Ok(()),
            (Said::Frame(frame), None) if frame.command.as_str() == what => {
                let mut problems = String::new();
                for (header, pattern) in &block.headers {
                    let value = frame.headers.get(header).unwrap_or("(not there)");
                    if !self.captured.fits(pattern, value) {
                        let _ = writeln!(problems, "{header} is {value:?}, not {pattern:?}");
                    }
                }
                let body = String::from_utf8_lossy(&frame.body).into_owned();
                if block
                    .body
                    .is_some_and(|pattern| !self.captured.fits(pattern, &body))
                {
                    let _ = writeln!(problems, "the body is {body}");
                }
                if problems.is_empty() {
                    return Ok(());
                }
                return Err(problems);
            }
            _ => {}
        }
        Err(format!("instead: {}", said.show()))
    }

    /// That nothing was heard beyond what is written.
    pub(super) fn nothing_unsaid(&self) -> Result<(), String> {
        for (name, connection) in &self.connections {
            if let Some(said) = connection.said.front() {
                return Err(format!(
                    "before this, S{name} said more than is written:\n{}",
                    said.show()
                ));
            }
        }
        Ok(())
    }
}
