//! Seed 002: the event `message` in both directions, `{type, data}` with numbered types. A client may send it as JSON in a
//! string or as an object; it is told strings, as the seed's own server does (`this.send(JSON.stringify(data))`).
//!
//! | client | command of the broker | server |
//! | --- | --- | --- |
//! | `C2S_REGISTER_REQ` (1) | log-in | `S2C_REGISTER_RES` (2) `{code}` |
//!
//! | event of the broker | server |
//! | --- | --- |
//! | `Message` to the user | 3; from the system 5, or the number it was pushed with |
//! | `Message` to a group | 15 |
//! | `Noticed`: a friend request | 10 |
//! | `Noticed`: who came to a group, who left | 16, 17 |
//! | `Ended` by another device | 12 |
//! | a refusal, another end | 5 `{code, error}`; before the log-in 2 |

mod outbound;

use serde::Deserialize;
use serde_json::Value;

use crate::broker::command::Command;
use crate::broker::command::Ears;
use crate::broker::message::Message;
use crate::broker::notice::Notice;
use crate::broker::users::Person;
use crate::gateways::Act;
use crate::gateways::Credentials;
use crate::gateways::json;
use crate::gateways::socketio::dialects::Dialect;
use crate::gateways::socketio::dialects::Greeting;
use crate::gateways::socketio::dialects::LogIn;
use crate::gateways::socketio::dialects::Next;
use crate::gateways::socketio::dialects::Scene;
use crate::gateways::socketio::order::Answer;
use crate::gateways::socketio::order::Request;
use crate::gateways::socketio::refusal::Fault;
use crate::gateways::socketio::refusal::Parting;
use crate::gateways::socketio::wire::Event;
use crate::gateways::socketio::wire::NamedJson;
use crate::gateways::socketio::wire::Namespace;
use crate::gateways::socketio::wire::Re;

/// The types that have a meaning of their own here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Type {
    RegisterReq = 1,
    RegisterRes = 2,
    AloneChat = 3,
    System = 5,
    FriendApply = 10,
    DifferentConnection = 12,
    TeamChat = 15,
    TeamMemberEnter = 16,
    TeamMemberLeave = 17,
}

/// The code of a registration that was good: CONTRACT section 4's.
const REGISTERED: u16 = 200;

/// What a client sends.
#[derive(Deserialize)]
#[serde(expecting = "{type, data}")]
struct Sentence {
    r#type: Value,
    #[serde(default)]
    data: Value,
}

impl Sentence {
    /// Reads `message`: JSON in a string, or an object.
    fn read(event: &Event) -> Result<Self, Fault> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Text(String),
            Object(Value),
        }
        match event.read()? {
            Form::Text(text) => json::read(text.as_bytes()),
            Form::Object(value) => Self::deserialize(value).map_err(|why| why.to_string()),
        }
        .map_err(|why| {
            Fault::bad(format!(
                "message: {why}; send {{type, data}} or JSON of it in a string"
            ))
        })
    }

    /// Whether this is `C2S_REGISTER_REQ`, by number or by name.
    fn is_registration(&self) -> bool {
        let number = Type::RegisterReq as u64;
        self.r#type.as_u64() == Some(number)
            || self
                .r#type
                .as_str()
                .is_some_and(|word| word == "1" || word == "C2S_REGISTER_REQ")
    }
}

/// The data of `C2S_REGISTER_REQ`.
struct Registration {
    uid: NamedJson,
    device: Option<String>,
    token: Option<String>,
}

/// Characters of a device's id.
const DEVICE_BYTES_MAX: usize = 256;

impl Registration {
    fn read(data: Value) -> Result<Self, Fault> {
        #[derive(Deserialize)]
        #[serde(expecting = "{type: 'user', uid, deviceid, token}")]
        struct Data {
            r#type: String,
            uid: NamedJson,
            deviceid: Option<Value>,
            token: Option<String>,
        }
        let data = Data::deserialize(data).map_err(|why| Fault::bad(format!("data: {why}")))?;
        if data.r#type != "user" {
            return Err(Fault::bad("data: the type of a registration is 'user'"));
        }
        let device = match data.deviceid {
            None | Some(Value::Null) => None,
            Some(Value::String(id)) if id.len() <= DEVICE_BYTES_MAX => Some(id),
            Some(Value::Number(id)) => Some(id.to_string()),
            Some(_) => {
                let sentence =
                    format!("data: deviceid is a text of at most {DEVICE_BYTES_MAX} bytes");
                return Err(Fault::bad(sentence));
            }
        };
        Ok(Self {
            uid: data.uid,
            device,
            token: data.token,
        })
    }
}

/// Reads `C2S_REGISTER_REQ`. `socket` is the socket's id: a device that does not say which it is is none that was here before.
pub(in crate::gateways::socketio) fn log_in(event: &Event, socket: &str) -> Result<LogIn, Fault> {
    let typed = Sentence::read(event)?;
    if !typed.is_registration() {
        return Err(Fault::not_logged_in("register first: type 1"));
    }
    let Registration { uid, device, token } = Registration::read(typed.data)?;
    Ok(LogIn {
        credentials: match token {
            Some(token) => Credentials::Token(token),
            None => Credentials::Trusted(uid.key.clone()),
        },
        claims: Some(uid.key),
        device: Some(device.unwrap_or_else(|| socket.to_owned())),
        greeting: Greeting::Typed,
    })
}

/// `S2C_REGISTER_RES` of a registration that was good.
pub(in crate::gateways::socketio) fn registered() -> Act {
    outbound::code(Type::RegisterRes, REGISTERED, None)
}

/// Refuses something of a client that is not registered.
pub(in crate::gateways::socketio) fn refuse_unregistered(fault: &Fault, acts: &mut Vec<Act>) {
    acts.push(outbound::code(
        Type::RegisterRes,
        fault.code,
        Some(&fault.sentence),
    ));
}

/// How the outcome of an event is told: the only one is that one is registered.
pub(in crate::gateways::socketio) struct Registered;

/// The dialect of seed 002.
pub(in crate::gateways::socketio) struct Typed;

impl Dialect for Typed {
    type Telling = Registered;

    fn begin(&self) -> Vec<Command> {
        vec![Command::Listen(Ears::ALL), Command::Init]
    }

    fn request(&mut self, me: &Person, event: &Event) -> Result<Request<Registered>, Fault> {
        if (event.namespace, &*event.name) != (Namespace::Root, "message") {
            return Err(Fault::unknown(&event.name, "/ has message, {type, data}"));
        }
        let typed = Sentence::read(event)?;
        if !typed.is_registration() {
            return Err(Fault::bad(
                "type: clients send 1, to register; messages are sent by POST /api/messages",
            ));
        }
        // Once more on the same connection changes nothing, as in the seed.
        let registration = Registration::read(typed.data)?;
        if !registration.uid.key.means(me) {
            return Err(Fault::new(
                409,
                "another user is registered on this connection; open one more",
            ));
        }
        Ok(Request {
            telling: Registered,
            commands: Vec::new(),
        })
    }

    fn tell(
        &mut self,
        scene: Scene<'_>,
        _re: &Re,
        Registered: Registered,
        _answers: Vec<Answer>,
    ) -> Result<Next<Registered>, Fault> {
        scene.acts.push(registered());
        Ok(Next::Done)
    }

    fn refuse(&self, _re: &Re, fault: &Fault, acts: &mut Vec<Act>) {
        acts.push(outbound::code(
            Type::System,
            fault.code,
            Some(&fault.sentence),
        ));
    }

    fn message(&mut self, _scene: &Scene<'_>, message: &Message) -> Option<Act> {
        Some(outbound::message(message))
    }

    fn notice(&self, scene: Scene<'_>, notice: &Notice) {
        scene.acts.extend(outbound::notice(scene.me, notice));
    }

    fn part(&self, parting: &Parting, acts: &mut Vec<Act>) {
        if parting.other_device {
            acts.push(outbound::displaced());
        }
        if let Some(Fault { code, sentence }) = &parting.fault {
            acts.push(outbound::code(Type::System, *code, Some(sentence)));
        }
    }
}
