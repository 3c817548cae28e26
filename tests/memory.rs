//! What do idle connections, a receiver that stops reading, and a queue that nobody empties cost the broker?

mod support;

use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Frame;

use support::client::Client;
use support::client::json;
use support::client::soon;
use support::people::msg_id;
use support::running::Running;

const IDLE: u64 = 1_000;
const IDLE_BYTES_MAX: u64 = 16 * 1024;

const FLOOD: usize = 100_000;
const FLOOD_BYTES_MAX: u64 = 32 * 1024 * 1024;
const STUCK: u64 = 7;
/// Messages in flight while the flood is sent.
const WINDOW: usize = 256;

#[tokio::test]
async fn an_idle_connection_costs_less_than_16_kib() {
    let folder = tempfile::tempdir().expect("a folder");
    let broker = Running::start(&folder.path().join("data"), &[]);
    // The first ones pay for what all of them share.
    let mut clients = Vec::new();
    for uid in 1..=100 {
        clients.push(idle(&broker, uid).await);
    }
    let before = broker.resident_bytes();
    for uid in 101..=100 + IDLE {
        clients.push(idle(&broker, uid).await);
    }
    let each = (broker.resident_bytes() - before) / IDLE;
    println!("{each} bytes of resident memory for each of {IDLE} idle connections");
    assert!(each < IDLE_BYTES_MAX, "{each} bytes each");
}

/// Logged in and subscribed, as a chat client waits.
async fn idle(broker: &Running, uid: u64) -> Client {
    let mut client = Client::log_in(&broker.address, uid).await;
    client.subscribe(&format!("/user/{uid}/recive")).await;
    client
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_stops_reading_costs_little_and_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let broker = Running::start(&folder.path().join("data"), &[]);
    let mut stuck = Client::log_in(&broker.address, STUCK).await;
    stuck.subscribe(&format!("/user/{STUCK}/recive")).await;
    let mut sender = Client::log_in(&broker.address, 1).await;
    sender.subscribe("/user/queue/send/status").await;
    let before = broker.resident_bytes();
    let mut most = before;
    let (mut sent, mut answered) = (0, 0);
    while answered < FLOOD {
        while sent < FLOOD && sent - answered < WINDOW {
            let content = format!("{sent:06} {}", "x".repeat(93));
            sender
                .queue(support::client::chat(STUCK, &msg_id(&content), &content))
                .await;
            sent += 1;
        }
        sender.flush().await;
        let status = json(&sender.next().await.expect("a status"));
        assert_eq!(status["code"], 200, "{status}");
        answered += 1;
        if answered % 1_000 == 0 {
            most = most.max(broker.resident_bytes());
        }
    }
    let cost = most - before;
    println!("{cost} bytes more while {FLOOD} messages were sent to a receiver that does not read");
    assert!(cost < FLOOD_BYTES_MAX, "{cost} bytes more");

    let mut next = 0;
    while next < FLOOD {
        match soon("a message", stuck.next()).await {
            Some(frame) => {
                let content = json(&frame)["content"]
                    .as_str()
                    .expect("a content")
                    .to_owned();
                assert!(
                    content.starts_with(&format!("{next:06} ")),
                    "{content} is not number {next}"
                );
                next += 1;
            }
            // A slow machine may need more than the 30 s that a client has to read. Then it comes back, and everything
            // that was not confirmed comes again.
            None => {
                stuck = Client::log_in(&broker.address, STUCK).await;
                stuck.subscribe(&format!("/user/{STUCK}/recive")).await;
                stuck.init().await;
                next = 0;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_queue_costs_a_page_and_comes_whole_and_in_order() {
    const QUEUE: &str = "/queue/long";
    const LENGTH: usize = 20_000;
    let folder = tempfile::tempdir().expect("a folder");
    let broker = Running::start(&folder.path().join("data"), &[]);
    // It takes what its socket holds, and then nothing.
    let mut stuck = Client::log_in(&broker.address, STUCK).await;
    stuck.subscribe(QUEUE).await;
    let mut sender = Client::log_in(&broker.address, 1).await;
    let before = broker.resident_bytes();
    let mut most = before;
    let (mut sent, mut answered) = (0, 0);
    while answered < LENGTH {
        while sent < LENGTH && sent - answered < WINDOW {
            let send = Frame::new(Command::Send)
                .header("destination", QUEUE)
                .header("receipt", "r")
                .body(format!("{sent:06} {}", "x".repeat(493)));
            sender.queue(send).await;
            sent += 1;
        }
        sender.flush().await;
        let receipt = sender.next().await.expect("a RECEIPT");
        assert_eq!(receipt.command, Command::Receipt, "{receipt:?}");
        answered += 1;
        if answered % 1_000 == 0 {
            most = most.max(broker.resident_bytes());
        }
    }
    let cost = most - before;
    println!("{cost} bytes more while {LENGTH} messages were sent to a queue that nobody empties");
    assert!(cost < FLOOD_BYTES_MAX, "{cost} bytes more");

    for next in 0..LENGTH {
        let frame = soon("a message", stuck.next()).await.expect("a message");
        assert_eq!(frame.command, Command::Message, "{frame:?}");
        assert!(
            frame.body.starts_with(format!("{next:06} ").as_bytes()),
            "{frame:?} is not number {next}"
        );
    }
}
