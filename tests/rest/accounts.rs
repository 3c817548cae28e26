//! Accounts, log-ins, tokens, log-outs, and who is on line.

use hongyan::broker::event::End;
use hongyan::broker::event::Event;

use crate::door::Door;

const LI: &str = r#"{"name":"liaojiekx","password":"correct horse"}"#;

#[tokio::test]
async fn an_account_is_made_once_and_logged_in_to() {
    let door = Door::open().await;
    let made = door.as_nobody("POST /api/users", LI).await.good(201);
    assert_eq!(made, serde_json::json!({"uid": 1, "uname": "liaojiekx"}));
    door.as_nobody("POST /api/users", LI).await.refused(409);

    let before_ms = door.context.clock.now().epoch_ms;
    let login = door.as_nobody("POST /api/login", LI).await.good(200);
    assert_eq!(
        (&login["uid"], &login["uname"]),
        (&made["uid"], &made["uname"])
    );
    let expires_ms = login["expiresAt"].as_u64().expect("a number");
    assert!(expires_ms > before_ms + 6 * 24 * 60 * 60 * 1_000);
    let token = format!("bearer {}", login["token"].as_str().expect("a token"));
    let headers = [("authorization", &*token)];
    door.call("GET /api/inbox", &headers, "").await.good(200);
}

#[tokio::test]
async fn a_bad_account_is_refused_with_the_rule() {
    let door = Door::open().await;
    for (body, code) in [
        ("", 400),
        ("{", 400),
        ("[]", 400),
        (r#" ["li","correct horse"]"#, 400),
        (r#"{"name":"li"}"#, 400),
        (r#"{"name":7,"password":"correct horse"}"#, 400),
        (r#"{"name":"li","password":null}"#, 400),
        (r#"{"name":"","password":"correct horse"}"#, 422),
        (r#"{"name":"123","password":"correct horse"}"#, 422),
        (r#"{"name":"a/b","password":"correct horse"}"#, 422),
        (r#"{"name":"li","password":"short"}"#, 422),
    ] {
        let refused = door.as_nobody("POST /api/users", body).await;
        assert!(!refused.refused(code).is_empty(), "{body}");
    }
    let closed = Door::with_registration(false).await;
    closed.as_nobody("POST /api/users", LI).await.refused(403);
}

#[tokio::test]
async fn wrong_passwords_are_counted() {
    let door = Door::open().await;
    door.as_nobody("POST /api/users", LI).await.good(201);
    let wrong = LI.replace("horse", "house");
    for _ in 0..5 {
        let refused = door.as_nobody("POST /api/login", &wrong).await;
        refused.refused(401);
        assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    }
    let refused = door.as_nobody("POST /api/login", LI).await;
    refused.refused(429);
    let wait_s: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=15 * 60).contains(&wait_s));
    assert_eq!(door.context.tally.logins_refused.get(), 6);
}

#[tokio::test]
async fn every_call_of_a_user_needs_a_token() {
    let door = Door::open().await;
    let li = door.user("li").await;
    let basic = format!("Basic {}", li.token);
    let cut = format!("Bearer {}", &li.token[..li.token.len() - 1]);
    let cookie = format!("srect={0}; token={0}", li.token);
    for call in [
        "POST /api/logout",
        "POST /signout",
        "POST /IM/token",
        "POST /api/messages",
        "GET /api/messages?with=1",
        "GET /api/inbox",
        "POST /api/messages/34330e6e473c583354421ef814bcea13022d8a06/recive",
        "GET /api/users/1",
    ] {
        for headers in [
            &[][..],
            &[("authorization", "Bearer")],
            &[("authorization", "Bearer ")],
            &[("authorization", &*basic)],
            &[("authorization", &*cut)],
            &[("cookie", &*cookie)],
            &[("x-api-key", "not the key")],
        ] {
            let refused = door.call(call, headers, "").await;
            assert_eq!(refused.refused(401), "invalid token", "{call} {headers:?}");
        }
    }
    let in_url = format!("GET /api/inbox?srect={}", li.token);
    door.as_nobody(&in_url, "").await.refused(401);
}

#[tokio::test]
async fn an_api_key_is_no_user() {
    let door = Door::open().await;
    for call in ["POST /api/logout", "POST /IM/token", "GET /api/inbox"] {
        door.as_server(call, "").await.refused(401);
    }
}

#[tokio::test]
async fn logging_out_revokes_the_token_and_ends_its_sessions() {
    for call in ["POST /api/logout", "POST /signout"] {
        let door = Door::open().await;
        let li = door.user("li").await;
        let (broker, auth) = (&door.context.broker, &door.context.auth);
        let now = door.context.clock.now();
        let login = auth.session(now, &li.token).await.expect("a good token");
        let of_token = broker.open(now, li.person.clone(), Some(login.token), None);
        let of_password = broker.open(now, li.person.clone(), None, None);

        let gone = door.as_user(&li, call, "").await;
        assert_eq!((gone.code, gone.body.len()), (204, 0));
        door.as_user(&li, call, "").await.refused(401);
        let (mut ended, mut others) = (Vec::new(), Vec::new());
        broker.take(now, &of_token, &mut ended, 9);
        broker.take(now, &of_password, &mut others, 9);
        assert_eq!(ended, [Event::Ended(End::TokenRevoked)]);
        assert!(others.is_empty());
    }
}

#[tokio::test]
async fn a_websocket_token_is_for_the_packet_gateway_only() {
    let door = Door::open().await;
    let li = door.user("li").await;
    let grant = door.as_user(&li, "POST /IM/token", "{}").await.good(200);
    assert_eq!(grant["expiresIn"], 120);
    let token = format!("Bearer {}", grant["wstoken"].as_str().expect("a token"));
    let headers = [("authorization", &*token)];
    door.call("GET /api/inbox", &headers, "").await.refused(401);
}

#[tokio::test]
async fn a_user_is_shown_by_number_and_by_name() {
    let door = Door::open().await;
    let li = door.user("li aojie").await;
    let now = door.context.clock.now();
    let session = door.context.broker.open(now, li.person.clone(), None, None);
    let here = serde_json::json!({"uid": 1, "uname": "li aojie", "online": true});
    for call in ["GET /api/users/1", "GET /api/users/li%20aojie"] {
        assert_eq!(door.as_user(&li, call, "").await.good(200), here);
        assert_eq!(door.as_server(call, "").await.good(200), here);
    }
    door.context.broker.close(now, &session);
    let shown = door.as_server("GET /api/users/1", "").await.good(200);
    assert_eq!(shown["online"], false);
    for nobody in ["2", "0", "wu", "li+aojie", "%FF", "a%2Fb"] {
        let call = format!("GET /api/users/{nobody}");
        door.as_server(&call, "").await.refused(404);
    }
}
