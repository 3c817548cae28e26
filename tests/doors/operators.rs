//! What an operator sets and sees: registration, API keys, health, metrics, the first line.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::house::House;
use crate::support::people;
use crate::wire::Socket;

const ACCOUNT: &str = r#"{"name":"li","password":"correct horse"}"#;

#[tokio::test]
async fn registration_is_open_on_loopback_unless_it_is_closed() {
    let open = House::open(&[]);
    let made = open.call("POST /api/users", "", ACCOUNT).await.json(201);
    assert_eq!(made, json!({ "uid": 1, "uname": "li" }));
    open.call("POST /api/users", "", ACCOUNT).await.refused(409);

    let closed = House::open(&["--registration", "closed"]);
    let why = closed
        .call("POST /api/users", "", ACCOUNT)
        .await
        .refused(403);
    assert!(why.contains("closed"), "{why}");
}

#[tokio::test]
async fn an_api_key_speaks_for_users() {
    let house = House::open(&["--api-key", "key-one", "--api-key", "key-two"]);
    house.know([1, 2]).await;
    let mut socket = Socket::log_in(house.address(), &people::token(2)).await;
    socket.subscribe("/user/2/recive").await;
    let message = json!({ "from": 1, "to": 2, "content": "from a server" }).to_string();
    for key in ["key-one", "key-two"] {
        let headers = format!("X-Api-Key: {key}\r\n");
        house
            .call("POST /api/messages", &headers, &message)
            .await
            .json(201);
        assert_eq!(socket.message().await["senderId"], 1);
        let nobody = message.replace("\"from\":1,", "");
        house
            .call("POST /api/messages", &headers, &nobody)
            .await
            .refused(400);
    }
    for key in ["key-three", "", "key-one,key-two"] {
        let headers = format!("X-Api-Key: {key}\r\n");
        house
            .call("POST /api/messages", &headers, &message)
            .await
            .refused(401);
    }
    // A user speaks for nobody else.
    let forged = json!({ "from": 1, "to": 2, "content": "forged" }).to_string();
    house
        .call_as(&people::token(2), "POST /api/messages", &forged)
        .await
        .json(201);
    assert_eq!(socket.message().await["senderId"], 2);
}

#[tokio::test]
async fn health_is_for_anybody() {
    let house = House::open(&[]);
    for path in ["/healthz", "/readyz"] {
        let health = house.call(&format!("GET {path}"), "", "").await.json(200);
        assert_eq!(health["status"], "ok");
        let head = house.call(&format!("HEAD {path}"), "", "").await;
        assert_eq!((head.status, &*head.body), (200, ""));
    }
}

#[tokio::test]
async fn metrics_count_what_happened() {
    let house = House::open(&[]);
    house.know([1, 2]).await;
    for name in ["stored", "repeated", "received"] {
        let name = format!("hongyan_messages_{name}_total");
        assert_eq!(house.metric(&name).await, 0);
    }
    let mut sender = Socket::log_in(house.address(), &people::token(1)).await;
    sender.subscribe("/user/queue/send/status").await;
    sender.subscribe("/user/queue/delivery/status").await;
    let mut receiver = Socket::log_in(house.address(), &people::token(2)).await;
    receiver.subscribe("/user/2/recive").await;
    // Five new ones, one of them twice, and one to nobody.
    for (to, content, code) in [
        (2, "1", 200),
        (2, "2", 200),
        (2, "3", 200),
        (2, "3", 200),
        (2, "4", 200),
        (2, "5", 200),
        (99, "6", 404),
    ] {
        sender.chat(to, content).await;
        assert_eq!(sender.message().await["code"], code);
    }
    for content in ["1", "2", "3", "4", "5"] {
        let pushed = receiver.message().await;
        assert_eq!(pushed["content"], content);
        // Three are confirmed, one of them twice.
        let times = [("1", 1), ("2", 2), ("4", 1)];
        let times = times.iter().find(|(one, _)| *one == content);
        for _ in 0..times.map_or(0, |(_, times)| *times) {
            let body = json!({ "msgID": pushed["chatID"] });
            let confirm = format!("SEND\ndestination:/socket/chat/recive\n\n{body}\0");
            receiver.send(Message::binary(confirm)).await;
        }
    }
    for _ in 0..3 {
        assert_eq!(sender.message().await["state"], "received");
    }
    receiver.lives().await;
    for (name, value) in [
        ("hongyan_messages_stored_total", 5),
        ("hongyan_messages_repeated_total", 1),
        ("hongyan_messages_received_total", 3),
        ("hongyan_refusals_total", 1),
        ("hongyan_sessions_online", 2),
        ("hongyan_sessions_opened_total", 2),
        ("hongyan_sessions_closed_total", 0),
        ("hongyan_connections_open", 2),
        // The receipt that `lives` asks for is of something that is no more.
        ("hongyan_stale_acks_total", 1),
        ("hongyan_logins_refused_total", 0),
    ] {
        assert_eq!(house.metric(name).await, value, "{name}");
    }
    drop((sender, receiver));
    house.metric_becomes("hongyan_sessions_online", 0).await;
    house.metric_becomes("hongyan_connections_open", 0).await;
    assert_eq!(house.metric("hongyan_sessions_closed_total").await, 2);
}

#[tokio::test]
async fn metrics_are_prometheus_text() {
    let house = House::open(&[]);
    let answer = house.call("GET /metrics", "", "").await;
    let kind = answer.header("Content-Type");
    assert_eq!(kind, Some("text/plain; version=0.0.4; charset=utf-8"));
    for line in answer.body.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let good = match words[..] {
            ["#", "HELP", _, ..] => true,
            ["#", "TYPE", _, kind] => ["counter", "gauge"].contains(&kind),
            [_, value] => value.parse::<u64>().is_ok(),
            _ => false,
        };
        assert!(good, "{line}");
    }
}

#[tokio::test]
async fn metrics_for_many_at_once_take_few_threads() {
    let house = House::open(&[]);
    let before = house.threads();
    for _ in 0..8 {
        let all = (0..64).map(|_| house.metric("hongyan_connections_open"));
        futures_util::future::join_all(all).await;
        let more = house.threads().saturating_sub(before);
        assert!(more <= 4, "{more} threads more");
    }
}
