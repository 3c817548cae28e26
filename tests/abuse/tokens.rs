//! Tokens that are forged, used up, revoked or expired, at every door.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use futures_util::future::join_all;
use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Frame;
use rcgen::KeyPair;
use rcgen::PublicKeyData;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use crate::bystander::Bystanders;
use crate::events::Events;
use crate::events::wstoken;
use crate::house::House;
use crate::minted::SECRET;
use crate::minted::claims;
use crate::minted::hs256;
use crate::minted::now_s;
use crate::minted::signed;
use crate::minted::unsigned;
use crate::minted::with;
use crate::raw::Dice;
use crate::support::client::Client;
use crate::support::client::connect;
use crate::support::client::http;
use crate::support::fire::Attack;
use crate::support::fire::portion;
use crate::support::people;
use crate::support::running::Running;
use crate::support::running::command;
use crate::wire;
use crate::wire::Heard;
use crate::wire::Socket;
use crate::wire::knock;
use crate::wire::upgrade;

pub const PROMISE: &str =
    "No token that is forged, used up, revoked or expired opens anything, on any gateway.";

/// All doors but that of packets, which a session token opens.
const SESSION_DOORS: [&str; 10] = [
    "rest",
    "stomp in the url",
    "stomp in connect",
    "stomp as a passcode",
    "sock-js web socket",
    "sock-js polling",
    "tcp",
    "rooms",
    "conversations",
    "typed",
];

/// Which doors `token` opens, as user `uid`. Every refusal is in the words of its protocol, and says no more than that.
pub async fn opened(broker: &Running, uid: u64, token: &str) -> Vec<&'static str> {
    let address = &*broker.address;
    let mut opened = Vec::new();
    let mut note = |door, status: u16, good: u16, bad: u16| match status {
        status if status == good => opened.push(door),
        status => assert_eq!(status, bad, "{door}: {token}"),
    };
    let bearer = format!("Authorization: Bearer {token}\r\n");
    let (status, _, body) = http(address, "GET", "/api/inbox", &bearer, "").await;
    assert!(
        status == 200 || body.contains("\"invalid token\""),
        "{body}"
    );
    note("rest", status, 200, 401);
    let path = format!("/client?srect={token}");
    let status = upgrade(address, &path, "").await.status;
    note("stomp in the url", status, 101, 401);
    let path = format!("/socketServer/0/x/websocket?srect={token}");
    let status = upgrade(address, &path, "").await.status;
    note("sock-js web socket", status, 101, 401);
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = format!("POST /socketServer/0/t{number}/xhr?srect={token}");
    let polled = knock(
        address,
        &format!("{path} HTTP/1.1\r\nContent-Length: 0\r\n"),
    )
    .await;
    note("sock-js polling", polled.status, 200, 401);
    let status = upgrade(address, &format!("/{token}"), "").await.status;
    note("packets", status, 101, 401);

    for (door, headers) in [
        ("stomp in connect", format!("srect:{token}\n")),
        ("stomp as a passcode", format!("login:\npasscode:{token}\n")),
    ] {
        let mut socket = Socket::open(address, "/client").await;
        socket.say(&wire::connect(&headers)).await;
        let answer = socket.frame().await;
        if answer.command == Command::Connected {
            opened.push(door);
            continue;
        }
        assert_refused(&answer, token);
        let closed = Heard::Closed(1002, "access-refused".to_owned());
        assert_eq!(socket.next().await, closed, "{token}");
    }
    let mut client = Client::bare(connect(&broker.stomp_address()).await);
    let greeting = Frame::new(Command::Connect).header("srect", token);
    client.send(greeting.header("accept-version", "1.2")).await;
    let answer = client.next().await.expect("an answer");
    if answer.command == Command::Connected {
        opened.push("tcp");
    } else {
        assert_refused(&answer, token);
        assert_eq!(client.next().await, None, "hung up on");
    }

    let (mut events, code) = Events::rooms(address, token).await;
    if code == 1 {
        opened.push("rooms");
    } else {
        assert_eq!(code, 0, "{token}");
        events.ends().await;
    }
    let (_events, answer) = Events::conversations(address, uid, token).await;
    if answer["sessionToken"].is_string() {
        opened.push("conversations");
    } else {
        let refused = json!({ "statusCode": 401, "body": { "error": "invalid token" } });
        assert_eq!(answer, refused, "{token}");
    }
    let (_events, answer) = Events::typed(address, uid, token).await;
    if answer["data"]["code"] == 200 {
        opened.push("typed");
    } else {
        let refused = json!({ "type": 2, "data": { "code": 401, "error": "invalid token" } });
        assert_eq!(answer, refused, "{token}");
    }
    opened.sort_unstable();
    opened
}

pub fn assert_refused(frame: &Frame, token: &str) {
    assert_eq!(frame.command, Command::Error, "{token}");
    assert_eq!(frame.headers.get("message"), Some("access-refused"));
    assert_eq!(frame.body, b"invalid token");
}

fn session_doors() -> Vec<&'static str> {
    let mut doors = SESSION_DOORS.to_vec();
    doors.sort_unstable();
    doors
}

/// Tokens that look like good ones of user 1 and are none, by what is wrong with them.
fn forged() -> Vec<(String, String)> {
    let mut forged: Vec<(String, String)> = Vec::new();
    let good = claims(1);
    let mut add = |why: &str, token: String| forged.push((why.to_owned(), token));
    for none in ["none", "None", "NONE", "nOnE", ""] {
        let header = json!({ "alg": none, "typ": "JWT" });
        let text = unsigned(&header, &good.to_string());
        add("no algorithm", format!("{text}."));
        add("no algorithm, and no signature", text);
        let signed = signed(&header, &good.to_string(), SECRET);
        add("no algorithm, but a signature", signed);
    }
    for key in [
        &b""[..],
        b"secret",
        b"another key of this length........",
        b"\0",
    ] {
        add("another key", hs256(&good, key));
    }
    for alg in [
        "HS384", "HS512", "RS256", "ES256", "EdDSA", "PS256", "hs256", "HS257",
    ] {
        let header = json!({ "alg": alg, "typ": "JWT" });
        add(
            "another algorithm",
            signed(&header, &good.to_string(), SECRET),
        );
    }
    for (name, value) in [
        ("kid", json!("../../../../dev/null")),
        ("kid", json!("x' UNION SELECT 'k")),
        ("jku", json!("http://127.0.0.1:1/keys")),
        ("x5u", json!("http://127.0.0.1:1/cert")),
        ("jwk", json!({ "kty": "oct", "k": "AAAA" })),
    ] {
        let mut header = json!({ "alg": "HS256", "typ": "JWT" });
        header[name] = value;
        add(
            "a key that it names itself",
            signed(&header, &good.to_string(), b"\0\0\0"),
        );
    }
    let crit = json!({ "alg": "HS256", "crit": ["exp"], "exp": 1 });
    add(
        "a header that must be understood",
        signed(&crit, &good.to_string(), SECRET),
    );
    for (name, values) in [
        (
            "typ",
            vec![json!("refresh"), json!("SESSION"), json!(""), json!(1)],
        ),
        (
            "exp",
            vec![
                Value::Null,
                json!(0),
                json!(-1),
                json!(now_s()),
                json!("9999999999"),
                json!([9_999_999_999_u64]),
                json!(false),
            ],
        ),
        (
            "sub",
            vec![
                Value::Null,
                json!(0),
                json!(-1),
                json!(1.5),
                json!(i64::MAX as u64 + 1),
                json!(i64::MAX),
                json!("18446744073709551616"),
                json!(""),
                json!("0"),
                json!("0x1"),
                json!(" 1"),
                json!("+1"),
                json!("１"),
                json!("user-1"),
                json!([1]),
                json!({ "uid": 1 }),
                json!(true),
            ],
        ),
        (
            "name",
            vec![
                Value::Null,
                json!(""),
                json!("1"),
                json!("a/b"),
                json!("a\nb"),
                json!("a\u{0}b"),
                json!("x".repeat(65)),
                json!(1),
                // The number of one and the name of another.
                json!("user-2"),
                json!("USER-1"),
            ],
        ),
        ("aud", vec![json!("another service")]),
        ("jti", vec![json!("j".repeat(65)), json!(7)]),
        ("nbf", vec![json!(now_s() + 3_600), json!("now")]),
    ] {
        for value in values {
            let why = format!("{name}: {value}");
            add(&why, hs256(&with(1, name, value), SECRET));
        }
    }
    for claims in ["", "{}", "[]", "null", "{", "{\"sub\":1}", "\u{feff}{}"] {
        let header = json!({ "alg": "HS256" });
        add("no claims", signed(&header, claims, SECRET));
    }
    let token = hs256(&good, SECRET);
    let (text, signature) = token.rsplit_once('.').expect("a signature");
    let mut longer = good.clone();
    longer["x"] = json!("x".repeat(5_000));
    for (why, token) in [
        ("no signature", format!("{text}.")),
        ("a short signature", format!("{text}.{}", &signature[..20])),
        (
            "another's signature",
            format!(
                "{}.{signature}",
                &hs256(&claims(2), SECRET)
                    .rsplit_once('.')
                    .expect("a signature")
                    .0
            ),
        ),
        ("padded", format!("{token}=")),
        ("a part too many", format!("{token}.x")),
        ("two of them", format!("{token},{token}")),
        ("too long", hs256(&longer, SECRET)),
        ("no token", "nonsense".to_owned()),
        ("dots", "..".to_owned()),
        ("the words of a browser", "undefined".to_owned()),
    ] {
        add(why, token);
    }
    forged
}

#[tokio::test]
async fn no_forged_token_opens_a_door() {
    let mut attack = Attack::on(
        "abuse-tokens",
        PROMISE,
        "`tests/abuse/tokens.rs`, `no_forged_token_opens_a_door`",
    );
    let house = House::open(&["--stomp-listen", "127.0.0.1:0"]);
    house.know([1, 2]).await;
    let broker = &house.broker;
    // What is not tried in vain: each door can be opened.
    let good = people::token(1);
    assert_eq!(opened(broker, 1, &good).await, session_doors());
    let far = hs256(&with(1, "exp", json!(u64::MAX)), SECRET);
    assert_eq!(opened(broker, 1, &far).await, session_doors());
    let bystanders = Bystanders::begin(&house).await;

    let mut tried = 0;
    for some in forged().chunks(16) {
        let opened = some.iter().map(|(_, token)| opened(broker, 1, token));
        for ((why, token), opened) in some.iter().zip(join_all(opened).await) {
            assert!(opened.is_empty(), "{why}: {token} opens {opened:?}");
            tried += 1;
        }
    }
    bystanders.go_on().await;
    // A good one with any of its letters changed; the last letter of a signature has bits that mean nothing.
    let mut dice = Dice::new(11);
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for number in 0..portion(100, 10_000) {
        let mut changed = good.clone().into_bytes();
        let at = dice.below(changed.len() - 1);
        let letter = letters[dice.below(letters.len())];
        if changed[at] == letter {
            continue;
        }
        changed[at] = letter;
        let token = String::from_utf8(changed).expect("ASCII");
        let bearer = format!("Authorization: Bearer {token}\r\n");
        let (status, ..) = http(&broker.address, "GET", "/api/inbox", &bearer, "").await;
        assert_eq!(status, 401, "number {number}, letter {at}: {token}");
        tried += 1;
    }
    bystanders.end(&house, &mut attack).await;
    attack.count("forged tokens", tried);
    attack.repelled();
}

/// A public key is no secret: whoever signs with it as if it were one is not believed.
#[tokio::test]
async fn a_public_key_signs_nothing() {
    let folder: TempDir = tempfile::tempdir().expect("a folder");
    let pair = KeyPair::generate().expect("a key");
    let pem = pair.public_key_pem();
    let file = folder.path().join("public.pem");
    std::fs::write(&file, &pem).expect("a place");
    let mut command = command(
        &folder.path().join("data"),
        &["serve", "--listen", "127.0.0.1:0", "--log", "warn"],
    );
    command
        .args(["--stomp-listen", "127.0.0.1:0", "--jwt-key"])
        .arg(&file);
    let broker = Running::spawn(command);
    for key in [
        pem.as_bytes(),
        pem.trim_end().as_bytes(),
        &pair.subject_public_key_info(),
        pair.public_key_raw(),
        SECRET,
    ] {
        for alg in ["HS256", "ES256", "none"] {
            let header = json!({ "alg": alg, "typ": "JWT" });
            let token = signed(&header, &claims(1).to_string(), key);
            assert!(opened(&broker, 1, &token).await.is_empty(), "{alg}");
        }
    }
}

#[tokio::test]
async fn a_token_is_of_one_kind_and_a_wstoken_of_one_use() {
    let mut attack = Attack::on(
        "abuse-wstokens",
        PROMISE,
        "`tests/abuse/tokens.rs`, `a_token_is_of_one_kind_and_a_wstoken_of_one_use`",
    );
    let house = House::open(&["--stomp-listen", "127.0.0.1:0"]);
    let broker = &house.broker;
    let token = people::token(1);
    let bystanders = Bystanders::begin(&house).await;
    let single = wstoken(&broker.address, &token).await;
    // It opens what it is for, and only once.
    assert_eq!(opened(broker, 1, &single).await, ["packets"]);
    assert!(opened(broker, 1, &single).await.is_empty(), "used up");
    // Of many who come with it at once, one comes in.
    let rounds = portion(5, 500);
    for round in 0..rounds {
        let path = format!("/{}", wstoken(&broker.address, &token).await);
        let knocks = (0..16).map(|_| upgrade(&broker.address, &path, ""));
        let knocked = join_all(knocks).await;
        let statuses: Vec<u16> = knocked.iter().map(|knocked| knocked.status).collect();
        let came_in = statuses.iter().filter(|status| **status == 101).count();
        assert_eq!(came_in, 1, "round {round}: {statuses:?}");
        let refused = statuses.iter().filter(|status| **status == 401).count();
        assert_eq!(refused, 15, "round {round}: {statuses:?}");
    }
    bystanders.end(&house, &mut attack).await;
    attack.count("wstokens shown by 16 clients at once", rounds);
    attack.repelled();
}
