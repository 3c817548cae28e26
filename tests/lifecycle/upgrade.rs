//! Data of earlier releases: brought up to date with nothing lost, also when that is broken off; data of later ones are left
//! alone.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command as Process;
use std::process::Stdio;

use hongyan::auth::hash_password;
use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Frame;
use rusqlite::Connection;
use rusqlite::params;
use serde_json::Value;

use crate::lifecycle::house::bytes;
use crate::lifecycle::house::call;
use crate::lifecycle::house::copy;
use crate::lifecycle::house::good;
use crate::lifecycle::house::put;
use crate::lifecycle::house::sent;
use crate::lifecycle::run::hongyan;
use crate::lifecycle::run::log_in;
use crate::support::client::Client;
use crate::support::client::chat;
use crate::support::client::json;
use crate::support::fire;
use crate::support::fire::Attack;
use crate::support::people;
use crate::support::people::msg_id;
use crate::support::running::Running;
use crate::support::running::command;

/// The first release's schema, and what each release added up to the one before this.
const SCHEMAS: [&str; 3] = [
    include_str!("../../src/stores/sqlite/schema/0001_first.sql"),
    include_str!("../../src/stores/sqlite/schema/0002_queues.sql"),
    include_str!("../../src/stores/sqlite/schema/0003_people.sql"),
];
/// Who there is; the first has a password.
const USERS: u64 = 6;
const PASSWORD: &str = "long enough for anybody";
/// Messages in the queue of those schemas that have queues.
const QUEUED: u64 = 5;

/// What an earlier release had kept.
#[derive(Clone)]
struct Kept {
    id: u64,
    sender: u64,
    content: String,
    received: bool,
}

/// The logs of pairs.
type Logs = BTreeMap<(u64, u64), Vec<Kept>>;

/// Numbers by lot, the same each time.
struct Lot(u64);

impl Lot {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// Which messages there are: who wrote to whom, and which of them were received.
fn drawn(messages: u64) -> Logs {
    let mut lot = Lot(messages);
    let mut logs = Logs::new();
    for id in 1..=messages {
        let sender = 1 + lot.below(USERS);
        let receiver = 1 + (sender + lot.below(USERS - 1)) % USERS;
        let pair = (sender.min(receiver), sender.max(receiver));
        // What is old is received but for a little, what is new hardly.
        let received = lot.below(messages) > id / 2;
        let content = format!("第 {id} 封信, from {sender} to {receiver}");
        let kept = Kept {
            id,
            sender,
            content,
            received,
        };
        logs.entry(pair).or_default().push(kept);
    }
    logs
}

/// Writes a data directory as the release with this schema left it.
fn write(data: &Path, schema: usize, logs: &Logs) {
    std::fs::create_dir_all(data).expect("a folder");
    let mut conn = Connection::open(data.join("hongyan.db")).expect("a new database");
    conn.execute_batch("PRAGMA journal_mode = WAL; PRAGMA application_id = 0x4859616e;")
        .expect("ours");
    let all = conn.transaction().expect("a transaction");
    for step in &SCHEMAS[..schema] {
        all.execute_batch(step).expect("made");
    }
    all.pragma_update(None, "user_version", schema as i64)
        .expect("set");
    for uid in 1..=USERS {
        let hash = (uid == 1).then(|| hash_password(PASSWORD).expect("a hash"));
        all.execute(
            "INSERT INTO users (uid, name, password_hash, created_ms) VALUES (?1, ?2, ?3, ?1)",
            params![uid as i64, people::name(uid), hash],
        )
        .expect("a user");
    }
    for (number, ((low, high), log)) in logs.iter().enumerate() {
        let id = number as i64 + 1;
        all.execute(
            "INSERT INTO conversations (id, low, high, last_seq) VALUES (?1, ?2, ?3, ?4)",
            params![id, *low as i64, *high as i64, log.len() as i64],
        )
        .expect("a conversation");
        for (seq, kept) in (1_i64..).zip(log) {
            let name: [u8; 20] = hex(&msg_id(&kept.content));
            all.execute(
                "INSERT INTO messages (id, conversation, seq, sender, msg_id, content, time_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    kept.id as i64,
                    id,
                    seq,
                    kept.sender as i64,
                    name,
                    kept.content,
                    1_000 + kept.id as i64
                ],
            )
            .expect("a message");
        }
        for uid in [low, high] {
            let has = |kept: &Kept| kept.sender == *uid || kept.received;
            let cursor = log.iter().take_while(|kept| has(kept)).count();
            all.execute(
                "INSERT INTO members (uid, conversation, received) VALUES (?1, ?2, ?3)",
                params![*uid as i64, id, cursor as i64],
            )
            .expect("a member");
            let mut first = None;
            for seq in cursor + 1..=log.len() + 1 {
                let here = log.get(seq - 1).is_some_and(has);
                match (first, here) {
                    (None, true) => first = Some(seq),
                    (Some(begun), false) => {
                        all.execute(
                            "INSERT INTO aside VALUES (?1, ?2, ?3, ?4)",
                            params![*uid as i64, id, begun as i64, seq as i64 - 1],
                        )
                        .expect("a run");
                        first = None;
                    }
                    _ => {}
                }
            }
        }
    }
    if schema >= 2 {
        for number in 0..QUEUED {
            let body = format!("job {number}");
            all.execute(
                "INSERT INTO queues VALUES (1, 'jobs', 1, ?1) ON CONFLICT (id) DO UPDATE SET messages = messages + 1, bytes = bytes + ?1",
                [body.len() as i64],
            )
            .expect("a queue");
            all.execute(
                "INSERT INTO queued (queue, headers, body, bytes) VALUES (1, '', ?1, ?2)",
                params![body.as_bytes(), body.len() as i64],
            )
            .expect("put");
        }
    }
    all.commit().expect("committed");
    conn.close().map_err(|(_, error)| error).expect("closed");
}

fn schema_of(data: &Path) -> usize {
    let conn = Connection::open(data.join("hongyan.db")).expect("the database");
    let version = conn.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0));
    version.expect("a number") as usize
}

fn hex(text: &str) -> [u8; 20] {
    std::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("hex"))
}

/// The history of two users as the first of them sees it, oldest first: id, content, whether it was received.
async fn history(address: &str, (uid, with): (u64, u64)) -> Vec<(u64, String, bool)> {
    let mut all = Vec::new();
    let mut before = String::new();
    loop {
        let path = format!("GET /api/messages?with={with}&limit=200{before}");
        let page = good(address, uid, &path, "".into()).await;
        for kept in page["messages"].as_array().expect("messages") {
            let text = kept["content"].as_str().expect("a content").to_owned();
            let id = kept["id"].as_u64().expect("an id");
            all.push((id, text, kept["state"] == "received"));
        }
        if page["more"] == false {
            all.reverse();
            return all;
        }
        before = format!("&before={}", all.last().expect("a message").0);
    }
}

/// All that the earlier release kept is there, in its state.
async fn is_whole(address: &str, logs: &Logs) {
    for (pair, log) in logs {
        let wanted: Vec<_> = log
            .iter()
            .map(|kept| (kept.id, kept.content.clone(), kept.received))
            .collect();
        assert_eq!(history(address, *pair).await, wanted, "of {pair:?}");
    }
}

/// What waits comes on init, oldest first; everybody chats on, and ids go on.
async fn goes_on(address: &str, logs: &Logs, messages: u64) {
    for uid in 1..=USERS {
        let mut waiting: Vec<&Kept> = logs
            .iter()
            .filter(|((low, high), _)| [low, high].contains(&&uid))
            .flat_map(|(_, log)| log)
            .filter(|kept| kept.sender != uid && !kept.received)
            .collect();
        waiting.sort_by_key(|kept| kept.id);
        let mut client = Client::log_in(address, uid).await;
        client.subscribe(&format!("/user/{uid}/recive")).await;
        client.init().await;
        for kept in waiting {
            let pushed = json(&client.next().await.expect("the broker lives"));
            assert_eq!(
                (&pushed["id"], &pushed["content"]),
                (&kept.id.into(), &Value::from(&*kept.content))
            );
            client.confirm(&msg_id(&kept.content)).await;
        }
        // Behind the confirmations: nothing more has come, and they are kept.
        client.subscribe("/user/queue/status").await;
    }
    // A message sent again is known by the name that the earlier release kept.
    let (old_pair, old) = logs.iter().next().expect("a log");
    let old = old.first().expect("a message");
    let receiver = if old.sender == old_pair.0 {
        old_pair.1
    } else {
        old_pair.0
    };
    let mut client = Client::log_in(address, old.sender).await;
    client.subscribe("/user/queue/send/status").await;
    sent(
        &mut client,
        chat(receiver, &msg_id(&old.content), &old.content),
    )
    .await;
    sent(&mut client, chat(receiver, &msg_id("new"), "new")).await;
    let now = history(address, *old_pair).await;
    let log = &logs[old_pair];
    assert_eq!(now.len(), log.len() + 1);
    assert!(
        now[..log.len()].iter().all(|(_, _, received)| *received),
        "all are confirmed"
    );
    assert_eq!(
        now[log.len()],
        (messages + 1, "new".to_owned(), false),
        "ids go on"
    );
    // Who had a password still has it, and new things work.
    let (status, _) = log_in(address, &people::name(1), PASSWORD).await;
    assert_eq!(status, 200);
    let fields = serde_json::json!({ "name": "all", "members": [1, 2, 3] });
    good(address, 1, "POST /api/groups", fields).await;
}

/// What waits in the queue comes in its order, and what is put now comes after it.
async fn queue_goes_on(address: &str, queued: u64) {
    let mut client = Client::log_in(address, 1).await;
    client.send(put("/queue/jobs", "new")).await;
    assert_eq!(
        client.next().await.expect("a receipt").command,
        Command::Receipt
    );
    let subscribe = Frame::new(Command::Subscribe)
        .header("id", "jobs")
        .header("destination", "/queue/jobs");
    client.send(subscribe).await;
    let wanted = (0..queued)
        .map(|number| format!("job {number}"))
        .chain(["new".to_owned()]);
    for wanted in wanted {
        let got = client.next().await.expect("a message");
        assert_eq!(String::from_utf8_lossy(&got.body), wanted);
    }
}

#[tokio::test]
async fn data_of_each_earlier_schema_are_whole_and_go_on() {
    let mut attack = Attack::on(
        "lifecycle-upgrade",
        "Data of the first release and of each one after it are brought up to date with every message in its place and state, also when that is broken off.",
        "`tests/lifecycle/upgrade.rs`: `data_of_each_earlier_schema_are_whole_and_go_on`",
    );
    let messages = fire::portion(120, 20_000);
    let broken_off = fire::portion(3, 150);
    let folder = tempfile::tempdir().expect("a folder");
    let logs = drawn(messages);
    let (mut killed, mut late) = (0, 0);
    for schema in 1..=SCHEMAS.len() {
        let fresh = folder.path().join(format!("schema-{schema}"));
        write(&fresh, schema, &logs);
        let queued = if schema >= 2 { QUEUED } else { 0 };
        let data = folder.path().join(format!("started-{schema}"));
        for round in 0..broken_off {
            copy(&fresh, &data);
            match end_at(&data, round) {
                Some(true) => killed += 1,
                _ => late += 1,
            }
            let broker = Running::start(&data, &[]);
            drop(broker);
            let out = hongyan(&data, &["check"]).good();
            let counted = |name: &str, count: u64| {
                let mut lines = out
                    .lines()
                    .map(|line| line.split_whitespace().collect::<Vec<_>>());
                assert!(
                    lines.any(|words| words == [name, &*count.to_string()]),
                    "{name} {count}: {out}"
                );
            };
            counted("users", USERS);
            counted("messages", messages);
            counted("conversations", logs.len() as u64);
            counted("queued", queued);
            assert!(out.ends_with("sound\n"), "{out}");
            if round + 1 < broken_off {
                std::fs::remove_dir_all(&data).expect("removed");
            }
        }
        // The last of them is looked into.
        let broker = Running::start(&data, &[]);
        is_whole(&broker.address, &logs).await;
        goes_on(&broker.address, &logs, messages).await;
        queue_goes_on(&broker.address, queued).await;
        assert!(broker.terminate().success());
        assert!(hongyan(&data, &["check"]).good().ends_with("sound\n"));
    }
    assert_eq!(
        schema_of(&folder.path().join("started-1")),
        SCHEMAS.len() + 1,
        "an earlier schema is missing here"
    );
    println!("{late} were through before they were told to end");
    attack.count("schemas", SCHEMAS.len() as u64);
    attack.count("messages in each", messages);
    attack.count("upgrades broken off", killed);
    attack.repelled();
}

/// Starts a broker on data of an earlier schema and ends it while it begins, at another moment each time: by SIGTERM, or by
/// `kill -9`. Whether it ended before it served.
fn end_at(data: &Path, round: u64) -> Option<bool> {
    let mut child = command(data, &["serve", "--listen", "127.0.0.1:0", "--log", "warn"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the broker starts");
    // The first sign that it has opened the data, then a little more each round.
    let log = data.join("hongyan.db-wal");
    while !log.exists() && child.try_wait().expect("a child").is_none() {
        std::thread::yield_now();
    }
    let mut lot = Lot(round);
    for _ in 0..lot.below(20_000) {
        std::hint::spin_loop();
        let _ = log.exists();
    }
    let gently = round.is_multiple_of(2);
    let name = if gently { "-TERM" } else { "-KILL" };
    let sent = Process::new("kill")
        .args([name, &child.id().to_string()])
        .status();
    assert!(sent.expect("kill").success());
    let output = child.wait_with_output().expect("it ends");
    let served = String::from_utf8_lossy(&output.stdout).contains("listening on");
    if served && gently {
        assert_eq!(output.status.code(), Some(0), "told to end while it served");
    }
    Some(!served)
}

#[tokio::test]
async fn data_of_a_later_release_are_left_as_they_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let broker = Running::start(&data, &[]);
    assert_eq!(call(&broker.address, 1, "GET /api/inbox", "").await.0, 200);
    assert!(broker.terminate().success());
    let conn = Connection::open(data.join("hongyan.db")).expect("the database");
    conn.execute_batch("CREATE TABLE of_later (a); PRAGMA user_version = 1000")
        .expect("set");
    conn.close().expect("closed");
    let before = bytes(&data);
    let copy = folder.path().join("copy.db");
    let to = copy.to_str().expect("text");
    for arguments in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["check"],
        &["backup", to],
        &["user", "add", "zhao", "--password", "long enough"],
        &["token", "user-1"],
    ] {
        let done = hongyan(&data, arguments);
        let refusal = done.refusal();
        assert!(
            refusal.contains("has schema 1000, but this Hongyan knows schemas up to"),
            "{arguments:?}: {refusal}"
        );
        assert!(bytes(&data) == before, "{arguments:?} changed something");
    }
    assert!(!copy.exists());
}
