//! What the transport brings and takes: one JSON text for each message, all namespaces of a connection together.

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::de::Error as _;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::broker::users::UserKey;
use crate::gateways::Act;
use crate::gateways::json;
use crate::gateways::json::UserJson;
use crate::gateways::socketio::refusal::Fault;

/// The namespaces that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Namespace {
    /// `/`: log-in, and all of seeds 001 and 002.
    Root,
    /// Seed 000's direct chat.
    Friend,
    /// Seed 000's group chat.
    Group,
    /// What the system pushes to clients of seed 000.
    Server,
}

impl Namespace {
    const ALL: [Self; 4] = [Self::Root, Self::Friend, Self::Group, Self::Server];

    /// Its name on the wire.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Root => "/",
            Self::Friend => "/friend",
            Self::Group => "/group",
            Self::Server => "/server",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// Which namespaces a client is connected to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Joined([bool; 4]);

impl Joined {
    pub(super) fn has(self, namespace: Namespace) -> bool {
        self.0[namespace as usize]
    }

    pub(super) fn set(&mut self, namespace: Namespace, joined: bool) {
        self.0[namespace as usize] = joined;
    }
}

/// What a message of the transport says.
#[derive(Debug)]
pub(super) enum Heard {
    /// The client is connected to this namespace; the socket's id, where the transport tells it.
    Connected(Namespace, Option<String>),
    /// The client has left this namespace.
    Disconnected(Namespace),
    /// The client emitted this.
    Event(Event),
    /// Of a namespace that there is not: nothing to us.
    Nothing,
}

/// Something that a client emitted.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) namespace: Namespace,
    pub(super) name: String,
    /// The first argument as it was written; `null` where there is none. The protocols here have but one.
    data: Box<RawValue>,
    /// Why it can't be taken, whatever it says.
    refused: Option<String>,
    /// The number of the acknowledgement that the client waits for.
    pub(super) ack: Option<u64>,
}

#[derive(Deserialize)]
struct Line {
    namespace: String,
    event: Option<String>,
    #[serde(default)]
    args: Vec<Box<RawValue>>,
    #[serde(default)]
    attachments: Vec<IgnoredAny>,
    refused: Option<String>,
    ack: Option<u64>,
    #[serde(default)]
    connected: bool,
    #[serde(default)]
    disconnected: bool,
    id: Option<String>,
}

/// No event of the dialects has a place for bytes.
const NO_ATTACHMENTS: &str =
    "binary attachments are not taken; send text, and pictures by POST /api/images";

/// Reads a message of the transport.
pub(super) fn read(bytes: &[u8]) -> Result<Heard, Fault> {
    let line: Line = serde_json::from_slice(bytes)
        .map_err(|error| Fault::bad(format!("the event can't be read: {error}")))?;
    let Some(namespace) = Namespace::parse(&line.namespace) else {
        return Ok(Heard::Nothing);
    };
    Ok(match line.event {
        Some(name) => Heard::Event(Event {
            namespace,
            name,
            data: line.args.into_iter().next().unwrap_or_default(),
            refused: line.refused.or_else(|| {
                let has_attachments = !line.attachments.is_empty();
                has_attachments.then(|| NO_ATTACHMENTS.to_owned())
            }),
            ack: line.ack,
        }),
        None if line.connected => Heard::Connected(namespace, line.id),
        None if line.disconnected => Heard::Disconnected(namespace),
        None => Heard::Nothing,
    })
}

impl Event {
    /// Whether it can be taken at all.
    pub(super) fn check(&self) -> Result<(), Fault> {
        match &self.refused {
            None => Ok(()),
            Some(why) => Err(Fault::bad(format!("{}: {why}", self.name))),
        }
    }

    /// Its data as what the event needs.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        self.check()?;
        json::read(self.data.get().as_bytes())
            .map_err(|why| Fault::bad(format!("{}: {why}", self.name)))
    }

    /// What an answer to it needs.
    pub(super) fn re(&self) -> Re {
        #[derive(Deserialize)]
        struct WithId {
            id: Box<RawValue>,
        }
        let id = json::read::<WithId>(self.data.get().as_bytes()).ok();
        Re {
            name: self.name.clone(),
            ack: self.ack,
            id: id
                .map(|with| with.id)
                .filter(|id| id.get().len() <= ID_BYTES_MAX),
        }
    }
}

/// Bytes of a client's own id of something that are repeated in a refusal.
const ID_BYTES_MAX: usize = 256;

/// What an answer refers to.
#[derive(Debug)]
pub(super) struct Re {
    /// The event.
    pub(super) name: String,
    /// The acknowledgement that the client waits for.
    pub(super) ack: Option<u64>,
    /// The client's own `id` in it.
    pub(super) id: Option<Box<RawValue>>,
}

impl Re {
    /// What can't be read can be called nothing.
    pub(super) fn unread() -> Self {
        Self {
            name: String::new(),
            ack: None,
            id: None,
        }
    }
}

/// Emits an event with these data.
pub(super) fn emit(namespace: Namespace, event: &str, data: &impl Serialize) -> Act {
    #[derive(Serialize)]
    struct Emit<'a, T> {
        namespace: &'static str,
        event: &'a str,
        args: [&'a T; 1],
    }
    say(&Emit {
        namespace: namespace.as_str(),
        event,
        args: [data],
    })
}

/// Acknowledges an event with these data.
pub(super) fn acknowledge(ack: u64, data: &impl Serialize) -> Act {
    #[derive(Serialize)]
    struct Acknowledgement<'a, T> {
        ack: u64,
        args: [&'a T; 1],
    }
    say(&Acknowledgement { ack, args: [data] })
}

/// Disconnects the client from `/`, as a Socket.IO server does: the client knows that it was no accident.
pub(super) fn disconnect() -> Act {
    #[derive(Serialize)]
    struct Disconnect {
        namespace: &'static str,
        disconnect: bool,
    }
    say(&Disconnect {
        namespace: Namespace::Root.as_str(),
        disconnect: true,
    })
}

fn say(line: &impl Serialize) -> Act {
    // Strings, numbers and maps with strings for keys always can be written; the default is for the compiler.
    Act::Say(serde_json::to_string(line).unwrap_or_default())
}

/// A user as a client names one, and as it wrote that.
#[derive(Clone, Debug)]
pub(super) struct NamedJson {
    pub(super) key: UserKey,
    pub(super) wrote: Value,
}

impl<'de> Deserialize<'de> for NamedJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrote = Value::deserialize(deserializer)?;
        let UserJson(key) = UserJson::deserialize(&wrote).map_err(D::Error::custom)?;
        Ok(Self { key, wrote })
    }
}

impl NamedJson {
    /// A uid as a number; a name, whose number is not known here, as it was written.
    pub(super) fn shown(&self) -> Value {
        match &self.key {
            UserKey::Uid(uid) => uid.get().into(),
            UserKey::Name(_) => self.wrote.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(line: &str) -> Event {
        match read(line.as_bytes()) {
            Ok(Heard::Event(event)) => event,
            other => panic!("no event: {other:?}"),
        }
    }

    #[test]
    fn an_event_is_its_name_its_first_argument_and_its_acknowledgement() {
        let event = event(
            r#"{"namespace":"/friend","event":"cfmsg","args":[{"id":1e2,"a":[1]},2],"ack":7}"#,
        );
        assert_eq!(
            (event.namespace, &*event.name),
            (Namespace::Friend, "cfmsg")
        );
        assert_eq!(event.read::<Value>().unwrap()["a"], json!([1]));
        let re = event.re();
        assert_eq!((re.ack, re.id.unwrap().get()), (Some(7), "1e2"));
    }

    #[test]
    fn what_is_deeper_than_allowed_is_refused_and_its_acknowledgement_is_known() {
        let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
        let event = event(&format!(
            r#"{{"namespace":"/","event":"logIn","args":[{deep}],"ack":0}}"#
        ));
        assert_eq!(event.ack, Some(0));
        assert!(event.read::<Value>().is_err());
    }

    #[test]
    fn an_event_without_arguments_has_null() {
        let event = event(r#"{"namespace":"/","event":"ctime","args":[]}"#);
        assert_eq!(event.read::<Value>().unwrap(), Value::Null);
        assert!(event.re().id.is_none());
    }

    #[test]
    fn a_named_user_is_shown_by_number_where_that_is_known() {
        let user = |json: &str| serde_json::from_str::<NamedJson>(json).ok();
        assert_eq!(user("7").unwrap().shown(), json!(7));
        assert_eq!(user("\"7\"").unwrap().shown(), json!(7));
        assert_eq!(user("\"7\"").unwrap().wrote, json!("7"));
        assert_eq!(user("\"wu\"").unwrap().shown(), json!("wu"));
        for bad in ["0", "-1", "1.5", "null", "\"\"", "\"a/b\"", "[]", "{}"] {
            assert!(user(bad).is_none(), "{bad}");
        }
    }
}
