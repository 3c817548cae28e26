//! Who gets in by which token, and everything that may be said there, over real sockets.

use serde_json::Value;
use serde_json::json;

use crate::house::Client;
use crate::house::Heard;
use crate::house::House;
use crate::support::client;
use crate::support::people;

async fn status(house: &House, token: &str) -> u16 {
    let stream = client::connect(house.address()).await;
    Client::open(stream, token).await.err().unwrap_or(101)
}

#[tokio::test]
async fn a_wstoken_opens_one_connection_and_nothing_else_opens_any() {
    let house = House::open();
    let token = house.wstoken(1).await;
    let (signed, _) = token.rsplit_once('.').expect("a signature");
    for bad in [
        "nonsense",
        &people::token(1),
        &format!("{signed}.AAAA"),
        "a%zz",
    ] {
        assert_eq!(status(&house, bad).await, 401, "{bad}");
    }
    // A handshake that is no handshake costs no token.
    let upgrade = "Upgrade: websocket\r\n";
    let path = format!("/{token}");
    let (answer, ..) = client::http(house.address(), "GET", &path, upgrade, "").await;
    assert_eq!(answer, 400);
    // Nor does what is no handshake at all, which finds nothing there.
    for method in ["GET", "HEAD", "POST"] {
        let (answer, head, _) = client::http(house.address(), method, &path, "", "").await;
        assert_eq!(answer, 404, "{method}: {head}");
    }
    let (answer, ..) = client::http(house.address(), "POST", &path, upgrade, "").await;
    assert_eq!(answer, 404);

    let stream = client::connect(house.address()).await;
    let mut first = Client::open(stream, &token).await.expect("a good token");
    assert_eq!(first.packet().await["type"], "L");
    assert_eq!(
        status(&house, &token).await,
        401,
        "used for a second connection"
    );
    first.is_quiet().await;
    drop(first);
    assert_eq!(
        status(&house, &token).await,
        401,
        "also when the first is gone"
    );
    let house = house.killed_and_started_again();
    assert_eq!(status(&house, &token).await, 401, "also after a restart");
    house.connect(1).await.is_quiet().await;
}

#[tokio::test]
async fn origins_that_are_not_let_in_cost_no_token() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let allowed = ["--allow-origin", "https://chat.example"];
    let broker = crate::support::running::Running::start(&data, &allowed);
    let bearer = format!("Authorization: Bearer {}\r\n", people::token(1));
    let (_, _, grant) = client::http(&broker.address, "POST", "/IM/token", &bearer, "").await;
    let grant: Value = serde_json::from_str(&grant).expect("JSON");
    let token = grant["wstoken"].as_str().expect("a token");
    for (origin, expected) in [
        ("https://evil.example", Err(403)),
        ("https://chat.example", Ok(())),
    ] {
        let stream = client::connect(&broker.address).await;
        let opened = Client::open_from(stream, token, Some(origin)).await;
        assert_eq!(opened.map(drop), expected, "{origin}");
    }
}

#[tokio::test]
async fn friends_write_to_each_other_and_everything_is_answered() {
    let house = House::open();
    house.friends(1, 2).await;
    let mut li = house.connect(1).await;
    let mut wu = house.connect(2).await;
    let pong = |id: Value| json!({"id": id, "from": 0, "to": 0, "type": "P", "msg": "pong"});
    for id in [
        json!("1504712402000-83"),
        json!(1504712402000.83),
        json!(17),
    ] {
        li.say(json!({"id": id, "to": 0, "type": "P", "msg": "ping"}))
            .await;
        assert_eq!(li.packet().await, pong(id));
    }

    let text = json!({"id": "t1", "to": 2, "type": "t", "msg": "起来聊天"});
    li.is_answered(text.clone(), "A", json!("success")).await;
    let forwarded = json!({"id": "t1", "from": 1, "type": "t", "msg": "起来聊天"});
    assert_eq!(wu.packet().await, forwarded);
    li.is_answered(text, "A", json!("success")).await;
    wu.is_quiet().await;
    let other = json!({"id": "t1", "to": 2, "type": "t", "msg": "something else"});
    li.is_refused(other, "another msg").await;
    let long = json!({"id": "t2", "to": "2", "type": "t", "msg": "起".repeat(1_023)});
    li.is_answered(long, "A", json!("success")).await;
    assert_eq!(wu.packet().await["msg"], "起".repeat(1_023));
    let longer = json!({"id": "t3", "to": 2, "type": "t", "msg": "x".repeat(1_024)});
    li.is_refused(longer, "1023").await;

    let online = json!({"id": 5, "to": 0, "type": "O", "msg": 2});
    li.is_answered(online.clone(), "O", json!({"id": 2, "online": true}))
        .await;
    let place = json!({"longtitude": 116.404, "latitude": 39.915});
    let site = json!({"id": 6, "to": 0, "type": "S", "msg": place});
    wu.is_answered(site, "A", json!("success")).await;
    let (status, place) = house
        .ask_as(1, "GET /api/users/2/location", json!({}))
        .await;
    assert_eq!(status, 200);
    assert_eq!(
        (&place["longtitude"], &place["latitude"]),
        (&json!(116.404), &json!(39.915))
    );

    // Strangers, nobody, and what is no packet.
    for to in [3, 99] {
        let stranger = json!({"id": 7, "to": to, "type": "t", "msg": "x"});
        li.is_refused(stranger, "not friends").await;
    }
    li.is_refused(json!({"id": 8, "type": "X"}), "type").await;
    for text in ["", "hello", "{", "[[[[", "null"] {
        li.say_text(text).await;
        let answer = li.packet().await;
        assert_eq!(
            (&answer["type"], &answer["id"]),
            (&json!("E"), &Value::Null)
        );
    }
    assert_eq!(
        house.ask_as(2, "PUT /api/blocks/1", json!({})).await.0 / 100,
        2
    );
    let blocked = json!({"id": 9, "to": 2, "type": "t", "msg": "x"});
    li.is_refused(blocked, "hear nothing of you").await;

    // Both directions, oldest first.
    li.say(json!({"id": 10, "to": 0, "type": "H", "msg": 0}))
        .await;
    let history = li.packet().await;
    assert_eq!(
        (&history["type"], &history["more"]),
        (&json!("H"), &json!(false))
    );
    let packets = history["msg"].as_array().expect("packets");
    let ids: Vec<&Value> = packets.iter().map(|packet| &packet["id"]).collect();
    assert_eq!(ids, ["t1", "t2"]);
    let time = &packets[0]["time"];
    let first =
        json!({"id": "t1", "from": 1, "to": 2, "type": "t", "msg": "起来聊天", "time": time});
    assert_eq!(packets[0], first);

    drop(wu);
    crate::support::client::soon("wu is gone", async {
        loop {
            li.say(online.clone()).await;
            if li.packet().await["msg"]["online"] == false {
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn who_is_away_finds_it_all_and_a_long_history_is_cut() {
    const MESSAGES: usize = 250;
    let house = House::open();
    house.friends(1, 2).await;
    let mut li = house.connect(1).await;
    for n in 0..MESSAGES {
        li.say(json!({"id": n, "to": 2, "type": "t", "msg": n.to_string()}))
            .await;
    }
    for n in 0..MESSAGES {
        let answer = li.packet().await;
        let expected = json!({"id": n, "from": 0, "type": "A", "msg": "success"});
        assert_eq!(answer, expected, "in the order of the packets");
    }
    let mut wu = house.connect(2).await;
    for n in 0..MESSAGES {
        let packet = wu.packet().await;
        let expected = json!({"id": n, "from": 1, "type": "t", "msg": n.to_string()});
        assert_eq!(packet, expected);
    }
    wu.is_quiet().await;

    // From the last time on there is more, until there is not.
    let (mut since, mut found) = (json!(0), std::collections::BTreeSet::new());
    loop {
        wu.say(json!({"id": "h", "to": 0, "type": "H", "msg": since}))
            .await;
        let history = wu.packet().await;
        let packets = history["msg"].as_array().expect("packets");
        found.extend(packets.iter().filter_map(|packet| packet["id"].as_u64()));
        if history["more"] == false {
            break;
        }
        since = packets.last().expect("more than none")["time"].clone();
    }
    assert_eq!(found.len(), MESSAGES);
}

#[tokio::test]
async fn a_courier_takes_an_order() {
    let house = House::open();
    for uid in [1, 2, 3] {
        assert_eq!(house.ask_as(uid, "GET /api/inbox", json!({})).await.0, 200);
    }
    let order = json!({"id": "42", "customer": 2});
    let (status, placed) = house.ask_as_server("POST /api/orders", order).await;
    assert_eq!(status / 100, 2, "{placed}");
    let mut courier = house.connect(1).await;
    let mut customer = house.connect(2).await;
    let early = json!({"id": 1, "to": 2, "type": "t", "msg": "x"});
    courier.is_refused(early, "not friends").await;
    let take = json!({"id": 2, "to": 0, "type": "T", "msg": 42});
    courier.is_answered(take, "A", json!(2)).await;
    let told = customer.packet().await;
    let expected = json!({"id": told["id"], "from": 1, "type": "s", "msg": 42});
    assert_eq!(told, expected);
    let text = json!({"id": 3, "to": 1, "type": "t", "msg": "hurry"});
    customer.is_answered(text, "A", json!("success")).await;
    assert_eq!(courier.packet().await["msg"], "hurry");
    let mut other = house.connect(3).await;
    let late = json!({"id": 4, "to": 0, "type": "T", "msg": "42"});
    other.is_refused(late, "somebody else's").await;
}

#[tokio::test]
async fn a_picture_goes_by_its_id() {
    let house = House::open();
    house.friends(1, 2).await;
    let mut li = house.connect(1).await;
    let mut wu = house.connect(2).await;
    let nobodys = json!({"id": 1, "to": 2, "type": "i", "msg": "0".repeat(32)});
    li.is_refused(nobodys, "no such picture").await;

    // What it is, its first bytes say.
    let bearer = format!("Authorization: Bearer {}\r\n", people::token(1));
    let address = house.address();
    let picture = "GIF89a, and so on";
    let (status, _, body) = client::http(address, "POST", "/api/images", &bearer, picture).await;
    assert_eq!(status, 201, "{body}");
    let kept: Value = serde_json::from_str(&body).expect("JSON");
    let image = json!({"id": 2, "to": 2, "type": "i", "msg": kept["id"]});
    li.is_answered(image, "A", json!("success")).await;
    let expected = json!({"id": 2, "from": 1, "type": "i", "msg": kept["id"]});
    assert_eq!(wu.packet().await, expected);
    let call = format!("GET /api/images/{}", kept["id"].as_str().expect("an id"));
    assert_eq!(house.ask_as(2, &call, json!({})).await.0, 200);
}

#[tokio::test]
async fn the_server_says_why_it_closes() {
    let house = House::open();
    let mut li = house.connect(1).await;
    let mut wu = house.connect(2).await;
    let mut zhang = house.connect(3).await;
    assert_eq!(house.ask_as(1, "POST /api/logout", json!({})).await.0, 204);
    li.is_closed("invalid token", 1008).await;
    wu.is_quiet().await;

    wu.say_text(&"x".repeat(2 << 20)).await;
    wu.is_closed("bytes", 1009).await;

    house.broker.signal("-TERM");
    zhang.is_closed("stopping", 1001).await;
    assert_eq!(zhang.next().await, Heard::Gone);
}
