//! What operators and their machines ask: is it up, is it ready, how is it doing, what can it do.

use std::sync::Arc;

use http::HeaderValue;
use serde::Serialize;
use tokio::task::spawn_blocking;

use crate::gateways::rest::answer::Answer;
use crate::gateways::rest::answer::Refused;
use crate::gateways::rest::answer::json;
use crate::gateways::rest::answer::typed;
use crate::gateways::rest::call::Request;
use crate::gateways::rest::openapi;

const PROMETHEUS: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

#[derive(Serialize)]
struct HealthJson {
    status: &'static str,
}

/// As long as the process answers, it is alive.
pub(super) async fn alive(_: Request) -> Result<Answer, Refused> {
    Ok(json(200, &HealthJson { status: "ok" }))
}

/// Whether messages can be kept now, and will still be in a moment.
pub(super) async fn ready(request: Request) -> Result<Answer, Refused> {
    let context = &request.desk.context;
    if *context.stopping.borrow() {
        return Err(Refused::new(503, "the broker is stopping"));
    }
    if let Err(why) = context.broker.health() {
        // The store has told the log when that began.
        let content = format!("the store can't keep messages now: {why}");
        return Err(Refused::new(503, content));
    }
    Ok(json(200, &HealthJson { status: "ok" }))
}

pub(super) async fn metrics(request: Request) -> Result<Answer, Refused> {
    let metrics = Arc::clone(&request.desk.options.metrics);
    let text = spawn_blocking(move || metrics()).await;
    let text = text.map_err(|_| Refused::unanswered())?;
    Ok(typed(200, PROMETHEUS, text.into()))
}

pub(super) async fn description(request: Request) -> Result<Answer, Refused> {
    let options = &request.desk.options;
    Ok(json(200, &openapi::document(&options.context_path)))
}
