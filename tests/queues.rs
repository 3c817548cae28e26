//! What becomes of shared queues when the broker is killed: is anything lost that got a RECEIPT, does anything come again
//! whose ACK got one, is anything out of order?

mod support;

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Frame;
use tokio::sync::Barrier;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use support::client::Client;
use support::client::soon;
use support::running::Running;

/// How often the broker is killed.
const KILLS: usize = 8;
/// Who sends: users 1 to 4, the first to a queue that one consumes, the others to one that several do.
const PRODUCERS: u64 = 4;
/// Who consumes: users 101 to 104, likewise.
const CONSUMERS: u64 = 4;
/// SENDs of a producer that may wait for their RECEIPT.
const WINDOW: usize = 8;
/// Messages that a consumer has unacknowledged.
const PREFETCH: usize = 5;

const QUEUES: [&str; 2] = ["/queue/one", "/queue/many/consumers"];

fn queue_of(uid: u64) -> &'static str {
    QUEUES[usize::from(uid % 100 != 1)]
}

/// What the tests know of all messages, whatever broker they met. A message is `producer:number`.
#[derive(Default)]
struct Known {
    /// The SEND got its RECEIPT.
    sent: HashSet<String>,
    /// It was pushed.
    pushed: HashSet<String>,
    /// Its ACK got its RECEIPT.
    acked: HashSet<String>,
}

struct Round {
    address: String,
    known: Mutex<Known>,
    /// Nobody begins before all are there.
    all_here: Barrier,
    acks_left: AtomicUsize,
    enough: Notify,
}

fn send(queue: &str, message: &str) -> Frame {
    Frame::new(Command::Send)
        .header("destination", queue)
        .header("receipt", message)
        .body(message)
}

/// Sends messages numbered from `next` until the broker dies; how far it came.
async fn produce(round: Arc<Round>, uid: u64, mut next: usize) -> usize {
    let mut client = Client::log_in(&round.address, uid).await;
    round.all_here.wait().await;
    let mut waiting = 0;
    loop {
        while waiting < WINDOW {
            client
                .queue(send(queue_of(uid), &format!("{uid}:{next}")))
                .await;
            next += 1;
            waiting += 1;
        }
        client.flush().await;
        let Some(frame) = client.next().await else {
            return next;
        };
        assert_eq!(frame.command, Command::Receipt, "{frame:?}");
        let message = frame.headers.get("receipt-id").expect("its id").to_owned();
        round.known.lock().unwrap().sent.insert(message);
        waiting -= 1;
    }
}

async fn subscribe(client: &mut Client, queue: &str) {
    let frame = Frame::new(Command::Subscribe)
        .header("id", "q")
        .header("destination", queue)
        .header("ack", "client-individual")
        .header("prefetch-count", &PREFETCH.to_string());
    client.send(frame).await;
}

/// One consumer's view of the order: of each producer, the highest number so far.
#[derive(Default)]
struct Order(HashMap<String, usize>);

impl Order {
    fn check(&mut self, message: &str) {
        let (producer, number) = message.split_once(':').expect("producer:number");
        let number: usize = number.parse().expect("a number");
        if let Some(last) = self.0.insert(producer.to_owned(), number) {
            assert!(last < number, "{message} after {last}");
        }
    }
}

/// Consumes until the broker dies, or until `last` is acknowledged.
async fn consume(round: Arc<Round>, uid: u64, last: Option<&str>) {
    let mut client = Client::log_in(&round.address, uid).await;
    round.all_here.wait().await;
    subscribe(&mut client, queue_of(uid)).await;
    let mut order = Order::default();
    while let Some(frame) = client.next().await {
        if frame.command == Command::Receipt {
            let message = frame.headers.get("receipt-id").expect("its id").to_owned();
            let ended = last == Some(&*message);
            round.known.lock().unwrap().acked.insert(message);
            if round.acks_left.fetch_sub(1, Ordering::SeqCst) == 1 {
                round.enough.notify_one();
            }
            if ended {
                return;
            }
            continue;
        }
        assert_eq!(frame.command, Command::Message, "{frame:?}");
        let message = String::from_utf8(frame.body).expect("text");
        order.check(&message);
        {
            let mut known = round.known.lock().unwrap();
            assert!(!known.acked.contains(&message), "{message} comes again");
            known.pushed.insert(message.clone());
        }
        let ack = Frame::new(Command::Ack)
            .header("id", frame.headers.get("ack").expect("an id"))
            .header("receipt", &message);
        client.send(ack).await;
    }
    assert_eq!(last, None, "the broker should live");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_comes_again_or_out_of_order_when_the_broker_is_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut known = Known::default();
    let mut next: HashMap<u64, usize> = (1..=PRODUCERS).map(|uid| (uid, 0)).collect();
    for kill in 0..KILLS {
        let broker = Running::start(&data, &[]);
        // At another moment each time, with all of them in full swing.
        let round = Arc::new(Round {
            address: broker.address.clone(),
            known: Mutex::new(known),
            all_here: Barrier::new((PRODUCERS + CONSUMERS) as usize),
            acks_left: AtomicUsize::new(200 + kill * 37),
            enough: Notify::new(),
        });
        let mut producers = JoinSet::new();
        for uid in 1..=PRODUCERS {
            let (round, from) = (Arc::clone(&round), next[&uid]);
            producers.spawn(async move { (uid, produce(round, uid, from).await) });
        }
        let mut consumers = JoinSet::new();
        for uid in 101..101 + CONSUMERS {
            consumers.spawn(consume(Arc::clone(&round), uid, None));
        }
        soon("enough ACKs", round.enough.notified()).await;
        broker.kill();
        next = producers.join_all().await.into_iter().collect();
        consumers.join_all().await;
        let round = Arc::into_inner(round).expect("all have ended");
        known = round.known.into_inner().expect("nobody panicked");
    }

    // Behind everything that is left comes a last message, so that one consumer of each queue knows when it has all.
    let broker = Running::start(&data, &[]);
    let mut closer = Client::log_in(&broker.address, 50).await;
    for queue in QUEUES {
        closer.send(send(queue, "50:0")).await;
        let receipt = closer.next().await.expect("a RECEIPT");
        assert_eq!(receipt.command, Command::Receipt, "{receipt:?}");
    }
    let round = Arc::new(Round {
        address: broker.address.clone(),
        known: Mutex::new(known),
        all_here: Barrier::new(1),
        acks_left: AtomicUsize::new(0),
        enough: Notify::new(),
    });
    for uid in [101, 102] {
        // The two queues end with the same word.
        round.known.lock().unwrap().acked.remove("50:0");
        consume(Arc::clone(&round), uid, Some("50:0")).await;
    }
    let known = round.known.lock().unwrap();
    let lost: Vec<_> = known.sent.difference(&known.pushed).collect();
    assert!(
        lost.is_empty(),
        "they got a RECEIPT, and are lost: {lost:?}"
    );
    let begun: usize = next.values().sum();
    println!(
        "{KILLS} kills, {begun} SENDs, {} with a RECEIPT, {} pushed, {} acknowledged",
        known.sent.len(),
        known.pushed.len(),
        known.acked.len()
    );
}
