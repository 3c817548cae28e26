//! Log-out: the token is worth nothing from then on, and what it opened ends.

use hongyan_grammar::stomp::Command;
use serde_json::json;

use crate::house::House;
use crate::support::people;
use crate::wire::Heard;
use crate::wire::Socket;
use crate::wire::chat;
use crate::wire::connect;
use crate::wire::frame;
use crate::wire::upgrade;

const PASSWORD: &str = "correct horse";

async fn is_refused(house: &House, token: &str) -> bool {
    let inbox = house.call_as(token, "GET /api/inbox", "").await.status;
    let path = format!("/client?srect={token}");
    let door = upgrade(house.address(), &path, "").await.status;
    match (inbox, door) {
        (200, 101) => false,
        (401, 401) => true,
        statuses => panic!("{statuses:?}"),
    }
}

#[tokio::test]
async fn log_out_ends_the_token_and_what_it_opened_and_nothing_else() {
    let house = House::open(&[]);
    house.register("li", PASSWORD).await;
    house.register("wu", PASSWORD).await;
    let first = house.token("li", PASSWORD).await;
    let second = house.token("li", PASSWORD).await;
    let of_wu = house.token("wu", PASSWORD).await;

    let in_url = Socket::log_in(house.address(), &first).await;
    let mut in_connect = Socket::open(house.address(), "/client").await;
    in_connect.connect(&format!("srect:{first}\n")).await;
    let mut sock_js = Socket::open(
        house.address(),
        &format!("/socketServer/000/abcdefgh/websocket?srect={first}"),
    )
    .await;
    assert_eq!(sock_js.text().await, "o");
    sock_js.say(&json!([connect("")]).to_string()).await;
    sock_js.text().await;
    // A token was shown, but not yet used.
    let mut waiting = Socket::open(house.address(), &format!("/client?srect={first}")).await;
    let mut others = vec![
        Socket::log_in(house.address(), &second).await,
        Socket::log_in(house.address(), &of_wu).await,
    ];
    let mut by_password = Socket::open(house.address(), "/client").await;
    let login = format!("login:li\npasscode:{PASSWORD}\n");
    by_password.connect(&login).await;
    others.push(by_password);

    let out = house.call_as(&first, "POST /api/logout", "").await;
    assert_eq!((out.status, &*out.body), (204, ""));
    for mut socket in [in_url, in_connect] {
        let error = socket.expect(Command::Error).await;
        assert_eq!(error.headers.get("message"), Some("access-refused"));
        assert_eq!(error.body, b"invalid token");
        let closed = Heard::Closed(1002, "access-refused".to_owned());
        assert_eq!(socket.next().await, closed);
    }
    let array = sock_js.text().await;
    let strings: Vec<String> = serde_json::from_str(&array[1..]).expect("an array");
    assert_eq!(frame(&strings[0]).command, Command::Error);
    assert_eq!(sock_js.text().await, r#"c[1002,"access-refused"]"#);
    // It comes too late, and nothing that comes with it has any effect.
    let late = format!("{}{}", connect(""), chat(2, "after the log-out"));
    waiting.say(&late).await;
    waiting.expect_error("access-refused", 1002).await;
    let inbox = house.call_as(&of_wu, "GET /api/inbox", "").await;
    assert!(!inbox.body.contains("after the log-out"), "{}", inbox.body);
    for socket in &mut others {
        socket.lives().await;
    }
    drop(others);

    assert!(is_refused(&house, &first).await);
    let house = house.again().await;
    assert!(is_refused(&house, &first).await, "also after a restart");
    assert!(!is_refused(&house, &second).await);
    assert!(!is_refused(&house, &of_wu).await);
    let again = house.call_as(&first, "POST /api/logout", "").await;
    assert_eq!(again.status, 401);
}

#[tokio::test]
async fn signout_is_the_same_and_foreign_tokens_are_revoked_too() {
    let house = House::open(&[]);
    let token = people::token(1);
    let mut socket = Socket::log_in(house.address(), &token).await;
    assert_eq!(house.call_as(&token, "POST /signout", "").await.status, 204);
    socket.expect_error("access-refused", 1002).await;
    assert!(is_refused(&house, &token).await);
    let house = house.again().await;
    assert!(is_refused(&house, &token).await);
}
