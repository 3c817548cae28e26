//! The function that a page of the client's names, for us to call in what its browser runs.

use ::http::StatusCode;
use warp::reply::Response;

use crate::transports::sockjs::answers;
use crate::transports::sockjs::query;

/// Most bytes of a name; clients need about twelve.
const NAME_BYTES_MAX: usize = 32;

/// The function that the query string names as `c`, or `callback`. Nothing but a name is let through: it becomes code.
pub(super) fn read(query: &str) -> Result<String, Box<Response>> {
    let name = query::value(query, "c").or_else(|| query::value(query, "callback"));
    let refusal = match name {
        None => "\"callback\" parameter required",
        Some(name) if name.is_empty() => "\"callback\" parameter required",
        Some(name) if is_name(&name) => return Ok(name),
        Some(_) => "invalid \"callback\" parameter",
    };
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    Err(Box::new(answers::sentence(status, refusal)))
}

fn is_name(name: &str) -> bool {
    let of_name =
        |byte: u8| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.');
    name.len() <= NAME_BYTES_MAX && name.bytes().all(of_name)
}

/// `frame` as a string of JavaScript that may also stand in a page.
pub(super) fn string(frame: &str) -> String {
    // A string can always be written as JSON.
    let quoted = serde_json::Value::from(frame).to_string();
    // A `</script>` in a message would end ours.
    quoted.replace('<', "\\u003c")
}
