//! STOMP frames over WebSocket messages of every kind, and how a connection ends.

use hongyan_grammar::stomp::Command;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::Data;
use tokio_tungstenite::tungstenite::protocol::frame::coding::OpCode;

use crate::house::House;
use crate::support::people;
use crate::wire::Heard;
use crate::wire::Socket;
use crate::wire::connect;
use crate::wire::frame;
use crate::wire::subscribe;

async fn open(house: &House) -> Socket {
    let path = format!("/client?srect={}", people::token(1));
    Socket::open(house.address(), &path).await
}

async fn connected(house: &House) -> Socket {
    let mut socket = open(house).await;
    socket.connect("").await;
    socket
}

/// A frame of a WebSocket as it is, right or wrong.
fn fragment(bytes: &[u8], kind: Data, last: bool) -> Message {
    Message::Frame(Frame::message(bytes.to_vec(), OpCode::Data(kind), last))
}

#[tokio::test]
async fn a_frame_may_be_cut_over_messages_and_several_may_be_in_one() {
    let house = House::open(&[]);
    let destination = "/user/queue/send/status";
    let content = "起来聊天 🦢";
    let body =
        serde_json::json!({ "msgID": people::msg_id(content), "reciverId": 1, "content": content });
    let send = format!("SEND\ndestination:/socket/chat/send\n\n{body}\0");
    let all = connect("") + "\n" + &subscribe(destination) + "\n\r\n" + &send;
    let bytes = all.as_bytes();
    for (round, size) in [1, 2, 7, 100, bytes.len()].into_iter().enumerate() {
        let mut socket = open(&house).await;
        for part in bytes.chunks(size) {
            // Cut inside a character, only a binary message can carry the part.
            match std::str::from_utf8(part) {
                Ok(text) if round % 2 == 0 => socket.say(text).await,
                _ => socket.send(Message::binary(part.to_vec())).await,
            }
        }
        socket.expect(Command::Connected).await;
        socket.expect(Command::Receipt).await;
        let status = socket.expect(Command::Message).await;
        let status: serde_json::Value = serde_json::from_slice(&status.body).expect("JSON");
        assert_eq!(status["code"], 200, "{size}: {status}");
    }
    assert_eq!(house.metric("hongyan_messages_stored_total").await, 1);
}

#[tokio::test]
async fn a_message_may_come_in_fragments_with_a_ping_between() {
    let house = House::open(&[]);
    let mut socket = open(&house).await;
    let connect = connect("");
    let (first, rest) = connect.as_bytes().split_at(5);
    let (second, third) = rest.split_at(5);
    socket.send(fragment(first, Data::Text, false)).await;
    socket.send(fragment(second, Data::Continue, false)).await;
    socket.send(Message::Ping("still there?".into())).await;
    assert_eq!(socket.next().await, Heard::Pong(b"still there?".to_vec()));
    socket.send(fragment(third, Data::Continue, true)).await;
    socket.expect(Command::Connected).await;
    socket.send(Message::Pong("unasked".into())).await;
    socket.lives().await;
}

/// Sends `bytes` as one message in so many fragments, with a ping before each.
async fn say_in_fragments(socket: &mut Socket, bytes: &[u8], count: usize) {
    for number in 0..count {
        // All that there is in the first, and nothing in the others.
        let (part, kind) = match number {
            0 => (bytes, Data::Text),
            _ => (&b""[..], Data::Continue),
        };
        socket.send(Message::Ping("".into())).await;
        let last = number + 1 == count;
        socket.send(fragment(part, kind, last)).await;
    }
}

/// The next text, behind any pongs.
async fn text(socket: &mut Socket) -> String {
    loop {
        match socket.next().await {
            Heard::Pong(_) => {}
            Heard::Text(text) => return text,
            other => panic!("{other:?} instead of a text"),
        }
    }
}

#[tokio::test]
async fn a_message_has_at_most_64_fragments() {
    let house = House::open(&[]);
    for path in ["/client", "/socketServer/websocket"] {
        let path = format!("{path}?srect={}", people::token(1));
        let mut socket = Socket::open(house.address(), &path).await;
        say_in_fragments(&mut socket, connect("").as_bytes(), 64).await;
        let connected = frame(&text(&mut socket).await);
        assert_eq!(connected.command, Command::Connected, "{path}");
        // Those of one message are not those of the next.
        for receipt in ["one", "two"] {
            let unsubscribe = format!("UNSUBSCRIBE\nid:none\nreceipt:{receipt}\n\n\0");
            say_in_fragments(&mut socket, unsubscribe.as_bytes(), 64).await;
            let receipted = frame(&text(&mut socket).await);
            assert_eq!(receipted.headers.get("receipt-id"), Some(receipt), "{path}");
        }
        say_in_fragments(&mut socket, b"\n", 65).await;
        let error = frame(&text(&mut socket).await);
        assert_eq!(
            error.headers.get("message"),
            Some("frame-too-large"),
            "{path}"
        );
        let sentence = "fragments in a message: at most 64 are allowed";
        assert_eq!(error.body, sentence.as_bytes(), "{path}");
        let closed = Heard::Closed(1009, "frame-too-large".to_owned());
        assert_eq!(socket.next().await, closed, "{path}");
    }
}

#[tokio::test]
async fn fragments_are_counted_below_sock_js_too() {
    let house = House::open(&[]);
    let path = format!("/socketServer/0/0/websocket?srect={}", people::token(1));
    let mut socket = Socket::open(house.address(), &path).await;
    assert_eq!(socket.text().await, "o");
    let connect = serde_json::json!([connect("")]).to_string();
    say_in_fragments(&mut socket, connect.as_bytes(), 64).await;
    assert!(text(&mut socket).await.starts_with(r#"a["CONNECTED\n"#));
    say_in_fragments(&mut socket, b"[]", 65).await;
    let error = text(&mut socket).await;
    assert!(
        error.contains("message:frame-too-large") && error.contains("64"),
        "{error}"
    );
    assert_eq!(text(&mut socket).await, r#"c[1009,"frame-too-large"]"#);
}

#[tokio::test]
async fn line_ends_may_be_crlf_in_every_version() {
    let house = House::open(&[]);
    for version in ["1.0", "1.1", "1.2"] {
        let mut socket = open(&house).await;
        socket
            .say(&format!(
                "CONNECT\r\naccept-version:{version}\r\n\r\n\0\r\n"
            ))
            .await;
        let connected = socket.expect(Command::Connected).await;
        assert_eq!(connected.headers.get("version"), Some(version));
        socket.say("\r\n").await;
        socket
            .say("SUBSCRIBE\r\nid:1\r\ndestination:/user/queue/status\r\nreceipt:r\r\n\r\n\0")
            .await;
        let receipt = socket.expect(Command::Receipt).await;
        assert_eq!(receipt.headers.get("receipt-id"), Some("r"));
    }
}

#[tokio::test]
async fn disconnect_is_receipted_and_closed_with_1000() {
    let house = House::open(&[]);
    let mut socket = connected(&house).await;
    socket.say("DISCONNECT\nreceipt:bye\n\n\0").await;
    let receipt = socket.expect(Command::Receipt).await;
    assert_eq!(receipt.headers.get("receipt-id"), Some("bye"));
    assert_eq!(socket.next().await, Heard::Closed(1000, String::new()));
    assert_eq!(socket.next().await, Heard::Gone);

    let mut socket = connected(&house).await;
    socket.say("DISCONNECT\n\n\0").await;
    assert_eq!(socket.next().await, Heard::Closed(1000, String::new()));

    // Who has the receipt closes first, and its close is answered. See `LEAVE_WITHIN` in `gateways/parting.rs`.
    let mut socket = connected(&house).await;
    socket.say("DISCONNECT\nreceipt:bye\n\n\0").await;
    socket.expect(Command::Receipt).await;
    let frame = CloseFrame {
        code: 1000.into(),
        reason: "I am first".into(),
    };
    socket.send(Message::Close(Some(frame))).await;
    let closed = Heard::Closed(1000, "I am first".to_owned());
    assert_eq!(socket.next().await, closed);
    assert_eq!(socket.next().await, Heard::Gone);

    // The client's own close is answered with the same.
    let mut socket = connected(&house).await;
    let frame = CloseFrame {
        code: 1001.into(),
        reason: "tab closed".into(),
    };
    socket.send(Message::Close(Some(frame))).await;
    assert_eq!(
        socket.next().await,
        Heard::Closed(1001, "tab closed".to_owned())
    );
    assert_eq!(socket.next().await, Heard::Gone);
    let mut socket = connected(&house).await;
    socket.send(Message::Close(None)).await;
    assert_eq!(socket.next().await, Heard::Closed(1005, String::new()));
    house.metric_becomes("hongyan_sessions_online", 0).await;
    house.metric_becomes("hongyan_connections_open", 0).await;
}

#[tokio::test]
async fn what_is_wrong_gets_an_error_and_a_close_with_1002() {
    let house = House::open(&[]);
    for (frame, word) in [
        ("NONSENSE\n\n\0", "unknown-command"),
        ("SEND\nno colon\n\n\0", "malformed-frame"),
        ("SEND\na:\\t\n\n\0", "malformed-frame"),
        ("SEND\n\n\0", "missing-destination"),
        ("SEND\ndestination:/nowhere\n\n\0", "unknown-destination"),
        (
            "SUBSCRIBE\nid:1\ndestination:/user/2/recive\n\n\0",
            "access-denied",
        ),
        ("CONNECT\naccept-version:1.2\n\n\0", "already-connected"),
    ] {
        let mut socket = connected(&house).await;
        socket.say(frame).await;
        socket.expect_error(word, 1002).await;
        assert_eq!(socket.next().await, Heard::Gone, "{frame:?}");
    }
    let mut socket = open(&house).await;
    socket
        .say("SEND\ndestination:/socket/chat/init\n\n\0")
        .await;
    socket.expect_error("not-connected", 1002).await;
    let mut socket = open(&house).await;
    socket.say("GET / HTTP/1.1\r\n\r\n").await;
    socket.expect_error("unknown-command", 1002).await;
}

#[tokio::test]
async fn a_text_that_is_not_utf_8_is_closed_with_1007() {
    let house = House::open(&[]);
    for bytes in [&b"\xff"[..], b"SEND\n\xe8\xb5", b"\xed\xa0\x80"] {
        let mut socket = connected(&house).await;
        socket.send(fragment(bytes, Data::Text, true)).await;
        match socket.next().await {
            Heard::Closed(1007, _) => {}
            other => panic!("{bytes:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_breach_of_the_web_socket_protocol_is_closed_with_1002() {
    let house = House::open(&[]);
    for (what, bytes) in [
        ("not masked", &b"\x81\x01\n"[..]),
        // As if a compression had been agreed on: none is, so no bomb can come.
        ("a reserved bit", b"\xc1\x81\0\0\0\0\n"),
        ("an unknown opcode", b"\x83\x81\0\0\0\0\n"),
        ("a continuation of nothing", b"\x80\x81\0\0\0\0\n"),
        (
            "a long ping",
            &[&b"\x89\xfe\x00\x7e"[..], &[0; 4 + 126]].concat(),
        ),
    ] {
        let mut socket = connected(&house).await;
        socket.raw(bytes).await.expect("written");
        match socket.next().await {
            Heard::Closed(1002, _) => {}
            other => panic!("{what}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn no_compression_is_agreed_to() {
    let house = House::open(&[]);
    let path = format!("/client?srect={}", people::token(1));
    let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
    let knocked = crate::wire::upgrade(house.address(), &path, offer).await;
    assert_eq!(knocked.header("Sec-WebSocket-Extensions"), None);
    knocked.socket().await.connect("").await;
}
