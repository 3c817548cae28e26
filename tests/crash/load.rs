//! People who do all that makes a broker write, until it dies: they send to each other and to a group, confirm, put into a
//! queue and take from it, block, and keep pictures. Each checks what it is told against the ledger as it comes.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Frame;
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::ledger::Ledger;
use crate::ledger::parse;
use crate::support::client::Client;
use crate::support::client::chat;
use crate::support::client::json;
use crate::support::client::soon;
use crate::support::faults::log;
use crate::support::people;
use crate::support::people::msg_id;

/// Who writes, each to one receiver and to the group.
pub const SENDERS: [u64; 3] = [1, 2, 3];
/// Who receives; both are in the group.
pub const RECEIVERS: [u64; 2] = [11, 12];
/// Puts into the queue.
const PRODUCER: u64 = 21;
/// Takes from it.
const CONSUMER: u64 = 22;
/// Blocks somebody.
pub const BLOCKER: u64 = 31;
/// Is blocked.
pub const BLOCKED: u64 = 32;
/// Keeps pictures.
pub const PAINTER: u64 = 33;
/// Frames of a client that may wait for their answer.
const WINDOW: usize = 6;
/// Where the work is.
const QUEUE: &str = "/queue/work";
/// How a PNG begins.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The receiver of what this one sends.
pub fn receiver_of(sender: u64) -> u64 {
    RECEIVERS[sender as usize % RECEIVERS.len()]
}

/// The bytes of a picture.
pub fn picture(number: usize) -> Vec<u8> {
    let mut bytes = PNG.to_vec();
    bytes.extend(format!("picture {number} ").repeat(300).bytes());
    bytes
}

/// One broker's life, seen by its clients.
pub struct Round {
    address: String,
    group: u64,
    /// The bytes that each content is made longer by.
    padding: usize,
    /// Whether nothing new is sent: what is unanswered is sent again, and all is received and confirmed.
    settling: bool,
    ledger: Mutex<Ledger>,
    /// Nobody begins before all are there.
    all_here: Barrier,
    answers_left: AtomicU64,
    enough: Notify,
    /// Where each answer is marked.
    log: Option<PathBuf>,
}

impl Round {
    /// With what was known before. `enough` is told after so many answers.
    pub fn new(address: &str, group: u64, ledger: Ledger, answers: u64) -> Self {
        Self {
            address: address.to_owned(),
            group,
            padding: 0,
            settling: false,
            ledger: Mutex::new(ledger),
            all_here: Barrier::new(SENDERS.len() + RECEIVERS.len() + 5),
            answers_left: AtomicU64::new(answers),
            enough: Notify::new(),
            log: None,
        }
    }

    /// Contents are longer by so many bytes.
    pub fn padded(mut self, bytes: usize) -> Self {
        self.padding = bytes;
        self
    }

    /// Answers are marked there.
    pub fn marking(mut self, log: Option<PathBuf>) -> Self {
        self.log = log;
        self
    }

    /// Everybody does what is theirs, until the broker is dead. All have logged in when this returns.
    pub async fn begin(self) -> Load {
        let round = Arc::new(self);
        let mut people = JoinSet::new();
        for uid in SENDERS {
            people.spawn(send(Arc::clone(&round), uid));
        }
        for uid in RECEIVERS {
            people.spawn(receive(Arc::clone(&round), uid));
        }
        people.spawn(produce(Arc::clone(&round)));
        people.spawn(consume(Arc::clone(&round)));
        people.spawn(block(Arc::clone(&round)));
        people.spawn(paint(Arc::clone(&round)));
        soon("the log-ins", round.all_here.wait()).await;
        Load { round, people }
    }

    /// What got no answer is sent again, and everything is received, confirmed and taken. Gives what is known then.
    pub async fn settle(mut self) -> Ledger {
        self.settling = true;
        self.all_here = Barrier::new(1);
        let round = Arc::new(self);
        for uid in SENDERS {
            send(Arc::clone(&round), uid).await;
        }
        for uid in RECEIVERS {
            receive(Arc::clone(&round), uid).await;
        }
        produce(Arc::clone(&round)).await;
        consume(Arc::clone(&round)).await;
        block(Arc::clone(&round)).await;
        paint(Arc::clone(&round)).await;
        let round = Arc::into_inner(round).expect("all have ended");
        round.ledger.into_inner().expect("nobody panicked")
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().expect("nobody panicked")
    }

    /// Looks at the ledger, or writes into it.
    fn knows<T>(&self, look: impl FnOnce(&mut Ledger) -> T) -> T {
        look(&mut self.ledger())
    }

    /// Something was answered.
    fn answered(&self, mark: impl FnOnce() -> String) {
        self.mark(mark);
        if self.answers_left.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.enough.notify_one();
        }
    }

    fn mark(&self, mark: impl FnOnce() -> String) {
        if let Some(log) = &self.log {
            log::mark(log, &mark());
        }
    }

    /// One request over HTTP; `None` when the broker is gone.
    async fn ask(&self, uid: u64, line: &str, body: &[u8]) -> Option<(u16, Vec<u8>)> {
        let mut stream = TcpStream::connect(&self.address).await.ok()?;
        let token = people::token(uid);
        let head = format!(
            "{line} HTTP/1.1\r\nHost: broker\r\nConnection: close\r\nAuthorization: Bearer {token}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.ok()?;
        stream.write_all(body).await.ok()?;
        let mut answer = Vec::new();
        soon("an answer", stream.read_to_end(&mut answer))
            .await
            .ok()?;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
        let length = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
        let length = length
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.lines().next()?.trim().parse().ok())
            .unwrap_or(0);
        let code = std::str::from_utf8(answer.get(9..12)?).ok()?.parse().ok()?;
        let body = answer.split_off(end + 4);
        // An answer that was cut off is none.
        (body.len() >= length).then_some((code, body))
    }

    async fn log_in(&self, uid: u64, subscriptions: &[&str]) -> Client {
        let mut client = Client::log_in(&self.address, uid).await;
        for destination in subscriptions {
            client.subscribe(destination).await;
        }
        self.all_here.wait().await;
        client
    }
}

/// What is under way.
pub struct Load {
    round: Arc<Round>,
    people: JoinSet<()>,
}

impl Load {
    /// Waits for the answers that were asked for.
    pub async fn enough(&mut self) {
        let round = Arc::clone(&self.round);
        let enough = round.enough.notified();
        tokio::select! {
            () = soon("enough answers", enough) => {}
            Some(Err(why)) = self.people.join_next() => panic!("{why}"),
        }
    }

    /// Once the broker is dead: what is known.
    pub async fn over(mut self) -> Ledger {
        while let Some(ended) = soon("the clients' end", self.people.join_next()).await {
            ended.expect("what was promised holds");
        }
        let round = Arc::into_inner(self.round).expect("all have ended");
        round.ledger.into_inner().expect("nobody panicked")
    }
}

/// Makes the people and the group; its number.
pub async fn prepare(address: &str) -> u64 {
    for uid in RECEIVERS.into_iter().chain([BLOCKED, PAINTER]) {
        // A user exists from the first log-in on.
        drop(Client::log_in(address, uid).await);
    }
    for uid in SENDERS {
        drop(Client::log_in(address, uid).await);
    }
    let round = Round::new(address, 0, Ledger::default(), 0);
    let members: Vec<u64> = SENDERS.into_iter().chain(RECEIVERS).collect();
    let group = serde_json::json!({ "name": "all", "members": members, "admin": [] }).to_string();
    let made = round
        .ask(SENDERS[0], "POST /api/groups", group.as_bytes())
        .await;
    let (code, body) = made.expect("the broker lives");
    let text = String::from_utf8_lossy(&body);
    assert_eq!(code, 201, "{text}");
    let group: Value = serde_json::from_slice(&body).expect("JSON");
    group["gid"].as_u64().expect("a gid")
}

/// The next frame; `None` when the broker is gone, or says that it goes.
async fn told(client: &mut Client) -> Option<Frame> {
    let frame = client.next().await?;
    let stopping = frame.headers.get("message") == Some("broker-stopping");
    (!stopping).then_some(frame)
}

fn to_group(group: u64, content: &str) -> Frame {
    let body =
        serde_json::json!({ "msgID": msg_id(content), "groupId": group, "content": content });
    Frame::new(Command::Send)
        .header("destination", "/socket/group/send")
        .body(body.to_string())
}

/// Sends what has no 200 yet, then more, in turn to its receiver and to the group.
async fn send(round: Arc<Round>, uid: u64) {
    let mut client = round.log_in(uid, &["/user/queue/send/status"]).await;
    let lanes = [format!("{uid}>{}", receiver_of(uid)), format!("{uid}>g")];
    let mut next = lanes.clone().map(|lane| round.ledger().lane(&lane).kept);
    let mut waiting: VecDeque<(usize, String)> = VecDeque::new();
    let mut turn = 0;
    loop {
        while waiting.len() < WINDOW {
            let begun = [0, 1].map(|at: usize| round.ledger().lane(&lanes[at]).begun);
            turn = (turn + 1) % 2;
            if round.settling {
                let Some(left) = [0, 1].into_iter().find(|at| next[*at] < begun[*at]) else {
                    break;
                };
                turn = left;
            }
            let (lane, number) = (&lanes[turn], next[turn]);
            let padding = " ".repeat(round.padding);
            let content = format!("{lane}:{number}{padding}");
            next[turn] += 1;
            round.knows(|ledger| {
                let lane = ledger.lane(lane);
                lane.begun = lane.begun.max(next[turn]);
            });
            waiting.push_back((turn, msg_id(&content)));
            client
                .queue(match turn {
                    0 => chat(receiver_of(uid), &msg_id(&content), &content),
                    _ => to_group(round.group, &content),
                })
                .await;
        }
        if waiting.is_empty() {
            return;
        }
        client.flush().await;
        let Some(frame) = told(&mut client).await else {
            assert!(!round.settling, "the broker should live");
            return;
        };
        let status = json(&frame);
        assert_eq!(status["code"], 200, "{status}");
        let (turn, name) = waiting.pop_front().expect("something was sent");
        assert_eq!(
            status["msgID"], *name,
            "statuses come in the order of the messages"
        );
        let kept = round.knows(|ledger| {
            let lane = ledger.lane(&lanes[turn]);
            lane.kept += 1;
            lane.kept
        });
        round.answered(|| format!("kept {} {kept}", lanes[turn]));
    }
}

/// Receives all, and confirms it. In each lane there is no gap, nothing comes twice, and nothing that was confirmed.
async fn receive(round: Arc<Round>, uid: u64) {
    let own = format!("/user/{uid}/recive");
    let subscriptions = [&own, "/user/queue/group", "/user/queue/recive/status"];
    let mut client = Client::log_in(&round.address, uid).await;
    for destination in subscriptions {
        client.subscribe(destination).await;
    }
    let init = Frame::new(Command::Send)
        .header("destination", "/socket/chat/init")
        .header("receipt", "init");
    client.send(init).await;
    let mut next: HashMap<String, u64> = HashMap::new();
    let mut waiting: VecDeque<(String, u64)> = VecDeque::new();
    // A confirmation that was kept and not answered brings nothing again, so what was asked for is what counts.
    let all_asked = |ledger: &mut Ledger| {
        let mine = |lane: &&String| lane.ends_with(&format!(">{uid}")) || lane.ends_with(">g");
        let mine: Vec<String> = ledger.lanes.keys().filter(mine).cloned().collect();
        mine.iter()
            .all(|lane| ledger.got(uid, lane).asked == ledger.lane(lane).kept)
    };
    let mut begun = false;
    while !(round.settling && begun && waiting.is_empty() && all_asked(&mut round.ledger())) {
        let Some(frame) = told(&mut client).await else {
            assert!(!round.settling, "the broker should live");
            return;
        };
        if frame.command == Command::Receipt {
            // What is new must not come before what init brings, which would come again then.
            round.all_here.wait().await;
            begun = true;
            continue;
        }
        let body = json(&frame);
        if body.get("code").is_some() {
            assert_eq!(body["code"], 200, "{body}");
            let (lane, number) = waiting.pop_front().expect("a confirmation");
            round.knows(|ledger| {
                let got = ledger.got(uid, &lane);
                got.confirmed = got.confirmed.max(number + 1);
            });
            round.answered(|| format!("confirmed {uid} {lane} {}", number + 1));
            continue;
        }
        let content = body["content"].as_str().expect("a content");
        let (lane, number) = parse(content);
        let got = round.knows(|ledger| {
            let begun = ledger.lane(lane).begun;
            assert!(number < begun, "{lane}:{number}, of {begun}");
            let got = ledger.got(uid, lane);
            let before = *got;
            got.asked = got.asked.max(number + 1);
            before
        });
        match next.get(lane) {
            Some(expected) => assert_eq!(
                number, *expected,
                "user {uid}: {lane}:{number} where {expected} was to come (lost, doubled or out of order)"
            ),
            None => assert!(
                (got.confirmed..=got.asked).contains(&number),
                "user {uid}: {lane}:{number} comes first, after {got:?}"
            ),
        }
        next.insert(lane.to_owned(), number + 1);
        round.mark(|| format!("confirming {uid} {lane} {}", number + 1));
        waiting.push_back((lane.to_owned(), number));
        let name = body["chatID"].as_str().expect("a msgID");
        client.confirm(name).await;
    }
}

/// Puts numbers into the queue.
async fn produce(round: Arc<Round>) {
    let mut client = round.log_in(PRODUCER, &[]).await;
    let mut waiting = VecDeque::new();
    loop {
        while waiting.len() < if round.settling { 1 } else { WINDOW } {
            let number = round.knows(|ledger| {
                let number = ledger.work.begun;
                ledger.work.begun += 1;
                ledger.work.unsure.insert(number);
                number
            });
            waiting.push_back(number);
            let frame = Frame::new(Command::Send)
                .header("destination", QUEUE)
                .header("receipt", &number.to_string())
                .body(number.to_string());
            client.queue(frame).await;
        }
        client.flush().await;
        let Some(frame) = told(&mut client).await else {
            assert!(!round.settling, "the broker should live");
            return;
        };
        assert_eq!(frame.command, Command::Receipt, "{frame:?}");
        let number = waiting.pop_front().expect("something was sent");
        assert_eq!(frame.headers.get("receipt-id"), Some(&*number.to_string()));
        round.ledger().work.unsure.remove(&number);
        round.answered(|| format!("put {number}"));
        if round.settling {
            return;
        }
    }
}

/// Takes numbers from the queue: none is missing that got its RECEIPT, and none comes again whose ACK did.
async fn consume(round: Arc<Round>) {
    let mut client = round.log_in(CONSUMER, &[]).await;
    let subscribe = Frame::new(Command::Subscribe)
        .header("id", "q")
        .header("destination", QUEUE)
        .header("ack", "client-individual")
        .header("prefetch-count", "5");
    client.send(subscribe).await;
    let mut next = None;
    let mut waiting = VecDeque::new();
    loop {
        if round.settling {
            let work = &round.ledger().work;
            if work.taken == work.begun {
                return;
            }
        }
        let Some(frame) = told(&mut client).await else {
            assert!(!round.settling, "the broker should live");
            return;
        };
        if frame.command == Command::Receipt {
            let number: u64 = waiting.pop_front().expect("an ACK");
            round.ledger().work.taken = number + 1;
            round.answered(|| format!("took {number}"));
            continue;
        }
        assert_eq!(frame.command, Command::Message, "{frame:?}");
        let body = String::from_utf8(frame.body).expect("text");
        let number: u64 = body.parse().expect("a number");
        round.knows(|ledger| {
            let work = &mut ledger.work;
            // The ACKs of an earlier session may or may not have been kept.
            let (from, excused) = next.map_or((work.taken, work.asked), |next| (next, next));
            assert!(number >= from, "{number} comes again, after {from}");
            for missing in from.max(excused)..number {
                assert!(
                    work.unsure.contains(&missing),
                    "{number} comes, and {missing} had its RECEIPT"
                );
            }
            work.asked = work.asked.max(number + 1);
        });
        next = Some(number + 1);
        round.mark(|| format!("taking {number}"));
        waiting.push_back(number);
        let ack = Frame::new(Command::Ack)
            .header("id", frame.headers.get("ack").expect("an id"))
            .header("receipt", &number.to_string());
        client.send(ack).await;
    }
}

/// Blocks somebody, and takes it back. What was answered last holds, or what was asked for after it.
async fn block(round: Arc<Round>) {
    round.all_here.wait().await;
    let path = format!("/api/blocks/{BLOCKED}");
    let shown = round.ask(BLOCKER, &format!("GET {path}"), b"").await;
    let Some((200, body)) = shown else {
        assert!(shown.is_none(), "{shown:?}");
        return;
    };
    let shown: Value = serde_json::from_slice(&body).expect("JSON");
    let mut blocked = shown["blocked"].as_bool().expect("yes or no");
    {
        let block = &mut round.ledger().block;
        assert!(
            blocked == block.answered || Some(blocked) == block.asked,
            "{blocked}, and yet {block:?}"
        );
        block.answered = blocked;
        block.asked = None;
    }
    // What was shown is as good as answered.
    round.mark(|| format!("blocked {blocked}"));
    if round.settling {
        return;
    }
    loop {
        blocked = !blocked;
        round.ledger().block.asked = Some(blocked);
        round.mark(|| format!("blocking {blocked}"));
        let call = if blocked { "PUT" } else { "DELETE" };
        let Some((code, _)) = round.ask(BLOCKER, &format!("{call} {path}"), b"").await else {
            return;
        };
        assert_eq!(code, 204);
        let block = &mut round.ledger().block;
        block.answered = blocked;
        block.asked = None;
        round.answered(|| format!("blocked {blocked}"));
    }
}

/// Keeps pictures, once it has seen the newest of those before (all of them at the end).
async fn paint(round: Arc<Round>) {
    round.all_here.wait().await;
    let kept = round.ledger().pictures.clone();
    let from = if round.settling {
        0
    } else {
        kept.len().saturating_sub(2)
    };
    for (number, id) in kept.iter().enumerate().skip(from) {
        let shown = round
            .ask(PAINTER, &format!("GET /api/images/{id}"), b"")
            .await;
        let Some((code, bytes)) = shown else {
            assert!(!round.settling, "the broker should live");
            return;
        };
        assert_eq!(code, 200, "picture {number}, {id}");
        assert!(
            bytes == picture(number),
            "picture {number}, {id} is another"
        );
    }
    if round.settling {
        return;
    }
    loop {
        let number = round.ledger().pictures.len();
        let kept = round
            .ask(PAINTER, "POST /api/images", &picture(number))
            .await;
        let Some((code, body)) = kept else {
            return;
        };
        assert_eq!(code, 201, "{}", String::from_utf8_lossy(&body));
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        let id = body["id"].as_str().expect("an id").to_owned();
        round.ledger().pictures.push(id.clone());
        round.answered(|| format!("painted {id}"));
    }
}
