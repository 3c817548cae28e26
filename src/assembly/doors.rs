//! The ways in: which gateway speaks on which transport, and who is let in at the door.

use hongyan_grammar::stomp::Version;
use http::HeaderMap;
use http::HeaderValue;
use http::StatusCode;
use http::header;
use hyper::upgrade::OnUpgrade;
use warp::Filter;
use warp::Reply;
use warp::filters::BoxedFilter;
use warp::http::Method;
use warp::reply::Response;

use crate::broker::refusal::status;
use crate::gateways::Admitted;
use crate::gateways::drive::Context;
use crate::gateways::drive::drive;
use crate::gateways::stomp::Door;
use crate::gateways::stomp::StompSession;
use crate::gateways::url;
use crate::transports::origin::Origins;
use crate::transports::sockjs;
use crate::transports::sockjs::Place;
use crate::transports::sockjs::websocket::SockJsWebSocket;
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
}

/// How STOMP is framed on a WebSocket.
#[derive(Clone, Copy)]
enum Framing {
    Plain,
    SockJs,
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
    let at_client = doors.clone();
    let client = warp::path!("client").and(knock).then(move |knock| {
        let doors = at_client.clone();
        async move { doors.web_socket(knock, Framing::Plain).await }
    });
    let socket_server = warp::path!("socketServer" / ..)
        .and(warp::path::tail())
        .and(knock)
        .then(move |rest: warp::path::Tail, knock| {
            let doors = doors.clone();
            async move { doors.sock_js(Place::parse(rest.as_str()), knock).await }
        });
    client.or(socket_server).unify().boxed()
}

impl Doors {
    async fn sock_js(&self, place: Option<Place>, knock: Knock) -> Response {
        if !self.origins.allow(&knock.headers) {
            return origin_refused();
        }
        let upgrades = websocket::is_upgrade(&knock.headers);
        match place {
            Some(Place::Greeting) if upgrades => self.web_socket(knock, Framing::Plain).await,
            Some(Place::RawWebSocket) => self.web_socket(knock, Framing::Plain).await,
            Some(Place::WebSocket) => self.web_socket(knock, Framing::SockJs).await,
            Some(Place::Greeting) => sockjs::greeting(&knock.method).map(Into::into),
            Some(Place::Info) => {
                sockjs::info::answer(&knock.method, &knock.headers).map(Into::into)
            }
            None => sockjs::not_found().map(Into::into),
        }
    }

    async fn web_socket(&self, knock: Knock, framing: Framing) -> Response {
        if !self.origins.allow(&knock.headers) {
            return origin_refused();
        }
        if knock.method != Method::GET {
            return sockjs::wrong_method("GET").map(Into::into);
        }
        let admitted = match &knock.token {
            None => None,
            Some(token) => match self
                .context
                .auth
                .session(self.context.clock.now(), token)
                .await
            {
                Ok(login) => Some(Admitted::from(login)),
                Err(denial) => {
                    self.context.tally.logins_refused.add();
                    return refused(denial.code(), &denial.sentence());
                }
            },
        };
        // One list, which may be spread over several headers (RFC 6455, 11.3.4).
        let offered = knock.headers.get_all(header::SEC_WEBSOCKET_PROTOCOL);
        let offered: Vec<&str> = offered.iter().filter_map(|one| one.to_str().ok()).collect();
        let subprotocol = match framing {
            Framing::Plain => Version::from_subprotocols(&offered.join(",")),
            // What stands inside SockJS's own frames is none of the handshake's business.
            Framing::SockJs => None,
        };
        let handshake = websocket::handshake(&knock.headers, subprotocol.map(Version::subprotocol));
        let (answer, upgrade) = match (handshake, knock.upgrade) {
            (Handshake::Accepted(answer), Some(upgrade)) => (answer, upgrade),
            (Handshake::Accepted(_), None) => {
                return refused(400, "this connection can't be upgraded");
            }
            (Handshake::Refused(refusal), _) => return refusal.map(Into::into),
        };
        let door = Door {
            admitted,
            subprotocol,
            from_browser: knock.headers.contains_key(header::ORIGIN),
            session_name: session_name(),
            frame_bytes_max: self.frame_bytes_max,
        };
        tokio::spawn(self.clone().converse(upgrade, door, framing));
        answer.map(|()| Vec::new().into_response().into_body())
    }

    async fn converse(self, upgrade: OnUpgrade, door: Door, framing: Framing) {
        let Some(socket) =
            WebSocket::open(upgrade, self.frame_bytes_max + MESSAGE_BYTES_EXTRA).await
        else {
            return;
        };
        let session = StompSession::new(self.context.clock.now(), door);
        match framing {
            Framing::Plain => drive(self.context, socket, session).await,
            Framing::SockJs => {
                if let Ok(link) = SockJsWebSocket::open(socket) {
                    drive(self.context, link, session).await;
                }
            }
        }
    }
}

/// The token in a query: the first `srect`, whatever else there is. One that can't be decoded is a bad one.
fn token(query: &str) -> Option<String> {
    let value = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("srect="))?;
    let token = url::decode(value).unwrap_or_else(|| value.to_owned());
    (!token.is_empty()).then_some(token)
}

/// A name that nobody can guess, in hex.
pub(super) fn session_name() -> String {
    getrandom::u64().map_or_else(|_| "0".to_owned(), |number| format!("{number:016x}"))
}

fn origin_refused() -> Response {
    refused(
        403,
        "this page's origin is not let in; the operator can with --allow-origin",
    )
}

fn refused(code: u16, content: &str) -> Response {
    let body = serde_json::json!({ "code": code, "status": status(code), "content": content });
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = warp::reply::with_status(warp::reply::json(&body), status).into_response();
    if code == 401 {
        // RFC 9110, 11.6.1: a 401 names the way in.
        let way_in = HeaderValue::from_static("Bearer");
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, way_in);
    }
    response
}
