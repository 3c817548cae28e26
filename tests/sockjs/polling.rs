//! A request for each frame: Protocol, XhrPolling, JsonPolling, JsessionidCookie, JSONEncoding.

use std::fmt::Write as _;

use crate::sockjs::http::ask;
use crate::sockjs::http::assert_cors;
use crate::sockjs::http::assert_not_cached;
use crate::sockjs::http::get;
use crate::sockjs::http::post;
use crate::sockjs::http::serve;
use crate::sockjs::http::session;
use crate::sockjs::http::stream;

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

#[tokio::test]
async fn xhr_carries_messages_both_ways() {
    let address = serve().await;
    let session = session("/echo");
    for (path, body, status, kind, answered) in [
        (
            "xhr",
            "",
            200,
            "application/javascript;charset=utf-8",
            "o\n",
        ),
        ("xhr_send", r#"["x"]"#, 204, "text/plain;charset=utf-8", ""),
        (
            "xhr",
            "",
            200,
            "application/javascript;charset=utf-8",
            "a[\"x\"]\n",
        ),
        ("xhr_send", "[]", 204, "text/plain;charset=utf-8", ""),
        (
            "xhr_send",
            r#"["y","z"]"#,
            204,
            "text/plain;charset=utf-8",
            "",
        ),
        (
            "xhr",
            "",
            200,
            "application/javascript;charset=utf-8",
            "a[\"y\",\"z\"]\n",
        ),
    ] {
        let line = format!("POST {session}/{path}");
        let headers = "Origin: test\r\nAccess-Control-Request-Headers: a, b, c\r\n";
        let answer = ask(&address, &line, headers, body).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (status, answered),
            "{body}"
        );
        assert_eq!(answer.head.tokens("content-type"), kind);
        assert_eq!(answer.head.get("access-control-allow-headers"), "a, b, c");
        assert_cors(&answer.head, "test");
        assert_not_cached(&answer.head);
        assert_eq!(answer.head.get("set-cookie"), "");
    }
}

#[tokio::test]
async fn origins_are_echoed() {
    let address = serve().await;
    for (headers, origin) in [
        ("", "*"),
        ("Origin: http://a\r\n", "http://a"),
        ("Origin: null\r\n", "null"),
    ] {
        let line = format!("POST {}/xhr", session("/echo"));
        let answer = ask(&address, &line, headers, "").await;
        assert_eq!(answer.body, "o\n");
        assert_cors(&answer.head, origin);
        assert_eq!(answer.head.get("access-control-allow-headers"), "");
    }
}

#[tokio::test]
async fn bodies_are_refused_by_name_and_the_session_goes_on() {
    let address = serve().await;
    let session = session("/echo");
    assert_eq!(
        post(&address, &format!("{session}/xhr"), "").await.body,
        "o\n"
    );
    for (path, headers, body, refusal) in [
        ("xhr_send", "", r#"["x"#, "Broken JSON encoding."),
        ("xhr_send", "", "x", "Broken JSON encoding."),
        ("xhr_send", "", "[1]", "Broken JSON encoding."),
        ("xhr_send", "", "", "Payload expected."),
        ("xhr_send", "", r#""x""#, "Payload expected."),
        ("jsonp_send", FORM, "d=%5B%22x", "Broken JSON encoding."),
        ("jsonp_send", FORM, "", "Payload expected."),
        ("jsonp_send", FORM, "d=", "Payload expected."),
        ("jsonp_send", FORM, "p=p", "Payload expected."),
        (
            "jsonp_send",
            "Content-Type: image/png\r\n",
            r#"["x"]"#,
            "Payload expected.",
        ),
    ] {
        let answer = ask(&address, &format!("POST {session}/{path}"), headers, body).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (500, refusal),
            "{path} {body}"
        );
        assert_not_cached(&answer.head);
    }
    let (mut connection, head) = stream(&address, "GET /echo", "").await;
    connection.body(&head).await;
    let head = connection
        .ask(&format!("POST {session}/xhr_send"), "", b"[\"\xff\"]")
        .await;
    assert_eq!(
        (head.status, connection.body(&head).await.as_str()),
        (500, "Broken JSON encoding.")
    );

    assert_eq!(
        post(&address, &format!("{session}/xhr_send"), r#"["a"]"#)
            .await
            .status,
        204
    );
    assert_eq!(
        post(&address, &format!("{session}/xhr"), "").await.body,
        "a[\"a\"]\n"
    );
}

#[tokio::test]
async fn a_pair_that_was_cut_between_two_posts_is_whole_again() {
    let address = serve().await;
    let session = session("/echo");
    post(&address, &format!("{session}/xhr"), "").await;
    for (sent, status, received) in [
        (r#"["cut \ud83d"]"#, 204, "a[\"cut \"]\n"),
        (r#"["\ude00 broken"#, 500, ""),
        (r#"["\ude00 whole"]"#, 204, "a[\"😀 whole\"]\n"),
        (r#"["\ud83d"]"#, 204, "a[\"\"]\n"),
        (r#"["lost"]"#, 204, "a[\"\\ufffdlost\"]\n"),
    ] {
        let answer = post(&address, &format!("{session}/xhr_send"), sent).await;
        assert_eq!(answer.status, status, "{sent}");
        if status == 204 {
            let answer = post(&address, &format!("{session}/xhr"), "").await;
            assert_eq!(answer.body, received, "{sent}");
        }
    }
}

#[tokio::test]
async fn a_session_that_is_not_there_takes_nothing() {
    let address = serve().await;
    for (path, headers, body) in [
        ("xhr_send", "", r#"["x"]"#),
        ("jsonp_send", FORM, "d=%5B%22x%22%5D"),
    ] {
        let line = format!("POST {}/{path}", session("/echo"));
        assert_eq!(ask(&address, &line, headers, body).await.status, 404);
    }
}

#[tokio::test]
async fn xhr_takes_any_content_type() {
    let address = serve().await;
    let session = session("/echo");
    assert_eq!(
        post(&address, &format!("{session}/xhr"), "").await.body,
        "o\n"
    );
    let kinds = [
        "text/plain",
        "T",
        "application/json",
        "application/xml",
        "",
        "application/json; charset=utf-8",
        "text/xml; charset=utf-8",
        "text/xml",
    ];
    for kind in kinds {
        let headers = format!("Content-Type: {kind}\r\n");
        let answer = ask(
            &address,
            &format!("POST {session}/xhr_send"),
            &headers,
            r#"["a"]"#,
        )
        .await;
        assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    }
    let all = format!("a[{}]\n", vec!["\"a\""; kinds.len()].join(","));
    assert_eq!(
        post(&address, &format!("{session}/xhr"), "").await.body,
        all
    );
}

#[tokio::test]
async fn one_receives_at_a_time_and_a_close_is_repeated() {
    let address = serve().await;
    let session = session("/echo");
    let xhr = format!("POST {session}/xhr");
    assert_eq!(ask(&address, &xhr, "", "").await.body, "o\n");
    let (first, head) = stream(&address, &xhr, "").await;
    assert_eq!(head.status, 200);
    let second = ask(&address, &xhr, "", "").await;
    assert_eq!(
        (second.status, second.body.as_str()),
        (200, "c[2010,\"Another connection still open\"]\n")
    );
    // The first breaks off, and with it the session.
    drop(first);
    assert_eq!(
        ask(&address, &xhr, "", "").await.body,
        "c[1002,\"Connection interrupted\"]\n"
    );

    let closing = format!("{}/xhr", self::session("/close"));
    for body in ["o\n", "c[3000,\"Go away!\"]\n", "c[3000,\"Go away!\"]\n"] {
        assert_eq!(post(&address, &closing, "").await.body, body);
    }
}

#[tokio::test]
async fn jsonp_calls_and_takes_forms() {
    let address = serve().await;
    let session = session("/echo");
    let jsonp = format!("{session}/jsonp?c=%63allback");
    let answer = get(&address, &jsonp).await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (200, "/**/callback(\"o\");\r\n")
    );
    assert_eq!(
        answer.head.tokens("content-type"),
        "application/javascript;charset=utf-8"
    );
    assert_not_cached(&answer.head);
    for (headers, body) in [
        (FORM, "d=%5B%5D"),
        (FORM, "d=%5B%22abc%22%5D"),
        ("Content-Type: text/plain\r\n", r#"["%61bc"]"#),
        ("", r#"["a+c","</script>"]"#),
    ] {
        let answer = ask(
            &address,
            &format!("POST {session}/jsonp_send"),
            headers,
            body,
        )
        .await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "ok"));
        assert_eq!(
            answer.head.tokens("content-type"),
            "text/plain;charset=utf-8"
        );
        assert_not_cached(&answer.head);
    }
    let answer = get(&address, &jsonp).await;
    let calls = r#"/**/callback("a[\"abc\",\"%61bc\",\"a+c\",\"\u003c/script>\"]");"#;
    assert_eq!(answer.body, format!("{calls}\r\n"));

    let closing = format!("{}/jsonp?callback=x", self::session("/close"));
    for frame in ["o", r#"c[3000,\"Go away!\"]"#, r#"c[3000,\"Go away!\"]"#] {
        assert_eq!(
            get(&address, &closing).await.body,
            format!("/**/x(\"{frame}\");\r\n")
        );
    }
}

#[tokio::test]
async fn a_callback_is_a_name() {
    let address = serve().await;
    for transport in ["jsonp", "htmlfile"] {
        for (query, refusal) in [
            ("", "\"callback\" parameter required"),
            ("?t=1", "\"callback\" parameter required"),
            ("?c=%20", "invalid \"callback\" parameter"),
            ("?c=*", "invalid \"callback\" parameter"),
            ("?c=abc(", "invalid \"callback\" parameter"),
            ("?c=abc%28", "invalid \"callback\" parameter"),
        ] {
            let answer = get(&address, &format!("/echo/a/a/{transport}{query}")).await;
            assert_eq!(
                (answer.status, answer.body.as_str()),
                (500, refusal),
                "{query}"
            );
        }
    }
}

#[tokio::test]
async fn the_cookie_is_set_or_echoed_where_it_is_needed() {
    let address = serve().await;
    for (method, transport) in [
        ("POST", "xhr"),
        ("POST", "xhr_streaming"),
        ("GET", "eventsource"),
        ("GET", "htmlfile?c=a"),
        ("GET", "jsonp?c=a"),
    ] {
        for (cookie, echoed) in [
            ("", "dummy"),
            ("Cookie: JSESSIONID=abcdef\r\n", "abcdef"),
            ("Cookie: a=b; JSESSIONID=abcdef; c=d\r\n", "abcdef"),
        ] {
            let line = format!("{method} {}/{transport}", session("/cookie_needed_echo"));
            let (_, head) = stream(&address, &line, cookie).await;
            assert_eq!(
                head.get("set-cookie"),
                format!("JSESSIONID={echoed}; path=/"),
                "{line}"
            );
            let line = format!("{method} {}/{transport}", session("/echo"));
            assert_eq!(
                stream(&address, &line, cookie).await.1.get("set-cookie"),
                ""
            );
        }
    }
    let session = session("/cookie_needed_echo");
    get(&address, &format!("{session}/jsonp?c=a")).await;
    let answer = ask(
        &address,
        &format!("POST {session}/jsonp_send"),
        FORM,
        "d=%5B%5D",
    )
    .await;
    assert_eq!(answer.head.get("set-cookie"), "JSESSIONID=dummy; path=/");
}

#[tokio::test]
async fn what_browsers_mangle_is_escaped() {
    let address = serve().await;
    let session = session("/echo");
    assert_eq!(
        post(&address, &format!("{session}/xhr"), "").await.body,
        "o\n"
    );
    let (mut raw, mut escaped) = (String::new(), String::new());
    for range in [
        0x200c..=0x200f_u32,
        0x2028..=0x202f,
        0x2060..=0x206f,
        0xfff0..=0xffff,
    ] {
        for code in range {
            raw.extend(char::from_u32(code));
            let _ = write!(escaped, "\\u{code:04x}");
        }
    }
    let xhr = format!("{session}/xhr");
    assert_eq!(
        post(
            &address,
            &format!("{session}/xhr_send"),
            &format!("[\"{raw}\"]")
        )
        .await
        .status,
        204
    );
    assert_eq!(
        post(&address, &xhr, "").await.body,
        format!("a[\"{escaped}\"]\n")
    );

    let all: String = ('\0'..='\u{ffff}').collect();
    let escaped: String = all.chars().fold(String::new(), |mut text, character| {
        let _ = write!(text, "\\u{:04x}", u32::from(character));
        text
    });
    assert_eq!(
        post(
            &address,
            &format!("{session}/xhr_send"),
            &format!("[\"{escaped}\"]")
        )
        .await
        .status,
        204
    );
    let body = post(&address, &xhr, "").await.body;
    let back: Vec<String> =
        serde_json::from_str(body.trim_end().trim_start_matches('a')).expect("JSON");
    assert_eq!(back, [all]);
}
