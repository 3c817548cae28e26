//! Chat pictures. What a file is its own first bytes say, never who brings it.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use http::header;

use crate::auth::Login;
use crate::broker::command::Command;
use crate::broker::command::Reply;
use crate::broker::images::Image;
use crate::broker::images::ImageId;
use crate::broker::images::Media;
use crate::broker::refusal::Refusal;
use crate::gateways::rest::answer::Answer;
use crate::gateways::rest::answer::Refused;
use crate::gateways::rest::answer::json;
use crate::gateways::rest::answer::typed;
use crate::gateways::rest::call::Request;
use crate::gateways::rest::wire::ImageJson;

/// A picture never changes, but who may see it does: a browser may keep it for a day, for this log-in alone.
const KEPT: HeaderValue = HeaderValue::from_static("private, max-age=86400, immutable");

/// Should a browser open one as a page, nothing in it runs.
const SANDBOX: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");

pub(super) async fn keep(request: Request, login: Login) -> Result<Answer, Refused> {
    let Some(media) = Media::of(&request.body) else {
        let content = "the body must be a picture itself: PNG, JPEG, GIF or WebP";
        return Err(Refused::new(415, content));
    };
    let bytes = Arc::from(&*request.body);
    let command = Command::KeepImage(Image { media, bytes });
    match request.ask(&login.person, command).await? {
        Reply::ImageKept(id) => Ok(json(201, &ImageJson { id: id.to_string() })),
        _ => Err(Refused::unanswered()),
    }
}

pub(super) async fn show(request: Request, login: Login) -> Result<Answer, Refused> {
    let id = ImageId::parse(request.part()).ok_or(Refusal::NoSuchImage)?;
    match request.ask(&login.person, Command::Image(id)).await? {
        Reply::Image(image) => {
            let media = HeaderValue::from_static(image.media.as_str());
            let mut answer = typed(200, media, Bytes::from_owner(image.bytes));
            let headers = answer.headers_mut();
            headers.insert(header::CACHE_CONTROL, KEPT);
            headers.insert(header::CONTENT_SECURITY_POLICY, SANDBOX);
            headers.insert(header::VARY, HeaderValue::from_static("Authorization"));
            Ok(answer)
        }
        _ => Err(Refused::unanswered()),
    }
}
