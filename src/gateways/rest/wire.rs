//! The JSON of REST. The spellings are the wire's own.

use std::borrow::Cow;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::gateways::json::GidJson;
use crate::gateways::json::GroupNameJson;
use crate::gateways::json::KeptJson;
use crate::gateways::json::PersonJson;
use crate::gateways::json::RequestJson;
use crate::gateways::json::UserJson;
use crate::gateways::json::UsersJson;

/// A name and a password.
#[derive(Deserialize)]
pub(super) struct AccountJson<'a> {
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) password: Cow<'a, str>,
}

/// A message to send.
#[derive(Deserialize)]
pub(super) struct SendJson<'a> {
    pub(super) to: Option<UserJson>,
    pub(super) group: Option<GidJson>,
    pub(super) content: String,
    #[serde(rename = "type", borrow)]
    pub(super) kind: Option<Cow<'a, str>>,
    #[serde(rename = "ignoreIds")]
    pub(super) ignored: Option<UsersJson>,
    #[serde(rename = "msgID", borrow)]
    pub(super) msg_id: Option<Cow<'a, str>>,
    /// Read as a user for other servers only: of a user's own call it is ignored, whatever it is.
    pub(super) from: Option<Value>,
}

/// A friend request to make.
#[derive(Deserialize)]
pub(super) struct AskJson {
    pub(super) to: UserJson,
    #[serde(default)]
    pub(super) msg: String,
}

/// Members to add: any of the three, or several.
#[derive(Deserialize)]
pub(super) struct AddJson {
    pub(super) uid: Option<UserJson>,
    pub(super) uids: Option<UsersJson>,
    pub(super) members: Option<UsersJson>,
}

/// Something to push.
#[derive(Deserialize)]
pub(super) struct PushJson<'a> {
    pub(super) uid: UserJson,
    #[serde(rename = "type")]
    pub(super) kind: Value,
    #[serde(borrow)]
    pub(super) data: Option<&'a RawValue>,
    #[serde(rename = "msgID", borrow)]
    pub(super) msg_id: Option<Cow<'a, str>>,
}

/// An order to offer.
#[derive(Deserialize)]
pub(super) struct OrderJson {
    pub(super) id: Value,
    pub(super) customer: UserJson,
}

/// An order that is offered.
#[derive(Serialize)]
pub(super) struct PlacedJson {
    pub(super) id: serde_json::Value,
}

/// A user, and whether any session of theirs is here.
#[derive(Serialize)]
pub(super) struct PresenceJson<'a> {
    #[serde(flatten)]
    pub(super) person: PersonJson<'a>,
    pub(super) online: bool,
}

/// A user, and where they are or were last.
#[derive(Serialize)]
pub(super) struct LocationJson<'a> {
    #[serde(flatten)]
    pub(super) person: PersonJson<'a>,
    /// The wire's own spelling (seed 004).
    #[serde(rename = "longtitude")]
    pub(super) longitude: f64,
    pub(super) latitude: f64,
    pub(super) time: u64,
}

/// A friend request, and what has become of it: `asked`, `accepted` or `rejected`.
#[derive(Serialize)]
pub(super) struct AnsweredJson<'a> {
    #[serde(flatten)]
    pub(super) request: RequestJson<'a>,
    pub(super) state: &'static str,
}

/// Friends, and requests not yet answered.
#[derive(Serialize)]
pub(super) struct FriendsJson<'a> {
    pub(super) friends: Vec<PresenceJson<'a>>,
    /// To the caller.
    pub(super) requests: Vec<RequestJson<'a>>,
    /// Of the caller.
    pub(super) asking: Vec<RequestJson<'a>>,
}

/// Who is blocked.
#[derive(Serialize)]
pub(super) struct BlocksJson<'a> {
    pub(super) blocks: Vec<PersonJson<'a>>,
}

/// Whether a user is blocked.
#[derive(Serialize)]
pub(super) struct BlockJson<'a> {
    #[serde(flatten)]
    pub(super) person: PersonJson<'a>,
    pub(super) blocked: bool,
}

/// The groups of a user.
#[derive(Serialize)]
pub(super) struct GroupsJson<'a> {
    pub(super) groups: Vec<GroupNameJson<'a>>,
}

/// A picture that is kept.
#[derive(Serialize)]
pub(super) struct ImageJson {
    pub(super) id: String,
}

/// A log-in.
#[derive(Serialize)]
pub(super) struct LoginJson<'a> {
    #[serde(flatten)]
    pub(super) person: PersonJson<'a>,
    pub(super) token: &'a str,
    #[serde(rename = "expiresAt")]
    pub(super) expires_at_ms: u64,
}

/// A token for the packet gateway.
#[derive(Serialize)]
pub(super) struct WstokenJson<'a> {
    pub(super) wstoken: &'a str,
    #[serde(rename = "expiresIn")]
    pub(super) expires_in_s: u64,
}

/// A message that is committed.
#[derive(Serialize)]
pub(super) struct SentJson {
    pub(super) id: u64,
    #[serde(rename = "msgID")]
    pub(super) msg_id: String,
    pub(super) time: u64,
}

/// A message that is received.
#[derive(Serialize)]
pub(super) struct ConfirmedJson {
    #[serde(rename = "msgID")]
    pub(super) msg_id: String,
    pub(super) code: u16,
    pub(super) status: &'static str,
    pub(super) content: &'static str,
}

/// Messages, and whether there are more.
#[derive(Serialize)]
pub(super) struct PageJson<'a> {
    pub(super) messages: Vec<KeptJson<'a>>,
    pub(super) more: bool,
}
