//! Groups ("conversations" in seed 001): make, show, change, join, add, leave, remove.

use crate::auth::Login;
use crate::broker::command::Command;
use crate::broker::command::Reply;
use crate::broker::social::Changed;
use crate::broker::social::Social;
use crate::broker::users::UserKey;
use crate::gateways::json::GroupFields;
use crate::gateways::json::GroupJson;
use crate::gateways::json::GroupNameJson;
use crate::gateways::rest::answer::Answer;
use crate::gateways::rest::answer::Refused;
use crate::gateways::rest::answer::json;
use crate::gateways::rest::answer::nothing;
use crate::gateways::rest::call::Caller;
use crate::gateways::rest::call::Request;
use crate::gateways::rest::wire::AddJson;
use crate::gateways::rest::wire::GroupsJson;

pub(super) async fn list(request: Request, login: Login) -> Result<Answer, Refused> {
    match request.ask(&login.person, Command::Groups).await? {
        Reply::Groups(groups) => {
            let groups = groups.iter().map(GroupNameJson::from).collect();
            Ok(json(200, &GroupsJson { groups }))
        }
        _ => Err(Refused::unanswered()),
    }
}

pub(super) async fn make(request: Request, caller: Caller) -> Result<Answer, Refused> {
    let fields: GroupFields = request.json()?;
    let act = Social::MakeGroup(fields.into());
    shown(201, request.act(&caller.person(), act).await?)
}

pub(super) async fn show(request: Request, caller: Caller) -> Result<Answer, Refused> {
    let command = Command::Group(request.group()?);
    match request.ask(&caller.person(), command).await? {
        Reply::Group(group) => Ok(json(200, &GroupJson(&group))),
        _ => Err(Refused::unanswered()),
    }
}

pub(super) async fn change(request: Request, caller: Caller) -> Result<Answer, Refused> {
    let gid = request.group()?;
    let fields: GroupFields = request.json()?;
    let patch = fields.into();
    let act = Social::ChangeGroup { gid, patch };
    shown(200, request.act(&caller.person(), act).await?)
}

pub(super) async fn add(request: Request, caller: Caller) -> Result<Answer, Refused> {
    let AddJson { uid, uids, members } = request.json()?;
    let listed = [uids, members].into_iter().flatten();
    let mut users: Vec<UserKey> = listed.flat_map(|list| list.0).collect();
    users.extend(uid.map(|user| user.0));
    if users.is_empty() {
        let content = "name whom to add: \"uid\", one user, or \"uids\", a list of users";
        return Err(Refused::bad(content));
    }
    add_these(request, caller, users).await
}

pub(super) async fn add_one(request: Request, caller: Caller) -> Result<Answer, Refused> {
    let user = request.user(1)?;
    add_these(request, caller, vec![user]).await
}

async fn add_these(
    request: Request,
    caller: Caller,
    users: Vec<UserKey>,
) -> Result<Answer, Refused> {
    let gid = request.group()?;
    let act = Social::AddMembers { gid, users };
    shown(200, request.act(&caller.person(), act).await?)
}

pub(super) async fn remove(request: Request, caller: Caller) -> Result<Answer, Refused> {
    let gid = request.group()?;
    let user = request.user(1)?;
    let act = Social::RemoveMember { gid, user };
    request.act(&caller.person(), act).await?;
    Ok(nothing())
}

/// The group as it is now; nothing where the caller has left it by this.
fn shown(code: u16, changed: Changed) -> Result<Answer, Refused> {
    match changed {
        Changed::Group { group, .. } => Ok(json(code, &GroupJson(&group))),
        Changed::Left { .. } => Ok(nothing()),
        _ => Err(Refused::unanswered()),
    }
}
