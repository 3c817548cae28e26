//! `/client`: who gets in, by which token, and what the handshake says.

use hongyan_grammar::stomp::Command;

use crate::house::House;
use crate::support::people;
use crate::wire::Socket;
use crate::wire::UPGRADE;
use crate::wire::connect;
use crate::wire::upgrade;

const PASSWORD: &str = "correct horse";

#[tokio::test]
async fn a_token_lets_in_wherever_it_stands() {
    let house = House::open(&[]);
    let li = house.register("li", PASSWORD).await;
    let token = house.token("li", PASSWORD).await;
    let escaped = token.replacen('.', "%2E", 1);
    for (path, headers) in [
        (format!("/client?srect={token}"), String::new()),
        (format!("/client?t=1&srect={escaped}&x=%zz"), String::new()),
        (
            format!("/client?srect={token}&srect=nonsense"),
            String::new(),
        ),
        ("/client".to_owned(), format!("srect:{token}\n")),
        ("/client?srect=".to_owned(), format!("srect:{token}\n")),
        (
            "/client".to_owned(),
            format!("Authorization:Bearer {token}\n"),
        ),
        ("/client".to_owned(), format!("login:\npasscode:{token}\n")),
        ("/client".to_owned(), format!("passcode:{token}\n")),
        (
            "/client".to_owned(),
            format!("login:li\npasscode:{PASSWORD}\n"),
        ),
    ] {
        let mut socket = Socket::open(house.address(), &path).await;
        socket.connect(&headers).await;
        // Nobody but li may.
        socket.subscribe(&format!("/user/{li}/recive")).await;
    }
}

#[tokio::test]
async fn the_path_is_exactly_that() {
    let house = House::open(&[]);
    let token = people::token(1);
    for path in ["/client/", "//client", "/client/x", "/Client/"] {
        let path = format!("{path}?srect={token}");
        let knocked = upgrade(house.address(), &path, "Connection: close\r\n").await;
        assert_eq!(knocked.status, 404, "{path}");
        let body: serde_json::Value = serde_json::from_str(&knocked.body().await).expect("JSON");
        assert_eq!(body["code"], 404, "{path}");
    }
}

#[tokio::test]
async fn a_bad_token_in_the_url_is_401_and_nobody_learns_why() {
    let house = House::open(&[]);
    house.register("li", PASSWORD).await;
    let revoked = house.token("li", PASSWORD).await;
    let out = house.call_as(&revoked, "POST /api/logout", "").await;
    assert_eq!(out.status, 204);
    let good = house.token("li", PASSWORD).await;
    let packets = house.call_as(&good, "POST /IM/token", "").await.json(200);
    let (signed, _) = good.rsplit_once('.').expect("a signature");
    let tokens = [
        "nonsense".to_owned(),
        "%zz".to_owned(),
        format!("nonsense&srect={good}"),
        people::expired_token(1),
        format!("{signed}.AAAA"),
        revoked,
        packets["wstoken"].as_str().expect("a token").to_owned(),
    ];
    for token in &tokens {
        let knocked = upgrade(
            house.address(),
            &format!("/client?srect={token}"),
            "Connection: close\r\n",
        )
        .await;
        assert_eq!(knocked.status, 401, "{token}: {}", knocked.head);
        assert_eq!(knocked.header("WWW-Authenticate"), Some("Bearer"));
        assert_eq!(knocked.header("Content-Type"), Some("application/json"));
        let body: serde_json::Value = serde_json::from_str(&knocked.body().await).expect("JSON");
        assert_eq!(body["code"], 401);
        assert_eq!(body["content"], "invalid token");
    }
    let refused = house.metric("hongyan_logins_refused_total").await;
    assert_eq!(refused, tokens.len() as u64);
}

#[tokio::test]
async fn a_bad_token_in_connect_gets_an_error_and_a_close() {
    let house = House::open(&[]);
    house.register("li", PASSWORD).await;
    let expired = people::expired_token(1);
    for (headers, sentence) in [
        ("", "no token"),
        ("srect:nonsense\n", "invalid token"),
        (&format!("srect:{expired}\n"), "invalid token"),
        ("Authorization:Bearer nonsense\n", "invalid token"),
        ("Authorization:Basic bGk6bGk=\n", "no token"),
        ("login:\npasscode:nonsense\n", "invalid token"),
        ("login:li\npasscode:wrong horse\n", "wrong name or password"),
        (
            "login:nobody\npasscode:correct horse\n",
            "wrong name or password",
        ),
    ] {
        let mut socket = Socket::open(house.address(), "/client").await;
        // What comes right behind has no effect and no answer.
        let send = "SEND\ndestination:/socket/chat/init\nreceipt:never\n\n\0";
        let frames = connect(&format!("{headers}receipt:c\n")) + send;
        socket.say(&frames).await;
        let error = socket.expect(Command::Error).await;
        assert_eq!(error.headers.get("message"), Some("access-refused"));
        assert_eq!(error.headers.get("receipt-id"), Some("c"));
        let body = String::from_utf8(error.body).expect("text");
        assert!(body.starts_with(sentence), "{headers}: {body}");
        let closed = crate::wire::Heard::Closed(1002, "access-refused".to_owned());
        assert_eq!(socket.next().await, closed);
    }
}

#[tokio::test]
async fn the_highest_subprotocol_offered_is_echoed_and_spoken() {
    let house = House::open(&[]);
    let path = format!("/client?srect={}", people::token(1));
    for (offered, echoed, spoken) in [
        (
            &["v12.stomp, v11.stomp, v10.stomp"][..],
            Some("v12.stomp"),
            "1.2",
        ),
        (&["v10.stomp,v11.stomp,v12.stomp"], Some("v12.stomp"), "1.2"),
        (&["v10.stomp, v11.stomp"], Some("v11.stomp"), "1.1"),
        (&["v10.stomp"], Some("v10.stomp"), "1.0"),
        (&["v10.stomp", "v11.stomp"], Some("v11.stomp"), "1.1"),
        (&["mqtt, v11.stomp"], Some("v11.stomp"), "1.1"),
        (&["mqtt"], None, "1.2"),
        (&[], None, "1.2"),
    ] {
        let headers: String = offered
            .iter()
            .map(|offered| format!("Sec-WebSocket-Protocol: {offered}\r\n"))
            .collect();
        let knocked = upgrade(house.address(), &path, &headers).await;
        assert_eq!(
            knocked.header("Sec-WebSocket-Protocol"),
            echoed,
            "{offered:?}"
        );
        let mut socket = knocked.socket().await;
        socket
            .say("CONNECT\naccept-version:1.0,1.1,1.2\n\n\0")
            .await;
        let connected = socket.expect(Command::Connected).await;
        assert_eq!(
            connected.headers.get("version"),
            Some(spoken),
            "{offered:?}"
        );
        assert_eq!(connected.headers.get("heart-beat"), Some("0,0"));
    }
}

#[tokio::test]
async fn a_wrong_handshake_is_told_what_would_be_right() {
    let house = House::open(&[]);
    for path in [
        "/client",
        "/socketServer/websocket",
        "/socketServer/000/abcdefgh/websocket",
    ] {
        let get = format!("GET {path}");
        let answer = house.call(&get, "", "").await;
        assert_eq!(answer.status, 400, "{path}");
        assert_eq!(answer.body, "Can \"Upgrade\" only to \"WebSocket\".");

        let answer = house.call(&get, "Upgrade: websocket\r\n", "").await;
        assert_eq!(answer.status, 400, "{path}");
        assert_eq!(answer.body, "\"Connection\" must be \"Upgrade\".");

        let keyless = UPGRADE.lines().filter(|line| !line.contains("-Key"));
        let keyless: String = keyless.map(|line| format!("{line}\r\n")).collect();
        assert_eq!(house.call(&get, &keyless, "").await.status, 400, "{path}");

        for version in ["8", "14", "13, 8", "x"] {
            let headers = UPGRADE.replace("Version: 13", &format!("Version: {version}"));
            let answer = house.call(&get, &headers, "").await;
            assert_eq!(answer.status, 426, "{path} {version}");
            assert_eq!(answer.header("Sec-WebSocket-Version"), Some("13"));
        }

        for method in ["POST", "PUT", "DELETE", "HEAD"] {
            let answer = house.call(&format!("{method} {path}"), UPGRADE, "").await;
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_eq!(answer.header("Allow"), Some("GET"), "{method} {path}");
            assert_eq!(answer.body, "", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn other_paths_are_no_doors() {
    let house = House::open(&[]);
    for (path, status) in [
        ("/client/x", 404),
        ("/socketserver/info", 404),
        ("/socketServerx/info", 404),
        // What has one part might be the token of a packet connection.
        ("/nowhere", 401),
        ("/clients", 401),
        ("/Client", 401),
    ] {
        let path = format!("{path}?srect={}", people::token(1));
        let knocked = upgrade(house.address(), &path, "").await;
        assert_eq!(knocked.status, status, "{path}");
        let plain = house.call(&format!("GET {path}"), "", "").await;
        assert_eq!(plain.status, 404, "{path}");
    }
}
