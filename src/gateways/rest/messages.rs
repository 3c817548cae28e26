//! Messages: send, look back, see what waits, confirm.

use sha1::Digest;
use sha1::Sha1;

use crate::auth::Login;
use crate::broker::command::Address;
use crate::broker::command::Command;
use crate::broker::command::Letter;
use crate::broker::command::Reply;
use crate::broker::delivery::Delivery;
use crate::broker::groups::Gid;
use crate::broker::limits::CLIENT_PAGE_MAX;
use crate::broker::message::MessageId;
use crate::broker::message::MsgId;
use crate::broker::refusal::status;
use crate::broker::users::Person;
use crate::gateways::json::KeptJson;
use crate::gateways::json::OtherJson;
use crate::gateways::json::UserJson;
use crate::gateways::json::before_of;
use crate::gateways::json::kind_of;
use crate::gateways::rest::answer::Answer;
use crate::gateways::rest::answer::Refused;
use crate::gateways::rest::answer::json;
use crate::gateways::rest::call::Caller;
use crate::gateways::rest::call::Request;
use crate::gateways::rest::people;
use crate::gateways::rest::wire::ConfirmedJson;
use crate::gateways::rest::wire::PageJson;
use crate::gateways::rest::wire::SendJson;
use crate::gateways::rest::wire::SentJson;
use crate::gateways::url::Query;

/// Messages on a page where the caller names no number.
const PAGE_DEFAULT: usize = 50;

pub(super) async fn send(request: Request, caller: Caller) -> Result<Answer, Refused> {
    let message: SendJson<'_> = request.json()?;
    let to = match (message.to, message.group) {
        (Some(to), None) => Address::User(to.0),
        (None, Some(group)) => Address::Group(group.0),
        _ => {
            let content = "a message goes either \"to\" a user or to a \"group\"; give one of them";
            return Err(Refused::bad(content));
        }
    };
    let kind = kind_of(message.kind.as_deref()).map_err(Refused::bad)?;
    let from = match caller {
        Caller::User(login) => login.person,
        Caller::Server => {
            let from: UserJson = message
                .from
                .and_then(|from| serde_json::from_value(from).ok())
                .ok_or_else(|| {
                    Refused::bad("a call with an API key needs \"from\": a uid or a uname")
                })?;
            people::find(&request.desk, from.0).await?.0
        }
    };
    let (msg_id, made) = msg_id(&request, message.msg_id.as_deref(), &message.content)?;
    let letter = Letter {
        kind,
        ignored: message.ignored.unwrap_or_default().0,
        ..Letter::new(to, msg_id, message.content)
    };
    send_letter(&request, &from, letter, made).await
}

/// The msgID that the caller gave, or one made here; and whether it was made.
pub(super) fn msg_id(
    request: &Request,
    given: Option<&str>,
    content: &str,
) -> Result<(MsgId, bool), Refused> {
    match given {
        Some(text) => Ok((parse_msg_id(text)?, false)),
        None => {
            let stamp_ms = request.desk.stamp_ms(request.now());
            Ok((made_msg_id(content, stamp_ms), true))
        }
    }
}

/// Sends it; `made` says that the caller has not seen its msgID.
pub(super) async fn send_letter(
    request: &Request,
    from: &Person,
    letter: Letter,
    made: bool,
) -> Result<Answer, Refused> {
    let msg_id = letter.msg_id;
    let broker = &request.desk.context.broker;
    let sent = broker.ask_once(request.now(), from, Command::Send(letter));
    let reply = sent.await.map_err(|refusal| {
        let mut refused = Refused::from(refusal);
        if refused.code == 500 && made {
            // "The same msgID" is one that the caller has not seen.
            refused.content.push_str(&format!(": {msg_id}"));
        }
        refused
    })?;
    match reply {
        Reply::Sent {
            id,
            msg_id,
            time_ms,
            ..
        } => {
            let sent = SentJson {
                id: id.0,
                msg_id: msg_id.to_string(),
                time: time_ms,
            };
            Ok(json(201, &sent))
        }
        _ => Err(Refused::unanswered()),
    }
}

pub(super) async fn history(request: Request, login: Login) -> Result<Answer, Refused> {
    let query = &request.query;
    let with = match (query.get("with"), query.get("group")) {
        (Some(with), None) => {
            let other = OtherJson::parse(with);
            let says = "\"with\" must be a uid or a uname; 0 is the system";
            Address::User(other.ok_or_else(|| Refused::bad(says))?.0)
        }
        (None, Some(group)) => {
            let gid = group.parse().ok().and_then(Gid::new);
            Address::Group(
                gid.ok_or_else(|| Refused::bad("\"group\" must be the number of a group"))?,
            )
        }
        _ => {
            let content = "give either \"with\", a uid or a uname, or \"group\", a gid";
            return Err(Refused::bad(content));
        }
    };
    let before = number(query, "before", "a time in ms or the id of a message")?;
    let limit = limit(query)?;
    let command = Command::History {
        with,
        before: before.map(before_of),
        limit,
    };
    match request.ask(&login.person, command).await? {
        Reply::History { messages, more } => {
            let messages = messages
                .iter()
                .map(|kept| KeptJson::new(&kept.message, kept.state))
                .collect();
            Ok(json(200, &PageJson { messages, more }))
        }
        _ => Err(Refused::unanswered()),
    }
}

pub(super) async fn inbox(request: Request, login: Login) -> Result<Answer, Refused> {
    let after = number(&request.query, "after", "the id of a message")?;
    let command = Command::Inbox {
        after: MessageId(after.unwrap_or_default()),
        limit: limit(&request.query)?,
    };
    match request.ask(&login.person, command).await? {
        Reply::Inbox { messages, more } => {
            let messages = messages
                .iter()
                .map(|message| KeptJson::new(message, Delivery::Stored))
                .collect();
            Ok(json(200, &PageJson { messages, more }))
        }
        _ => Err(Refused::unanswered()),
    }
}

pub(super) async fn confirm(request: Request, login: Login) -> Result<Answer, Refused> {
    let msg_id = parse_msg_id(request.part())?;
    let broker = &request.desk.context.broker;
    let command = Command::Confirm { msg_id };
    broker
        .ask_once(request.now(), &login.person, command)
        .await?;
    let confirmed = ConfirmedJson {
        msg_id: msg_id.to_string(),
        code: 200,
        status: status(200),
        content: "received",
    };
    Ok(json(200, &confirmed))
}

fn parse_msg_id(text: &str) -> Result<MsgId, Refused> {
    MsgId::parse(text).ok_or_else(|| Refused::bad("a msgID is a SHA-1 in 40 hex digits"))
}

/// A msgID as clients make theirs.
fn made_msg_id(content: &str, stamp_ms: u64) -> MsgId {
    let digest = Sha1::new()
        .chain_update(content)
        .chain_update(stamp_ms.to_string())
        .finalize();
    MsgId(digest.into())
}

fn number(query: &Query, name: &str, says: &str) -> Result<Option<u64>, Refused> {
    query
        .get(name)
        .map(|text| {
            let wrong = |_| Refused::bad(format!("\"{name}\" must be a number: {says}"));
            text.parse().map_err(wrong)
        })
        .transpose()
}

fn limit(query: &Query) -> Result<usize, Refused> {
    let says = "how many messages, from 1 to 200";
    match number(query, "limit", says)? {
        None => Ok(PAGE_DEFAULT),
        Some(0) => Err(Refused::bad(format!("\"limit\" must be {says}"))),
        Some(limit) => {
            Ok(usize::try_from(limit).map_or(CLIENT_PAGE_MAX, |n| n.min(CLIENT_PAGE_MAX)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_msg_id_is_the_sha1_of_content_and_time() {
        // printf 'abc1504712402000' | sha1sum
        assert_eq!(
            made_msg_id("abc", 1_504_712_402_000).to_string(),
            "eb8ebc82e0677d37b4ce3ad32f5deb56b0beee94"
        );
    }

    #[test]
    fn a_limit_is_clamped_from_above_and_taught_from_below() {
        let limit = |text| limit(&Query::parse(text).unwrap()).map_err(|refused| refused.code);
        assert_eq!(limit(""), Ok(50));
        assert_eq!(limit("limit=1"), Ok(1));
        assert_eq!(limit("limit=201"), Ok(200));
        for bad in ["limit=0", "limit=-1", "limit=x", "limit="] {
            assert_eq!(limit(bad), Err(400), "{bad}");
        }
    }
}
