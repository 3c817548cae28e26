//! `backup`: a copy of one moment, also of data that are written to.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use serde_json::Value;
use tempfile::tempdir;

use crate::check::used;
use crate::run::get;
use crate::run::hongyan;
use crate::support::client::Client;
use crate::support::client::json;
use crate::support::client::soon;
use crate::support::people;
use crate::support::running::Running;

/// Sends one after the other from 1 to 2 until told to stop; counts those that are answered.
async fn write_on(address: String, stop: Arc<AtomicBool>, answered: Arc<AtomicUsize>) {
    let mut sender = Client::log_in(&address, 1).await;
    sender.subscribe("/user/queue/send/status").await;
    let mut number = 0;
    while !stop.load(Ordering::SeqCst) {
        let content = format!("number {number}");
        sender.chat(2, &people::msg_id(&content), &content).await;
        let status = json(&sender.next().await.expect("the broker lives"));
        assert_eq!(status["code"], 200, "{status}");
        number = answered.fetch_add(1, Ordering::SeqCst) + 1;
    }
}

async fn more_than(count: usize, answered: &AtomicUsize) {
    soon("more messages", async {
        while answered.load(Ordering::SeqCst) <= count {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// All that 1 and 2 have said, newest first.
async fn history(broker: &Running) -> Vec<Value> {
    let token = people::token(1);
    let mut all = Vec::new();
    let mut before = String::new();
    loop {
        let path = format!("/api/messages?with=2&limit=100{before}");
        let page = get(&broker.address, &token, &path).await;
        all.extend(page["messages"].as_array().expect("messages").clone());
        if page["more"] == false {
            return all;
        }
        before = format!("&before={}", all.last().expect("a message")["id"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_a_busy_broker_is_whole_and_serves() {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    let copy = folder.path().join("copy.db");
    let broker = Running::start(&data, &[]);
    drop(Client::log_in(&broker.address, 2).await);
    let (stop, answered) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let writer = write_on(
        broker.address.clone(),
        Arc::clone(&stop),
        Arc::clone(&answered),
    );
    let writer = tokio::spawn(writer);
    more_than(100, &answered).await;

    let before = answered.load(Ordering::SeqCst);
    let (from, to) = (data.clone(), copy.clone());
    let backup = tokio::task::spawn_blocking(move || {
        hongyan(&from, &["backup", to.to_str().expect("text")]).good()
    });
    let out = soon("the backup", backup).await.expect("no panic");
    assert!(out.contains("copy.db"), "{out}");
    more_than(answered.load(Ordering::SeqCst) + 20, &answered).await;
    stop.store(true, Ordering::SeqCst);
    writer.await.expect("no panic");
    let whole = history(&broker).await;
    assert!(broker.terminate().success());
    let names = std::fs::read_dir(folder.path()).expect("a folder");
    let left = names.filter(|name| {
        let name = name.as_ref().expect("a name").file_name();
        name.to_string_lossy().starts_with("copy.db")
    });
    assert_eq!(left.count(), 1, "one file, and nothing beside it");

    let restored = folder.path().join("restored");
    std::fs::create_dir(&restored).expect("a folder");
    std::fs::copy(&copy, restored.join("hongyan.db")).expect("copied");
    assert!(hongyan(&restored, &["check"]).good().contains("sound"));
    let broker = Running::start(&restored, &[]);
    let copied = history(&broker).await;
    assert!(
        copied.len() >= before,
        "{before} were answered before the backup, {} are in it",
        copied.len()
    );
    assert!(
        copied.len() < whole.len(),
        "the backup is of a moment in between"
    );
    assert_eq!(copied, whole[whole.len() - copied.len()..]);
    // And it goes on from there.
    let mut sender = Client::log_in(&broker.address, 1).await;
    sender.subscribe("/user/queue/send/status").await;
    sender.chat(2, &people::msg_id("after"), "after").await;
    let status = json(&sender.next().await.expect("the broker lives"));
    assert_eq!(status["code"], 200, "{status}");
    assert_eq!(history(&broker).await.len(), copied.len() + 1);
}

#[tokio::test]
async fn a_backup_overwrites_nothing() {
    let (folder, data) = used().await;
    let backup = |to: &Path| hongyan(&data, &["backup", to.to_str().expect("text")]);
    let file = folder.path().join("letter");
    std::fs::write(&file, "dear li").expect("written");
    assert!(backup(&file).refusal().contains("letter"));
    assert_eq!(std::fs::read(&file).expect("the file"), b"dear li");
    assert!(backup(folder.path()).refusal().contains("exists"));
    let database = data.join("hongyan.db");
    let before = std::fs::read(&database).expect("the database");
    assert!(backup(&database).refusal().contains("exists"));
    assert!(std::fs::read(&database).expect("the database") == before);

    let nowhere = folder.path().join("missing").join("copy.db");
    assert!(backup(&nowhere).refusal().contains("missing"));
    let copy = folder.path().join("copy.db");
    backup(&copy).good();
    assert!(backup(&copy).refusal().contains("exists"));

    let nothing = folder.path().join("nothing");
    let to = folder.path().join("copy of nothing.db");
    let done = hongyan(&nothing, &["backup", to.to_str().expect("text")]);
    assert!(done.refusal().contains("hongyan.db"), "{}", done.err);
    assert!(!nothing.exists() && !to.exists());
}
