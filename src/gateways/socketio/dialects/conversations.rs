//! Seed 001: the namespace `/`, where events are answered by acknowledgements `{statusCode, body}`.
//!
//! | client | command of the broker | acknowledgement |
//! | --- | --- | --- |
//! | `logIn` | log-in | `{userId, socketId, sessionToken}` |
//! | `message/direct` | a `Send` for each target | 201 `{id, sent}` |
//! | `message/conversation` | `Send` | 201 `{id, sent: {online, offline}}` |
//! | `conversation/add` | `Social`: `MakeGroup` | 201 `{id, …}` |
//! | `conversation/join` | `Social`: `AddMembers` | 201 `{id, …}` |
//! | `conversation/leave` | `Social`: `RemoveMember` | 201 `{id}` |
//!
//! | event of the broker | server |
//! | --- | --- |
//! | the connection | `connected` |
//! | `Message` to the user | `message/direct` |
//! | `Message` to a group | `message/conversation` |
//! | a refusal that no acknowledgement tells, the end | `refused` |

mod inbound;
mod outbound;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use crate::broker::command::Command;
use crate::broker::command::Ears;
use crate::broker::message::Message;
use crate::broker::message::MsgId;
use crate::broker::notice::Notice;
use crate::broker::users::Person;
use crate::broker::users::UserKey;
use crate::gateways::Act;
use crate::gateways::Credentials;
use crate::gateways::json::wire_uid;
use crate::gateways::socketio::dialects;
use crate::gateways::socketio::dialects::Dialect;
use crate::gateways::socketio::dialects::LogIn;
use crate::gateways::socketio::dialects::Next;
use crate::gateways::socketio::dialects::Scene;
use crate::gateways::socketio::order::Answer;
use crate::gateways::socketio::order::Request;
use crate::gateways::socketio::refusal::Fault;
use crate::gateways::socketio::refusal::Parting;
use crate::gateways::socketio::session::Door;
use crate::gateways::socketio::wire::Event;
use crate::gateways::socketio::wire::NamedJson;
use crate::gateways::socketio::wire::Namespace;
use crate::gateways::socketio::wire::Re;
use crate::gateways::socketio::wire::acknowledge;
use crate::gateways::socketio::wire::emit;

/// `connected`.
pub(in crate::gateways::socketio) fn connected(socket: &str) -> Act {
    #[derive(Serialize)]
    struct Connected<'a> {
        #[serde(rename = "socketId")]
        socket_id: &'a str,
    }
    let socket_id = socket;
    emit(Namespace::Root, "connected", &Connected { socket_id })
}

/// How a session writes users: as it wrote its own in `logIn`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Naming {
    /// By name.
    Names,
    /// By uid.
    Numbers,
}

impl Naming {
    /// A user in this writing. The system has no name and is 0 in both.
    fn write(self, person: &Person) -> Value {
        match self {
            Self::Names if !person.is_system() => (&*person.name).into(),
            Self::Names | Self::Numbers => wire_uid(person.uid).into(),
        }
    }
}

/// What the answer to `logIn` needs.
pub(in crate::gateways::socketio) struct Greeting {
    re: Re,
    user_id: Value,
    socket_id: String,
    naming: Naming,
}

impl Greeting {
    /// Tells that the log-in was refused.
    pub(in crate::gateways::socketio) fn refuse(&self, fault: &Fault, acts: &mut Vec<Act>) {
        refuse(&self.re, fault, acts);
    }
}

/// Reads `logIn`. `socket` is the socket's id, for who does not repeat it.
pub(in crate::gateways::socketio) fn log_in(event: &Event, socket: &str) -> Result<LogIn, Fault> {
    #[derive(Deserialize)]
    #[serde(
        rename_all = "camelCase",
        expecting = "{userId, socketId, token or password}"
    )]
    struct LogInJson {
        user_id: NamedJson,
        socket_id: Option<String>,
        token: Option<String>,
        password: Option<String>,
    }
    let LogInJson {
        user_id,
        socket_id,
        token,
        password,
    } = event.read()?;
    let naming = match user_id.key {
        UserKey::Name(_) => Naming::Names,
        UserKey::Uid(_) => Naming::Numbers,
    };
    let credentials = match (token, password) {
        (Some(token), _) => Credentials::Token(token),
        (None, Some(password)) => Credentials::Password {
            name: match &user_id.key {
                UserKey::Name(name) => name.clone(),
                UserKey::Uid(uid) => uid.to_string(),
            },
            password,
        },
        (None, None) => Credentials::Trusted(user_id.key.clone()),
    };
    Ok(LogIn {
        credentials,
        claims: Some(user_id.key),
        device: None,
        greeting: dialects::Greeting::Conversations(Greeting {
            re: event.re(),
            user_id: user_id.wrote,
            socket_id: socket_id.unwrap_or_else(|| socket.to_owned()),
            naming,
        }),
    })
}

/// An answer of this dialect.
#[derive(Serialize)]
struct Status<T> {
    #[serde(rename = "statusCode")]
    status_code: u16,
    body: T,
}

/// Tells that an event was refused: by its acknowledgement, or where the client waits for none by `refused`, which is beyond
/// the seed.
pub(in crate::gateways::socketio) fn refuse(re: &Re, fault: &Fault, acts: &mut Vec<Act>) {
    #[derive(Serialize)]
    struct Why<'a> {
        error: &'a str,
    }
    #[derive(Serialize)]
    struct Refused<'a, T> {
        event: &'a str,
        #[serde(flatten)]
        status: T,
    }
    let status = Status {
        status_code: fault.code,
        body: Why {
            error: &fault.sentence,
        },
    };
    acts.push(match re.ack {
        Some(ack) => acknowledge(ack, &status),
        None => {
            let event = &re.name;
            emit(Namespace::Root, "refused", &Refused { event, status })
        }
    });
}

/// Acknowledges that something is done, where the client waits for it.
fn done(re: &Re, body: &impl Serialize, acts: &mut Vec<Act>) {
    let status_code = 201;
    acts.extend(
        re.ack
            .map(|ack| acknowledge(ack, &Status { status_code, body })),
    );
}

/// How the outcome of an event is told.
pub(in crate::gateways::socketio) enum Telling {
    /// Of `message/direct`.
    Direct {
        msg_id: MsgId,
        /// The targets as the client named them, in the order of the commands.
        targets: Vec<Value>,
    },
    /// Of `message/conversation`.
    Conversation(MsgId),
    /// Of what is done to a conversation.
    Group,
}

/// The dialect of seed 001.
pub(in crate::gateways::socketio) struct Conversations {
    naming: Naming,
    door: Door,
    /// What the client must show with every event.
    session_token: String,
    /// Messages sent so far.
    sent: u64,
}

impl Conversations {
    /// Answers a log-in that was good.
    pub(in crate::gateways::socketio) fn greet(
        greeting: Greeting,
        door: Door,
        acts: &mut Vec<Act>,
    ) -> Self {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Welcome<'a> {
            user_id: &'a Value,
            socket_id: &'a str,
            session_token: &'a str,
        }
        let mut session_token = MsgId(door.random("session token")).to_string();
        session_token.truncate(32);
        let welcome = Welcome {
            user_id: &greeting.user_id,
            socket_id: &greeting.socket_id,
            session_token: &session_token,
        };
        acts.extend(greeting.re.ack.map(|ack| acknowledge(ack, &welcome)));
        Self {
            naming: greeting.naming,
            door,
            session_token,
            sent: 0,
        }
    }

    /// A msgID that nothing else has.
    fn new_msg_id(&mut self) -> MsgId {
        self.sent += 1;
        MsgId(self.door.random(&format!("message {}", self.sent)))
    }

    /// Whether the event shows the session token of this connection.
    fn check(&self, event: &Event) -> Result<(), Fault> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase", expecting = "{sessionToken, …}")]
        struct WithToken {
            session_token: Option<String>,
        }
        let shown = event.read::<WithToken>()?.session_token;
        if shown.as_deref() == Some(&*self.session_token) {
            return Ok(());
        }
        Err(Fault::not_logged_in(
            "the sessionToken is missing or another connection's; give the one that logIn was answered with here",
        ))
    }
}

impl Dialect for Conversations {
    type Telling = Telling;

    fn begin(&self) -> Vec<Command> {
        vec![Command::Listen(Ears::ALL), Command::Init]
    }

    fn request(&mut self, me: &Person, event: &Event) -> Result<Request<Telling>, Fault> {
        let name = match (event.namespace, &*event.name) {
            (Namespace::Root, "logIn") => return Err(Fault::new(409, "you are logged in already")),
            (Namespace::Root, name) if inbound::EVENTS.contains(&name) => name,
            (_, name) => return Err(Fault::unknown(name, TAUGHT)),
        };
        self.check(event)?;
        match name {
            "message/direct" => inbound::direct(event, self.new_msg_id()),
            "message/conversation" => inbound::conversation(event, self.new_msg_id()),
            "conversation/add" => inbound::add(event),
            "conversation/join" => inbound::join(me, event),
            _ => inbound::leave(me, event),
        }
    }

    fn tell(
        &mut self,
        scene: Scene<'_>,
        re: &Re,
        telling: Telling,
        answers: Vec<Answer>,
    ) -> Result<Next<Telling>, Fault> {
        match telling {
            Telling::Direct { msg_id, targets } => {
                let sent = outbound::Sent::sort(msg_id, targets, answers)?;
                done(re, &sent, scene.acts);
            }
            Telling::Conversation(msg_id) => {
                let reply = answers.into_iter().next().transpose()?;
                let reached = outbound::Reached::new(self.naming, msg_id, reply);
                done(re, &reached, scene.acts);
            }
            Telling::Group => {
                let reply = answers.into_iter().next().transpose()?;
                done(re, &outbound::group(self.naming, reply), scene.acts);
            }
        }
        Ok(Next::Done)
    }

    fn refuse(&self, re: &Re, fault: &Fault, acts: &mut Vec<Act>) {
        refuse(re, fault, acts);
    }

    fn message(&mut self, scene: &Scene<'_>, message: &Message) -> Option<Act> {
        Some(outbound::message(self.naming, scene.me, message))
    }

    /// The seed has no words for what happens between people.
    fn notice(&self, _scene: Scene<'_>, _notice: &Notice) {}

    fn part(&self, parting: &Parting, acts: &mut Vec<Act>) {
        if let Some(fault) = &parting.fault {
            refuse(&Re::unread(), fault, acts);
        }
    }
}

const TAUGHT: &str = "/ has logIn, message/direct, message/conversation, conversation/add, conversation/join and \
     conversation/leave";
