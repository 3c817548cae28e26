//! Pages of other origins: who may call from a browser, and what the browser is told. No cookie logs anyone in, so no answer
//! allows credentials.

use http::HeaderMap;
use http::HeaderValue;
use http::header;

use crate::gateways::rest::answer::Answer;
use crate::gateways::rest::answer::nothing;

const REQUEST_HEADERS: HeaderValue =
    HeaderValue::from_static("Authorization, Content-Type, X-Api-Key");
const ANSWER_HEADERS: HeaderValue = HeaderValue::from_static("Retry-After");

/// How long, in seconds, a browser may remember a preflight.
const REMEMBERED_S: HeaderValue = HeaderValue::from_static("600");

/// Where a request comes from.
pub(super) enum Origin {
    /// Not from a page.
    None,
    /// From a page that may call.
    Allowed(HeaderValue),
    /// From a page that may not.
    Refused,
}

impl Origin {
    /// The origin that `headers` state, judged by `allowed`.
    pub(super) fn of(headers: &HeaderMap, allowed: impl Fn(&HeaderMap) -> bool) -> Self {
        match headers.get(header::ORIGIN) {
            None => Self::None,
            Some(origin) if allowed(headers) => Self::Allowed(origin.clone()),
            Some(_) => Self::Refused,
        }
    }

    /// Lets the page read the answer.
    pub(super) fn mark(self, headers: &mut HeaderMap) {
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        if let Self::Allowed(origin) = self {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, ANSWER_HEADERS);
        }
    }
}

/// The answer to OPTIONS: what may be asked of this path.
pub(super) fn preflight(allow: String) -> Answer {
    let mut answer = nothing();
    let headers = answer.headers_mut();
    if let Ok(methods) = HeaderValue::try_from(allow) {
        headers.insert(header::ALLOW, methods.clone());
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, REMEMBERED_S);
    answer
}
