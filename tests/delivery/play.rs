//! Plays transitions on the system and on the reference model side by side, and compares all that can be seen.

use std::collections::BTreeSet;

use hongyan::broker::command::Address;
use hongyan::broker::command::Command;
use hongyan::broker::command::Reply;
use hongyan::broker::delivery::Delivery;
use hongyan::broker::friends::RequestId;
use hongyan::broker::groups::Gid;
use hongyan::broker::groups::NewGroup;
use hongyan::broker::message::MessageId;
use hongyan::broker::ports::Before;
use hongyan::broker::ports::Store;
use hongyan::broker::ports::outcome;
use hongyan::broker::refusal::Refusal;
use hongyan::broker::social::Changed;
use hongyan::broker::social::Social;
use hongyan::broker::users::UserKey;

use crate::client::Awaited;
use crate::client::Client;
use crate::client::Pushed;
use crate::gate::Failure;
use crate::gate::Shut;
use crate::model::Asked;
use crate::model::Code;
use crate::model::Content;
use crate::model::Id;
use crate::model::Kept;
use crate::model::Letter;
use crate::model::Model;
use crate::model::NOBODY;
use crate::model::To;
use crate::model::USERS;
use crate::model::User;
use crate::stage::Stage;
use crate::stage::Where;
use crate::stage::person;
use crate::transition::Mode;
use crate::transition::Name;
use crate::transition::Transition;
use crate::transition::Whom;
use crate::wire;
use crate::wire::Heard;
use crate::wire::Seen;

/// Clients at once, at most.
const CLIENTS_MAX: usize = 8;

/// The bytes that an answer with history holds at most.
const HISTORY_BYTES_MAX: usize = 256 * 1024;

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

/// Plays all of it. The error says what was seen that must not be, or not seen that must.
pub fn play(
    place: Where,
    friends_only: bool,
    transitions: &[Transition],
) -> Result<Counts, String> {
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
        outcome.map_err(|why| format!("step {index}, {transition:?}: {why}"))?;
        play.counts.steps += 1;
    }
    play.finish()
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

    // Connections.

    fn connect(
        &mut self,
        user: User,
        direct: Option<Mode>,
        groups: Option<Mode>,
        init: bool,
        life_s: Option<u32>,
    ) {
        if self.stage.gate.is_shut().is_some() || self.clients.len() >= CLIENTS_MAX {
            return;
        }
        let line = self.stage.connect(user, life_s);
        let mut client = Client::new(line, user);
        client.awaited.push_back(Awaited::Connected);
        client.ends_ms = life_s.map(|life_s| {
            let now = self.stage.now;
            let ends_ms = (now.epoch_ms / 1_000 + u64::from(life_s)) * 1_000;
            now.steady_ms + (ends_ms - now.epoch_ms)
        });
        self.clients.push(client);
        let at = self.clients.len() - 1;
        self.stage.say(line, &wire::connect(user));
        for (groups, mode) in [(false, direct), (true, groups)] {
            if mode.is_some() {
                self.turn(at, groups, mode);
            }
        }
        if init {
            self.stage.say(line, &wire::init());
            self.init(at);
        }
    }

    /// Subscribes, or ends the subscription.
    fn turn(&mut self, at: usize, groups: bool, mode: Option<Mode>) {
        let client = &mut self.clients[at];
        let was_deaf = client.is_deaf();
        let wire = match mode {
            Some(mode) => wire::subscribe(client.user, groups, mode),
            None => wire::unsubscribe(groups),
        };
        *client.mode(groups) = mode;
        client.pushed.retain(|push| push.groups != groups);
        if client.is_deaf() {
            client.init_asked = false;
        }
        let begins = was_deaf && !client.is_deaf() && client.init_asked;
        self.stage.say(client.line, &wire);
        if begins {
            self.init(at);
        }
    }

    /// All that waits is to be pushed, oldest first.
    fn init(&mut self, at: usize) {
        let client = &mut self.clients[at];
        if client.is_deaf() {
            client.init_asked = true;
            return;
        }
        client.owed.start_over();
        client.pushed.clear();
        for id in self.model.inbox(client.user) {
            if client.listens(is_to_group(&self.model, id)) {
                client.owed.push(id, true);
            }
        }
    }

    fn take(&mut self, at: usize, takes: bool) {
        self.clients[at].takes = takes;
        self.stage.let_take(self.clients[at].line, takes);
    }

    fn restart(&mut self, orderly: bool) -> Outcome {
        self.counts.restarts += 1;
        if orderly {
            self.open_all()?;
            self.stage.broker.stop();
            while !self.clients.is_empty() {
                self.part(0, "broker-stopping")?;
            }
        }
        self.clients.clear();
        if let Some(on_disk) = self.on_disk.take() {
            self.model = on_disk;
        }
        self.unsure.clear();
        self.stage.restart();
        Ok(())
    }

    /// Nothing stands in the way of anything any more.
    fn open_all(&mut self) -> Outcome {
        self.on_disk = None;
        self.stage.gate.open(None);
        for at in 0..self.clients.len() {
            self.take(at, true);
        }
        self.look()
    }

    /// The session of a client must have ended, with this word.
    fn part(&mut self, at: usize, word: &str) -> Outcome {
        self.stage.settle();
        let mut client = self.clients.remove(at);
        let mut heard = self.stage.heard(client.line);
        let end = (heard.pop_back(), heard.pop_back());
        let expected = (Some(Heard::Closed), Some(Heard::Error(word.to_owned())));
        that(end == expected, || format!("{end:?} and not {word}"))?;
        for heard in heard {
            self.hear(&mut client, heard)?;
        }
        self.stage.cut(client.line);
        Ok(())
    }

    fn log_out(&mut self, client: u8) -> Outcome {
        if self.clients.is_empty() {
            return Ok(());
        }
        let at = usize::from(client) % self.clients.len();
        self.take(at, true);
        self.look()?;
        let Client { user, line, .. } = self.clients[at];
        self.stage.log_out(user, line);
        self.part(at, "access-refused")
    }

    fn pass(&mut self, ms: u64) -> Outcome {
        self.stage.pass(ms);
        let now_ms = self.stage.now.steady_ms;
        let ends = |client: &Client| client.ends_ms.is_some_and(|ends_ms| ends_ms <= now_ms);
        while let Some(at) = self.clients.iter().position(ends) {
            self.part(at, "access-refused")?;
        }
        Ok(())
    }

    // Messages.

    fn send(&mut self, client: u8, to: Whom, name: Name, padding: usize, ignored: u8) {
        let Some(client) = pick(&self.clients, client) else {
            return;
        };
        let sender = client.user;
        let at = self.clients.iter().position(|c| c.line == client.line);
        let letter = self.write(sender, to, name, padding, ignored);
        self.send_letter(at.expect("it was picked"), &letter);
    }

    fn write(&mut self, sender: User, to: Whom, name: Name, padding: usize, ignored: u8) -> Letter {
        let name = match name {
            Name::Used(letter) => pick(&self.letters, letter).map(|letter| letter.name),
            Name::Fresh => None,
        };
        let name = name.unwrap_or_else(|| {
            self.names += 1;
            self.names
        });
        let ignored = (1..=USERS).filter(|user| ignored >> user & 1 == 1);
        let letter = Letter {
            sender,
            to: self.whom(to),
            name,
            ignored: ignored.collect(),
            content: self.content(padding),
        };
        self.letters.push(letter.clone());
        letter
    }

    /// A user sends without a session.
    fn post_alone(&mut self, user: User, to: Whom, name: Name) -> Outcome {
        let letter = self.write(user, to, name, 0, 0);
        let expected = self.keep(&letter);
        let msg_id = wire::msg_id(letter.name);
        let command = Command::Send(hongyan::broker::command::Letter::new(
            address(letter.to),
            msg_id,
            letter.content.text(),
        ));
        let answer = self.stage.ask(user, command);
        let code = answer
            .as_ref()
            .map_or_else(|refusal| refusal.code(), |_| 200);
        that(code == expected, || {
            format!("{answer:?} and not {expected}")
        })
    }

    /// A user confirms without a session.
    fn receive_alone(&mut self, user: User, name: u32) -> Outcome {
        let expected = self.confirm_named(user, name, &[]);
        let msg_id = wire::msg_id(name);
        let answer = self.stage.ask(user, Command::Confirm { msg_id });
        let code = answer
            .as_ref()
            .map_or_else(|refusal| refusal.code(), |_| 200);
        that(code == expected, || {
            format!("{answer:?} and not {expected}")
        })
    }

    fn resend(&mut self, client: u8, letter: Letter) {
        let clients = 0..self.clients.len();
        let of_sender = clients.filter(|at| self.clients[*at].user == letter.sender);
        let of_sender: Vec<usize> = of_sender.collect();
        if let Some(at) = pick(&of_sender, client) {
            self.send_letter(*at, &letter);
        }
    }

    /// What the code must be of a letter that comes to the store now.
    fn keep(&mut self, letter: &Letter) -> Code {
        let fate = self.fate();
        let now_ms = self.stage.now.epoch_ms;
        match fate {
            Some(Failure::Refused | Failure::Busy) => 500,
            Some(Failure::AnswerLost) => {
                if let Ok(Kept::Fresh(id)) = self.model.send(letter, now_ms) {
                    self.unsure.push(id);
                    self.owe(id, false);
                }
                500
            }
            None => match self.model.send(letter, now_ms) {
                Ok(kept) => {
                    self.counts.accepted += 1;
                    for id in std::mem::take(&mut self.unsure) {
                        self.owe(id, true);
                    }
                    if let Kept::Fresh(id) = kept {
                        self.owe(id, true);
                    }
                    200
                }
                Err(code) => {
                    self.counts.refused += 1;
                    code
                }
            },
        }
    }

    fn send_letter(&mut self, at: usize, letter: &Letter) {
        let code = self.keep(letter);
        self.receipts += 1;
        let client = &mut self.clients[at];
        client.awaited.push_back(Awaited::Status {
            confirms: false,
            msg_id: wire::msg_id(letter.name).to_string(),
            code: u64::from(code),
        });
        client.awaited.push_back(Awaited::Receipt(self.receipts));
        self.stage
            .say(client.line, &wire::letter(letter, self.receipts));
    }

    /// A message is to be pushed to whoever listens now.
    fn owe(&mut self, id: Id, must: bool) {
        let groups = is_to_group(&self.model, id);
        for client in &mut self.clients {
            let has = client.pushed.iter().any(|push| push.id == id);
            if client.listens(groups) && self.model.is_for(client.user, id) && !has {
                client.owed.push(id, must);
            }
        }
    }

    fn confirm(&mut self, at: usize, name: u32) {
        let client = &self.clients[at];
        let pushed: Vec<Id> = client.pushed.iter().map(|push| push.id).collect();
        let code = self.confirm_named(client.user, name, &pushed);
        let client = &mut self.clients[at];
        client.awaited.push_back(Awaited::Status {
            confirms: true,
            msg_id: wire::msg_id(name).to_string(),
            code: u64::from(code),
        });
        self.stage.say(client.line, &wire::confirm(name));
    }

    /// What the code must be of a confirmation that comes to the store now.
    fn confirm_named(&mut self, user: User, name: u32, pushed: &[Id]) -> Code {
        let fate = self.fate();
        let meant = self.model.named(user, name, pushed);
        match (fate, meant) {
            (Some(Failure::Refused | Failure::Busy), _) => 500,
            (Some(Failure::AnswerLost), meant) => {
                if let Ok(id) = meant {
                    self.model.confirm(user, &[id]);
                }
                500
            }
            (None, Ok(id)) => {
                self.receive(user, &[id]);
                200
            }
            (None, Err(code)) => code,
        }
    }

    /// A user receives these, and the senders are told.
    fn receive(&mut self, user: User, ids: &[Id]) {
        for id in self.model.confirm(user, ids) {
            self.counts.confirmations += 1;
            let letter = &self.model.message(id).letter;
            let msg_id = wire::msg_id(letter.name).to_string();
            for client in &mut self.clients {
                if client.user == letter.sender {
                    client.delivered.push_back((msg_id.clone(), user));
                }
            }
        }
    }

    fn ack(&mut self, at: usize, push: u8) {
        let client = &self.clients[at];
        let (can, groups) = (|p: &&Pushed| p.ack.is_some(), |p: &Pushed| p.groups);
        let pushes: Vec<&Pushed> = client.pushed.iter().filter(can).collect();
        let Some(push) = pick(&pushes, push) else {
            return;
        };
        let mode = if groups(push) {
            client.groups
        } else {
            client.direct
        };
        let ids: Vec<Id> = match mode {
            Some(Mode::Client) => {
                let until = client.pushed.iter().position(|p| p.ack == push.ack);
                let until = client.pushed[..=until.expect("it is there")].iter();
                let same = until.filter(|p| p.groups == push.groups);
                same.map(|p| p.id).collect()
            }
            _ => vec![push.id],
        };
        let ack = push.ack.clone().expect("filtered");
        match self.fate() {
            None => self.receive(self.clients[at].user, &ids),
            Some(failure) => {
                if failure == Failure::AnswerLost {
                    self.model.confirm(self.clients[at].user, &ids);
                }
                let trouble = Awaited::Trouble(500);
                self.clients[at].awaited.push_back(trouble);
            }
        }
        self.receipts += 1;
        let client = &mut self.clients[at];
        client.awaited.push_back(Awaited::Receipt(self.receipts));
        self.stage.say(client.line, &wire::ack(&ack, self.receipts));
    }

    fn ask_history(&mut self, client: u8, with: Whom, before: Option<(u8, bool)>, len: u8) {
        let Some(at) = self.quiet(client) else {
            return;
        };
        let reader = self.clients[at].user;
        let with = self.whom(with);
        let before = before.map(|(number, by_id)| {
            let last = self.model.messages.len() as Id;
            let id = u64::from(number) % (last + 1) + 1;
            match self.model.messages.get(id as usize - 1) {
                Some(message) if !by_id => message.time_ms,
                _ => id,
            }
        });
        let earlier = |id: &Id| match before {
            None => true,
            Some(time_ms) if time_ms > 1_000_000_000_000 => {
                self.model.message(*id).time_ms < time_ms
            }
            Some(before) => *id < before,
        };
        let awaited = match self.model.history(reader, with) {
            Err(code) => Awaited::Trouble(u64::from(code)),
            Ok(ids) => {
                let ids = ids.into_iter().filter(earlier);
                let shown = ids.map(|id| (id, self.model.is_received(reader, id)));
                Awaited::History(shown.collect(), usize::from(len))
            }
        };
        let client = &mut self.clients[at];
        client.awaited.push_back(awaited);
        let wire = wire::history(with, before, u64::from(len));
        self.stage.say(client.line, &wire);
    }

    // People.

    fn social(&mut self, transition: &Transition) -> Outcome {
        use Transition as T;
        let groups: Vec<u64> = self.model.groups.keys().copied().collect();
        let requests: Vec<u64> = self.model.requests().collect();
        let group = |number: u8| pick(&groups, number).copied().unwrap_or(NO_GROUP);
        let gid = |number: u8| Gid::new(group(number)).expect("a gid");
        let (by, act) = match transition {
            T::AskFriend(by, to) => {
                let words = "hello".to_owned();
                (
                    *by,
                    Social::AskFriend {
                        to: key(*to),
                        words,
                    },
                )
            }
            T::AnswerFriend {
                user,
                request,
                accept,
            } => {
                let request = pick(&requests, *request).copied().unwrap_or(1_000_000);
                let request = RequestId(request);
                let accept = *accept;
                (*user, Social::AnswerFriend { request, accept })
            }
            T::DeleteFriend(by, other) => (*by, Social::Unfriend(key(*other))),
            T::Block(by, other) => (*by, Social::Block(key(*other))),
            T::Unblock(by, other) => (*by, Social::Unblock(key(*other))),
            T::MakeGroup { user, members } => {
                let members = members.iter().map(|user| key(*user)).collect();
                let new = NewGroup {
                    members,
                    ..NewGroup::default()
                };
                (*user, Social::MakeGroup(new))
            }
            T::Join { user, group } => {
                let users = vec![key(*user)];
                (
                    *user,
                    Social::AddMembers {
                        gid: gid(*group),
                        users,
                    },
                )
            }
            T::Add { by, group, user } => {
                let users = vec![key(*user)];
                (
                    *by,
                    Social::AddMembers {
                        gid: gid(*group),
                        users,
                    },
                )
            }
            T::Leave { user, group } => {
                let (gid, user) = (gid(*group), *user);
                (
                    user,
                    Social::RemoveMember {
                        gid,
                        user: key(user),
                    },
                )
            }
            T::Remove { by, group, user } => {
                let (gid, user) = (gid(*group), key(*user));
                (*by, Social::RemoveMember { gid, user })
            }
            other => return Err(format!("{other:?} is nothing between people")),
        };
        let fate = self.fate();
        let answer = self.stage.ask(by, Command::Social(act.clone()));
        if self.stage.gate.will_fail().is_some() {
            // It was refused before it came to the store.
            self.counts.commit_failures -= 1;
            self.stage.gate.fail_next(None);
            return self.follow(by, transition, &act, answer);
        }
        match fate {
            None => self.follow(by, transition, &act, answer),
            Some(failure) => {
                let code = answer.as_ref().err().map(|refusal| refusal.code());
                that(code == Some(500), || format!("{answer:?} and not 500"))?;
                if failure == Failure::AnswerLost {
                    // Done all the same: asked again, it says what it has done.
                    self.settle_unknown(by, transition, &act)?;
                }
                Ok(())
            }
        }
    }

    /// What the model makes of an act that was answered.
    fn follow(
        &mut self,
        by: User,
        transition: &Transition,
        act: &Social,
        answer: Result<Reply, Refusal>,
    ) -> Outcome {
        use Transition as T;
        let model = &mut self.model;
        let fail = |expected: &str| Err(format!("{answer:?} and not {expected}"));
        let code: Result<(), Code> = match (transition, act) {
            (T::AskFriend(_, to), _) => match (model.ask_friend(by, *to), &answer) {
                (
                    Ok(Asked::Fresh),
                    Ok(Reply::Social(Changed::Asked {
                        request,
                        fresh: true,
                    })),
                ) => {
                    model.note_request(request.id.0, by, *to);
                    Ok(())
                }
                (
                    Ok(Asked::Stands(id)),
                    Ok(Reply::Social(Changed::Asked {
                        request,
                        fresh: false,
                    })),
                ) if request.id.0 == id => Ok(()),
                (
                    Ok(Asked::Crosses(id)),
                    Ok(Reply::Social(Changed::Answered {
                        request,
                        accepted: true,
                        fresh: true,
                    })),
                ) if request.id.0 == id => Ok(()),
                (Ok(expected), _) => return fail(&format!("{expected:?}")),
                (Err(code), _) => Err(code),
            },
            (T::AnswerFriend { .. }, Social::AnswerFriend { request, accept }) => {
                model.answer_friend(by, request.0, *accept)
            }
            (T::DeleteFriend(_, other), _) => model.delete_friend(by, *other),
            (T::Block(_, other), _) => model.block(by, *other),
            (T::Unblock(_, other), _) => model.unblock(by, *other),
            (T::MakeGroup { members, .. }, _) => match (model.make_group(by, members), &answer) {
                (Ok(()), Ok(Reply::Social(Changed::Group { group, .. }))) => {
                    model.note_group(group.gid.get(), by, members);
                    Ok(())
                }
                (Ok(()), _) => return fail("a group"),
                (Err(code), _) => Err(code),
            },
            (T::Join { user, .. } | T::Add { user, .. }, Social::AddMembers { gid, .. }) => {
                model.add_member(by, gid.get(), *user)
            }
            (T::Leave { user, .. } | T::Remove { user, .. }, Social::RemoveMember { gid, .. }) => {
                model.remove_member(by, gid.get(), *user)
            }
            _ => return Err(format!("{transition:?} is not {act:?}")),
        };
        match (code, &answer) {
            (Ok(()), Ok(_)) => Ok(()),
            (Err(code), Err(refusal)) if refusal.code() == code => Ok(()),
            (expected, _) => fail(&format!("{expected:?}")),
        }
    }

    /// An act was done and its answer lost.
    fn settle_unknown(&mut self, by: User, transition: &Transition, act: &Social) -> Outcome {
        match transition {
            // The group is there; its maker finds it among the own ones.
            Transition::MakeGroup { members, .. } => {
                if self.model.make_group(by, members).is_err() {
                    return Ok(());
                }
                let Ok(Reply::Groups(groups)) = self.stage.ask(by, Command::Groups) else {
                    return Err("no list of groups".to_owned());
                };
                let gids = groups.iter().map(|group| group.gid.get());
                let new = gids.max().ok_or("the group is not there")?;
                self.model.note_group(new, by, members);
                Ok(())
            }
            // The request stands; asked again, it says its number.
            Transition::AskFriend(_, to) => match self.model.ask_friend(by, *to) {
                Ok(Asked::Fresh) => {
                    let answer = self.stage.ask(by, Command::Social(act.clone()));
                    let Ok(Reply::Social(Changed::Asked {
                        request,
                        fresh: false,
                    })) = answer
                    else {
                        return Err(format!("{answer:?} and not a standing request"));
                    };
                    self.model.note_request(request.id.0, by, *to);
                    Ok(())
                }
                _ => Ok(()),
            },
            Transition::AnswerFriend { .. } => {
                if let Social::AnswerFriend { request, accept } = act {
                    let _ = self.model.answer_friend(by, request.0, *accept);
                }
                Ok(())
            }
            Transition::DeleteFriend(_, other) => {
                let _ = self.model.delete_friend(by, *other);
                Ok(())
            }
            Transition::Block(_, other) => {
                let _ = self.model.block(by, *other);
                Ok(())
            }
            Transition::Unblock(_, other) => {
                let _ = self.model.unblock(by, *other);
                Ok(())
            }
            Transition::Join { user, .. } | Transition::Add { user, .. } => {
                if let Social::AddMembers { gid, .. } = act {
                    let _ = self.model.add_member(by, gid.get(), *user);
                }
                Ok(())
            }
            Transition::Leave { user, .. } | Transition::Remove { user, .. } => {
                if let Social::RemoveMember { gid, .. } = act {
                    let _ = self.model.remove_member(by, gid.get(), *user);
                }
                Ok(())
            }
            other => Err(format!("{other:?} is nothing between people")),
        }
    }

    // What is seen.

    /// Everything on its way arrives, and each client has heard what it should.
    fn look(&mut self) -> Outcome {
        self.stage.settle();
        for mut client in std::mem::take(&mut self.clients) {
            let looked = self.look_at(&mut client);
            let who = (client.line, client.user);
            self.clients.push(client);
            looked.map_err(|why| format!("client {} of user {}: {why}", who.0, who.1))?;
        }
        Ok(())
    }

    fn look_at(&mut self, client: &mut Client) -> Outcome {
        for heard in self.stage.heard(client.line) {
            self.hear(client, heard)?;
        }
        if !client.takes || self.stage.gate.is_shut().is_some() {
            return Ok(());
        }
        that(client.awaited.is_empty(), || {
            format!("it waits for {:?}", client.awaited)
        })?;
        that(client.delivered.is_empty(), || {
            format!("not told of {:?}", client.delivered)
        })?;
        let (model, user) = (&self.model, client.user);
        match client.owed.settle(|id| model.waits(user, id)) {
            None => Ok(()),
            Some(id) => Err(format!("message {id} was not pushed")),
        }
    }

    fn hear(&mut self, client: &mut Client, heard: Heard) -> Outcome {
        let awaited = match heard {
            Heard::News => return Ok(()),
            Heard::Push(seen, ack) => return self.hear_push(client, &seen, ack),
            Heard::Delivered { msg_id, by } => {
                let expected = client.delivered.pop_front();
                let told = Some((msg_id, by));
                return that(told == expected, || {
                    format!("told that {told:?} and not {expected:?}")
                });
            }
            Heard::History(shown, more) => {
                let expected = client.awaited.pop_front();
                let Some(Awaited::History(all, len)) = expected else {
                    return Err(format!("history and not {expected:?}"));
                };
                return self.hear_history(client.user, &shown, more, &all, len);
            }
            Heard::Connected => Awaited::Connected,
            Heard::Receipt(id) => Awaited::Receipt(id.parse().map_err(|_| "a strange receipt")?),
            Heard::Status {
                confirms,
                msg_id,
                code,
            } => Awaited::Status {
                confirms,
                msg_id,
                code,
            },
            Heard::Trouble(code) => Awaited::Trouble(code),
            Heard::Error(_) | Heard::Closed => return Err(format!("{heard:?}")),
        };
        let expected = client.awaited.pop_front();
        that(expected.as_ref() == Some(&awaited), || {
            format!("{awaited:?} and not {expected:?}")
        })
    }

    fn hear_push(&mut self, client: &mut Client, seen: &Seen, ack: Option<String>) -> Outcome {
        self.counts.pushes += 1;
        self.compare(seen)?;
        let (model, user, id) = (&self.model, client.user, seen.id);
        let due = client.owed.heard(id, |id| model.waits(user, id));
        that(due, || format!("message {id} was pushed, and was not due"))?;
        let groups = is_to_group(model, id);
        client.pushed.push(Pushed { id, groups, ack });
        Ok(())
    }

    /// What is seen of a message is what was sent.
    fn compare(&self, seen: &Seen) -> Outcome {
        let known = (1..=self.model.messages.len() as Id).contains(&seen.id);
        that(known, || format!("message {} was never accepted", seen.id))?;
        let message = self.model.message(seen.id);
        let letter = &message.letter;
        let expected = Seen {
            id: seen.id,
            msg_id: wire::msg_id(letter.name).to_string(),
            sender: letter.sender,
            to: letter.to,
            content: letter.content.text(),
            time_ms: message.time_ms,
        };
        that(*seen == expected, || {
            format!("{seen:?} and not {expected:?}")
        })
    }

    /// A page is the newest of all that is expected, as many as were asked for and fit.
    fn hear_history(
        &mut self,
        reader: User,
        shown: &[(Seen, bool)],
        more: bool,
        all: &[(Id, bool)],
        len: usize,
    ) -> Outcome {
        let page: Vec<(Id, bool)> = shown
            .iter()
            .map(|(seen, state)| (seen.id, *state))
            .collect();
        let fits = page.len() <= len && all.starts_with(&page);
        that(fits, || format!("{page:?} and not {all:?}"))?;
        that(more == (page.len() < all.len()), || format!("more: {more}"))?;
        if page.len() < len.min(all.len()) {
            let of = |(id, _): &(Id, bool)| self.model.message(*id).letter.content.text().len();
            let bytes: usize = all[..=page.len()].iter().map(of).sum();
            let large = !page.is_empty() && bytes > HISTORY_BYTES_MAX;
            that(large, || format!("{page:?} ends too early"))?;
        }
        for (seen, received) in shown {
            self.compare(seen)?;
            self.note_state(reader, seen.id, *received)?;
        }
        Ok(())
    }

    /// States only go forward.
    fn note_state(&mut self, reader: User, id: Id, received: bool) -> Outcome {
        if received {
            self.seen_received.insert((reader, id));
        }
        let back = !received && self.seen_received.contains(&(reader, id));
        that(!back, || format!("message {id} was received before"))
    }

    // The end.

    /// All stands still: compares everything that is kept, empties all inboxes, and looks at the data.
    fn finish(mut self) -> Result<Counts, String> {
        self.stage.gate.fail_next(None);
        self.open_all()?;
        while let Some(client) = self.clients.pop() {
            self.stage.cut(client.line);
        }
        for user in 1..=USERS {
            self.compare_people(user)?;
            self.compare_inbox(user)?;
            self.compare_histories(user)?;
            self.empty(user)
                .map_err(|why| format!("at the end, user {user}: {why}"))?;
        }
        let (done, counts) = outcome();
        self.stage.gate.counts(done);
        let counts = self.stage.wait(counts).map_err(|error| error.to_string())?;
        let kept = (counts.messages, counts.waiting);
        let expected = (self.model.messages.len() as u64, 0);
        that(kept == expected, || {
            format!("{kept:?} and not {expected:?} are kept")
        })?;
        that(self.model.waiting() == 0, || {
            "the model keeps some".to_owned()
        })?;
        self.stage.check()?;
        Ok(self.counts)
    }

    fn compare_people(&mut self, user: User) -> Outcome {
        let numbers = |uids: Vec<u64>| uids;
        let Ok(Reply::Friends { friends, .. }) = self.stage.ask(user, Command::Friends) else {
            return Err("no friends".to_owned());
        };
        let friends = friends.friends.iter().map(|f| f.uid.get()).collect();
        let expected = self.model.friends_of(user);
        that(numbers(friends) == expected, || {
            format!("the friends of {user}")
        })?;
        let Ok(Reply::Blocks(blocks)) = self.stage.ask(user, Command::Blocks) else {
            return Err("no blocks".to_owned());
        };
        let blocks: Vec<u64> = blocks.iter().map(|b| b.uid.get()).collect();
        let expected = self.model.blocked_by(user);
        that(blocks == expected, || format!("whom {user} blocks"))
    }

    fn compare_inbox(&mut self, user: User) -> Outcome {
        let mut found = Vec::new();
        loop {
            let after = MessageId(found.last().copied().unwrap_or_default());
            let limit = 7;
            let page = self.stage.ask(user, Command::Inbox { after, limit });
            let Ok(Reply::Inbox { messages, more }) = page else {
                return Err(format!("{page:?} and no inbox"));
            };
            found.extend(messages.iter().map(|message| message.id.0));
            if !more {
                break;
            }
        }
        let expected = self.model.inbox(user);
        that(found == expected, || {
            format!("the inbox of {user} is {found:?} and not {expected:?}")
        })
    }

    /// All conversations of a user, page by page, and all of them at once.
    fn compare_histories(&mut self, reader: User) -> Outcome {
        let groups: Vec<u64> = self.model.groups.keys().copied().collect();
        let withs = (1..=USERS).map(To::User);
        for with in withs.chain(groups.into_iter().map(To::Group)) {
            let mut found = Vec::new();
            let mut before = None;
            loop {
                let command = Command::History {
                    with: address(with),
                    before,
                    limit: 9,
                };
                match (
                    self.stage.ask(reader, command),
                    self.model.history(reader, with),
                ) {
                    (Ok(Reply::History { messages, more }), Ok(_)) => {
                        for kept in &messages {
                            let id = kept.message.id.0;
                            let seq = self.model.message(id).seq;
                            that(kept.message.seq.0 == seq, || format!("the seq of {id}"))?;
                            let received = kept.state == Delivery::Received;
                            self.note_state(reader, id, received)?;
                            found.push((id, received));
                        }
                        before = found.last().map(|(id, _)| Before::Id(MessageId(*id)));
                        if !more {
                            break;
                        }
                    }
                    (Err(refusal), Err(code)) if refusal.code() == code => break,
                    (answer, expected) => {
                        return Err(format!("{answer:?} and not {expected:?}"));
                    }
                }
            }
            let expected = self.model.history(reader, with).unwrap_or_default();
            let expected = expected.into_iter();
            let expected: Vec<(Id, bool)> = expected
                .map(|id| (id, self.model.is_received(reader, id)))
                .collect();
            that(found == expected, || {
                format!("{reader}'s history of {with:?} is {found:?} and not {expected:?}")
            })?;
        }
        let command = Command::Since {
            time_ms: 0,
            limit: 200,
        };
        let Ok(Reply::History { messages, .. }) = self.stage.ask(reader, command) else {
            return Err("no history of all".to_owned());
        };
        let found: Vec<Id> = messages.iter().map(|kept| kept.message.id.0).collect();
        let expected = self.model.all_of(reader);
        that(expected.starts_with(&found), || {
            format!("all that {reader} sees is {found:?} and not {expected:?}")
        })
    }

    /// A user comes, is pushed all that waits, confirms it, and nothing is left.
    fn empty(&mut self, user: User) -> Outcome {
        self.connect(user, Some(Mode::Individual), Some(Mode::Client), true, None);
        self.look()?;
        let at = self.clients.len() - 1;
        while let Some(id) = self.model.inbox(user).first().copied() {
            let pushes = self.clients[at].pushed.iter();
            let push = pushes
                .filter(|push| push.ack.is_some())
                .position(|push| push.id == id);
            let push = push.ok_or_else(|| format!("message {id} was not pushed"))?;
            match u8::try_from(push) {
                Ok(push) => self.ack(at, push),
                Err(_) => self.confirm(at, self.model.message(id).letter.name),
            }
            self.look()?;
        }
        self.take(at, true);
        self.look()?;
        self.compare_inbox(user)
    }
}

fn is_to_group(model: &Model, id: Id) -> bool {
    matches!(model.message(id).letter.to, To::Group(_))
}

/// The one with this number, counted round.
fn pick<T>(all: &[T], number: u8) -> Option<&T> {
    all.get(usize::from(number).checked_rem(all.len())?)
}
