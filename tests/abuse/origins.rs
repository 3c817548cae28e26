//! Pages of other origins, on every transport; `tests/doors/origins.rs` has the rule for each door.

use serde_json::json;

use crate::bystander::Bystanders;
use crate::events::wstoken;
use crate::house::House;
use crate::support::fire::Attack;
use crate::support::people;
use crate::wire::UPGRADE;
use crate::wire::knock;

const GOOD: &str = "https://good.example";

/// What looks like a good origin, to a careless eye.
const EVIL: &[&str] = &[
    "https://evil.example",
    "http://good.example",
    "https://good.example:443",
    "https://good.example:8443",
    "https://good.example/",
    "https://good.example.",
    "https://good.example.evil.com",
    "https://evil.com/https://good.example",
    "https://evil.com#https://good.example",
    "https://evil.com?https://good.example",
    "https://good.example@evil.com",
    "https://good.example%00.evil.com",
    "https://good.example\\.evil.com",
    "https://xgood.example",
    "https://good_example",
    "https://goodxexample",
    "https://sub.good.example",
    "https://good.example https://evil.com",
    "https://good.example,https://evil.com",
    "https://gооd.example",
    "//good.example",
    "good.example",
    "null",
    "NULL",
    "*",
    "",
    "file://",
    "about:blank",
    "chrome-extension://good.example",
    "https://[::1]",
];

/// Every transport: the request, its headers, and what it is answered if it is let in.
fn transports(token: &str, wstoken: &str, number: usize) -> Vec<(String, String, u16)> {
    let sock_js = |method: &str, transport: &str| {
        let mark = if transport.contains('?') { '&' } else { '?' };
        let id = transport.replace('?', "-");
        format!("{method} /socketServer/0/o{number}-{id}/{transport}{mark}srect={token}")
    };
    let close = || "Connection: close\r\nContent-Length: 0\r\n".to_owned();
    let bearer = format!("{}Authorization: Bearer {token}\r\n", close());
    vec![
        (sock_js("POST", "xhr"), close(), 200),
        (sock_js("POST", "xhr_streaming"), close(), 200),
        (sock_js("GET", "eventsource"), close(), 200),
        (sock_js("GET", "htmlfile?c=x"), close(), 200),
        (sock_js("GET", "jsonp?c=x"), close(), 200),
        // There is no such session; whoever is let in is told so.
        (sock_js("POST", "xhr_send?none"), close(), 404),
        (sock_js("POST", "jsonp_send?none"), close(), 404),
        (sock_js("OPTIONS", "xhr"), close(), 204),
        (sock_js("GET", "websocket"), UPGRADE.to_owned(), 101),
        (
            format!("GET /socketServer/websocket?srect={token}"),
            UPGRADE.to_owned(),
            101,
        ),
        (
            format!("GET /client?srect={token}"),
            UPGRADE.to_owned(),
            101,
        ),
        ("GET /socketServer/info".to_owned(), close(), 200),
        ("GET /socketServer/iframe.html".to_owned(), close(), 200),
        (
            "GET /socket.io/?EIO=4&transport=polling".to_owned(),
            close(),
            200,
        ),
        (
            "POST /socket.io/?EIO=4&transport=polling&sid=none".to_owned(),
            close(),
            400,
        ),
        (
            "GET /socket.io/?EIO=4&transport=websocket".to_owned(),
            UPGRADE.to_owned(),
            101,
        ),
        (format!("GET /{wstoken}"), UPGRADE.to_owned(), 101),
        ("POST /IM/token".to_owned(), bearer.clone(), 200),
        ("GET /api/friends".to_owned(), bearer, 200),
        ("GET /healthz".to_owned(), close(), 200),
    ]
}

#[tokio::test]
async fn no_page_of_another_origin_is_let_in_on_any_transport() {
    let mut attack = Attack::on(
        "abuse-origins",
        "A page of an origin that is not let in reaches no gateway, on any transport, however its origin is spelled.",
        "`tests/abuse/origins.rs`, `no_page_of_another_origin_is_let_in_on_any_transport`",
    );
    let house = House::open(&["--allow-origin", GOOD]);
    let address = house.address();
    let token = people::token(1);
    house.know([1]).await;
    let bystanders = Bystanders::begin(&house).await;
    let good = [
        format!("Origin: {GOOD}\r\n"),
        String::new(),
        "Origin: HTTPS://GOOD.Example\r\n".to_owned(),
    ];
    let mut tried = 0;
    for (number, origin) in good.iter().enumerate() {
        let packets = wstoken(address, &token).await;
        for (request, headers, expected) in transports(&token, &packets, number) {
            let knocked = knock(address, &format!("{request} HTTP/1.1\r\n{headers}{origin}")).await;
            assert_eq!(knocked.status, expected, "{request} {origin}");
        }
    }
    // Of two that are named, both must be good.
    let evil = EVIL.iter().map(|origin| format!("Origin: {origin}\r\n"));
    let two = [
        format!("Origin: {GOOD}\r\nOrigin: https://evil.example\r\n"),
        format!("Origin: https://evil.example\r\nOrigin: {GOOD}\r\n"),
    ];
    let packets = wstoken(address, &token).await;
    for (number, origin) in evil.chain(two).enumerate() {
        for (request, headers, _) in transports(&token, &packets, 100 + number) {
            let knocked = knock(address, &format!("{request} HTTP/1.1\r\n{headers}{origin}")).await;
            assert_eq!(knocked.status, 403, "{request} {origin}");
            assert_eq!(
                knocked.header("Access-Control-Allow-Origin"),
                None,
                "{request}"
            );
            tried += 1;
        }
    }
    // It cost nobody anything: the wstoken that was shown in vain is still good.
    let path = format!("GET /{packets} HTTP/1.1\r\n{UPGRADE}Origin: {GOOD}\r\n");
    assert_eq!(knock(address, &path).await.status, 101);
    let body = json!({ "to": 1, "content": "x" }).to_string();
    house
        .call_as(&token, "POST /api/messages", &body)
        .await
        .json(201);
    bystanders.end(&house, &mut attack).await;
    attack.count("requests of other origins", tried);
    attack.repelled();
}
