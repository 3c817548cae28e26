//! What is too much, in either direction.

use futures_util::FutureExt;
use futures_util::SinkExt;
use hongyan::transports::Lost;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::Data;
use tokio_tungstenite::tungstenite::protocol::frame::coding::OpCode;

use crate::socketio::client::Polling;
use crate::socketio::client::Web;
use crate::socketio::stage::options;
use crate::socketio::stage::soon;
use crate::socketio::stage::theatre;

/// What [`options`] allow.
const BYTES_MAX: usize = 100_000;

fn event(bytes: usize) -> String {
    let around = r#"42["x",""]"#.len();
    format!(r#"42["x","{}"]"#, "x".repeat(bytes - around))
}

#[tokio::test(start_paused = true)]
async fn a_message_may_be_so_large_and_no_larger() {
    let mut theatre = theatre(options());
    for engine in [3, 4] {
        let mut web = Web::join(&theatre.routes, engine).await;
        let conversation = theatre.conversation().await;
        conversation.message().await;
        web.say(&event(BYTES_MAX)).await;
        assert_eq!(conversation.message().await["event"], "x");
        web.say(&event(BYTES_MAX + 1)).await;
        assert_eq!(conversation.hear().await, Err(Lost::TooLarge(BYTES_MAX)));
        conversation.event("too large").await;
        assert_eq!(
            web.until("42").await,
            r#"42["too large"]"#,
            "it can still be spoken to"
        );
        conversation.close();
        assert_eq!(web.until("41").await, "41");

        let polling = Polling::join(&theatre.routes, engine).await;
        let conversation = theatre.conversation().await;
        conversation.message().await;
        polling.post(&[&event(BYTES_MAX - 10)]).await;
        assert_eq!(conversation.message().await["event"], "x");
        let refused = polling.try_post(&[&event(BYTES_MAX + 1)]).await;
        assert_eq!(refused.status, 413, "{}", refused.body);
        assert_eq!(conversation.hear().await, Err(Lost::TooLarge(BYTES_MAX)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_may_have_so_many_fragments() {
    let mut theatre = theatre(options());
    for (fragments, taken) in [(64, true), (65, false)] {
        let mut web = Web::join(&theatre.routes, 4).await;
        let conversation = theatre.conversation().await;
        conversation.message().await;
        let text = event(fragments + 10);
        let cut = text.len() - fragments + 1;
        let pieces =
            std::iter::once(&text[..cut]).chain((cut..text.len()).map(|at| &text[at..=at]));
        for (at, piece) in pieces.enumerate() {
            let kind = if at == 0 { Data::Text } else { Data::Continue };
            let last = at + 1 == fragments;
            let frame = Frame::message(piece.to_owned(), OpCode::Data(kind), last);
            let _ = web.0.feed(Message::Frame(frame)).await;
        }
        let _ = web.0.flush().await;
        match taken {
            true => assert_eq!(conversation.message().await["event"], "x"),
            false => assert_eq!(conversation.hear().await, Err(Lost::Malformed)),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn attachments_are_ten_at_most() {
    let mut theatre = theatre(options());
    let mut web = Web::join(&theatre.routes, 4).await;
    let conversation = theatre.conversation().await;
    conversation.message().await;
    for (count, taken) in [(1, true), (10, true), (11, false)] {
        web.say(&format!(
            r#"45{count}-7["x",{{"_placeholder":true,"num":0}}]"#
        ))
        .await;
        for _ in 0..count {
            web.send(Message::binary(b"abc".to_vec()))
                .await
                .expect("a connection");
        }
        let heard = conversation.message().await;
        assert_eq!(
            heard["attachments"].as_array().map(Vec::len),
            taken.then_some(count),
            "{heard}"
        );
        assert_eq!(heard["refused"].is_string(), !taken, "{heard}");
    }
    web.say(r#"451000000-["x"]"#).await;
    assert_eq!(
        conversation.hear().await,
        Err(Lost::Gone),
        "nobody means that well"
    );
}

#[tokio::test(start_paused = true)]
async fn attachments_have_no_more_bytes_than_a_message() {
    let mut theatre = theatre(options());
    let mut web = Web::join(&theatre.routes, 4).await;
    let conversation = theatre.conversation().await;
    conversation.message().await;
    web.say(r#"453-["x"]"#).await;
    for _ in 0..3 {
        let _ = web.send(Message::binary(vec![0; BYTES_MAX / 2])).await;
    }
    assert_eq!(conversation.hear().await, Err(Lost::Gone));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_packet_ends_the_connection() {
    let mut theatre = theatre(options());
    for wrong in [
        "4",
        "49",
        "4x",
        "42",
        "42[",
        "42[]",
        "42[1]",
        r#"42{"a":1}"#,
        "43[]",
        "9",
        "x",
        "0",
        "45-[]",
    ] {
        let mut web = Web::join(&theatre.routes, 4).await;
        let conversation = theatre.conversation().await;
        conversation.message().await;
        web.say(wrong).await;
        assert_eq!(conversation.hear().await, Err(Lost::Gone), "{wrong}");
        let polling = Polling::join(&theatre.routes, 4).await;
        let conversation = theatre.conversation().await;
        conversation.message().await;
        let _ = polling.try_post(&[wrong]).await;
        assert_eq!(conversation.hear().await, Err(Lost::Gone), "{wrong}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_takes_nothing_is_waited_for() {
    let mut theatre = theatre(options());
    let large = format!(
        r#"{{"namespace":"/","event":"x","args":["{}"]}}"#,
        "x".repeat(20_000)
    );
    let many: Vec<&str> = std::iter::repeat_n(large.as_str(), 20).collect();
    for engine in [3, 4] {
        let mut polling = Polling::join(&theatre.routes, engine).await;
        let conversation = theatre.conversation().await;
        let mut flushed = conversation.say(&many);
        tokio::task::yield_now().await;
        let mut got = 0;
        let mut polls = 0;
        while got < many.len() {
            assert!((&mut flushed).now_or_never().is_none() || got + 4 > many.len() - 4);
            got += polling
                .poll()
                .await
                .iter()
                .filter(|packet| packet.starts_with("42"))
                .count();
            polls += 1;
        }
        assert!(polls >= 5, "not all at once: {polls}");
        let mut web = Web::join(&theatre.routes, engine).await;
        let conversation = theatre.conversation().await;
        let mut flushed = conversation.say(&many);
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        assert!((&mut flushed).now_or_never().is_none(), "nobody reads");
        for _ in &many {
            web.until("42").await;
        }
        assert_eq!(soon("the flush", flushed).await, Ok(Ok(())));
    }
}

#[tokio::test(start_paused = true)]
async fn who_says_too_much_waits() {
    let mut theatre = theatre(options());
    let polling = Polling::join(&theatre.routes, 4).await;
    let conversation = theatre.conversation().await;
    conversation.message().await;
    polling.post(&[&event(90_000)]).await;
    let refused = polling.try_post(&[&event(10)]).await;
    assert_eq!(refused.status, 503, "{}", refused.body);
    assert_eq!(conversation.message().await["event"], "x");
    polling.post(&[&event(20)]).await;
    assert_eq!(conversation.message().await["event"], "x");

    let mut web = Web::join(&theatre.routes, 4).await;
    let conversation = theatre.conversation().await;
    conversation.message().await;
    let saying = tokio::spawn(async move {
        for _ in 0..20 {
            web.say(&event(20_000)).await;
        }
        web
    });
    for _ in 0..10_000 {
        tokio::task::yield_now().await;
    }
    assert!(!saying.is_finished(), "it can't say more");
    for _ in 0..20 {
        assert_eq!(conversation.message().await["event"], "x");
    }
    saying.await.expect("all is said");
}

#[tokio::test(start_paused = true)]
async fn who_takes_nothing_for_long_is_gone() {
    let mut theatre = theatre(options());
    let large = format!(
        r#"{{"namespace":"/","event":"x","args":["{}"]}}"#,
        "x".repeat(20_000)
    );
    for engine in [3, 4] {
        let _web = Web::join(&theatre.routes, engine).await;
        let conversation = theatre.conversation().await;
        conversation.message().await;
        // More than the line holds, and less than is waited for.
        let flushed = soon("the flush", conversation.say(&[&large, &large])).await;
        assert_eq!(flushed, Ok(Ok(())));
        assert_eq!(conversation.hear().await, Err(Lost::Gone), "{engine}");
        let _polling = Polling::join(&theatre.routes, engine).await;
        let conversation = theatre.conversation().await;
        let many: Vec<&str> = std::iter::repeat_n(large.as_str(), 20).collect();
        let flushed = soon("the flush", conversation.say(&many)).await;
        assert_eq!(flushed, Ok(Err(Lost::Gone)), "{engine}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_let_go_while_taking_nothing_leaves_nothing_behind() {
    let mut theatre = theatre(hongyan::transports::socketio::Options {
        connections_max: 1,
        ..options()
    });
    let large = format!(
        r#"{{"namespace":"/","event":"x","args":["{}"]}}"#,
        "x".repeat(20_000)
    );
    let mut silent = Vec::new();
    for _ in 0..3 {
        let web = Web::join(&theatre.routes, 4).await;
        let conversation = theatre.conversation().await;
        let flushed = soon("the flush", conversation.say(&[&large, &large])).await;
        assert_eq!(flushed, Ok(Ok(())));
        drop(conversation);
        // The only place is free again, although this one reads nothing, and stays.
        silent.push(web);
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}
