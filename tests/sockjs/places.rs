//! What has an address but no session: BaseUrlGreeting, IframePage, InfoTest, SessionURLs, Http10, Http11, and all OPTIONS.

use serde_json::Value;

use crate::sockjs::http::Connection;
use crate::sockjs::http::ask;
use crate::sockjs::http::assert_cors;
use crate::sockjs::http::assert_not_cached;
use crate::sockjs::http::get;
use crate::sockjs::http::post;
use crate::sockjs::http::serve;
use crate::sockjs::http::session;

#[tokio::test]
async fn the_base_greets() {
    let address = serve().await;
    for path in ["/echo", "/echo/"] {
        let answer = get(&address, path).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, "Welcome to SockJS!\n")
        );
        assert_eq!(
            answer.head.tokens("content-type"),
            "text/plain;charset=utf-8"
        );
        assert_eq!(answer.head.get("set-cookie"), "");
    }
}

#[tokio::test]
async fn what_is_no_place_is_not_found() {
    let address = serve().await;
    for rest in [
        "/a",
        "/a.html",
        "//",
        "///",
        "/a/a",
        "/a/a/",
        "/a/",
        "/info/",
        "/iframe",
        "/IFRAME.HTML",
    ] {
        assert_eq!(
            get(&address, &format!("/echo{rest}")).await.status,
            404,
            "{rest}"
        );
    }
    for session in ["//", "/a./a", "/a/a.", "/./.", "/", "///", ""] {
        for method in ["GET", "POST"] {
            let line = format!("{method} /echo{session}/xhr");
            assert_eq!(ask(&address, &line, "", "").await.status, 404, "{line}");
        }
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let address = serve().await;
    for (line, allowed) in [
        ("POST /echo", "GET"),
        ("POST /echo/iframe.html", "GET"),
        ("POST /echo/info", "OPTIONS, GET"),
        ("POST /echo/websocket", "GET"),
        ("POST /echo/0/0/websocket", "GET"),
        ("GET /echo/0/0/xhr", "OPTIONS, POST"),
        ("T /echo/0/0/xhr", "OPTIONS, POST"),
        ("GET /echo/0/0/xhr_send", "OPTIONS, POST"),
        ("GET /echo/0/0/xhr_streaming", "OPTIONS, POST"),
        ("POST /echo/0/0/eventsource", "GET"),
        ("POST /echo/0/0/htmlfile", "GET"),
        ("POST /echo/0/0/jsonp", "GET"),
        ("GET /echo/0/0/jsonp_send", "POST"),
    ] {
        for headers in ["", "Upgrade: WebSocket\r\nConnection: Upgrade\r\n"] {
            let answer = ask(&address, line, headers, "").await;
            assert_eq!(answer.status, 405, "{line}");
            assert_eq!(answer.head.get("allow"), allowed, "{line}");
            assert_eq!(
                (answer.head.get("content-type"), answer.body.as_str()),
                ("", "")
            );
        }
    }
}

#[tokio::test]
async fn the_iframe_page_is_kept_for_a_year() {
    let address = serve().await;
    let page = |url: &str| {
        format!(
            "<!DOCTYPE html>\n<html>\n<head>\n  <meta http-equiv=\"X-UA-Compatible\" content=\"IE=edge\" />\n  \
             <meta http-equiv=\"Content-Type\" content=\"text/html; charset=UTF-8\" />\n  <script src=\"{url}\"></script>\n  \
             <script>\n    document.domain = document.domain;\n    SockJS.bootstrap_iframe();\n  </script>\n</head>\n<body>\n  \
             <h2>Don't panic!</h2>\n  <p>This is a SockJS hidden iframe. It's used for cross domain magic.</p>\n</body>\n</html>"
        )
    };
    let page = page("https://cdn.jsdelivr.net/npm/sockjs-client@1/dist/sockjs.min.js");
    let mut etag = String::new();
    for name in [
        "iframe.html",
        "iframe-a.html",
        "iframe-.html",
        "iframe-0.1.2.html",
        "iframe-0.1.2abc-dirty.2144.html",
        "iframe-a.html?t=1234",
        "iframe-0.1.2abc-dirty.2144.html?t=qweqweq123",
    ] {
        let answer = get(&address, &format!("/echo/{name}")).await;
        assert_eq!((answer.status, &answer.body), (200, &page), "{name}");
        assert_eq!(
            answer.head.tokens("content-type"),
            "text/html;charset=utf-8"
        );
        assert_eq!(answer.head.get("cache-control"), "public, max-age=31536000");
        assert_ne!(answer.head.get("expires"), "");
        assert_eq!(
            (
                answer.head.get("last-modified"),
                answer.head.get("set-cookie")
            ),
            ("", "")
        );
        etag = answer.head.get("etag").to_owned();
        assert!(etag.len() > 2);
    }
    let headers = format!("If-None-Match: {etag}\r\n");
    let answer = ask(&address, "GET /echo/iframe.html", &headers, "").await;
    assert_eq!((answer.status, answer.body.as_str()), (304, ""));
    assert_eq!(
        (answer.head.get("content-type"), answer.head.get("etag")),
        ("", etag.as_str())
    );
}

#[tokio::test]
async fn info_tells_what_there_is() {
    let address = serve().await;
    let mut entropies = Vec::new();
    for (base, websocket, cookie_needed) in [
        ("echo", true, false),
        ("disabled_websocket_echo", false, false),
        ("cookie_needed_echo", true, true),
    ] {
        let line = format!("GET /{base}/info");
        let answer = ask(&address, &line, "Origin: http://test\r\n", "").await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.head.tokens("content-type"),
            "application/json;charset=utf-8"
        );
        assert_eq!(answer.head.get("set-cookie"), "");
        assert_not_cached(&answer.head);
        assert_cors(&answer.head, "http://test");
        let info: Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!(info["websocket"], websocket);
        assert_eq!(info["cookie_needed"], cookie_needed);
        assert_eq!(info["origins"], serde_json::json!(["*:*"]));
        let entropy = info["entropy"].as_u64().expect("a number");
        assert!(entropy <= u32::MAX.into() && !entropies.contains(&entropy));
        entropies.push(entropy);
    }
}

#[tokio::test]
async fn options_are_answered_for_browsers() {
    let address = serve().await;
    for (place, methods) in [
        ("info", "OPTIONS, GET"),
        ("abc/abc/xhr", "OPTIONS, POST"),
        ("abc/abc/xhr_send", "OPTIONS, POST"),
        ("abc/abc/xhr_streaming", "OPTIONS, POST"),
    ] {
        for (origin, allowed) in [
            ("", "*"),
            ("Origin: test\r\n", "test"),
            ("Origin: null\r\n", "null"),
        ] {
            for (wanted, headers) in [("a, b, c", "a, b, c"), ("", "")] {
                let wish = format!(
                    "{origin}Access-Control-Request-Method: {methods}\r\n\
                     Access-Control-Request-Headers: {wanted}\r\n"
                );
                let answer = ask(&address, &format!("OPTIONS /echo/{place}"), &wish, "").await;
                assert_eq!((answer.status, answer.body.as_str()), (204, ""));
                assert_eq!(answer.head.get("cache-control"), "public, max-age=31536000");
                assert_ne!(answer.head.get("expires"), "");
                assert_eq!(answer.head.get("access-control-max-age"), "31536000");
                assert_eq!(answer.head.get("access-control-allow-methods"), methods);
                assert_eq!(answer.head.get("access-control-allow-headers"), headers);
                assert_cors(&answer.head, allowed);
            }
        }
    }
}

#[tokio::test]
async fn a_session_has_any_name_and_the_server_does_not_count() {
    let address = serve().await;
    for session in ["/a/a", "/_/_", "/1/1", "/abcdefgh_i-j%20/abcdefg_i-j%20"] {
        let answer = post(&address, &format!("/echo{session}/xhr"), "").await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "o\n"));
    }
    let session = session("/echo");
    assert_eq!(
        post(&address, &format!("{session}/xhr"), "").await.body,
        "o\n"
    );
    assert_eq!(
        post(&address, &format!("{session}/xhr_send"), r#"["a"]"#)
            .await
            .status,
        204
    );
    let elsewhere = session.replace("/000/", "/999/");
    assert_eq!(
        post(&address, &format!("{elsewhere}/xhr"), "").await.body,
        "a[\"a\"]\n"
    );
}

#[tokio::test]
async fn a_connection_is_kept_by_either_version_of_http() {
    let address = serve().await;
    for version in ["1.0", "1.1"] {
        let mut connection = Connection::open(&address).await;
        for _ in 0..2 {
            let line = format!("GET /echo HTTP/{version}");
            let head = connection
                .ask(&line, "Connection: Keep-Alive\r\n", b"")
                .await;
            assert_eq!(head.status, 200);
            assert_eq!(
                (head.get("content-length"), head.get("transfer-encoding")),
                ("19", "")
            );
            assert!(["keep-alive", ""].contains(&head.tokens("connection").as_str()));
            assert_eq!(connection.read(19).await, "Welcome to SockJS!\n");
        }
    }
}

#[tokio::test]
async fn a_stream_has_no_length_in_either_version_of_http() {
    let address = serve().await;
    let mut old = Connection::open(&address).await;
    let line = format!("POST {}/xhr_streaming HTTP/1.0", session("/close"));
    let head = old.ask(&line, "Connection: Keep-Alive\r\n", b"").await;
    assert_eq!(head.status, 200);
    assert_eq!(
        (head.get("content-length"), head.get("transfer-encoding")),
        ("", "")
    );
    assert!(old.read(2049).await.starts_with('h'));
    assert_eq!(old.read(21).await, "o\nc[3000,\"Go away!\"]\n");
    assert!(old.is_closed().await);

    let mut new = Connection::open(&address).await;
    let line = format!("POST {}/xhr_streaming", session("/close"));
    let head = new.ask(&line, "Connection: Keep-Alive\r\n", b"").await;
    assert_eq!(
        (head.get("content-length"), head.get("transfer-encoding")),
        ("", "chunked")
    );
    assert!(new.chunk().await.starts_with('h'));
    assert_eq!(new.chunk().await, "o\n");
    assert_eq!(new.chunk().await, "c[3000,\"Go away!\"]\n");
    assert_eq!(new.chunk().await, "");
    assert_eq!(
        new.ask("GET /echo", "", b"").await.status,
        200,
        "it can be used again"
    );
}
