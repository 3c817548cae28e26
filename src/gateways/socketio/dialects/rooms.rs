//! Seed 000: the namespaces `/`, `/friend`, `/group` and `/server`. One log-in on `/` covers all four.
//!
//! | client | command of the broker | answer |
//! | --- | --- | --- |
//! | `/` `auth-c` | log-in | `auth-s` |
//! | `/` `caoff` | `Inbox`, page by page | `saoff` |
//! | `/` `chistory` | `History` | `shistory` |
//! | `/` `ctime` | none | `stime` |
//! | `/friend` `cfmsg` | `Send` | `sfmsg` |
//! | `/group` `cgmsg` | `Send` | `sgmsg` |
//!
//! | event of the broker | server |
//! | --- | --- |
//! | `Message` to the user | `/friend` `sfmsg`; from the system `/server` `news` |
//! | `Message` to a group | `/group` `sgmsg` |
//! | `Noticed`: presence | `/friend` `sfonline`, `sfoffline` |
//! | `Noticed`: a friend request, the end of a friendship | `/friend` `addfriend`, `deletefriend` |
//! | `Noticed`: who came to a group, who left | `/group` `joingroup`, `exitgroup` |
//! | a refusal, the end | `/` `news` |

mod inbound;
mod notices;
mod outbound;

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::broker::command::Command;
use crate::broker::command::Ears;
use crate::broker::command::Reply;
use crate::broker::message::Message;
use crate::broker::message::MessageId;
use crate::broker::notice::Notice;
use crate::broker::refusal::Refusal;
use crate::broker::users::Person;
use crate::gateways::Act;
use crate::gateways::Credentials;
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
use crate::gateways::socketio::wire::Namespace;
use crate::gateways::socketio::wire::Re;
use crate::gateways::socketio::wire::emit;

/// `auth-s` codes.
pub(in crate::gateways::socketio) const WELCOME: i8 = 1;
pub(in crate::gateways::socketio) const INVALID: i8 = 0;
pub(in crate::gateways::socketio) const MALFORMED: i8 = -1;

/// Reads `auth-c`.
pub(in crate::gateways::socketio) fn log_in(event: &Event) -> Result<LogIn, Fault> {
    #[derive(Deserialize)]
    #[serde(expecting = "{sessionid}")]
    struct AuthC {
        sessionid: String,
    }
    let AuthC { sessionid } = event.read()?;
    if sessionid.is_empty() {
        return Err(Fault::bad("the sessionid is empty"));
    }
    Ok(LogIn {
        credentials: Credentials::Token(sessionid),
        claims: None,
        device: None,
        greeting: Greeting::Rooms,
    })
}

/// `auth-s`.
pub(in crate::gateways::socketio) fn verdict(code: i8) -> Act {
    #[derive(Serialize)]
    struct AuthS {
        code: i8,
    }
    emit(Namespace::Root, "auth-s", &AuthS { code })
}

/// `news` of a refusal; `code` and `id` are beyond the seed.
pub(in crate::gateways::socketio) fn refuse(re: &Re, fault: &Fault, acts: &mut Vec<Act>) {
    #[derive(Serialize)]
    struct News<'a> {
        info: &'static str,
        msg: &'a str,
        code: u16,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a RawValue>,
    }
    let news = News {
        info: "error",
        msg: &fault.sentence,
        code: fault.code,
        id: re.id.as_deref(),
    };
    acts.push(emit(Namespace::Root, "news", &news));
}

/// `news` of the end.
pub(in crate::gateways::socketio) fn part(parting: &Parting, acts: &mut Vec<Act>) {
    if let Some(fault) = &parting.fault {
        refuse(&Re::unread(), fault, acts);
    }
}

/// How the outcome of an event is told.
pub(in crate::gateways::socketio) enum Telling {
    /// `sfmsg` or `sgmsg` to the sender.
    Receipt(outbound::Receipt),
    /// `saoff`.
    Offline {
        /// The page comes after this.
        after: MessageId,
        /// Whether it is the first page: there is an answer even if nothing waits.
        first: bool,
    },
    /// `shistory`.
    History(outbound::Asked),
    /// `stime`.
    Time,
}

/// The dialect of seed 000.
#[derive(Default)]
pub(in crate::gateways::socketio) struct Rooms {
    /// Messages that `saoff` has told and that may still come once more, because they were on their way.
    told: BTreeSet<MessageId>,
}

/// Messages of which that is remembered; of more, the oldest may be told twice.
const TOLD_MAX: usize = 1_024;

impl Rooms {
    /// Whether `saoff` has told this message, which now has come as well.
    fn was_told(&mut self, message: &Message) -> bool {
        // Messages come by rising id: what is before this one comes no more.
        self.told = self.told.split_off(&message.id);
        self.told.remove(&message.id)
    }

    fn note_told(&mut self, id: MessageId) {
        self.told.insert(id);
        if self.told.len() > TOLD_MAX {
            self.told.pop_first();
        }
    }

    /// `saoff` for a page of what waits.
    fn offline(
        &mut self,
        scene: Scene<'_>,
        first: bool,
        messages: Vec<std::sync::Arc<Message>>,
        more: bool,
    ) -> Next<Telling> {
        let last = messages.last().map(|message| message.id);
        let mut logs = outbound::Logs::new(scene.me.uid);
        for message in messages {
            if scene.proofs.has(&message) {
                // Said live a moment ago, and not proved yet.
                continue;
            }
            if outbound::namespace(&message) == Namespace::Server {
                // No friend's and no group's: it goes where it would have gone.
                if !scene.joined.has(Namespace::Server) {
                    continue;
                }
                scene.acts.push(outbound::pushed(&message));
            } else if let Some(full) = logs.add(&message) {
                scene.acts.push(full);
            }
            scene.proofs.said_alone(&message);
            self.note_told(message.id);
        }
        if first || !logs.is_empty() {
            scene.acts.push(logs.take());
        }
        match last.filter(|_| more) {
            Some(after) => Next::Ask(inbound::offline(after, false)),
            None => Next::Done,
        }
    }
}

impl Dialect for Rooms {
    type Telling = Telling;

    fn begin(&self) -> Vec<Command> {
        // What waited is for `caoff` to ask.
        vec![Command::Listen(Ears::ALL)]
    }

    fn request(&mut self, me: &Person, event: &Event) -> Result<Request<Telling>, Fault> {
        match (event.namespace, &*event.name) {
            (Namespace::Root, "caoff") => Ok(inbound::offline(MessageId(0), true)),
            (Namespace::Root, "chistory") => inbound::history(event),
            (Namespace::Root, "ctime") => Ok(Request {
                telling: Telling::Time,
                commands: Vec::new(),
            }),
            (Namespace::Friend, "cfmsg") => inbound::to_friend(me, event),
            (Namespace::Group, "cgmsg") => inbound::to_group(me, event),
            (Namespace::Root, "auth-c") => Err(Fault::new(409, "you are logged in already")),
            (_, name) => Err(Fault::unknown(name, TAUGHT)),
        }
    }

    fn tell(
        &mut self,
        scene: Scene<'_>,
        _re: &Re,
        telling: Telling,
        answers: Vec<Answer>,
    ) -> Result<Next<Telling>, Fault> {
        let answer = answers.into_iter().next();
        if let (&Telling::Offline { after, first }, Some(Err(Refusal::TooFast { .. }))) =
            (&telling, &answer)
        {
            // All of what waits was asked for at once, and it is many pages.
            return Ok(Next::AskLater(inbound::offline(after, first)));
        }
        let reply = answer.transpose().map_err(fault)?;
        match (telling, reply) {
            (Telling::Receipt(receipt), Some(Reply::Sent { time_ms, .. })) => {
                scene.acts.push(receipt.say(scene.me.uid, time_ms));
            }
            (Telling::Offline { first, .. }, Some(Reply::Inbox { messages, more })) => {
                return Ok(self.offline(scene, first, messages, more));
            }
            (Telling::History(asked), Some(Reply::History { messages, .. })) => {
                let told = outbound::history(scene.me.uid, scene.now, asked, &messages);
                scene.acts.push(told);
            }
            (Telling::Time, _) => scene.acts.push(outbound::time(scene.now)),
            // The broker answers what it was asked.
            _ => {}
        }
        Ok(Next::Done)
    }

    fn refuse(&self, re: &Re, fault: &Fault, acts: &mut Vec<Act>) {
        refuse(re, fault, acts);
    }

    fn message(&mut self, scene: &Scene<'_>, message: &Message) -> Option<Act> {
        let namespace = outbound::namespace(message);
        if !scene.joined.has(namespace) || self.was_told(message) {
            return None;
        }
        Some(if namespace == Namespace::Server {
            outbound::pushed(message)
        } else {
            outbound::message(message)
        })
    }

    fn notice(&self, scene: Scene<'_>, notice: &Notice) {
        notices::notice(scene.me, scene.joined, notice, scene.acts);
    }

    fn part(&self, parting: &Parting, acts: &mut Vec<Act>) {
        part(parting, acts);
    }
}

/// A refusal, where clients have ids of their own and know of no msgID.
fn fault(refusal: Refusal) -> Fault {
    match refusal {
        Refusal::MsgIdTaken(_) => Fault::new(
            refusal.code(),
            "you already sent another message to this receiver with this id and sendDate; give a new message a new id",
        ),
        Refusal::Busy | Refusal::NotStored => Fault::new(
            refusal.code(),
            "not stored; send it again with the same id and sendDate",
        ),
        refusal => Fault::from(refusal),
    }
}

const TAUGHT: &str = "/ has auth-c, caoff, chistory and ctime, /friend has cfmsg, /group has cgmsg";
