//! Socket.IO (protocols 3 to 5, Engine.IO 3 and 4), by socketioxide. Knows nothing of what events say.
//!
//! An [`Endpoint`] answers `/socket.io/`: polls and posts of polling clients, and WebSockets. socketioxide does the
//! protocol; this module stands around it and makes each client's connection, all its namespaces together, a
//! [`Link`](crate::transports::Link) whose messages are JSON texts (`message.rs`). On the other side of it a [`Handler`]
//! has the conversation.
//!
//! # What has reached the client
//!
//! socketioxide does not tell when something was sent, and has no hook for polls and heart-beats. But everything
//! that it says passes here, polls as whole answers, WebSockets through a [`Tap`]. So the events that were sent are
//! counted, and counted again when a transport takes them (`receipts.rs`). [`Link::probe`](crate::transports::Link::probe)
//! remembers the first count; its proof is
//!
//! - **on a WebSocket**: a WebSocket ping (RFC 6455, 5.5.2) with the mark, put behind the last of those events, and
//!   its pong. Every WebSocket answers pings by itself, and reads what came before them first. After an upgrade the ping
//!   waits for Engine.IO's packet `5`, which a client sends when it has read the answer to its last poll;
//! - **on polling**: the next poll after the answer that carried the last of those events. A client polls again when it
//!   has read the answer before. The same query with the same time stamp is a proxy's second try, after which
//!   what the answer before it carried is never proven.
//!
//! An event for a namespace that the client has left meanwhile is thrown away, and the next mark is
//! [`Unproved`](crate::transports::Heard::Unproved).
//!
//! Both say that the client's own Engine.IO has the bytes; neither says that a human has seen them. Where the connection
//! breaks, or swallows bytes, nothing is proven. A client that makes proofs up deceives itself alone.

mod answers;
mod connection;
mod engine;
mod frames;
mod handler;
mod link;
mod message;
mod namespace;
mod payload;
mod receipts;
mod tap;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ::http::Method;
use ::http::StatusCode;
use bytes::Buf;
use bytes::Bytes;
use dashmap::DashMap;
use futures_util::Stream;
use futures_util::StreamExt;
use http_body_util::Full;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use socketioxide::ParserConfig;
use socketioxide::SocketIo;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

pub use handler::Handler;
pub use handler::Head;

use crate::transports::Lost;
use crate::transports::seldom::Seldom;
use crate::transports::socketio::connection::Connection;
use crate::transports::socketio::engine::Engine;
use crate::transports::socketio::link::SocketIoLink;
use crate::transports::socketio::namespace::Namespace;
use crate::transports::socketio::namespace::Presence;
use crate::transports::socketio::tap::Tap;
use crate::transports::websocket;
use crate::transports::websocket::Handshake;

/// How long a body may take to come.
const BODY_WITHIN: Duration = Duration::from_secs(30);

/// Packets that the engine may keep of one connection: those that we let it have, and its own heart-beats.
const ENGINE_PACKETS: usize = 256;

/// The most bytes of an answer to a poll, as the engine sees it. What does not fit waits for the next poll, and is lost
/// with an upgrade before that; so everything fits.
const ENGINE_ANSWER_BYTES: u64 = 1 << 30;

/// Attachments of a packet beyond which the connection is closed without a word; with fewer, it is told why they are too
/// many.
const ENGINE_ATTACHMENTS: usize = 64;

/// What a WebSocket reads at once. It is held by every connection, so it is small.
const READ_BYTES: usize = 4 * 1024;

/// Connections that poll, or began so, by the name that socketioxide gave them: 96 bits drawn by lot.
type Registry = DashMap<Box<str>, Arc<Connection>>;

/// The body of a request, as it comes.
type Body = Pin<Box<dyn Stream<Item = Result<Bytes, warp::Error>> + Send>>;

/// What an operator may choose for an endpoint.
#[derive(Clone, Debug)]
pub struct Options {
    /// The namespaces that there are.
    pub namespaces: &'static [&'static str],
    /// Most bytes of what a client sends at once: a WebSocket message, or the body of a request. An event with its
    /// attachments has no more either.
    pub message_bytes_max: usize,
    /// Most connections at a time.
    pub connections_max: usize,
    /// How often a heart-beat is due: ours to clients of Engine.IO 4, theirs to us in Engine.IO 3.
    pub ping_interval: Duration,
    /// How long it may be overdue before the client is gone.
    pub ping_timeout: Duration,
    /// How long a client may take to join its first namespace, or to bring an upgrade to its end.
    pub join_within: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            namespaces: &["/"],
            message_bytes_max: 1024 * 1024,
            connections_max: 100_000,
            ping_interval: Duration::from_secs(10),
            ping_timeout: Duration::from_secs(20),
            join_within: Duration::from_secs(10),
        }
    }
}

/// Everything at `/socket.io/`.
pub struct Endpoint<H> {
    options: Options,
    handler: Arc<H>,
    engine: Engine,
    /// Holds the namespaces.
    _io: SocketIo,
    registry: Arc<Registry>,
    places: Arc<Semaphore>,
    refused: Seldom,
}

/// A request at the path.
struct Request {
    head: Head,
    upgrade: Option<OnUpgrade>,
    body: Body,
}

/// Why there is no answer of the engine's.
type Refusal = Box<Response>;

impl<H: Handler> Endpoint<H> {
    /// An endpoint where `handler` has the conversations.
    pub fn new(options: Options, handler: H) -> Arc<Self> {
        let parser = ParserConfig::common()
            .max_incoming_binaries(ENGINE_ATTACHMENTS)
            .max_incoming_binary_buf_size(options.message_bytes_max);
        let builder = SocketIo::builder()
            .with_parser(parser)
            .ping_interval(options.ping_interval)
            .ping_timeout(options.ping_timeout)
            .connect_timeout(options.join_within)
            .upgrade_timeout(options.join_within)
            .max_buffer_size(ENGINE_PACKETS)
            .max_payload(ENGINE_ANSWER_BYTES)
            .ws_read_buffer_size(READ_BYTES)
            .ws_max_message_size(options.message_bytes_max)
            .ws_max_frame_size(options.message_bytes_max);
        let (engine, io) = Engine::build(builder);
        for (index, name) in options.namespaces.iter().enumerate() {
            io.ns(*name, Namespace(index));
        }
        Arc::new(Self {
            places: Arc::new(Semaphore::new(
                options.connections_max.min(Semaphore::MAX_PERMITS),
            )),
            options,
            handler: Arc::new(handler),
            engine,
            _io: io,
            registry: Arc::default(),
            refused: Seldom::default(),
        })
    }

    /// Answers whatever is below the path that was matched before: `warp::path!("socket.io" / ..).and(endpoint.routes())`.
    pub fn routes(self: Arc<Self>) -> BoxedFilter<(Response,)> {
        let query = warp::query::raw().or(warp::any().map(String::new)).unify();
        let body =
            warp::body::stream().map(|body| -> Body { Box::pin(StreamExt::map(body, bytes)) });
        warp::path::end()
            .and(warp::method())
            .and(warp::header::headers_cloned())
            .and(query)
            .and(warp::ext::optional::<OnUpgrade>())
            .and(body)
            .then(move |method, headers, query, upgrade, body| {
                let endpoint = Arc::clone(&self);
                let head = Head {
                    method,
                    headers,
                    query,
                };
                let request = Request {
                    head,
                    upgrade,
                    body,
                };
                async move {
                    // Whoever may not come in may not read why either.
                    if let Err(refusal) = endpoint.handler.knock(&request.head) {
                        return *refusal;
                    }
                    let headers = request.head.headers.clone();
                    let answer = endpoint.answer(request).await;
                    let mut response = answer.unwrap_or_else(|refusal| *refusal);
                    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
                        answers::dress(&mut response, &headers);
                    }
                    response
                }
            })
            .boxed()
    }

    async fn answer(&self, request: Request) -> Result<Response, Refusal> {
        let head = &request.head;
        match head.method {
            Method::OPTIONS => return Ok(answers::options()),
            Method::GET | Method::POST => {}
            _ => return Ok(answers::wrong_method()),
        }
        let Some(engine @ ("3" | "4")) = head.parameter("EIO") else {
            let versions = "Unsupported protocol version: EIO must be 3 or 4";
            return Ok(answers::wrong(5, versions));
        };
        let version = if engine == "3" { 3 } else { 4 };
        let known = match head.parameter("sid") {
            Some(id) => {
                let known = self.registry.get(id).map(|known| Arc::clone(&known));
                Some(known.ok_or_else(|| Box::new(answers::wrong(1, "Session ID unknown")))?)
            }
            None => None,
        };
        match (head.parameter("transport"), &head.method, known) {
            (Some("polling"), &Method::GET, None) => self.open(request, version).await,
            (Some("polling"), &Method::GET, Some(known)) => {
                Ok(self.poll(&known, request, version).await)
            }
            (Some("polling"), _, Some(known)) => self.post(&known, request, version).await,
            (Some("websocket"), &Method::GET, known) => self.web_socket(request, known).await,
            (Some("polling" | "websocket"), ..) => Ok(answers::wrong(2, "Bad handshake method")),
            _ => Ok(answers::wrong(
                0,
                "Transport unknown: it must be polling or websocket",
            )),
        }
    }

    /// A connection for a client that was admitted, and what the engine is to keep with it.
    async fn admit(&self, head: &Head) -> Result<(Arc<Connection>, Arc<Presence>), Refusal> {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            if let Some(refused) = self.refused.again() {
                tracing::warn!(
                    refused,
                    "all Socket.IO connections are taken (--max-connections)"
                );
            }
            let status = StatusCode::SERVICE_UNAVAILABLE;
            let full = answers::sentence(status, "too many connections; try again in a moment");
            return Err(Box::new(full));
        };
        let ticket = self.handler.admit(head).await?;
        let connection = Connection::new(self.engine.clone(), self.options.namespaces, place);
        let handler = Arc::clone(&self.handler);
        let begin = Box::new(|connection| {
            let link = SocketIoLink::new(connection);
            tokio::spawn(async move { handler.converse(ticket, link).await });
        });
        let presence = Presence::new(Arc::clone(&connection), Arc::clone(&self.registry), begin);
        Ok((connection, presence))
    }

    /// Opens a connection that polls.
    async fn open(&self, request: Request, version: u8) -> Result<Response, Refusal> {
        let (connection, presence) = self.admit(&request.head).await?;
        let query = &request.head.query;
        let mut request = for_engine(&request.head, Bytes::new());
        request.extensions_mut().insert(presence);
        let mut answer = self.engine.answer(request, query).await;
        if let Some(id) = session_id(answer.body()) {
            connection.name(id);
            self.registry.insert(id.into(), Arc::clone(&connection));
            if connection.is_gone() {
                self.registry.remove(id);
            }
        }
        if version == 4 {
            *answer.body_mut() = with_payload_max(answer.body(), self.options.message_bytes_max);
        }
        Ok(answers::of_engine(answer))
    }

    async fn poll(&self, known: &Arc<Connection>, request: Request, version: u8) -> Response {
        let query = &request.head.query;
        known.polled(query);
        let request = for_engine(&request.head, Bytes::new());
        let mut answer = self.engine.answer(request, query).await;
        if answer.status() == StatusCode::OK {
            known.answered(payload::events(version, answer.body()));
            if version == 3
                && let Some(ascii) = payload::ascii_of_3(answer.body())
            {
                *answer.body_mut() = ascii.into();
            }
        }
        answers::of_engine(answer)
    }

    async fn post(
        &self,
        known: &Arc<Connection>,
        request: Request,
        version: u8,
    ) -> Result<Response, Refusal> {
        let full = "too much waits to be done for this connection; send again later";
        let full = |_| Box::new(answers::sentence(StatusCode::SERVICE_UNAVAILABLE, full));
        let _turn = known.turn().await.map_err(full)?;
        let body = read(request.body, self.options.message_bytes_max)
            .await
            .inspect_err(|refusal| {
                if refusal.status() == StatusCode::PAYLOAD_TOO_LARGE {
                    known.lose(Lost::TooLarge(self.options.message_bytes_max));
                }
            })?;
        if known.is_closing() && payload::events(version, &body) > 0 {
            // Too late: nobody hears it. The library would cut who speaks in a namespace that has ended, and with it the
            // last words.
            return Ok(answers::sentence(StatusCode::OK, "ok"));
        }
        let once = match version {
            3 => payload::once_of_3(&body),
            _ => None,
        };
        let body = once.map_or(body, Bytes::from);
        let query = &request.head.query;
        let request = for_engine(&request.head, body);
        Ok(answers::of_engine(self.engine.answer(request, query).await))
    }

    /// Opens a connection on a WebSocket, or takes one there that has polled until now.
    async fn web_socket(
        &self,
        request: Request,
        known: Option<Arc<Connection>>,
    ) -> Result<Response, Refusal> {
        let answer = match websocket::handshake(&request.head.headers, None) {
            Handshake::Accepted(answer) => answer,
            Handshake::Refused(refusal) => return Ok(refusal.map(Into::into)),
        };
        let Some(upgrade) = request.upgrade else {
            return Ok(answers::wrong(3, "this connection can't be upgraded"));
        };
        let mut for_engine = ::http::Request::new(());
        *for_engine.headers_mut() = request.head.headers.clone();
        let connection = match known {
            Some(known) => known,
            None => {
                let (connection, presence) = self.admit(&request.head).await?;
                for_engine.extensions_mut().insert(presence);
                connection
            }
        };
        let is_upgrade = connection.id().is_some();
        if !connection.probe_web_socket() {
            return Ok(answers::wrong(3, "this session has a WebSocket already"));
        }
        if !is_upgrade {
            connection.open_web_socket();
        }
        let engine = self.engine.clone();
        let bytes_max = self.options.message_bytes_max;
        let query = request.head.query;
        tokio::spawn(async move {
            match upgrade.await {
                Ok(upgraded) => {
                    let tap = Tap::new(TokioIo::new(upgraded), connection, bytes_max);
                    engine.speak(tap, for_engine, &query);
                }
                Err(error) => {
                    tracing::debug!(%error, "a connection broke before it was a WebSocket");
                    connection.finish();
                }
            }
        });
        Ok(answer.map(|()| Response::default().into_body()))
    }
}

/// A request for the engine.
fn for_engine(head: &Head, body: Bytes) -> ::http::Request<Full<Bytes>> {
    let mut request = ::http::Request::new(Full::new(body));
    *request.method_mut() = head.method.clone();
    *request.headers_mut() = head.headers.clone();
    request
}

async fn read(mut body: Body, bytes_max: usize) -> Result<Bytes, Refusal> {
    let refused = |status, text| Err(Box::new(answers::sentence(status, text)));
    let whole = async {
        let mut whole = Vec::new();
        while let Some(chunk) = body.next().await {
            let Ok(chunk) = chunk else {
                return refused(StatusCode::BAD_REQUEST, "the body is broken");
            };
            if whole.len() + chunk.len() > bytes_max {
                let status = StatusCode::PAYLOAD_TOO_LARGE;
                return refused(status, "the body is too large; send less at once");
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.into())
    };
    let slow = |_| refused(StatusCode::REQUEST_TIMEOUT, "the body comes too slowly");
    timeout(BODY_WITHIN, whole).await.unwrap_or_else(slow)
}

fn bytes(chunk: Result<impl Buf, warp::Error>) -> Result<Bytes, warp::Error> {
    chunk.map(|mut chunk| chunk.copy_to_bytes(chunk.remaining()))
}

/// The name of a session, in the packet that opens it.
fn session_id(body: &[u8]) -> Option<&str> {
    let (_, rest) = std::str::from_utf8(body).ok()?.split_once(r#""sid":""#)?;
    rest.split_once('"').map(|(id, _)| id)
}

/// The packet that opens a session with the number of bytes that it really may post at once.
fn with_payload_max(body: &Bytes, bytes_max: usize) -> Bytes {
    let text = String::from_utf8_lossy(body);
    let engines = format!(r#""maxPayload":{ENGINE_ANSWER_BYTES}"#);
    text.replace(&engines, &format!(r#""maxPayload":{bytes_max}"#))
        .into()
}
