//! The ways in: which gateway speaks on which transport, and who is let in at the door.

use std::future::ready;
use std::sync::Arc;

use hongyan_grammar::stomp::Version;
use http::HeaderMap;
use http::StatusCode;
use http::header;
use hyper::upgrade::OnUpgrade;
use warp::Filter;
use warp::Rejection;
use warp::Reply;
use warp::filters::BoxedFilter;
use warp::http::Method;
use warp::path::FullPath;
use warp::reply::Response;

use crate::auth::permits::Permits;
use crate::gateways::Admitted;
use crate::gateways::drive::Context;
use crate::gateways::drive::drive;
use crate::gateways::packets;
use crate::gateways::packets::PacketSession;
use crate::gateways::rest;
use crate::gateways::stomp::Door;
use crate::gateways::stomp::StompSession;
use crate::gateways::url;
use crate::transports::Link;
use crate::transports::origin::Origins;
use crate::transports::sockjs;
use crate::transports::sockjs::Handler;
use crate::transports::websocket;
use crate::transports::websocket::Handshake;
use crate::transports::websocket::WebSocket;

/// Room for the headers of the largest frame, and for its escapes.
const MESSAGE_BYTES_EXTRA: usize = 64 * 1024;

/// What all doors have in common.
#[derive(Clone)]
pub(super) struct Doors {
    pub(super) context: Context,
    pub(super) origins: Origins,
    pub(super) frame_bytes_max: usize,
    pub(super) permits: Arc<Permits>,
}

/// A request as the doors see it.
struct Knock {
    method: Method,
    headers: HeaderMap,
    token: Option<String>,
    upgrade: Option<OnUpgrade>,
}

/// `/client` and `/socketServer`.
pub(super) fn routes(doors: Doors) -> BoxedFilter<(Response,)> {
    // Taken as it stands: a filter that reads it would log what it can't read, and a token may be in it.
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    let knock = warp::method()
        .and(warp::header::headers_cloned())
        .and(query)
        .and(warp::ext::optional::<OnUpgrade>())
        .map(|method, headers, query: String, upgrade| Knock {
            method,
            headers,
            token: token(&query),
            upgrade,
        });
    let options = sockjs::Options {
        message_bytes_max: doors.message_bytes_max(),
        ..sockjs::Options::default()
    };
    let endpoint = sockjs::Endpoint::new(options, doors.clone());
    let socket_server = warp::path!("socketServer" / ..).and(endpoint.routes());
    let client = exactly("/client").and(knock).then(move |knock| {
        let doors = doors.clone();
        async move { doors.web_socket(knock).await }
    });
    client.or(socket_server).unify().boxed()
}

/// `/{wstoken}`: whatever asks for a WebSocket at a path of one part that nothing else has taken. Everything else goes on.
pub(super) fn packets(doors: Doors) -> BoxedFilter<(Response,)> {
    // The token is taken as it stands: a filter that reads it would log what it can't read.
    let token = warp::path::param::<String>().and(warp::path::end());
    let asks = warp::get()
        .and(warp::header::headers_cloned())
        .and(warp::path::full())
        .and_then(|headers: HeaderMap, path: FullPath| {
            // Paths are taken exactly, so that /client/ is not a token either.
            let is_meant = websocket::is_upgrade(&headers) && !path.as_str().ends_with('/');
            ready(if is_meant {
                Ok(headers)
            } else {
                Err(warp::reject::not_found())
            })
        });
    token
        .and(asks)
        .and(warp::ext::optional::<OnUpgrade>())
        .then(move |token: String, headers, upgrade| {
            let doors = doors.clone();
            async move { doors.packet_socket(&token, &headers, upgrade).await }
        })
        .boxed()
}

/// That this is the whole path. `warp::path!` would take one with a slash behind it, too.
fn exactly(path: &'static str) -> impl Filter<Extract = (), Error = Rejection> + Clone {
    warp::path::full()
        .and_then(move |full: FullPath| {
            let found = full.as_str() == path;
            ready(found.then_some(()).ok_or_else(warp::reject::not_found))
        })
        .untuple_one()
}

impl Handler for Doors {
    type Ticket = Door;

    /// A session belongs to the token that it was opened with.
    fn knock(&self, head: &sockjs::Head) -> Result<sockjs::Key, Box<Response>> {
        if !self.origins.allow(&head.headers) {
            return Err(Box::new(origin_refused()));
        }
        Ok(token(&head.query).unwrap_or_default())
    }

    fn subprotocol(&self, head: &sockjs::Head) -> Option<&'static str> {
        offered(&head.headers).map(Version::subprotocol)
    }

    async fn admit(&self, head: &sockjs::Head) -> Result<Door, Box<Response>> {
        let token = token(&head.query);
        let mut door = self.door(&head.headers, token.as_deref()).await?;
        if !head.raw {
            // What stands inside SockJS's own frames is none of the handshake's business.
            door.subprotocol = None;
            door.text_only = true;
        }
        Ok(door)
    }

    fn converse<L: Link + 'static>(&self, door: Door, link: L) -> impl Future<Output = ()> + Send {
        let session = StompSession::new(self.context.clock.now(), door);
        drive(self.context.clone(), link, session)
    }
}

impl Doors {
    /// Most bytes of a message.
    pub(super) fn message_bytes_max(&self) -> usize {
        self.frame_bytes_max + MESSAGE_BYTES_EXTRA
    }

    /// The door for a request with these headers, once its token is found good.
    async fn door(&self, headers: &HeaderMap, token: Option<&str>) -> Result<Door, Box<Response>> {
        let admitted = match token {
            None => None,
            Some(token) => {
                let now = self.context.clock.now();
                let login = self.context.auth.session(now, token).await;
                let login = login.map_err(|denial| {
                    self.context.tally.logins_refused.add();
                    refused(denial.code(), &denial.sentence())
                })?;
                Some(Admitted::from(login))
            }
        };
        Ok(Door {
            admitted,
            subprotocol: offered(headers),
            from_browser: is_browser(headers),
            session_name: session_name(),
            frame_bytes_max: self.frame_bytes_max,
            text_only: false,
            permits: Arc::clone(&self.permits),
        })
    }

    async fn web_socket(&self, knock: Knock) -> Response {
        if !self.origins.allow(&knock.headers) {
            return origin_refused();
        }
        if knock.method != Method::GET {
            let only_get = warp::reply::with_header(Vec::new(), header::ALLOW, "GET");
            let status = StatusCode::METHOD_NOT_ALLOWED;
            return warp::reply::with_status(only_get, status).into_response();
        }
        let door = match self.door(&knock.headers, knock.token.as_deref()).await {
            Ok(door) => door,
            Err(refusal) => return *refusal,
        };
        let subprotocol = door.subprotocol.map(Version::subprotocol);
        let (answer, upgrade) = match shake_hands(&knock.headers, subprotocol, knock.upgrade) {
            Ok(shaken) => shaken,
            Err(refusal) => return *refusal,
        };
        let doors = self.clone();
        tokio::spawn(async move {
            let socket = WebSocket::open(upgrade, doors.message_bytes_max()).await;
            if let Some(socket) = socket {
                doors.converse(door, socket).await;
            }
        });
        answer
    }

    async fn packet_socket(
        &self,
        token: &str,
        headers: &HeaderMap,
        upgrade: Option<OnUpgrade>,
    ) -> Response {
        if !self.origins.allow(headers) {
            return origin_refused();
        }
        // Before the token, which this uses up.
        let (answer, upgrade) = match shake_hands(headers, None, upgrade) {
            Ok(shaken) => shaken,
            Err(refusal) => return *refusal,
        };
        let token = url::decode(token).unwrap_or_else(|| token.to_owned());
        let now = self.context.clock.now();
        let admitted = match self.context.auth.websocket(now, &token).await {
            Ok(login) => Admitted::from(login),
            Err(denial) => {
                self.context.tally.logins_refused.add();
                return refused(denial.code(), &denial.sentence());
            }
        };
        let doors = self.clone();
        tokio::spawn(async move {
            if let Some(socket) = WebSocket::open(upgrade, doors.frame_bytes_max).await {
                let session = PacketSession::new(packets::Door {
                    admitted,
                    session_name: session_name(),
                });
                drive(doors.context, socket, session).await;
            }
        });
        answer
    }
}

/// The answer to a request for a WebSocket and what becomes one, or why it does not.
fn shake_hands(
    headers: &HeaderMap,
    subprotocol: Option<&'static str>,
    upgrade: Option<OnUpgrade>,
) -> Result<(Response, OnUpgrade), Box<Response>> {
    match (websocket::handshake(headers, subprotocol), upgrade) {
        (Handshake::Accepted(answer), Some(upgrade)) => {
            let answer = answer.map(|()| Vec::new().into_response().into_body());
            Ok((answer, upgrade))
        }
        (Handshake::Accepted(_), None) => {
            Err(Box::new(refused(400, "this connection can't be upgraded")))
        }
        (Handshake::Refused(refusal), _) => Err(Box::new(refusal.map(Into::into))),
    }
}

/// The highest version of STOMP that a client offers as a subprotocol.
fn offered(headers: &HeaderMap) -> Option<Version> {
    // One list, which may be spread over several headers (RFC 6455, 11.3.4).
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL);
    let offered: Vec<&str> = offered.iter().filter_map(|one| one.to_str().ok()).collect();
    Version::from_subprotocols(&offered.join(","))
}

/// The token in a query: the first `srect`, whatever else there is. One that can't be decoded is a bad one.
fn token(query: &str) -> Option<String> {
    let value = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("srect="))?;
    let token = url::decode(value).unwrap_or_else(|| value.to_owned());
    (!token.is_empty()).then_some(token)
}

/// Whether a browser asks. Where it loads a script, or asks its own server, it names no Origin.
fn is_browser(headers: &HeaderMap) -> bool {
    let agent = headers.get(header::USER_AGENT);
    let agent = agent.and_then(|agent| agent.to_str().ok());
    headers.contains_key(header::ORIGIN) || agent.is_some_and(|agent| agent.starts_with("Mozilla/"))
}

/// A name that nobody can guess, in hex.
pub(super) fn session_name() -> String {
    getrandom::u64().map_or_else(|_| "0".to_owned(), |number| format!("{number:016x}"))
}

/// The answer to a page that may not come in.
pub(super) fn origin_refused() -> Response {
    refused(
        403,
        "this page's origin is not let in; the operator can with --allow-origin",
    )
}

/// An answer as REST gives it.
pub(super) fn refused(code: u16, content: &str) -> Response {
    rest::refused(code, content).into_response()
}
