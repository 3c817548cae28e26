//! Somebody who chats: on another gateway in each round, cut now and then, and always exact about what came.

mod sidelines;

use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;
use serde_json::json;
use tokio::sync::Barrier;

use crate::World;
use crate::kind::Kind;
use crate::ledger::Conversation;
use crate::line::Http;
use crate::line::ask;
use crate::line::http;
use crate::support::client::soon;
use crate::support::people;
use crate::support::people::msg_id;
use crate::tongue::Heard;
use crate::tongue::Target;
use crate::tongue::Voice;

/// Messages of a person that may wait for their answer.
const WINDOW: usize = 4;

/// What somebody does in one wave.
pub struct Part {
    pub todo: VecDeque<Target>,
    /// Cut in the middle, and back when all of these are; without a word, or politely.
    pub cut: Option<(Arc<Barrier>, bool)>,
    /// Does not read before all others have sent.
    pub slow: bool,
}

pub struct Person {
    pub uid: u64,
    pub kind: Kind,
    world: Arc<World>,
    token: String,
    http: Http,
    voice: Option<Voice>,
    /// What came since the last round; true where the broker knows that it came.
    seen: HashMap<u64, bool>,
    /// What came on this connection.
    here: HashSet<u64>,
    confirming: HashMap<String, u64>,
    unanswered: HashMap<String, u64>,
    /// What came, connection by connection, each in its order.
    came: Vec<Vec<u64>>,
    came_waiting: Vec<Vec<u64>>,
    /// The last message that was accepted in this way.
    last: Option<u64>,
}

impl Person {
    pub fn new(world: Arc<World>, uid: u64) -> Self {
        let token = world.words.keep_secret(people::token(uid));
        Self {
            uid,
            kind: Kind::Rest,
            world,
            token,
            http: http(),
            voice: None,
            seen: HashMap::new(),
            here: HashSet::new(),
            confirming: HashMap::new(),
            unanswered: HashMap::new(),
            came: Vec::new(),
            came_waiting: Vec::new(),
            last: None,
        }
    }

    pub async fn call(&self, call: &str, body: &str) -> (u16, String) {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("authorization", bearer.as_str())];
        let (address, body) = (&self.world.address, body.to_owned());
        ask(&self.http, address, call, &headers, body).await
    }

    pub async fn json(&self, call: &str, body: &str) -> Value {
        let (status, answer) = self.call(call, body).await;
        assert!((200..300).contains(&status), "{call}: {status} {answer}");
        serde_json::from_str(&answer).unwrap_or_default()
    }

    /// Comes on line; says whether that was by a connection.
    pub async fn enter(&mut self, kind: Kind) {
        self.kind = kind;
        self.here.clear();
        self.came.push(Vec::new());
        self.came_waiting.push(Vec::new());
        if kind == Kind::Rest {
            return;
        }
        let world = &self.world;
        let token = match kind {
            Kind::Packets => {
                let token = self.json("POST /IM/token", "").await;
                let token = token["wstoken"].as_str().expect("a wstoken").to_owned();
                world.words.keep_secret(token)
            }
            _ => self.token.clone(),
        };
        let address = match kind.way() {
            Some(crate::line::Way::Tcp) => &world.stomp_address,
            _ => &world.address,
        };
        let known = &world.ledger.known;
        known.connections.add(1);
        known.sessions.add(1);
        let voice = Voice::enter(kind, address, self.uid, &token, &world.words).await;
        self.voice = Some(voice);
    }

    fn voice(&self) -> &Voice {
        self.voice.as_ref().expect("a connection")
    }

    /// Goes off line: cut without a word, or with a good-bye.
    pub async fn leave(&mut self, rough: bool) {
        self.confirming.clear();
        let Some(voice) = self.voice.take() else {
            return;
        };
        // Nobody notices some cuts for most of a minute: those are for whole runs.
        let rough = rough && (!voice.kind.is_noticed_late() || self.world.patient);
        for heard in voice.leave(rough).await {
            match heard {
                Heard::Pushed(number, _, waited) => self.got(number, waited),
                Heard::Refused => {}
                Heard::Confirmed(..) => {}
                heard => self.take(heard),
            }
        }
    }

    /// Chats until all have sent all, and all that is for this one has come.
    pub async fn chat(&mut self, part: Part) {
        let Part {
            mut todo,
            mut cut,
            slow,
        } = part;
        let world = Arc::clone(&self.world);
        let ledger = &world.ledger;
        let mut changed = ledger.watch();
        let half = todo.len() / 2;
        let mut sending = !slow;
        // Who does not poll has gone, after 5 s of SockJS: that is another thing than to read slowly.
        let polls = self.kind.way().is_some_and(crate::line::Way::polls);
        if slow
            && !polls
            && let Some(voice) = &self.voice
        {
            voice.pause(true);
        }
        loop {
            if slow
                && ledger.all_sent()
                && let Some(voice) = &self.voice
            {
                voice.pause(false);
            }
            while !slow
                && self.unanswered.len() < WINDOW
                && (cut.is_none() || todo.len() > half)
                && let Some(to) = todo.pop_front()
            {
                self.send(to).await;
            }
            if cut.is_some()
                && todo.len() <= half
                && (self.kind.repeats() || self.unanswered.is_empty())
            {
                let (all, rough) = cut.take().expect("a cut");
                self.be_cut(&all, rough).await;
                continue;
            }
            if sending && todo.is_empty() && self.unanswered.is_empty() {
                sending = false;
                ledger.finish_sending();
            }
            if ledger.all_sent() && ledger.due(self.uid) == 0 && self.confirming.is_empty() {
                break;
            }
            self.wait(&mut changed).await;
        }
    }

    /// Waits for the next thing to happen.
    async fn wait(&mut self, changed: &mut tokio::sync::watch::Receiver<()>) {
        let Some(voice) = &mut self.voice else {
            if self.world.ledger.due(self.uid) > 0 {
                return self.read_inbox().await;
            }
            let _ = soon("a message", changed.changed()).await;
            return;
        };
        let uid = self.uid;
        let what = format!(
            "{uid} on {:?} to hear something: {} due, {:?} unanswered, {} to be confirmed, {} still send",
            voice.kind,
            self.world.ledger.due(uid),
            self.unanswered,
            self.confirming.len(),
            self.world.ledger.still_send(),
        );
        let heard = tokio::time::timeout(crate::PATIENCE, async {
            tokio::select! {
                heard = voice.hear() => Some(heard),
                _ = changed.changed() => None,
            }
        });
        let Ok(heard) = heard.await else {
            // Was it never told, or does the broker take it for received?
            let inbox = self.json("GET /api/inbox", "").await;
            panic!("{what}; in the inbox: {inbox}; got before: {:?}", self.came);
        };
        if let Some(heard) = heard {
            let heard = heard.unwrap_or_else(|| panic!("{uid} was cut by the broker: {what}"));
            self.take(heard);
        }
    }

    async fn be_cut(&mut self, all: &Barrier, rough: bool) {
        self.leave(rough).await;
        soon("all the others to be cut", all.wait()).await;
        self.world.ledger.known.reconnections.add(1);
        self.enter(self.kind).await;
        let mut lost: Vec<u64> = self.unanswered.drain().map(|(_, number)| number).collect();
        lost.sort_unstable();
        for number in lost {
            self.world.ledger.known.resent.add(1);
            let to = self.world.ledger.to(number);
            self.say(number, to).await;
        }
    }

    async fn send(&mut self, to: Target) {
        let to = match (self.kind, to) {
            // Packets have no groups to send to.
            (Kind::Packets, Target::Group(_)) => Target::User(self.world.next_of(self.uid)),
            (_, to) => to,
        };
        let number = self.world.ledger.begin(self.uid, to);
        self.say(number, to).await;
    }

    async fn say(&mut self, number: u64, to: Target) {
        let content = self.world.words.content(number);
        if self.kind.sends() {
            let name = self.voice().send(number, to, &content);
            self.unanswered.insert(name, number);
        } else {
            assert_eq!(self.post(number, to, &content).await, 201);
            self.world.ledger.accept(number);
            self.last = Some(number);
        }
    }

    async fn post(&self, number: u64, to: Target, content: &str) -> u16 {
        let id = msg_id(&self.world.words.content(number));
        let body = match to {
            Target::User(uid) => json!({"to": uid, "content": content, "msgID": id}),
            Target::Group(gid) => json!({"group": gid, "content": content, "msgID": id}),
        };
        self.call("POST /api/messages", &body.to_string()).await.0
    }

    fn take(&mut self, heard: Heard) {
        match heard {
            Heard::Pushed(number, id, waited) => {
                self.got(number, waited);
                if self.kind.is_stomp() {
                    let id = id.expect("a chatID");
                    self.voice().confirm(&id);
                    self.confirming.insert(id, number);
                }
            }
            Heard::Sent(name, code) => {
                assert_eq!(code, 200, "{} sent {name} on {:?}", self.uid, self.kind);
                let number = self.unanswered.remove(&name).expect("one of ours");
                self.world.ledger.accept(number);
                self.last = Some(number);
            }
            Heard::Confirmed(id, code) => {
                assert_eq!(code, 200, "{id}");
                let number = self.confirming.remove(&id).expect("one of ours");
                self.seen.insert(number, true);
            }
            Heard::Refused => panic!("{} was refused on {:?}", self.uid, self.kind),
            Heard::Receipt(_) | Heard::Post(_) | Heard::Handed(..) | Heard::Other => {}
        }
    }

    fn got(&mut self, number: u64, waited: bool) {
        let (uid, kind) = (self.uid, self.kind);
        assert!(
            self.here.insert(number),
            "{uid} got {number} twice on one connection, {kind:?}"
        );
        match self.seen.insert(number, false) {
            None => self.world.ledger.came(number, uid),
            Some(false) => self.world.ledger.known.again.add(1),
            Some(true) => panic!("{uid} got {number} again, which it had confirmed, {kind:?}"),
        }
        let came = if waited {
            &mut self.came_waiting
        } else {
            &mut self.came
        };
        came.last_mut().expect("a connection").push(number);
    }

    /// Reads what waits by requests, and confirms it.
    async fn read_inbox(&mut self) {
        let inbox = self.json("GET /api/inbox", "").await;
        let messages = inbox["messages"].as_array().expect("messages").clone();
        for message in messages {
            let content = message["content"].as_str().expect("a content");
            let number = self.world.words.numbers(content).next();
            let number = number.expect("one of ours");
            self.got(number, false);
            let id = message["chatID"].as_str().or(message["msgID"].as_str());
            let call = format!("POST /api/messages/{}/recive", id.expect("an id"));
            self.json(&call, "").await;
            self.seen.insert(number, true);
        }
    }

    /// Waits until the broker knows that everything has come.
    pub async fn drain(&mut self) {
        soon("an empty inbox", async {
            loop {
                let inbox = self.json("GET /api/inbox", "").await;
                if inbox["messages"].as_array().is_some_and(Vec::is_empty) {
                    return;
                }
            }
        })
        .await;
        self.seen.values_mut().for_each(|settled| *settled = true);
    }

    /// What a conversation has after `last`, oldest first.
    pub async fn history(&self, conversation: Conversation, last: Option<u64>) -> Vec<u64> {
        let with = match conversation {
            Conversation::Pair(a, b) => format!("with={}", if a == self.uid { b } else { a }),
            Conversation::Group(gid) => format!("group={gid}"),
        };
        let mut numbers = Vec::new();
        let mut before = String::new();
        loop {
            let call = format!("GET /api/messages?{with}&limit=200{before}");
            let page = self.json(&call, "").await;
            for message in page["messages"].as_array().expect("messages") {
                let content = message["content"].as_str().expect("a content");
                let number = self.world.words.numbers(content).next();
                let number = number.expect("one of ours");
                if Some(number) == last {
                    numbers.reverse();
                    return numbers;
                }
                assert_eq!(message["state"], "received", "{message}");
                numbers.push(number);
                before = format!("&before={}", message["id"]);
            }
            if page["more"] == false {
                numbers.reverse();
                return numbers;
            }
        }
    }

    /// The round is over: whether all came in the order of the conversations. Nothing of it may come again.
    pub fn end_round(&mut self, places: &HashMap<u64, usize>) {
        for came in self.came.drain(..).chain(self.came_waiting.drain(..)) {
            self.world.ledger.check_order(self.uid, &came, places);
        }
        assert!(self.unanswered.is_empty() && self.confirming.is_empty());
        self.seen.clear();
        self.last = None;
        // Its connections are the broker's descriptors.
        self.http = http();
        // An hour is the life of a token.
        self.token = self.world.words.keep_secret(people::token(self.uid));
    }
}
