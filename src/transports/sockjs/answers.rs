//! The headers of SockJS answers, and the answers that have nothing else.

use ::http::HeaderMap;
use ::http::HeaderValue;
use ::http::StatusCode;
use ::http::header;
use ::http::header::HeaderName;
use warp::Reply;
use warp::reply::Response;

/// A year, in seconds.
const YEAR: &str = "31536000";

/// What the base path answers to somebody who looks.
pub(super) fn greeting() -> Response {
    sentence(StatusCode::OK, "Welcome to SockJS!\n")
}

/// A path that is no place here, or a session that is not there (for this client).
pub(super) fn not_found() -> Response {
    sentence(StatusCode::NOT_FOUND, "404 Error: Page not found\n")
}

/// An answer of plain text.
pub(super) fn sentence(status: StatusCode, text: &'static str) -> Response {
    let mut response = text.to_owned().into_response();
    *response.status_mut() = status;
    set(&mut response, "content-type", "text/plain; charset=UTF-8");
    response
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}

/// A place that does not take this method: `Allow`, and no body.
pub(super) fn wrong_method(allowed: &'static str) -> Response {
    let mut response = empty(StatusCode::METHOD_NOT_ALLOWED);
    set(&mut response, "allow", allowed);
    response
}

/// What a browser asks before it lets a page of another origin ask.
pub(super) fn options(methods: &'static str) -> Response {
    let mut response = empty(StatusCode::NO_CONTENT);
    set(&mut response, "access-control-allow-methods", methods);
    set(&mut response, "access-control-max-age", YEAR);
    cacheable(&mut response);
    response
}

/// Lets caches keep an answer for a year.
pub(super) fn cacheable(response: &mut Response) {
    set(response, "cache-control", "public, max-age=31536000");
    set(response, "expires", "Thu, 31 Dec 2037 23:55:55 GMT");
}

/// Keeps an answer out of every cache; some cache even POSTs.
pub(super) fn not_cacheable(response: &mut Response) {
    set(
        response,
        "cache-control",
        "no-store, no-cache, no-transform, must-revalidate, max-age=0",
    );
}

/// The CORS headers. The Origin is echoed, with credentials, because SockJS clients send theirs; so is `null`, which pages
/// from files have.
pub(super) fn cors(response: &mut Response, request: &HeaderMap) {
    let answer = response.headers_mut();
    let origin = match request.get(header::ORIGIN) {
        Some(origin) => {
            let yes = HeaderValue::from_static("true");
            answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
            origin.clone()
        }
        None => HeaderValue::from_static("*"),
    };
    answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    answer.insert(header::VARY, HeaderValue::from_static("Origin"));
    let asked = request.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
    if let Some(asked) = asked.filter(|asked| !asked.is_empty()) {
        answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
}

/// The cookie that load balancers stick to: the client's own, or one that says nothing.
pub(super) fn sticky_cookie(response: &mut Response, request: &HeaderMap) {
    let cookies = request.get_all(header::COOKIE);
    let own = cookies
        .iter()
        .filter_map(|cookies| cookies.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix("JSESSIONID="));
    let cookie = format!("JSESSIONID={}; path=/", own.unwrap_or("dummy"));
    // What came in a header's value may go out in one.
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
}

/// Sets one header.
pub(super) fn set(response: &mut Response, name: &'static str, value: &'static str) {
    response.headers_mut().insert(
        HeaderName::from_static(name),
        HeaderValue::from_static(value),
    );
}
