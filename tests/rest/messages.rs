//! Sending, looking back, what waits, confirming.

use serde_json::Value;
use serde_json::json;

use crate::door::CONTENT_MAX;
use crate::door::Door;
use crate::door::RATE;
use crate::door::User;

const ID: &str = "34330e6e473c583354421ef814bcea13022d8a06";
const SEND: &str = "POST /api/messages";

/// A door with two users, numbers 1 and 2.
async fn two() -> (Door, User, User) {
    let door = Door::open().await;
    let (wu, li) = (door.user("wususu").await, door.user("liaojiekx").await);
    (door, wu, li)
}

async fn send(door: &Door, from: &User, body: Value) -> Value {
    let sent = door.as_user(from, SEND, &body.to_string()).await;
    sent.good(201)
}

fn contents(page: &Value) -> Vec<&str> {
    let messages = page["messages"].as_array().expect("a list");
    let content = |message: &'_ Value| message["content"].as_str().is_some();
    assert!(messages.iter().all(content));
    messages
        .iter()
        .filter_map(|m| m["content"].as_str())
        .collect()
}

#[tokio::test]
async fn a_message_is_sent_seen_waiting_and_confirmed() {
    let (door, wu, li) = two().await;
    let body = json!({"to": 2, "content": "起来聊天", "msgID": ID});
    let sent = send(&door, &wu, body).await;
    assert_eq!((&sent["id"], &sent["msgID"]), (&json!(1), &json!(ID)));

    let mut seen = json!({
        "id": 1, "chatID": ID, "msgID": ID, "sender": "wususu", "senderId": 1,
        "reciver": "liaojiekx", "reciverId": 2, "content": "起来聊天",
        "time": sent["time"], "state": "stored",
    });
    let page = json!({"messages": [&seen], "more": false});
    assert_eq!(
        door.as_user(&li, "GET /api/inbox", "").await.good(200),
        page
    );
    let history = "GET /api/messages?with=wususu";
    assert_eq!(door.as_user(&li, history, "").await.good(200), page);

    let confirm = format!("POST /api/messages/{}/recive", ID.to_uppercase());
    for _ in 0..2 {
        let confirmed = door.as_user(&li, &confirm, "").await.good(200);
        assert_eq!(
            confirmed,
            json!({"msgID": ID, "code": 200, "status": "成功", "content": "received"})
        );
    }
    let empty = json!({"messages": [], "more": false});
    assert_eq!(
        door.as_user(&li, "GET /api/inbox", "").await.good(200),
        empty
    );
    seen["state"] = json!("received");
    let page = json!({"messages": [seen], "more": false});
    let history = "GET /api/messages?with=2";
    assert_eq!(door.as_user(&wu, history, "").await.good(200), page);
}

#[tokio::test]
async fn a_receiver_is_a_number_digits_or_a_name() {
    let (door, wu, li) = two().await;
    for to in [json!(2), json!("2"), json!("liaojiekx")] {
        send(&door, &wu, json!({"to": to, "content": to.to_string()})).await;
    }
    let inbox = door.as_user(&li, "GET /api/inbox", "").await.good(200);
    assert_eq!(contents(&inbox), ["2", "\"2\"", "\"liaojiekx\""]);
}

#[tokio::test]
async fn the_same_again_is_one_message_and_another_content_a_conflict() {
    let (door, wu, li) = two().await;
    let body = json!({"to": 2, "content": "a", "msgID": ID});
    let first = send(&door, &wu, body.clone()).await;
    assert_eq!(send(&door, &wu, body).await, first);
    let other = json!({"to": 2, "content": "b", "msgID": ID}).to_string();
    door.as_user(&wu, SEND, &other).await.refused(409);
    let inbox = door.as_user(&li, "GET /api/inbox", "").await.good(200);
    assert_eq!(contents(&inbox), ["a"]);
}

#[tokio::test]
async fn without_a_msg_id_the_same_twice_is_two_messages() {
    let (door, wu, li) = two().await;
    let body = json!({"to": 2, "content": "hi"});
    let first = send(&door, &wu, body.clone()).await;
    let second = send(&door, &wu, body).await;
    assert_ne!(first["msgID"], second["msgID"]);
    let inbox = door.as_user(&li, "GET /api/inbox", "").await.good(200);
    assert_eq!(contents(&inbox), ["hi", "hi"]);
}

#[tokio::test]
async fn the_sender_is_who_the_token_says_and_for_servers_who_they_say() {
    let (door, wu, li) = two().await;
    for from in [json!(2), json!("nobody"), json!({"x": []})] {
        send(&door, &wu, json!({"to": 2, "content": "me", "from": from})).await;
    }
    for from in [json!(1), json!("1"), json!("wususu")] {
        let body = json!({"to": "liaojiekx", "content": "for wu", "from": from});
        door.as_server(SEND, &body.to_string()).await.good(201);
    }
    let inbox = door.as_user(&li, "GET /api/inbox", "").await.good(200);
    let messages = inbox["messages"].as_array().expect("a list");
    assert_eq!(messages.len(), 6);
    assert!(messages.iter().all(|message| message["sender"] == "wususu"));

    for (body, code) in [
        (json!({"to": 2, "content": "x"}), 400),
        (json!({"to": 2, "content": "x", "from": 0}), 400),
        (json!({"to": 2, "content": "x", "from": [1]}), 400),
        (json!({"to": 2, "content": "x", "from": 9}), 404),
        (json!({"to": 2, "content": "x", "from": "nobody"}), 404),
    ] {
        door.as_server(SEND, &body.to_string()).await.refused(code);
    }
}

#[tokio::test]
async fn a_bad_message_is_refused() {
    let (door, wu, _) = two().await;
    let deep = format!(
        r#"{{"to":2,"content":"x","more":{}1{}}}"#,
        "[".repeat(40),
        "]".repeat(40)
    );
    for (body, code) in [
        ("", 400),
        ("\"x\"", 400),
        (r#"{"content":"x"}"#, 400),
        (r#"{"to":2}"#, 400),
        (r#"{"to":2,"content":7}"#, 400),
        (r#"{"to":0,"content":"x"}"#, 400),
        (r#"{"to":-1,"content":"x"}"#, 400),
        (r#"{"to":1.5,"content":"x"}"#, 400),
        (r#"{"to":"a/b","content":"x"}"#, 400),
        (r#"{"to":[2],"content":"x"}"#, 400),
        (r#"{"to":2,"group":3,"content":"x"}"#, 400),
        (r#"{"to":2,"content":"x","msgID":"12"}"#, 400),
        (r#"{"to":2,"content":"x","msgID":12}"#, 400),
        (&deep, 400),
        (r#"{"group":3,"content":"x"}"#, 404),
        (r#"{"to":99,"content":"x"}"#, 404),
        (r#"{"to":"nobody","content":"x"}"#, 404),
    ] {
        let sentence = door.as_user(&wu, SEND, body).await.refused(code);
        assert!(!sentence.contains("reciverId"), "{body}: {sentence}");
    }
}

#[tokio::test]
async fn sizes_are_bounded_in_the_content_and_around_it() {
    let (door, wu, _) = two().await;
    let body = |bytes: usize| json!({"to": 2, "content": "\u{1}".repeat(bytes)}).to_string();
    door.as_user(&wu, SEND, &body(CONTENT_MAX)).await.good(201);
    door.as_user(&wu, SEND, &body(CONTENT_MAX + 1))
        .await
        .refused(413);
    let padded = |bytes: usize| body(1) + &" ".repeat(bytes - body(1).len());
    let most = CONTENT_MAX * 6 + 256 * 1024;
    door.as_user(&wu, SEND, &padded(most)).await.good(201);
    door.as_user(&wu, SEND, &padded(most + 1))
        .await
        .refused(413);
}

#[tokio::test]
async fn who_sends_too_fast_is_told_when_to_come_back() {
    let (door, wu, li) = two().await;
    let body = json!({"to": 2, "content": "x"}).to_string();
    let mut refused = None;
    // More than the bucket holds and can regain while these are asked.
    for _ in 0..100 * RATE {
        let answer = door.as_user(&wu, SEND, &body).await;
        if answer.code != 201 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("an end to it");
    refused.refused(429);
    assert_eq!(refused.header("retry-after"), Some("1"));
    door.as_user(&li, SEND, &body).await.good(201);
}

#[tokio::test]
async fn history_is_paged_backwards_by_id_and_by_time() {
    let (door, wu, li) = two().await;
    for content in ["a", "b", "c", "d"] {
        send(&door, &wu, json!({"to": 2, "content": content})).await;
    }
    let page = async |query: &str| {
        let call = format!("GET /api/messages?with=wususu{query}");
        let page = door.as_user(&li, &call, "").await.good(200);
        (contents(&page).concat(), page["more"] == true)
    };
    let is = |contents: &str, more| (contents.to_owned(), more);
    assert_eq!(page("").await, is("dcba", false));
    assert_eq!(page("&limit=2").await, is("dc", true));
    assert_eq!(page("&limit=2&before=3").await, is("ba", false));
    assert_eq!(page("&limit=999&before=1").await, is("", false));
    assert_eq!(page("&before=999999999999").await, is("dcba", false));
    assert_eq!(page("&before=1000000000000").await, is("", false));
    assert_eq!(page("&before=9000000000000").await, is("dcba", false));
}

#[tokio::test]
async fn history_is_the_caller_s_own() {
    let (door, wu, li) = two().await;
    let eve = door.user("eve").await;
    send(&door, &wu, json!({"to": 2, "content": "secret"})).await;
    for with in ["1", "2", "3"] {
        let call = format!("GET /api/messages?with={with}");
        let page = door.as_user(&eve, &call, "").await.good(200);
        assert!(contents(&page).is_empty());
    }
    let page = door.as_user(&li, "GET /api/messages?with=1", "").await;
    assert_eq!(contents(&page.good(200)), ["secret"]);
}

#[tokio::test]
async fn bad_questions_are_taught() {
    let (door, wu, _) = two().await;
    for (query, code) in [
        ("messages", 400),
        ("messages?with=", 400),
        ("messages?with=9223372036854775807", 400),
        ("messages?with=%FF", 400),
        ("messages?with=2&group=1", 400),
        ("messages?with=2&before=yesterday", 400),
        ("messages?with=2&before=-1", 400),
        ("messages?with=2&limit=0", 400),
        ("messages?with=2&limit=many", 400),
        ("messages?with=99", 404),
        ("messages?with=nobody", 404),
        ("messages?group=1", 404),
        ("inbox?after=x", 400),
        ("inbox?limit=0", 400),
    ] {
        let call = format!("GET /api/{query}");
        assert!(
            !door.as_user(&wu, &call, "").await.refused(code).is_empty(),
            "{query}"
        );
    }
}

#[tokio::test]
async fn the_inbox_is_paged_forwards() {
    let (door, wu, li) = two().await;
    for content in ["a", "b", "c"] {
        send(&door, &wu, json!({"to": 2, "content": content})).await;
    }
    let page = async |query: &str| {
        let call = format!("GET /api/inbox{query}");
        let page = door.as_user(&li, &call, "").await.good(200);
        (contents(&page).concat(), page["more"] == true)
    };
    assert_eq!(page("?limit=2").await, ("ab".to_owned(), true));
    assert_eq!(page("?limit=2&after=2").await, ("c".to_owned(), false));
}

#[tokio::test]
async fn only_what_was_sent_to_one_can_be_confirmed() {
    let (door, wu, li) = two().await;
    send(&door, &wu, json!({"to": 2, "content": "x", "msgID": ID})).await;
    let confirm = format!("POST /api/messages/{ID}/recive");
    door.as_user(&wu, &confirm, "").await.refused(404);
    let unknown = format!("POST /api/messages/{}/recive", "0".repeat(40));
    door.as_user(&li, &unknown, "").await.refused(404);
    door.as_user(&li, "POST /api/messages/12/recive", "")
        .await
        .refused(400);
}

#[tokio::test]
async fn a_failing_store_is_500_and_says_no_more() {
    let (door, wu, _) = two().await;
    // The token is proven once, so that the calls get as far as the store.
    door.as_user(&wu, "GET /api/inbox", "").await.good(200);
    door.store.fail(true);
    for (call, body) in [
        (SEND, r#"{"to":2,"content":"x"}"#),
        (SEND, r#"{"to":"liaojiekx","content":"x"}"#),
        ("GET /api/messages?with=2", ""),
        ("GET /api/inbox", ""),
        ("GET /api/users/2", ""),
        ("POST /api/logout", ""),
    ] {
        let sentence = door.as_user(&wu, call, body).await.refused(500);
        assert!(!sentence.contains(crate::moody::SECRET), "{sentence}");
        if body.contains("\"to\":2") {
            // The msgID to try again with, made by the server.
            let msg_id = sentence.rsplit(": ").next().expect("an end");
            assert_eq!(msg_id.len(), ID.len(), "{sentence}");
        }
    }
}
