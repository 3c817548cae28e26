//! Plays transitions on the system and on the reference model side by side, and compares all that can be seen.

mod acts;
mod connections;
mod ending;
mod hearing;
mod messages;

use std::collections::BTreeSet;
use std::fmt;

use hongyan::broker::command::Address;
use hongyan::broker::groups::Gid;
use hongyan::broker::users::UserKey;

use crate::client::Client;
use crate::gate::Failure;
use crate::gate::Shut;
use crate::model::Content;
use crate::model::Id;
use crate::model::Letter;
use crate::model::Model;
use crate::model::NOBODY;
use crate::model::To;
use crate::model::User;
use crate::stage::Stage;
use crate::stage::Where;
use crate::stage::person;
use crate::transition::Name;
use crate::transition::Transition;
use crate::transition::Whom;
use crate::wire;

/// A group that never is.
const NO_GROUP: u64 = 1_000_000;

/// How often what happened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub steps: u64,
    pub accepted: u64,
    pub refused: u64,
    pub pushes: u64,
    pub confirmations: u64,
    pub restarts: u64,
    pub commit_failures: u64,
    pub stalls: u64,
    pub cuts: u64,
}

impl Counts {
    pub fn add(&mut self, more: Self) {
        self.steps += more.steps;
        self.accepted += more.accepted;
        self.refused += more.refused;
        self.pushes += more.pushes;
        self.confirmations += more.confirmations;
        self.restarts += more.restarts;
        self.commit_failures += more.commit_failures;
        self.stalls += more.stalls;
        self.cuts += more.cuts;
    }
}

type Outcome = Result<(), String>;

/// What was seen that must not be, or not seen that must.
#[derive(Debug)]
pub struct Complaint {
    /// At which step, if it was not at the end.
    step: Option<String>,
    what: String,
}

impl Complaint {
    /// What is complained of, whoever and whichever it is about: the words without their numbers.
    pub fn kind(&self) -> String {
        let values = |sign: char| matches!(sign, '[' | '{' | '(');
        let words = self.what.split(values).next().unwrap_or_default();
        words.chars().filter(|sign| !sign.is_numeric()).collect()
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.step {
            Some(step) => write!(f, "{step}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

struct Play {
    model: Model,
    stage: Stage,
    clients: Vec<Client>,
    /// All that any client sent, whatever became of it.
    letters: Vec<Letter>,
    names: u32,
    contents: u32,
    receipts: u64,
    /// What is on disk while the gate is shut before the store: all else goes with the process.
    on_disk: Option<Model>,
    /// What was committed and not answered: it is pushed with the next that is.
    unsure: Vec<Id>,
    /// That a reader has seen a message received.
    seen_received: BTreeSet<(User, Id)>,
    counts: Counts,
}

/// Plays all of it.
pub fn play(
    place: Where,
    friends_only: bool,
    transitions: &[Transition],
) -> Result<Counts, Complaint> {
    let mut play = Play {
        model: Model::new(friends_only),
        stage: Stage::new(place, friends_only),
        clients: Vec::new(),
        letters: Vec::new(),
        names: 0,
        contents: 0,
        receipts: 0,
        on_disk: None,
        unsure: Vec::new(),
        seen_received: BTreeSet::new(),
        counts: Counts::default(),
    };
    for (index, transition) in transitions.iter().enumerate() {
        let outcome = play.step(transition).and_then(|()| play.look());
        outcome.map_err(|what| {
            let step = Some(format!("step {index}, {transition:?}"));
            Complaint { step, what }
        })?;
        play.counts.steps += 1;
    }
    play.finish().map_err(|what| Complaint { step: None, what })
}

fn that(holds: bool, what: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(what()) }
}

fn address(to: To) -> Address {
    match to {
        To::User(user) => Address::User(key(user)),
        To::Group(gid) => Address::Group(Gid::new(gid).expect("a gid")),
    }
}

fn key(user: User) -> UserKey {
    UserKey::Uid(person(user).uid)
}

impl Play {
    fn step(&mut self, transition: &Transition) -> Outcome {
        use Transition as T;
        match *transition {
            T::Connect {
                user,
                direct,
                groups,
                init,
                life_s,
            } => self.connect(user, direct, groups, init, life_s),
            T::Turn {
                client,
                groups,
                mode,
            } => {
                if let Some(at) = self.quiet(client) {
                    let mode = match self.clients[at].listens(groups) {
                        true => None,
                        false => Some(mode),
                    };
                    self.turn(at, groups, mode);
                }
            }
            T::Init(client) => {
                if let Some(at) = self.taking(client) {
                    self.stage.say(self.clients[at].line, &wire::init());
                    self.init(at);
                }
            }
            T::Send {
                client,
                to,
                name,
                padding,
                ignored,
            } => self.send(client, to, name, padding, ignored),
            T::Burst {
                client,
                to,
                count,
                padding,
            } => (0..count).for_each(|_| self.send(client, to, Name::Fresh, padding, 0)),
            T::Again { client, letter } => {
                if let Some(letter) = pick(&self.letters, letter).cloned() {
                    self.resend(client, letter);
                }
            }
            T::Conflict { client, letter } => {
                if let Some(mut letter) = pick(&self.letters, letter).cloned() {
                    letter.content = self.content(0);
                    self.resend(client, letter);
                }
            }
            T::Confirm { client, push } => {
                if let Some(at) = self.taking(client)
                    && let Some(push) = pick(&self.clients[at].pushed, push)
                {
                    let name = self.model.message(push.id).letter.name;
                    self.confirm(at, name);
                }
            }
            T::ConfirmAny { client, letter } => {
                if let Some(at) = self.taking(client) {
                    let name = pick(&self.letters, letter).map_or(0, |letter| letter.name);
                    self.confirm(at, name);
                }
            }
            T::Ack { client, push } => {
                if let Some(at) = self.taking(client) {
                    self.ack(at, push);
                }
            }
            T::History {
                client,
                with,
                before,
                len,
            } => self.ask_history(client, with, before, len),
            T::Stall(client) => {
                if let Some(at) = self.quiet(client) {
                    self.counts.stalls += 1;
                    self.take(at, false);
                }
            }
            T::GoOn(client) => {
                if !self.clients.is_empty() {
                    self.take(usize::from(client) % self.clients.len(), true);
                }
            }
            T::Cut(client) => {
                if !self.clients.is_empty() {
                    let at = usize::from(client) % self.clients.len();
                    let gone = self.clients.remove(at);
                    self.stage.cut(gone.line);
                    self.counts.cuts += 1;
                }
            }
            T::Restart { orderly } => return self.restart(orderly),
            T::Pass { ms } => return self.pass(ms),
            T::Back { ms } => self.stage.back(ms),
            T::LogOut(client) => return self.log_out(client),
            T::Fail(failure) => self.stage.gate.fail_next(Some(failure)),
            T::Shut(shut) => {
                if self.stage.gate.is_shut().is_none() {
                    self.stage.gate.shut(shut);
                    self.on_disk = (shut == Shut::Before).then(|| self.model.clone());
                }
            }
            T::Open(first) => {
                self.on_disk = None;
                self.stage.gate.open(first);
            }
            _ if self.stage.gate.is_shut().is_some() => {}
            T::Post { user, to, name } => return self.post_alone(user, to, name),
            T::Receive { user, letter } => {
                let name = pick(&self.letters, letter).map_or(0, |letter| letter.name);
                return self.receive_alone(user, name);
            }
            _ => return self.social(transition),
        }
        Ok(())
    }

    // Who does it.

    /// A client that takes what it is told.
    fn taking(&self, client: u8) -> Option<usize> {
        let mut taking = (0..self.clients.len()).filter(|at| self.clients[*at].takes);
        let count = taking.clone().count();
        taking.nth(usize::from(client).checked_rem(count)?)
    }

    /// The same, with nothing on its way to it.
    fn quiet(&self, client: u8) -> Option<usize> {
        let at = self.taking(client)?;
        (self.stage.gate.is_shut().is_none() && self.clients[at].awaited.is_empty()).then_some(at)
    }

    fn whom(&self, whom: Whom) -> To {
        let groups: Vec<u64> = self.model.groups.keys().copied().collect();
        match whom {
            Whom::User(user) => To::User(user),
            Whom::Nobody => To::User(NOBODY),
            Whom::Group(number) => To::Group(*pick(&groups, number).unwrap_or(&NO_GROUP)),
            Whom::NoGroup => To::Group(NO_GROUP),
        }
    }

    fn content(&mut self, padding: usize) -> Content {
        self.contents += 1;
        let number = self.contents;
        Content { number, padding }
    }

    /// What becomes of a write that is asked for now.
    fn fate(&mut self) -> Option<Failure> {
        let fate = self.stage.gate.will_fail();
        self.counts.commit_failures += u64::from(fate.is_some());
        fate
    }
}

fn is_to_group(model: &Model, id: Id) -> bool {
    matches!(model.message(id).letter.to, To::Group(_))
}

/// The one with this number, counted round.
fn pick<T>(all: &[T], number: u8) -> Option<&T> {
    all.get(usize::from(number).checked_rem(all.len())?)
}
