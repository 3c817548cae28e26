//! Who comes, goes, turns to another subscription, and takes nothing for a while; the broker that starts again, and time.

use crate::client::Awaited;
use crate::client::Client;
use crate::model::Id;
use crate::model::User;
use crate::play::Outcome;
use crate::play::Play;
use crate::play::is_to_group;
use crate::play::that;
use crate::transition::Mode;
use crate::wire;
use crate::wire::Heard;

/// Clients at once, at most.
const CLIENTS_MAX: usize = 8;

impl Play {
    pub(super) fn connect(
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
    pub(super) fn turn(&mut self, at: usize, groups: bool, mode: Option<Mode>) {
        let newest = self.model.messages.len() as Id;
        let client = &mut self.clients[at];
        let was_deaf = client.is_deaf();
        let wire = match mode {
            Some(mode) => wire::subscribe(client.user, groups, mode),
            None => wire::unsubscribe(groups),
        };
        client.turn(groups, mode, newest);
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
    pub(super) fn init(&mut self, at: usize) {
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

    pub(super) fn take(&mut self, at: usize, takes: bool) {
        self.clients[at].takes = takes;
        self.stage.let_take(self.clients[at].line, takes);
    }

    pub(super) fn restart(&mut self, orderly: bool) -> Outcome {
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
    pub(super) fn open_all(&mut self) -> Outcome {
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

    pub(super) fn log_out(&mut self, client: u8) -> Outcome {
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

    pub(super) fn pass(&mut self, ms: u64) -> Outcome {
        self.stage.pass(ms);
        let now_ms = self.stage.now.steady_ms;
        let ends = |client: &Client| client.ends_ms.is_some_and(|ends_ms| ends_ms <= now_ms);
        while let Some(at) = self.clients.iter().position(ends) {
            self.part(at, "access-refused")?;
        }
        Ok(())
    }
}
