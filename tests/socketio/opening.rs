//! Who gets a session, and who does not.

use std::time::Duration;

use hongyan::transports::Lost;
use hongyan::transports::socketio::Options;
use http::Request;
use serde_json::json;

use crate::socketio::client::Polling;
use crate::socketio::client::Web;
use crate::socketio::client::ask;
use crate::socketio::client::ask_with;
use crate::socketio::stage::options;
use crate::socketio::stage::theatre;

#[tokio::test(start_paused = true)]
async fn the_handshake_says_what_holds() {
    let theatre = theatre(options());
    for engine in [3, 4] {
        let (_, open) = Polling::open(&theatre.routes, engine).await;
        assert_eq!(open["upgrades"], json!(["websocket"]));
        assert_eq!(open["pingInterval"], 10_000);
        assert_eq!(open["pingTimeout"], 20_000);
        if engine == 4 {
            assert_eq!(open["maxPayload"], 100_000);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_makes_no_sense_is_told_so() {
    let theatre = theatre(options());
    let unknown = "EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAA";
    let socket = "EIO=4&transport=websocket&sid=AAAAAAAAAAAAAAAA";
    for (method, query, status, code) in [
        ("GET", "transport=polling", 400, 5),
        ("GET", "EIO=2&transport=polling", 400, 5),
        ("GET", "EIO=5&transport=websocket", 400, 5),
        ("GET", "EIO=4", 400, 0),
        ("GET", "EIO=4&transport=flashsocket", 400, 0),
        ("POST", "EIO=4&transport=polling", 400, 2),
        ("GET", unknown, 400, 1),
        ("POST", unknown, 400, 1),
        ("GET", socket, 400, 1),
    ] {
        let answer = ask(&theatre.routes, method, query, b"").await;
        assert_eq!(answer.status, status, "{method} {query}");
        let body: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!(body["code"], code, "{method} {query}");
    }
    let put = ask(&theatre.routes, "PUT", "EIO=4&transport=polling", b"").await;
    assert_eq!(put.status, 405);
    assert_eq!(put.headers["allow"], "GET, POST, OPTIONS");
    let no_socket = ask(&theatre.routes, "GET", "EIO=4&transport=websocket", b"").await;
    assert_eq!(no_socket.status, 400);
}

#[tokio::test(start_paused = true)]
async fn pages_are_let_in_by_their_origin() {
    let theatre = theatre(options());
    for (method, origin, status) in [
        ("GET", "http://evil.example", 403),
        ("OPTIONS", "http://evil.example", 403),
        ("GET", "http://app.example", 200),
        ("OPTIONS", "http://app.example", 204),
    ] {
        let request = Request::builder()
            .method(method)
            .uri("/socket.io/?EIO=4&transport=polling");
        let request = request.header("Origin", origin).body(Default::default());
        let answer = ask_with(&theatre.routes, request.expect("a request")).await;
        assert_eq!(answer.status, status, "{method} {origin}");
        // Whoever is not let in may not read why either.
        let may_read = answer.headers.get("access-control-allow-origin");
        let may_read = may_read.map(|origin| origin.to_str().expect("text"));
        assert_eq!(may_read, (status != 403).then_some(origin), "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn there_are_so_many_places() {
    let mut theatre = theatre(Options {
        connections_max: 1,
        ..options()
    });
    let first = Polling::join(&theatre.routes, 4).await;
    let query = "EIO=4&transport=polling";
    let second = ask(&theatre.routes, "GET", query, b"").await;
    assert_eq!(second.status, 503, "{}", second.body);
    let conversation = theatre.conversation().await;
    assert_eq!(conversation.message().await["connected"], true);
    first.post(&["1"]).await;
    assert_eq!(conversation.hear().await, Err(Lost::Gone));
    drop(conversation);
    // Whoever had it puts it away in a task of its own.
    tokio::time::sleep(Duration::from_millis(1)).await;
    let third = ask(&theatre.routes, "GET", query, b"").await;
    assert_eq!(third.status, 200, "the first has left its place");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_joins_nothing_is_forgotten() {
    let theatre = theatre(options());
    let (polling, _) = Polling::open(&theatre.routes, 4).await;
    let query = polling.query("polling");
    let poll = async || ask(&theatre.routes, "GET", &query, b"").await;
    assert_eq!(poll().await.status, 200);
    let over = loop {
        let answer = poll().await;
        if answer.status != 200 {
            break answer;
        }
    };
    assert_eq!(over.status, 400, "{}", over.body);
    let mut web = Web::dial(&theatre.routes, "EIO=4&transport=websocket").await;
    web.until("0{").await;
    while web.next().await.is_some() {}
    assert!(theatre.is_empty(), "nobody conversed");
}

#[tokio::test(start_paused = true)]
async fn who_does_not_answer_heart_beats_is_gone() {
    let mut theatre = theatre(options());
    for engine in [3, 4] {
        let _web = Web::join(&theatre.routes, engine).await;
        let conversation = theatre.conversation().await;
        assert_eq!(conversation.message().await["connected"], true);
        assert_eq!(
            conversation.hear().await,
            Err(Lost::Gone),
            "WebSocket, {engine}"
        );
        let _polling = Polling::join(&theatre.routes, engine).await;
        let conversation = theatre.conversation().await;
        assert_eq!(conversation.message().await["connected"], true);
        assert_eq!(
            conversation.hear().await,
            Err(Lost::Gone),
            "polling, {engine}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn heart_beats_are_ours_in_4_and_theirs_in_3() {
    let mut theatre = theatre(options());
    let mut four = Polling::join(&theatre.routes, 4).await;
    let conversation = theatre.conversation().await;
    for _ in 0..5 {
        four.until("2").await;
        four.post(&["3"]).await;
    }
    conversation.event("here").await;
    assert_eq!(four.until("42").await, r#"42["here"]"#);
    let mut three = Polling::join(&theatre.routes, 3).await;
    let conversation = theatre.conversation().await;
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_secs(10)).await;
        three.post(&["2"]).await;
        assert_eq!(three.poll().await, ["3"]);
    }
    conversation.event("here").await;
    assert_eq!(three.until("42").await, r#"42["here"]"#);
}
