//! The SockJS 0.3.x server protocol, as its public test suite states it: `sockjs-protocol.py`, the edition that follows
//! 0.3.3 and that sockjs-node keeps to. Knows nothing of what the messages say.
//!
//! An [`Endpoint`] answers everything below one base path. It finds or opens the session that a request is for
//! (`registry.rs`, `session.rs`) and lets the request send (`post.rs`) or receive (`outgoing.rs`, and one file for each
//! transport, which is no more than an envelope for frames). On the other side of a session a [`Handler`] has the
//! conversation, over a [`Link`] like any other.

mod answers;
mod callback;
mod eventsource;
mod handler;
mod htmlfile;
mod iframe;
mod info;
mod jsonp;
mod outgoing;
mod place;
mod post;
mod query;
mod registry;
mod session;
mod state;
mod websocket;
mod xhr;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use ::http::HeaderMap;
use ::http::Method;
use ::http::StatusCode;
use bytes::Buf;
use bytes::Bytes;
use futures_util::StreamExt;
use hongyan_grammar::sockjs;
use hyper::upgrade::OnUpgrade;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

pub use handler::Handler;
pub use handler::Head;
pub use session::Key;

use crate::transports::seldom::Seldom;
use crate::transports::sockjs::iframe::Iframe;
use crate::transports::sockjs::outgoing::Envelope;
use crate::transports::sockjs::place::Place;
use crate::transports::sockjs::place::Transport;
use crate::transports::sockjs::registry::Registry;
use crate::transports::sockjs::session::Session;
use crate::transports::sockjs::websocket::SockJsWebSocket;
use crate::transports::websocket as plain;
use crate::transports::websocket::Handshake;
use crate::transports::websocket::WebSocket;

/// What an operator may choose for an endpoint.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether clients may use WebSockets.
    pub websocket: bool,
    /// Whether a load balancer needs the cookie `JSESSIONID` to find the way back here. Nobody is known by it.
    pub cookie_needed: bool,
    /// Bytes after which a streaming answer ends, and the client asks for the next.
    pub response_bytes_max: usize,
    /// Most bytes of what a client sends at once: a WebSocket message, or the body of a request.
    pub message_bytes_max: usize,
    /// Most sessions at a time that have no connection of their own.
    pub sessions_max: usize,
    /// Silence of ours after which a heart-beat is sent.
    pub heartbeat: Duration,
    /// How long a session lives while nobody receives from it.
    pub disconnect_delay: Duration,
    /// Where the iframe page finds the client.
    pub script_url: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            websocket: true,
            cookie_needed: false,
            response_bytes_max: 128 * 1024,
            message_bytes_max: 1024 * 1024,
            sessions_max: 100_000,
            heartbeat: Duration::from_secs(25),
            disconnect_delay: Duration::from_secs(5),
            script_url: "https://cdn.jsdelivr.net/npm/sockjs-client@1/dist/sockjs.min.js"
                .to_owned(),
        }
    }
}

/// Everything below one base path.
pub struct Endpoint<H> {
    options: Options,
    handler: Arc<H>,
    iframe: Iframe,
    sessions: Arc<Registry>,
    refused: Seldom,
}

/// A request below the base path.
struct Request {
    head: Head,
    rest: String,
    upgrade: Option<OnUpgrade>,
    body: post::Body,
}

impl<H: Handler> Endpoint<H> {
    /// An endpoint where `handler` has the conversations.
    pub fn new(options: Options, handler: H) -> Arc<Self> {
        Arc::new(Self {
            iframe: Iframe::new(&options.script_url),
            options,
            handler: Arc::new(handler),
            sessions: Arc::default(),
            refused: Seldom::default(),
        })
    }

    /// Answers whatever is below the path that was matched before: `warp::path!("echo" / ..).and(endpoint.routes())`.
    pub fn routes(self: Arc<Self>) -> BoxedFilter<(Response,)> {
        let query = warp::query::raw().or(warp::any().map(String::new)).unify();
        let body = warp::body::stream()
            .map(|body| -> post::Body { Box::pin(StreamExt::map(body, bytes)) });
        warp::path::tail()
            .and(warp::method())
            .and(warp::header::headers_cloned())
            .and(query)
            .and(warp::ext::optional::<OnUpgrade>())
            .and(body)
            .then(
                move |rest: warp::path::Tail, method, headers, query, upgrade, body| {
                    let endpoint = Arc::clone(&self);
                    let request = Request {
                        head: Head {
                            method,
                            headers,
                            query,
                            raw: false,
                        },
                        rest: rest.as_str().to_owned(),
                        upgrade,
                        body,
                    };
                    async move { endpoint.answer(request).await }
                },
            )
            .boxed()
    }

    async fn answer(&self, mut request: Request) -> Response {
        let rest = std::mem::take(&mut request.rest);
        let Some(place) = Place::parse(&rest) else {
            return answers::not_found();
        };
        let key = match self.handler.knock(&request.head) {
            Ok(key) => key,
            Err(refusal) => return *refusal,
        };
        match place {
            Place::Greeting if plain::is_upgrade(&request.head.headers) => self.raw(request).await,
            Place::RawWebSocket => self.raw(request).await,
            Place::Greeting => only_get(&request.head, |_| answers::greeting()),
            Place::Iframe => only_get(&request.head, |head| self.iframe.answer(&head.headers)),
            Place::Info => self.info(&request.head),
            Place::Session(id, transport) => {
                let headers = request.head.headers.clone();
                let mut response = self.session(id, transport, key, request).await;
                self.dress(&mut response, transport, &headers);
                response
            }
        }
    }

    fn info(&self, head: &Head) -> Response {
        const METHODS: &str = "OPTIONS, GET";
        let mut response = match head.method {
            Method::GET => info::answer(&self.options),
            Method::OPTIONS => answers::options(METHODS),
            _ => return answers::wrong_method(METHODS),
        };
        answers::cors(&mut response, &head.headers);
        response
    }

    /// The headers that every answer of a session's transport has.
    fn dress(&self, response: &mut Response, transport: Transport, request: &HeaderMap) {
        match transport {
            Transport::WebSocket => return,
            Transport::Xhr
            | Transport::XhrSend
            | Transport::XhrStreaming
            | Transport::EventSource => {
                answers::cors(response, request);
            }
            Transport::HtmlFile | Transport::Jsonp | Transport::JsonpSend => {}
        }
        if self.options.cookie_needed {
            answers::sticky_cookie(response, request);
        }
    }

    async fn session(
        &self,
        id: &str,
        transport: Transport,
        key: Key,
        request: Request,
    ) -> Response {
        let methods = transport.methods();
        let method = request.head.method.as_str();
        if !methods.split(", ").any(|known| known == method) {
            return answers::wrong_method(methods);
        }
        if method == "OPTIONS" {
            return answers::options(methods);
        }
        let head = &request.head;
        match transport {
            Transport::WebSocket => self.framed(request).await,
            Transport::XhrSend | Transport::JsonpSend => {
                let Some(session) = self.sessions.find(id).filter(|known| known.is_of(&key)) else {
                    return answers::not_found();
                };
                let bytes_max = self.options.message_bytes_max;
                post::answer(&session, transport, &head.headers, request.body, bytes_max).await
            }
            Transport::Xhr => self.receive(id, key, head, xhr::Polling).await,
            Transport::XhrStreaming => self.receive(id, key, head, xhr::Streaming).await,
            Transport::EventSource => self.receive(id, key, head, eventsource::EventSource).await,
            Transport::HtmlFile => match callback::read(&head.query) {
                Ok(callback) => {
                    self.receive(id, key, head, htmlfile::HtmlFile { callback })
                        .await
                }
                Err(refusal) => *refusal,
            },
            Transport::Jsonp => match callback::read(&head.query) {
                Ok(callback) => self.receive(id, key, head, jsonp::Jsonp { callback }).await,
                Err(refusal) => *refusal,
            },
        }
    }

    async fn receive<E: Envelope>(&self, id: &str, key: Key, head: &Head, envelope: E) -> Response {
        let session = match self.sessions.find(id) {
            Some(session) => session,
            None => match self.open(id, key.clone(), head).await {
                Ok(session) => session,
                Err(refusal) => return *refusal,
            },
        };
        // Whoever has guessed the id of another's session learns nothing of it.
        if !session.is_of(&key) {
            return answers::not_found();
        }
        match session.receive(self.options.heartbeat).await {
            Some(receiver) => outgoing::answer(envelope, receiver, self.options.response_bytes_max),
            None => {
                let taken = sockjs::close(2010, "Another connection still open");
                outgoing::last_word(&envelope, &taken)
            }
        }
    }

    async fn open(&self, id: &str, key: Key, head: &Head) -> Result<Arc<Session>, Box<Response>> {
        if self.sessions.len() >= self.options.sessions_max {
            if let Some(refused) = self.refused.again() {
                tracing::warn!(refused, "all SockJS sessions are taken");
            }
            let status = StatusCode::SERVICE_UNAVAILABLE;
            let full = answers::sentence(status, "Too many sessions; try again in a moment.");
            return Err(Box::new(full));
        }
        let ticket = self.handler.admit(head).await?;
        let handler = Arc::clone(&self.handler);
        let new = Session::new(key);
        let delay = self.options.disconnect_delay;
        Ok(self.sessions.open(id, new, delay, |link| async move {
            handler.converse(ticket, link).await;
        }))
    }

    /// A WebSocket without SockJS framing.
    async fn raw(&self, mut request: Request) -> Response {
        request.head.raw = true;
        if request.head.method != Method::GET {
            return answers::wrong_method("GET");
        }
        let subprotocol = self.handler.subprotocol(&request.head);
        self.upgrade(request, subprotocol, |handler, ticket, socket| async move {
            handler.converse(ticket, socket).await;
        })
        .await
    }

    /// A WebSocket with SockJS framing: its session is the connection, whatever its id.
    async fn framed(&self, request: Request) -> Response {
        let heartbeat = self.options.heartbeat;
        self.upgrade(request, None, move |handler, ticket, socket| async move {
            if let Ok(link) = SockJsWebSocket::open(socket, heartbeat) {
                handler.converse(ticket, link).await;
            }
        })
        .await
    }

    async fn upgrade<C>(
        &self,
        request: Request,
        subprotocol: Option<&'static str>,
        converse: impl FnOnce(Arc<H>, H::Ticket, WebSocket) -> C + Send + 'static,
    ) -> Response
    where
        C: Future<Output = ()> + Send,
    {
        if !self.options.websocket {
            return answers::not_found();
        }
        let answer = match plain::handshake(&request.head.headers, subprotocol) {
            Handshake::Accepted(answer) => answer,
            Handshake::Refused(refusal) => return refusal.map(Into::into),
        };
        let Some(upgrade) = request.upgrade else {
            return answers::sentence(
                StatusCode::BAD_REQUEST,
                "This connection can't be upgraded.",
            );
        };
        let ticket = match self.handler.admit(&request.head).await {
            Ok(ticket) => ticket,
            Err(refusal) => return *refusal,
        };
        let handler = Arc::clone(&self.handler);
        let bytes_max = self.options.message_bytes_max;
        tokio::spawn(async move {
            if let Some(socket) = WebSocket::open(upgrade, bytes_max).await {
                converse(handler, ticket, socket).await;
            }
        });
        answer.map(|()| Response::default().into_body())
    }
}

fn bytes(chunk: Result<impl Buf, warp::Error>) -> Result<Bytes, warp::Error> {
    chunk.map(|mut chunk| chunk.copy_to_bytes(chunk.remaining()))
}

fn only_get(head: &Head, answer: impl FnOnce(&Head) -> Response) -> Response {
    match head.method {
        Method::GET => answer(head),
        _ => answers::wrong_method("GET"),
    }
}
