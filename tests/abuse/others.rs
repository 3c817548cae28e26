//! What belongs to others: their destinations, messages, histories, groups, orders and sessions.

use hongyan_grammar::stomp::Command;
use serde_json::Value;
use serde_json::json;

use crate::bystander::Bystanders;
use crate::events::Events;
use crate::events::message;
use crate::events::wstoken;
use crate::house::House;
use crate::raw::Dice;
use crate::support::client::http;
use crate::support::fire::Attack;
use crate::support::fire::portion;
use crate::support::people;
use crate::wire::Socket;
use crate::wire::knock;
use crate::wire::upgrade;

pub const PROMISE: &str =
    "Nobody reads, confirms or changes what is another's, nor writes in another's name.";

pub const EVE: u64 = 1;
pub const LI: u64 = 2;
pub const WU: u64 = 3;

/// What LI and WU have said to each other alone, and in a group, is there; EVE asks for it on every gateway.
#[tokio::test]
async fn nobody_reads_confirms_or_answers_for_another() {
    let mut attack = Attack::on(
        "abuse-others",
        PROMISE,
        "`tests/abuse/others.rs`, `nobody_reads_confirms_or_answers_for_another`",
    );
    let house = House::open(&["--api-key", "the-key-of-a-server"]);
    house.know([EVE, LI, WU]).await;
    let (eve, li, wu) = (people::token(EVE), people::token(LI), people::token(WU));
    let bystanders = Bystanders::begin(&house).await;
    let secret = "nobody else's business";
    let body = json!({ "to": LI, "content": secret }).to_string();
    let sent = house
        .call_as(&wu, "POST /api/messages", &body)
        .await
        .json(201);
    let msg_id = sent["msgID"].as_str().expect("a msgID").to_owned();
    let body = json!({ "name": "the two", "members": [WU] }).to_string();
    let group = house
        .call_as(&li, "POST /api/groups", &body)
        .await
        .json(201);
    let gid = group["gid"].clone();
    let body = json!({ "group": gid, "content": secret }).to_string();
    house
        .call_as(&li, "POST /api/messages", &body)
        .await
        .json(201);
    let mut tried = 0;

    // STOMP: histories, confirmations, acknowledgements, groups.
    let mut socket = Socket::log_in(house.address(), &eve).await;
    for own in ["history", "status", "send/status", "recive/status", "group"] {
        socket.subscribe(&format!("/user/queue/{own}")).await;
    }
    let id = people::msg_id("eve's");
    let group_send = json!({ "msgID": id, "groupId": gid, "content": "let me in", "from": LI });
    for (destination, body, code) in [
        (
            "/socket/chat/history",
            json!({ "groupId": gid, "len": 10 }),
            403,
        ),
        ("/socket/chat/recive", json!({ "msgID": msg_id }), 404),
        (
            "/socket/chat/recive",
            json!({ "msgID": msg_id, "uid": LI, "reciverId": LI }),
            404,
        ),
        ("/socket/group/send", group_send, 403),
    ] {
        socket
            .say(&format!("SEND\ndestination:{destination}\n\n{body}\0"))
            .await;
        let status = socket.message().await;
        assert_eq!(status["code"], code, "{destination}: {status}");
        assert!(!status.to_string().contains(secret), "{status}");
        tried += 1;
    }
    // Her own history with either holds nothing of theirs, whatever else she writes.
    for body in [
        json!({ "with": LI, "len": 10 }),
        json!({ "with": WU, "as": LI, "sender": LI, "from": LI, "uid": LI }),
        json!({ "with": "user-3", "user": "user-2" }),
    ] {
        socket
            .say(&format!(
                "SEND\ndestination:/socket/chat/history\n\n{body}\0"
            ))
            .await;
        let page = socket.message().await;
        assert!(!page.to_string().contains(secret), "{page}");
        tried += 1;
    }

    // ACK of what LI's session was pushed.
    let mut of_li = Socket::log_in(house.address(), &li).await;
    of_li
        .say("SUBSCRIBE\nid:r\ndestination:/user/2/recive\nack:client-individual\n\n\0")
        .await;
    of_li.say("SEND\ndestination:/socket/chat/init\n\n\0").await;
    let pushed = of_li.expect(Command::Message).await;
    let ack = pushed.headers.get("ack").expect("an ack");
    for (command, id) in [("ACK", ack), ("NACK", ack), ("ACK", &msg_id), ("ACK", "r")] {
        let mut thief = Socket::log_in(house.address(), &eve).await;
        thief
            .say(&format!("{command}\nid:{id}\nreceipt:a\n\n\0"))
            .await;
        // Stale or unknown: in neither case anybody else's.
        let answer = thief.frame().await.command;
        assert!(matches!(answer, Command::Receipt | Command::Error));
        tried += 1;
    }

    // Socket.IO, seed 000.
    let (mut rooms, code) = Events::rooms(house.address(), &eve).await;
    assert_eq!(code, 1);
    for (data, in_full) in [
        (
            json!({ "id": 1, "from": LI, "to": WU, "type": "friend", "date": 0, "len": 50 }),
            "shistory",
        ),
        (
            json!({ "id": 2, "from": WU, "to": LI, "type": "friend", "date": 0, "len": 50 }),
            "shistory",
        ),
        (
            json!({ "id": 3, "from": LI, "to": gid, "type": "group", "date": 0, "len": 50 }),
            "news",
        ),
    ] {
        rooms.say("chistory", &data).await;
        let answer = rooms.event().await;
        assert_eq!(answer[0], in_full, "{answer}");
        assert!(!answer.to_string().contains(secret), "{answer}");
        tried += 1;
    }
    rooms
        .say("caoff", &json!({ "from": LI, "to": "server" }))
        .await;
    let answer = rooms.event().await;
    assert_eq!(answer[0], "saoff");
    assert!(!answer.to_string().contains(secret), "{answer}");

    // Seed 001: another's session token, groups of others.
    let (_other, of_other) = Events::conversations(house.address(), LI, &li).await;
    let stolen = &of_other["sessionToken"];
    let (mut events, own) = Events::conversations(house.address(), EVE, &eve).await;
    let own = &own["sessionToken"];
    for (event, data, code) in [
        (
            "message/direct",
            json!({ "sessionToken": stolen, "targetIds": [WU], "textContent": "x" }),
            401,
        ),
        (
            "message/direct",
            json!({ "sessionToken": eve, "targetIds": [WU], "textContent": "x" }),
            401,
        ),
        (
            "message/conversation",
            json!({ "sessionToken": own, "conversationId": gid, "content": "x" }),
            403,
        ),
        (
            "conversation/leave",
            json!({ "sessionToken": stolen, "conversationId": gid }),
            401,
        ),
    ] {
        let answer = events.ask(event, &data).await;
        assert_eq!(answer["statusCode"], code, "{event}: {answer}");
        tried += 1;
    }
    // Nobody is who they say, but who their token says.
    let (_events, answer) = Events::conversations(house.address(), LI, &eve).await;
    assert_eq!(answer["statusCode"], 401, "{answer}");
    let (_events, answer) = Events::typed(house.address(), LI, &eve).await;
    assert_eq!(answer["data"]["code"], 401, "{answer}");
    tried += 2;

    // Packets: the history is one's own, strangers are told nothing, orders of others stay theirs.
    let key = "X-Api-Key: the-key-of-a-server\r\n";
    let order = json!({ "id": "o-1", "customer": LI }).to_string();
    assert_eq!(
        house.call("POST /api/orders", key, &order).await.status,
        201
    );
    let take = |token: String| {
        let address = house.address();
        async move {
            let path = format!("/{}", wstoken(address, &token).await);
            let mut socket = Socket::open(address, &path).await;
            assert!(socket.text().await.contains("\"L\""));
            socket
        }
    };
    let mut courier = take(wu.clone()).await;
    courier
        .say(&json!({ "id": "t", "type": "T", "msg": "o-1" }).to_string())
        .await;
    assert!(packet(&mut courier, "t").await["type"] == "A");
    let mut packets = take(eve.clone()).await;
    for (number, (kind, msg, to, expected)) in [
        ("H", json!(0), Value::Null, "H"),
        ("T", json!("o-1"), Value::Null, "E"),
        ("t", json!("x"), json!(LI), "E"),
        (
            "i",
            json!("00000000000000000000000000000000"),
            json!(LI),
            "E",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("p{number}");
        let words = json!({ "id": id, "from": LI, "to": to, "type": kind, "msg": msg });
        packets.say(&words.to_string()).await;
        let answer = packet(&mut packets, &id).await;
        assert_eq!(answer["type"], expected, "{words}: {answer}");
        assert!(!answer.to_string().contains(secret), "{answer}");
        tried += 1;
    }

    // Nothing of it changed what LI has not received, or whom anybody is.
    let inbox = house.call_as(&li, "GET /api/inbox", "").await.json(200);
    let waits = inbox.to_string();
    assert!(waits.contains(&msg_id), "still not received: {waits}");
    assert!(!waits.contains("let me in"), "{waits}");
    bystanders.end(&house, &mut attack).await;
    attack.count("acts on what is another's, on every gateway", tried);
    attack.repelled();
}

/// The packet that answers `id`.
async fn packet(socket: &mut Socket, id: &str) -> Value {
    loop {
        let packet: Value = serde_json::from_str(&socket.text().await).expect("JSON");
        if packet["id"] == id {
            return packet;
        }
    }
}

/// Whatever fields a sender adds, the message is from who sent it.
#[tokio::test]
async fn nobody_writes_in_another_s_name() {
    let house = House::open(&[]);
    house.know([EVE, LI, WU]).await;
    let (eve, li) = (people::token(EVE), people::token(LI));
    let lies = json!({
        "sender": "user-3", "senderId": WU, "from": WU, "fromName": "user-3", "uid": WU, "id": 1, "time": 1,
    });
    let lying = |fields: Value| {
        let mut all = lies.clone();
        let fields = fields.as_object().expect("an object").clone();
        all.as_object_mut().expect("an object").extend(fields);
        all
    };
    let mut receiver = Socket::log_in(house.address(), &li).await;
    receiver.subscribe("/user/2/recive").await;

    let mut socket = Socket::log_in(house.address(), &eve).await;
    let body = lying(json!({ "msgID": people::msg_id("1"), "reciverId": LI, "content": "1" }));
    socket
        .say(&format!(
            "SEND\ndestination:/socket/chat/send\nsender:user-3\nfrom:3\nlogin:user-3\nsrect:{}\n\n{body}\0",
            people::token(WU)
        ))
        .await;
    assert_eq!(receiver.message().await["senderId"], EVE);
    let body = lying(json!({ "to": LI, "content": "2" })).to_string();
    let answer = house.call_as(&eve, "POST /api/messages", &body).await;
    if answer.status == 201 {
        assert_eq!(receiver.message().await["senderId"], EVE);
    } else {
        answer.refused(403);
    }
    let (mut events, own) = Events::conversations(house.address(), EVE, &eve).await;
    let data =
        json!({ "sessionToken": own["sessionToken"], "targetIds": [LI], "textContent": "3" });
    let answer = events.ask("message/direct", &lying(data)).await;
    assert_eq!(answer["statusCode"], 201, "{answer}");
    let came = receiver.message().await;
    assert_eq!(
        (&came["senderId"], &came["sender"]),
        (&json!(EVE), &json!("user-1"))
    );
    // Seed 002 shows where a message of EVE's is from, too.
    let (mut typed, _) = Events::typed(house.address(), LI, &li).await;
    let data =
        json!({ "sessionToken": own["sessionToken"], "targetIds": [LI], "textContent": "4" });
    events.ask("message/direct", &lying(data)).await;
    loop {
        let pushed = message(&typed.event().await);
        if pushed["data"]["content"] == "4" {
            assert_eq!(pushed["data"]["from"], EVE);
            assert_eq!(pushed["data"]["fromName"], "user-1");
            break;
        }
    }
}

/// The ids of sessions are not to be guessed from others, and a guess is answered like any other id that is none.
#[tokio::test]
async fn guessed_sessions_are_unknown() {
    let mut attack = Attack::on(
        "abuse-guesses",
        PROMISE,
        "`tests/abuse/others.rs`, `guessed_sessions_are_unknown`",
    );
    let house = House::open(&[]);
    let bystanders = Bystanders::begin(&house).await;
    let address = house.address();
    let open = "/socket.io/?EIO=4&transport=polling";
    let mut sids = Vec::new();
    for _ in 0..8 {
        let (status, _, body) = http(address, "GET", open, "", "").await;
        assert_eq!(status, 200, "{body}");
        let open: Value = serde_json::from_str(&body[1..]).expect("JSON");
        sids.push(open["sid"].as_str().expect("a sid").to_owned());
    }
    for (sid, next) in sids.iter().zip(&sids[1..]) {
        assert!(sid.len() >= 16, "{sid}");
        let same = sid
            .bytes()
            .zip(next.bytes())
            .filter(|(one, other)| one == other);
        assert!(same.count() < sid.len() / 2, "{sid} and {next}");
    }
    let mut dice = Dice::new(3);
    let guesses = portion(60, 5_000);
    for number in 0..guesses {
        let mut guess = sids[dice.below(sids.len())].clone().into_bytes();
        let at = dice.below(guess.len());
        guess[at] = b"abcdefghijklmnopqrstuvwxyz0123456789"[dice.below(36)];
        let guess = String::from_utf8(guess).expect("ASCII");
        if sids.contains(&guess) {
            continue;
        }
        let path = format!("{open}&sid={guess}");
        for method in ["GET", "POST"] {
            let (status, _, body) = http(address, method, &path, "", "40").await;
            assert_eq!(status, 400, "number {number}: {body}");
            assert!(body.contains("Session ID unknown"), "{body}");
        }
        let path = path.replace("polling", "websocket");
        assert_eq!(upgrade(address, &path, "").await.status, 400);
    }

    // SockJS: the id of a session with a token is nothing without it; see also `tests/sockjs/chat.rs`.
    let of_li = format!("srect={}", people::token(LI));
    let mine = format!("POST /socketServer/0/of-li/xhr_streaming?{of_li}");
    let mine = format!("{mine} HTTP/1.1\r\nContent-Length: 0\r\n");
    // It is there for as long as this is.
    let receiving = knock(address, &mine).await;
    assert_eq!(receiving.status, 200);
    let of_eve = format!("srect={}", people::token(EVE));
    for query in [
        "",
        "srect=",
        "srect=x",
        &of_eve,
        &of_li[..of_li.len() - 1],
        &format!("{of_eve}&{of_li}"),
    ] {
        for (method, transport) in [
            ("POST", "xhr"),
            ("POST", "xhr_send"),
            ("POST", "xhr_streaming"),
            ("GET", "eventsource"),
            ("GET", "jsonp?c=x&"),
            ("GET", "htmlfile?c=x&"),
            ("POST", "jsonp_send"),
        ] {
            let mark = if transport.contains('?') { "" } else { "?" };
            let path = format!("/socketServer/0/of-li/{transport}{mark}{query}");
            let (status, _, body) = http(address, method, &path, "", "[\"x\"]").await;
            assert_eq!(status, 404, "{path}: {body}");
        }
    }
    drop(receiving);
    bystanders.end(&house, &mut attack).await;
    attack.count("guesses at sessions", guesses * 3 + 42);
    attack.repelled();
}
