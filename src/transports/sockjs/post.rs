//! `xhr_send` and `jsonp_send`: the client's messages, an array of strings in a body.

use std::pin::Pin;
use std::time::Duration;

use ::http::HeaderMap;
use ::http::StatusCode;
use ::http::header;
use bytes::Bytes;
use futures_util::Stream;
use futures_util::StreamExt;
use hongyan_grammar::sockjs;
use tokio::time::timeout;
use warp::Reply;
use warp::reply::Response;

use crate::transports::Lost;
use crate::transports::sockjs::answers;
use crate::transports::sockjs::place::Transport;
use crate::transports::sockjs::query;
use crate::transports::sockjs::session::Full;
use crate::transports::sockjs::session::Session;

/// How long a body may take to come.
const BODY_WITHIN: Duration = Duration::from_secs(30);

/// The body of a request, as it comes.
pub(super) type Body = Pin<Box<dyn Stream<Item = Result<Bytes, warp::Error>> + Send>>;

/// Why a body is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    TooLarge,
    TooSlow,
    Nothing,
    Broken,
    Full,
}

/// Hands what `body` says to `session`.
pub(super) async fn answer(
    session: &Session,
    transport: Transport,
    request: &HeaderMap,
    body: Body,
    bytes_max: usize,
) -> Response {
    let posted = post(session, transport, request, body, bytes_max).await;
    let mut response = match posted {
        Ok(()) if transport == Transport::JsonpSend => "ok".to_owned().into_response(),
        Ok(()) => answers::empty(StatusCode::NO_CONTENT),
        Err(refusal) => refusal.answer(),
    };
    // Also where there is no body: some browsers would take nothing for XML otherwise.
    answers::set(&mut response, "content-type", "text/plain; charset=UTF-8");
    answers::not_cacheable(&mut response);
    response
}

async fn post(
    session: &Session,
    transport: Transport,
    request: &HeaderMap,
    body: Body,
    bytes_max: usize,
) -> Result<(), Refusal> {
    let mut turn = session.turn().await.map_err(|Full| Refusal::Full)?;
    let body = read(body, bytes_max).await.inspect_err(|refusal| {
        if *refusal == Refusal::TooLarge {
            session.lose(Lost::TooLarge(bytes_max));
        }
    })?;
    let text = match transport {
        Transport::JsonpSend => of_form(request, body)?,
        _ => String::from_utf8(body).map_err(|_| Refusal::Broken)?,
    };
    // What is refused may come again, so only what is taken counts.
    let mut reader = *turn;
    let messages = messages(&mut reader, &text)?;
    let posted = session.post(messages).await;
    posted.map_err(|Full| Refusal::Full)?;
    *turn = reader;
    Ok(())
}

async fn read(mut body: Body, bytes_max: usize) -> Result<Vec<u8>, Refusal> {
    let whole = async {
        let mut whole = Vec::new();
        while let Some(chunk) = body.next().await {
            // A connection that breaks gets no answer anyway.
            let chunk = chunk.map_err(|_| Refusal::Nothing)?;
            if whole.len() + chunk.len() > bytes_max {
                return Err(Refusal::TooLarge);
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole)
    };
    timeout(BODY_WITHIN, whole)
        .await
        .unwrap_or(Err(Refusal::TooSlow))
}

/// What is sent by a form is its field `d`; plain text is itself.
fn of_form(request: &HeaderMap, body: Vec<u8>) -> Result<String, Refusal> {
    let kind = request
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    let text = String::from_utf8(body).map_err(|_| Refusal::Broken)?;
    match kind.split(';').next().unwrap_or_default().trim() {
        "application/x-www-form-urlencoded" => query::value(&text, "d").ok_or(Refusal::Nothing),
        "" | "text/plain" => Ok(text),
        _ => Err(Refusal::Nothing),
    }
}

fn messages(reader: &mut sockjs::Reader, text: &str) -> Result<Vec<String>, Refusal> {
    if text.is_empty() {
        return Err(Refusal::Nothing);
    }
    let messages = reader.read(text).map_err(|_| Refusal::Broken)?;
    // A bare string is for WebSockets only.
    match text.trim_ascii_start().starts_with('[') {
        true => Ok(messages),
        false => Err(Refusal::Nothing),
    }
}

impl Refusal {
    fn answer(self) -> Response {
        let (status, text) = match self {
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "Payload too large; send less at once.",
            ),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "Payload too slow."),
            Self::Nothing => (StatusCode::INTERNAL_SERVER_ERROR, "Payload expected."),
            Self::Broken => (StatusCode::INTERNAL_SERVER_ERROR, "Broken JSON encoding."),
            Self::Full => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many messages wait; send again later.",
            ),
        };
        answers::sentence(status, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_an_array_of_strings() {
        for (text, read) in [
            (r#"["a","b"]"#, Ok(vec!["a".to_owned(), "b".to_owned()])),
            ("[]", Ok(vec![])),
            ("", Err(Refusal::Nothing)),
            (r#""a""#, Err(Refusal::Nothing)),
            (r#"["x"#, Err(Refusal::Broken)),
            ("{}", Err(Refusal::Broken)),
            ("[1]", Err(Refusal::Broken)),
            ("x", Err(Refusal::Broken)),
        ] {
            let messages = messages(&mut sockjs::Reader::default(), text);
            assert_eq!(messages, read, "{text}");
        }
    }
}
