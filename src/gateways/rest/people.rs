//! Users as others see them: who is here, and where friends are.

use crate::broker::command::Command;
use crate::broker::command::Reply;
use crate::broker::refusal::Refusal;
use crate::broker::users::Person;
use crate::broker::users::UserKey;
use crate::gateways::json::PersonJson;
use crate::gateways::rest::Desk;
use crate::gateways::rest::answer::Answer;
use crate::gateways::rest::answer::Refused;
use crate::gateways::rest::answer::json;
use crate::gateways::rest::call::Caller;
use crate::gateways::rest::call::Request;
use crate::gateways::rest::wire::LocationJson;
use crate::gateways::rest::wire::PresenceJson;

pub(super) async fn show(request: Request, _: Caller) -> Result<Answer, Refused> {
    let (person, online) = find(&request.desk, request.user(0)?).await?;
    let presence = PresenceJson {
        person: PersonJson::from(&person),
        online,
    };
    Ok(json(200, &presence))
}

/// Where a user is, for friends and for other servers.
pub(super) async fn location(request: Request, caller: Caller) -> Result<Answer, Refused> {
    let command = Command::Location(request.user(0)?);
    match request.ask(&caller.person(), command).await? {
        Reply::Location { person, location } => {
            let located = LocationJson {
                person: PersonJson::from(&person),
                longitude: location.longitude,
                latitude: location.latitude,
                time: location.time_ms,
            };
            Ok(json(200, &located))
        }
        _ => Err(Refused::unanswered()),
    }
}

/// A user, and whether they are here; 404 where there is none.
pub(super) async fn find(desk: &Desk, key: UserKey) -> Result<(Person, bool), Refused> {
    let found = desk.context.broker.find(key).await;
    let found = found.map_err(|_| Refused::unanswered())?;
    Ok(found
        .filter(|(person, _)| !person.is_system())
        .ok_or(Refusal::NoSuchUser)?)
}
