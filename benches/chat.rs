//! How many messages a second does the broker deliver, durable on disk? Pairs of users chat: each message is sent, kept,
//! answered with 200, pushed, and confirmed. Every message must arrive once and in order, or the figure counts nothing.
//!
//! `cargo bench --bench chat [-- PAIRS WINDOW BYTES MESSAGES]` (20 32 100 200000). On Linux with `taskset`, the broker has
//! the first core and the load the second.

#[path = "../tests/support/mod.rs"]
mod support;

use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use support::client::Client;
use support::client::chat;
use support::client::confirm;
use support::client::http;
use support::client::json;
use support::people::key_file;
use support::people::msg_id;
use support::running::Running;

fn main() {
    let numbers: Vec<usize> = std::env::args()
        .skip(1)
        .filter_map(|argument| argument.parse().ok())
        .collect();
    let number = |index: usize, otherwise: usize| numbers.get(index).copied().unwrap_or(otherwise);
    let (pairs, window, bytes, messages) = (
        number(0, 20),
        number(1, 32),
        number(2, 100),
        number(3, 200_000),
    );

    let folder = tempfile::tempdir().expect("a folder");
    let broker = start_pinned(&folder.path().join("data"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let seconds = runtime.block_on(run(&broker.address, pairs, window, bytes, messages / pairs));
    let deliveries = messages / pairs * pairs;
    println!(
        "{pairs} pairs, window {window}, {bytes} bytes: {deliveries} messages delivered once, in order"
    );
    println!("{:.0} deliveries/s", deliveries as f64 / seconds);
    let commits = runtime.block_on(commits(&broker.address));
    println!(
        "{:.0} messages a commit; broker: {} MiB resident",
        deliveries as f64 / commits,
        broker.resident_bytes() >> 20
    );
}

/// The broker on the first core, and this process on the second, where that can be had.
fn start_pinned(data: &std::path::Path) -> Running {
    let pid = std::process::id().to_string();
    let pinned = Command::new("taskset")
        .args(["-cp", "1", &pid])
        .output()
        .is_ok_and(|output| output.status.success());
    let mut command = match pinned {
        true => Command::new("taskset"),
        false => return Running::start(data, &[]),
    };
    command.args([
        "-c",
        "0",
        env!("CARGO_BIN_EXE_hongyan"),
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--log",
        "warn",
    ]);
    command
        .args(["--message-rate", "1000000", "--jwt-key"])
        .arg(key_file(data))
        .arg("--data")
        .arg(data);
    Running::spawn(command)
}

/// How often the store has committed, confirmations included.
async fn commits(address: &str) -> f64 {
    let (_, _, metrics) = http(address, "GET", "/metrics", "", "").await;
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix("hongyan_store_commits_total "));
    line.and_then(|count| count.parse().ok()).expect("a metric")
}

async fn run(address: &str, pairs: usize, window: usize, bytes: usize, each: usize) -> f64 {
    let mut ready = Vec::new();
    for pair in 1..=pairs as u64 {
        let (sender, receiver) = (pair, pair + 10_000);
        let mut to = Client::log_in(address, receiver).await;
        to.subscribe(&format!("/user/{receiver}/recive")).await;
        let mut from = Client::log_in(address, sender).await;
        from.subscribe("/user/queue/send/status").await;
        ready.push((from, to, receiver));
    }
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for (mut from, mut to, receiver) in ready {
        let places = Arc::new(Semaphore::new(window));
        let freed = Arc::clone(&places);
        tasks.spawn(async move {
            let padding = "x".repeat(bytes);
            let (mut sent, mut answered) = (0, 0);
            while answered < each {
                while sent < each && sent - answered < window {
                    let Ok(place) = places.try_acquire() else {
                        break;
                    };
                    place.forget();
                    let content = format!("{sent:08} {padding}");
                    from.queue(chat(
                        receiver,
                        &msg_id(&format!("{receiver} {content}")),
                        &content[..bytes.max(9)],
                    ))
                    .await;
                    sent += 1;
                }
                from.flush().await;
                if sent == answered {
                    places.acquire().await.expect("open").forget();
                    places.add_permits(1);
                    continue;
                }
                let status = json(&from.next().await.expect("a status"));
                assert_eq!(status["code"], 200, "{status}");
                answered += 1;
            }
        });
        tasks.spawn(async move {
            for number in 0..each {
                let message = json(&to.next().await.expect("a message"));
                let content = message["content"].as_str().expect("a content");
                assert!(
                    content.starts_with(&format!("{number:08}")),
                    "{content} is not number {number}"
                );
                to.queue(confirm(message["chatID"].as_str().expect("a msgID")))
                    .await;
                if number % 8 == 7 || freed.available_permits() == 0 {
                    to.flush().await;
                }
                freed.add_permits(1);
            }
            to.flush().await;
        });
    }
    tasks.join_all().await;
    started.elapsed().as_secs_f64()
}
