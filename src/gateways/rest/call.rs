//! What a call is: a row of the [table](super::table), its parts, and how it finds who may handle it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use serde::Deserialize;

use crate::auth::Login;
use crate::broker::moment::Moment;
use crate::gateways::json;
use crate::gateways::rest::Desk;
use crate::gateways::rest::answer::Answer;
use crate::gateways::rest::answer::Refused;
use crate::gateways::url::Query;

/// One row of the table: everything that is known of a call.
pub(super) struct Call {
    pub(super) method: Method,
    /// The path below the context path; a `{part}` stands for any one segment.
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    pub(super) fields: &'static [Field],
    pub(super) answer: Good,
    /// Codes it may be refused with, beside those that every call shares.
    pub(super) refusals: &'static [u16],
    pub(super) body: BodySize,
    pub(super) handler: Handler,
}

/// How much body a call takes.
#[derive(Clone, Copy)]
pub(super) enum BodySize {
    /// Enough for names and passwords.
    Small,
    /// Enough for the largest content, every character of it escaped.
    Content,
}

/// What a caller says.
pub(super) struct Field {
    pub(super) place: Place,
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) required: bool,
    pub(super) says: &'static str,
}

impl Field {
    pub(super) const fn path(name: &'static str, kind: Kind, says: &'static str) -> Self {
        Self::new(Place::Path, name, kind, says)
    }

    pub(super) const fn query(name: &'static str, kind: Kind, says: &'static str) -> Self {
        Self::new(Place::Query, name, kind, says)
    }

    pub(super) const fn body(name: &'static str, kind: Kind, says: &'static str) -> Self {
        Self::new(Place::Body, name, kind, says)
    }

    /// The same field, which may be left out.
    pub(super) const fn optional(mut self) -> Self {
        self.required = false;
        self
    }

    const fn new(place: Place, name: &'static str, kind: Kind, says: &'static str) -> Self {
        Self {
            place,
            name,
            kind,
            required: true,
            says,
        }
    }
}

/// Where a field stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Query,
    Body,
}

/// What a value is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// A whole number from 0.
    Number,
    /// `true` or `false`.
    Flag,
    /// A uid, its digits, or a uname.
    User,
    /// 40 hex digits.
    MsgId,
    /// A list of messages.
    Messages,
}

/// What a caller gets when nothing is wrong.
pub(super) struct Good {
    pub(super) code: u16,
    pub(super) shape: Shape,
}

/// The body of a good answer.
pub(super) enum Shape {
    Nothing,
    /// A JSON object with these members.
    Object(&'static [(&'static str, Kind)]),
    /// A JSON object that another standard describes.
    Document,
    /// Lines of text.
    Text,
}

/// What handles a call; its kind is who may call.
pub(super) enum Handler {
    Anyone(fn(Request) -> Handling),
    User(fn(Request, Login) -> Handling),
    UserOrServer(fn(Request, Caller) -> Handling),
}

/// An answer under way.
pub(super) type Handling = Pin<Box<dyn Future<Output = Result<Answer, Refused>> + Send>>;

/// Who calls.
pub(super) enum Caller {
    /// A user, by session token.
    User(Login),
    /// Another server, by API key.
    Server,
}

/// A request that was let in.
pub(super) struct Request {
    pub(super) desk: Arc<Desk>,
    /// What stands for the `{part}`s of the path, in their order.
    pub(super) parts: Vec<String>,
    pub(super) query: Query,
    pub(super) body: Bytes,
}

impl Request {
    /// The body as JSON.
    pub(super) fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Refused> {
        json::read(&self.body).map_err(Refused::bad)
    }

    /// What stands for the first `{part}` of the path.
    pub(super) fn part(&self) -> &str {
        self.parts.first().map_or("", String::as_str)
    }

    /// The time.
    pub(super) fn now(&self) -> Moment {
        self.desk.context.clock.now()
    }
}
