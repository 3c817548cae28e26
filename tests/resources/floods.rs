//! Sessions that are told far more than they read: what each may cost is bounded, whatever it sits on.

use tempfile::tempdir;
use tokio::io::AsyncWriteExt;

use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Frame;

use crate::house::House;
use crate::house::serve;
use crate::support::client::Client;
use crate::support::client::Stream;
use crate::support::client::connect;
use crate::support::client::http;
use crate::support::fire::Attack;
use crate::support::fire::portion;
use crate::support::people;
use crate::talk::Talk;

/// Messages to each session, and their size: 4 MB, far beyond what may wait for one.
const LETTERS: usize = 100;
const LETTER: usize = 40_000;
/// What may wait for a session: an outbox, a transport's queue, and both once more on their way out.
const SESSION_BYTES_MAX: u64 = 768 * 1024;
/// What all share: caches of the store and what waits for the writer.
const SHARED_BYTES_MAX: u64 = 16 << 20;

/// SockJS: a stream that is never read.
async fn over_sockjs(address: &str, uid: u64) -> Stream {
    let session = format!("/socketServer/000/flood-{uid}");
    let query = format!("?srect={}", people::token(uid));
    let mut stream = connect(address).await;
    let head = format!(
        "POST {session}/xhr_streaming{query} HTTP/1.1\r\nHost: broker\r\nContent-Length: 0\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    let frames = [
        "CONNECT\naccept-version:1.2\n\n\0".to_owned(),
        format!("SUBSCRIBE\nid:1\ndestination:/user/{uid}/recive\n\n\0"),
    ];
    for frame in frames {
        let body = serde_json::json!([frame]).to_string();
        loop {
            let path = format!("{session}/xhr_send{query}");
            let (code, _, said) = http(address, "POST", &path, "", &body).await;
            if code == 204 {
                break;
            }
            // The stream may not have begun yet.
            assert_eq!(code, 404, "{said}");
        }
    }
    stream
}

/// Socket.IO: a session that never polls again.
async fn over_socketio(address: &str, uid: u64) {
    let path = "/socket.io/?EIO=4&transport=polling";
    let (code, _, opened) = http(address, "GET", path, "", "").await;
    assert_eq!(code, 200, "{opened}");
    let sid = opened.split("\"sid\":\"").nth(1).expect("a sid");
    let sid = sid.split('"').next().expect("a sid");
    let path = format!("{path}&sid={sid}");
    let log_in = serde_json::json!(["auth-c", { "sessionid": people::token(uid) }]);
    for packet in [
        "40".to_owned(),
        "40/friend,".to_owned(),
        format!("42{log_in}"),
    ] {
        let (code, _, said) = http(address, "POST", &path, "", &packet).await;
        assert_eq!(code, 200, "{said}");
    }
}

/// STOMP on a WebSocket, with all the subscriptions that it may have.
async fn over_stomp(address: &str, uid: u64) -> Client {
    let mut client = Client::log_in(address, uid).await;
    client.subscribe(&format!("/user/{uid}/recive")).await;
    client.subscribe("/topic/flood").await;
    for number in 0..120 {
        let destination = format!("/topic/{uid}/{number}");
        let frame = Frame::new(Command::Subscribe)
            .header("id", &destination)
            .header("destination", &destination);
        client.queue(frame).await;
    }
    client.flush().await;
    client
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_never_reads_costs_a_bounded_memory_on_every_transport() {
    // A third of them on each transport.
    let thirds = portion(4, 40);
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    let house = House::open(serve(&data, &[]));
    let address = house.address().to_owned();
    // What the store has cached, and what the allocator holds, is there before anything is measured.
    let mut talk = Talk::begin(&address, "warm", 1, 2).await;
    talk.in_letters_of(LETTER);
    for _ in 0..8 {
        assert_eq!(talk.say(50).await, 0);
    }
    let (mut streams, mut clients) = (Vec::new(), Vec::new());
    let mut talks = Vec::new();
    for number in 0..thirds * 3 {
        let uid = 1_000 + number;
        // The receiver must exist before.
        let mut talk = Talk::begin(&address, "flood", 1, uid).await;
        talk.in_letters_of(LETTER);
        talks.push(talk);
        match number % 3 {
            0 => streams.push(over_sockjs(&address, uid).await),
            1 => over_socketio(&address, uid).await,
            _ => clients.push(over_stomp(&address, uid).await),
        }
    }
    let before = house.running.resident_bytes();
    let mut most = before;
    let mut posted = Client::log_in(&address, 3).await;
    for _ in 0..LETTERS / 10 {
        for talk in &mut talks {
            assert_eq!(talk.say(10).await, 0);
        }
        for _ in 0..20 {
            let send = Frame::new(Command::Send)
                .header("destination", "/topic/flood")
                .header("receipt", "r")
                .body("x".repeat(LETTER));
            posted.send(send).await;
            let receipt = posted.next().await.expect("a RECEIPT");
            assert_eq!(receipt.command, Command::Receipt);
        }
        most = most.max(house.running.resident_bytes());
    }
    let cost = most - before;
    let sessions = thirds * 3;
    println!("{cost} bytes more for {sessions} sessions that were told 4 MB each and read nothing");
    let most = sessions * SESSION_BYTES_MAX + SHARED_BYTES_MAX;
    assert!(cost < most, "{cost} bytes more, {most} at most");
    for talk in &talks {
        talk.is_kept(&address).await;
    }
    let mut attack = Attack::on(
        "resources-floods",
        "Sessions that are told far more than they read cost a bounded memory, on every transport, and lose nothing that is kept.",
        "`tests/resources/floods.rs`, `who_never_reads_costs_a_bounded_memory_on_every_transport`",
    );
    attack.count("sessions", sessions);
    attack.count("messages", talks.iter().map(Talk::acknowledged).sum());
    attack.count("KiB a session, at most", cost / 1024 / sessions);
    attack.repelled();
}
