//! Accounts and tokens: register, log in, log out, and the token that opens the packet gateway.

use crate::auth::Denial;
use crate::auth::Login;
use crate::gateways::json::PersonJson;
use crate::gateways::rest::answer::Answer;
use crate::gateways::rest::answer::Refused;
use crate::gateways::rest::answer::json;
use crate::gateways::rest::answer::nothing;
use crate::gateways::rest::call::Request;
use crate::gateways::rest::wire::AccountJson;
use crate::gateways::rest::wire::LoginJson;
use crate::gateways::rest::wire::WstokenJson;

pub(super) async fn register(request: Request) -> Result<Answer, Refused> {
    let account: AccountJson<'_> = request.json()?;
    let auth = &request.desk.context.auth;
    let person = auth
        .register(request.now(), &account.name, &account.password)
        .await?;
    Ok(json(201, &PersonJson::from(&person)))
}

pub(super) async fn log_in(request: Request) -> Result<Answer, Refused> {
    let account: AccountJson<'_> = request.json()?;
    let context = &request.desk.context;
    let (person, grant) = context
        .auth
        .log_in(request.now(), &account.name, &account.password)
        .await
        .inspect_err(|_| context.tally.logins_refused.add())?;
    let login = LoginJson {
        person: PersonJson::from(&person),
        token: &grant.token,
        expires_at_ms: grant.expires_s.saturating_mul(1_000),
    };
    Ok(json(200, &login))
}

pub(super) async fn log_out(request: Request, login: Login) -> Result<Answer, Refused> {
    let now = request.now();
    // A task of its own, to its end even if the client hangs up: a revoked token must not leave its sessions open.
    let work = tokio::spawn(async move {
        let context = &request.desk.context;
        context.auth.log_out(now, &login).await?;
        context.broker.end_token(login.person.uid, &login.token);
        Ok::<_, Denial>(())
    });
    work.await.map_err(|_| Refused::unanswered())??;
    Ok(nothing())
}

pub(super) async fn websocket_token(request: Request, login: Login) -> Result<Answer, Refused> {
    let now = request.now();
    let grant = request
        .desk
        .context
        .auth
        .websocket_token(now, &login)
        .await?;
    let wstoken = WstokenJson {
        wstoken: &grant.token,
        expires_in_s: grant.expires_s.saturating_sub(now.epoch_ms / 1_000),
    };
    Ok(json(200, &wstoken))
}
