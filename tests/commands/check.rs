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
            vec!["groups", "0"],
            vec!["friendships", "0"],
            vec!["hooks", "0"],
            vec!["hooks", "failed", "0"],
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

#[test]
fn data_of_an_older_schema_are_named_and_left_alone() {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    let file = old_database(&data);
    let before = std::fs::read(&file).expect("the file");
    let done = hongyan(&data, &["check"]);
    let refusal = done.refusal();
    for part in ["hongyan.db has schema 1,", "start the broker once"] {
        assert!(refusal.contains(part), "{refusal}");
    }
    assert!(
        std::fs::read(&file).expect("the file") == before,
        "nothing was changed"
    );
    // What was said is done.
    assert!(Running::start(&data, &[]).terminate().success());
    let out = hongyan(&data, &["check"]).good();
    assert!(
        out.starts_with("users          1\n") && out.ends_with("sound\n"),
        "{out}"
    );
}

/// A database with one user, as the first version made them.
fn old_database(data: &Path) -> std::path::PathBuf {
    std::fs::create_dir(data).expect("a folder");
    let file = data.join("hongyan.db");
    let database = rusqlite::Connection::open(&file).expect("a new database");
    let schema = include_str!("../../src/stores/sqlite/schema/0001_first.sql");
    database.execute_batch(schema).expect("tables");
    let user = "INSERT INTO users (uid, name, created_ms) VALUES (1, 'li', 0)";
    database.execute(user, []).expect("a user");
    let header = "PRAGMA application_id = 1213817198; PRAGMA user_version = 1";
    database.execute_batch(header).expect("a header");
    database.close().expect("closed");
    file
}
