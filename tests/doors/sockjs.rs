//! `/socketServer`: the greeting, `info`, and STOMP over both of SockJS's WebSockets.

use std::collections::HashSet;

use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Frame;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::house::House;
use crate::support::people;
use crate::wire::Heard;
use crate::wire::Socket;
use crate::wire::connect;
use crate::wire::frame;
use crate::wire::subscribe;
use crate::wire::upgrade;

const SESSION: &str = "/socketServer/000/abcdefgh/websocket";

/// Opens a session of user `uid` and hears its `o`.
async fn open(house: &House, uid: u64) -> Socket {
    let path = format!("{SESSION}?srect={}", people::token(uid));
    let mut socket = Socket::open(house.address(), &path).await;
    assert_eq!(socket.text().await, "o");
    socket
}

/// Sends messages in one array.
async fn say(socket: &mut Socket, messages: &[&str]) {
    socket.say(&json!(messages).to_string()).await;
}

/// The frames of the next array, one an element.
async fn frames(socket: &mut Socket) -> Vec<Frame> {
    let text = socket.text().await;
    let array = text.strip_prefix('a').unwrap_or_else(|| panic!("{text:?}"));
    let messages: Vec<String> = serde_json::from_str(array).expect("an array of strings");
    assert!(!messages.is_empty());
    messages.iter().map(|message| frame(message)).collect()
}

/// The next frames, however they are spread over arrays.
async fn frames_of(socket: &mut Socket, commands: &[Command]) -> Vec<Frame> {
    let mut all = Vec::new();
    while all.len() < commands.len() {
        all.extend(frames(socket).await);
    }
    let got: Vec<Command> = all.iter().map(|frame| frame.command).collect();
    assert_eq!(got, commands);
    all
}

#[tokio::test]
async fn the_base_greets() {
    let house = House::open(&[]);
    for path in [
        "/socketServer",
        "/socketServer/",
        "/socketServer?srect=nonsense",
    ] {
        let answer = house.call(&format!("GET {path}"), "", "").await;
        assert_eq!(
            (answer.status, &*answer.body),
            (200, "Welcome to SockJS!\n"),
            "{path}"
        );
        assert_eq!(
            answer.header("Content-Type"),
            Some("text/plain; charset=UTF-8")
        );
    }
    let answer = house.call("POST /socketServer", "", "").await;
    assert_eq!((answer.status, &*answer.body), (405, ""));
    assert!(answer.header("Allow").is_some());
}

#[tokio::test]
async fn info_says_what_there_is() {
    let house = House::open(&[]);
    let mut entropies = HashSet::new();
    for _ in 0..3 {
        let answer = house
            .call("GET /socketServer/info?t=1504712402000", "", "")
            .await;
        let kind = answer.header("Content-Type");
        assert_eq!(kind, Some("application/json; charset=UTF-8"));
        let cached = answer.header("Cache-Control").expect("Cache-Control");
        assert!(cached.contains("no-store"), "{cached}");
        let info = answer.json(200);
        let entropy = info["entropy"].as_u64().expect("a number");
        assert!(entropy <= u64::from(u32::MAX));
        entropies.insert(entropy);
        assert_eq!(
            info,
            json!({ "websocket": true, "origins": ["*:*"], "cookie_needed": false, "entropy": entropy })
        );
    }
    assert!(entropies.len() > 1, "{entropies:?}");
    let answer = house.call("POST /socketServer/info", "", "").await;
    assert_eq!((answer.status, &*answer.body), (405, ""));
    assert_eq!(answer.header("Allow"), Some("OPTIONS, GET"));
}

#[tokio::test]
async fn info_may_be_read_by_pages() {
    let house = House::open(&[]);
    for method in ["GET", "OPTIONS"] {
        let call = format!("{method} /socketServer/info");
        let plain = house.call(&call, "", "").await;
        assert_eq!(plain.header("Access-Control-Allow-Origin"), Some("*"));
        assert_eq!(plain.header("Access-Control-Allow-Credentials"), None);

        let origin = "http://chat.example:3000";
        let headers =
            format!("Origin: {origin}\r\nAccess-Control-Request-Headers: x-one, x-two\r\n");
        let answer = house.call(&call, &headers, "").await;
        assert_eq!(answer.header("Access-Control-Allow-Origin"), Some(origin));
        assert_eq!(
            answer.header("Access-Control-Allow-Credentials"),
            Some("true")
        );
        assert_eq!(
            answer.header("Access-Control-Allow-Headers"),
            Some("x-one, x-two")
        );
        assert_eq!(answer.header("Vary"), Some("Origin"));
    }
    let preflight = house.call("OPTIONS /socketServer/info", "", "").await;
    assert_eq!((preflight.status, &*preflight.body), (204, ""));
    let methods = preflight.header("Access-Control-Allow-Methods");
    assert_eq!(methods, Some("OPTIONS, GET"));
    assert_eq!(preflight.header("Access-Control-Max-Age"), Some("31536000"));
    assert_eq!(
        preflight.header("Cache-Control"),
        Some("public, max-age=31536000")
    );
}

#[tokio::test]
async fn paths_are_not_normalised() {
    let house = House::open(&[]);
    for rest in [
        "//",
        "///",
        "/a",
        "/a.html",
        "/info/",
        "/websocket/",
        "/000/abcdefgh",
        "/000/abcdefgh/",
        "/000/abcdefgh/nothing",
        "/000/abcdefgh/websocket/",
        "/000/abcdefgh/websocket/x",
        "/000/abcd.efgh/websocket",
        "/0.0/abcdefgh/websocket",
        "/../000/abcdefgh/websocket",
        "/000//websocket",
        "//abcdefgh/websocket",
        "///websocket",
    ] {
        let path = format!("/socketServer{rest}?srect={}", people::token(1));
        let answer = house.call(&format!("GET {path}"), "", "").await;
        assert_eq!(answer.status, 404, "{rest}");
        let knocked = upgrade(house.address(), &path, "").await;
        assert_eq!(knocked.status, 404, "{rest}");
    }
}

#[tokio::test]
async fn a_session_speaks_in_arrays() {
    let house = House::open(&[]);
    let mut socket = open(&house, 1).await;
    say(&mut socket, &[&connect("")]).await;
    frames_of(&mut socket, &[Command::Connected]).await;

    // Several frames in one array, one in several strings, and what clients send besides.
    let inbox = subscribe("/user/1/recive");
    let status = subscribe("/user/queue/send/status");
    let (begin, end) = status.split_at(9);
    say(&mut socket, &[&inbox, begin, end]).await;
    socket.say("").await;
    socket.say("[]").await;
    socket.say(&json!("\n").to_string()).await;
    frames_of(&mut socket, &[Command::Receipt, Command::Receipt]).await;

    let content = "\u{2028}\u{200c}\u{ffff}\u{7f} 起来\"\\\n🦢";
    let body = json!({ "msgID": people::msg_id(content), "reciverId": 1, "content": content });
    let send = format!("SEND\ndestination:/socket/chat/send\nreceipt:sent\n\n{body}\0");
    socket
        .send(Message::binary(json!([send]).to_string()))
        .await;
    let mut pushed = Vec::new();
    while pushed.len() < 3 {
        let text = socket.text().await;
        let raw = |c: char| c.is_control() || "\u{2028}\u{200c}\u{ffff}".contains(c);
        assert!(!text.contains(raw), "not escaped in {text:?}");
        let messages: Vec<String> = serde_json::from_str(&text[1..]).expect("an array");
        pushed.extend(messages.iter().map(|message| frame(message)));
    }
    let json = |frame: &Frame| serde_json::from_slice::<serde_json::Value>(&frame.body).ok();
    let mut bodies = pushed.iter().filter_map(json);
    assert!(bodies.any(|body| body["content"] == content), "{pushed:?}");

    say(&mut socket, &["DISCONNECT\nreceipt:bye\n\n\0"]).await;
    frames_of(&mut socket, &[Command::Receipt]).await;
    assert_eq!(socket.text().await, r#"c[1000,""]"#);
    assert_eq!(socket.next().await, Heard::Closed(1000, String::new()));
}

#[tokio::test]
async fn an_error_is_the_last_array_before_the_close() {
    let house = House::open(&[]);
    let mut socket = open(&house, 1).await;
    say(&mut socket, &["SEND\ndestination:/socket/chat/init\n\n\0"]).await;
    let error = frames_of(&mut socket, &[Command::Error]).await;
    assert_eq!(error[0].headers.get("message"), Some("not-connected"));
    assert_eq!(socket.text().await, r#"c[1002,"not-connected"]"#);
    assert_eq!(socket.next().await, Heard::Closed(1000, String::new()));
}

#[tokio::test]
async fn what_is_no_array_of_strings_ends_the_session() {
    let house = House::open(&[]);
    for text in ["x", "[\"a", "[1]", "{}", "null", "[\"a\",[\"b\"]]"] {
        let mut socket = open(&house, 1).await;
        socket.say(text).await;
        let closed = socket.text().await;
        assert!(closed.starts_with("c[1002,"), "{text}: {closed}");
        assert_eq!(socket.next().await, Heard::Closed(1000, String::new()));
    }
}

#[tokio::test]
async fn stomp_is_bare_on_the_raw_web_sockets() {
    let house = House::open(&[]);
    let token = people::token(1);
    for path in ["/socketServer/websocket", "/socketServer", "/socketServer/"] {
        let mut socket = Socket::open(house.address(), &format!("{path}?srect={token}")).await;
        socket.connect("").await;
        socket.subscribe("/user/1/recive").await;
        let mut socket = Socket::open(house.address(), path).await;
        socket.connect(&format!("srect:{token}\n")).await;
        socket.say("NONSENSE\n\n\0").await;
        socket.expect_error("unknown-command", 1002).await;
    }
}

#[tokio::test]
async fn tokens_are_looked_at_on_every_path() {
    let house = House::open(&[]);
    let mut socket = Socket::open(house.address(), SESSION).await;
    assert_eq!(socket.text().await, "o");
    say(
        &mut socket,
        &[&connect(&format!("srect:{}\n", people::token(1)))],
    )
    .await;
    frames_of(&mut socket, &[Command::Connected]).await;

    let mut socket = Socket::open(house.address(), SESSION).await;
    assert_eq!(socket.text().await, "o");
    say(&mut socket, &[&connect("")]).await;
    let error = frames_of(&mut socket, &[Command::Error]).await;
    assert_eq!(error[0].headers.get("message"), Some("access-refused"));
    assert_eq!(socket.text().await, r#"c[1002,"access-refused"]"#);

    for path in [SESSION, "/socketServer/websocket", "/socketServer"] {
        let path = format!("{path}?srect={}", people::expired_token(1));
        assert_eq!(
            upgrade(house.address(), &path, "").await.status,
            401,
            "{path}"
        );
    }
}

#[tokio::test]
async fn no_subprotocol_is_echoed_inside_sock_js() {
    let house = House::open(&[]);
    let offer = "Sec-WebSocket-Protocol: v12.stomp\r\n";
    let knocked = upgrade(house.address(), SESSION, offer).await;
    assert_eq!(knocked.header("Sec-WebSocket-Protocol"), None);
    assert_eq!(knocked.socket().await.text().await, "o");
}
