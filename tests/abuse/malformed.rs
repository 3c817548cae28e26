//! Bytes that are no request, no frame and no message, by hand and by dice. Each ends at most the connection it came on.

use futures_util::future::join_all;
use hongyan_grammar::stomp::Command;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;

use crate::bystander::Bystanders;
use crate::events::wstoken;
use crate::house::House;
use crate::raw;
use crate::raw::Dice;
use crate::raw::frame;
use crate::raw::statuses;
use crate::support::client::soon;
use crate::support::fire::Attack;
use crate::support::fire::portion;
use crate::support::people;
use crate::wire;
use crate::wire::Heard;
use crate::wire::Socket;
use crate::wire::upgrade;

pub const PROMISE: &str =
    "Malformed input on any transport gets a named answer and ends at most its own connection.";

/// What a WebSocket forbids: the code it is closed with (RFC 6455, 7.4.1); 0 where it is hung up on.
fn breaches() -> Vec<(&'static str, Vec<u8>, u16)> {
    let long = vec![b'x'; 126];
    let mut unmasked = vec![0x81, 2];
    unmasked.extend(b"hi");
    let mut bomb = frame(0xc1, &[0xaa; 1_000]);
    bomb.extend([0; 100]);
    vec![
        (
            "a compressed message",
            frame(0xc1, b"\xf2H\xcd\xc9\xc9\x07\0"),
            1002,
        ),
        ("a compressed bomb", bomb, 1002),
        ("the second reserved bit", frame(0xa1, b"x"), 1002),
        ("the third reserved bit", frame(0x91, b"x"), 1002),
        ("a ping with a reserved bit", frame(0xc9, b"x"), 1002),
        ("no mask", unmasked, 1002),
        ("a reserved kind", frame(0x83, b"x"), 1002),
        ("a reserved kind of control", frame(0x8b, b"x"), 1002),
        ("a long ping", frame(0x89, &long), 1002),
        ("a long pong", frame(0x8a, &long), 1002),
        (
            "a long close",
            frame(0x88, &[&[3, 0xe8][..], &long].concat()),
            1002,
        ),
        ("a ping in fragments", frame(0x09, b"x"), 1002),
        ("a continuation of nothing", frame(0x80, b"x"), 1002),
        (
            "a text within a text",
            [frame(0x01, b"a"), frame(0x81, b"b")].concat(),
            1002,
        ),
        ("a text that is not UTF-8", frame(0x81, b"\xff\xfe"), 1007),
        ("half a character", frame(0x81, b"\xe4\xbd"), 1007),
        ("a surrogate", frame(0x81, b"\xed\xa0\x80"), 1007),
        ("an overlong slash", frame(0x81, b"\xc0\xaf"), 1007),
        (
            "a text in fragments that is not UTF-8",
            [frame(0x01, b"\xe4"), frame(0x80, b"x")].concat(),
            1007,
        ),
        (
            "2^63 bytes",
            b"\x82\xff\x80\0\0\0\0\0\0\0\0\0\0\0".to_vec(),
            1009,
        ),
        (
            "2^64 - 1 bytes",
            b"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0".to_vec(),
            1009,
        ),
    ]
}

#[tokio::test]
async fn what_breaks_a_web_socket_ends_that_one() {
    let mut attack = Attack::on(
        "abuse-web-sockets",
        PROMISE,
        "`tests/abuse/malformed.rs`, `what_breaks_a_web_socket_ends_that_one`",
    );
    let house = House::open(&[]);
    let token = people::token(1);
    house.know([1]).await;
    let bystanders = Bystanders::begin(&house).await;
    // All at once: Socket.IO waits as long as a log-in may take before it hangs up on a frame that is too long.
    let breaches = breaches().into_iter().map(|(name, bytes, code)| {
        let (house, token, bystanders) = (&house, &token, &bystanders);
        async move {
            let wrong = breach(house, token, name, &bytes, code).await;
            bystanders.go_on().await;
            wrong
        }
    });
    let wrong: Vec<Option<String>> = join_all(breaches).await.into_iter().flatten().collect();
    let tried = wrong.len() as u64;
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    bystanders.end(&house, &mut attack).await;
    attack.count("breaches of the WebSocket protocol", tried);
    attack.repelled();
}

/// Breaks a WebSocket at each door; how each answered otherwise than with `code`.
async fn breach(
    house: &House,
    token: &str,
    name: &str,
    bytes: &[u8],
    code: u16,
) -> Vec<Option<String>> {
    let doors = [
        format!("/client?srect={token}"),
        format!("/socketServer/0/x/websocket?srect={token}"),
        format!("/socketServer/websocket?srect={token}"),
        format!("/{}", wstoken(house.address(), token).await),
        "/socket.io/?EIO=4&transport=websocket".to_owned(),
    ];
    let mut wrong = Vec::new();
    for path in doors {
        let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
        let knocked = upgrade(house.address(), &path, offer).await;
        assert_eq!(knocked.header("Sec-WebSocket-Extensions"), None, "{path}");
        let mut socket = knocked.socket().await;
        let _ = socket.raw(bytes).await;
        let mut heard = Vec::new();
        let end = loop {
            match socket.next().await {
                Heard::Closed(code, _) => break code,
                Heard::Gone => break 0,
                other => heard.push(other),
            }
        };
        // Inside SockJS the code is the last frame's; socketioxide ends without one of its own.
        let framed = format!("c[{code},");
        let told = heard
            .iter()
            .any(|one| matches!(one, Heard::Text(text) if text.starts_with(&framed)));
        let fine = end == code || told || path.starts_with("/socket.io");
        wrong.push((!fine).then(|| format!("{name} at {path}: {end}, not {code}; {heard:?}")));
    }
    wrong
}

/// Sentences that are right, to be spoilt.
fn sentences() -> Vec<(&'static str, Vec<u8>)> {
    let token = people::token(1);
    let body = json!({ "to": 1, "content": "x" }).to_string();
    let chat = wire::chat(1, "by dice");
    let head = |line: &str, length: usize| {
        format!(
            "{line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: {length}\r\n\r\n"
        )
    };
    let array = json!([wire::connect(""), chat]).to_string();
    let upgrade = |path: &str, message: &str| {
        let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{}\r\n", wire::UPGRADE);
        [head.as_bytes(), &frame(0x81, message.as_bytes())].concat()
    };
    let stomp = format!("{}{chat}", wire::connect(&format!("srect:{token}\n")));
    let packet = json!({ "id": "x", "type": "t", "to": 1, "msg": "x" }).to_string();
    let events = format!("42{}", json!(["auth-c", { "sessionid": token }]));
    vec![
        (
            "http",
            (head("POST /api/messages", body.len()) + &body).into_bytes(),
        ),
        (
            "http",
            (head("POST /socketServer/0/dice/xhr_send", array.len()) + &array).into_bytes(),
        ),
        (
            "http",
            (head("POST /socketServer/0/dice/xhr", 0)).into_bytes(),
        ),
        (
            "http",
            (head("POST /socket.io/?EIO=4&transport=polling", 2) + "40").into_bytes(),
        ),
        (
            "http",
            upgrade(
                &format!("/client?srect={token}"),
                &(wire::connect("") + &chat),
            ),
        ),
        (
            "http",
            upgrade(
                &format!("/socketServer/0/x/websocket?srect={token}"),
                &array,
            ),
        ),
        (
            "http",
            upgrade("/socket.io/?EIO=4&transport=websocket", &events),
        ),
        ("http", upgrade("/not-a-token", &packet)),
        ("tcp", stomp.into_bytes()),
    ]
}

/// Ten thousand hostile inputs: sentences that are spoilt, cut, repeated and mixed, and bytes that never meant anything.
#[tokio::test]
async fn ten_thousand_hostile_inputs_end_nothing_but_themselves() {
    let mut attack = Attack::on(
        "abuse-inputs",
        PROMISE,
        "`tests/abuse/malformed.rs`, `ten_thousand_hostile_inputs_end_nothing_but_themselves`",
    );
    let house = House::bare(&[
        "--listen",
        "127.0.0.1:0",
        "--stomp-listen",
        "127.0.0.1:0",
        "--log",
        "warn",
        "--message-rate",
        "1000000",
    ]);
    house.know([1]).await;
    let bystanders = Bystanders::begin(&house).await;
    let sentences = sentences();
    let count = portion(200, 10_000);
    for seed in 0..count {
        let mut dice = Dice::new(seed + 1);
        let (way, good) = &sentences[dice.below(sentences.len())];
        let bytes = spoil(&mut dice, good);
        let address = match *way {
            "tcp" => house.broker.stomp_address(),
            _ => house.address().to_owned(),
        };
        let mut stream = raw::connect(&address).await;
        let _ = stream.write_all(&bytes).await;
        let _ = stream.shutdown().await;
        // Whatever it says; it must say it, or hang up, and not wait for us.
        let mut answer = Vec::new();
        let ended = soon(
            &format!("the answer to seed {seed}"),
            stream.read_to_end(&mut answer),
        )
        .await;
        let _ = ended.map_err(|error| error.to_string());
        if seed % 100 == 0 {
            bystanders.go_on().await;
        }
    }
    bystanders.end(&house, &mut attack).await;
    // It is alive, serves, and nothing in it has failed.
    let mut socket = Socket::log_in(house.address(), &people::token(1)).await;
    socket.lives().await;
    drop(socket);
    let (folder, ended) = house.stop();
    assert!(ended.await.expect("it ended").success());
    let log = std::fs::read_to_string(folder.path().join("log")).expect("a log");
    assert!(!log.contains("panicked"), "{log}");
    assert!(!log.contains("ERROR"), "{log}");
    attack.count("hostile inputs", count);
    attack.repelled();
}

/// A few changes to `good`, or something else altogether.
fn spoil(dice: &mut Dice, good: &[u8]) -> Vec<u8> {
    let length = 1 + dice.below(3_000);
    if dice.below(10) == 0 {
        return dice.bytes(length);
    }
    let mut bytes = good.to_vec();
    for _ in 0..1 + dice.below(4) {
        let at = dice.below(bytes.len());
        match dice.below(8) {
            0 => bytes[at] = dice.below(256) as u8,
            1 => bytes[at] ^= 1 << dice.below(8),
            2 => bytes.truncate(at.max(1)),
            3 => drop(bytes.splice(at..at, dice.bytes(8))),
            4 => {
                let piece = bytes[at..].to_vec();
                bytes.extend(piece);
            }
            5 => drop(bytes.splice(at..at, std::iter::repeat_n(b'x', length))),
            6 => drop(bytes.splice(at..at, *b"\r\n\0\r\n\r\n")),
            _ => drop(bytes.remove(at)),
        }
        if bytes.is_empty() {
            bytes.push(0);
        }
    }
    bytes
}

/// Bodies that are not what their protocol says: the answer, and that the session goes on where it can.
#[tokio::test]
async fn bodies_that_are_no_json_are_refused_by_name() {
    let house = House::open(&[]);
    house.know([1]).await;
    let token = people::token(1);
    let bystanders = Bystanders::begin(&house).await;
    let deep = "[".repeat(100_000);
    let wide = format!("{{{}\"to\":1}}", "\"a\":1,".repeat(10_000));
    for (body, codes) in [
        ("", &[400][..]),
        ("null", &[400]),
        ("[]", &[400]),
        ("{", &[400]),
        ("{\"to\":1}{\"to\":1}", &[400]),
        ("{\"to\":1e400,\"content\":\"x\"}", &[400]),
        ("{\"to\":-1,\"content\":\"x\"}", &[400, 404]),
        ("{\"to\":1,\"to\":2,\"content\":\"x\"}", &[400]),
        ("{\"to\":1,\"content\":\"\\ud800\"}", &[400, 201]),
        ("{\"to\":1,\"content\":[\"x\"]}", &[400]),
        ("{\"to\":{\"$ne\":null},\"content\":\"x\"}", &[400]),
        ("{\"to\":\"1 OR 1=1\",\"content\":\"x\"}", &[404]),
        (
            "{\"to\":\"'; DROP TABLE users; --\",\"content\":\"x\"}",
            &[404],
        ),
        ("{\"__proto__\":{\"to\":1},\"content\":\"x\"}", &[400]),
        (&deep, &[400, 413]),
        (&wide, &[400]),
    ] {
        let answer = house.call_as(&token, "POST /api/messages", body).await;
        let start: String = body.chars().take(60).collect();
        assert!(
            codes.contains(&answer.status),
            "{start}: {} {}",
            answer.status,
            answer.body
        );
    }
    // In SockJS bytes that are no text: the session is told nothing, and goes on.
    let path = format!("/socketServer/0/bodies/xhr?srect={token}");
    assert_eq!(
        house.call(&format!("POST {path}"), "", "").await.status,
        200
    );
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 6\r\n\r\n",
        path.replace("/xhr?", "/xhr_send?")
    );
    let answer = raw::answer(
        house.address(),
        &[head.as_bytes(), b"[\"\xff\xfe\"]"].concat(),
    )
    .await;
    assert_eq!(statuses(&answer), [500], "{answer}");
    assert!(answer.contains("Broken JSON encoding."), "{answer}");
    // STOMP: a header that is no text is no frame; a body may be any bytes.
    let mut socket = Socket::log_in(house.address(), &token).await;
    let bytes = [&b"SEND\ndestination:/topic/\xff\xfe\n\nx\0"[..]].concat();
    socket.raw(&frame(0x82, &bytes)).await.expect("written");
    let error = socket.expect(Command::Error).await;
    assert!(!error.body.is_empty());
    bystanders.go_on().await;
}
