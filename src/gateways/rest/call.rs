//! What a call is: a row of the [table](super::table), its parts, and how it finds who may handle it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use serde::Deserialize;

use crate::auth::Login;
use crate::broker::command::Command;
use crate::broker::command::Reply;
use crate::broker::groups::Gid;
use crate::broker::moment::Moment;
use crate::broker::refusal::Refusal;
use crate::broker::social::Changed;
use crate::broker::social::Social;
use crate::broker::users::Person;
use crate::broker::users::Uid;
use crate::broker::users::UserKey;
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
    /// Enough for the largest content, every character of it escaped, and for a list of users beside it.
    Content,
    /// Enough for a group, with a long list of its members.
    Group,
    /// A picture itself, no JSON.
    Picture,
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
    /// A number, perhaps with a fraction and a sign.
    Degrees,
    /// Any JSON.
    Any,
    /// A uid, its digits, or a uname.
    User,
    /// A list of these.
    Users,
    /// A list of uids.
    Uids,
    /// A list of texts.
    Texts,
    /// 40 hex digits.
    MsgId,
    /// A list of what the description calls so.
    List(&'static str),
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
    /// What the description calls so.
    Named(&'static str),
    /// A picture.
    Picture,
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
    Server(fn(Request) -> Handling),
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

impl Caller {
    /// Who does what is asked: another server does it as the system.
    pub(super) fn person(self) -> Person {
        match self {
            Self::User(login) => login.person,
            Self::Server => Person::system(),
        }
    }
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
        json::read_object(&self.body).map_err(Refused::bad)
    }

    /// What stands for the first `{part}` of the path.
    pub(super) fn part(&self) -> &str {
        self.parts.first().map_or("", String::as_str)
    }

    /// The user that stands for the `{part}` at `index` of the path; 404 where there can be none.
    pub(super) fn user(&self, index: usize) -> Result<UserKey, Refused> {
        let key = self.parts.get(index).and_then(|part| UserKey::parse(part));
        // The system is nobody whom anything could be done to.
        let key = key.filter(|key| *key != UserKey::Uid(Uid::SYSTEM));
        key.ok_or_else(|| Refusal::NoSuchUser.into())
    }

    /// The group that stands for the first `{part}` of the path; 404 where there can be none.
    pub(super) fn group(&self) -> Result<Gid, Refused> {
        let gid = self.part().parse().ok().and_then(Gid::new);
        gid.ok_or_else(|| Refusal::NoSuchGroup.into())
    }

    /// Asks the broker something whose answer has no msgID: a failure is no reason to try again with the same.
    pub(super) async fn ask(&self, person: &Person, command: Command) -> Result<Reply, Refused> {
        let broker = &self.desk.context.broker;
        let reply = broker.ask_once(self.now(), person, command).await;
        reply.map_err(|refusal| match refusal {
            Refusal::Busy | Refusal::NotStored => Refused::unanswered(),
            other => other.into(),
        })
    }

    /// Does something with other people.
    pub(super) async fn act(&self, person: &Person, act: Social) -> Result<Changed, Refused> {
        match self.ask(person, Command::Social(act)).await? {
            Reply::Social(changed) => Ok(changed),
            _ => Err(Refused::unanswered()),
        }
    }

    /// The time.
    pub(super) fn now(&self) -> Moment {
        self.desk.context.clock.now()
    }
}
