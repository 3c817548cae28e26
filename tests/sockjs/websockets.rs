//! WebsocketHttpErrors, WebsocketHybi10, RawWebsocket.

use futures_util::SinkExt;
use futures_util::StreamExt;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::sockjs::http::ask;
use crate::sockjs::http::serve;
use crate::sockjs::http::session;
use crate::sockjs::http::stream;
use crate::support::client::soon;

type Socket = WebSocketStream<TcpStream>;

async fn open(address: &str, path: &str) -> Socket {
    let stream = TcpStream::connect(address).await.expect("a connection");
    let upgrade = client_async(format!("ws://{address}{path}"), stream);
    soon("the upgrade", upgrade).await.expect("an upgrade").0
}

async fn say(socket: &mut Socket, text: &str) {
    socket.send(Message::text(text)).await.expect("sent");
}

/// The next text, or how the connection ended.
async fn hear(socket: &mut Socket) -> Result<String, Option<CloseFrame>> {
    match soon("a message", socket.next()).await {
        Some(Ok(Message::Text(text))) => Ok(text.to_string()),
        Some(Ok(Message::Close(frame))) => Err(frame),
        Some(Ok(other)) => panic!("{other:?}"),
        Some(Err(_)) | None => Err(None),
    }
}

#[tokio::test]
async fn what_is_no_upgrade_is_refused_by_name() {
    let address = serve().await;
    for path in ["/echo/0/0/websocket", "/echo/websocket"] {
        for (headers, status, refusal) in [
            ("", 400, "Can \"Upgrade\" only to \"WebSocket\"."),
            (
                "Upgrade: h2c\r\nConnection: Upgrade\r\n",
                400,
                "Can \"Upgrade\" only to \"WebSocket\".",
            ),
            (
                "Upgrade: WebSocket\r\nConnection: close\r\n",
                400,
                "\"Connection\" must be \"Upgrade\".",
            ),
            (
                "Upgrade: WebSocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 99\r\n",
                426,
                "Sec-WebSocket-Version must be 13.",
            ),
        ] {
            let answer = ask(&address, &format!("GET {path}"), headers, "").await;
            assert_eq!((answer.status, answer.body.as_str()), (status, refusal));
        }
    }
}

#[tokio::test]
async fn an_upgrade_is_answered() {
    let address = serve().await;
    for connection in ["Upgrade", "keep-alive, Upgrade"] {
        let line = format!("GET {}/websocket", session("/echo"));
        let headers = format!(
            "Upgrade: websocket\r\nConnection: {connection}\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Origin: http://asd\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n"
        );
        let (_, head) = stream(&address, &line, &headers).await;
        assert_eq!(head.status, 101);
        assert_eq!(
            head.get("sec-websocket-accept"),
            "HSmrc0sMlYUkAGmm5OPpG2HaGWk="
        );
        assert_eq!(head.tokens("connection"), "upgrade");
        assert_eq!(head.tokens("upgrade"), "websocket");
        assert_eq!(head.get("content-length"), "");
    }
}

#[tokio::test]
async fn frames_go_both_ways_and_an_id_may_be_used_again() {
    let address = serve().await;
    let path = format!("{}/websocket", session("/echo"));
    let mut sockets = [open(&address, &path).await, open(&address, &path).await];
    for socket in &mut sockets {
        assert_eq!(hear(socket).await.as_deref(), Ok("o"));
        for nothing in ["", "[]"] {
            say(socket, nothing).await;
        }
        for (sent, frame) in [
            (r#"["a"]"#, r#"a["a"]"#),
            (r#""bare""#, r#"a["bare"]"#),
            (r#"["\ud83d\ude00"]"#, r#"a["😀"]"#),
            // Cut between the halves, as clients do that split long messages.
            (r#"["cut \ud83d"]"#, r#"a["cut "]"#),
            (r#"["\ude00 whole"]"#, r#"a["😀 whole"]"#),
        ] {
            say(socket, sent).await;
            assert_eq!(hear(socket).await.as_deref(), Ok(frame));
        }
    }
    let [mut first, second] = sockets;
    drop(second);
    say(&mut first, r#"["still here"]"#).await;
    assert_eq!(hear(&mut first).await.as_deref(), Ok(r#"a["still here"]"#));
}

#[tokio::test]
async fn a_close_frame_comes_before_the_close() {
    let address = serve().await;
    let mut socket = open(&address, &format!("{}/websocket", session("/close"))).await;
    assert_eq!(hear(&mut socket).await.as_deref(), Ok("o"));
    assert_eq!(
        hear(&mut socket).await.as_deref(),
        Ok("c[3000,\"Go away!\"]")
    );
    assert!(hear(&mut socket).await.is_err());
}

#[tokio::test]
async fn broken_json_ends_the_connection_without_a_word() {
    let address = serve().await;
    for broken in [r#"["a"#, "a", "{}", "[1]"] {
        let mut socket = open(&address, &format!("{}/websocket", session("/echo"))).await;
        assert_eq!(hear(&mut socket).await.as_deref(), Ok("o"));
        say(&mut socket, broken).await;
        assert!(hear(&mut socket).await.is_err(), "{broken}");
    }
}

#[tokio::test]
async fn a_raw_websocket_has_no_frames() {
    let address = serve().await;
    for path in ["/echo/websocket", "/echo", "/echo/"] {
        let mut socket = open(&address, path).await;
        for text in ["Hello world!\u{ffff}", "[\"a\"]"] {
            say(&mut socket, text).await;
            assert_eq!(hear(&mut socket).await.as_deref(), Ok(text));
        }
    }
    let mut socket = open(&address, "/close/websocket").await;
    let close = hear(&mut socket)
        .await
        .expect_err("a close")
        .expect("a reason");
    assert_eq!(
        (u16::from(close.code), close.reason.as_str()),
        (3000, "Go away!")
    );
}

#[tokio::test]
async fn where_there_are_no_websockets_there_is_no_such_place() {
    let address = serve().await;
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n";
    for path in ["/websocket", "/0/0/websocket"] {
        let line = format!("GET /disabled_websocket_echo{path}");
        assert_eq!(ask(&address, &line, upgrade, "").await.status, 404);
    }
}
