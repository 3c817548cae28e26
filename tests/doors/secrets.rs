//! What the log must never hold, however much of it is asked for.

use hongyan_grammar::stomp::Command;
use serde_json::json;

use crate::house::House;
use crate::wire::Socket;
use crate::wire::chat;
use crate::wire::connect;
use crate::wire::upgrade;

const PASSWORD: &str = "a-password-nobody-may-see";
const WRONG: &str = "a-wrong-password-all-the-same";
const BAD_TOKEN: &str = "a-bad-token-that-might-be-nearly-good";
const CONTENT: &str = "a-letter-that-is-for-li-alone";
const API_KEY: &str = "an-api-key-of-another-server";

#[tokio::test]
async fn no_token_password_or_message_is_ever_logged() {
    let house = House::bare(&[
        "--listen",
        "127.0.0.1:0",
        "--log",
        "trace",
        "--api-key",
        API_KEY,
    ]);
    let li = house.register("li", PASSWORD).await;
    let token = house.token("li", PASSWORD).await;
    let wrong = json!({ "name": "li", "password": WRONG }).to_string();
    assert_eq!(house.call("POST /api/login", "", &wrong).await.status, 401);

    for token in [&*token, BAD_TOKEN] {
        for query in [
            format!("srect={token}"),
            format!("srect={token}&srect={token}"),
            format!("srect={token}&x=%zz"),
            format!("x=%zz&=&srect={token}%"),
        ] {
            for path in [
                "/client",
                "/socketServer",
                "/socketServer/info",
                "/socketServer/0/x/websocket",
                "/api/inbox",
                "/nowhere",
            ] {
                let path = format!("{path}?{query}");
                drop(upgrade(house.address(), &path, "").await);
                house.call(&format!("GET {path}"), "", "").await;
            }
        }
        for path in [format!("/{token}"), format!("/{token}%zz?x={token}")] {
            drop(upgrade(house.address(), &path, "").await);
            house.call(&format!("GET {path}"), "", "").await;
        }
        let message = json!({ "to": li, "content": CONTENT }).to_string();
        house.call_as(token, "POST /api/messages", &message).await;
        house
            .call_as(token, "POST /api/messages", &message[1..])
            .await;
        house.call_as(token, "GET /api/inbox", "").await;
    }
    for key in [API_KEY, "another-api-key"] {
        let headers = format!("X-Api-Key: {key}\r\n");
        let message = json!({ "from": "li", "to": li, "content": CONTENT }).to_string();
        house.call("POST /api/messages", &headers, &message).await;
    }

    for headers in [
        format!("srect:{token}\n"),
        format!("Authorization:Bearer {token}\n"),
        format!("login:\npasscode:{token}\n"),
        format!("login:li\npasscode:{PASSWORD}\n"),
    ] {
        let mut socket = Socket::open(house.address(), "/client").await;
        socket.connect(&headers).await;
        socket.subscribe("/user/queue/send/status").await;
        socket.subscribe("/user/queue/status").await;
        socket.chat(li, CONTENT).await;
        assert_eq!(socket.message().await["code"], 200);
        // Wrong in every way, so that all who might complain of it do.
        socket.say(&chat(li, CONTENT).replace('{', "")).await;
        socket.expect(Command::Message).await;
        socket.say(&format!("{CONTENT}\n\n\0")).await;
        socket.expect_error("unknown-command", 1002).await;
    }
    for headers in [
        format!("srect:{BAD_TOKEN}\n"),
        format!("login:li\npasscode:{WRONG}\n"),
    ] {
        let mut socket = Socket::open(house.address(), "/client").await;
        socket.say(&connect(&headers)).await;
        socket.expect_error("access-refused", 1002).await;
    }
    let mut socket = Socket::open(house.address(), "/socketServer/0/x/websocket").await;
    assert_eq!(socket.text().await, "o");
    let frames = json!([connect(&format!("srect:{token}\n")), chat(li, CONTENT)]);
    socket.say(&frames.to_string()).await;
    socket.text().await;
    socket.say(CONTENT).await;
    drop(socket);
    let grant = house.call_as(&token, "POST /IM/token", "").await.json(200);
    let wstoken = grant["wstoken"].as_str().expect("a token");
    let mut socket = Socket::open(house.address(), &format!("/{wstoken}")).await;
    socket.text().await;
    let text = json!({ "id": CONTENT, "to": 9, "type": "t", "msg": CONTENT });
    for packet in [text.to_string(), text.to_string().replace('{', "")] {
        socket.say(&packet).await;
        socket.text().await;
    }
    drop(socket);
    house.metric_becomes("hongyan_connections_open", 0).await;

    let said = std::sync::Arc::clone(&house.broker.said);
    let (folder, ended) = house.stop();
    assert!(ended.await.expect("it ended").success());
    let log = std::fs::read_to_string(folder.path().join("log")).expect("a log");
    assert!(log.contains(" INFO hongyan::"), "it does log: {log}");
    assert!(!log.contains('\u{1b}'), "a file has no colours: {log}");
    let log = log + &said.lock().expect("no panic").join("\n");
    let signature = token.rsplit('.').next().expect("a signature");
    let of_wstoken = wstoken.rsplit('.').next().expect("a signature");
    for secret in [
        signature,
        of_wstoken,
        PASSWORD,
        WRONG,
        BAD_TOKEN,
        CONTENT,
        API_KEY,
        "another-api-key",
    ] {
        let in_hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        for secret in [secret, &in_hex] {
            let line = log.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{secret} is in the log");
        }
    }
}
