//! Pictures: what is one, who sees it, and how it is handed out.

use serde_json::json;

use crate::door::Door;

/// The smallest thing that begins as a PNG does.
pub const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and the rest";

const KEEP: &str = "POST /api/images";

#[tokio::test]
async fn a_picture_is_what_its_first_bytes_say() {
    let door = Door::unhurried().await;
    let li = door.user("li").await;
    for (bytes, media) in [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0 and the rest", "image/jpeg"),
        (b"GIF89a and the rest", "image/gif"),
        (b"RIFF\x04\0\0\0WEBPVP8 ", "image/webp"),
    ] {
        let kept = door.as_user_with(&li, KEEP, bytes).await.good(201);
        let show = format!("GET /api/images/{}", kept["id"].as_str().expect("an id"));
        let shown = door.as_user(&li, &show, "").await;
        assert_eq!((shown.code, &*shown.body), (200, bytes));
        assert_eq!(shown.header("content-type"), Some(media));
        assert_eq!(shown.header("x-content-type-options"), Some("nosniff"));
        let caching = shown.header("cache-control").expect("a word on it");
        assert!(caching.starts_with("private,"), "{caching}");
        let varies = shown.headers.get_all("vary").iter();
        let varies: Vec<_> = varies.map(|value| value.to_str().unwrap()).collect();
        assert_eq!(varies, ["Authorization", "Origin"]);
    }
    for (bytes, code) in [
        (&b""[..], 415),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415),
        (b"<html><script>", 415),
        (b"\x89PNG", 415),
    ] {
        door.as_user_with(&li, KEEP, bytes).await.refused(code);
    }
}

#[tokio::test]
async fn a_picture_has_at_most_five_mebibytes() {
    let door = Door::unhurried().await;
    let li = door.user("li").await;
    let picture = |bytes: usize| [PNG, &vec![0; bytes - PNG.len()]].concat();
    let most = 5 << 20;
    door.as_user_with(&li, KEEP, picture(most)).await.good(201);
    let refused = door.as_user_with(&li, KEEP, picture(most + 1)).await;
    refused.refused(413);
}

#[tokio::test]
async fn a_picture_is_seen_by_those_it_was_sent_to() {
    let door = Door::unhurried().await;
    let (li, wu, jun) = (
        door.user("li").await,
        door.user("wu").await,
        door.user("jun").await,
    );
    let kept = door.as_user_with(&li, KEEP, PNG).await.good(201);
    let show = format!("GET /api/images/{}", kept["id"].as_str().expect("an id"));
    door.as_user(&wu, &show, "").await.refused(404);
    let message = json!({"to": 2, "content": kept["id"], "type": "image"}).to_string();
    door.as_user(&li, "POST /api/messages", &message)
        .await
        .good(201);
    assert_eq!(door.as_user(&wu, &show, "").await.code, 200);
    door.as_user(&jun, &show, "").await.refused(404);
    let inbox = door.as_user(&wu, "GET /api/inbox", "").await.good(200);
    assert_eq!(inbox["messages"][0]["type"], "image");
    // Whoever sees it may pass it on; whoever does not, may not guess.
    let onwards = message.replace("\"to\":2", "\"to\":3");
    door.as_user(&jun, "POST /api/messages", &onwards)
        .await
        .refused(404);
    door.as_user(&wu, "POST /api/messages", &onwards)
        .await
        .good(201);
    assert_eq!(door.as_user(&jun, &show, "").await.code, 200);
    let song = message.replace("image", "song");
    door.as_user(&li, "POST /api/messages", &song)
        .await
        .refused(400);
}

#[tokio::test]
async fn nothing_else_is_a_picture() {
    let door = Door::unhurried().await;
    let li = door.user("li").await;
    let kept = door.as_user_with(&li, KEEP, PNG).await.good(201);
    let id = kept["id"].as_str().expect("an id");
    for other in [
        "0",
        "..",
        "../hongyan.db",
        "..%2Fhongyan.db",
        "%2e%2e%2fjwt.key",
        "%00",
        ".",
        &id[1..],
        &format!("{id}0"),
        &format!("{id}%00"),
        &format!("{id}.png"),
        &format!("{id}/"),
        &format!("./{id}"),
        &"0".repeat(32),
        &"F".repeat(32),
    ] {
        let call = format!("GET /api/images/{other}");
        door.as_user(&li, &call, "").await.refused(404);
    }
}
