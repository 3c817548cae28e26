//! People who do all that makes a broker write, until it dies: they send to each other and to a group, confirm, put into a
//! queue and take from it, block, and keep pictures. Each checks what it is told against the ledger as it comes.

#[path = "load/parts.rs"]
mod parts;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::ledger::Ledger;
use crate::load::parts::block;
use crate::load::parts::consume;
use crate::load::parts::paint;
use crate::load::parts::produce;
use crate::load::parts::receive;
use crate::load::parts::send;
use crate::support::client::Client;
use crate::support::client::soon;
use crate::support::faults::log;
use crate::support::people;

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
