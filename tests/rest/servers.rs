//! What an operator's own servers do.

use serde_json::Value;
use serde_json::json;

use hongyan::broker::command::Command;
use hongyan::broker::command::Reply;
use hongyan::broker::orders::Location;
use hongyan::broker::orders::OrderId;
use hongyan::broker::social::Changed;
use hongyan::broker::social::Social;

use crate::door::Door;

const ID: &str = "34330e6e473c583354421ef814bcea13022d8a06";

#[tokio::test]
async fn a_push_is_a_message_of_the_system() {
    let door = Door::unhurried().await;
    let li = door.user("li").await;
    let push =
        json!({"uid": "li", "type": 5, "data": {"text": "停机维护", "at": 1.50}, "msgID": ID});
    let sent = door.as_server("POST /api/push", &push.to_string()).await;
    let sent = sent.good(201);
    // The same again is kept once.
    let again = door.as_server("POST /api/push", &push.to_string()).await;
    assert_eq!(again.good(201), sent);
    let inbox = door.as_user(&li, "GET /api/inbox", "").await.good(200);
    let messages = inbox["messages"].as_array().expect("a list");
    assert_eq!(messages.len(), 1);
    let message = &messages[0];
    assert_eq!(
        (&message["sender"], &message["senderId"]),
        (&json!(""), &json!(0))
    );
    assert_eq!(message["type"], "S2C_SYSTEM_PUSH");
    let content: Value = serde_json::from_str(message["content"].as_str().unwrap()).unwrap();
    assert_eq!(content, push["data"]);
    // It is the history with the system, which is 0.
    let history = door.as_user(&li, "GET /api/messages?with=0", "").await;
    assert_eq!(history.good(200)["messages"], inbox["messages"]);
}

#[tokio::test]
async fn every_type_but_those_of_the_log_in_is_pushed_by_number_and_by_name() {
    let door = Door::unhurried().await;
    let li = door.user("li").await;
    let push = async |kind: Value, data: Value| {
        let push = json!({"uid": 1, "type": kind, "data": data}).to_string();
        door.as_server("POST /api/push", &push).await
    };
    for number in 0..=20_u64 {
        let answer = push(json!(number), json!([number])).await;
        if (3..=11).contains(&number) || (13..=19).contains(&number) {
            answer.good(201);
        } else {
            let sentence = answer.refused(422);
            assert!(sentence.contains("3 to 11 or 13 to 19"), "{sentence}");
        }
    }
    push(json!("S2C_VIDEOCALL_END"), json!("x")).await.good(201);
    push(json!("7"), json!(false)).await.good(201);
    for bad in [
        json!("S2C_REGISTER_RES"),
        json!("s2c_system_push"),
        json!(5.5),
        json!(-5),
        json!(261),
        json!(null),
        json!([5]),
    ] {
        push(bad, json!(0)).await.refused(422);
    }
    let inbox = door.as_user(&li, "GET /api/inbox", "").await.good(200);
    let messages = inbox["messages"].as_array().expect("a list");
    assert_eq!(messages.len(), 16 + 2);
    let last = &messages[17];
    assert_eq!(
        (&last["type"], &last["content"]),
        (&json!("S2C_DOCTORMSG_PUSH"), &json!("false"))
    );
    for (body, code) in [
        (r#"{"uid":1}"#, 400),
        (r#"{"type":5}"#, 400),
        (r#"{"uid":99,"type":5}"#, 404),
        (r#"{"uid":9223372036854775807,"type":5}"#, 400),
        (r#"{"uid":1,"type":5,"msgID":"12"}"#, 400),
        (
            &json!({"uid": 1, "type": 5, "data": "x".repeat(2_000)}).to_string(),
            413,
        ),
    ] {
        door.as_server("POST /api/push", body).await.refused(code);
    }
    // Nothing said is null.
    door.as_server("POST /api/push", r#"{"uid":1,"type":5}"#)
        .await
        .good(201);
}

#[tokio::test]
async fn an_order_is_offered_once_and_taken_by_one() {
    let door = Door::unhurried().await;
    let (li, wu) = (door.user("li").await, door.user("wu").await);
    let offer = async |body: Value| door.as_server("POST /api/orders", &body.to_string()).await;
    for _ in 0..2 {
        let placed = offer(json!({"id": "o-1", "customer": "li"})).await;
        assert_eq!(placed.good(201), json!({"id": "o-1"}));
    }
    offer(json!({"id": "o-1", "customer": 2}))
        .await
        .refused(409);
    assert_eq!(
        offer(json!({"id": 7, "customer": 1})).await.good(201),
        json!({"id": 7})
    );
    for (body, code) in [
        (json!({"id": "o-2"}), 400),
        (json!({"id": true, "customer": 1}), 400),
        (json!({"id": -1, "customer": 1}), 400),
        (json!({"id": "", "customer": 1}), 422),
        (json!({"id": "x".repeat(65), "customer": 1}), 422),
        (json!({"id": "a\nb", "customer": 1}), 422),
        (json!({"id": "o-2", "customer": 99}), 404),
    ] {
        offer(body).await.refused(code);
    }
    let take = Social::TakeOrder(OrderId("o-1".to_owned()));
    let (broker, now) = (&door.context.broker, door.context.clock.now());
    let taken = broker
        .ask_once(now, &wu.person, Command::Social(take))
        .await;
    let Ok(Reply::Social(Changed::OrderTaken { customer, .. })) = taken else {
        panic!("{taken:?}");
    };
    assert_eq!(customer, li.person);
}

#[tokio::test]
async fn a_location_is_where_a_user_was_last() {
    let door = Door::unhurried().await;
    let li = door.user("li").await;
    let ask = "GET /api/users/li/location";
    door.as_server(ask, "").await.refused(404);
    let (broker, now) = (&door.context.broker, door.context.clock.now());
    for (longitude, time_ms) in [(1.0, 5), (121.5, 7)] {
        let here = Location::new(longitude, -31.25, time_ms).expect("a place");
        let moves = Command::Social(Social::MoveTo(here));
        broker
            .ask_once(now, &li.person, moves)
            .await
            .expect("a move");
    }
    let expected =
        json!({"uid": 1, "uname": "li", "longtitude": 121.5, "latitude": -31.25, "time": 7});
    assert_eq!(door.as_server(ask, "").await.good(200), expected);
    assert_eq!(door.as_user(&li, ask, "").await.good(200), expected);
    door.as_server("GET /api/users/99/location", "")
        .await
        .refused(404);
}
