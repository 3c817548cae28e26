//! Many frames in one answer: XhrStreaming, EventSource, HtmlFile, HandlingClose.

use crate::sockjs::http::assert_cors;
use crate::sockjs::http::assert_not_cached;
use crate::sockjs::http::post;
use crate::sockjs::http::serve;
use crate::sockjs::http::session;
use crate::sockjs::http::stream;

#[tokio::test]
async fn xhr_streaming_begins_with_2_kib_and_ends_after_4() {
    let address = serve().await;
    let session = session("/echo");
    let line = format!("POST {session}/xhr_streaming");
    let (mut receiver, head) = stream(&address, &line, "Origin: test\r\n").await;
    assert_eq!(head.status, 200);
    assert_eq!(
        head.tokens("content-type"),
        "application/javascript;charset=utf-8"
    );
    assert_cors(&head, "test");
    assert_not_cached(&head);
    assert_eq!(receiver.chunk().await, format!("{}\n", "h".repeat(2048)));
    assert_eq!(receiver.chunk().await, "o\n");
    let message = format!("\"{}\"", "x".repeat(128));
    for _ in 0..31 {
        let sent = post(
            &address,
            &format!("{session}/xhr_send"),
            &format!("[{message}]"),
        )
        .await;
        assert_eq!((sent.status, sent.body.as_str()), (204, ""));
        assert_eq!(receiver.chunk().await, format!("a[{message}]\n"));
    }
    assert_eq!(receiver.chunk().await, "");
    // The next request goes on where this one ended.
    post(&address, &format!("{session}/xhr_send"), r#"["more"]"#).await;
    let (mut receiver, _) = stream(&address, &line, "").await;
    receiver.chunk().await;
    assert_eq!(receiver.chunk().await, "a[\"more\"]\n");
}

#[tokio::test]
async fn eventsource_sends_events() {
    let address = serve().await;
    let session = session("/echo");
    let (mut receiver, head) = stream(&address, &format!("GET {session}/eventsource"), "").await;
    assert_eq!(head.status, 200);
    assert_eq!(head.get("content-type"), "text/event-stream");
    assert_cors(&head, "*");
    assert_not_cached(&head);
    assert_eq!(receiver.chunk().await, "\r\n");
    assert_eq!(receiver.chunk().await, "data: o\r\n\r\n");
    for (sent, frame) in [
        (r#"["x"]"#, r#"a["x"]"#),
        (r#"["  \u0000\n\r "]"#, r#"a["  \u0000\n\r "]"#),
        // Clients undo percent-encoding.
        (r#"["100%"]"#, r#"a["100%25"]"#),
    ] {
        assert_eq!(
            post(&address, &format!("{session}/xhr_send"), sent)
                .await
                .status,
            204
        );
        assert_eq!(receiver.chunk().await, format!("data: {frame}\r\n\r\n"));
    }
    let long = format!("[\"{}\"]", "x".repeat(4096));
    assert_eq!(
        post(&address, &format!("{session}/xhr_send"), &long)
            .await
            .status,
        204
    );
    assert_eq!(receiver.chunk().await, format!("data: a{long}\r\n\r\n"));
    assert_eq!(receiver.chunk().await, "");
}

#[tokio::test]
async fn htmlfile_sends_scripts() {
    let address = serve().await;
    let session = session("/echo");
    let line = format!("GET {session}/htmlfile?c=%63allback");
    let (mut receiver, head) = stream(&address, &line, "").await;
    assert_eq!(head.status, 200);
    assert_eq!(head.tokens("content-type"), "text/html;charset=utf-8");
    assert_not_cached(&head);
    let prelude = receiver.chunk().await;
    assert!(prelude.len() > 1024);
    assert_eq!(
        prelude.trim(),
        "<!doctype html>\n<html><head>\n  <meta http-equiv=\"X-UA-Compatible\" content=\"IE=edge\" />\n  \
         <meta http-equiv=\"Content-Type\" content=\"text/html; charset=UTF-8\" />\n</head><body><h2>Don't panic!</h2>\n  \
         <script>\n    document.domain = document.domain;\n    var c = parent.callback;\n    c.start();\n    \
         function p(d) {c.message(d);};\n    window.onload = function() {c.stop();};\n  </script>"
    );
    let script = |frame: &str| format!("<script>\np(\"{frame}\");\n</script>\r\n");
    assert_eq!(receiver.chunk().await, script("o"));
    for (sent, frame) in [
        (r#"["x"]"#, r#"a[\"x\"]"#),
        // A script in a message is none in the page.
        (r#"["</script>"]"#, r#"a[\"\u003c/script>\"]"#),
    ] {
        assert_eq!(
            post(&address, &format!("{session}/xhr_send"), sent)
                .await
                .status,
            204
        );
        assert_eq!(receiver.chunk().await, script(frame));
    }
    let long = "x".repeat(4096);
    let sent = format!("[\"{long}\"]");
    assert_eq!(
        post(&address, &format!("{session}/xhr_send"), &sent)
            .await
            .status,
        204
    );
    assert_eq!(
        receiver.chunk().await,
        script(&format!("a[\\\"{long}\\\"]"))
    );
    assert_eq!(receiver.chunk().await, "");
}

#[tokio::test]
async fn a_long_message_is_one_chunk() {
    let address = serve().await;
    let session = session("/amplify");
    let line = format!("POST {session}/xhr_streaming");
    for (asked, bytes) in [("1", 2), ("18", 1 << 18), ("19", 2), ("-1", 2), ("x", 2)] {
        let (mut receiver, _) = stream(&address, &line, "").await;
        receiver.chunk().await;
        if asked == "1" {
            assert_eq!(receiver.chunk().await, "o\n");
        }
        let sent = post(
            &address,
            &format!("{session}/xhr_send"),
            &format!("[\"{asked}\"]"),
        )
        .await;
        assert_eq!(sent.status, 204);
        assert_eq!(
            receiver.chunk().await,
            format!("a[\"{}\"]\n", "x".repeat(bytes))
        );
        if bytes < 4096 {
            // Makes the answer long enough to end by itself.
            post(&address, &format!("{session}/xhr_send"), "[\"12\"]").await;
            receiver.chunk().await;
        }
        assert_eq!(receiver.chunk().await, "");
    }
}

#[tokio::test]
async fn whoever_comes_after_a_close_hears_of_it_too() {
    let address = serve().await;
    let line = format!("POST {}/xhr_streaming", session("/close"));
    let (mut first, _) = stream(&address, &line, "").await;
    first.chunk().await;
    assert_eq!(first.chunk().await, "o\n");
    assert_eq!(first.chunk().await, "c[3000,\"Go away!\"]\n");
    let (mut second, _) = stream(&address, &line, "").await;
    second.chunk().await;
    assert_eq!(second.chunk().await, "c[3000,\"Go away!\"]\n");
    assert_eq!(
        (first.chunk().await.as_str(), second.chunk().await.as_str()),
        ("", "")
    );
}

#[tokio::test]
async fn whoever_comes_too_many_is_sent_away_and_whoever_breaks_off_ends_the_session() {
    let address = serve().await;
    let session = session("/echo");
    let line = format!("POST {session}/xhr_streaming");
    let (mut first, _) = stream(&address, &line, "").await;
    first.chunk().await;
    assert_eq!(first.chunk().await, "o\n");
    for (line, prelude, frame) in [
        (
            line.clone(),
            'h',
            "c[2010,\"Another connection still open\"]\n",
        ),
        (
            format!("GET {session}/eventsource"),
            '\r',
            "data: c[2010,\"Another connection still open\"]\r\n\r\n",
        ),
    ] {
        let (mut second, _) = stream(&address, &line, "").await;
        assert!(second.chunk().await.starts_with(prelude));
        assert_eq!(second.chunk().await, frame);
        assert_eq!(second.chunk().await, "");
    }
    drop(first);
    let (mut third, _) = stream(&address, &line, "").await;
    third.chunk().await;
    assert_eq!(third.chunk().await, "c[1002,\"Connection interrupted\"]\n");
    assert_eq!(third.chunk().await, "");
}
