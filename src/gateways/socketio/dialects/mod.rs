//! The dialects. Each is a module with a table of its events; what they have in common is [`Dialect`].

pub(super) mod conversations;
pub(super) mod rooms;
pub(super) mod typed;

use crate::broker::command::Command;
use crate::broker::message::Message;
use crate::broker::moment::Moment;
use crate::broker::notice::Notice;
use crate::broker::users::Person;
use crate::broker::users::UserKey;
use crate::gateways::Act;
use crate::gateways::Credentials;
use crate::gateways::socketio::order::Answer;
use crate::gateways::socketio::order::Request;
use crate::gateways::socketio::proof::Proofs;
use crate::gateways::socketio::refusal::Fault;
use crate::gateways::socketio::refusal::Parting;
use crate::gateways::socketio::wire::Event;
use crate::gateways::socketio::wire::Joined;
use crate::gateways::socketio::wire::Namespace;
use crate::gateways::socketio::wire::Re;

/// What a dialect knows of the session when something happens.
pub(super) struct Scene<'a> {
    pub(super) now: Moment,
    /// Whose session it is.
    pub(super) me: &'a Person,
    pub(super) joined: Joined,
    pub(super) proofs: &'a mut Proofs,
    pub(super) acts: &'a mut Vec<Act>,
}

/// What follows an answer.
pub(super) enum Next<T> {
    /// The event is answered.
    Done,
    /// There is more to ask before it is.
    Ask(Request<T>),
    /// The same in a second: the broker says that this user asks too fast.
    AskLater(Request<T>),
}

/// A language in which a client and a logged-in session speak.
pub(super) trait Dialect: Send + 'static {
    /// What must be remembered of an event until its outcome is told.
    type Telling: Send;

    /// What to ask as soon as the session begins.
    fn begin(&self) -> Vec<Command>;

    /// What an event asks for. Refused: it asks for nothing that there is.
    fn request(&mut self, me: &Person, event: &Event) -> Result<Request<Self::Telling>, Fault>;

    /// Tells the outcome of an event.
    fn tell(
        &mut self,
        scene: Scene<'_>,
        re: &Re,
        telling: Self::Telling,
        answers: Vec<Answer>,
    ) -> Result<Next<Self::Telling>, Fault>;

    /// Tells that an event was refused.
    fn refuse(&self, re: &Re, fault: &Fault, acts: &mut Vec<Act>);

    /// Tells a message to this user; none where the client is not connected to the namespace it belongs to.
    fn message(&mut self, scene: &Scene<'_>, message: &Message) -> Option<Act>;

    /// Tells what happened between people, where the dialect has words for it.
    fn notice(&self, scene: Scene<'_>, notice: &Notice);

    /// Tells that, and why, the connection ends.
    fn part(&self, parting: &Parting, acts: &mut Vec<Act>);
}

/// A log-in that a client asked for.
pub(super) struct LogIn {
    pub(super) credentials: Credentials,
    /// Who the client says it is, where it says so beside its credentials: they must be this user's.
    pub(super) claims: Option<UserKey>,
    /// See [`crate::gateways::Admitted::device`].
    pub(super) device: Option<String>,
    pub(super) greeting: Greeting,
}

/// Which dialect a log-in chose, and what its answer needs.
pub(super) enum Greeting {
    Rooms,
    Conversations(conversations::Greeting),
    Typed,
}

/// What an event is before there is a log-in.
pub(super) enum First {
    LogIn(Box<LogIn>),
    /// A log-in that can't be understood, in a dialect where that ends the connection. The client has been told.
    Over,
    /// Refused. The client has been told.
    Refused,
}

/// Reads an event before the log-in. `socket` is the socket's id.
pub(super) fn first(event: &Event, socket: &str, acts: &mut Vec<Act>) -> First {
    let log_in = match (event.namespace, &*event.name) {
        (Namespace::Root, "auth-c") => match rooms::log_in(event) {
            Ok(log_in) => return First::LogIn(Box::new(log_in)),
            Err(_) => {
                acts.push(rooms::verdict(rooms::MALFORMED));
                return First::Over;
            }
        },
        (Namespace::Root, "logIn") => conversations::log_in(event, socket),
        (Namespace::Root, "message") => typed::log_in(event, socket),
        (_, name) => {
            let sentence = format!("log in before {name:?}: auth-c, logIn, or message with type 1");
            Err(Fault::not_logged_in(sentence))
        }
    };
    match log_in {
        Ok(log_in) => First::LogIn(Box::new(log_in)),
        Err(fault) => {
            refuse(event, &fault, acts);
            First::Refused
        }
    }
}

/// Refuses an event of somebody whose dialect is not known: in the one that has such events.
fn refuse(event: &Event, fault: &Fault, acts: &mut Vec<Act>) {
    let re = event.re();
    match &*event.name {
        "message" => typed::refuse_unregistered(fault, acts),
        "logIn" => conversations::refuse(&re, fault, acts),
        name if re.ack.is_some() || name.contains('/') => {
            conversations::refuse(&re, fault, acts);
        }
        _ => rooms::refuse(&re, fault, acts),
    }
}

/// Tells whoever has not logged in why the connection ends.
pub(super) fn part(parting: &Parting, acts: &mut Vec<Act>) {
    rooms::part(parting, acts);
}
