//! Plays a dialogue of `frames/conversations/` with the STOMP machine, the broker and a store in memory, on a pretend
//! clock. The format is described in `frames/conversations/README.md`.

mod deeds;

use deeds::Elsewhere;

use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Arc;

use hongyan::auth::permits::Permits;
use hongyan::broker::Broker;
use hongyan::broker::limits::Limits;
use hongyan::broker::moment::Moment;
use hongyan::broker::ports::AddedUser;
use hongyan::broker::ports::QueueLimits;
use hongyan::broker::ports::Store;
use hongyan::broker::sessions::Session;
use hongyan::broker::users::Person;
use hongyan::gateways::Act;
use hongyan::gateways::Admitted;
use hongyan::gateways::Credentials;
use hongyan::gateways::Farewell;
use hongyan::gateways::Machine;
use hongyan::gateways::Mishap;
use hongyan::gateways::stomp::Door;
use hongyan::gateways::stomp::StompSession;
use hongyan::stores::memory::MemoryStore;
use hongyan_grammar::stomp::Decoder;
use hongyan_grammar::stomp::Frame;
use hongyan_grammar::stomp::Limits as FrameLimits;
use hongyan_grammar::stomp::Side;
use hongyan_grammar::stomp::Unit;
use hongyan_grammar::stomp::Version;

/// Where every dialogue begins: seed 003's own message.
const START: Moment = Moment {
    steady_ms: 0,
    epoch_ms: 1_504_712_402_000,
};

/// A token's life in dialogues, seconds.
const TOKEN_LIFE_S: u64 = 3_600;

/// A frame's bytes at most after log-in, in dialogues.
const FRAME_BYTES_MAX: usize = 4_096;

/// How what a client says is cut before the machine hears it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Each line of the dialogue whole.
    Nowhere,
    /// Behind every byte.
    Everywhere,
}

/// Plays the dialogue in `text`. The error says which line is not as written.
pub fn play(text: &str, cut: Cut) -> Result<(), String> {
    let mut stage = Stage::new(cut);
    let mut lines = text.lines().enumerate().peekable();
    while let Some((index, line)) = lines.next() {
        let line = line.trim_end();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut block = Block::new(line);
        while let Some((_, more)) = lines.next_if(|(_, more)| more.starts_with("    ")) {
            block.add(more);
        }
        stage
            .perform(&block)
            .map_err(|why| format!("line {}: {line}\n{why}", index + 1))?;
    }
    stage.nothing_unsaid()
}

/// A line with the indented lines below it: headers, and after `>` the body.
struct Block<'a> {
    line: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    body: Option<&'a str>,
    /// All lines with `>`, of which only `(raw)` may have more than one.
    pieces: Vec<&'a str>,
}

impl<'a> Block<'a> {
    fn new(line: &'a str) -> Self {
        Self {
            line,
            headers: Vec::new(),
            body: None,
            pieces: Vec::new(),
        }
    }

    fn add(&mut self, more: &'a str) {
        let more = more.trim();
        match (more.strip_prefix("> "), more.split_once(':')) {
            (Some(body), _) => {
                self.body = Some(body);
                self.pieces.push(body);
            }
            (None, Some(header)) => self.headers.push(header),
            (None, None) => panic!("neither a header nor a body: {more:?}"),
        }
    }
}

struct Connection {
    machine: StompSession,
    session: Option<Arc<Session>>,
    decoder: Decoder,
    said: VecDeque<Said>,
    /// Each is unlike the others in the session.
    message_ids: HashSet<String>,
    over: bool,
}

#[derive(Debug)]
enum Said {
    Beat,
    Frame(Frame),
    /// Nothing on the wire: that the client spoke of something that is no more was counted.
    Stale,
    Closed(Farewell),
}

struct Stage {
    cut: Cut,
    now: Moment,
    store: Arc<dyn Store>,
    broker: Arc<Broker>,
    people: HashMap<String, Person>,
    connections: HashMap<String, Connection>,
    revoked: HashSet<String>,
    captured: HashMap<String, String>,
    permits: Permits,
}

impl Stage {
    fn new(cut: Cut) -> Self {
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
            people: HashMap::new(),
            connections: HashMap::new(),
            revoked: HashSet::new(),
            captured: HashMap::new(),
            permits: Permits::default(),
        }
    }

    fn perform(&mut self, block: &Block<'_>) -> Result<(), String> {
        if let Some(names) = block.line.strip_prefix("users ") {
            names.split(' ').for_each(|name| self.add_user(name));
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

    fn add_user(&mut self, name: &str) {
        let people = Arc::new(std::sync::Mutex::new(None));
        let made = Arc::clone(&people);
        let done = Box::new(move |added| {
            if let Ok(AddedUser::New(person)) = added {
                *made.lock().unwrap() = Some(person);
            }
        });
        self.store
            .add_user(name.to_owned(), None, self.now.epoch_ms, done);
        let person = people.lock().unwrap().take().expect("a new user");
        self.people.insert(name.to_owned(), person);
    }

    /// Whoever shows a token: in dialogues it is the user's name.
    fn admitted_by_token(&self, name: &str) -> Result<Admitted, String> {
        let known = self.people.get(name).filter(|_| {
            let token_is_revoked = self.revoked.contains(name);
            !token_is_revoked
        });
        known
            .ok_or("invalid token".to_owned())
            .map(|person| Admitted {
                person: person.clone(),
                token: Some(format!("token-of-{name}")),
                expires_s: Some(START.epoch_ms / 1_000 + TOKEN_LIFE_S),
                device: None,
            })
    }

    /// Whoever shows a password: in dialogues it is `right`.
    fn admitted_by_password(&self, name: &str, password: &str) -> Result<Admitted, String> {
        let known = self.people.get(name).filter(|_| password == "right");
        known
            .ok_or("wrong name or password".to_owned())
            .map(|person| Admitted {
                person: person.clone(),
                token: None,
                expires_s: None,
                device: None,
            })
    }

    fn client(&mut self, name: &str, what: &str, block: &Block<'_>) -> Result<(), String> {
        let words: Vec<&str> = what.split(' ').collect();
        match words[..] {
            ["(open)", ref door @ ..] => return self.open(name, door),
            ["(beat)"] => return self.hear(name, b"\n"),
            ["(raw)"] => {
                let bytes = block.pieces.iter().map(|piece| unescape(&self.fill(piece)));
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
                    self.captured.insert("n".to_owned(), number.to_string());
                    wire.push_str(&self.frame(command, block));
                }
                self.captured.remove("n");
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
            let _ = writeln!(wire, "{header}:{}", self.fill(value));
        }
        let _ = write!(wire, "\n{}\0", self.fill(block.body.unwrap_or_default()));
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
                    door.admitted = Some(self.admitted_by_token(user)?);
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
        let connection = Connection {
            machine: StompSession::new(self.now, door),
            session: None,
            decoder: Decoder::new(Side::Client, FrameLimits::after(1 << 20)),
            said: VecDeque::new(),
            message_ids: HashSet::new(),
            over: false,
        };
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
                Act::LogIn(Credentials::Token(token)) => self.admitted_by_token(token),
                Act::LogIn(Credentials::Password { name, password }) => {
                    self.admitted_by_password(name, password)
                }
                _ => Err("nobody asked".to_owned()),
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
                    self.broker.ask(self.now, session, ticket, command);
                }
                Act::LogIn(_) => {
                    let mut more = Vec::new();
                    connection.machine.admitted(self.now, admitted, &mut more);
                    acts.extend(more);
                }
                Act::Enter(admitted) => {
                    let Admitted {
                        person,
                        token,
                        device,
                        ..
                    } = admitted;
                    let session = self.broker.open(self.now, person, token, device);
                    connection.session = Some(session);
                }
                Act::Probe(_) => panic!("STOMP has confirmations of its own"),
                Act::Stale => connection.said.push_back(Said::Stale),
                Act::Close(farewell) => {
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
                let person = self.people.get(name).ok_or("no such user")?;
                self.revoked.insert(name.to_owned());
                self.broker
                    .end_token(person.uid, &format!("token-of-{name}"));
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
                    if !self.fits(pattern, value) {
                        let _ = writeln!(problems, "{header} is {value:?}, not {pattern:?}");
                    }
                }
                let body = String::from_utf8_lossy(&frame.body).into_owned();
                if block.body.is_some_and(|pattern| !self.fits(pattern, &body)) {
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

    /// Whether `value` is as `pattern` says: `{*}` fits anything, `{name}` what it fitted first.
    fn fits(&mut self, pattern: &str, value: &str) -> bool {
        let Some((before, rest)) = pattern.split_once('{') else {
            return pattern == value;
        };
        let Some((name, after)) = rest.split_once('}') else {
            return pattern == value;
        };
        // A brace of JSON, not a name.
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'*') {
            let Some(tail) = value
                .strip_prefix(before)
                .and_then(|tail| tail.strip_prefix('{'))
            else {
                return false;
            };
            return self.fits(rest, tail);
        }
        let Some(tail) = value.strip_prefix(before) else {
            return false;
        };
        if let Some(known) = self.captured.get(name).cloned() {
            return tail
                .strip_prefix(&known)
                .is_some_and(|tail| self.fits(after, tail));
        }
        let ends: Vec<usize> = tail
            .char_indices()
            .map(|(at, _)| at)
            .chain([tail.len()])
            .collect();
        for end in ends {
            let before_try = self.captured.clone();
            if name != "*" {
                self.captured
                    .insert(name.to_owned(), tail[..end].to_owned());
            }
            if self.fits(after, &tail[end..]) {
                return true;
            }
            self.captured = before_try;
        }
        false
    }

    /// Replaces each `{name}` by what it fitted, and `(bytes 9)` by that many.
    fn fill(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in &self.captured {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        while let Some((before, rest)) = text.split_once("(bytes ") {
            let (count, after) = rest.split_once(')').expect("bytes are (bytes 9)");
            let bytes = "x".repeat(count.parse().expect("a count"));
            text = format!("{before}{bytes}{after}");
        }
        text
    }

    fn nothing_unsaid(&self) -> Result<(), String> {
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

impl Connection {
    /// What was said is read as a client reads it: one frame, or one newline, in a message.
    fn hear(&mut self, bytes: &[u8]) {
        self.decoder.feed(bytes);
        let unit = self
            .decoder
            .next()
            .expect("a frame that reads")
            .expect("a whole frame");
        assert_eq!(
            self.decoder.next(),
            Ok(None),
            "one frame in a message: {bytes:?}"
        );
        self.said.push_back(match unit {
            Unit::Beat => {
                assert_eq!(bytes, b"\n", "a heart-beat is exactly a newline");
                Said::Beat
            }
            Unit::Frame(frame) => {
                if frame.command == hongyan_grammar::stomp::Command::Connected {
                    let version = frame.headers.get("version").and_then(Version::parse);
                    self.decoder
                        .set_version(version.expect("CONNECTED has a version"));
                }
                simple_headers(&frame);
                whole(&frame);
                if let Some(id) = frame.headers.get("message-id") {
                    let new = self.message_ids.insert(id.to_owned());
                    assert!(new, "a second message-id:{id}");
                }
                Said::Frame(frame)
            }
        });
    }
}

/// StompProtocolAndroid reads a header with `([^:\s]+)\s*:\s*([^:\s]+)`: a value that the broker makes must survive that
/// whole. What repeats the client's own words is the client's own matter.
fn simple_headers(frame: &Frame) {
    for (name, value) in frame.headers.iter() {
        if ["destination", "subscription", "receipt-id"].contains(&name) {
            continue;
        }
        let simple = |text: &str| {
            !text.is_empty() && !text.contains(|c: char| c == ':' || c == '\\' || c.is_whitespace())
        };
        assert!(
            simple(name) && simple(value),
            "a simple client can't read {name}:{value}"
        );
    }
}

/// Every frame has what clients need of its kind, whatever a dialogue says of it.
fn whole(frame: &Frame) {
    let needed: &[&str] = match frame.command.as_str() {
        "CONNECTED" => &["version", "heart-beat", "session", "server"],
        "MESSAGE" => &[
            "destination",
            "message-id",
            "content-type",
            "content-length",
        ],
        "RECEIPT" => &["receipt-id"],
        "ERROR" => &["message", "content-type", "content-length"],
        other => panic!("a server does not say {other}"),
    };
    for name in needed {
        let there = frame.headers.get(name).is_some();
        assert!(there, "{} without {name}", frame.command.as_str());
    }
    let speaks = ["MESSAGE", "ERROR"].contains(&frame.command.as_str());
    assert_eq!(speaks, !frame.body.is_empty(), "a body where one belongs");
}

impl Said {
    fn show(&self) -> String {
        match self {
            Self::Beat => "(beat)".to_owned(),
            Self::Stale => "(stale)".to_owned(),
            Self::Closed(farewell) => format!("(close {})", farewell.code),
            Self::Frame(frame) => {
                let mut text = frame.command.as_str().to_owned();
                for (name, value) in frame.headers.iter() {
                    let _ = write!(text, "\n    {name}:{value}");
                }
                let _ = write!(text, "\n    > {}", String::from_utf8_lossy(&frame.body));
                text
            }
        }
    }
}

/// The bytes of a piece of `(raw)`: `\n`, `\r`, `\0`, `\\` and `\xff` stand for what they stand for in Rust.
fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let (byte, length) = match escape.as_bytes() {
            [b'n', ..] => (b'\n', 1),
            [b'r', ..] => (b'\r', 1),
            [b'0', ..] => (0, 1),
            [b'\\', ..] => (b'\\', 1),
            [b'x', ..] => {
                let digits = escape.get(1..3).ok_or("\\x needs two digits")?;
                let byte = u8::from_str_radix(digits, 16);
                (byte.map_err(|_| "\\x needs two hex digits")?, 3)
            }
            _ => return Err(format!("not an escape of (raw): \\{escape}")),
        };
        bytes.push(byte);
        rest = &escape[length..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}
