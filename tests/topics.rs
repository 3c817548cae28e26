//! Does a topic reach everybody who reads, whatever those do who don't?

mod support;

use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Frame;

use support::client::Client;
use support::client::http;
use support::running::Running;

const TOPIC: &str = "/topic/flood";
/// Those who read all the time.
const READERS: u64 = 3;
/// Bytes of a message: a few hundred fill what a socket holds.
const BODY_BYTES: usize = 16 * 1024;
/// Messages between two looks at the metrics.
const WINDOW: usize = 16;

fn post(number: usize) -> Frame {
    let body = format!("{number} {}", "x".repeat(BODY_BYTES));
    Frame::new(Command::Send)
        .header("destination", TOPIC)
        .header("number", &number.to_string())
        .body(body)
}

/// The number of the next message, which is a whole one.
async fn next(reader: &mut Client) -> usize {
    let frame = reader.next().await.expect("a message");
    assert_eq!(frame.command, Command::Message, "{frame:?}");
    assert!(frame.body.len() > BODY_BYTES);
    let number = frame.headers.get("number").expect("a number");
    number.parse().expect("a number")
}

async fn metric(broker: &Running, name: &str) -> u64 {
    let (_, _, text) = http(&broker.address, "GET", "/metrics", "", "").await;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.expect("the metric").parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_does_not_read_is_ended_and_the_others_miss_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let broker = Running::start(&folder.path().join("data"), &[]);
    let mut slow = Client::log_in(&broker.address, 100).await;
    slow.subscribe(TOPIC).await;
    let mut readers = Vec::new();
    for uid in 1..=READERS {
        let mut reader = Client::log_in(&broker.address, uid).await;
        reader.subscribe("/topic/*").await;
        readers.push(reader);
    }
    let mut sender = Client::log_in(&broker.address, 50).await;
    let mut sent = 0;
    while metric(&broker, "hongyan_slow_consumers_total").await == 0 {
        for _ in 0..WINDOW {
            sender.queue(post(sent)).await;
            sent += 1;
        }
        sender.flush().await;
        for reader in &mut readers {
            for number in sent - WINDOW..sent {
                assert_eq!(next(reader).await, number, "all of them, in order");
            }
        }
    }
    // What it finds when it reads at last: how far it came, without a gap, and why no further.
    let mut came = 0;
    let end = loop {
        let frame = slow.next().await.expect("an ERROR before the end");
        if frame.command != Command::Message {
            break frame;
        }
        let number = came.to_string();
        assert_eq!(frame.headers.get("number"), Some(&*number));
        came += 1;
    };
    assert_eq!(end.command, Command::Error);
    assert_eq!(end.headers.get("message"), Some("slow-consumer"));
    assert!(came < sent);
    assert_eq!(slow.next().await, None);

    sender.send(post(sent)).await;
    for reader in &mut readers {
        assert_eq!(next(reader).await, sent, "the others go on");
    }
    assert_eq!(metric(&broker, "hongyan_slow_consumers_total").await, 1);
}
