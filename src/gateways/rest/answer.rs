//! What REST answers: JSON, text or nothing, and one shape for everything that goes wrong.

use bytes::Bytes;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header;
use serde::Serialize;

use crate::auth::Denial;
use crate::broker::refusal::Refusal;
use crate::broker::refusal::status;

/// A whole answer; the headers that every answer has are put on last.
pub(super) type Answer = Response<Bytes>;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// When to try again where the broker names no time: its rates are per second.
const RETRY_AFTER_S: u64 = 1;

/// `value` as JSON.
pub(super) fn json(code: u16, value: &impl Serialize) -> Answer {
    // Strings, numbers and lists of them always can be written; an empty body would be the honest rest.
    let body = serde_json::to_vec(value).unwrap_or_default();
    typed(code, JSON, body.into())
}

/// A body of another type.
pub(super) fn typed(code: u16, content_type: HeaderValue, body: Bytes) -> Answer {
    let mut answer = Answer::new(body);
    // Codes come from the tables of this house, which hold only real ones.
    *answer.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    answer
}

/// 204.
pub(super) fn nothing() -> Answer {
    let mut answer = Answer::default();
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer
}

#[derive(Serialize)]
struct RefusedJson<'a> {
    code: u16,
    status: &'static str,
    content: &'a str,
}

/// A call that was refused: the code, and what is wrong and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) code: u16,
    pub(super) content: String,
    hint: Option<Hint>,
}

/// What the header of some refusals says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Hint {
    RetryAfter(u64),
    Allow(String),
}

impl Refused {
    pub(super) fn new(code: u16, content: impl Into<String>) -> Self {
        Self {
            code,
            content: content.into(),
            hint: None,
        }
    }

    /// 400.
    pub(super) fn bad(content: impl Into<String>) -> Self {
        Self::new(400, content)
    }

    /// 405; `allow` lists what would be right.
    pub(super) fn method(allow: String) -> Self {
        Self {
            code: 405,
            content: format!("here only {allow} are allowed"),
            hint: Some(Hint::Allow(allow)),
        }
    }

    /// 429, for what ends by itself.
    pub(super) fn too_many(content: impl Into<String>) -> Self {
        Self {
            code: 429,
            content: content.into(),
            hint: Some(Hint::RetryAfter(RETRY_AFTER_S)),
        }
    }

    /// 500 for a question: nothing was to be kept, so nothing needs the same msgID.
    pub(super) fn unanswered() -> Self {
        Denial::Unavailable.into()
    }
}

impl From<Denial> for Refused {
    fn from(denial: Denial) -> Self {
        Self {
            code: denial.code(),
            content: denial.sentence(),
            hint: match denial {
                Denial::TooManyTries { retry_after_s } => Some(Hint::RetryAfter(retry_after_s)),
                _ => None,
            },
        }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self {
            code: refusal.code(),
            content: match refusal {
                Refusal::NoSuchMessage(msg_id) => {
                    format!("no message {msg_id} was sent to you; GET /api/inbox lists what waits")
                }
                other => other.to_string(),
            },
            hint: match refusal {
                Refusal::TooFast { .. } => Some(Hint::RetryAfter(RETRY_AFTER_S)),
                _ => None,
            },
        }
    }
}

impl From<Refused> for Answer {
    fn from(refused: Refused) -> Self {
        let Refused {
            code,
            content,
            hint,
        } = refused;
        let body = RefusedJson {
            code,
            status: status(code),
            content: &content,
        };
        let mut answer = json(code, &body);
        let headers = answer.headers_mut();
        match hint {
            Some(Hint::RetryAfter(seconds)) => {
                headers.insert(header::RETRY_AFTER, seconds.into());
            }
            Some(Hint::Allow(methods)) => {
                if let Ok(methods) = methods.try_into() {
                    headers.insert(header::ALLOW, methods);
                }
            }
            None => {}
        }
        if code == 401 {
            // RFC 9110, 11.6.1: a 401 names the way in.
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        answer
    }
}
