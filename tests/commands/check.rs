//! `check`: what is there, and what is wrong with it.

use std::path::Path;

use tempfile::TempDir;
use tempfile::tempdir;

use crate::run::hongyan;
use crate::support::client::Client;
use crate::support::client::json;
use crate::support::people::msg_id;
use crate::support::running::Running;

/// Three messages from 1 to 2, one of them received.
async fn talk(broker: &Running) {
    let mut receiver = Client::log_in(&broker.address, 2).await;
    receiver.subscribe("/user/2/recive").await;
    receiver.subscribe("/user/queue/recive/status").await;
    let mut sender = Client::log_in(&broker.address, 1).await;
    sender.subscribe("/user/queue/send/status").await;
    for content in ["one", "two", "three"] {
        sender.chat(2, &msg_id(content), content).await;
        let status = json(&sender.next().await.expect("the broker lives"));
        assert_eq!(status["code"], 200, "{status}");
        receiver.next().await.expect("a message");
    }
    receiver.confirm(&msg_id("one")).await;
    let status = json(&receiver.next().await.expect("the broker lives"));
    assert_eq!(status["code"], 200, "{status}");
}

/// A data directory with something in it, of a broker that was stopped.
pub async fn used() -> (TempDir, std::path::PathBuf) {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    let broker = Running::start(&data, &[]);
    talk(&broker).await;
    assert!(broker.terminate().success());
    (folder, data)
}

fn is_sound(data: &Path) {
    let out = hongyan(data, &["check"]).good();
    let words: Vec<Vec<&str>> = out
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        words,
        [
            vec!["users", "2"],
            vec!["conversations", "1"],
            vec!["messages", "3"],
            vec!["waiting", "2"],
            vec!["queues", "0"],
            vec!["queued", "0"],
            vec!["sound"],
        ]
    );
}

#[tokio::test]
async fn sound_data_are_counted() {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    let broker = Running::start(&data, &[]);
    talk(&broker).await;
    is_sound(&data);
    broker.kill();
    is_sound(&data);
    let broker = Running::start(&data, &[]);
    assert!(broker.terminate().success());
    is_sound(&data);
}

#[tokio::test]
async fn what_is_wrong_is_told_line_by_line() {
    let (_folder, data) = used().await;
    let database = rusqlite::Connection::open(data.join("hongyan.db")).expect("a database");
    database
        .execute("DELETE FROM messages WHERE id = 2", [])
        .expect("deleted");
    database.close().expect("closed");
    let done = hongyan(&data, &["check"]);
    assert!(done.line().contains("wrong"), "{}", done.err);
    assert!(
        done.out.lines().any(|line| line.starts_with("WRONG: ")),
        "{}",
        done.out
    );
    assert!(!done.out.contains("sound"), "{}", done.out);
}

#[test]
fn no_data_are_no_sound_data() {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    let done = hongyan(&data, &["check"]);
    assert!(done.refusal().contains("hongyan.db"), "{}", done.err);
    assert!(!data.exists(), "nothing was made");
}
