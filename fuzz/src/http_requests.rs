//! Requests in: the calls of REST and the polling transports of SockJS, without a socket, on a clock that jumps.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use hongyan::auth::Auth;
use hongyan::auth::AuthOptions;
use hongyan::auth::mint;
use hongyan::broker::Broker;
use hongyan::broker::command::Command;
use hongyan::broker::command::Letter;
use hongyan::broker::limits::Limits;
use hongyan::broker::message::MsgId;
use hongyan::broker::ports::AddedUser;
use hongyan::broker::ports::Store;
use hongyan::broker::ports::outcome;
use hongyan::broker::users::Person;
use hongyan::gateways::clock::Clock;
use hongyan::gateways::drive::Context;
use hongyan::gateways::rest;
use hongyan::gateways::tally::Tally;
use hongyan::stores::memory::MemoryStore;
use hongyan::transports::Heard;
use hongyan::transports::Link;
use hongyan::transports::sockjs::Endpoint;
use hongyan::transports::sockjs::Handler;
use hongyan::transports::sockjs::Head;
use hongyan::transports::sockjs::Key;
use hongyan::transports::sockjs::Options;
use hongyan_grammar::sockjs::Reader;
use http::Request;
use http::StatusCode;
use http_body_util::BodyExt;
use http_body_util::Full;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::timeout;
use tower_service::Service;
use warp::Filter;
use warp::Reply;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::rig::CONTENT_BYTES_MAX;
use super::rig::SECRET;
use super::rig::records;

/// What tokens are signed with here.
const OWN_KEY: &[u8] = &[7; 32];

/// A key of another server.
const API_KEY: &str = "0123456789abcdef";

/// Longer than any answer is left open without a heart-beat.
const ANSWER_WITHIN: Duration = Duration::from_secs(100);

/// Most bytes of what a SockJS client sends at once here.
const MESSAGE_BYTES_MAX: usize = 1_024;

/// Calls of every kind; `|` stands between two.
pub(super) const SEEDS: [&str; 18] = [
    "0GET /healthz|0GET /readyz|0GET /api/openapi.json|0OPTIONS /api/friends|0HEAD /healthz",
    "0POST /api/users\n{\"name\":\"zhou\",\"password\":\"12345678\"}|0POST /api/login\n{\"name\":\"zhou\",\"password\":\"12345678\"}",
    "1POST /api/messages\n{\"to\":2,\"content\":\"hi\",\"msgID\":\"0123456789012345678901234567890123456789\"}|2GET /api/inbox|2POST /api/messages/0123456789012345678901234567890123456789/recive",
    "1POST /api/messages\n{\"to\":\"wu\",\"content\":\"\u{8d77}\\ud83d\\ude00\"}|1GET /api/messages?with=2&limit=5&before=1504712402000|2GET /api/messages?with=li",
    "1POST /api/groups\n{\"name\":\"flock\",\"members\":[2],\"admin\":[1],\"protected\":[\"colour\"],\"colour\":\"red\"}|2PATCH /api/groups/2\n{\"colour\":null}|1GET /api/groups/2|1POST /api/groups/2/members\n[\"zhao\"]|2DELETE /api/groups/2/members/2",
    "1POST /api/messages\n{\"group\":2,\"content\":\"hi\"}|1GET /api/messages?group=1|1GET /api/groups",
    "1POST /api/friends/requests\n{\"to\":\"wu\",\"msg\":\"hello\"}|2GET /api/friends|2POST /api/friends/requests/1/accept|1DELETE /api/friends/wu",
    "1PUT /api/blocks/wu|2POST /api/messages\n{\"to\":1,\"content\":\"x\"}|1GET /api/blocks|1GET /api/blocks/2|1DELETE /api/blocks/2",
    "1GET /api/users/zhao|1GET /api/users/%E5%BB%96|1GET /api/users/3/location|1POST /IM/token|1POST /api/logout|1GET /api/inbox",
    "kPOST /api/push\n{\"uid\":2,\"type\":5,\"data\":{\"a\":[1]}}|kPOST /api/orders\n{\"id\":\"o1\",\"customer\":2}|kPOST /api/messages\n{\"from\":1,\"to\":2,\"content\":\"x\"}|2GET /api/inbox",
    "1POST /api/images\n\u{89}PNG|1GET /api/images/00000000000000000000000000000000|1GET /api/images/..%2f..%2fkeys",
    "jPOST /s/000/a/xhr|jPOST /s/000/a/xhr_send\n[\"hello\",\"\\ud83d\"]|jPOST /s/000/a/xhr_send\n[\"\\ude00\"]|jPOST /s/000/a/xhr",
    "jPOST /s/000/b/xhr_streaming|fPOST /s/000/b/jsonp_send\nd=%5B%22x+y%22%5D|jGET /s/000/b/jsonp?c=callback",
    "jGET /s/000/c/jsonp?c=%63b|jPOST /s/000/c/jsonp_send\n[\"x\"]|jPOST /s/000/c/xhr_send\n[\"y\"|jPOST /s/000/c/xhr_send\n",
    "jGET /s/000/d/eventsource|jGET /s/000/e/htmlfile?c=callback|jGET /s/info|jGET /s/iframe-1.6.1.html|jGET /s/",
    "jOPTIONS /s/000/f/xhr|jPUT /s/000/f/xhr|jPOST /s/a.b/f/xhr|jPOST /s//f/xhr|jGET /s/000/f/websocket",
    "jPOST /s/000/g/xhr|jPOST /s/000/g/xhr_send\n\"x\"|jPOST /s/000/g/xhr_send\n[1]|jPOST /s/000/g/xhr_send\n[]|jPOST /s/000/g/xhr",
    "2GET /api/messages?with=3&limit=1000|2GET /api/messages?group=2|1POST /api/messages\n{\"to\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}",
];

/// Records with U+001E between them: who calls (`0` nobody, `1` and `2` two users, `k` another server, `j` and `f` a SockJS
/// client, the latter by a form), `METHOD /path`, and behind a newline the body.
pub fn http_requests(script: &[u8]) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let doors = Doors::open().await;
        for (who, call) in records(script).take(16) {
            doors.call(who, call).await;
        }
        doors.close().await;
    });
}

struct Doors {
    routes: BoxedFilter<(Response,)>,
    tokens: [String; 2],
    _stop: watch::Sender<bool>,
}

impl Doors {
    async fn open() -> Self {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let clock = Clock::start();
        let now = clock.now();
        let auth = AuthOptions {
            own_key: OWN_KEY.to_vec(),
            foreign_key: None,
            registration_open: true,
            api_keys: vec![API_KEY.to_owned()],
            trust_login: false,
        };
        let auth = Auth::open(Arc::clone(&store), auth, now).await;
        let limits = Limits {
            content_bytes_max: CONTENT_BYTES_MAX,
            ..Limits::default()
        };
        let people: Vec<Person> = ["li", "wu", "zhao", "qian"]
            .iter()
            .map(|name| {
                let (done, made) = outcome();
                store.add_user((*name).to_owned(), None, now.epoch_ms, done);
                match made.now_or_never() {
                    Some(Ok(AddedUser::New(person))) => person,
                    other => panic!("{name} is new: {other:?}"),
                }
            })
            .collect();
        let tokens =
            [0, 1].map(|at: usize| mint(OWN_KEY, now, &people[at]).expect("a token").token);
        let (stop, stopping) = watch::channel(false);
        let broker = Broker::new(store, limits);
        let secret = Letter::new(people[3].uid, MsgId([3; 20]), SECRET);
        let kept = broker.ask_once(now, &people[2], Command::Send(secret));
        assert!(kept.await.is_ok());
        let context = Context {
            broker,
            auth: Arc::new(auth.expect("an empty store")),
            clock,
            tally: Arc::new(Tally::default()),
            stopping,
        };
        let options = rest::Options {
            context_path: String::new(),
            content_bytes_max: CONTENT_BYTES_MAX,
            origin_allowed: Arc::new(|_| false),
            metrics: Arc::new(String::new),
        };
        let sockjs = Options {
            response_bytes_max: 4_096,
            message_bytes_max: MESSAGE_BYTES_MAX,
            ..Options::default()
        };
        let sockjs = warp::path!("s" / ..).and(Endpoint::new(sockjs, Echo).routes());
        let rest = rest::routes(context, options).map(Reply::into_response);
        let nothing = rest::nothing_here().map(Reply::into_response);
        Self {
            routes: sockjs.or(rest).unify().or(nothing).unify().boxed(),
            tokens,
            _stop: stop,
        }
    }

    async fn call(&self, who: u8, call: &[u8]) {
        let newline = call.iter().position(|octet| *octet == b'\n');
        let (line, body) = call.split_at(newline.unwrap_or(call.len()));
        let body = body.get(1..).unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        // What has no path never comes as far as here.
        let call = line.split_once(' ');
        let Some((method, path)) = call.filter(|(_, path)| path.starts_with('/')) else {
            return;
        };
        let mut request = Request::builder().method(method).uri(path);
        match who {
            b'1' | b'2' => {
                let token = &self.tokens[usize::from(who - b'1')];
                request = request.header("authorization", format!("Bearer {token}"));
            }
            b'k' => request = request.header("x-api-key", API_KEY),
            b'f' => {
                let form = "application/x-www-form-urlencoded";
                request = request.header("content-type", form);
            }
            _ => {}
        }
        // Nor does what is no request.
        let Ok(request) = request.body(Full::new(Bytes::copy_from_slice(body))) else {
            return;
        };
        let path = request.uri().path().to_owned();
        let plain = matches!(who, b'j');
        let (status, answer) = self.ask(request).await;
        if path == "/s" || path.starts_with("/s/") {
            if plain
                && path.ends_with("/xhr_send")
                && status == StatusCode::NO_CONTENT
                && method == "POST"
            {
                let text = std::str::from_utf8(body).expect("what is taken is UTF-8");
                let messages = Reader::default().read(text);
                assert!(messages.is_ok() && !body.is_empty(), "taken: {text}");
            }
            return;
        }
        // What was written by nobody at these doors reaches nobody here.
        assert!(
            who == b'k' || !String::from_utf8_lossy(&answer).contains(SECRET),
            "{line}"
        );
        if status.is_client_error() || status.is_server_error() {
            assert!(!status.is_server_error(), "{line}: {status}");
            if method == "HEAD" {
                return;
            }
            let refused: Value = serde_json::from_slice(&answer)
                .unwrap_or_else(|error| panic!("{line}: {status}, {error}: {answer:?}"));
            assert_eq!(refused["code"], status.as_u16(), "{line}");
            assert!(
                refused["status"].is_string() && refused["content"].is_string(),
                "{refused}"
            );
        }
    }

    /// The answer to a request, as far as it comes before a long silence.
    async fn ask(&self, request: Request<Full<Bytes>>) -> (StatusCode, Vec<u8>) {
        // Passwords are hashed on threads of their own, of which the pretend clock knows nothing: it stands still for those.
        let (hashed, hashing) = std::sync::mpsc::channel::<()>();
        if matches!(request.uri().path(), "/api/users" | "/api/login") {
            tokio::task::spawn_blocking(move || hashing.recv());
        }
        let asked = warp::service(self.routes.clone()).call(request);
        let answer: Result<Response, Infallible> = timeout(ANSWER_WITHIN, asked)
            .await
            .expect("every request has an answer");
        drop(hashed);
        let (head, mut body) = answer.expect("infallible").into_parts();
        let mut whole = Vec::new();
        let read = async {
            while let Some(frame) = body.frame().await {
                let data = frame.expect("nothing breaks here").into_data();
                whole.extend_from_slice(&data.unwrap_or_default());
            }
        };
        // A stream that stays open sends heart-beats; some of them are enough.
        let _ = timeout(Duration::from_secs(60), read).await;
        (head.status, whole)
    }

    /// The doors still answer.
    async fn close(self) {
        let health = Request::builder().uri("/healthz");
        let health = health.body(Full::default()).expect("a request");
        let (status, _) = self.ask(health).await;
        assert_eq!(status, StatusCode::OK);
    }
}

/// Says what it hears.
struct Echo;

impl Handler for Echo {
    type Ticket = ();

    fn knock(&self, _head: &Head) -> Result<Key, Box<Response>> {
        Ok(Key::new())
    }

    async fn admit(&self, _head: &Head) -> Result<(), Box<Response>> {
        Ok(())
    }

    async fn converse<L: Link + 'static>(&self, (): (), mut link: L) {
        while let Ok(Heard::Message(heard)) = link.hear().await {
            let heard = String::from_utf8(heard.to_vec()).expect("SockJS carries text");
            if link.say(heard).is_err() || link.flush().await.is_err() {
                return;
            }
        }
    }
}
