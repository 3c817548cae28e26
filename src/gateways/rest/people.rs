//! Users as others see them.

use crate::broker::users::Person;
use crate::broker::users::UserKey;
use crate::gateways::rest::Desk;
use crate::gateways::rest::answer::Answer;
use crate::gateways::rest::answer::Refused;
use crate::gateways::rest::answer::json;
use crate::gateways::rest::call::Caller;
use crate::gateways::rest::call::Request;
use crate::gateways::rest::wire::PersonJson;
use crate::gateways::rest::wire::PresenceJson;

pub(super) async fn show(request: Request, _: Caller) -> Result<Answer, Refused> {
    let key = UserKey::parse(request.part()).ok_or_else(unknown)?;
    let (person, online) = find(&request.desk, key).await?;
    let presence = PresenceJson {
        person: PersonJson::from(&person),
        online,
    };
    Ok(json(200, &presence))
}

/// A user, and whether they are here; 404 where there is none.
pub(super) async fn find(desk: &Desk, key: UserKey) -> Result<(Person, bool), Refused> {
    let found = desk.context.broker.find(key).await;
    found
        .map_err(|_| Refused::unanswered())?
        .ok_or_else(unknown)
}

fn unknown() -> Refused {
    Refused::new(404, "there is no such user; name one by uid or uname")
}
