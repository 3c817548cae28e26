//! Friendship from the question to the end.

use serde_json::json;

use crate::door::Door;

#[tokio::test]
async fn a_request_is_made_once_and_answered_once() {
    let door = Door::unhurried().await;
    let (li, wu) = (door.user("li").await, door.user("wu").await);
    let ask = json!({"to": "wu", "msg": "do you remember me?"}).to_string();
    let asked = door.as_user(&li, "POST /api/friends/requests", &ask).await;
    let mut request = asked.good(201);
    assert_eq!(request["state"], "asked");
    let expected = json!({
        "id": request["id"], "from": "li", "to": "wu", "fromId": 1, "toId": 2,
        "msg": "do you remember me?", "time": request["time"], "state": "asked",
    });
    assert_eq!(request, expected);
    // Asked again it stays the same request.
    let again = door.as_user(&li, "POST /api/friends/requests", r#"{"to":2}"#);
    assert_eq!(again.await.good(201), request);

    request.as_object_mut().expect("an object").remove("state");
    let listed = door.as_user(&wu, "GET /api/friends", "").await.good(200);
    let waiting = json!({"friends": [], "requests": [&request], "asking": []});
    assert_eq!(listed, waiting);
    let listed = door.as_user(&li, "GET /api/friends", "").await.good(200);
    let waiting = json!({"friends": [], "requests": [], "asking": [&request]});
    assert_eq!(listed, waiting);

    let accept = format!("POST /api/friends/requests/{}/accept", request["id"]);
    for _ in 0..2 {
        let accepted = door.as_user(&wu, &accept, "").await.good(200);
        assert_eq!(
            (&accepted["id"], &accepted["state"]),
            (&request["id"], &json!("accepted"))
        );
    }
    let reject = format!("POST /api/friends/requests/{}/reject", request["id"]);
    door.as_user(&wu, &reject, "").await.refused(409);

    let session = {
        let now = door.context.clock.now();
        door.context.broker.open(now, wu.person.clone(), None, None)
    };
    let listed = door.as_user(&li, "GET /api/friends", "").await.good(200);
    let friend = json!({"uid": 2, "uname": "wu", "online": true});
    assert_eq!(
        listed,
        json!({"friends": [friend], "requests": [], "asking": []})
    );
    door.context
        .broker
        .close(door.context.clock.now(), &session);
    let listed = door.as_user(&li, "GET /api/friends", "").await.good(200);
    assert_eq!(listed["friends"][0]["online"], false);

    for _ in 0..2 {
        let ended = door.as_user(&li, "DELETE /api/friends/wu", "").await;
        assert_eq!((ended.code, ended.body.len()), (204, 0));
    }
    let listed = door.as_user(&wu, "GET /api/friends", "").await.good(200);
    assert_eq!(listed["friends"], json!([]));
}

#[tokio::test]
async fn two_who_ask_each_other_are_friends() {
    let door = Door::unhurried().await;
    let (li, wu) = (door.user("li").await, door.user("wu").await);
    let ask = "POST /api/friends/requests";
    door.as_user(&li, ask, r#"{"to":2}"#).await.good(201);
    let crossed = door.as_user(&wu, ask, r#"{"to":1}"#).await.good(201);
    assert_eq!(crossed["state"], "accepted");
    door.as_user(&wu, ask, r#"{"to":1}"#).await.refused(409);
}

#[tokio::test]
async fn a_user_may_be_called_as_a_part_of_the_path() {
    let door = Door::unhurried().await;
    let li = door.user("li").await;
    door.user("requests").await;
    door.as_user(&li, "DELETE /api/friends/requests", "")
        .await
        .refused(405);
    let ended = door.as_user(&li, "DELETE /api/friends/2", "").await;
    assert_eq!(ended.code, 204);
}

#[tokio::test]
async fn bad_requests_are_taught() {
    let door = Door::unhurried().await;
    let (li, _) = (door.user("li").await, door.user("wu").await);
    let long = json!({"to": 2, "msg": "x".repeat(2_000)}).to_string();
    for (body, code) in [
        ("", 400),
        ("{}", 400),
        (r#"{"to":0}"#, 400),
        (r#"{"to":[2]}"#, 400),
        (r#"{"to":9223372036854775807}"#, 400),
        (r#"{"to":2,"msg":7}"#, 400),
        (r#"{"to":1}"#, 422),
        (r#"{"to":99}"#, 404),
        (r#"{"to":"nobody"}"#, 404),
        (&long, 413),
    ] {
        let refused = door.as_user(&li, "POST /api/friends/requests", body).await;
        assert!(!refused.refused(code).is_empty(), "{body}");
    }
    for call in [
        "POST /api/friends/requests/1/accept",
        "POST /api/friends/requests/x/accept",
        "POST /api/friends/requests/-1/reject",
        "POST /api/friends/requests/99999999999999999999/reject",
        "DELETE /api/friends/99",
        "DELETE /api/friends/0",
        // The system's own number.
        "DELETE /api/friends/9223372036854775807",
    ] {
        door.as_user(&li, call, "").await.refused(404);
    }
}
