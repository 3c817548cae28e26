//! The JSON of REST. The spellings are the wire's own.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::de::Error;
use serde::de::IgnoredAny;
use serde::de::Unexpected;
use serde::de::Visitor;
use serde_json::Value;

use crate::broker::delivery::Delivery;
use crate::broker::message::Message;
use crate::broker::users::Person;
use crate::broker::users::Uid;
use crate::broker::users::UserKey;
use crate::gateways::json::MessageJson;

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
    pub(super) group: Option<IgnoredAny>,
    pub(super) content: String,
    #[serde(rename = "msgID", borrow)]
    pub(super) msg_id: Option<Cow<'a, str>>,
    /// Read as a user for other servers only: of a user's own call it is ignored, whatever it is.
    pub(super) from: Option<Value>,
}

/// A user as clients name one: a number, its digits, or a uname.
pub(super) struct UserJson(pub(super) UserKey);

impl<'de> Deserialize<'de> for UserJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct UserVisitor;
        impl Visitor<'_> for UserVisitor {
            type Value = UserJson;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a user: a uid from 1, a string of its digits, or a uname")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<UserJson, E> {
                Uid::new(number)
                    .map(|uid| UserJson(UserKey::Uid(uid)))
                    .ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<UserJson, E> {
                UserKey::parse(text)
                    .map(UserJson)
                    .ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(UserVisitor)
    }
}

/// A user.
#[derive(Serialize)]
pub(super) struct PersonJson<'a> {
    uid: u64,
    uname: &'a str,
}

impl<'a> From<&'a Person> for PersonJson<'a> {
    fn from(person: &'a Person) -> Self {
        Self {
            uid: person.uid.get(),
            uname: &person.name,
        }
    }
}

/// A user, and whether any session of theirs is here.
#[derive(Serialize)]
pub(super) struct PresenceJson<'a> {
    #[serde(flatten)]
    pub(super) person: PersonJson<'a>,
    pub(super) online: bool,
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

/// A message with its state.
#[derive(Serialize)]
pub(super) struct KeptJson<'a> {
    #[serde(flatten)]
    message: MessageJson<'a>,
    #[serde(rename = "msgID")]
    msg_id: String,
    state: &'static str,
}

impl<'a> KeptJson<'a> {
    pub(super) fn new(message: &'a Message, state: Delivery) -> Self {
        Self {
            message: MessageJson::from(message),
            msg_id: message.msg_id.to_string(),
            state: state.as_str(),
        }
    }
}
