//! Users and what is between them.

use serde::Serialize;

use crate::broker::friends::FriendRequest;
use crate::broker::users::Person;
use crate::gateways::json::wire_uid;

/// A user.
#[derive(Debug, Serialize)]
pub struct PersonJson<'a> {
    uid: u64,
    uname: &'a str,
}

impl<'a> From<&'a Person> for PersonJson<'a> {
    fn from(person: &'a Person) -> Self {
        Self {
            uid: wire_uid(person.uid),
            uname: &person.name,
        }
    }
}

/// A friend request: who asked whom, what was said, and when.
#[derive(Debug, Serialize)]
pub struct RequestJson<'a> {
    id: u64,
    from: &'a str,
    to: &'a str,
    #[serde(rename = "fromId")]
    from_id: u64,
    #[serde(rename = "toId")]
    to_id: u64,
    msg: &'a str,
    /// When it was asked, or what [`RequestJson::at`] says.
    time: u64,
}

impl<'a> From<&'a FriendRequest> for RequestJson<'a> {
    fn from(request: &'a FriendRequest) -> Self {
        Self {
            id: request.id.0,
            from: &request.from.name,
            to: &request.to.name,
            from_id: wire_uid(request.from.uid),
            to_id: wire_uid(request.to.uid),
            msg: &request.words,
            time: request.time_ms,
        }
    }
}

impl RequestJson<'_> {
    /// The same with another time: when it was answered, milliseconds since the Unix epoch.
    pub fn at(self, time_ms: u64) -> Self {
        Self {
            time: time_ms,
            ..self
        }
    }
}
