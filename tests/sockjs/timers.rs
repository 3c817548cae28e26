//! Heart-beats, absence and full queues, on a clock that jumps whenever everybody waits. No sockets: they would wait too.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use hongyan::transports::Heard;
use hongyan::transports::Link;
use hongyan::transports::Lost;
use hongyan::transports::sockjs::Endpoint;
use hongyan::transports::sockjs::Handler;
use hongyan::transports::sockjs::Head;
use hongyan::transports::sockjs::Key;
use hongyan::transports::sockjs::Options;
use http::Request;
use hyper::body::Body;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio::time::sleep;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::sockjs::echo;

/// A name of a session that the tests share, each with services of its own.
const SESSION: &str = "/000/session";

async fn ask(routes: &BoxedFilter<(Response,)>, method: &str, path: &str, body: &str) -> Response {
    let request = Request::builder().method(method).uri(path);
    let request = request.body(body.to_owned()).expect("a request");
    let service = TowerToHyperService::new(warp::service(routes.clone()));
    let answer: Result<Response, Infallible> = service.call(request).await;
    answer.expect("an answer")
}

/// The next chunk; nothing at the end.
async fn chunk(response: &mut Response) -> String {
    let frame = poll_fn(|context| Pin::new(response.body_mut()).poll_frame(context)).await;
    let data = frame.map(|frame| frame.expect("no error").into_data().expect("data"));
    data.map_or_else(String::new, |data| {
        String::from_utf8_lossy(&data).into_owned()
    })
}

async fn poll(routes: &BoxedFilter<(Response,)>, base: &str) -> String {
    let mut response = ask(routes, "POST", &format!("{base}{SESSION}/xhr"), "").await;
    chunk(&mut response).await
}

async fn send(routes: &BoxedFilter<(Response,)>, base: &str, body: &str) -> u16 {
    let path = format!("{base}{SESSION}/xhr_send");
    ask(routes, "POST", &path, body).await.status().as_u16()
}

#[tokio::test(start_paused = true)]
async fn a_heart_beats_every_25_s_of_silence() {
    let routes = echo::routes();
    for (method, transport, prelude, open, beat) in [
        ("POST", "xhr", 0, "o\n", "h\n"),
        ("POST", "xhr_streaming", 1, "o\n", "h\n"),
        (
            "GET",
            "eventsource",
            1,
            "data: o\r\n\r\n",
            "data: h\r\n\r\n",
        ),
        (
            "GET",
            "jsonp?c=x",
            0,
            "/**/x(\"o\");\r\n",
            "/**/x(\"h\");\r\n",
        ),
    ] {
        let path = format!("/echo/0/{}/{transport}", &transport[..3]);
        let path = if prelude == 1 {
            path.replace("/xhr/", "/xhs/")
        } else {
            path
        };
        let mut response = ask(&routes, method, &path, "").await;
        for _ in 0..prelude {
            chunk(&mut response).await;
        }
        assert_eq!(chunk(&mut response).await, open);
        for _ in 0..3 {
            if prelude == 0 {
                assert_eq!(chunk(&mut response).await, "");
                response = ask(&routes, method, &path, "").await;
            }
            let start = Instant::now();
            assert_eq!(chunk(&mut response).await, beat);
            assert_eq!(start.elapsed().as_secs(), 25);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_lives_5_s_without_a_receiver() {
    let routes = echo::routes();
    assert_eq!(poll(&routes, "/echo").await, "o\n");
    for _ in 0..3 {
        sleep(Duration::from_millis(4_900)).await;
        assert_eq!(send(&routes, "/echo", "[\"a\"]").await, 204);
        assert_eq!(poll(&routes, "/echo").await, "a[\"a\"]\n");
    }
    // Sending does not keep it.
    sleep(Duration::from_millis(4_900)).await;
    assert_eq!(send(&routes, "/echo", "[\"a\"]").await, 204);
    sleep(Duration::from_millis(200)).await;
    assert_eq!(send(&routes, "/echo", "[\"a\"]").await, 404);
    assert_eq!(poll(&routes, "/echo").await, "o\n");
}

#[tokio::test(start_paused = true)]
async fn a_close_is_repeated_until_nobody_has_asked_for_5_s() {
    let routes = echo::routes();
    assert_eq!(poll(&routes, "/close").await, "o\n");
    for _ in 0..3 {
        sleep(Duration::from_millis(4_900)).await;
        assert_eq!(poll(&routes, "/close").await, "c[3000,\"Go away!\"]\n");
        assert_eq!(
            send(&routes, "/close", "[\"a\"]").await,
            204,
            "ignored, not an error"
        );
    }
    sleep(Duration::from_millis(5_100)).await;
    assert_eq!(poll(&routes, "/close").await, "o\n");
}

#[tokio::test(start_paused = true)]
async fn whoever_breaks_off_ends_the_session_for_5_s() {
    let routes = echo::routes();
    let path = format!("/echo{SESSION}/xhr_streaming");
    let mut response = ask(&routes, "POST", &path, "").await;
    chunk(&mut response).await;
    assert_eq!(chunk(&mut response).await, "o\n");
    drop(response);
    assert_eq!(
        poll(&routes, "/echo").await,
        "c[1002,\"Connection interrupted\"]\n"
    );
    sleep(Duration::from_millis(4_900)).await;
    assert_eq!(
        poll(&routes, "/echo").await,
        "c[1002,\"Connection interrupted\"]\n"
    );
    sleep(Duration::from_millis(5_100)).await;
    assert_eq!(poll(&routes, "/echo").await, "o\n");
}

/// Says much, hears nothing until it is let, and notes how it went.
#[derive(Clone, Default)]
struct Talker {
    flushed: Arc<Mutex<usize>>,
    heard: Arc<Mutex<Vec<String>>>,
    may_hear: Arc<Notify>,
    end: Arc<Mutex<Option<Lost>>>,
}

impl Handler for Talker {
    type Ticket = ();

    fn knock(&self, head: &Head) -> Result<Key, Box<Response>> {
        Ok(head.parameter("key").unwrap_or_default())
    }

    async fn admit(&self, _head: &Head) -> Result<(), Box<Response>> {
        Ok(())
    }

    async fn converse<L: Link + 'static>(&self, _ticket: (), mut link: L) {
        let mut end = None;
        for _ in 0..20 {
            let said = link.say("x".repeat(16 * 1024));
            if let Err(lost) = said.and(link.flush().await) {
                end = Some(lost);
                break;
            }
            *self.flushed.lock().expect("no panic") += 1;
        }
        if end.is_none() {
            self.may_hear.notified().await;
            loop {
                match link.hear().await {
                    Ok(Heard::Proved(_) | Heard::Unproved(_)) => {}
                    Ok(Heard::Message(message)) => self
                        .heard
                        .lock()
                        .expect("no panic")
                        .push(String::from_utf8_lossy(&message).into_owned()),
                    Err(lost) => {
                        end = Some(lost);
                        break;
                    }
                }
            }
        }
        *self.end.lock().expect("no panic") = end;
    }
}

fn talk(options: Options) -> (Talker, BoxedFilter<(Response,)>) {
    let talker = Talker::default();
    let routes = Endpoint::new(options, talker.clone()).routes();
    (talker, routes)
}

#[tokio::test(start_paused = true)]
async fn who_does_not_receive_holds_the_speaker_back() {
    let (talker, routes) = talk(Options::default());
    assert_eq!(poll(&routes, "").await, "o\n");
    sleep(Duration::from_secs(1)).await;
    let flushed = || *talker.flushed.lock().expect("no panic");
    assert_eq!(flushed(), 3, "the fourth 16 KiB wait for room");
    let mut received = 0;
    while received < 20 {
        received += poll(&routes, "").await.matches('"').count() / 2;
        sleep(Duration::from_secs(1)).await;
        assert!(
            flushed() <= received + 4,
            "{} said, {received} received",
            flushed()
        );
    }
    assert_eq!(flushed(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_speaker_that_waits_hears_when_the_client_is_gone() {
    let (talker, routes) = talk(Options::default());
    assert_eq!(poll(&routes, "").await, "o\n");
    sleep(Duration::from_secs(6)).await;
    assert_eq!(*talker.end.lock().expect("no panic"), Some(Lost::Gone));
    assert_eq!(poll(&routes, "").await, "o\n", "a new session");
}

#[tokio::test(start_paused = true)]
async fn who_sends_more_than_is_heard_is_held_back_then_refused() {
    let (talker, routes) = talk(Options::default());
    let receiver = ask(&routes, "POST", &format!("{SESSION}/xhr_streaming"), "").await;
    let message = format!("[\"{}\"]", "x".repeat(40 * 1024));
    assert_eq!(send(&routes, "", &message).await, 204);
    let start = Instant::now();
    assert_eq!(send(&routes, "", &message).await, 503);
    assert_eq!(start.elapsed().as_secs(), 10);
    drop(receiver);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(*talker.end.lock().expect("no panic"), Some(Lost::Gone));
}

#[tokio::test(start_paused = true)]
async fn too_large_a_body_is_refused_and_the_conversation_told() {
    let options = Options {
        message_bytes_max: 100,
        response_bytes_max: 1 << 20,
        ..Options::default()
    };
    let (talker, routes) = talk(options);
    let mut receiver = ask(&routes, "POST", &format!("{SESSION}/xhr_streaming"), "").await;
    let reading = tokio::spawn(async move { while !chunk(&mut receiver).await.is_empty() {} });
    talker.may_hear.notify_one();
    assert_eq!(send(&routes, "", "[\"a\"]").await, 204);
    assert_eq!(
        send(&routes, "", &format!("[\"{}\"]", "x".repeat(100))).await,
        413
    );
    sleep(Duration::from_secs(1)).await;
    assert_eq!(*talker.heard.lock().expect("no panic"), ["a"]);
    assert_eq!(
        *talker.end.lock().expect("no panic"),
        Some(Lost::TooLarge(100))
    );
    reading.await.expect("it ended");
}

#[tokio::test(start_paused = true)]
async fn a_session_is_not_found_under_another_key() {
    let (_, routes) = talk(Options::default());
    for (method, transport) in [
        ("POST", "xhr"),
        ("POST", "xhr_send"),
        ("GET", "eventsource"),
    ] {
        let mut response = ask(&routes, "POST", "/0/guessed/xhr?key=own", "").await;
        chunk(&mut response).await;
        for key in ["", "?key=other", "?key="] {
            let path = format!("/0/guessed/{transport}{key}");
            assert_eq!(
                ask(&routes, method, &path, "[\"a\"]").await.status(),
                404,
                "{path}"
            );
        }
    }
    let path = "/0/guessed/xhr_send?t=1&key=own";
    assert_eq!(ask(&routes, "POST", path, "[\"a\"]").await.status(), 204);
}

#[tokio::test(start_paused = true)]
async fn there_are_not_more_sessions_than_may_be() {
    let options = Options {
        sessions_max: 1,
        ..Options::default()
    };
    let (_, routes) = talk(options);
    assert_eq!(poll(&routes, "").await, "o\n");
    assert_eq!(
        ask(&routes, "POST", "/0/another/xhr", "").await.status(),
        503
    );
    sleep(Duration::from_secs(6)).await;
    assert_eq!(
        ask(&routes, "POST", "/0/another/xhr", "").await.status(),
        200
    );
}
