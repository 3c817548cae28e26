//! What the webhook is told.

use serde::Serialize;

use crate::broker::message::Message;
use crate::broker::users::Person;
use crate::gateways::json::MessageJson;
use crate::gateways::json::wire_uid;

#[derive(Serialize)]
struct EventJson<'a> {
    event: &'static str,
    id: u64,
    message: MessageJson<'a>,
    users: Vec<u64>,
}

/// The body: a message, and those of its receivers who are away.
pub(super) fn body(id: u64, message: &Message, away: &[&Person]) -> Vec<u8> {
    let event = EventJson {
        event: "message",
        id,
        message: MessageJson::from(message),
        users: away.iter().map(|person| wire_uid(person.uid)).collect(),
    };
    // Strings and numbers always can be written; an empty body would be the honest rest.
    serde_json::to_vec(&event).unwrap_or_default()
}
