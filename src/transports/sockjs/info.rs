//! `info`: what a client asks before it chooses a transport.

use warp::Reply;
use warp::reply::Response;

use crate::transports::sockjs::Options;
use crate::transports::sockjs::answers;

/// The answer, different each time: clients seed their random numbers with its entropy.
pub(super) fn answer(options: &Options) -> Response {
    let entropy = getrandom::u32().unwrap_or_default();
    let body = format!(
        r#"{{"websocket":{},"origins":["*:*"],"cookie_needed":{},"entropy":{entropy}}}"#,
        options.websocket, options.cookie_needed
    );
    let mut response = body.into_response();
    answers::set(
        &mut response,
        "content-type",
        "application/json; charset=UTF-8",
    );
    answers::not_cacheable(&mut response);
    response
}
