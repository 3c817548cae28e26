//! From the body of a SEND to a command of the broker. Knows the JSON of seed 003; what a command does is the broker's matter.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use crate::broker::command::Address;
use crate::broker::command::Command;
use crate::broker::command::Letter;
use crate::broker::limits::CLIENT_PAGE_MAX;
use crate::broker::message::Kind;
use crate::broker::message::MsgId;
use crate::gateways::json;
use crate::gateways::json::GidJson;
use crate::gateways::json::NumberJson;
use crate::gateways::json::OtherJson;
use crate::gateways::json::UidJson;
use crate::gateways::json::UsersJson;
use crate::gateways::stomp::destination::Target;

/// Messages on a page of history where the client names no number.
const PAGE_DEFAULT: usize = 50;

/// The longest msgID, in bytes, that a refusal repeats: a right one has 40.
const REPEATED_MAX: usize = 64;

#[derive(Deserialize)]
struct SendJson<'a> {
    #[serde(rename = "msgID", borrow)]
    msg_id: Cow<'a, str>,
    #[serde(rename = "reciverId")]
    receiver: UidJson,
    #[serde(borrow)]
    content: Cow<'a, str>,
    #[serde(rename = "type", borrow)]
    kind: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct SendGroupJson<'a> {
    #[serde(rename = "msgID", borrow)]
    msg_id: Cow<'a, str>,
    #[serde(rename = "groupId")]
    group: GidJson,
    #[serde(borrow)]
    content: Cow<'a, str>,
    #[serde(rename = "type", borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(rename = "ignoreIds")]
    ignored: Option<UsersJson>,
}

#[derive(Deserialize)]
struct HistoryJson {
    with: Option<OtherJson>,
    #[serde(rename = "groupId")]
    group: Option<GidJson>,
    before: Option<NumberJson>,
    len: Option<NumberJson>,
}

#[derive(Deserialize)]
struct ConfirmJson<'a> {
    #[serde(rename = "msgID", borrow)]
    msg_id: Cow<'a, str>,
}

/// A body that asks for nothing the broker knows: code 400.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadBody {
    /// The message it is about, as far as the client said.
    pub(super) msg_id: Option<String>,
    /// What is wrong and what would be right.
    pub(super) sentence: String,
}

/// Reads the body that came for `target`.
pub(super) fn read(target: Target, body: &[u8]) -> Result<Command, BadBody> {
    match target {
        Target::Send => {
            let sent: SendJson<'_> = parse(body)?;
            let msg_id = parse_msg_id(&sent.msg_id)?;
            Ok(Command::Send(Letter {
                kind: parse_kind(sent.kind.as_deref(), msg_id)?,
                ..Letter::new(sent.receiver.0, msg_id, sent.content)
            }))
        }
        Target::SendGroup => {
            let sent: SendGroupJson<'_> = parse(body)?;
            let msg_id = parse_msg_id(&sent.msg_id)?;
            let group = Address::Group(sent.group.0);
            Ok(Command::Send(Letter {
                kind: parse_kind(sent.kind.as_deref(), msg_id)?,
                ignored: sent.ignored.unwrap_or_default().0,
                ..Letter::new(group, msg_id, sent.content)
            }))
        }
        Target::Confirm => {
            let confirmed: ConfirmJson<'_> = parse(body)?;
            Ok(Command::Confirm {
                msg_id: parse_msg_id(&confirmed.msg_id)?,
            })
        }
        Target::Init => Ok(Command::Init),
        Target::History => {
            let asked: HistoryJson = parse(body)?;
            let with = match (asked.with, asked.group) {
                (Some(with), None) => Address::User(with.0),
                (None, Some(group)) => Address::Group(group.0),
                _ => {
                    let sentence = "give either \"with\", a uid or a uname, or \"groupId\"";
                    return Err(unnamed(sentence));
                }
            };
            let limit = match asked.len {
                None => PAGE_DEFAULT,
                Some(NumberJson(0)) => {
                    return Err(unnamed("\"len\" must be how many messages, from 1 to 200"));
                }
                Some(NumberJson(len)) => usize::try_from(len).unwrap_or(CLIENT_PAGE_MAX),
            };
            Ok(Command::History {
                with,
                before: asked.before.map(|before| json::before_of(before.0)),
                limit: limit.min(CLIENT_PAGE_MAX),
            })
        }
    }
}

/// A bad body that is about no message.
fn unnamed(sentence: &str) -> BadBody {
    BadBody {
        msg_id: None,
        sentence: sentence.to_owned(),
    }
}

fn parse_kind(word: Option<&str>, msg_id: MsgId) -> Result<Kind, BadBody> {
    json::kind_of(word).map_err(|sentence| BadBody {
        msg_id: Some(msg_id.to_string()),
        sentence: sentence.to_owned(),
    })
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, BadBody> {
    json::read_object(body).map_err(|sentence| BadBody {
        msg_id: named(body),
        sentence,
    })
}

/// The msgID that a body names, where the rest of it is wrong.
fn named(body: &[u8]) -> Option<String> {
    let value: Value = json::read(body).ok()?;
    let text = value.get("msgID")?.as_str()?;
    (text.len() <= REPEATED_MAX).then(|| text.to_owned())
}

fn parse_msg_id(text: &str) -> Result<MsgId, BadBody> {
    MsgId::parse(text).ok_or_else(|| BadBody {
        msg_id: (text.len() <= REPEATED_MAX).then(|| text.to_owned()),
        sentence: "msgID must be a SHA-1 in 40 hex digits, made by SHA1(content + now in ms)"
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::groups::Gid;
    use crate::broker::message::MessageId;
    use crate::broker::ports::Before;
    use crate::broker::users::Uid;
    use crate::broker::users::UserKey;

    const ID: &str = "34330e6e473c583354421ef814bcea13022d8a06";

    #[test]
    fn a_body_becomes_a_command() {
        let body = format!(r#"{{"msgID":"{ID}","reciverId":"2","content":"a\"b","more":[1]}}"#);
        let msg_id = MsgId::parse(ID).unwrap();
        let command = Command::Send(Letter::new(Uid::new(2).unwrap(), msg_id, "a\"b"));
        assert_eq!(read(Target::Send, body.as_bytes()), Ok(command));
        assert_eq!(read(Target::Init, b"null"), Ok(Command::Init));
    }

    #[test]
    fn a_message_to_a_group_may_leave_members_out() {
        let body = format!(
            r#"{{"msgID":"{ID}","groupId":"3","content":"x","type":"image","ignoreIds":[7,"li"]}}"#
        );
        let Ok(Command::Send(letter)) = read(Target::SendGroup, body.as_bytes()) else {
            panic!("no message");
        };
        assert_eq!(letter.to, Address::Group(Gid::new(3).unwrap()));
        assert_eq!((letter.kind, letter.ignored.len()), (Kind::Image, 2));
        let of_another_kind = body.replace("image", "song");
        let refused = read(Target::SendGroup, of_another_kind.as_bytes());
        assert_eq!(refused.unwrap_err().msg_id.as_deref(), Some(ID));
    }

    #[test]
    fn history_is_of_a_user_or_of_a_group() {
        let asked = |body: &str| read(Target::History, body.as_bytes());
        let li = Address::User(UserKey::Name("li".to_owned()));
        let page = Command::History {
            with: li,
            before: Some(Before::Time(1_504_712_402_000)),
            limit: 10,
        };
        assert_eq!(
            asked(r#"{"with":"li","before":1504712402000,"len":10}"#),
            Ok(page)
        );
        let page = Command::History {
            with: Address::Group(Gid::new(3).unwrap()),
            before: Some(Before::Id(MessageId(9))),
            limit: CLIENT_PAGE_MAX,
        };
        assert_eq!(
            asked(r#"{"groupId":3,"before":"9","len":1000000}"#),
            Ok(page)
        );
        for bad in [
            "",
            "{}",
            r#"{"with":1,"groupId":3}"#,
            r#"{"with":1,"len":0}"#,
            r#"{"with":1,"len":-1}"#,
            r#"{"with":1,"before":"yesterday"}"#,
        ] {
            assert_eq!(asked(bad).unwrap_err().msg_id, None, "{bad}");
        }
    }

    #[test]
    fn a_bad_body_is_refused_under_its_msg_id_where_it_has_one() {
        let named = |id: &str| Some(id.to_owned());
        for (body, msg_id) in [
            ("", None),
            ("{", None),
            ("[]", None),
            (r#"{"reciverId":2,"content":""}"#, None),
            (r#"{"msgID":"12","reciverId":2,"content":""}"#, named("12")),
            (&format!(r#"{{"msgID":"{ID}","content":"x"}}"#), named(ID)),
            (
                &format!(r#"{{"msgID":"{ID}","reciverId":0,"content":"x"}}"#),
                named(ID),
            ),
            (
                &format!(r#"{{"msgID":"{ID}","reciverId":2,"content":7}}"#),
                named(ID),
            ),
            (
                &format!(r#"{{"msgID":7,"reciverId":2,"content":"{ID}"}}"#),
                None,
            ),
        ] {
            let refused = read(Target::Send, body.as_bytes()).expect_err(body);
            assert_eq!(refused.msg_id, msg_id, "{body}");
        }
    }
}
