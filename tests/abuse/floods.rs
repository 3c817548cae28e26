//! More of everything than there may be: each flood is refused by name, and whoever chats goes on.

use futures_util::future::join_all;
use hongyan_grammar::stomp::Command;
use serde_json::json;

use crate::bystander::Bystanders;
use crate::events::Events;
use crate::events::wstoken;
use crate::house::Answer;
use crate::house::House;
use crate::raw::connect;
use crate::raw::read_to_end;
use crate::support::client::Client;
use crate::support::client::http;
use crate::support::client::soon;
use crate::support::fire::Attack;
use crate::support::fire::portion;
use crate::support::people;
use crate::wire;
use crate::wire::Socket;
use crate::wire::knock;

const PROMISE: &str = "A flood of connections, log-ins, sends, requests or sessions is refused by name, and costs the others nothing but time.";

const PASSWORD: &str = "correct horse";

/// All places are taken by sessions that say nothing: whoever is in goes on, others are told 503, and the log does not grow
/// with them.
#[tokio::test]
async fn connections_beyond_the_places_are_told_so() {
    let mut attack = Attack::on(
        "abuse-connections",
        PROMISE,
        "`tests/abuse/floods.rs`, `connections_beyond_the_places_are_told_so`",
    );
    let places = portion(60, 2_000);
    let house = House::bare(&[
        "--listen",
        "127.0.0.1:0",
        "--log",
        "warn",
        "--max-connections",
        &places.to_string(),
    ]);
    let bystanders = Bystanders::begin(&house).await;
    // Beside the two: whoever only opens a connection is soon let go, and has a place no longer than that.
    let mut sessions = Vec::new();
    for uid in 3..=places {
        sessions.push(Client::log_in(house.address(), uid).await);
    }
    let beyond = portion(300, 20_000);
    for _ in 0..beyond {
        let mut stream = connect(house.address()).await;
        let told = read_to_end(&mut stream).await;
        assert!(told.starts_with("HTTP/1.1 503 "), "{told}");
    }
    bystanders.go_on().await;
    drop(sessions);
    soon("a free place", async {
        while knock(house.address(), "GET /healthz HTTP/1.1\r\n")
            .await
            .status
            != 200
        {}
    })
    .await;
    bystanders.end(&house, &mut attack).await;
    let (folder, ended) = house.stop();
    assert!(ended.await.expect("it ended").success());
    let log = std::fs::read_to_string(folder.path().join("log")).expect("a log");
    let lines = log.lines().count() as u64;
    assert!(
        lines >= 1 && lines < 20 + beyond / 20,
        "{lines} lines for {beyond}"
    );
    attack.count("connections beyond --max-connections", beyond);
    attack.repelled();
}

/// Wrong passwords, of one name and of many, by every gateway that takes one.
#[tokio::test]
async fn passwords_are_not_to_be_guessed_by_any_gateway() {
    let mut attack = Attack::on(
        "abuse-log-ins",
        PROMISE,
        "`tests/abuse/floods.rs`, `passwords_are_not_to_be_guessed_by_any_gateway`",
    );
    let house = House::open(&[]);
    let address = house.address();
    house.register("li", PASSWORD).await;
    house.register("wu", PASSWORD).await;
    let bystanders = Bystanders::begin(&house).await;
    let log_in = |name: String, password: &str| {
        let body = json!({ "name": name, "password": password }).to_string();
        async move { http(address, "POST", "/api/login", "", &body).await }
    };
    // Five at most, wherever they are made.
    let mut events = Events::open(address).await;
    for number in 0..3 {
        let (status, ..) = log_in("li".to_owned(), "a wrong one").await;
        assert_eq!(status, 401, "{number}");
    }
    let data = json!({ "userId": "li", "password": "a wrong one" });
    let answer = events.ask("logIn", &data).await;
    assert_eq!(answer["statusCode"], 401, "{answer}");
    let mut socket = Socket::open(address, "/client").await;
    socket
        .say(&wire::connect("login:li\npasscode:a wrong one\n"))
        .await;
    socket.expect_error("access-refused", 1002).await;
    // From here on even the right one is not looked at, nor is it told that it is right.
    for password in [PASSWORD, "a wrong one"] {
        let (status, head, body) = log_in("li".to_owned(), password).await;
        assert_eq!(status, 429, "{body}");
        assert!(head.to_lowercase().contains("\r\nretry-after: "), "{head}");
    }
    let data = json!({ "userId": "li", "password": PASSWORD });
    let answer = events.ask("logIn", &data).await;
    assert!(answer["sessionToken"].is_null(), "{answer}");
    let mut socket = Socket::open(address, "/client").await;
    socket
        .say(&wire::connect(&format!("login:li\npasscode:{PASSWORD}\n")))
        .await;
    socket.expect(Command::Error).await;

    // Many names at once: each is looked at, or told to come again.
    let guesses = portion(100, 3_000);
    let mut looked_at = 0;
    for hundred in 0..guesses / 100 {
        let many =
            (0..100).map(|number| log_in(format!("nobody {hundred} {number}"), "a wrong one"));
        for (status, head, body) in join_all(many).await {
            assert!([401, 429].contains(&status), "{head}{body}");
            looked_at += u64::from(status == 401);
        }
        bystanders.go_on().await;
    }
    assert!(looked_at > 0);
    // Another's name is as good as before.
    soon("a log-in", async {
        while log_in("wu".to_owned(), PASSWORD).await.0 != 200 {}
    })
    .await;
    bystanders.end(&house, &mut attack).await;
    attack.count("wrong passwords", guesses + 5);
    attack.repelled();
}

/// What a user asks for beyond `--message-rate`.
#[tokio::test]
async fn acts_beyond_the_rate_are_told_when_to_come_back() {
    let mut attack = Attack::on(
        "abuse-acts",
        PROMISE,
        "`tests/abuse/floods.rs`, `acts_beyond_the_rate_are_told_when_to_come_back`",
    );
    let house = House::with_rate("20");
    house.know(1..=40).await;
    let bystanders = Bystanders::begin(&house).await;
    let each = portion(60, 2_000);
    let mut refused = 0;
    type Body = fn(u64) -> String;
    let floods: [(&str, Body); 6] = [
        ("POST /api/messages", |n| {
            json!({ "to": 2, "content": n.to_string() }).to_string()
        }),
        ("POST /api/friends/requests", |n| {
            json!({ "to": 20 + n % 20, "msg": "?" }).to_string()
        }),
        ("POST /api/groups", |n| {
            json!({ "name": n.to_string() }).to_string()
        }),
        ("POST /api/images", |n| format!("GIF89a{n}")),
        ("PUT /api/blocks/3", |_| String::new()),
        ("GET /api/messages?with=2", |_| String::new()),
    ];
    for (uid, (call, body)) in floods.into_iter().enumerate() {
        let token = people::token(10 + uid as u64);
        let mut codes = Vec::new();
        for begin in (0..each).step_by(20) {
            let bodies: Vec<String> = (begin..begin + 20).map(body).collect();
            let asks = bodies.iter().map(|body| house.call_as(&token, call, body));
            let answers: Vec<Answer> = join_all(asks).await;
            for answer in answers {
                codes.push(answer.status);
                if answer.status == 429 {
                    refused += 1;
                    assert!(answer.header("Retry-After").is_some(), "{call}");
                    assert!(answer.refused(429).contains("20"), "{}", answer.body);
                } else {
                    assert!(
                        [200, 201, 204, 409].contains(&answer.status),
                        "{call}: {}",
                        answer.body
                    );
                }
            }
        }
        assert!(codes.contains(&429), "{call}: {codes:?}");
        bystanders.go_on().await;
    }
    bystanders.end(&house, &mut attack).await;
    attack.count("acts refused with 429", refused);
    attack.repelled();
}

/// Sessions that are begun and left, on every transport that keeps any; tokens for one use that nobody uses.
#[tokio::test]
async fn sessions_that_are_begun_and_left_cost_little() {
    let mut attack = Attack::on(
        "abuse-sessions",
        PROMISE,
        "`tests/abuse/floods.rs`, `sessions_that_are_begun_and_left_cost_little`",
    );
    let house = House::open(&[]);
    let address = house.address();
    house.know([1]).await;
    let token = people::token(1);
    let bystanders = Bystanders::begin(&house).await;
    let before = house.broker.resident_bytes();
    let count = portion(200, 5_000);
    for number in 0..count {
        let (status, ..) = http(
            address,
            "POST",
            &format!("/socketServer/0/f{number}/xhr"),
            "",
            "",
        )
        .await;
        assert_eq!(status, 200);
        let (status, ..) = http(
            address,
            "GET",
            "/socket.io/?EIO=4&transport=polling",
            "",
            "",
        )
        .await;
        assert_eq!(status, 200);
        wstoken(address, &token).await;
        if number % 100 == 0 {
            bystanders.go_on().await;
        }
    }
    let each = house.broker.resident_bytes().saturating_sub(before) / (2 * count);
    assert!(each < 64 * 1024, "{each} bytes each");
    bystanders.end(&house, &mut attack).await;
    attack.count("sessions that were begun and left", 2 * count);
    attack.count("wstokens that nobody used", count);
    attack.count("bytes of memory for each", each);
    attack.repelled();
}

/// Frames without end, of kinds that are cheap to send.
#[tokio::test]
async fn cheap_frames_without_end_hurt_nobody() {
    let mut attack = Attack::on(
        "abuse-frames",
        PROMISE,
        "`tests/abuse/floods.rs`, `cheap_frames_without_end_hurt_nobody`",
    );
    let house = House::open(&[]);
    house.know([1]).await;
    let bystanders = Bystanders::begin(&house).await;
    let before = house.broker.resident_bytes();
    let turns = portion(10, 1_000);
    let churn = "SUBSCRIBE\nid:1\ndestination:/topic/x\n\n\0UNSUBSCRIBE\nid:1\n\n\0".repeat(100);
    let sends = "SEND\ndestination:/topic/nobody\n\n\0".repeat(100);
    let begins = "BEGIN\ntransaction:1\n\n\0SEND\ntransaction:1\ndestination:/topic/x\n\n\0ABORT\ntransaction:1\n\n\0";
    let mut frames = 0;
    for flood in [
        "\n".repeat(10_000),
        churn,
        sends,
        begins.repeat(100),
        "ACK\nid:x\n\n\0".repeat(100),
    ] {
        let mut socket = Socket::log_in(house.address(), &people::token(1)).await;
        for _ in 0..turns {
            socket.say(&flood).await;
            frames += 100;
        }
        socket.lives().await;
    }
    // Beyond the bounds of a session: named, and ended.
    for (frames, word) in [
        (
            (0..17)
                .map(|n| format!("BEGIN\ntransaction:{n}\n\n\0"))
                .collect::<String>(),
            "bad-transaction",
        ),
        (
            "BEGIN\ntransaction:1\n\n\0".to_owned()
                + &"SEND\ntransaction:1\ndestination:/topic/x\n\n\0".repeat(1_025),
            "bad-transaction",
        ),
    ] {
        let mut socket = Socket::log_in(house.address(), &people::token(1)).await;
        socket.say(&frames).await;
        socket.expect_error(word, 1002).await;
    }
    let grown = house.broker.resident_bytes().saturating_sub(before);
    assert!(grown < 48 << 20, "{grown} bytes");
    bystanders.end(&house, &mut attack).await;
    attack.count("cheap frames", frames);
    attack.repelled();
}
