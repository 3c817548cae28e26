//! From polls to a WebSocket.

use hongyan::transports::Heard;
use hongyan::transports::Lost;

use crate::socketio::client::Polling;
use crate::socketio::client::Web;
use crate::socketio::client::ask;
use crate::socketio::client::dial;
use crate::socketio::stage::options;
use crate::socketio::stage::soon;
use crate::socketio::stage::theatre;

#[tokio::test(start_paused = true)]
async fn an_upgrade_loses_nothing_and_proves_all() {
    let mut theatre = theatre(options());
    for engine in [3, 4] {
        let mut polling = Polling::join(&theatre.routes, engine).await;
        let conversation = theatre.conversation().await;
        conversation.message().await;
        conversation.event("one").await;
        assert_eq!(polling.until("42").await, r#"42["one"]"#);
        let mut web = Web::dial(&theatre.routes, &polling.query("websocket")).await;
        conversation.event("two").await;
        conversation.probe(1);
        web.say("2probe").await;
        let mut got = polling.poll().await;
        assert_eq!(web.next().await.as_deref(), Some("3probe"));
        got.retain(|packet| packet != "6");
        web.say("5").await;
        conversation.event("three").await;
        while got.len() < 2 {
            got.push(web.until("42").await);
        }
        assert_eq!(got, [r#"42["two"]"#, r#"42["three"]"#], "{engine}");
        // Reading on answers the ping.
        conversation.event("four").await;
        assert_eq!(web.until("42").await, r#"42["four"]"#);
        web.say(r#"42["next"]"#).await;
        assert_eq!(conversation.hear().await, Ok(Heard::Proved(1)), "{engine}");
        assert_eq!(conversation.message().await["event"], "next");
        let poll = ask(&theatre.routes, "GET", &polling.query("polling"), b"").await;
        assert_eq!(poll.status, 400, "it polls no more");
    }
}

#[tokio::test(start_paused = true)]
async fn a_web_socket_that_is_only_tried_proves_nothing() {
    let mut theatre = theatre(options());
    let mut polling = Polling::join(&theatre.routes, 4).await;
    let conversation = theatre.conversation().await;
    conversation.message().await;
    conversation.event("one").await;
    conversation.probe(1);
    polling.until("42").await;
    let mut web = Web::dial(&theatre.routes, &polling.query("websocket")).await;
    web.say("2probe").await;
    assert_eq!(web.next().await.as_deref(), Some("3probe"));
    assert_eq!(web.next().await, None, "it had its time");
    assert_eq!(conversation.hear().await, Err(Lost::Gone));
}

#[tokio::test(start_paused = true)]
async fn a_session_has_one_web_socket() {
    let mut theatre = theatre(options());
    let polling = Polling::join(&theatre.routes, 4).await;
    let conversation = theatre.conversation().await;
    conversation.message().await;
    let mut web = Web::dial(&theatre.routes, &polling.query("websocket")).await;
    web.say("2probe").await;
    web.until("3probe").await;
    let second = tokio_tungstenite::client_async(
        format!("ws://localhost/socket.io/?{}", polling.query("websocket")),
        dial(&theatre.routes),
    );
    assert!(soon("a refusal", second).await.is_err());
    web.say("5").await;
    conversation.event("here").await;
    assert_eq!(
        web.until("42").await,
        r#"42["here"]"#,
        "the first one lives"
    );
}
