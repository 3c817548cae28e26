//! Events both ways, namespaces, and the end.

use std::time::Duration;

use hongyan::transports::Lost;
use serde_json::json;

use crate::socketio::client::Polling;
use crate::socketio::client::Web;
use crate::socketio::client::ask;
use crate::socketio::stage::Theatre;
use crate::socketio::stage::options;
use crate::socketio::stage::soon;
use crate::socketio::stage::theatre;

const BOTH_WAYS: &str =
    r#"{"namespace":"/","event":"news","args":[{"b":1,"a":"起来聊天😀"},null,1.5]}"#;
const NEWS: &str = r#"42["news",{"b":1,"a":"起来聊天😀"},null,1.5]"#;
/// The same to a client that polls with Engine.IO 3: it may be one that reads UTF-8 twice.
const NEWS_IN_ASCII: &str =
    r#"42["news",{"b":1,"a":"\u8d77\u6765\u804a\u5929\ud83d\ude00"},null,1.5]"#;
const ASKED: &str = r#"427["ask",{"b":1,"a":"起来聊天😀"},null,1.5]"#;

/// What the conversation has to hear of [`ASKED`], and answers.
async fn converse(theatre: &mut Theatre) {
    let conversation = theatre.conversation().await;
    let connected = conversation.message().await;
    assert_eq!(
        (&connected["namespace"], &connected["connected"]),
        (&json!("/"), &json!(true))
    );
    assert_eq!(
        connected["id"].as_str().map(str::len),
        Some(16),
        "{connected}"
    );
    let asked = conversation.message().await;
    assert_eq!(asked["event"], "ask");
    assert_eq!(
        asked["args"],
        json!([{"b": 1, "a": "起来聊天😀"}, null, 1.5])
    );
    let answer = json!({"ack": asked["ack"], "args": ["yes", 2]}).to_string();
    let flushed = soon("the flush", conversation.say(&[BOTH_WAYS, &answer])).await;
    assert_eq!(flushed.expect("a link"), Ok(()));
    conversation.close();
}

#[tokio::test(start_paused = true)]
async fn polling_clients_converse() {
    let mut theatre = theatre(options());
    // As clients before Socket.IO 2 write it: a letter for each byte of UTF-8.
    let twice: String = ASKED.bytes().map(char::from).collect();
    for (engine, asked, news) in [
        (3, ASKED, NEWS_IN_ASCII),
        (3, &*twice, NEWS_IN_ASCII),
        (4, ASKED, NEWS),
    ] {
        let mut client = Polling::join(&theatre.routes, engine).await;
        client.post(&[asked]).await;
        converse(&mut theatre).await;
        assert_eq!(client.until("4").await, news, "{engine}");
        assert_eq!(client.until("4").await, r#"437["yes",2]"#);
        assert_eq!(client.until("4").await, "41");
        // A client would close now. This one lingers, and is cut off.
        let last = ask(&theatre.routes, "GET", &client.query("polling"), b"").await;
        assert_eq!(
            (last.status, last.body.as_str()),
            (200, if engine == 3 { "1:6" } else { "6" })
        );
        let over = ask(&theatre.routes, "GET", &client.query("polling"), b"").await;
        assert_eq!(over.status, 400);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_still_posts_is_told_the_end_when_it_polls() {
    let mut theatre = theatre(options());
    let mut client = Polling::join(&theatre.routes, 4).await;
    theatre.conversation().await.close();
    for _ in 0..3 {
        // Longer than a client that says nothing has.
        tokio::time::sleep(Duration::from_secs(4)).await;
        client.post(&[r#"42["late"]"#]).await;
    }
    assert_eq!(client.until("4").await, "41");
}

#[tokio::test(start_paused = true)]
async fn clients_on_web_sockets_converse() {
    let mut theatre = theatre(options());
    for engine in [3, 4] {
        let mut client = Web::join(&theatre.routes, engine).await;
        client.say(ASKED).await;
        converse(&mut theatre).await;
        assert_eq!(client.until("4").await, NEWS, "{engine}");
        assert_eq!(client.until("4").await, r#"437["yes",2]"#);
        assert_eq!(client.until("4").await, "41");
        assert_eq!(client.next().await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn all_namespaces_are_one_conversation() {
    let mut theatre = theatre(options());
    let mut client = Web::join(&theatre.routes, 4).await;
    let conversation = theatre.conversation().await;
    let connected = conversation.message().await;
    client.say("40/friend,").await;
    client.until("40/friend,").await;
    let friend = conversation.message().await;
    assert_eq!(
        friend,
        json!({"namespace": "/friend", "connected": true, "id": connected["id"]})
    );
    client.say(r#"42/friend,7["cfmsg"]"#).await;
    client.say(r#"427["ctime"]"#).await;
    let (first, second) = (conversation.message().await, conversation.message().await);
    assert_eq!(
        (&first["namespace"], &second["namespace"]),
        (&json!("/friend"), &json!("/"))
    );
    assert_ne!(
        first["ack"], second["ack"],
        "the same number in two namespaces"
    );
    let answers =
        [&first, &second].map(|asked| json!({"ack": asked["ack"], "args": []}).to_string());
    drop(conversation.say(&[&answers[1], &answers[0]]));
    assert_eq!(client.until("4").await, "437[]");
    assert_eq!(client.until("4").await, "43/friend,7[]");

    client.say("41/friend,").await;
    let left = conversation.message().await;
    assert_eq!(left, json!({"namespace": "/friend", "disconnected": true}));
    let gone = r#"{"namespace":"/friend","event":"lost","args":[]}"#;
    let nowhere = r#"{"namespace":"/group","event":"lost","args":[]}"#;
    drop(conversation.say(&[gone, nowhere]));
    conversation.event("here").await;
    assert_eq!(
        client.until("4").await,
        r#"42["here"]"#,
        "the others have nobody"
    );
    client.say("40/friend,").await;
    client.until("40/friend,").await;
    assert_eq!(
        conversation.message().await["connected"],
        true,
        "it comes back"
    );

    drop(conversation.say(&[r#"{"namespace":"/friend","disconnect":true}"#]));
    assert_eq!(client.until("4").await, "41/friend,");
    assert_eq!(conversation.message().await["disconnected"], true);
    assert!(theatre.is_empty(), "one conversation");
}

#[tokio::test(start_paused = true)]
async fn other_namespaces_are_refused() {
    let mut theatre = theatre(options());
    let mut client = Web::join(&theatre.routes, 4).await;
    for other in ["/nothing", "/friend/x", "/Friend", "/frie"] {
        client.say(&format!("40{other},")).await;
        let refused = client.until("4").await;
        assert_eq!(
            refused,
            format!(r#"44{other},{{"message":"Invalid namespace"}}"#)
        );
    }
    theatre.conversation().await.event("here").await;
    client.until("42").await;
}

#[tokio::test(start_paused = true)]
async fn the_end_is_told_in_every_namespace() {
    let mut theatre = theatre(options());
    let mut client = Web::join(&theatre.routes, 4).await;
    client.say("40/server,").await;
    client.until("40/server,").await;
    theatre.conversation().await.close();
    assert_eq!(client.until("4").await, "41");
    assert_eq!(client.until("4").await, "41/server,");
    client.say("40/group,").await;
    let refused = client.until("44").await;
    assert!(
        refused.starts_with(r#"44/group,{"message":"the connection is about"#),
        "{refused}"
    );
    assert_eq!(client.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn what_was_said_before_a_client_went_is_heard() {
    let mut theatre = theatre(options());
    for engine in [3, 4] {
        let mut client = Web::join(&theatre.routes, engine).await;
        client.say(r#"42["last"]"#).await;
        drop(client);
        let conversation = theatre.conversation().await;
        assert_eq!(conversation.message().await["connected"], true);
        assert_eq!(conversation.message().await["event"], "last");
        assert_eq!(conversation.hear().await, Err(Lost::Gone));
    }
    let client = Polling::join(&theatre.routes, 4).await;
    client.post(&[r#"42["last"]"#, "1"]).await;
    let conversation = theatre.conversation().await;
    assert_eq!(conversation.message().await["connected"], true);
    assert_eq!(conversation.message().await["event"], "last");
    assert_eq!(conversation.hear().await, Err(Lost::Gone));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_left_every_namespace_may_go() {
    let mut theatre = theatre(options());
    let mut client = Web::join(&theatre.routes, 4).await;
    let conversation = theatre.conversation().await;
    client.say("41").await;
    assert_eq!(conversation.message().await["connected"], true);
    assert_eq!(conversation.message().await["disconnected"], true);
    drop(client);
    assert_eq!(conversation.hear().await, Err(Lost::Gone));
}
