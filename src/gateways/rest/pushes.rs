//! What an operator's server pushes to a user: a message of the system, of one of seed 002's types.

use serde_json::Value;

use crate::broker::command::Address;
use crate::broker::command::Letter;
use crate::broker::message::Kind;
use crate::broker::users::Person;
use crate::gateways::json::PUSHES;
use crate::gateways::json::push_number;
use crate::gateways::rest::answer::Answer;
use crate::gateways::rest::answer::Refused;
use crate::gateways::rest::call::Request;
use crate::gateways::rest::messages;
use crate::gateways::rest::wire::PushJson;

pub(super) async fn push(request: Request) -> Result<Answer, Refused> {
    let push: PushJson<'_> = request.json()?;
    let kind = Kind::Push(pushed(&push.kind)?);
    let content = push.data.map_or("null", |data| data.get()).to_owned();
    let (msg_id, made) = messages::msg_id(&request, push.msg_id.as_deref(), &content)?;
    let letter = Letter {
        kind,
        ..Letter::new(Address::User(push.uid.0), msg_id, content)
    };
    messages::send_letter(&request, &Person::system(), letter, made).await
}

/// The number of a type that may be pushed, named by number or by name.
fn pushed(kind: &Value) -> Result<u8, Refused> {
    let number = match kind {
        Value::Number(number) => number.as_u64().and_then(|number| u8::try_from(number).ok()),
        Value::String(name) => push_number(name).or_else(|| name.parse().ok()),
        _ => None,
    };
    let allowed = "3 to 11 or 13 to 19, or its name, such as \"S2C_SYSTEM_PUSH\"";
    let row = number.and_then(|number| PUSHES.get(usize::from(number).checked_sub(1)?));
    match (number, row) {
        (Some(number), Some((_, true))) => Ok(number),
        (Some(number), Some((name, false))) => Err(Refused::new(
            422,
            format!(
                "type {number} ({name}) is a part of the log-in, which the broker alone says; \"type\" must be {allowed}"
            ),
        )),
        _ => Err(Refused::new(
            422,
            format!("there is no such type; \"type\" must be {allowed}"),
        )),
    }
}
