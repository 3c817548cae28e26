//! The limits that an operator sets, seen from outside: each refusal is a clear error, and hurts nobody else.

use hongyan_grammar::stomp::Command;
use serde_json::Value;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::house::House;
use crate::support::client::soon;
use crate::support::people;
use crate::wire::Heard;
use crate::wire::Socket;
use crate::wire::chat;
use crate::wire::connect;
use crate::wire::knock;
use crate::wire::knock_with;
use crate::wire::upgrade;

const SEND_STATUS: &str = "/user/queue/send/status";

/// User `uid`, who hears what becomes of sent messages.
async fn sender(house: &House, uid: u64) -> Socket {
    let mut socket = Socket::log_in(house.address(), &people::token(uid)).await;
    socket.subscribe(SEND_STATUS).await;
    socket
}

#[tokio::test]
async fn connections_beyond_the_limit_get_503_until_one_leaves() {
    let house = House::open(&["--max-connections", "3"]);
    let mut sockets = Vec::new();
    for uid in 1..=3 {
        sockets.push(Socket::log_in(house.address(), &people::token(uid)).await);
    }
    for request in ["GET /healthz HTTP/1.1\r\n", "GET /client HTTP/1.1\r\n"] {
        let refused = knock(house.address(), request).await;
        assert_eq!(refused.status, 503, "{}", refused.head);
        assert_eq!(refused.header("Connection"), Some("close"));
        let length = refused.header("Content-Length").map(str::to_owned);
        let body = refused.body().await;
        assert_eq!(length, Some(body.len().to_string()));
        assert!(body.contains("too many connections"), "{body}");
    }
    for socket in &mut sockets {
        socket.lives().await;
    }
    sockets.pop();
    let path = format!("/client?srect={}", people::token(4));
    let again = soon("a free place", async {
        loop {
            let knocked = upgrade(house.address(), &path, "").await;
            if knocked.status == 101 {
                return knocked;
            }
            assert_eq!(knocked.status, 503, "{}", knocked.head);
        }
    })
    .await;
    again.socket().await.connect("").await;
}

#[tokio::test]
async fn a_frame_beyond_the_limit_gets_an_error_and_1009() {
    let house = House::open(&["--max-frame", "1KiB", "--max-content", "1KiB"]);
    let mut neighbour = sender(&house, 2).await;

    let mut socket = sender(&house, 1).await;
    socket.chat(2, &"x".repeat(500)).await;
    assert_eq!(socket.message().await["code"], 200);
    // In two messages, each small enough.
    let frame = chat(2, &"x".repeat(1_000));
    let (first, second) = frame.split_at(800);
    socket.say(first).await;
    socket.say(second).await;
    socket.expect_error("frame-too-large", 1009).await;

    // Beyond what the transport takes for any frame.
    let mut socket = sender(&house, 1).await;
    socket.chat(2, &"x".repeat(200_000)).await;
    socket.expect_error("frame-too-large", 1009).await;

    // Only announced: nothing of it is waited for.
    let mut socket = sender(&house, 1).await;
    socket
        .raw(b"\x81\xff\0\0\0\xff\0\0\0\0\0\0\0\0")
        .await
        .expect("written");
    socket.expect_error("frame-too-large", 1009).await;

    // Strangers get less.
    let mut socket = Socket::open(house.address(), "/client").await;
    let padding = "x".repeat(70_000);
    socket.say(&format!("CONNECT\n{padding}")).await;
    let error = socket.expect(Command::Error).await;
    assert_ne!(error.headers.get("message"), None);

    neighbour.lives().await;
    assert_eq!(house.metric("hongyan_messages_stored_total").await, 1);
}

#[tokio::test]
async fn the_error_is_read_even_by_who_is_still_writing() {
    let house = House::open(&[]);
    let mut socket = sender(&house, 1).await;
    let bytes: usize = 16 << 20;
    let mut message = b"\x82\xff".to_vec();
    message.extend(u64::try_from(bytes).expect("a size").to_be_bytes());
    message.extend(vec![0; 4 + bytes]);
    // A connection that is reset would lose what is already on its way to the client.
    let written = socket.raw(&message).await;
    assert!(written.is_ok(), "{written:?}");
    socket.expect_error("frame-too-large", 1009).await;
    assert_eq!(socket.next().await, Heard::Gone);
}

#[tokio::test]
async fn content_beyond_the_limit_is_413_and_the_session_goes_on() {
    let house = House::open(&["--max-content", "10"]);
    let token = people::token(1);
    let mut socket = sender(&house, 1).await;
    // Bytes count, not characters.
    for (content, code) in [
        ("0123456789", 200),
        ("0123456789x", 413),
        ("起来聊天", 413),
        ("起来聊", 200),
    ] {
        socket.chat(1, content).await;
        let status = socket.message().await;
        assert_eq!(status["code"], code, "{status}");
        assert_eq!(status["msgID"], people::msg_id(content));
        let message = json!({ "to": 1, "content": content, "msgID": people::msg_id(content) });
        let answer = house
            .call_as(&token, "POST /api/messages", &message.to_string())
            .await;
        match code {
            200 => drop(answer.json(201)),
            _ => assert!(answer.refused(code).contains("10"), "{}", answer.body),
        }
    }
    assert_eq!(house.metric("hongyan_messages_stored_total").await, 2);
}

#[tokio::test]
async fn who_sends_too_fast_is_told_429_and_the_others_are_not() {
    let house = House::with_rate("2");
    let (mut socket, mut other) = (sender(&house, 1).await, sender(&house, 2).await);
    let count = 50;
    let contents: Vec<String> = (0..count)
        .map(|number| format!("number {number}"))
        .collect();
    let all: String = contents.iter().map(|content| chat(2, content)).collect();
    socket.say(&all).await;
    let mut codes = Vec::new();
    for content in &contents {
        let status = socket.message().await;
        assert_eq!(
            status["msgID"],
            people::msg_id(content),
            "in the order of the frames"
        );
        codes.push(status["code"].as_u64().expect("a code"));
    }
    assert_eq!(codes[..2], [200, 200]);
    assert!(codes.contains(&429), "{codes:?}");
    let stored = codes.iter().filter(|code| **code == 200).count() as u64;
    let refused = codes.iter().filter(|code| **code == 429).count() as u64;
    assert_eq!(stored + refused, count, "{codes:?}");
    assert_eq!(house.metric("hongyan_messages_stored_total").await, stored);
    assert_eq!(house.metric("hongyan_refusals_total").await, refused);
    other.chat(1, "slowly").await;
    assert_eq!(other.message().await["code"], 200);
    socket.lives().await;
}

#[tokio::test]
async fn half_a_request_hurts_nobody() {
    let house = House::open(&[]);
    let mut halves = Vec::new();
    for half in [
        "",
        "G",
        "GET /client HTTP/1.1\r\nHo",
        "POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{",
    ] {
        for _ in 0..20 {
            let stream = TcpStream::connect(house.address()).await;
            let mut stream = stream.expect("the broker listens");
            stream.write_all(half.as_bytes()).await.expect("written");
            halves.push(stream);
        }
        // A handshake whose client then says half a WebSocket frame, and half a STOMP frame.
        let mut socket = Socket::open(house.address(), "/client").await;
        socket.raw(b"\x81\xfe").await.expect("written");
        halves.push(socket.into_stream());
        let mut socket = Socket::open(house.address(), "/client").await;
        socket.say("CONN").await;
        halves.push(socket.into_stream());
    }
    let mut socket = sender(&house, 1).await;
    socket.chat(1, "all the same").await;
    assert_eq!(socket.message().await["code"], 200);
    assert_eq!(house.call("GET /healthz", "", "").await.status, 200);
}

#[tokio::test]
async fn a_head_without_end_is_refused() {
    let house = House::open(&[]);
    let mut neighbour = sender(&house, 1).await;
    for head in [
        format!("GET /{} HTTP/1.1\r\n", "x".repeat(70_000)),
        format!("GET / HTTP/1.1\r\nX: {}\r\n", "x".repeat(70_000)),
        "GET / HTTP/1.1\r\n".to_owned() + &"X: x\r\n".repeat(500),
        "NONSENSE\r\n".to_owned(),
        "\u{16}\u{3}\u{1}".to_owned(),
    ] {
        let knocked = knock(house.address(), &head).await;
        // Some clients are still writing when they are hung up on.
        let refused = [0, 400, 414, 431].contains(&knocked.status);
        assert!(refused, "{}", knocked.head);
    }
    neighbour.lives().await;
}

#[tokio::test]
async fn subscriptions_are_counted() {
    let house = House::open(&[]);
    let mut socket = Socket::log_in(house.address(), &people::token(1)).await;
    for number in 0..128 {
        socket
            .say(&format!(
                "SUBSCRIBE\nid:{number}\ndestination:/user/queue/status\n\n\0"
            ))
            .await;
    }
    socket.lives().await;
    socket
        .say("SUBSCRIBE\nid:one more\ndestination:/user/queue/status\n\n\0")
        .await;
    socket.expect_error("too-many-subscriptions", 1002).await;
}

#[tokio::test]
async fn headers_are_counted() {
    let house = House::open(&[]);
    for lines in ["a:b\n".repeat(65), format!("a:{}\n", "b".repeat(9_000))] {
        let mut socket = Socket::open(house.address(), "/client").await;
        socket.say(&connect(&lines)).await;
        socket.expect(Command::Error).await;
    }
    let deep = "[".repeat(40) + &"]".repeat(40);
    let mut socket = sender(&house, 1).await;
    socket.subscribe("/user/queue/status").await;
    socket
        .say(&format!(
            "SEND\ndestination:/socket/chat/send\n\n{{\"x\":{deep}}}\0"
        ))
        .await;
    let trouble: Value = socket.message().await;
    assert_eq!(trouble["code"], 400, "{trouble}");
    socket.lives().await;
}

#[tokio::test]
async fn who_is_refused_before_the_body_was_read_is_told_that_the_connection_closes() {
    let house = House::open(&["--context-path", "/Mimi"]);
    let whole = r#"{"name":"li","password":"correct horse"}"#;
    for (path, length, status, connection) in [
        ("/Mimi/api/messages", 1_000_000, 401, Some("close")),
        ("/Mimi/api/nothing", 1_000_000, 404, Some("close")),
        (
            "/Mimi/socketServer/0/0/xhr_send",
            1_000_000,
            404,
            Some("close"),
        ),
        ("/Mimi/client", 1_000_000, 405, Some("close")),
        ("/nowhere", 1_000_000, 404, Some("close")),
        ("/Mimi/api/users", 100_000_000, 413, Some("close")),
        // What was read, or has no body, leaves the connection to the next request.
        ("/Mimi/api/login", whole.len(), 401, None),
        ("/Mimi/api/messages", 0, 401, None),
    ] {
        let head = format!("POST {path} HTTP/1.1\r\nContent-Length: {length}\r\n");
        let body = match length {
            0 => String::new(),
            100_000_000 => " ".repeat(70_000),
            _ => whole.to_owned(),
        };
        let knocked = knock_with(house.address(), &head, &body).await;
        assert_eq!(knocked.status, status, "{path}");
        assert_eq!(knocked.header("Connection"), connection, "{path}");
        if connection.is_some() {
            // To its end.
            let _ = knocked.body().await;
        }
    }
}
