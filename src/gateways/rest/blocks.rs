//! Blocked users: nothing of what they send arrives.

use crate::auth::Login;
use crate::broker::command::Command;
use crate::broker::command::Reply;
use crate::broker::social::Social;
use crate::broker::users::Person;
use crate::gateways::json::PersonJson;
use crate::gateways::rest::answer::Answer;
use crate::gateways::rest::answer::Refused;
use crate::gateways::rest::answer::json;
use crate::gateways::rest::answer::nothing;
use crate::gateways::rest::call::Request;
use crate::gateways::rest::people;
use crate::gateways::rest::wire::BlockJson;
use crate::gateways::rest::wire::BlocksJson;

pub(super) async fn list(request: Request, login: Login) -> Result<Answer, Refused> {
    let blocked = blocked(&request, &login).await?;
    let blocks = blocked.iter().map(PersonJson::from).collect();
    Ok(json(200, &BlocksJson { blocks }))
}

pub(super) async fn show(request: Request, login: Login) -> Result<Answer, Refused> {
    let (person, _) = people::find(&request.desk, request.user(0)?).await?;
    let blocked = blocked(&request, &login).await?.contains(&person);
    let person = PersonJson::from(&person);
    Ok(json(200, &BlockJson { person, blocked }))
}

async fn blocked(request: &Request, login: &Login) -> Result<Vec<Person>, Refused> {
    match request.ask(&login.person, Command::Blocks).await? {
        Reply::Blocks(blocked) => Ok(blocked),
        _ => Err(Refused::unanswered()),
    }
}

pub(super) async fn block(request: Request, login: Login) -> Result<Answer, Refused> {
    let act = Social::Block(request.user(0)?);
    request.act(&login.person, act).await?;
    Ok(nothing())
}

pub(super) async fn unblock(request: Request, login: Login) -> Result<Answer, Refused> {
    let act = Social::Unblock(request.user(0)?);
    request.act(&login.person, act).await?;
    Ok(nothing())
}
