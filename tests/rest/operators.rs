//! Health, readiness, metrics, and the description.

use serde_json::json;

use crate::door::Door;

#[tokio::test]
async fn alive_whatever_the_store_does_and_ready_only_while_it_keeps() {
    let door = Door::open().await;
    let ok = json!({"status": "ok"});
    assert_eq!(door.as_nobody("GET /healthz", "").await.good(200), ok);
    assert_eq!(door.as_nobody("GET /readyz", "").await.good(200), ok);
    door.store.fail(true);
    assert_eq!(door.as_nobody("GET /healthz", "").await.good(200), ok);
    let sentence = door.as_nobody("GET /readyz", "").await.refused(503);
    assert!(sentence.contains("the disk failed"), "{sentence}");
}

#[tokio::test]
async fn who_is_stopping_is_not_ready() {
    let door = Door::open().await;
    door.stop.send_replace(true);
    door.as_nobody("GET /healthz", "").await.good(200);
    door.as_nobody("GET /readyz", "").await.refused(503);
}

#[tokio::test]
async fn metrics_are_text_with_a_kind_for_each() {
    let door = Door::open().await;
    let wu = door.user("wu").await;
    let session = door
        .context
        .broker
        .open(door.context.clock.now(), wu.person.clone(), None, None);
    let body = r#"{"to":1,"content":"to myself"}"#;
    door.as_user(&wu, "POST /api/messages", body)
        .await
        .good(201);
    let answer = door.as_nobody("GET /metrics", "").await;
    assert_eq!(answer.code, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    let text = answer.text();
    for line in [
        "# TYPE hongyan_sessions_online gauge",
        "hongyan_sessions_online 1",
        "# TYPE hongyan_messages_stored_total counter",
        "hongyan_messages_stored_total 1",
        "hongyan_store_commits_total 17",
        "process_start_time_seconds 1504712402",
    ] {
        assert!(text.lines().any(|known| known == line), "{line} in\n{text}");
    }
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.split_once(' ').expect("a name and a value");
        value.parse::<u64>().expect(name);
        assert!(text.contains(&format!("# HELP {name} ")), "{name}");
    }
    door.context
        .broker
        .close(door.context.clock.now(), &session);
}

#[tokio::test]
async fn the_description_is_whole() {
    let door = Door::open().await;
    let document = door.as_nobody("GET /api/openapi.json", "").await.good(200);
    assert_eq!(document["openapi"], "3.1.0");
    let sending = &document["paths"]["/api/messages"]["post"];
    assert_eq!(sending["security"], json!([{"token": []}, {"apiKey": []}]));
    let body = &sending["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(body["required"], json!(["content"]));
    assert!(sending["responses"]["409"].is_object());
    let refusal = document.pointer("/components/schemas/Refusal/required");
    assert_eq!(refusal, Some(&json!(["code", "status", "content"])));
}
