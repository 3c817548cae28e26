//! A gateway over a broker in memory, and a way to call it.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use http::Request;
use http_body_util::Full;
use hyper::body::Body;
use serde_json::Value;
use tokio::sync::watch;
use tower_service::Service;
use warp::Filter;
use warp::filters::BoxedFilter;

use hongyan::auth::Auth;
use hongyan::auth::AuthOptions;
use hongyan::auth::mint;
use hongyan::broker::Broker;
use hongyan::broker::limits::Limits;
use hongyan::broker::ports::AddedUser;
use hongyan::broker::ports::Store;
use hongyan::broker::ports::outcome;
use hongyan::broker::users::Person;
use hongyan::gateways::clock::Clock;
use hongyan::gateways::drive::Context;
use hongyan::gateways::rest;
use hongyan::gateways::tally::Tally;
use hongyan::metrics::Sources;
use hongyan::metrics::StoreFigures;

use crate::moody::Moody;

/// An origin whose pages may call.
pub const ORIGIN: &str = "https://chat.example";

/// A key of another server.
pub const API_KEY: &str = "0123456789abcdef";

/// What tokens are signed with here.
const OWN_KEY: &[u8] = &[7; 32];

/// Most bytes of a content here.
pub const CONTENT_MAX: usize = 1_000;

/// Most messages of a user at once here.
pub const RATE: u32 = 20;

/// Someone who may call.
pub struct User {
    pub person: Person,
    pub token: String,
}

pub struct Door {
    pub context: Context,
    pub store: Arc<Moody>,
    pub stop: watch::Sender<bool>,
    routes: BoxedFilter<(http::Response<Bytes>,)>,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub code: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("UTF-8")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Checks that this is a refusal with this code, in the one shape, and gives its sentence.
    pub fn refused(&self, code: u16) -> String {
        assert_eq!(self.code, code, "{}", self.text());
        let json = self.json();
        assert_eq!(json["code"], code);
        assert!(json["status"].is_string());
        json["content"].as_str().expect("a sentence").to_owned()
    }

    /// Checks that this is good with this code, and gives what it says.
    pub fn good(&self, code: u16) -> Value {
        assert_eq!(self.code, code, "{}", self.text());
        self.json()
    }
}

impl Door {
    pub async fn open() -> Self {
        Self::with_registration(true).await
    }

    /// A door for users who ask a lot.
    pub async fn unhurried() -> Self {
        Self::with(true, 100_000).await
    }

    pub async fn with_registration(registration_open: bool) -> Self {
        Self::with(registration_open, RATE).await
    }

    async fn with(registration_open: bool, messages_per_second: u32) -> Self {
        let store = Arc::new(Moody::default());
        let shared: Arc<dyn Store> = Arc::clone(&store) as _;
        let clock = Clock::start();
        let auth = AuthOptions {
            own_key: OWN_KEY.to_vec(),
            foreign_key: None,
            registration_open,
            api_keys: vec![API_KEY.to_owned()],
            trust_login: false,
        };
        let auth = Auth::open(Arc::clone(&shared), auth, clock.now()).await;
        let limits = Limits {
            content_bytes_max: CONTENT_MAX,
            messages_per_second,
            ..Limits::default()
        };
        let (stop, stopping) = watch::channel(false);
        let context = Context {
            broker: Broker::new(shared, limits),
            auth: Arc::new(auth.expect("an empty store")),
            clock,
            tally: Arc::new(Tally::default()),
            stopping,
        };
        let sources = Sources {
            broker: Arc::clone(&context.broker),
            gateways: Arc::clone(&context.tally),
            store: Some(Box::new(|| StoreFigures {
                commits: 17,
                ..StoreFigures::default()
            })),
            started_ms: 1_504_712_402_000,
        };
        let options = rest::Options {
            context_path: String::new(),
            content_bytes_max: CONTENT_MAX,
            origin_allowed: Arc::new(|headers| {
                headers.get("origin").is_some_and(|origin| origin == ORIGIN)
            }),
            metrics: Arc::new(move || sources.text()),
        };
        Self {
            routes: rest::routes(context.clone(), options).boxed(),
            context,
            store,
            stop,
        }
    }

    /// A new user with a token.
    pub async fn user(&self, name: &str) -> User {
        let now = self.context.clock.now();
        let (done, added) = outcome();
        self.store
            .add_user(name.to_owned(), None, now.epoch_ms, done);
        let Ok(AddedUser::New(person)) = added.await else {
            panic!("{name} is taken");
        };
        let token = mint(OWN_KEY, now, &person).expect("a token").token;
        User { person, token }
    }

    /// Calls as `user`.
    pub async fn as_user(&self, user: &User, call: &str, body: &str) -> Answer {
        self.as_user_with(user, call, body.to_owned()).await
    }

    /// The same with a body of bytes.
    pub async fn as_user_with(&self, user: &User, call: &str, body: impl Into<Bytes>) -> Answer {
        let token = format!("Bearer {}", user.token);
        self.call(call, &[("authorization", &token)], body).await
    }

    /// Calls as another server.
    pub async fn as_server(&self, call: &str, body: &str) -> Answer {
        self.call(call, &[("x-api-key", API_KEY)], body.to_owned())
            .await
    }

    /// Calls as nobody.
    pub async fn as_nobody(&self, call: &str, body: &str) -> Answer {
        self.call(call, &[], body.to_owned()).await
    }

    /// Makes the call `METHOD /path`.
    pub async fn call(
        &self,
        call: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let (method, path) = call.split_once(' ').expect("METHOD /path");
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).expect("a request");
        let filter = self
            .routes
            .clone()
            .or(warp::path("theirs").map(|| "another gateway".to_owned()))
            .or(rest::nothing_here());
        let response = warp::service(filter).call(request).await;
        let (parts, mut body) = response.expect("infallible").into_parts();
        let mut bytes = Vec::new();
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            let data = frame.expect("a whole body").into_data();
            bytes.extend_from_slice(&data.expect("no trailers"));
        }
        Answer {
            code: parts.status.as_u16(),
            headers: parts.headers,
            body: bytes,
        }
    }
}
