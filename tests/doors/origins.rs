//! Pages of which origins are let in, at every door.

use crate::house::House;
use crate::support::people;
use crate::wire::Socket;
use crate::wire::UPGRADE;
use crate::wire::knock;

const LISTED: [&str; 2] = ["https://chat.example", "http://localhost:3000"];

/// Every door: a request, its headers, and what it is answered if it is let in.
fn doors(token: &str) -> Vec<(String, String, u16)> {
    let bearer = format!("Authorization: Bearer {token}\r\nConnection: close\r\n");
    let close = "Connection: close\r\n".to_owned();
    vec![
        (
            format!("GET /client?srect={token}"),
            UPGRADE.to_owned(),
            101,
        ),
        ("GET /client".to_owned(), UPGRADE.to_owned(), 101),
        (
            format!("GET /socketServer?srect={token}"),
            UPGRADE.to_owned(),
            101,
        ),
        (
            "GET /socketServer/websocket".to_owned(),
            UPGRADE.to_owned(),
            101,
        ),
        (
            "GET /socketServer/000/abcdefgh/websocket".to_owned(),
            UPGRADE.to_owned(),
            101,
        ),
        ("GET /socketServer/info".to_owned(), close.clone(), 200),
        ("OPTIONS /socketServer/info".to_owned(), close.clone(), 204),
        ("GET /socketServer".to_owned(), close.clone(), 200),
        (
            "GET /socket.io/?EIO=4&transport=polling".to_owned(),
            close.clone(),
            200,
        ),
        ("OPTIONS /socket.io/".to_owned(), close.clone(), 204),
        (
            "GET /socket.io/?EIO=3&transport=websocket".to_owned(),
            UPGRADE.to_owned(),
            101,
        ),
        ("GET /healthz".to_owned(), close.clone(), 200),
        ("GET /api/inbox".to_owned(), bearer, 200),
        ("OPTIONS /api/messages".to_owned(), close, 204),
    ]
}

async fn status(house: &House, request: &str, headers: &str) -> u16 {
    let request = format!("{request} HTTP/1.1\r\n{headers}");
    knock(house.address(), &request).await.status
}

#[tokio::test]
async fn only_listed_origins_are_let_in() {
    let [first, second] = LISTED;
    let house = House::open(&["--allow-origin", first, "--allow-origin", second]);
    for (request, headers, good) in doors(&people::token(1)) {
        assert_eq!(status(&house, &request, &headers).await, good, "{request}");
        for origin in LISTED.into_iter().chain(["HTTPS://Chat.Example"]) {
            let headers = format!("{headers}Origin: {origin}\r\n");
            assert_eq!(
                status(&house, &request, &headers).await,
                good,
                "{request} {origin}"
            );
        }
        let own = format!("http://{}", house.address());
        for origin in [
            "https://evil.example",
            "http://chat.example",
            "https://chat.example:8443",
            "https://chat.example.evil.example",
            "https://localhost:3000",
            "null",
            "",
            &own,
        ] {
            let headers = format!("{headers}Origin: {origin}\r\n");
            assert_eq!(
                status(&house, &request, &headers).await,
                403,
                "{request} {origin}"
            );
        }
    }
    let evil = "Origin: https://evil.example\r\n";
    for call in ["GET /socketServer/info", "GET /client", "GET /api/inbox"] {
        let answer = house.call(call, evil, "").await;
        assert!(answer.refused(403).contains("origin"), "{call}");
        assert_eq!(answer.header("Access-Control-Allow-Origin"), None, "{call}");
    }
}

#[tokio::test]
async fn any_origin_is_let_in_on_loopback() {
    let house = House::open(&[]);
    for (request, headers, good) in doors(&people::token(1)) {
        for origin in ["https://chat.example", "http://localhost:3000", "null"] {
            let headers = format!("{headers}Origin: {origin}\r\n");
            assert_eq!(
                status(&house, &request, &headers).await,
                good,
                "{request} {origin}"
            );
        }
    }
}

#[tokio::test]
async fn a_request_without_an_origin_needs_only_its_token() {
    let house = House::open(&["--allow-origin", LISTED[0]]);
    let path = format!("/client?srect={}", people::token(1));
    Socket::open(house.address(), &path).await.connect("").await;
    let mut stranger = Socket::open(house.address(), "/client").await;
    stranger.say("CONNECT\naccept-version:1.2\n\n\0").await;
    stranger.expect_error("access-refused", 1002).await;
    assert_eq!(house.call("GET /api/inbox", "", "").await.status, 401);
}

#[tokio::test]
async fn beyond_loopback_only_the_own_page_and_no_registration() {
    let mut house = House::bare(&["--listen", "0.0.0.0:0"]);
    house.broker.address = house.broker.address.replace("0.0.0.0", "127.0.0.1");
    let own = format!("Origin: http://{}\r\n", house.address());
    for (request, headers, good) in doors(&people::token(1)) {
        assert_eq!(status(&house, &request, &headers).await, good, "{request}");
        let from_own = headers.clone() + &own;
        assert_eq!(status(&house, &request, &from_own).await, good, "{request}");
        let other = headers + "Origin: http://127.0.0.1\r\n";
        assert_eq!(status(&house, &request, &other).await, 403, "{request}");
    }
    let account = r#"{"name":"li","password":"correct horse"}"#;
    let refused = house.call("POST /api/users", "", account).await;
    assert!(refused.refused(403).contains("registration"));
}
