//! Who is blocked, and what that does.

use serde_json::json;

use crate::door::Door;

#[tokio::test]
async fn who_is_blocked_is_heard_no_more_until_that_is_taken_back() {
    let door = Door::unhurried().await;
    let (li, wu) = (door.user("li").await, door.user("wu").await);
    for _ in 0..2 {
        let blocked = door.as_user(&li, "PUT /api/blocks/wu", "").await;
        assert_eq!((blocked.code, blocked.body.len()), (204, 0));
    }
    let listed = door.as_user(&li, "GET /api/blocks", "").await.good(200);
    assert_eq!(listed, json!({"blocks": [{"uid": 2, "uname": "wu"}]}));
    let shown = door.as_user(&li, "GET /api/blocks/2", "").await.good(200);
    assert_eq!(shown, json!({"uid": 2, "uname": "wu", "blocked": true}));
    // The other way it is not so.
    let shown = door.as_user(&wu, "GET /api/blocks/1", "").await.good(200);
    assert_eq!(shown["blocked"], false);

    let message = json!({"to": 1, "content": "hello?"}).to_string();
    let refused = door.as_user(&wu, "POST /api/messages", &message).await;
    refused.refused(403);
    let refused = door.as_user(&wu, "POST /api/friends/requests", r#"{"to":1}"#);
    refused.await.refused(403);

    for _ in 0..2 {
        let unblocked = door.as_user(&li, "DELETE /api/blocks/2", "").await;
        assert_eq!(unblocked.code, 204);
    }
    door.as_user(&wu, "POST /api/messages", &message)
        .await
        .good(201);
    for call in [
        "PUT /api/blocks/99",
        "PUT /api/blocks/nobody",
        "GET /api/blocks/99",
        "DELETE /api/blocks/0",
    ] {
        door.as_user(&li, call, "").await.refused(404);
    }
    door.as_user(&li, "PUT /api/blocks/1", "")
        .await
        .refused(422);
}

#[tokio::test]
async fn to_block_a_friend_ends_the_friendship() {
    let door = Door::unhurried().await;
    let (li, wu) = (door.user("li").await, door.user("wu").await);
    let ask = "POST /api/friends/requests";
    door.as_user(&li, ask, r#"{"to":2}"#).await.good(201);
    door.as_user(&wu, ask, r#"{"to":1}"#).await.good(201);
    door.as_user(&li, "PUT /api/blocks/2", "").await;
    let listed = door.as_user(&wu, "GET /api/friends", "").await.good(200);
    assert_eq!(listed["friends"], json!([]));
}
