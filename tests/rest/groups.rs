//! Groups from the making to the last one who leaves, and messages to them.

use serde_json::Value;
use serde_json::json;

use crate::door::Door;
use crate::door::User;

async fn make(door: &Door, user: &User, group: Value) -> Value {
    let group = group.to_string();
    let made = door.as_user(user, "POST /api/groups", &group).await;
    made.good(201)
}

#[tokio::test]
async fn a_group_is_made_shown_and_changed_with_fields_of_its_own() {
    let door = Door::unhurried().await;
    let (li, wu) = (door.user("li").await, door.user("wu").await);
    let group = json!({"name": "雁群", "admin": ["wu"], "members": [1], "colour": {"r": 1.5}, "tags": ["a", null]});
    let made = make(&door, &li, group).await;
    let mut expected = json!({
        "gid": made["gid"], "id": made["gid"], "name": "雁群", "admin": [1, 2], "members": [1, 2],
        "protected": ["name", "members", "admin"], "made": made["made"],
        "colour": {"r": 1.5}, "tags": ["a", null],
    });
    let protected = made["protected"].as_array().expect("a list").len();
    assert_eq!(protected, 3);
    expected["protected"] = made["protected"].clone();
    assert_eq!(made, expected);
    let show = format!("GET /api/groups/{}", made["gid"]);
    assert_eq!(door.as_user(&wu, &show, "").await.good(200), made);
    let listed = door.as_user(&wu, "GET /api/groups", "").await.good(200);
    let named = json!({"gid": made["gid"], "id": made["gid"], "name": "雁群"});
    assert_eq!(listed, json!({"groups": [named]}));

    let change = format!("PATCH /api/groups/{}", made["gid"]);
    let patch = json!({"name": "geese", "tags": null, "size": 2, "protected": ["size"]});
    let changed = door.as_user(&wu, &change, &patch.to_string()).await;
    let changed = changed.good(200);
    assert_eq!(
        (&changed["name"], &changed["size"]),
        (&json!("geese"), &json!(2))
    );
    assert_eq!(
        (changed.get("tags"), &changed["colour"]["r"]),
        (None, &json!(1.5))
    );
    assert_eq!(changed["protected"], json!(["size"]));
    assert_eq!(door.as_user(&li, &show, "").await.good(200), changed);
}

#[tokio::test]
async fn members_come_by_body_and_by_path_and_go() {
    let door = Door::unhurried().await;
    let li = door.user("li").await;
    let mut others = Vec::new();
    for name in ["a", "b", "c", "d", "e"] {
        others.push(door.user(name).await);
    }
    let gid = make(&door, &li, json!({})).await["gid"].clone();
    let members = format!("POST /api/groups/{gid}/members");
    for (body, now) in [
        (r#"{"uid":2}"#, json!([1, 2])),
        (r#"{"uids":["b"]}"#, json!([1, 2, 3])),
        (r#"{"members":["4",4],"uid":"a"}"#, json!([1, 2, 3, 4])),
    ] {
        let group = door.as_user(&li, &members, body).await.good(200);
        assert_eq!(group["members"], now, "{body}");
    }
    let one = format!("POST /api/groups/{gid}/members/e");
    let group = door.as_user(&li, &one, "").await.good(200);
    assert_eq!(group["members"], json!([1, 2, 3, 4, 6]));
    for (body, code) in [
        ("", 400),
        ("{}", 400),
        (r#"{"uids":[]}"#, 400),
        (r#"{"uid":[2]}"#, 400),
        (r#"{"uids":2}"#, 400),
        (r#"{"uid":99}"#, 404),
    ] {
        door.as_user(&li, &members, body).await.refused(code);
    }
    // The system's own number.
    let system = format!("POST /api/groups/{gid}/members/9223372036854775807");
    door.as_user(&li, &system, "").await.refused(404);
    let gone = format!("DELETE /api/groups/{gid}/members/a");
    assert_eq!(door.as_user(&others[0], &gone, "").await.code, 204);
    let show = format!("GET /api/groups/{gid}");
    door.as_user(&others[0], &show, "").await.refused(403);
    let group = door.as_user(&li, &show, "").await.good(200);
    assert_eq!(group["members"], json!([1, 3, 4, 6]));
}

#[tokio::test]
async fn who_hands_over_may_leave() {
    let door = Door::unhurried().await;
    let (li, wu) = (door.user("li").await, door.user("wu").await);
    let gid = make(&door, &li, json!({"members": [2]})).await["gid"].clone();
    let leave = format!("DELETE /api/groups/{gid}/members/1");
    door.as_user(&li, &leave, "").await.refused(409);
    let change = format!("PATCH /api/groups/{gid}");
    let heir = door.as_user(&li, &change, r#"{"admin":[1,2]}"#).await;
    assert_eq!(heir.good(200)["admin"], json!([1, 2]));
    assert_eq!(door.as_user(&li, &leave, "").await.code, 204);
    let show = format!("GET /api/groups/{gid}");
    let group = door.as_user(&wu, &show, "").await.good(200);
    assert_eq!(
        (&group["admin"], &group["members"]),
        (&json!([2]), &json!([2]))
    );
}

#[tokio::test]
async fn a_message_reaches_the_members_but_those_left_out_and_is_in_the_history_since_one_joined() {
    let door = Door::unhurried().await;
    let (li, wu, jun) = (
        door.user("li").await,
        door.user("wu").await,
        door.user("jun").await,
    );
    let gid = make(&door, &li, json!({"members": [2]})).await["gid"].clone();
    let send = async |body: Value| {
        let body = body.to_string();
        let sent = door.as_user(&li, "POST /api/messages", &body).await;
        sent.good(201)
    };
    let first = send(json!({"group": gid, "content": "one"})).await;
    let join = format!("POST /api/groups/{gid}/members/3");
    door.as_user(&jun, &join, "").await.good(200);
    send(json!({"group": gid.to_string(), "content": "two", "ignoreIds": [2, "nobody-of-these"]}))
        .await;
    send(json!({"group": gid, "content": "three", "ignoreIds": []})).await;

    let contents = async |user: &User, call: &str| {
        let page = door.as_user(user, call, "").await.good(200);
        let messages = page["messages"].as_array().expect("a list").clone();
        let of = |message: &Value| message["content"].as_str().expect("text").to_owned();
        messages.iter().map(of).collect::<Vec<_>>()
    };
    let history = format!("GET /api/messages?group={gid}");
    assert_eq!(contents(&li, &history).await, ["three", "two", "one"]);
    assert_eq!(contents(&wu, &history).await, ["three", "one"]);
    assert_eq!(contents(&jun, &history).await, ["three", "two"]);
    assert_eq!(contents(&wu, "GET /api/inbox").await, ["one", "three"]);
    assert_eq!(contents(&li, "GET /api/inbox").await, [""; 0]);

    let page = door.as_user(&wu, &history, "").await.good(200);
    let expected = json!({
        "id": first["id"], "chatID": first["msgID"], "msgID": first["msgID"], "sender": "li", "senderId": 1,
        "groupId": gid, "content": "one", "time": first["time"], "state": "stored",
    });
    assert_eq!(page["messages"][1], expected);
    let confirm = format!(
        "POST /api/messages/{}/recive",
        first["msgID"].as_str().expect("text")
    );
    door.as_user(&wu, &confirm, "").await.good(200);
    assert_eq!(contents(&wu, "GET /api/inbox").await, ["three"]);
}

#[tokio::test]
async fn a_group_of_ten_thousand_is_made_at_once() {
    let door = Door::unhurried().await;
    let li = door.user("li").await;
    for uid in 2..=10_000 {
        door.user(&format!("goose-{uid}")).await;
    }
    let members: Vec<u64> = (1..=10_000).collect();
    let made = make(&door, &li, json!({"name": "flock", "members": members})).await;
    assert_eq!(made["members"].as_array().map(Vec::len), Some(10_000));
    let send = json!({"group": made["gid"], "content": "to all"}).to_string();
    door.as_user(&li, "POST /api/messages", &send)
        .await
        .good(201);
}

#[tokio::test]
async fn bad_groups_are_refused() {
    let door = Door::unhurried().await;
    let li = door.user("li").await;
    let many = format!(r#"{{"members":[{}]}}"#, vec!["1"; 20_001].join(","));
    let large = json!({"notes": "x".repeat(20_000)}).to_string();
    let huge = json!({"notes": "x".repeat(5 << 20)}).to_string();
    let long = json!({"name": "x".repeat(200)}).to_string();
    for (body, code) in [
        ("", 400),
        ("[]", 400),
        (r#"{"name":7}"#, 400),
        (r#"{"members":7}"#, 400),
        (r#"{"members":[{}]}"#, 400),
        (r#"{"gid":7}"#, 400),
        (r#"{"made":7}"#, 400),
        (r#"{"members":[99]}"#, 404),
        (&many, 400),
        (&large, 422),
        (&long, 422),
        (&huge, 413),
    ] {
        let refused = door.as_user(&li, "POST /api/groups", body).await;
        assert!(
            !refused.refused(code).is_empty(),
            "{}",
            &body[..body.len().min(40)]
        );
    }
    for gid in ["0", "99", "x", "-1", "99999999999999999999"] {
        let show = format!("GET /api/groups/{gid}");
        door.as_user(&li, &show, "").await.refused(404);
    }
}
