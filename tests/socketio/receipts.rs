//! What proves that something has arrived, and what does not.

use hongyan::transports::Heard;
use hongyan::transports::Lost;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::io::DuplexStream;
use tokio::sync::watch;

use crate::socketio::client::Polling;
use crate::socketio::client::Web;
use crate::socketio::client::dial;
use crate::socketio::stage::options;
use crate::socketio::stage::theatre;

#[tokio::test(start_paused = true)]
async fn a_pong_proves_what_came_before_its_ping() {
    let mut theatre = theatre(options());
    for engine in [3, 4] {
        let mut client = Web::join(&theatre.routes, engine).await;
        let conversation = theatre.conversation().await;
        conversation.message().await;
        for mark in 1..=3 {
            conversation.event("news").await;
            conversation.probe(mark);
            client.until("42").await;
            // Reading on answers the ping; a packet of ours shows that it came first.
            conversation.event("more").await;
            client.until("42").await;
            client.say(r#"42["then"]"#).await;
            assert_eq!(
                conversation.hear().await,
                Ok(Heard::Proved(mark)),
                "{engine}"
            );
            assert_eq!(conversation.message().await["event"], "then");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_next_poll_proves_what_the_answer_before_it_carried() {
    let mut theatre = theatre(options());
    for engine in [3, 4] {
        let mut client = Polling::join(&theatre.routes, engine).await;
        let conversation = theatre.conversation().await;
        conversation.message().await;
        conversation.event("news").await;
        conversation.probe(1);
        client.until("42").await;
        client.post(&[r#"42["before"]"#]).await;
        assert_eq!(
            conversation.message().await["event"],
            "before",
            "not proven yet"
        );
        conversation.event("more").await;
        client.until("42").await;
        assert_eq!(conversation.hear().await, Ok(Heard::Proved(1)), "{engine}");
        // The second is not proven by the same poll asked again, nor by any later one: that answer may have been lost.
        conversation.probe(2);
        conversation.event("again").await;
        assert_eq!(client.poll_again().await, [r#"42["again"]"#]);
        assert_eq!(
            conversation.hear().await,
            Ok(Heard::Unproved(2)),
            "{engine}"
        );
        client.post(&[r#"42["still not"]"#]).await;
        assert_eq!(
            conversation.message().await["event"],
            "still not",
            "{engine}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_proven_already_is_proven_at_once() {
    let mut theatre = theatre(options());
    let _client = Web::join(&theatre.routes, 4).await;
    let conversation = theatre.conversation().await;
    conversation.message().await;
    conversation.probe(7);
    assert_eq!(
        conversation.hear().await,
        Ok(Heard::Proved(7)),
        "nothing was said"
    );
}

/// Carries bytes both ways until it is told to swallow them.
fn swallower(server: DuplexStream) -> (DuplexStream, watch::Sender<bool>) {
    let (near, far) = tokio::io::duplex(1 << 16);
    let (swallow, swallows) = watch::channel(false);
    let (from_server, to_server) = tokio::io::split(server);
    let (from_client, to_client) = tokio::io::split(far);
    for (mut from, mut to) in [
        (
            Box::new(from_server) as Box<dyn tokio::io::AsyncRead + Send + Unpin>,
            Box::new(to_client) as Box<dyn tokio::io::AsyncWrite + Send + Unpin>,
        ),
        (Box::new(from_client), Box::new(to_server)),
    ] {
        let swallows = swallows.clone();
        tokio::spawn(async move {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = from.read(&mut bytes).await {
                if !*swallows.borrow() && to.write_all(&bytes[..count]).await.is_err() {
                    return;
                }
            }
        });
    }
    (near, swallow)
}

#[tokio::test(start_paused = true)]
async fn a_line_that_swallows_bytes_proves_nothing() {
    let mut theatre = theatre(options());
    for engine in [3, 4] {
        let (stream, swallow) = swallower(dial(&theatre.routes));
        let _client = Web::join_on(stream, engine).await;
        let conversation = theatre.conversation().await;
        conversation.message().await;
        swallow.send_replace(true);
        conversation.event("lost").await;
        conversation.probe(1);
        assert_eq!(conversation.hear().await, Err(Lost::Gone), "{engine}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_poll_whose_answer_never_came_proves_nothing() {
    let mut theatre = theatre(options());
    for engine in [3, 4] {
        let mut client = Polling::join(&theatre.routes, engine).await;
        let conversation = theatre.conversation().await;
        conversation.message().await;
        conversation.event("lost").await;
        conversation.probe(1);
        // The server has answered, and that is all it knows.
        client.until("42").await;
        assert_eq!(conversation.hear().await, Err(Lost::Gone), "{engine}");
    }
}

/// A client that has left is heard of only when the conversation listens, and what is said in between goes nowhere.
#[tokio::test(start_paused = true)]
async fn what_is_said_to_who_has_left_is_never_proven() {
    let mut theatre = theatre(options());
    for engine in [3, 4] {
        let client = Polling::join(&theatre.routes, engine).await;
        let conversation = theatre.conversation().await;
        conversation.message().await;
        client.post(&["41"]).await;
        conversation.event("too late").await;
        conversation.probe(1);
        assert_eq!(
            conversation.hear().await,
            Ok(Heard::Unproved(1)),
            "{engine}"
        );
        assert_eq!(conversation.message().await["disconnected"], true);
    }
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_was_left_takes_no_proof_from_the_others() {
    let mut theatre = theatre(options());
    let mut client = Web::join(&theatre.routes, 4).await;
    let conversation = theatre.conversation().await;
    conversation.message().await;
    client.say("40/friend,").await;
    client.until("40/friend,").await;
    conversation.message().await;
    client.say("41/friend,").await;
    client.say(r#"42["then"]"#).await;
    let left = conversation.message().await;
    assert_eq!(left["disconnected"], true, "{left}");
    assert_eq!(conversation.message().await["event"], "then");
    let late = r#"{"namespace":"/friend","event":"late","args":[]}"#;
    let flushed = conversation.say(&[late]).await.expect("a link");
    assert_eq!(flushed, Ok(()));
    conversation.probe(1);
    assert_eq!(conversation.hear().await, Ok(Heard::Unproved(1)));
    conversation.event("news").await;
    conversation.probe(2);
    client.until("42").await;
    // Reading on answers the ping.
    conversation.event("more").await;
    client.until("42").await;
    assert_eq!(conversation.hear().await, Ok(Heard::Proved(2)));
}
