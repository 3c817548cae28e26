//! SIGTERM: everybody is told, nothing that was answered is lost, and the end is a good one.

use std::sync::Arc;

use hongyan::broker::Broker;
use hongyan::broker::event::End;
use hongyan::broker::event::Event;
use hongyan::broker::limits::Limits;
use hongyan::broker::moment::Moment;
use hongyan::broker::users::Person;
use hongyan::broker::users::Uid;
use hongyan::stores::memory::MemoryStore;
use hongyan_grammar::stomp::Command;
use serde_json::json;
use tokio::net::TcpStream;

use crate::house::House;
use crate::support::client::soon;
use crate::support::people;
use crate::wire::Heard;
use crate::wire::Socket;
use crate::wire::connect;
use crate::wire::frame;

const SESSION: &str = "/socketServer/000/abcdefgh/websocket";

/// Longer than telling everybody takes: what is still there then is seen in the log.
const OPTIONS: [&str; 6] = ["--listen", "127.0.0.1:0", "--log", "warn", "--drain", "30"];

#[tokio::test]
async fn every_session_is_told_before_the_broker_ends() {
    let house = House::bare(&OPTIONS);
    let address = house.address().to_owned();
    let token = people::token(1);
    let connected = Socket::log_in(&address, &token).await;
    let not_yet = Socket::open(&address, &format!("/client?srect={token}")).await;
    let raw = Socket::open(&address, "/socketServer/websocket").await;
    let mut sock_js = Vec::new();
    for logs_in in [true, false] {
        let mut socket = Socket::open(&address, &format!("{SESSION}?srect={token}")).await;
        assert_eq!(socket.text().await, "o");
        if logs_in {
            socket.say(&json!([connect("")]).to_string()).await;
            socket.text().await;
        }
        sock_js.push(socket);
    }
    // Somebody who has said nothing at all, and somebody between two requests.
    let silent = TcpStream::connect(&address).await.expect("a connection");
    let idle = crate::wire::knock(&address, "GET /healthz HTTP/1.1\r\n").await;
    assert_eq!(idle.status, 200);

    let (folder, ended) = house.stop();
    for mut socket in [connected, not_yet, raw] {
        socket.expect_error("broker-stopping", 1001).await;
        assert_eq!(socket.next().await, Heard::Gone);
    }
    for mut socket in sock_js {
        let array = socket.text().await;
        let strings: Vec<String> = serde_json::from_str(&array[1..]).expect("an array");
        let error = frame(&strings[0]);
        assert_eq!(error.command, Command::Error);
        assert_eq!(error.headers.get("message"), Some("broker-stopping"));
        assert_eq!(socket.text().await, r#"c[1001,"broker-stopping"]"#);
        assert_eq!(socket.next().await, Heard::Closed(1000, String::new()));
    }
    let status = soon("the end", ended).await.expect("it ended");
    assert_eq!(status.code(), Some(0));
    let log = std::fs::read_to_string(folder.path().join("log")).expect("a log");
    assert!(!log.contains("--drain"), "{log}");
    drop((silent, idle));
}

#[tokio::test]
async fn who_does_not_listen_does_not_hold_the_end_up() {
    let house = House::bare(&OPTIONS);
    let deaf = Socket::log_in(house.address(), &people::token(1)).await;
    let (folder, ended) = house.stop();
    let status = soon("the end", ended).await.expect("it ended");
    assert_eq!(status.code(), Some(0));
    let log = std::fs::read_to_string(folder.path().join("log")).expect("a log");
    assert!(!log.contains("--drain"), "{log}");
    drop(deaf);
}

#[tokio::test]
async fn what_was_answered_is_there_after_the_restart() {
    let house = House::open(&[]);
    house.know([1, 2]).await;
    let mut socket = Socket::log_in(house.address(), &people::token(1)).await;
    socket.subscribe("/user/queue/send/status").await;
    for number in 0..200 {
        socket.chat(2, &format!("number {number}")).await;
    }
    let mut answered = 0;
    while answered < 100 {
        assert_eq!(socket.message().await["code"], 200);
        answered += 1;
    }
    let (folder, ended) = house.stop();
    loop {
        let heard = socket.frame().await;
        match heard.command {
            Command::Message => answered += 1,
            _ => break assert_eq!(heard.headers.get("message"), Some("broker-stopping")),
        }
    }
    assert!(ended.await.expect("it ended").success());

    let house = House::on(folder);
    let call = "GET /api/inbox?limit=100";
    let token = people::token(2);
    let mut contents = Vec::new();
    let mut after = 0;
    loop {
        let page = house
            .call_as(&token, &format!("{call}&after={after}"), "")
            .await
            .json(200);
        for message in page["messages"].as_array().expect("messages") {
            after = message["id"].as_u64().expect("an id");
            contents.push(message["content"].as_str().expect("text").to_owned());
        }
        if page["more"] == false {
            break;
        }
    }
    assert!(
        contents.len() >= answered,
        "{answered} answered, {} kept",
        contents.len()
    );
    for (number, content) in contents.iter().enumerate() {
        assert_eq!(*content, format!("number {number}"));
    }
}

#[test]
fn a_session_that_begins_too_late_is_told_as_well() {
    let broker = Broker::new(Arc::new(MemoryStore::new()), Limits::default());
    broker.stop();
    let person = Person {
        uid: Uid::new(1).expect("a uid"),
        name: "li".into(),
    };
    let session = broker.open(Moment::default(), person, None, None);
    let mut events = Vec::new();
    broker.take(Moment::default(), &session, &mut events, 1);
    assert_eq!(events, [Event::Ended(End::Stopping)]);
}
