//! `hongyan backup` of a broker that all kinds of writes go to: a copy of one moment, with all that was answered before it.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::path::Path;
use std::process::Command as Process;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Frame;
use rusqlite::Connection;
use serde_json::json;
use tokio::task::JoinSet;

use crate::lifecycle::house::PICTURE;
use crate::lifecycle::house::befriend;
use crate::lifecycle::house::call;
use crate::lifecycle::house::copy;
use crate::lifecycle::house::good;
use crate::lifecycle::house::group;
use crate::lifecycle::house::know;
use crate::lifecycle::house::put;
use crate::lifecycle::house::say;
use crate::lifecycle::house::sent;
use crate::lifecycle::run::hongyan;
use crate::support::client::Client;
use crate::support::client::chat;
use crate::support::client::json;
use crate::support::client::soon;
use crate::support::fire;
use crate::support::fire::Attack;
use crate::support::people::msg_id;
use crate::support::running::Running;
use crate::support::running::command;

/// What was answered so far: of each kind, what.
#[derive(Clone, Default)]
struct Answered(Arc<Mutex<BTreeMap<&'static str, Vec<String>>>>);

impl Answered {
    fn add(&self, kind: &'static str, what: String) {
        let mut all = self.0.lock().expect("no panic");
        all.entry(kind).or_default().push(what);
    }

    fn now(&self) -> BTreeMap<&'static str, Vec<String>> {
        self.0.lock().expect("no panic").clone()
    }

    fn count(&self) -> usize {
        self.now().values().map(Vec::len).sum()
    }
}

/// Writes of one kind each, one after the other, until told to stop.
async fn write_on(
    kind: &'static str,
    address: String,
    gid: u64,
    stop: Arc<AtomicBool>,
    answered: Answered,
) {
    let uid = 1;
    let mut client = Client::log_in(&address, uid).await;
    client.subscribe("/user/queue/send/status").await;
    for number in 0.. {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let what = format!("{kind} {number}");
        let name = msg_id(&what);
        match kind {
            "chat" => sent(&mut client, chat(2, &name, &what)).await,
            "group" => sent(&mut client, say(gid, &name, &what)).await,
            "queue" => {
                client.send(put("/queue/kept", &what)).await;
                let receipt = client.next().await.expect("the broker lives");
                assert_eq!(receipt.command, Command::Receipt, "{receipt:?}");
            }
            "friendship" => {
                // Over and over with the same one, and once with each of many.
                befriend(&address, 3, 100 + number).await;
                answered.add(kind, (100 + number).to_string());
                if number < 150 {
                    continue;
                }
                return;
            }
            "picture" => {
                let body = format!("{PICTURE}, {what}");
                let kept = good(&address, uid, "POST /api/images", body.into()).await;
                answered.add(kind, kept["id"].as_str().expect("an id").to_owned());
                // A user keeps so many pictures, and each backup comes with a copy of all.
                if number < 1_000 {
                    continue;
                }
                return;
            }
            other => panic!("no such kind: {other}"),
        }
        answered.add(kind, what);
    }
}

/// Receives what is chatted, and confirms it.
async fn confirm_on(address: String, stop: Arc<AtomicBool>, answered: Answered) {
    let mut client = Client::log_in(&address, 2).await;
    client.subscribe("/user/2/recive").await;
    client.subscribe("/user/queue/recive/status").await;
    let mut names = BTreeMap::new();
    while !stop.load(Ordering::SeqCst) {
        let body = json(&client.next().await.expect("the broker lives"));
        if let Some(content) = body["content"].as_str().filter(|_| body["code"].is_null()) {
            let name = body["chatID"].as_str().expect("a msgID").to_owned();
            client.confirm(&name).await;
            names.insert(name, content.to_owned());
        } else {
            assert_eq!(body["code"], 200, "{body}");
            let name = body["msgID"].as_str().expect("a msgID");
            answered.add("confirmation", names.remove(name).expect("one of ours"));
        }
    }
}

/// Puts into a queue and takes out of it again.
async fn queue_on(address: String, stop: Arc<AtomicBool>, answered: Answered) {
    let mut client = Client::log_in(&address, 1).await;
    let subscribe = Frame::new(Command::Subscribe)
        .header("id", "passing")
        .header("destination", "/queue/passing")
        .header("ack", "client-individual");
    client.send(subscribe).await;
    for number in 0.. {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let what = format!("passing {number}");
        client.send(put("/queue/passing", &what)).await;
        let (mut receipts, mut ack) = (0, None);
        while receipts < 2 {
            let frame = client.next().await.expect("the broker lives");
            match frame.command {
                Command::Receipt => receipts += 1,
                Command::Message => {
                    ack = frame.headers.get("ack").map(str::to_owned);
                    let ack = Frame::new(Command::Ack)
                        .header("id", ack.as_deref().expect("an id"))
                        .header("receipt", "taken");
                    client.send(ack).await;
                }
                _ => panic!("{frame:?}"),
            }
        }
        assert!(ack.is_some());
        answered.add("taken", what);
    }
}

/// That all of `before` is in the copy, once.
fn holds(data: &Path, before: &BTreeMap<&'static str, Vec<String>>, gid: u64) {
    let conn = Connection::open(data.join("hongyan.db")).expect("the copy");
    // How often each text is among the rows.
    let times = |sql: &str| -> HashMap<String, u32> {
        let mut select = conn.prepare(sql).expect("sound");
        let texts = select.query_map([], |row| row.get(0)).expect("sound");
        let mut times = HashMap::new();
        for text in texts {
            *times.entry(text.expect("a text")).or_default() += 1;
        }
        times
    };
    let pair = "(SELECT id FROM conversations WHERE low = 1 AND high = 2)";
    for (kind, all) in before {
        let sql = match *kind {
            "chat" => format!("SELECT content FROM messages WHERE conversation = {pair}"),
            "group" => format!("SELECT content FROM messages WHERE conversation = {gid}"),
            "queue" | "taken" => "SELECT CAST(body AS TEXT) FROM queued".to_owned(),
            "friendship" => "SELECT CAST(friend AS TEXT) FROM friends WHERE uid = 3".to_owned(),
            "picture" => "SELECT id FROM images".to_owned(),
            "confirmation" => format!(
                "SELECT x.content FROM messages x JOIN members m ON m.conversation = x.conversation AND m.uid = 2
                 WHERE x.conversation = {pair} AND (x.seq <= m.received OR EXISTS (
                     SELECT 1 FROM aside a WHERE a.conversation = x.conversation AND a.uid = 2
                     AND x.seq BETWEEN a.first AND a.last))"
            ),
            other => panic!("no such kind: {other}"),
        };
        let times = times(&sql);
        for what in all {
            let wanted = u32::from(*kind != "taken");
            let found = times.get(what).copied().unwrap_or_default();
            assert_eq!(
                found, wanted,
                "{kind}: {what} was answered before the backup"
            );
            if *kind == "picture" {
                assert!(data.join("images").join(what).is_file(), "picture {what}");
            }
        }
    }
}

/// A broker on the copy: what is sent again is known, and people chat on.
async fn chats(data: &Path, before: &BTreeMap<&'static str, Vec<String>>, gid: u64) {
    let broker = Running::start(data, &[]);
    let address = &broker.address;
    let mut client = Client::log_in(address, 1).await;
    client.subscribe("/user/queue/send/status").await;
    let mut others = Client::log_in(address, 2).await;
    others.subscribe("/user/queue/group").await;
    let last = |kind: &str| before[kind].iter().rev().take(5);
    for what in last("chat") {
        sent(&mut client, chat(2, &msg_id(what), what)).await;
    }
    for what in last("group") {
        sent(&mut client, say(gid, &msg_id(what), what)).await;
    }
    let new = format!("new to {}", data.display());
    sent(&mut client, say(gid, &msg_id(&new), &new)).await;
    loop {
        let pushed = json(&others.next().await.expect("the broker lives"));
        if pushed["content"] == *new {
            break;
        }
    }
    for id in last("picture") {
        let path = format!("GET /api/images/{id}");
        assert_eq!(call(address, 1, &path, "").await.0, 200, "{id}");
    }
    assert!(broker.terminate().success());
    holds(data, before, gid);
    let out = hongyan(data, &["check"]).good();
    assert!(out.contains("sound\n"), "{out}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backups_of_a_busy_broker_hold_all_that_was_answered() {
    let mut attack = Attack::on(
        "lifecycle-backup",
        "A backup of a broker that is written to holds everything that was answered before it began, nothing by halves, and serves.",
        "`tests/lifecycle/backup.rs`: `backups_of_a_busy_broker_hold_all_that_was_answered`",
    );
    let backups = fire::portion(2, 25);
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let broker = Running::start(&data, &[]);
    let address = &broker.address;
    know(address, (1..=3).chain(100..=250)).await;
    let gid = group(address, &[1, 2, 3]).await;
    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Answered::default());
    let mut writers = JoinSet::new();
    for kind in ["chat", "group", "queue", "friendship", "picture"] {
        let (stop, answered) = (Arc::clone(&stop), answered.clone());
        writers.spawn(write_on(kind, address.clone(), gid, stop, answered));
    }
    writers.spawn(confirm_on(
        address.clone(),
        Arc::clone(&stop),
        answered.clone(),
    ));
    writers.spawn(queue_on(
        address.clone(),
        Arc::clone(&stop),
        answered.clone(),
    ));
    let all_kinds = async {
        while answered.now().len() < 7 {
            tokio::task::yield_now().await;
        }
    };
    soon("answers of each kind", all_kinds).await;

    for round in 0..backups {
        let since = answered.count();
        soon("more answers", async {
            while answered.count() < since + 50 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        // Several at once: two to places of their own, and two to one place, of which one comes first.
        let before = answered.now();
        let mut copies = Vec::new();
        for name in ["one", "two", "same", "same"] {
            let (data, to) = (
                data.clone(),
                folder.path().join(format!("{name}-{round}.db")),
            );
            copies.push(tokio::task::spawn_blocking(move || {
                hongyan(&data, &["backup", to.to_str().expect("text")])
            }));
        }
        let mut refused = 0;
        for (number, copy) in copies.into_iter().enumerate() {
            let done = soon("the backup", copy).await.expect("no panic");
            if number >= 2 && done.code != Some(0) {
                let why = done.refusal();
                assert!(
                    why.contains("exists already") || why.contains("another backup"),
                    "{why}"
                );
                refused += 1;
            } else {
                done.good();
            }
        }
        assert_eq!(refused, 1, "one place takes one backup");
        for name in ["one", "two", "same"] {
            let file = folder.path().join(format!("{name}-{round}.db"));
            let restored = folder.path().join(format!("{name}-{round}"));
            copy(&data.join("images"), &restored.join("images"));
            std::fs::copy(&file, restored.join("hongyan.db")).expect("restored");
            assert!(!file.with_extension("db.part").exists());
            let out = hongyan(&restored, &["check"]).good();
            assert!(out.contains("sound\n") && !out.contains("WRONG"), "{out}");
            holds(&restored, &before, gid);
            if name == "one" {
                chats(&restored, &before, gid).await;
            }
            std::fs::remove_dir_all(&restored).expect("removed");
            std::fs::remove_file(&file).expect("removed");
        }
    }
    stop.store(true, Ordering::SeqCst);
    // Who waits for a message gets one.
    let mut client = Client::log_in(address, 1).await;
    client.chat(2, &msg_id("the end"), "the end").await;
    while let Some(ended) = writers.join_next().await {
        ended.expect("no panic");
    }
    assert!(broker.terminate().success());
    attack.count("backups", backups * 3);
    attack.count("answers that they had to hold", answered.count() as u64);
    attack.repelled();
}

#[tokio::test]
async fn a_backup_that_is_broken_off_leaves_no_backup() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let broker = Running::start(&data, &[]);
    let address = &broker.address;
    know(address, [1, 2]).await;
    let mut client = Client::log_in(address, 1).await;
    client.subscribe("/user/queue/send/status").await;
    let long = "long ".repeat(12_000);
    for number in 0..100 {
        let content = format!("{number} {long}");
        sent(&mut client, chat(2, &msg_id(&content), &content)).await;
    }
    let to = folder.path().join("copy.db");
    let part = folder.path().join("copy.db.part");
    let mut broken_off = false;
    while !broken_off {
        let arguments = ["backup", to.to_str().expect("text")];
        let mut child = command(&data, &arguments).spawn().expect("it starts");
        while !part.exists() && child.try_wait().expect("a child").is_none() {
            std::thread::yield_now();
        }
        let sent = Process::new("kill")
            .args(["-TERM", &child.id().to_string()])
            .output();
        assert!(sent.is_ok());
        let status = child.wait().expect("it ends");
        // It may have been quicker; then there is a whole backup, and it is tried again.
        broken_off = !status.success();
        if status.success() {
            std::fs::remove_file(&to).expect("a backup");
        }
    }
    assert!(
        !to.exists(),
        "nothing has the name of a backup that is none"
    );
    if part.exists() {
        let done = hongyan(&data, &["backup", to.to_str().expect("text")]);
        let why = done.refusal();
        assert!(
            why.contains("copy.db.part is there") && why.contains("remove it"),
            "{why}"
        );
        std::fs::remove_file(&part).expect("removed");
    }
    hongyan(&data, &["backup", to.to_str().expect("text")]).good();
    // The broker has noticed nothing.
    sent(&mut client, chat(2, &msg_id("after"), "after")).await;
    let kept = good(address, 1, "GET /api/messages?with=2&limit=1", json!("")).await;
    assert_eq!(kept["messages"][0]["content"], "after");
}
