//! Two users who have nothing to do with the attack, and chat all along.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::house::House;
use crate::support::client::Client;
use crate::support::client::json;
use crate::support::client::soon;
use crate::support::fire::Attack;
use crate::support::people;

/// Nobody else in these tests.
const PAIR: [u64; 2] = [900_001, 900_002];

/// Rounds that show that they are not kept from chatting.
const ROUNDS: u64 = 2;

/// How long they wait when they are told that they chat too fast.
const BREATH: Duration = Duration::from_millis(20);

/// They write to each other in turns, each when the other's message has come.
pub struct Bystanders {
    /// Rounds that they have chatted; nobody counts on when they are cut off.
    rounds: watch::Receiver<u64>,
    over: Arc<AtomicBool>,
    chatting: JoinHandle<Vec<Duration>>,
}

impl Bystanders {
    /// They begin.
    pub async fn begin(house: &House) -> Self {
        house.know(PAIR).await;
        let mut pair = Vec::new();
        for uid in PAIR {
            let mut client = Client::log_in(house.address(), uid).await;
            client.subscribe("/user/queue/send/status").await;
            client.subscribe(&format!("/user/{uid}/recive")).await;
            client.init().await;
            pair.push(client);
        }
        let (count, rounds) = watch::channel(0);
        let over = Arc::new(AtomicBool::new(false));
        let bystanders = Self {
            rounds,
            over: Arc::clone(&over),
            chatting: tokio::spawn(chat(count, over, pair)),
        };
        bystanders.go_on().await;
        bystanders
    }

    /// Waits until they have chatted on from here: to be called while the attack is on.
    pub async fn go_on(&self) {
        let mut rounds = self.rounds.clone();
        let enough = *rounds.borrow() + ROUNDS;
        let chatted = rounds.wait_for(|rounds| *rounds >= enough);
        let chatted = soon("the bystanders' chat", chatted).await;
        assert!(chatted.is_ok(), "the bystanders are cut off");
    }

    /// They end, and look at what is kept: every message once, and in order. What they saw goes into the figures.
    pub async fn end(self, house: &House, attack: &mut Attack) {
        self.go_on().await;
        self.over.store(true, Ordering::SeqCst);
        let mut took = soon("the bystanders' end", self.chatting)
            .await
            .expect("nothing of theirs was lost, doubled, late or cut");
        kept(house, took.len()).await;
        took.sort_unstable();
        let at = |share: f64| {
            let index = (took.len() as f64 * share) as usize;
            let took = took[index.min(took.len() - 1)];
            u64::try_from(took.as_millis()).expect("not that long")
        };
        attack.count("messages between bystanders", took.len() as u64);
        attack.count("ms, slowest chat of a bystander in 100", at(0.99));
        attack.count("ms, slowest chat of a bystander", at(1.0));
    }
}

fn content(number: usize) -> String {
    format!("bystander {number}")
}

/// Chats until it is over; how long each message took, from the SEND to the receiver.
async fn chat(
    rounds: watch::Sender<u64>,
    over: Arc<AtomicBool>,
    mut pair: Vec<Client>,
) -> Vec<Duration> {
    let mut took = Vec::new();
    while !over.load(Ordering::SeqCst) {
        let number = took.len();
        let (sender, receiver) = (number % 2, (number + 1) % 2);
        let content = content(number);
        let msg_id = people::msg_id(&content);
        let begun = Instant::now();
        loop {
            pair[sender].chat(PAIR[receiver], &msg_id, &content).await;
            let status = pair[sender].next().await.expect("a status");
            let status = json(&status);
            assert_eq!(status["msgID"], msg_id, "{status}");
            match status["code"].as_u64() {
                Some(200) => break,
                // They do as they are told: nothing is waited for.
                Some(429) => tokio::time::sleep(BREATH).await,
                _ => panic!("{status}"),
            }
        }
        let message = pair[receiver].next().await.expect("the message");
        took.push(begun.elapsed());
        let message = json(&message);
        assert_eq!(message["content"], content, "{message}");
        assert_eq!(message["senderId"], PAIR[sender]);
        pair[receiver].confirm(&msg_id).await;
        rounds.send_modify(|rounds| *rounds += 1);
    }
    took
}

/// That these are the messages that are kept, each once.
async fn kept(house: &House, count: usize) {
    let token = people::token(PAIR[0]);
    let (mut before, mut left) = (String::new(), count);
    while left > 0 {
        let call = format!("GET /api/messages?with={}&limit=100{before}", PAIR[1]);
        let page = house.call_as(&token, &call, "").await.json(200);
        let messages = page["messages"].as_array().expect("messages");
        assert!(!messages.is_empty(), "{left} of {count} are gone");
        for message in messages {
            assert!(left > 0, "more than were sent: {message}");
            left -= 1;
            assert_eq!(message["content"], content(left), "newest first");
        }
        before = format!("&before={}", messages[messages.len() - 1]["id"]);
        assert_eq!(page["more"], left > 0, "{left} of {count}");
    }
}
