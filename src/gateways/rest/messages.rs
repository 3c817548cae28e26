//! Messages: send, look back, see what waits, confirm.

use sha1::Digest;
use sha1::Sha1;

use crate::auth::Login;
use crate::broker::command::Command;
use crate::broker::command::Letter;
use crate::broker::command::Reply;
use crate::broker::delivery::Delivery;
use crate::broker::limits::CLIENT_PAGE_MAX;
use crate::broker::message::MessageId;
use crate::broker::message::MsgId;
use crate::broker::ports::Before;
use crate::broker::refusal::status;
use crate::broker::users::Person;
use crate::broker::users::Uid;
use crate::broker::users::UserKey;
use crate::gateways::rest::Desk;
use crate::gateways::rest::answer::Answer;
use crate::gateways::rest::answer::Refused;
use crate::gateways::rest::answer::json;
use crate::gateways::rest::call::Caller;
use crate::gateways::rest::call::Request;
use crate::gateways::rest::people;
use crate::gateways::rest::wire::ConfirmedJson;
use crate::gateways::rest::wire::KeptJson;
use crate::gateways::rest::wire::PageJson;
use crate::gateways::rest::wire::SendJson;
use crate::gateways::rest::wire::SentJson;
use crate::gateways::rest::wire::UserJson;
use crate::gateways::url::Query;

/// Messages on a page where the caller names no number.
const PAGE_DEFAULT: usize = 50;

/// Where times begin: a lower `before` is an id. As a time this is September 2001.
const TIMES_FROM: u64 = 1_000_000_000_000;

pub(super) async fn send(request: Request, caller: Caller) -> Result<Answer, Refused> {
    let message: SendJson<'_> = request.json()?;
    let desk = &*request.desk;
    let to = match (message.to, message.group) {
        (Some(to), None) => to.0,
        (None, Some(_)) => return Err(no_such_group()),
        _ => {
            let content = "a message goes either \"to\" a user or to a \"group\"; give one of them";
            return Err(Refused::bad(content));
        }
    };
    let from = match caller {
        Caller::User(login) => login.person,
        Caller::Server => {
            let from: UserJson = message
                .from
                .and_then(|from| serde_json::from_value(from).ok())
                .ok_or_else(|| {
                    Refused::bad("a call with an API key needs \"from\": a uid or a uname")
                })?;
            people::find(desk, from.0).await?.0
        }
    };
    let to = receiver(desk, to).await?;
    let now = request.now();
    let msg_id = match &message.msg_id {
        Some(text) => parse_msg_id(text)?,
        None => made_msg_id(&message.content, desk.stamp_ms(now)),
    };
    let command = Command::Send(Letter::new(to, msg_id, message.content));
    let sent = desk.context.broker.ask_once(now, &from, command).await;
    let reply = sent.map_err(|refusal| {
        let mut refused = Refused::from(refusal);
        if refused.code == 500 && message.msg_id.is_none() {
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
            UserKey::parse(with).ok_or_else(|| Refused::bad("\"with\" must be a uid or a uname"))?
        }
        (None, Some(_)) => return Err(no_such_group()),
        _ => {
            let content = "give either \"with\", a uid or a uname, or \"group\", a gid";
            return Err(Refused::bad(content));
        }
    };
    let before = number(query, "before", "a time in ms or the id of a message")?;
    let limit = limit(query)?;
    let (with, _) = people::find(&request.desk, with).await?;
    let command = Command::History {
        with: with.uid.into(),
        before: before.map(|before| match before {
            TIMES_FROM.. => Before::Time(before),
            _ => Before::Id(MessageId(before)),
        }),
        limit,
    };
    match ask(&request, &login.person, command).await? {
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
    match ask(&request, &login.person, command).await? {
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

/// Asks a question that keeps nothing.
async fn ask(request: &Request, person: &Person, command: Command) -> Result<Reply, Refused> {
    let broker = &request.desk.context.broker;
    let reply = broker.ask_once(request.now(), person, command).await;
    reply.map_err(|_| Refused::unanswered())
}

/// The uid of the receiver; whether there is one of that number the broker will say.
async fn receiver(desk: &Desk, to: UserKey) -> Result<Uid, Refused> {
    match to {
        UserKey::Uid(uid) => Ok(uid),
        name => people::find(desk, name).await.map(|(person, _)| person.uid),
    }
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

fn no_such_group() -> Refused {
    Refused::new(404, "there is no such group")
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
