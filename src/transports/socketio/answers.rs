//! The HTTP side of answers: what is not Engine.IO's own.

use ::http::HeaderMap;
use ::http::HeaderValue;
use ::http::StatusCode;
use ::http::header;
use bytes::Bytes;
use warp::Reply;
use warp::reply::Response;

/// The methods of requests.
const METHODS: &str = "GET, POST, OPTIONS";

/// An answer of the engine's.
pub(super) fn of_engine(answer: ::http::Response<Bytes>) -> Response {
    let (head, body) = answer.into_parts();
    let mut response = Vec::from(body).into_response();
    *response.status_mut() = head.status;
    if let Some(kind) = head.headers.get(header::CONTENT_TYPE) {
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, kind.clone());
    }
    response
}

/// An answer of plain text.
pub(super) fn sentence(status: StatusCode, text: &'static str) -> Response {
    let mut response = text.to_owned().into_response();
    *response.status_mut() = status;
    response
}

/// Engine.IO's way to say what is wrong with a request, in the numbers of its own server.
pub(super) fn wrong(code: u8, message: &str) -> Response {
    let body = format!(r#"{{"code":{code},"message":"{message}"}}"#);
    let mut response = body.into_response();
    *response.status_mut() = StatusCode::BAD_REQUEST;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// A method that is none of ours.
pub(super) fn wrong_method() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    let methods = HeaderValue::from_static(METHODS);
    response.headers_mut().insert(header::ALLOW, methods);
    response
}

/// What a browser asks before it lets a page of another origin ask.
pub(super) fn options() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    let methods = HeaderValue::from_static(METHODS);
    response
        .headers_mut()
        .insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    response
}

/// The headers of every answer: no cache keeps it, and a page of another origin that was let in may read it. Its browser
/// asks for credentials, though nobody is known by a cookie here.
pub(super) fn dress(response: &mut Response, request: &HeaderMap) {
    let answer = response.headers_mut();
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let Some(origin) = request.get(header::ORIGIN) else {
        return;
    };
    answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    let yes = HeaderValue::from_static("true");
    answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
    answer.insert(header::VARY, HeaderValue::from_static("Origin"));
    let asked = request.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
    if let Some(asked) = asked.filter(|asked| !asked.is_empty()) {
        answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
}
