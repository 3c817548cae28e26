//! What users write, where it could become something else: lines of the log, headers, requests to the webhook, paths, pages.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::bystander::Bystanders;
use crate::events::Events;
use crate::events::wstoken;
use crate::house::House;
use crate::operator::Operator;
use crate::raw;
use crate::support::client::soon;
use crate::support::fire::Attack;
use crate::support::people;
use crate::wire;
use crate::wire::Heard;
use crate::wire::Socket;
use crate::wire::upgrade;

pub const PROMISE: &str = "Nothing that a user writes becomes a line of the log, a header, a request to the webhook, a path or a page.";

/// What would be a line of the log, and a red one.
const FORGED: &str = "\n2026-01-01T00:00:00.000000Z ERROR hongyan: FORGED \u{1b}[31mred\r\nFORGED";

#[tokio::test]
async fn no_line_of_the_log_is_a_user_s() {
    let mut attack = Attack::on(
        "abuse-log",
        PROMISE,
        "`tests/abuse/injected.rs`, `no_line_of_the_log_is_a_user_s`",
    );
    let house = House::bare(&[
        "--listen",
        "127.0.0.1:0",
        "--log",
        "trace",
        "--message-rate",
        "100000",
    ]);
    let address = house.address();
    house.know([1, 2]).await;
    let token = people::token(1);
    let bystanders = Bystanders::begin(&house).await;
    let percent: String = FORGED.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let mut tried = 0;
    let mut unfinished = Vec::new();
    for text in [
        FORGED,
        "\u{2028}FORGED\u{85}FORGED",
        "{FORGED}",
        "FORGED=1 level=ERROR",
    ] {
        let account = json!({ "name": text, "password": text }).to_string();
        house.call("POST /api/users", "", &account).await;
        house.call("POST /api/login", "", &account).await;
        for (call, body) in [
            (
                "POST /api/messages",
                json!({ "to": 2, "content": text, "msgID": text }),
            ),
            ("POST /api/messages", json!({ "to": text, "content": text })),
            (
                "POST /api/groups",
                json!({ "name": text, "members": [text], "x": text }),
            ),
            (
                "POST /api/friends/requests",
                json!({ "to": 2, "msg": text }),
            ),
            (
                "POST /api/push",
                json!({ "uid": text, "type": text, "data": text }),
            ),
        ] {
            house.call_as(&token, call, &body.to_string()).await;
            tried += 1;
        }
        let mut socket = Socket::log_in(address, &token).await;
        let escaped = text
            .replace('\n', "\\n")
            .replace('\r', "\\r")
            .replace(':', "\\c");
        socket
            .say(&format!(
                "SEND\ndestination:/topic/a\nx:{escaped}\nreceipt:{escaped}\n\n{text}\0"
            ))
            .await;
        socket.frame().await;
        socket
            .say(&format!(
                "SUBSCRIBE\nid:{escaped}\ndestination:{escaped}\n\n\0"
            ))
            .await;
        socket.frame().await;
        let mut socket = Socket::open(address, "/client").await;
        socket
            .say(&wire::connect(&format!("login:{escaped}\npasscode:x\n")))
            .await;
        socket.next().await;
        let mut socket = Socket::open(address, "/client").await;
        socket.say(text).await;
        unfinished.push(socket);
        let mut events = Events::open(address).await;
        events.say(text, &json!({ "sessionid": text })).await;
        events.say("auth-c", &json!({ "sessionid": text })).await;
        while let Some(packet) = events.next().await {
            // Whoever is told that it left closes, as clients do.
            if packet == "41" {
                events.0.send(Message::Close(None)).await;
            }
        }
        let path = format!("/{}", wstoken(address, &token).await);
        let mut packets = Socket::open(address, &path).await;
        packets.text().await;
        for packet in [
            text.to_owned(),
            json!({ "id": text, "type": text, "msg": text }).to_string(),
        ] {
            packets.say(&packet).await;
            packets.text().await;
        }
        tried += 12;
    }
    for path in [
        format!("/{percent}"),
        format!("/api/{percent}"),
        format!("/api/users/{percent}"),
        format!("/socketServer/{percent}/x/xhr"),
        format!("/client?srect={percent}"),
        format!("/socket.io/?EIO=4&transport={percent}"),
    ] {
        house.call(&format!("GET {path}"), "", "").await;
        house.call(&format!("POST {path}"), "", "").await;
        drop(upgrade(address, &path, "").await);
        tried += 3;
    }
    for head in [
        format!("GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: a{FORGED}\r\n\r\n"),
        format!("GET /{FORGED} HTTP/1.1\r\nHost: x\r\n\r\n"),
        format!("{FORGED} / HTTP/1.1\r\nHost: x\r\n\r\n"),
        "GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: \u{9b}31mFORGED\r\nConnection: close\r\n\r\n"
            .to_owned(),
    ] {
        raw::last_words(address, head.as_bytes()).await;
        tried += 1;
    }
    // What has no end is no frame: it is refused, or waited for as long as a log-in may take.
    join_all(unfinished.iter_mut().map(Socket::next)).await;
    bystanders.end(&house, &mut attack).await;
    let (folder, ended) = house.stop();
    assert!(ended.await.expect("it ended").success());
    let log = std::fs::read(folder.path().join("log")).expect("a log");
    let log = String::from_utf8(log).expect("a log is UTF-8");
    assert!(log.contains(" INFO hongyan"), "it does log: {log}");
    for line in log.lines() {
        // A time, a level, a place.
        let mut words = line.split_whitespace();
        let time = words.next().unwrap_or_default();
        let level = words.next().unwrap_or_default();
        assert!(time.len() > 20 && time.ends_with('Z'), "no event: {line}");
        assert!(
            ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"].contains(&level),
            "{line}"
        );
        assert!(
            !line.contains("FORGED") || !line.contains("ERROR hongyan: FORGED"),
            "{line}"
        );
        let control = line.chars().find(|char| char.is_control() && *char != '\t');
        assert_eq!(control, None, "{line}");
    }
    attack.count("texts that would forge a line of the log", tried);
    attack.repelled();
}

/// A line end in a header value, written as every version of STOMP writes it, comes back as one value, or not at all.
#[tokio::test]
async fn no_header_is_a_user_s() {
    let mut attack = Attack::on(
        "abuse-headers",
        PROMISE,
        "`tests/abuse/injected.rs`, `no_header_is_a_user_s`",
    );
    let house = House::open(&[]);
    let address = house.address();
    house.know([1, 2]).await;
    let bystanders = Bystanders::begin(&house).await;
    let mut tried = 0;
    for hears in ["1.0", "1.1", "1.2"] {
        let mut receiver =
            Socket::open(address, &format!("/client?srect={}", people::token(2))).await;
        receiver
            .say(&format!("CONNECT\naccept-version:{hears}\n\n\0"))
            .await;
        receiver.text().await;
        receiver
            .say("SUBSCRIBE\nid:t\ndestination:/topic/**\nreceipt:1\n\n\0")
            .await;
        receiver.text().await;
        for says in ["1.0", "1.1", "1.2"] {
            for value in [
                "a\\ninjected:1",
                "a\\r\\ninjected:1",
                "a\\n\\ninjected:1\\n",
                "a\\c1\\ninjected\\c1",
            ] {
                let mut sender =
                    Socket::open(address, &format!("/client?srect={}", people::token(1))).await;
                sender
                    .say(&format!("CONNECT\naccept-version:{says}\n\n\0"))
                    .await;
                sender.text().await;
                sender
                    .say(&format!(
                        "SEND\ndestination:/topic/a\nx-mine:{value}\nreceipt:{value}\n\nbody\0"
                    ))
                    .await;
                let answer = sender.text().await;
                assert!(
                    !answer.lines().any(|line| line.starts_with("injected")),
                    "{answer:?}"
                );
                tried += 1;
                if answer.starts_with("ERROR") {
                    // The version knows no such escape.
                    continue;
                }
                assert!(answer.starts_with("RECEIPT"), "{answer}");
                let heard = receiver.text().await;
                assert!(heard.starts_with("MESSAGE\n"), "{heard}");
                let (head, body) = heard.split_once("\n\n").expect("a head");
                assert_eq!(body, "body\0", "{heard:?}");
                assert!(
                    !head.lines().any(|line| line.starts_with("injected")),
                    "{says} to {hears}: {heard:?}"
                );
            }
            // And in an ERROR, which tells what was wrong.
            let mut sender =
                Socket::open(address, &format!("/client?srect={}", people::token(1))).await;
            sender
                .say(&format!("CONNECT\naccept-version:{says}\n\n\0"))
                .await;
            sender.text().await;
            sender
                .say("SUBSCRIBE\nid:a\\ninjected\ndestination:/user/9\\ninjected/recive\nreceipt:a\\ninjected\n\n\0")
                .await;
            let error = sender.text().await;
            assert!(error.starts_with("ERROR\n"), "{error}");
            let (head, _) = error.split_once("\n\n").expect("a head");
            assert!(
                !head.lines().any(|line| line.starts_with("injected")),
                "{error:?}"
            );
            tried += 1;
        }
    }
    // HTTP: nothing that is asked for comes back as a header.
    let line = "%0d%0aX-Injected:%201%0d%0a%0d%0a<script>";
    for path in [
        format!("/api/users/{line}"),
        format!("/{line}"),
        format!("/socketServer/0/{line}/xhr"),
        format!("/socketServer/0/x/jsonp?c={line}"),
        format!("/socketServer/0/x/htmlfile?c={line}"),
        format!("/socketServer/iframe{line}.html"),
        format!("/socket.io/?EIO=4&transport=polling&sid={line}&b64={line}"),
        format!("/api/images/{line}"),
        format!("/client?srect={line}"),
    ] {
        let headers = "Connection: close\r\nOrigin: https://page.example\r\nCookie: JSESSIONID=a%0d%0aX-Injected\r\n";
        for method in ["GET", "POST", "OPTIONS"] {
            let request = format!(
                "{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n{headers}\r\n"
            );
            let mut stream = raw::connect(address).await;
            tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes())
                .await
                .expect("written");
            // A transport that streams does not end: what it begins with is enough.
            let head = soon("a head", read_head(&mut stream)).await;
            assert!(
                !head.to_lowercase().contains("x-injected"),
                "{method} {path}: {head}"
            );
            tried += 1;
        }
    }
    bystanders.end(&house, &mut attack).await;
    attack.count("texts that would forge a header", tried);
    attack.repelled();
}

async fn read_head(stream: &mut tokio::net::TcpStream) -> String {
    use tokio::io::AsyncReadExt;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).expect("a head is ASCII")
}

/// The URL and the headers are the operator's and ours, whatever users are called and write; a redirect is not followed, which
/// `tests/webhook/told.rs` shows.
#[tokio::test]
async fn no_request_to_the_webhook_is_a_user_s() {
    let mut attack = Attack::on(
        "abuse-webhook",
        PROMISE,
        "`tests/abuse/injected.rs`, `no_request_to_the_webhook_is_a_user_s`",
    );
    let mut operator = Operator::listen().await;
    let house = House::open(&["--webhook", &operator.url]);
    let bystanders = Bystanders::begin(&house).await;
    let names = [
        "http://127.0.0.1:1?x",
        "@127.0.0.1",
        "..%2f..%2fadmin",
        "%0d%0aX-Evil: 1",
        "{url}",
        "$(id)",
        "a b\u{2028}c",
    ];
    let mut tried = 0;
    for (number, name) in names.iter().enumerate() {
        let made = json!({ "name": name, "password": "correct horse" }).to_string();
        let answer = house.call("POST /api/users", "", &made).await;
        if answer.status == 422 {
            continue;
        }
        let uid = answer.json(201);
        let sender = people::token(100 + number as u64);
        let content = format!("http://127.0.0.1:1/\r\nHost: evil\r\n\r\n{name}");
        let body =
            json!({ "to": uid["uid"], "content": content, "url": content, "webhook": content });
        house
            .call_as(&sender, "POST /api/messages", &body.to_string())
            .await
            .json(201);
        let heard = soon("an event", operator.next()).await;
        let mut lines = heard.head.lines();
        assert_eq!(lines.next(), Some("POST /hook?a=1 HTTP/1.1"));
        let headers: BTreeSet<String> = lines
            .map(|line| line.split(':').next().unwrap_or_default().to_lowercase())
            .collect();
        let known = [
            "content-length",
            "content-type",
            "host",
            "user-agent",
            "x-hongyan-event",
            "x-hongyan-signature",
        ];
        assert_eq!(headers, known.map(str::to_owned).into(), "{}", heard.head);
        assert!(!heard.head.contains("evil"), "{}", heard.head);
        assert_eq!(heard.event()["message"]["content"], content);
        // An answer that never ends, after one that is enormous: nobody waits for it.
        heard.say("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nxxxx");
        tried += 1;
    }
    assert!(tried >= 5, "most of these are names");
    bystanders.end(&house, &mut attack).await;
    attack.count("messages that would steer the webhook", tried);
    attack.repelled();
}

/// Cross-protocol: a page's form, or another protocol's first words, are no frames.
#[tokio::test]
async fn another_protocol_is_no_log_in() {
    let house = House::open(&["--stomp-listen", "127.0.0.1:0"]);
    house.know([1, 2]).await;
    let bystanders = Bystanders::begin(&house).await;
    let token = people::token(1);
    // A browser made to post STOMP to the bare port, or to the other one.
    let stomp = format!(
        "CONNECT\naccept-version:1.2\nsrect:{token}\n\n\0SEND\ndestination:/topic/x\n\nx\0"
    );
    let post = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.example\r\nContent-Length: {}\r\n\r\n{stomp}",
        stomp.len()
    );
    let answer = raw::last_words(&house.broker.stomp_address(), post.as_bytes()).await;
    assert!(!answer.contains("CONNECTED"), "{answer}");
    let answer = raw::last_words(house.address(), stomp.as_bytes()).await;
    assert!(!answer.contains("CONNECTED"), "{answer}");
    // Frames before the handshake is over are none of it.
    let early = format!("GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n{stomp}");
    let answer = raw::last_words(house.address(), early.as_bytes()).await;
    assert!(
        answer.starts_with("HTTP/1.1 404 ") && !answer.contains("CONNECTED"),
        "{answer}"
    );
    // A frame in a WebSocket before CONNECT has no effect.
    let mut socket = Socket::open(house.address(), &format!("/client?srect={token}")).await;
    socket.say(&wire::chat(2, "before CONNECT")).await;
    socket.frame().await;
    assert!(matches!(socket.next().await, Heard::Closed(..)));
    let inbox = house.call_as(&people::token(2), "GET /api/inbox", "").await;
    assert!(!inbox.body.contains("before CONNECT"), "{}", inbox.body);
    bystanders.go_on().await;
}
