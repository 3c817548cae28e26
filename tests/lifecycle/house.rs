//! Data with something of everything in them, and what else several of these tests need.

use std::path::Path;
use std::path::PathBuf;

use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Frame;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use crate::support::client;
use crate::support::client::Client;
use crate::support::people;
use crate::support::running::Running;

/// The smallest thing that begins as a GIF does.
pub const PICTURE: &str = "GIF89a and the rest";

/// Calls as user `uid`, `METHOD /path`: the status and the JSON.
pub async fn call(address: &str, uid: u64, call: &str, body: &str) -> (u16, Value) {
    let (method, path) = call.split_once(' ').expect("a method and a path");
    let bearer = format!("Authorization: Bearer {}\r\n", people::token(uid));
    let (status, _, body) = client::http(address, method, path, &bearer, body).await;
    (status, serde_json::from_str(&body).unwrap_or_default())
}

/// The same where it goes well.
pub async fn good(address: &str, uid: u64, line: &str, body: Value) -> Value {
    let body = match &body {
        Value::String(text) => text.clone(),
        body => body.to_string(),
    };
    let (status, answer) = call(address, uid, line, &body).await;
    assert!((200..300).contains(&status), "{line}: {status} {answer}");
    answer
}

/// Makes users known.
pub async fn know(address: &str, uids: impl IntoIterator<Item = u64>) {
    for uid in uids {
        good(address, uid, "GET /api/inbox", Value::from("")).await;
    }
}

/// Makes two users friends.
pub async fn befriend(address: &str, one: u64, other: u64) {
    let request = json!({ "to": other, "msg": "" });
    let asked = good(address, one, "POST /api/friends/requests", request).await;
    let accept = format!("POST /api/friends/requests/{}/accept", asked["id"]);
    good(address, other, &accept, json!({})).await;
}

/// Makes a group of the first, with the others in it; its gid.
pub async fn group(address: &str, members: &[u64]) -> u64 {
    let fields = json!({ "name": "all", "members": members });
    let made = good(address, members[0], "POST /api/groups", fields).await;
    made["gid"].as_u64().expect("a gid")
}

/// SEND to a queue with a receipt.
pub fn put(queue: &str, body: &str) -> Frame {
    Frame::new(Command::Send)
        .header("destination", queue)
        .header("receipt", body)
        .body(body.to_owned())
}

/// SEND to a group.
pub fn say(gid: u64, msg_id: &str, content: &str) -> Frame {
    let body = json!({ "msgID": msg_id, "groupId": gid, "content": content });
    Frame::new(Command::Send)
        .header("destination", "/socket/group/send")
        .body(body.to_string())
}

/// Sends, and waits for the status 200.
pub async fn sent(client: &mut Client, frame: Frame) {
    client.send(frame).await;
    let status = client::json(&client.next().await.expect("the broker lives"));
    assert_eq!(status["code"], 200, "{status}");
}

/// A msgID that ends on `last`.
pub fn named(last: u8) -> String {
    format!("{}{last:02x}", "a5".repeat(19))
}

/// A folder with data in `data`: users 1 to 3, a log of 1 and 2 and one of 1 and 3, group 3 of all, a friendship, pictures,
/// and a queue. Nothing runs on them.
pub async fn furnished() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let broker = Running::start(&data, &["--webhook", "http://127.0.0.1:9/nobody"]);
    let address = &broker.address;
    know(address, 1..=3).await;
    befriend(address, 1, 2).await;
    let mut li = Client::log_in(address, 1).await;
    let mut wu = Client::log_in(address, 2).await;
    for client in [&mut li, &mut wu] {
        client.subscribe("/user/queue/send/status").await;
    }
    for number in 0..12 {
        let content = format!("from li, number {number}");
        sent(&mut li, client::chat(2, &named(number), &content)).await;
        let content = format!("from wu, number {number}");
        sent(&mut wu, client::chat(1, &named(100 + number), &content)).await;
    }
    // User 3 is away, so the webhook is to be told.
    sent(&mut li, client::chat(3, &named(200), "to ww")).await;
    let gid = group(address, &[1, 2, 3]).await;
    assert_eq!(gid, 3, "the third conversation");
    sent(&mut li, say(gid, &named(201), "to all")).await;
    for number in 0..3 {
        li.send(put("/queue/jobs", &format!("job {number}"))).await;
        let receipt = li.next().await.expect("the broker lives");
        assert_eq!(receipt.command, Command::Receipt, "{receipt:?}");
    }
    good(address, 1, "POST /api/images", PICTURE.into()).await;
    assert!(broker.terminate().success());
    (folder, data)
}

/// Copies a data directory, with the folder of pictures, of which those that are not whole yet are nobody's.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.file_type().expect("a kind").is_dir() {
            copy(&entry.path(), &to);
        } else if entry.path().extension().is_none_or(|end| end != "part") {
            std::fs::copy(entry.path(), to).expect("copied");
        }
    }
}

/// All files of a data directory, with what is in them; but for the lock, and what SQLite needs while it looks.
pub fn bytes(data: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(data).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            all.extend(bytes(&path));
            continue;
        }
        let name = path.to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).expect("a file");
        let passing = name.ends_with(".lock") || name.ends_with("-shm");
        if !(passing || name.ends_with("-wal") && bytes.is_empty()) {
            all.push((path, bytes));
        }
    }
    all.sort();
    all
}
