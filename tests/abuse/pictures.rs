//! Pictures that are paths or pages.

use serde_json::json;

use crate::bystander::Bystanders;
use crate::house::House;
use crate::injected::PROMISE;
use crate::raw;
use crate::support::client::http;
use crate::support::fire::Attack;
use crate::support::people;

/// What is asked for instead of a picture, and pictures that are also pages.
#[tokio::test]
async fn no_path_and_no_page_is_a_picture() {
    let mut attack = Attack::on(
        "abuse-pictures",
        PROMISE,
        "`tests/abuse/pictures.rs`, `no_path_and_no_page_is_a_picture`",
    );
    let house = House::open(&[]);
    let token = people::token(1);
    let bearer = format!("Authorization: Bearer {token}\r\n");
    let bystanders = Bystanders::begin(&house).await;
    let mut tried = 0;
    let mut ids = Vec::new();
    for (magic, media) in [
        (&b"\x89PNG\r\n\x1a\n"[..], "image/png"),
        (b"GIF89a", "image/gif"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
    ] {
        let page = b"<html><script>alert(1)</script><?php system('id') ?>%PDF-1.4 PK\x03\x04";
        let picture = [magic, page].concat();
        let head = format!(
            "POST /api/images HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/html\r\n{bearer}Content-Length: {}\r\n\r\n",
            picture.len()
        );
        let answer = raw::answer(house.address(), &[head.as_bytes(), &picture].concat()).await;
        let (_, id) = answer.split_once("\"id\":\"").expect("an id");
        let id = id[..32].to_owned();
        for (query, accept) in [
            ("", "text/html"),
            ("?type=text/html", "*/*"),
            ("?callback=x", "application/javascript"),
        ] {
            let headers = format!("{bearer}Accept: {accept}\r\n");
            let shown = house
                .call(&format!("GET /api/images/{id}{query}"), &headers, "")
                .await;
            assert_eq!(shown.status, 200, "{}", shown.head);
            assert_eq!(shown.header("Content-Type"), Some(media));
            assert_eq!(shown.header("X-Content-Type-Options"), Some("nosniff"));
            let policy = shown.header("Content-Security-Policy").expect("a policy");
            assert!(
                policy.contains("default-src 'none'") && policy.contains("sandbox"),
                "{policy}"
            );
            tried += 1;
        }
        ids.push(id);
    }
    let id = &ids[0];
    let long = "a".repeat(10_000);
    let of_ours = [
        "../hongyan.db".to_owned(),
        "..%2fhongyan.db".to_owned(),
        "%2e%2e%2fhongyan.db".to_owned(),
        "%2e%2e/%2e%2e/etc/passwd".to_owned(),
        "..%5c..%5cetc%5cpasswd".to_owned(),
        "....//....//etc/passwd".to_owned(),
        "%252e%252e%252fetc%252fpasswd".to_owned(),
        "..%c0%af..%c0%afetc%c0%afpasswd".to_owned(),
        "/etc/passwd".to_owned(),
        "%2fetc%2fpasswd".to_owned(),
        "file:%2f%2f%2fetc%2fpasswd".to_owned(),
        ".".to_owned(),
        "..".to_owned(),
        "%2e".to_owned(),
        "%00".to_owned(),
        "".to_owned(),
        "*".to_owned(),
        "images".to_owned(),
        "CON".to_owned(),
        "-1".to_owned(),
        "0".to_owned(),
        long,
        format!("{id}%00"),
        format!("{id}%00.png"),
        format!("{id}.png"),
        format!("{id}/"),
        format!("{id}/../{id}"),
        format!("./{id}"),
        format!("..%2fimages%2f{id}"),
        format!("{id}%20"),
        format!("{id}%0a"),
        format!("%20{id}"),
        format!("{id}0"),
        id[..31].to_owned(),
        format!("{id},{id}"),
        "0".repeat(32),
        "g".repeat(32),
        "%ff".repeat(32),
    ];
    for path in of_ours {
        for method in ["GET", "HEAD", "DELETE", "PUT"] {
            let (status, head, body) = http(
                house.address(),
                method,
                &format!("/api/images/{path}"),
                &bearer,
                "",
            )
            .await;
            let good = [400, 404, 405, 414, 431].contains(&status);
            assert!(good, "{method} {path}: {head}");
            assert!(
                !body.contains("root:") && !body.contains("SQLite"),
                "{body}"
            );
            tried += 1;
        }
        // As what a message shows.
        let body = json!({ "to": 1, "content": path, "type": "image" }).to_string();
        let answer = house.call_as(&token, "POST /api/messages", &body).await;
        assert!(
            [400, 404, 422].contains(&answer.status),
            "{path}: {}",
            answer.body
        );
    }
    bystanders.end(&house, &mut attack).await;
    attack.count("paths and pages that are no pictures", tried);
    attack.repelled();
}
