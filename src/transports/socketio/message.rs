//! The messages of a Socket.IO [`Link`](crate::transports::Link): each is one JSON text.
//!
//! | the client | message |
//! | --- | --- |
//! | joins a namespace | `{"namespace":"/","connected":true,"id":"<socket id>"}` |
//! | leaves one | `{"namespace":"/","disconnected":true}` |
//! | emits an event | `{"namespace":"/","event":"logIn","args":[…],"ack":7}`, `ack` where it waits for an answer |
//! | emits one with attachments | the same with `"attachments":["<base64>",…]`; in `args` their placeholders stand as they came |
//! | emits one beyond a limit | `{"namespace":"/","event":"logIn","refused":"<why>","ack":7}` |
//!
//! | to the client | message |
//! | --- | --- |
//! | an event | `{"namespace":"/","event":"auth-s","args":[…]}` |
//! | an answer | `{"ack":7,"args":[…]}` |
//! | an end of its stay in a namespace | `{"namespace":"/","disconnect":true}` |

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde::Serialize;
use serde::ser::SerializeTuple;
use serde_json::value::RawValue;

/// How deep the JSON of a packet may be nested (CONTRACT section 9).
const DEPTH_MAX: usize = 32;

/// How many attachments an event may have (CONTRACT section 9).
const ATTACHMENTS_MAX: usize = 10;

/// What a client did, as it is written.
#[derive(Default, Serialize)]
pub(super) struct Heard<'a> {
    pub(super) namespace: &'a str,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) connected: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) disconnected: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) event: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) args: Option<Vec<&'a RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) attachments: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refused: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ack: Option<u64>,
}

// serde asks for a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(value: &bool) -> bool {
    !value
}

impl<'a> Heard<'a> {
    /// An event: `packet` is `["name",…]`. `None` where it is not.
    pub(super) fn event(packet: &'a str, attachments: &[Bytes]) -> Option<Self> {
        let refused = refusal(packet, attachments);
        let mut parts: Vec<&RawValue> = serde_json::from_str(packet).ok()?;
        let name = (!parts.is_empty()).then(|| parts.remove(0))?;
        let Name(event) = serde_json::from_str(name.get()).ok()?;
        let encoded = || attachments.iter().map(|bytes| STANDARD.encode(bytes));
        let taken = refused.is_none();
        Some(Self {
            event: Some(event),
            args: taken.then_some(parts),
            attachments: (taken && !attachments.is_empty()).then(|| encoded().collect()),
            refused,
            ..Self::default()
        })
    }

    /// As it is handed on.
    pub(super) fn text(&self) -> Bytes {
        // There is nothing in it that JSON could not say.
        serde_json::to_vec(self).unwrap_or_default().into()
    }
}

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

fn refusal(packet: &str, attachments: &[Bytes]) -> Option<String> {
    if attachments.len() > ATTACHMENTS_MAX {
        return Some(format!(
            "an event may have at most {ATTACHMENTS_MAX} attachments"
        ));
    }
    (depth(packet) > DEPTH_MAX).then(|| format!("the JSON is nested deeper than {DEPTH_MAX}"))
}

/// How deep the brackets of JSON are nested.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// What is for the client.
#[derive(Debug)]
pub(super) enum Said {
    /// An event in a namespace.
    Event {
        namespace: String,
        event: String,
        args: Args,
    },
    /// The answer to an event.
    Ack { ack: u64, args: Args },
    /// The client is to leave a namespace.
    Disconnect { namespace: String },
}

#[derive(Deserialize)]
struct SaidJson {
    namespace: Option<String>,
    event: Option<String>,
    #[serde(default)]
    args: Vec<Box<RawValue>>,
    ack: Option<u64>,
    #[serde(default)]
    disconnect: bool,
}

impl Said {
    /// Reads a message for the client. The error is for the log: gateways write these.
    pub(super) fn read(message: &str) -> Result<Self, String> {
        let said: SaidJson = serde_json::from_str(message).map_err(|error| error.to_string())?;
        let args = Args(said.args);
        match (said.namespace, said.event, said.ack, said.disconnect) {
            (Some(namespace), Some(event), None, false) => Ok(Self::Event {
                namespace,
                event,
                args,
            }),
            (_, None, Some(ack), false) => Ok(Self::Ack { ack, args }),
            (Some(namespace), None, None, true) => Ok(Self::Disconnect { namespace }),
            _ => Err("neither an event, nor an answer, nor an end".to_owned()),
        }
    }
}

/// What an event or an answer says. A tuple, because socketioxide takes anything else for one single argument.
#[derive(Debug)]
pub(super) struct Args(Vec<Box<RawValue>>);

impl Args {
    /// About how many bytes they have.
    pub(super) fn bytes(&self) -> usize {
        self.0.iter().map(|arg| arg.get().len() + 1).sum()
    }
}

impl Serialize for Args {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        for arg in &self.0 {
            tuple.serialize_element(arg)?;
        }
        tuple.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(packet: &str, attachments: &[Bytes]) -> Option<String> {
        let heard = Heard {
            namespace: "/",
            ack: Some(7),
            ..Heard::event(packet, attachments)?
        };
        Some(String::from_utf8_lossy(&heard.text()).into_owned())
    }

    #[test]
    fn an_event_keeps_its_arguments_as_they_are() {
        let one = Bytes::from_static(b"abc");
        for (packet, attachments, message) in [
            (
                r#"["news",{"b":1,"a":"\u00e4"},1e2,null]"#,
                &[][..],
                Some(
                    r#"{"namespace":"/","event":"news","args":[{"b":1,"a":"\u00e4"},1e2,null],"ack":7}"#,
                ),
            ),
            (
                r#"["a\"b"]"#,
                &[],
                Some(r#"{"namespace":"/","event":"a\"b","args":[],"ack":7}"#),
            ),
            (
                r#"["p",{"_placeholder":true,"num":0}]"#,
                std::slice::from_ref(&one),
                Some(
                    r#"{"namespace":"/","event":"p","args":[{"_placeholder":true,"num":0}],"attachments":["YWJj"],"ack":7}"#,
                ),
            ),
            ("[]", &[], None),
            ("[1]", &[], None),
            (r#"{"a":1}"#, &[], None),
            (r#"["a""#, &[], None),
        ] {
            assert_eq!(event(packet, attachments).as_deref(), message, "{packet}");
        }
    }

    #[test]
    fn what_is_too_much_is_refused_with_a_reason() {
        let deep = |depth: usize| {
            format!(
                r#"["x",{}{}]"#,
                "[".repeat(depth - 1),
                "]".repeat(depth - 1)
            )
        };
        let taken = event(&deep(32), &[]).expect("an event");
        assert!(!taken.contains("refused"), "{taken}");
        assert_eq!(
            event(&deep(33), &[]).as_deref(),
            Some(
                r#"{"namespace":"/","event":"x","refused":"the JSON is nested deeper than 32","ack":7}"#
            )
        );
        let many = vec![Bytes::new(); 11];
        assert_eq!(
            event(r#"["x"]"#, &many).as_deref(),
            Some(
                r#"{"namespace":"/","event":"x","refused":"an event may have at most 10 attachments","ack":7}"#
            )
        );
        assert!(
            event(r#"["x"]"#, &many[..10])
                .expect("an event")
                .contains("attachments")
        );
    }

    #[test]
    fn what_is_said_is_one_of_three_things() {
        let read = |message| Said::read(message).expect("a message");
        assert!(matches!(
            read(r#"{"namespace":"/friend","event":"sfmsg","args":[{"id":1}]}"#),
            Said::Event { namespace, event, args } if namespace == "/friend" && event == "sfmsg" && args.bytes() == 9
        ));
        assert!(matches!(
            read(r#"{"ack":7,"args":[]}"#),
            Said::Ack { ack: 7, .. }
        ));
        assert!(matches!(
            read(r#"{"namespace":"/","disconnect":true}"#),
            Said::Disconnect { namespace } if namespace == "/"
        ));
        for message in [
            "",
            "{}",
            r#"{"namespace":"/"}"#,
            r#"{"event":"x","args":[]}"#,
        ] {
            assert!(Said::read(message).is_err(), "{message}");
        }
    }
}
