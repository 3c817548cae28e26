//! From the body of a SEND to a command of the broker. Knows the JSON of seed 003; what a command does is the broker's matter.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use crate::broker::command::Command;
use crate::broker::command::Letter;
use crate::broker::message::MsgId;
use crate::gateways::json;
use crate::gateways::json::UidJson;
use crate::gateways::stomp::destination::Target;

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
            Ok(Command::Send(Letter::new(
                sent.receiver.0,
                parse_msg_id(&sent.msg_id)?,
                sent.content,
            )))
        }
        Target::Confirm => {
            let confirmed: ConfirmJson<'_> = parse(body)?;
            Ok(Command::Confirm {
                msg_id: parse_msg_id(&confirmed.msg_id)?,
            })
        }
        Target::Init => Ok(Command::Init),
    }
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, BadBody> {
    json::read(body).map_err(|sentence| BadBody {
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
    use crate::broker::users::Uid;

    const ID: &str = "34330e6e473c583354421ef814bcea13022d8a06";

    #[test]
    fn a_body_becomes_a_command() {
        let body = format!(r#"{{"msgID":"{ID}","reciverId":"2","content":"a\"b","more":[1]}}"#);
        let (to, msg_id) = (Uid::new(2).unwrap(), MsgId::parse(ID).unwrap());
        let command = Command::Send(Letter::new(to, msg_id, "a\"b"));
        assert_eq!(read(Target::Send, body.as_bytes()), Ok(command));
        assert_eq!(read(Target::Init, b"null"), Ok(Command::Init));
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
