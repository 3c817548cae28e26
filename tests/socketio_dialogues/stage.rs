//! Plays a dialogue with the Socket.IO machine, the broker and a store in memory, on a pretend clock. The format is described
//! in `frames/socketio/README.md`.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::FutureExt;
use hongyan::auth::Denial;
use hongyan::broker::Broker;
use hongyan::broker::limits::Limits;
use hongyan::broker::moment::Moment;
use hongyan::broker::ports::AddedUser;
use hongyan::broker::ports::Store;
use hongyan::broker::ports::outcome;
use hongyan::broker::sessions::Session;
use hongyan::broker::users::Person;
use hongyan::broker::users::UserKey;
use hongyan::gateways::Act;
use hongyan::gateways::Admitted;
use hongyan::gateways::Credentials;
use hongyan::gateways::Machine;
use hongyan::gateways::Mishap;
use hongyan::gateways::socketio::Door;
use hongyan::gateways::socketio::SocketIoSession;
use hongyan::stores::memory::MemoryStore;
use serde_json::Value;
use serde_json::json;

use crate::pattern::Captured;

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
        let line = line.trim_end();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        stage
            .perform(line)
            .map_err(|why| format!("line {}: {line}\n{why}", index + 1))?;
    }
    stage.nothing_unsaid()
}

pub(super) struct Connection {
    pub(super) machine: SocketIoSession,
    pub(super) session: Option<Arc<Session>>,
    said: VecDeque<Value>,
    /// The last probe.
    mark: u64,
    pub(super) over: bool,
}

pub(super) struct Stage {
    pub(super) now: Moment,
    store: Arc<dyn Store>,
    pub(super) broker: Arc<Broker>,
    people: HashMap<String, Person>,
    /// By name, so that what happens is the same each time.
    pub(super) connections: BTreeMap<String, Connection>,
    pub(super) revoked: HashSet<String>,
    pub(super) captured: Captured,
    /// Whether a name alone lets one in.
    trusting: bool,
    pub(super) sent: u64,
}

fn limits(messages_per_second: u32) -> Limits {
    Limits {
        content_bytes_max: 1_000,
        messages_per_second,
        ..Limits::default()
    }
}

impl Stage {
    fn new() -> Self {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        Self {
            now: START,
            broker: Broker::new(Arc::clone(&store), limits(200)),
            store,
            people: HashMap::new(),
            connections: BTreeMap::new(),
            revoked: HashSet::new(),
            captured: Captured::default(),
            trusting: false,
            sent: 0,
        }
    }

    fn perform(&mut self, line: &str) -> Result<(), String> {
        if let Some(names) = line.strip_prefix("users ") {
            names.split(' ').for_each(|name| drop(self.add_user(name)));
            return Ok(());
        }
        if let Some(rate) = line.strip_prefix("rate ") {
            let rate = rate.parse().map_err(|_| "not a rate")?;
            self.broker = Broker::new(Arc::clone(&self.store), limits(rate));
            return Ok(());
        }
        if line == "trusting" {
            self.trusting = true;
            return Ok(());
        }
        if let Some(time) = line.strip_prefix('+') {
            self.nothing_unsaid()?;
            let ms = time.strip_suffix("ms").and_then(|ms| ms.parse().ok());
            self.pass(ms.ok_or("a time is +500ms")?);
            return Ok(());
        }
        let (who, what) = line
            .split_once(": ")
            .ok_or("a line is `C1: …`, `S1: …`, `B: …`, `users …` or `+500ms`")?;
        match who.split_at(1) {
            ("C", name) => {
                self.nothing_unsaid()?;
                let what = self.captured.fill(what);
                self.client(name, &what)
            }
            ("S", name) => self.server(name, what),
            ("B", "") => {
                self.nothing_unsaid()?;
                let what = self.captured.fill(what);
                self.broker_does(&what)?;
                self.settle();
                Ok(())
            }
            _ => Err("who is C1, C2, … or S1, S2, … or B".to_owned()),
        }
    }

    fn add_user(&mut self, name: &str) -> Person {
        let (done, made) = outcome();
        self.store
            .add_user(name.to_owned(), None, self.now.epoch_ms, done);
        let Some(Ok(AddedUser::New(person))) = made.now_or_never() else {
            panic!("{name} is new");
        };
        self.people.insert(name.to_owned(), person.clone());
        person
    }

    pub(super) fn person(&self, name: &str) -> Result<Person, String> {
        let person = self.people.get(name).cloned();
        person.ok_or_else(|| format!("no such user: {name}"))
    }

    /// In dialogues a token is the user's name, and every password is `right`; `guessed` is one try too many.
    fn admit(&mut self, credentials: Credentials) -> Result<Admitted, Denial> {
        let by_no_token = |person| Admitted {
            person,
            token: None,
            expires_s: None,
            device: None,
        };
        match credentials {
            Credentials::Token(name) => {
                let known = self
                    .people
                    .get(&name)
                    .filter(|_| !self.revoked.contains(&name));
                known.ok_or(Denial::InvalidToken).map(|person| Admitted {
                    person: person.clone(),
                    token: Some(format!("token-of-{name}")),
                    expires_s: Some(START.epoch_ms / 1_000 + TOKEN_LIFE_S),
                    device: None,
                })
            }
            Credentials::Password { name, password } => {
                if password == "guessed" {
                    return Err(Denial::TooManyTries { retry_after_s: 900 });
                }
                let known = self
                    .people
                    .values()
                    .find(|person| *person.name == *name || person.uid.to_string() == name);
                let known = known.filter(|_| password == "right").cloned();
                known.ok_or(Denial::WrongPassword).map(by_no_token)
            }
            Credentials::Trusted(_) if !self.trusting => Err(Denial::NoCredentials),
            Credentials::Trusted(key) => {
                let known = self
                    .people
                    .values()
                    .find(|person| key.means(person))
                    .cloned();
                Ok(by_no_token(match (known, key) {
                    (Some(person), _) => person,
                    (None, UserKey::Name(name)) => self.add_user(&name),
                    (None, UserKey::Uid(_)) => return Err(Denial::NoSuchUser),
                }))
            }
        }
    }

    fn client(&mut self, name: &str, what: &str) -> Result<(), String> {
        let (first, rest) = what.split_once(' ').unwrap_or((what, ""));
        let line = match first {
            "(open)" => {
                let number = name.bytes().fold(0, |sum, b| b.wrapping_add(sum));
                let door = Door {
                    secret: [number; 32],
                };
                let connection = Connection {
                    machine: SocketIoSession::new(self.now, door),
                    session: None,
                    said: VecDeque::new(),
                    mark: 0,
                    over: false,
                };
                self.connections.insert(name.to_owned(), connection);
                json!({"namespace": "/", "connected": true, "id": format!("socket-{name}")})
                    .to_string()
            }
            "(join)" => json!({"namespace": rest, "connected": true}).to_string(),
            "(leave)" => json!({"namespace": rest, "disconnected": true}).to_string(),
            "(raw)" => rest.to_owned(),
            "(deep)" => {
                let deep = format!("{}{}", "[".repeat(33), "]".repeat(33));
                return self.hear(name, &emitted(rest, &deep)?);
            }
            "(gone)" => {
                let gone = self.connections.remove(name).ok_or("no such connection")?;
                if let Some(session) = gone.session {
                    self.broker.close(self.now, &session);
                }
                self.settle();
                return Ok(());
            }
            "(proved)" => {
                let now = self.now;
                let mark = self.connection(name)?.mark;
                self.let_machine(name, |machine, acts| machine.proved(now, mark, acts))?;
                self.settle();
                return Ok(());
            }
            "(unproved)" => {
                let now = self.now;
                let mark = self.connection(name)?.mark;
                self.let_machine(name, |machine, acts| machine.unproved(now, mark, acts))?;
                self.settle();
                return Ok(());
            }
            "(too-large)" => {
                let now = self.now;
                let mishap = Mishap::TooLarge(1_000);
                return self.let_machine(name, |machine, acts| machine.mishap(now, mishap, acts));
            }
            namespace => {
                let (event, data) = rest.split_once(' ').unwrap_or((rest, ""));
                let data = match data.strip_prefix("text ") {
                    Some(text) => Value::from(text).to_string(),
                    None => data.to_owned(),
                };
                emitted(&format!("{namespace} {event}"), &data)?
            }
        };
        self.hear(name, &line)
    }

    fn connection(&mut self, name: &str) -> Result<&mut Connection, String> {
        let connection = self.connections.get_mut(name);
        connection.ok_or_else(|| "no such connection: open it first".to_owned())
    }

    fn hear(&mut self, name: &str, line: &str) -> Result<(), String> {
        let now = self.now;
        let hungry = self.connection(name)?.machine.hungry();
        assert!(
            hungry,
            "what waits waits with the client: in dialogues everything is answered"
        );
        self.let_machine(name, |machine, acts| {
            machine.hear(now, line.as_bytes(), acts)
        })?;
        self.settle();
        Ok(())
    }

    pub(super) fn let_machine(
        &mut self,
        name: &str,
        act: impl FnOnce(&mut SocketIoSession, &mut Vec<Act>),
    ) -> Result<(), String> {
        let mut acts = Vec::new();
        act(&mut self.connection(name)?.machine, &mut acts);
        self.carry_out(name, acts);
        Ok(())
    }

    fn carry_out(&mut self, name: &str, acts: Vec<Act>) {
        let mut acts = VecDeque::from(acts);
        while let Some(act) = acts.pop_front() {
            let admission = match &act {
                Act::LogIn(credentials) => Some(self.admit(credentials.clone())),
                _ => None,
            };
            let connection = self.connections.get_mut(name).expect("an open connection");
            assert!(!connection.over, "nothing follows a close");
            match act {
                Act::Say(text) => {
                    let said = serde_json::from_str(&text).expect("JSON is said");
                    connection.said.push_back(said);
                }
                Act::Ask(ticket, command) => {
                    let session = connection.session.as_ref();
                    let session = session.expect("asks come after the entry");
                    self.broker.ask(self.now, session, ticket, *command);
                }
                Act::LogIn(_) => {
                    let mut more = Vec::new();
                    let admission = admission.expect("looked at above");
                    connection.machine.admitted(self.now, admission, &mut more);
                    acts.extend(more);
                }
                Act::Enter(admitted) => {
                    connection.session = Some(admitted.open(&self.broker, self.now));
                }
                Act::Probe(mark) => {
                    assert!(mark > connection.mark, "marks rise");
                    connection.mark = mark;
                }
                Act::Close(farewell) => {
                    connection.over = true;
                    connection.said.push_back(json!({ "close": farewell.code }));
                    if let Some(session) = connection.session.take() {
                        self.broker.close(self.now, &session);
                    }
                }
                Act::SayBytes(_) | Act::Stale | Act::Leave(_) => panic!("it has no such acts"),
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

    /// Lets time pass, waking each machine, and the broker, exactly when it asked to be woken.
    fn pass(&mut self, ms: u64) {
        let until = self.now.after_ms(ms);
        loop {
            let open = self
                .connections
                .iter()
                .filter(|(_, connection)| !connection.over);
            let machines = open.filter_map(|(name, connection)| {
                let at = connection.machine.wake_at_ms()?;
                Some((at, Some(name.clone())))
            });
            let broker = self.broker.wake_at_ms().map(|at| (at, None));
            let next = machines.chain(broker).min();
            let Some((at, who)) = next.filter(|(at, _)| *at <= until.steady_ms) else {
                break;
            };
            self.now = self.now.after_ms(at.saturating_sub(self.now.steady_ms));
            let now = self.now;
            match who {
                Some(name) => {
                    let woken = self.let_machine(&name, |machine, acts| machine.woken(now, acts));
                    woken.expect("it was there");
                }
                None => self.broker.woken(now),
            }
            self.settle();
        }
        self.now = until;
    }

    /// Whether the connection has said what is written: `/ event {…}`, `#ack {…}`, `(disconnect)` or `(close 1000)`.
    fn server(&mut self, name: &str, what: &str) -> Result<(), String> {
        let said = self
            .connection(name)?
            .said
            .pop_front()
            .ok_or("nothing was said")?;
        let (first, rest) = what.split_once(' ').unwrap_or((what, ""));
        let json = |text: &str| {
            serde_json::from_str::<Value>(text).map_err(|why| format!("{text}: {why}"))
        };
        let as_written = match first {
            "(disconnect)" => said == json!({"namespace": "/", "disconnect": true}),
            "(close" => {
                Some(rest.trim_end_matches(')'))
                    == said["close"]
                        .as_u64()
                        .map(|code| code.to_string())
                        .as_deref()
            }
            ack if ack.starts_with('#') => {
                let pattern = json!({"ack": json(&ack[1..])?, "args": [json(rest)?]});
                self.captured.fits(&pattern, &said)
            }
            namespace => {
                let (event, data) = rest.split_once(' ').ok_or("an event has data")?;
                match data.strip_prefix("text ") {
                    None => {
                        let pattern =
                            json!({"namespace": namespace, "event": event, "args": [json(data)?]});
                        self.captured.fits(&pattern, &said)
                    }
                    Some(data) => {
                        let text = said["args"][0].as_str().unwrap_or_default();
                        let head = json!({"namespace": namespace, "event": event, "args": [text]});
                        head == said && self.captured.fits(&json(data)?, &json(text)?)
                    }
                }
            }
        };
        if as_written {
            Ok(())
        } else {
            Err(format!("instead: {said}"))
        }
    }

    fn nothing_unsaid(&self) -> Result<(), String> {
        for (name, connection) in &self.connections {
            if let Some(said) = connection.said.front() {
                return Err(format!(
                    "before this, S{name} said more than is written: {said}"
                ));
            }
        }
        Ok(())
    }
}

/// The line of an event: `head` is the namespace and the event, with `#7` behind it where an acknowledgement is wanted.
fn emitted(head: &str, data: &str) -> Result<String, String> {
    let (namespace, event) = head.split_once(' ').ok_or("an event is `/ event {…}`")?;
    let (event, ack) = match event.split_once('#') {
        Some((event, ack)) => (event, format!(",\"ack\":{ack}")),
        None => (event, String::new()),
    };
    let (namespace, event) = (Value::from(namespace), Value::from(event));
    Ok(format!(
        r#"{{"namespace":{namespace},"event":{event},"args":[{data}]{ack}}}"#
    ))
}
