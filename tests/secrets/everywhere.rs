//! Everybody says everything secret on every gateway, rightly and wrongly, and then the log is read.

use std::process::Stdio;

use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Frame;
use serde_json::Value;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;

use crate::lifecycle::house;
use crate::lifecycle::line::Heard;
use crate::lifecycle::line::Line;
use crate::lifecycle::session;
use crate::lifecycle::session::Addresses;
use crate::lifecycle::session::Kind;
use crate::lifecycle::session::Said;
use crate::lifecycle::session::Session;
use crate::operator::Operator;
use crate::secrets::finder::found;
use crate::support::client::Client;
use crate::support::client::connect;
use crate::support::client::http;
use crate::support::client::soon;
use crate::support::fire;
use crate::support::fire::Attack;
use crate::support::people;
use crate::support::people::msg_id;
use crate::support::running::Running;
use crate::support::running::command;

/// Who writes to all the others.
const WRITER: u64 = 1;
/// Who has no business with any of it.
const STRANGER: u64 = 2;
const API_KEY: &str = "an/api+key:of~another-server";
const IN_THE_WEBHOOK: &str = "a-word-in-the-webhook-url";
/// What numbers of messages begin with, so that none is like anything else.
const NUMBERS: u64 = 73_104_829_000;

/// A broker whose log is read, and all that must not be in it.
struct Watch {
    broker: Running,
    /// What nobody but its owner may see.
    secrets: Vec<String>,
    /// What was answered to others, and to everybody.
    answers: String,
    wrong: u64,
}

impl Watch {
    fn keep(&mut self, secret: impl Into<String>) -> String {
        let secret = secret.into();
        self.secrets.push(secret.clone());
        secret
    }

    /// A token, of which the signature is the secret.
    fn token(&mut self, token: String) -> String {
        let signature = token.rsplit('.').next().expect("a signature");
        self.secrets.push(signature.to_owned());
        token
    }

    /// Calls; whose answer it is, is for the caller to say.
    async fn call(&mut self, line: &str, headers: &str, body: &str) -> (u16, String) {
        let (method, path) = line.split_once(' ').expect("a method and a path");
        let (status, _, body) = http(&self.broker.address, method, path, headers, body).await;
        (status, body)
    }

    /// Calls with what is not good. The answer tells nothing.
    async fn wrong(&mut self, line: &str, headers: &str, body: &str) {
        let (method, path) = line.split_once(' ').expect("a method and a path");
        let (status, head, body) = http(&self.broker.address, method, path, headers, body).await;
        assert!(status >= 400, "{line}: {status}");
        self.answers += &format!("{head}\n{body}\n");
        self.wrong += 1;
    }

    async fn good(&self, uid: u64, line: &str, body: Value) -> Value {
        house::good(&self.broker.address, uid, line, body).await
    }
}

#[tokio::test]
async fn nothing_secret_is_logged_or_told_to_others() {
    let mut attack = Attack::on(
        "secrets",
        "No token, password, key or message reaches a log.",
        "`tests/secrets/everywhere.rs`: `nothing_secret_is_logged_or_told_to_others`",
    );
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let jwt_key = people::key_file(&data);
    let mut operator = Operator::listen().await;
    let url = format!("{}&key={IN_THE_WEBHOOK}", operator.url);
    let mut command = command(&data, &["serve", "--listen", "127.0.0.1:0"]);
    command
        .args(["--stomp-listen", "127.0.0.1:0", "--log", "trace"])
        .args(["--message-rate", "1000000", "--api-key", API_KEY])
        .args(["--webhook", &url, "--jwt-key"])
        .arg(&jwt_key)
        .stderr(Stdio::piped());
    let mut broker = Running::spawn(command);
    let mut lines = broker.log();
    let mut watch = Watch {
        broker,
        secrets: vec![API_KEY.to_owned(), IN_THE_WEBHOOK.to_owned()],
        answers: String::new(),
        wrong: 0,
    };
    house::know(&watch.broker.address, [WRITER, STRANGER]).await;

    // Nobody is told of the first message at once, so that the log has a word on that.
    let content = watch.keep("a letter for who is away");
    let letter = json!({ "to": STRANGER, "content": content });
    watch.good(WRITER, "POST /api/messages", letter).await;
    let event = soon("an event", operator.next()).await;
    let signature = event.header("x-hongyan-signature").to_owned();
    watch.keep(signature.strip_prefix("sha256=").expect("a signature"));
    event.say_status("500 Internal Server Error");
    let answering = tokio::spawn(async move {
        while let Some(event) = operator.heard.recv().await {
            event.say_status("200 OK");
        }
    });

    let rounds = fire::portion(1, 60);
    let mut sessions = 0;
    for round in 0..rounds {
        for (index, kind) in Kind::ALL.into_iter().enumerate() {
            let uid = 100 + round * 100 + index as u64;
            talk(&mut watch, kind, uid).await;
            sessions += 1;
        }
        let uid = 100 + round * 100 + 50;
        sock_js(&mut watch, uid).await;
        call(&mut watch, round, uid).await;
        misspell(&mut watch, round, uid).await;
    }

    for page in ["/metrics", "/healthz", "/readyz", "/api/openapi.json"] {
        let (status, body) = watch.call(&format!("GET {page}"), "", "").await;
        assert_eq!(status, 200, "{page}: {body}");
        watch.answers += &body;
    }
    for entry in std::fs::read_dir(&data).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|end| end == "key") {
            let key = std::fs::read(&path).expect("a key");
            let key = String::from_utf8(key).expect("keys are text");
            watch.keep(key.trim());
        }
    }
    watch.keep(std::fs::read_to_string(&jwt_key).expect("a key"));

    let Watch {
        broker,
        secrets,
        answers,
        wrong,
    } = watch;
    let said = std::sync::Arc::clone(&broker.said);
    let ended = tokio::task::spawn_blocking(|| broker.terminate());
    assert!(soon("the end", ended).await.expect("no panic").success());
    answering.abort();
    let mut log = said.lock().expect("no panic").join("\n");
    while let Some(line) = soon("the end of the log", lines.recv()).await {
        log = log + "\n" + &line;
    }
    // It was written at its most talkative, and by several.
    for part in [
        "listening on ",
        "the webhook is to be told again",
        "hongyan::transports::",
        "hongyan::assembly::start: stopping",
    ] {
        assert!(log.contains(part), "{part} is not in the log: {log}");
    }
    assert!(!log.contains("panicked"), "{log}");
    for (place, text) in [("the log", &log), ("an answer to others", &answers)] {
        for secret in &secrets {
            let form = found(secret.as_bytes(), text);
            let line = |form| text.lines().find(|line| line.contains(form));
            let line = form.as_deref().map(line);
            assert_eq!(line, None, "{secret:?} is in {place}");
        }
    }
    attack.count("secrets", secrets.len() as u64);
    attack.count("sessions", sessions);
    attack.count("wrong calls", wrong);
    attack.repelled();
}

/// A session of this kind says something, and hears something.
async fn talk(watch: &mut Watch, kind: Kind, uid: u64) {
    let address = watch.broker.address.clone();
    house::know(&address, [uid]).await;
    let words = watch.keep(format!("please, {uid}, be my friend"));
    let request = json!({ "to": uid, "msg": words });
    let asked = watch
        .good(WRITER, "POST /api/friends/requests", request)
        .await;
    let accept = format!("POST /api/friends/requests/{}/accept", asked["id"]);
    watch.good(uid, &accept, json!({})).await;
    watch.token(people::token(uid));

    let addresses = Addresses::of(&watch.broker);
    let mut session = Session::log_in(&addresses, kind, uid, WRITER).await;
    if kind.sends() {
        let number = NUMBERS + uid;
        watch.keep(session::content(uid, number));
        session.send(number).await;
        while session.next().await.expect("a status") != Said::Kept(number) {}
    }
    let content = watch.keep(format!("起来 \"聊天\" for {uid}+{kind:?}"));
    let letter = json!({ "to": uid, "content": content });
    watch.good(WRITER, "POST /api/messages", letter).await;
    while session.next().await.expect("the message") != Said::Message(content.clone()) {}
}

/// The other transports of SockJS, in bytes.
async fn sock_js(watch: &mut Watch, uid: u64) {
    let token = watch.token(people::token(uid));
    let address = watch.broker.address.clone();
    let content = watch.keep(format!("by way of {uid}/sockjs?"));
    let body = json!({ "msgID": msg_id(&content), "reciverId": STRANGER, "content": content });
    let frames = json!([
        format!("CONNECT\naccept-version:1.2\nsrect:{token}\n\n\0"),
        format!("SEND\ndestination:/socket/chat/send\nreceipt:r\n\n{body}\0"),
    ])
    .to_string();
    for transport in ["eventsource", "htmlfile", "jsonp"] {
        let at =
            |last: &str| format!("/socketServer/000/{uid}{transport}/{last}?srect={token}&c=cb");
        let mut stream = connect(&address).await;
        let head = format!("GET {} HTTP/1.1\r\nHost: broker\r\n\r\n", at(transport));
        stream.write_all(head.as_bytes()).await.expect("a request");
        if transport == "jsonp" {
            read_until(&mut stream, "cb(\"o\")").await;
            let (status, _) = watch
                .call(
                    &format!("POST {}", at("jsonp_send")),
                    "Content-Type: text/plain\r\n",
                    &frames,
                )
                .await;
            assert_eq!(status, 200);
            stream.write_all(head.as_bytes()).await.expect("a request");
        } else {
            let open = if transport == "htmlfile" {
                "p(\"o\")"
            } else {
                "data: o"
            };
            read_until(&mut stream, open).await;
            let (status, _) = watch
                .call(&format!("POST {}", at("xhr_send")), "", &frames)
                .await;
            assert_eq!(status, 204);
        }
        read_until(&mut stream, "CONNECTED").await;
        drop(stream);
        watch
            .wrong(&format!("POST {}", at("xhr_send")), "", &frames[1..])
            .await;
    }
}

async fn read_until(stream: &mut crate::support::client::Stream, end: &str) {
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains(end) {
        let more = soon(end, stream.read_buf(&mut read))
            .await
            .expect("an answer");
        assert_ne!(
            more,
            0,
            "the end came before {end}: {}",
            String::from_utf8_lossy(&read)
        );
    }
}

/// Calls that are right, and the same by who has no right.
async fn call(watch: &mut Watch, round: u64, uid: u64) {
    let password = watch.keep(format!("correct, horse & battery {round}"));
    let name = format!("jun{round}");
    let account = json!({ "name": name, "password": password }).to_string();
    assert_eq!(watch.call("POST /api/users", "", &account).await.0, 201);
    let (status, entered) = watch.call("POST /api/login", "", &account).await;
    assert_eq!(status, 200);
    let entered: Value = serde_json::from_str(&entered).expect("JSON");
    let token = watch.token(entered["token"].as_str().expect("a token").to_owned());
    let mut li = Client::bare(connect(&watch.broker.stomp_address()).await);
    li.send(
        Frame::new(Command::Connect)
            .header("accept-version", "1.2")
            .header("login", &name)
            .header("passcode", &password),
    )
    .await;
    assert_eq!(
        li.next().await.expect("an answer").command,
        Command::Connected
    );
    for destination in ["/topic/news", "/queue/work"] {
        let body = watch.keep(format!("for those at {destination} in {round}"));
        let frame = Frame::new(Command::Send).header("destination", destination);
        li.send(frame.header("receipt", "r").body(body)).await;
        assert_eq!(li.next().await.expect("RECEIPT").command, Command::Receipt);
    }

    let body = watch.keep(format!("GIF89a, of nobody's business {round}"));
    let picture = watch.good(uid, "POST /api/images", json!(body)).await;
    let picture = format!("GET /api/images/{}", picture["id"].as_str().expect("an id"));
    let gid = house::group(&watch.broker.address, &[uid, WRITER]).await;
    let content = watch.keep(format!("among {uid}, ourselves"));
    let letter = json!({ "group": gid, "content": content });
    watch.good(uid, "POST /api/messages", letter).await;
    let stranger = people::token(STRANGER);
    let stranger = format!("Authorization: Bearer {}\r\n", watch.token(stranger));
    for line in [
        &*picture,
        &format!("GET /api/messages?group={gid}"),
        &format!("GET /api/groups/{gid}"),
    ] {
        watch.wrong(line, &stranger, "").await;
    }
    let headers = format!("X-Api-Key: {API_KEY}\r\n");
    let content = watch.keep(format!("from another server, {round}"));
    let letter = json!({ "from": WRITER, "to": uid, "content": content }).to_string();
    assert_eq!(
        watch.call("POST /api/messages", &headers, &letter).await.0,
        201
    );
    let push = json!({ "uid": uid, "type": 5, "data": { "content": content } }).to_string();
    watch.call("POST /api/push", &headers, &push).await;
    let (status, _) = watch
        .call(
            "POST /api/logout",
            &format!("Authorization: Bearer {token}\r\n"),
            "",
        )
        .await;
    assert_eq!(status, 204);
    watch
        .wrong(
            "GET /api/inbox",
            &format!("Authorization: Bearer {token}\r\n"),
            "",
        )
        .await;
}

/// What is nearly right: it is worth as much to who reads a log.
async fn misspell(watch: &mut Watch, round: u64, uid: u64) {
    let address = watch.broker.address.clone();
    let password = watch.keep(format!("correct horse? battery {round}"));
    let account = json!({ "name": format!("jun{round}"), "password": password }).to_string();
    watch.wrong("POST /api/login", "", &account).await;
    watch.wrong("POST /api/login", "", &account[1..]).await;
    watch
        .wrong("POST /api/users", "", &account.replace("jun", "/"))
        .await;
    let expired = watch.token(people::expired_token(uid));
    let cut = people::token(uid + 1);
    let cut = watch.token(cut[..cut.len() - 2].to_owned());
    let no_token = watch.keep(format!("a-token-that-is-none-{round}"));
    for token in [expired, cut, no_token] {
        let bearer = format!("Authorization: Bearer {token}\r\n");
        for line in [
            "GET /api/inbox",
            "POST /IM/token",
            "POST /api/images",
            "GET /api/friends",
        ] {
            watch.wrong(line, &bearer, "").await;
        }
        let key = format!("X-Api-Key: {token}\r\n");
        watch.wrong("POST /api/push", &key, "{}").await;
        let upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n";
        for query in [format!("srect={token}"), format!("srect={token}&x=%zz")] {
            for path in [
                "/client",
                "/socketServer/0/x/websocket",
                "/nowhere",
                "/socket.io/",
            ] {
                watch
                    .wrong(&format!("GET {path}?{query}"), upgrade, "")
                    .await;
            }
        }
        for path in ["/client", ""] {
            let (status, _) = watch
                .call(&format!("GET {path}/{token}%zz?x={token}"), "", "")
                .await;
            assert!(status >= 400, "{status}");
            watch.wrong += 1;
        }
        for headers in [
            format!("srect:{token}"),
            format!("login:jun{round}\npasscode:{token}"),
        ] {
            let mut line = Line::tcp(&watch.broker.stomp_address()).await;
            line.say(&format!("CONNECT\naccept-version:1.2\n{headers}\n\n\0"))
                .await;
            hear_out(watch, line, &token).await;
            let mut line = Line::web(&address, "/client").await;
            line.say(&format!("{token}\n{headers}\n\n\0")).await;
            hear_out(watch, line, &token).await;
        }
        for entry in [
            json!(["auth-c", { "sessionid": token }]),
            json!(["logIn", { "userId": uid, "token": token }]),
            json!(["logIn", { "userId": uid, "password": token }]),
            json!(["message", { "type": 1, "data": { "type": "user", "uid": uid, "deviceid": "d", "token": token } }]),
            json!(["message", { "type": token, "data": token }]),
            json!([token, token]),
        ] {
            let mut line = Line::web(&address, "/socket.io/?EIO=4&transport=websocket").await;
            line.say("40").await;
            line.say(&format!("42{entry}")).await;
            line.say("4\u{1}").await;
            hear_out(watch, line, &token).await;
        }
        let upgraded = tokio_tungstenite::connect_async(format!("ws://{address}/{token}"));
        drop(soon("an answer", upgraded).await);
        watch.wrong += 1;
    }
    let grant = watch.good(uid, "POST /IM/token", json!("")).await;
    let wstoken = watch.token(grant["wstoken"].as_str().expect("a token").to_owned());
    let mut line = Line::web(&address, &format!("/{wstoken}")).await;
    let place = watch.keep(format!("121.4737{}", 100_000 + round));
    let latitude = format!("31.2304{}", 100_000 + round);
    for packet in [
        format!(r#"{{"id":"1","type":"S","msg":{{"longtitude":{place},"latitude":{latitude}}}}}"#),
        format!(r#"{{"id":"2","type":"t","to":{STRANGER},"msg":"{wstoken}"}}"#),
        format!(r#"{{"id":"3","type":"{wstoken}"}}"#),
        format!(r#"{{"id":"4" {wstoken}"#),
    ] {
        line.say(&packet).await;
        assert!(matches!(line.hear().await, Heard::Text(_)));
    }
}

/// Hears to the end what somebody is told who has shown `own`.
async fn hear_out(watch: &mut Watch, mut line: Line, own: &str) {
    loop {
        match line.hear().await {
            // Where the sender's own words come back to the sender alone, they are no secret.
            Heard::Text(text) if !text.contains(own) => watch.answers += &text,
            Heard::Text(_) => {}
            _ => break,
        }
    }
    watch.wrong += 1;
}
