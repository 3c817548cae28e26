//! Friends: who is one, asking, answering, ending it.

use crate::auth::Login;
use crate::broker::command::Command;
use crate::broker::command::Reply;
use crate::broker::friends::RequestId;
use crate::broker::refusal::Refusal;
use crate::broker::social::Changed;
use crate::broker::social::Social;
use crate::gateways::json::PersonJson;
use crate::gateways::json::RequestJson;
use crate::gateways::rest::answer::Answer;
use crate::gateways::rest::answer::Refused;
use crate::gateways::rest::answer::json;
use crate::gateways::rest::answer::nothing;
use crate::gateways::rest::call::Request;
use crate::gateways::rest::wire::AnsweredJson;
use crate::gateways::rest::wire::AskJson;
use crate::gateways::rest::wire::FriendsJson;
use crate::gateways::rest::wire::PresenceJson;

pub(super) async fn list(request: Request, login: Login) -> Result<Answer, Refused> {
    let Reply::Friends { friends, here } = request.ask(&login.person, Command::Friends).await?
    else {
        return Err(Refused::unanswered());
    };
    let shown = friends.friends.iter().map(|person| PresenceJson {
        person: PersonJson::from(person),
        online: here.binary_search(&person.uid).is_ok(),
    });
    let listed = FriendsJson {
        friends: shown.collect(),
        requests: friends.asked.iter().map(RequestJson::from).collect(),
        asking: friends.asking.iter().map(RequestJson::from).collect(),
    };
    Ok(json(200, &listed))
}

pub(super) async fn ask(request: Request, login: Login) -> Result<Answer, Refused> {
    let AskJson { to, msg } = request.json()?;
    let act = Social::AskFriend {
        to: to.0,
        words: msg,
    };
    let asked = request.act(&login.person, act).await?;
    answered(201, asked)
}

pub(super) async fn accept(request: Request, login: Login) -> Result<Answer, Refused> {
    answer(request, login, true).await
}

pub(super) async fn reject(request: Request, login: Login) -> Result<Answer, Refused> {
    answer(request, login, false).await
}

async fn answer(request: Request, login: Login, accept: bool) -> Result<Answer, Refused> {
    let number = request.part().parse();
    let act = Social::AnswerFriend {
        request: RequestId(number.map_err(|_| Refusal::NoSuchRequest)?),
        accept,
    };
    let changed = request.act(&login.person, act).await?;
    answered(200, changed)
}

/// What has become of a request; a request to somebody who has asked already is a yes at once.
fn answered(code: u16, changed: Changed) -> Result<Answer, Refused> {
    let (request, state) = match &changed {
        Changed::Asked { request, .. } => (request, "asked"),
        Changed::Answered {
            request, accepted, ..
        } => (request, if *accepted { "accepted" } else { "rejected" }),
        _ => return Err(Refused::unanswered()),
    };
    let request = RequestJson::from(&**request);
    Ok(json(code, &AnsweredJson { request, state }))
}

pub(super) async fn end(request: Request, login: Login) -> Result<Answer, Refused> {
    let act = Social::Unfriend(request.user(0)?);
    request.act(&login.person, act).await?;
    Ok(nothing())
}
