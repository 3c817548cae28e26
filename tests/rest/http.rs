//! What holds for all calls: paths, methods, origins, headers, sizes.

use crate::door::Door;
use crate::door::ORIGIN;

#[tokio::test]
async fn every_described_call_is_answered_and_only_in_its_methods() {
    let door = Door::open().await;
    let document = door.as_nobody("GET /api/openapi.json", "").await.good(200);
    let paths = document["paths"].as_object().expect("paths");
    assert_eq!(paths.len(), 29);
    for (pattern, operations) in paths {
        let path = pattern.replace(['{', '}'], "");
        let methods = operations.as_object().expect("operations");
        for method in methods.keys() {
            let call = format!("{} {path}", method.to_uppercase());
            let answer = door.as_nobody(&call, "").await;
            assert!(
                ![404, 405].contains(&answer.code),
                "{call}: {}",
                answer.code
            );
        }
        let refused = door.as_nobody(&format!("TRACE {path}"), "").await;
        refused.refused(405);
        let allow = refused.header("allow").expect("Allow");
        for method in methods.keys() {
            assert!(allow.contains(&method.to_uppercase()), "{path}: {allow}");
        }
        assert_eq!(
            allow.contains("HEAD"),
            methods.contains_key("get"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn unknown_paths_are_404_and_other_gateways_get_theirs() {
    let door = Door::open().await;
    for path in [
        "/",
        "/api",
        "/api/",
        "/api/friend",
        "/api/users/",
        "/api//users",
        "/nowhere",
    ] {
        let answer = door.as_nobody(&format!("GET {path}"), "").await;
        assert!(answer.refused(404).contains("/api/openapi.json"), "{path}");
    }
    let theirs = door.as_nobody("GET /theirs", "").await;
    assert_eq!((theirs.code, &*theirs.text()), (200, "another gateway"));
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let door = Door::open().await;
    let get = door.as_nobody("GET /healthz", "").await;
    let head = door.as_nobody("HEAD /healthz", "").await;
    assert_eq!((head.code, head.body.len()), (200, 0));
    assert_eq!(
        head.header("content-length"),
        Some(&*get.body.len().to_string())
    );
    assert_eq!(head.header("content-type"), get.header("content-type"));
    assert_eq!(door.as_nobody("HEAD /api/login", "").await.code, 405);
}

#[tokio::test]
async fn answers_are_neither_sniffed_nor_stored() {
    let door = Door::open().await;
    for call in [
        "GET /healthz",
        "GET /api/inbox",
        "GET /api/nothing",
        "GET /nowhere",
    ] {
        let answer = door.as_nobody(call, "").await;
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{call}"
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{call}");
        assert_eq!(answer.header("vary"), Some("Origin"), "{call}");
    }
}

#[tokio::test]
async fn pages_of_allowed_origins_may_read_every_answer() {
    let door = Door::open().await;
    let from = [("origin", ORIGIN)];
    for call in [
        "GET /healthz",
        "GET /api/inbox",
        "GET /api/nothing",
        "DELETE /api/users",
    ] {
        let answer = door.call(call, &from, "").await;
        assert_eq!(
            answer.header("access-control-allow-origin"),
            Some(ORIGIN),
            "{call}"
        );
        assert_eq!(
            answer.header("access-control-allow-credentials"),
            None,
            "{call}"
        );
    }
    let preflight = door.call("OPTIONS /api/messages", &from, "").await;
    assert_eq!((preflight.code, preflight.body.len()), (204, 0));
    assert_eq!(
        preflight.header("access-control-allow-origin"),
        Some(ORIGIN)
    );
    assert_eq!(
        preflight.header("access-control-allow-methods"),
        Some("POST, GET, HEAD, OPTIONS")
    );
    assert_eq!(
        preflight.header("access-control-allow-headers"),
        Some("Authorization, Content-Type, X-Api-Key")
    );
}

#[tokio::test]
async fn pages_of_other_origins_may_do_nothing() {
    let door = Door::open().await;
    let li = door.user("li").await;
    let token = format!("Bearer {}", li.token);
    for origin in ["https://evil.example", "null", "https://chat.example.evil"] {
        let from = [("origin", origin), ("authorization", &*token)];
        for call in ["GET /api/inbox", "OPTIONS /api/inbox", "POST /api/logout"] {
            let answer = door.call(call, &from, "").await;
            answer.refused(403);
            assert_eq!(answer.header("access-control-allow-origin"), None);
        }
    }
    // Nothing was logged out.
    door.as_user(&li, "GET /api/inbox", "").await.good(200);
}

#[tokio::test]
async fn bodies_are_bounded() {
    let door = Door::open().await;
    let account = r#"{"name":"li","password":"correct horse"}"#;
    let padded = |bytes: usize| account.to_owned() + &" ".repeat(bytes - account.len());
    door.as_nobody("POST /api/users", &padded(64 * 1024))
        .await
        .good(201);
    let too_large = padded(64 * 1024 + 1);
    door.as_nobody("POST /api/users", &too_large)
        .await
        .refused(413);
    // A stranger's body is not even read.
    door.as_nobody("POST /api/messages", &too_large)
        .await
        .refused(401);
}
