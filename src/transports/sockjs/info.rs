//! `info`: what a SockJS client asks before it chooses a transport.

use ::http::HeaderMap;
use ::http::Method;
use ::http::Response;

use crate::transports::sockjs::cors;
use crate::transports::sockjs::headers;
use crate::transports::sockjs::wrong_method;

/// Answers `GET` and `OPTIONS`.
pub fn answer(method: &Method, request: &HeaderMap) -> Response<String> {
    let mut response = Response::new(String::new());
    match *method {
        Method::GET => {
            headers(
                &mut response,
                &[
                    ("content-type", "application/json; charset=UTF-8"),
                    (
                        "cache-control",
                        "no-store, no-cache, no-transform, must-revalidate, max-age=0",
                    ),
                ],
            );
            // Clients seed their random numbers with it, so it differs from call to call.
            *response.body_mut() = body(getrandom::u32().unwrap_or_default());
        }
        Method::OPTIONS => {
            *response.status_mut() = ::http::StatusCode::NO_CONTENT;
            headers(
                &mut response,
                &[
                    ("access-control-allow-methods", "OPTIONS, GET"),
                    ("access-control-max-age", "31536000"),
                    ("cache-control", "public, max-age=31536000"),
                    ("expires", "Thu, 31 Dec 2037 23:55:55 GMT"),
                ],
            );
        }
        _ => return wrong_method("OPTIONS, GET"),
    }
    cors(&mut response, request);
    response
}

fn body(entropy: u32) -> String {
    format!(r#"{{"websocket":true,"origins":["*:*"],"cookie_needed":false,"entropy":{entropy}}}"#)
}
