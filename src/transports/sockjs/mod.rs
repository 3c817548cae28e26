//! SockJS 0.3.x (sockjs-protocol), so far: the greeting, `info` and the two WebSocket transports. Knows no STOMP.
//!
//! One file per transport, each a small receiver; `session.rs` will hold what the polling transports share.

pub mod info;
pub mod websocket;

use ::http::HeaderMap;
use ::http::HeaderValue;
use ::http::Method;
use ::http::Response;
use ::http::StatusCode;
use ::http::header;

/// What the base path answers to somebody who looks.
const GREETING: &str = "Welcome to SockJS!\n";

/// A part of the path below a SockJS base, which a router has split at its slashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The base itself, with or without a slash.
    Greeting,
    /// `info`.
    Info,
    /// `websocket`: a WebSocket without SockJS framing.
    RawWebSocket,
    /// `{server}/{session}/websocket`.
    WebSocket,
}

impl Place {
    /// Reads what follows the base path, without its leading slash. Paths are not normalised: what is not exactly a place
    /// is none.
    pub fn parse(rest: &str) -> Option<Self> {
        match rest {
            "" => return Some(Self::Greeting),
            "info" => return Some(Self::Info),
            "websocket" => return Some(Self::RawWebSocket),
            _ => {}
        }
        let mut parts = rest.split('/');
        let names = [parts.next()?, parts.next()?];
        let transport = parts.next()?;
        let named = names
            .iter()
            .all(|name| !name.is_empty() && !name.contains('.'));
        (named && transport == "websocket" && parts.next().is_none()).then_some(Self::WebSocket)
    }
}

/// The base path: a greeting.
pub fn greeting(method: &Method) -> Response<String> {
    if method != Method::GET {
        return wrong_method("GET");
    }
    let mut response = Response::new(GREETING.to_owned());
    headers(
        &mut response,
        &[("content-type", "text/plain; charset=UTF-8")],
    );
    response
}

/// A path that is no place here.
pub fn not_found() -> Response<String> {
    let mut response = Response::new("404 Error: Page not found\n".to_owned());
    *response.status_mut() = StatusCode::NOT_FOUND;
    headers(
        &mut response,
        &[("content-type", "text/plain; charset=UTF-8")],
    );
    response
}

/// A place that does not take this method: `Allow`, and no body.
pub fn wrong_method(allowed: &'static str) -> Response<String> {
    let mut response = Response::new(String::new());
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    headers(&mut response, &[("allow", allowed)]);
    response
}

fn headers(response: &mut Response<String>, headers: &[(&'static str, &'static str)]) {
    for (name, value) in headers {
        response
            .headers_mut()
            .insert(*name, HeaderValue::from_static(value));
    }
}

/// The CORS headers: the Origin is echoed, with credentials, because SockJS clients send theirs.
fn cors(response: &mut Response<String>, request: &HeaderMap) {
    let origin = request
        .get(header::ORIGIN)
        .filter(|origin| *origin != "null")
        .cloned();
    let answer = response.headers_mut();
    if origin.is_some() {
        answer.insert(
            header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
            HeaderValue::from_static("true"),
        );
        answer.insert(header::VARY, HeaderValue::from_static("Origin"));
    }
    let origin = origin.unwrap_or(HeaderValue::from_static("*"));
    answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    if let Some(asked) = request.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_exact() {
        for (rest, place) in [
            ("", Some(Place::Greeting)),
            ("/", None),
            ("info", Some(Place::Info)),
            ("info/", None),
            ("websocket", Some(Place::RawWebSocket)),
            ("000/abcdefgh/websocket", Some(Place::WebSocket)),
            ("000/abcdefgh/websocket/", None),
            ("000//websocket", None),
            ("0.0/abcdefgh/websocket", None),
            ("000/abcd.efgh/websocket", None),
            ("000/abcdefgh/nothing", None),
        ] {
            assert_eq!(Place::parse(rest), place, "{rest:?}");
        }
    }
}
