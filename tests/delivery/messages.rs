//! What is sent, confirmed and asked for again, by clients and without any; what each must be answered.

use hongyan::broker::command::Command;

use crate::client::Awaited;
use crate::client::Pushed;
use crate::gate::Failure;
use crate::model::Code;
use crate::model::Id;
use crate::model::Kept;
use crate::model::Letter;
use crate::model::USERS;
use crate::model::User;
use crate::play::Outcome;
use crate::play::Play;
use crate::play::address;
use crate::play::is_to_group;
use crate::play::pick;
use crate::play::that;
use crate::transition::Mode;
use crate::transition::Name;
use crate::transition::Whom;
use crate::wire;

impl Play {
    pub(super) fn send(&mut self, client: u8, to: Whom, name: Name, padding: usize, ignored: u8) {
        let Some(client) = pick(&self.clients, client) else {
            return;
        };
        let sender = client.user;
        let at = self.clients.iter().position(|c| c.line == client.line);
        let letter = self.write(sender, to, name, padding, ignored);
        self.send_letter(at.expect("it was picked"), &letter);
    }

    pub(super) fn write(
        &mut self,
        sender: User,
        to: Whom,
        name: Name,
        padding: usize,
        ignored: u8,
    ) -> Letter {
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
    pub(super) fn post_alone(&mut self, user: User, to: Whom, name: Name) -> Outcome {
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
    pub(super) fn receive_alone(&mut self, user: User, name: u32) -> Outcome {
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

    pub(super) fn resend(&mut self, client: u8, letter: Letter) {
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
            // Of one that was not answered an init has learned already: it reads whatever is committed.
            let has = client.pushed.iter().any(|push| push.id == id) || client.owed.has(id);
            if client.listens(groups) && self.model.is_for(client.user, id) && !has {
                // Who came after its commit has not asked for it: it may be found with the next, or have been passed.
                let must = must && client.listened_to(groups, id);
                client.owed.push(id, must);
            }
        }
    }

    pub(super) fn confirm(&mut self, at: usize, name: u32) {
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

    pub(super) fn ack(&mut self, at: usize, push: u8) {
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

    pub(super) fn ask_history(
        &mut self,
        client: u8,
        with: Whom,
        before: Option<(u8, bool)>,
        len: u8,
    ) {
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
}
