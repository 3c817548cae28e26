//! A process whose memory is limited: at worst it dies as by `kill -9`.

use std::process::Command;

use tempfile::tempdir;
use tokio::task::JoinSet;

use crate::house::House;
use crate::house::serve;
use crate::support::client::Client;
use crate::support::client::chat;
use crate::support::client::json;
use crate::support::fire::Attack;
use crate::support::fire::portion;
use crate::support::people::msg_id;

/// Users 1 to so many write to one receiver each, as fast as they can.
const SENDERS: u64 = 24;
const LETTER: usize = 200_000;
/// What the process may have beyond what it has at the start.
const MEMORY: u64 = 4 << 20;

/// Who sends, and what of it got 200.
struct Sender {
    uid: u64,
    client: Client,
    sent: usize,
    kept: Vec<String>,
    refused: u64,
}

impl Sender {
    async fn log_in(address: &str, uid: u64) -> Self {
        Client::log_in(address, uid + 100).await;
        let mut client = Client::log_in(address, uid).await;
        client.subscribe("/user/queue/send/status").await;
        Self {
            uid,
            client,
            sent: 0,
            kept: Vec::new(),
            refused: 0,
        }
    }

    /// Sends so many more, until the connection ends.
    async fn send(&mut self, count: usize) {
        let name = |number: usize| format!("{} {number} ", self.uid);
        let numbers = self.sent..self.sent + count;
        for number in numbers.clone() {
            let content = name(number) + &"x".repeat(LETTER);
            let send = chat(self.uid + 100, &msg_id(&content), &content);
            self.client.queue(send).await;
        }
        self.client.flush().await;
        for number in numbers {
            let Some(frame) = self.client.next().await else {
                break;
            };
            match json(&frame)["code"].as_u64() {
                Some(200) => self.kept.push(name(number)),
                Some(500) => self.refused += 1,
                other => panic!("{other:?}"),
            }
        }
        self.sent += count;
    }
}

/// What waits for a user, by the beginnings of the contents.
async fn inbox(address: &str, uid: u64) -> Vec<String> {
    let mut client = Client::log_in(address, uid).await;
    client.subscribe(&format!("/user/{uid}/recive")).await;
    client.init().await;
    let end = "the end".to_owned();
    let mut closer = Client::log_in(address, uid - 100).await;
    closer.chat(uid, &msg_id(&end), &end).await;
    let mut all = Vec::new();
    loop {
        let body = json(&client.next().await.expect("a message"));
        let content = body["content"].as_str().expect("a content");
        if content == end {
            return all;
        }
        all.push(content.trim_end_matches('x').to_owned());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_memory_it_dies_at_worst_and_loses_nothing() {
    let rounds = portion(1, 25);
    let (mut died, mut refused, mut acknowledged) = (0, 0, 0);
    for round in 0..rounds {
        let folder = tempdir().expect("a folder");
        let data = folder.path().join("data");
        let more = ["--max-content", "1MiB", "--max-frame", "2MiB"];
        let mut house = House::open(serve(&data, &more));
        let mut senders = Vec::new();
        for uid in 1..=SENDERS {
            let mut sender = Sender::log_in(house.address(), uid).await;
            sender.send(3).await;
            assert_eq!(sender.kept.len(), 3);
            senders.push(sender);
        }
        let memory = house.running.data_bytes() + MEMORY + round % 12 * (2 << 20);
        let limited = Command::new("prlimit")
            .arg(format!("--pid={}", house.running.pid()))
            .arg(format!("--data={memory}:{memory}"))
            .status();
        assert!(limited.expect("prlimit").success());
        let mut sending = JoinSet::new();
        for mut sender in senders {
            sending.spawn(async move {
                sender.send(30).await;
                sender
            });
        }
        let senders = sending.join_all().await;
        died += u64::from(!house.running.is_alive());
        house.running.kill();
        let house = House::open(serve(&data, &more));
        for sender in senders {
            refused += sender.refused;
            acknowledged += sender.kept.len() as u64;
            let found = inbox(house.address(), sender.uid + 100).await;
            let mut once = found.clone();
            once.sort_unstable();
            once.dedup();
            assert_eq!(once.len(), found.len(), "doubled: {found:?}");
            for content in &sender.kept {
                assert!(found.contains(content), "lost: {content}");
            }
        }
    }
    let mut attack = Attack::on(
        "resources-memory",
        "Without memory the broker dies at worst as by `kill -9`, and loses nothing that was acknowledged.",
        "`tests/resources/memory.rs`, `without_memory_it_dies_at_worst_and_loses_nothing`",
    );
    attack.count("times", rounds);
    attack.count("died", died);
    attack.count("sends refused", refused);
    attack.count("acknowledged", acknowledged);
    attack.repelled();
}
