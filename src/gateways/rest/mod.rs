//! REST: accounts, messages, people, groups, pictures and health for programs that hold no connection. One `table` says which
//! calls there are; the desk here finds the row, looks at who calls, and writes the headers that every answer has.

mod accounts;
mod answer;
mod blocks;
mod body;
mod call;
mod cors;
mod friends;
mod groups;
mod health;
mod images;
mod messages;
mod openapi;
mod orders;
mod people;
mod pushes;
mod schemas;
mod table;
mod under_way;
mod wire;

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use bytes::Buf;
use bytes::Bytes;
use futures_util::Stream;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Response;
use http::header;
use warp::Filter;
use warp::Rejection;
use warp::path::Tail;

use crate::auth::Denial;
use crate::auth::Login;
use crate::broker::moment::Moment;
use crate::broker::refusal::Refusal;
use crate::gateways::bearer;
use crate::gateways::drive::Context;
use crate::gateways::rest::answer::Answer;
use crate::gateways::rest::answer::Refused;
use crate::gateways::rest::call::BodySize;
use crate::gateways::rest::call::Call;
use crate::gateways::rest::call::Caller;
use crate::gateways::rest::call::Handler;
use crate::gateways::rest::call::Request;
use crate::gateways::rest::cors::Origin;
use crate::gateways::rest::table::Found;
use crate::gateways::rest::under_way::UnderWay;
use crate::gateways::url::Query;

/// Most bytes of a body that holds names and passwords, or nothing.
const SMALL_BODY_MAX: usize = 64 * 1024;

/// Bytes that one byte of a content may take in JSON: `\u0000`.
const ESCAPED_MAX: usize = 6;

/// Bytes of a message's JSON beside the content: as many uids as may be listed to be left out, and the rest.
const AROUND_CONTENT_MAX: usize = 256 * 1024;

/// Most bytes of a group's description: as many members as may be listed, by their names.
const GROUP_BODY_MAX: usize = 4 * 1024 * 1024;

/// Most bytes of a picture (CONTRACT section 3).
const PICTURE_MAX: usize = 5 * 1024 * 1024;

/// The header of other servers.
const API_KEY: &str = "x-api-key";

/// What the gateway must be told.
#[derive(Clone)]
pub struct Options {
    /// The path before all others, as in `/Mimi`; empty where there is none. Only the description names it: the caller
    /// of [`routes`] puts the filter below it.
    pub context_path: String,
    /// Most bytes of a message's content.
    pub content_bytes_max: usize,
    /// Whether a request with these headers, one of them an Origin, may come in.
    pub origin_allowed: Arc<dyn Fn(&HeaderMap) -> bool + Send + Sync>,
    /// The metrics as text. May read files: it is called where blocking is allowed.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
}

/// Answers the calls of the table, and everything else below `/api`. Other paths are rejected, for other filters to take.
pub fn routes(
    context: Context,
    options: Options,
) -> impl Filter<Extract = (Response<Bytes>,), Error = Rejection> + Clone + Send + Sync + 'static {
    let desk = Arc::new(Desk {
        context,
        options,
        stamp_ms: AtomicU64::new(0),
        under_way: UnderWay::default(),
    });
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    warp::path::tail()
        // Before anything of the request is taken: a rejected one goes on to other filters whole.
        .and_then(|path: Tail| {
            ready(table::find(path.as_str()).ok_or_else(warp::reject::not_found))
        })
        .and(warp::method())
        .and(query)
        .and(warp::header::headers_cloned())
        .and(warp::body::stream())
        .then(move |found, method, query: String, headers, body| {
            Arc::clone(&desk).answer(found, method, query, headers, body)
        })
        .boxed()
}

/// A refusal in the one shape that all of them have over HTTP, for the doors that are not of this table.
pub fn refused(code: u16, content: &str) -> Response<Bytes> {
    Refused::new(code, content).into()
}

/// Answers any request with 404, in the words of REST: for the end of a chain of filters.
pub fn nothing_here() -> impl Filter<Extract = (Response<Bytes>,), Error = Infallible> + Clone {
    warp::any().map(|| finish(no_such_path().into(), Origin::None))
}

/// The same for what is asked for outside `context_path`.
pub fn nothing_outside(
    context_path: &str,
) -> impl Filter<Extract = (Response<Bytes>,), Error = Infallible> + Clone + use<> {
    let sentence = format!("there is nothing outside {context_path}/");
    warp::any().map(move || finish(Refused::new(404, sentence.clone()).into(), Origin::None))
}

/// What all calls share.
struct Desk {
    context: Context,
    options: Options,
    /// The time that the last msgID was made with.
    stamp_ms: AtomicU64,
    under_way: UnderWay,
}

impl Desk {
    async fn answer<B: Buf, E>(
        self: Arc<Self>,
        found: Found,
        method: Method,
        query: String,
        headers: HeaderMap,
        body: impl Stream<Item = Result<B, E>> + Send,
    ) -> Answer {
        let origin = Origin::of(&headers, &*self.options.origin_allowed);
        let head = method == Method::HEAD;
        let attended = match origin {
            Origin::Refused => Err(Refused::new(403, "pages of this origin may not call here")),
            _ => self.attend(found, method, &query, &headers, body).await,
        };
        let mut answer = finish(attended.unwrap_or_else(Answer::from), origin);
        if head {
            let length = answer.body().len();
            answer
                .headers_mut()
                .insert(header::CONTENT_LENGTH, length.into());
            answer.body_mut().clear();
        }
        answer
    }

    async fn attend<B: Buf, E>(
        self: Arc<Self>,
        found: Found,
        method: Method,
        query: &str,
        headers: &HeaderMap,
        body: impl Stream<Item = Result<B, E>> + Send,
    ) -> Result<Answer, Refused> {
        let Found { calls, parts } = found;
        if calls.is_empty() {
            return Err(no_such_path());
        }
        if method == Method::OPTIONS {
            return Ok(cors::preflight(allowed(&calls)));
        }
        let asked = if method == Method::HEAD {
            Method::GET
        } else {
            method
        };
        let call = calls
            .iter()
            .find(|call| call.method == asked)
            .ok_or_else(|| Refused::method(allowed(&calls)))?;
        let desk = Arc::clone(&self);
        let bytes_max = self.body_bytes_max(call.body);
        let request = async move {
            Ok::<_, Refused>(Request {
                desk,
                parts,
                query: Query::parse(query)
                    .ok_or_else(|| Refused::bad("the query is not percent-encoded UTF-8"))?,
                body: body::read(body, bytes_max).await?,
            })
        };
        // Who calls is known before the body is read: strangers don't cost memory.
        let handled = match call.handler {
            Handler::Anyone(handle) => handle(request.await?).await,
            Handler::User(handle) => {
                let login = self.login(headers).await?;
                let place = self.under_way.place(login.person.uid).await?;
                let answer = handle(request.await?, login).await;
                answer.map(|answer| place.until_written(answer))
            }
            Handler::UserOrServer(handle) => match self.caller(headers).await? {
                Caller::Server => handle(request.await?, Caller::Server).await,
                Caller::User(login) => {
                    let place = self.under_way.place(login.person.uid).await?;
                    let answer = handle(request.await?, Caller::User(login)).await;
                    answer.map(|answer| place.until_written(answer))
                }
            },
            Handler::Server(handle) => match self.caller(headers).await? {
                Caller::Server => handle(request.await?).await,
                Caller::User(_) => Err(Refusal::ServerOnly.into()),
            },
        };
        handled.inspect_err(|refused| {
            // 503 is said by readiness alone, which logs the reason itself.
            if refused.code == 500 {
                tracing::error!(method = %call.method, path = call.path, code = refused.code, "a call failed");
            }
        })
    }

    async fn login(&self, headers: &HeaderMap) -> Result<Login, Refused> {
        let token = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(bearer)
            .ok_or(Denial::InvalidToken)?;
        let now = self.context.clock.now();
        let login = self.context.auth.session(now, token).await;
        Ok(login.inspect_err(|_| self.context.tally.logins_refused.add())?)
    }

    /// An API key, where there is one, counts before a token.
    async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Refused> {
        let Some(key) = headers.get(API_KEY) else {
            return self.login(headers).await.map(Caller::User);
        };
        let known = key
            .to_str()
            .is_ok_and(|key| self.context.auth.is_api_key(key));
        if known {
            Ok(Caller::Server)
        } else {
            self.context.tally.logins_refused.add();
            Err(Denial::InvalidToken.into())
        }
    }

    fn body_bytes_max(&self, size: BodySize) -> usize {
        match size {
            BodySize::Small => SMALL_BODY_MAX,
            BodySize::Content => self
                .options
                .content_bytes_max
                .saturating_mul(ESCAPED_MAX)
                .saturating_add(AROUND_CONTENT_MAX),
            BodySize::Group => GROUP_BODY_MAX,
            BodySize::Picture => PICTURE_MAX,
        }
    }

    /// The time for a msgID made here: later than that of any other, so that a sender who says the same twice at once has
    /// sent two messages.
    fn stamp_ms(&self, now: Moment) -> u64 {
        let later = |last: u64| now.epoch_ms.max(last.saturating_add(1));
        let last = self
            .stamp_ms
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
                Some(later(last))
            });
        later(last.unwrap_or_else(|last| last))
    }
}

fn no_such_path() -> Refused {
    Refused::new(
        404,
        "there is no such path; /api/openapi.json lists those there are",
    )
}

/// What `calls`, all of one path, may be asked with.
fn allowed(calls: &[&Call]) -> String {
    let mut methods = Vec::new();
    for call in calls {
        methods.push(call.method.as_str());
        if call.method == Method::GET {
            methods.push(Method::HEAD.as_str());
        }
    }
    methods.push(Method::OPTIONS.as_str());
    methods.join(", ")
}

/// Puts on the headers that every answer has.
fn finish(mut answer: Answer, origin: Origin) -> Answer {
    let headers = answer.headers_mut();
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    // Unless the answer says itself how long it is good.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    origin.mark(headers);
    answer
}
