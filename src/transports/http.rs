//! HTTP: serves each connection of a listener until it is upgraded or over.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use ::http::HeaderValue;
use ::http::Method;
use ::http::Request;
use ::http::StatusCode;
use ::http::Uri;
use ::http::Version;
use ::http::header;
use bytes::Bytes;
use hyper::body::Body;
use hyper::body::Frame;
use hyper::body::Incoming;
use hyper::body::SizeHint;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use hyper_util::service::TowerToHyperService;
use tokio::sync::watch;
use tower_service::Service;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::transports::listener::Listener;
use crate::transports::listener::Stream;
use crate::transports::listener::stopped;
use crate::transports::patience::Patience;
use crate::transports::websocket;

/// How long a client may take to send a request's head, and how long a connection may wait for its next request: longer than
/// the 10 s after which clients that poll answer a ping, or beat, or what they say would meet the end of its connection.
const HEAD_WITHIN: Duration = Duration::from_secs(15);

/// Most bytes of a request's head.
const HEAD_BYTES_MAX: usize = 32 * 1024;

/// What a client gets when there are `--max-connections` already.
const FULL: &[u8] = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\n\
    Content-Type: application/json\r\nContent-Length: 94\r\n\r\n\
    {\"code\":503,\"status\":\"暂不可用\",\"content\":\"too many connections; try again in a moment\"}\r\n"
    .as_bytes();

/// Where among the paths the routes begin; by default at `/`.
pub struct Base {
    /// What stands before the path of every route: `""`, or `/x` without a slash at the end.
    pub context_path: String,
    /// Answers what is asked for outside it, and so is none of ours.
    pub outside: BoxedFilter<(Response,)>,
}

impl Default for Base {
    fn default() -> Self {
        Self {
            context_path: String::new(),
            outside: warp::any().map(|| empty(StatusCode::NOT_FOUND)).boxed(),
        }
    }
}

/// Serves `routes` to every connection of `listener`, for as long as that accepts any. The context path is taken off each
/// request's path before; who asks for itself is sent to its slash. Connections take requests until `parting` becomes
/// true, and then end after the answer they are at.
pub async fn serve(
    listener: Listener,
    base: Base,
    routes: BoxedFilter<(Response,)>,
    parting: watch::Receiver<bool>,
) {
    let below = Below {
        context_path: base.context_path.into(),
        inside: warp::service(routes),
        outside: warp::service(base.outside),
    };
    let serve = move |stream| serve_one(stream, below, parting);
    listener.each(FULL, serve).await;
}

async fn serve_one<S>(stream: Stream, service: S, mut parting: watch::Receiver<bool>)
where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(
            TokioIo::new(Patience::new(stream)),
            TowerToHyperService::new(service),
        )
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = stopped(&mut parting) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// The routes, below the context path.
#[derive(Clone)]
struct Below<S> {
    context_path: Arc<str>,
    inside: S,
    outside: S,
}

impl<S> Service<Request<Incoming>> for Below<S>
where
    S: Service<Request<Watched>, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        ready!(self.inside.poll_ready(context))?;
        self.outside.poll_ready(context)
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        if !has_one_host(&request) {
            return Box::pin(std::future::ready(Ok(hostless())));
        }
        if lacks_slash(&request, &self.context_path) {
            let redirect = redirect(&self.context_path);
            return Box::pin(std::future::ready(Ok(redirect)));
        }
        let stripped = strip(request.uri(), &self.context_path);
        let mut unread = None;
        let mut request = request.map(|body| {
            let body = Watched::new(body);
            unread.clone_from(&body.unread);
            body
        });
        let answer = match stripped {
            Some(uri) => {
                *request.uri_mut() = uri;
                self.inside.call(request)
            }
            None => self.outside.call(request),
        };
        Box::pin(async move {
            let mut response = answer.await?;
            if unread.is_some_and(|unread| unread.load(Ordering::Relaxed)) {
                // What is left of the body may be anything, and long: the connection is not read any further.
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            Ok(response)
        })
    }
}

/// The body of a request, which remembers whether all of it was read.
struct Watched {
    body: Incoming,
    /// `None` where there was nothing to read.
    unread: Option<Arc<AtomicBool>>,
}

impl Watched {
    fn new(body: Incoming) -> Self {
        let unread = (!body.is_end_stream()).then(|| Arc::new(AtomicBool::new(true)));
        Self { body, unread }
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(unread) = &self.unread
            && (frame.is_none() || self.body.is_end_stream())
        {
            unread.store(false, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Whether a request says once for whom it is: without that, or with two of them, servers on its way may disagree
/// (RFC 9112, 3.2). HTTP/1.0 need not.
fn has_one_host<B>(request: &Request<B>) -> bool {
    let hosts = request.headers().get_all(header::HOST).iter().count();
    hosts == 1 || (hosts == 0 && request.version() < Version::HTTP_11)
}

fn hostless() -> Response {
    let mut response = empty(StatusCode::BAD_REQUEST);
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    response
}

/// Whether somebody looks at the context path without its slash: what the page there names would be looked for beside it.
fn lacks_slash<B>(request: &Request<B>, context_path: &str) -> bool {
    let looks = matches!(*request.method(), Method::GET | Method::HEAD);
    looks
        && !context_path.is_empty()
        && request.uri().path() == context_path
        && !websocket::is_upgrade(request.headers())
}

fn redirect(context_path: &str) -> Response {
    let mut response = empty(StatusCode::PERMANENT_REDIRECT);
    // A context path holds letters, digits and a few marks, so it always is a value.
    if let Ok(location) = HeaderValue::try_from(format!("{context_path}/")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}

type Answering = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

/// The path without the context path; `None` where it does not begin with it.
fn strip(uri: &Uri, context_path: &str) -> Option<Uri> {
    let rest = uri.path().strip_prefix(context_path)?;
    let path = match rest {
        "" => "/",
        rest if rest.starts_with('/') => rest,
        _ => return None,
    };
    let query = uri
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    Uri::try_from(format!("{path}{query}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transports::socketio::Options;

    #[test]
    fn a_connection_outlives_the_time_between_two_answers_to_pings() {
        assert!(HEAD_WITHIN >= Options::default().ping_interval + Duration::from_secs(5));
    }

    #[test]
    fn a_request_outside_the_context_path_is_none_of_ours() {
        for (uri, context_path, path) in [
            ("/client?a=1", "", Some("/client?a=1")),
            ("/Mimi/client?a=1", "/Mimi", Some("/client?a=1")),
            ("/Mimi", "/Mimi", Some("/")),
            ("/Mimi/", "/Mimi", Some("/")),
            ("/Mimic", "/Mimi", None),
            ("/client", "/Mimi", None),
            // `CONNECT a:80` and `OPTIONS *`: warp's filters of paths can't bear a request without a path.
            ("a:80", "", Some("/")),
            ("a:80", "/Mimi", None),
            ("*", "", None),
        ] {
            let stripped = strip(&Uri::from_static(uri), context_path).map(|uri| uri.to_string());
            assert_eq!(stripped.as_deref(), path, "{uri}");
        }
    }
}
