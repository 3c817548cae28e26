//! Which messages were said to the client, until its transport has proved that they reached it: only then the broker is
//! asked to call them received.
//!
//! At most one probe is under way. What is said meanwhile waits for the next one, so that a burst costs a probe for each
//! round trip and not for each message.

use std::collections::VecDeque;

use crate::broker::command::Command;
use crate::broker::command::Ears;
use crate::broker::command::Pushed;
use crate::broker::command::Ticket;
use crate::broker::message::Message;
use crate::broker::message::MessageId;
use crate::broker::moment::Moment;
use crate::gateways::Act;

/// Runs that may wait for a proof. What is said beyond is not called received, and so comes again on the next connection.
const RUNS_MAX: usize = 1_024;

/// What the store could not keep is proved once more, so much later, in milliseconds.
const AGAIN_AFTER_MS: u64 = 1_000;

/// The tickets of this from here on; those of the client's events never come so far.
const FIRST_TICKET: u64 = 1 << 63;

/// All messages after an id, up to and with another, that these ears hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    after: MessageId,
    last: MessageId,
    by: Ears,
}

/// What was said and is not proved.
#[derive(Debug, Default)]
pub(super) struct Proofs {
    /// Said after the last probe.
    said: Vec<Run>,
    /// Said before it.
    probed: Vec<Run>,
    /// Proved, and the broker asked to call them received.
    asked: Vec<(Ticket, Run)>,
    /// Received, but a page that is under way may have been read before that.
    received: VecDeque<Run>,
    /// How often it was asked.
    asks: u64,
    /// No probe before this, on the steady clock.
    not_before_ms: u64,
    /// The last probe.
    mark: u64,
    /// Whether its proof is still to come.
    waiting: bool,
    /// Whether the newest run of direct messages, and that of group messages, may not grow: a message was left out.
    broken: [bool; 2],
}

/// The ears that hear messages of this kind, and no others.
fn ears(message: &Message) -> Ears {
    let groups = message.group().is_some();
    Ears {
        direct: !groups,
        groups,
    }
}

impl Proofs {
    /// This message, the next one that the session was told of, was said.
    pub(super) fn said(&mut self, message: &Message) {
        let by = ears(message);
        let broken = std::mem::take(&mut self.broken[usize::from(by.groups)]);
        let newest = self.said.iter_mut().rev().find(|run| run.by == by);
        match newest {
            Some(run) if !broken && run.last < message.id => run.last = message.id,
            _ => self.said_alone(message),
        }
    }

    /// This message was said, out of the line of those that the session is told of.
    pub(super) fn said_alone(&mut self, message: &Message) {
        if self.said.len() < RUNS_MAX {
            self.said.push(Run {
                after: MessageId(message.id.0.saturating_sub(1)),
                last: message.id,
                by: ears(message),
            });
        }
    }

    /// This message, the next one that the session was told of, was not said.
    pub(super) fn left_out(&mut self, message: &Message) {
        self.broken[usize::from(ears(message).groups)] = true;
    }

    /// Whether this message was said, and a page may show it as one that waits.
    pub(super) fn has(&self, message: &Message) -> bool {
        let asked = self.asked.iter().map(|(_, run)| run);
        let runs = self.said.iter().chain(&self.probed).chain(asked);
        let runs = runs.chain(&self.received);
        let mut runs = runs.filter(|run| run.by.hear(message));
        runs.any(|run| run.after < message.id && message.id <= run.last)
    }

    /// Asks for proof of what was said, unless one is under way.
    pub(super) fn probe(&mut self, now: Moment, acts: &mut Vec<Act>) {
        if !self.wants_probe() || now.steady_ms < self.not_before_ms {
            return;
        }
        self.probed = std::mem::take(&mut self.said);
        self.mark += 1;
        self.waiting = true;
        acts.push(Act::Probe(self.mark));
    }

    fn wants_probe(&self) -> bool {
        !self.waiting && !self.said.is_empty() && self.asked.len() < RUNS_MAX
    }

    /// When to call [`Self::probe`] again, on the steady clock, if nothing else happens.
    pub(super) fn wake_at_ms(&self) -> Option<u64> {
        self.wants_probe().then_some(self.not_before_ms)
    }

    /// What was said before the probe `mark` has reached the client.
    pub(super) fn proved(&mut self, now: Moment, mark: u64, acts: &mut Vec<Act>) {
        if !self.waiting || mark < self.mark {
            return;
        }
        self.waiting = false;
        for run in std::mem::take(&mut self.probed) {
            let ticket = Ticket(FIRST_TICKET + self.asks);
            self.asks += 1;
            self.asked.push((ticket, run));
            let Run { after, last, by } = run;
            let alone = last.0 == after.0 + 1;
            let after = (!alone).then_some(Pushed { after, by });
            let command = Command::Acknowledge { last, after };
            acts.push(Act::Ask(ticket, Box::new(command)));
        }
        self.probe(now, acts);
    }

    /// There is no proof of what was said before the probe `mark`: some of it was thrown away. It is not called received, and
    /// so comes again on the next connection.
    pub(super) fn unproved(&mut self, now: Moment, mark: u64, acts: &mut Vec<Act>) {
        if !self.waiting || mark < self.mark {
            return;
        }
        self.waiting = false;
        self.probed = Vec::new();
        self.probe(now, acts);
    }

    /// Whether an answer under this ticket is for [`Self::answered`].
    pub(super) fn asks_as(ticket: Ticket) -> bool {
        (FIRST_TICKET..u64::MAX).contains(&ticket.0)
    }

    /// The broker calls these received; or could not keep it, and they are to be proved again in a while.
    pub(super) fn answered(&mut self, now: Moment, ticket: Ticket, kept: bool) {
        let place = self.asked.iter().position(|(asked, _)| *asked == ticket);
        let run = place.map(|place| self.asked.swap_remove(place).1);
        if let Some(run) = run.filter(|_| kept) {
            if self.received.len() == RUNS_MAX {
                self.received.pop_front();
            }
            self.received.push_back(run);
        } else if let Some(run) = run {
            // Between this run and what is said next, something may have been left out.
            self.broken[usize::from(run.by.groups)] = true;
            self.said.push(run);
            self.not_before_ms = now.steady_ms + AGAIN_AFTER_MS;
        }
    }
}

impl Proofs {
    /// No page is under way.
    pub(super) fn forget_received(&mut self) {
        self.received = VecDeque::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::groups::Gid;
    use crate::broker::message::Encoded;
    use crate::broker::message::Kind;
    use crate::broker::message::MsgId;
    use crate::broker::message::Recipient;
    use crate::broker::message::Seq;
    use crate::broker::users::Person;

    const NOW: Moment = Moment {
        steady_ms: 5,
        epoch_ms: 0,
    };

    fn message(id: u64, group: bool) -> Message {
        Message {
            id: MessageId(id),
            seq: Seq(id),
            msg_id: MsgId([0; 20]),
            sender: Person::system(),
            to: if group {
                Recipient::Group(Gid::new(1).unwrap())
            } else {
                Recipient::User(Person::system())
            },
            kind: Kind::Text,
            content: "".into(),
            envelope: None,
            time_ms: 0,
            encoded: Encoded::default(),
        }
    }

    fn asked(acts: &[Act]) -> Vec<(u64, Option<u64>)> {
        let commands = acts.iter().filter_map(|act| match act {
            Act::Ask(_, command) => match &**command {
                Command::Acknowledge { last, after } => {
                    Some((last.0, after.map(|pushed| pushed.after.0)))
                }
                _ => None,
            },
            _ => None,
        });
        commands.collect()
    }

    #[test]
    fn one_probe_is_under_way_and_proves_what_was_said_before_it() {
        let (mut proofs, mut acts) = (Proofs::default(), Vec::new());
        proofs.said(&message(3, false));
        proofs.probe(NOW, &mut acts);
        assert_eq!(acts, [Act::Probe(1)]);
        acts.clear();
        for id in 5..9 {
            proofs.said(&message(id, false));
            proofs.probe(NOW, &mut acts);
        }
        assert_eq!(acts, [], "one is under way");
        proofs.proved(NOW, 1, &mut acts);
        assert_eq!(asked(&acts), [(3, None)]);
        assert_eq!(acts.pop(), Some(Act::Probe(2)));
        acts.clear();
        proofs.proved(NOW, 1, &mut acts);
        assert_eq!(acts, [], "an old proof proves nothing new");
        proofs.proved(NOW, 2, &mut acts);
        assert_eq!(asked(&acts), [(8, Some(4))]);
    }

    #[test]
    fn what_was_thrown_away_is_not_called_received() {
        let (mut proofs, mut acts) = (Proofs::default(), Vec::new());
        proofs.said(&message(3, false));
        proofs.probe(NOW, &mut acts);
        proofs.said(&message(4, false));
        acts.clear();
        proofs.unproved(NOW, 1, &mut acts);
        assert_eq!(acts, [Act::Probe(2)], "4 is another matter");
        assert!(!proofs.has(&message(3, false)), "it waits");
        proofs.unproved(NOW, 1, &mut acts);
        proofs.proved(NOW, 1, &mut acts);
        assert_eq!(acts, [Act::Probe(2)], "3 has had its answer");
        proofs.proved(NOW, 2, &mut acts);
        assert_eq!(asked(&acts), [(4, None)]);
    }

    #[test]
    fn what_was_left_out_is_in_no_run() {
        let (mut proofs, mut acts) = (Proofs::default(), Vec::new());
        proofs.said(&message(1, false));
        proofs.said(&message(2, true));
        proofs.said(&message(3, false));
        proofs.left_out(&message(4, false));
        proofs.said(&message(5, true));
        proofs.said(&message(6, false));
        let left_out = message(4, false);
        assert!(!proofs.has(&left_out) && proofs.has(&message(3, false)));
        proofs.probe(NOW, &mut acts);
        proofs.proved(NOW, 1, &mut acts);
        assert_eq!(asked(&acts), [(3, Some(0)), (5, Some(1)), (6, None)]);
    }

    #[test]
    fn what_the_store_could_not_keep_is_proved_again_in_a_while() {
        let (mut proofs, mut acts) = (Proofs::default(), Vec::new());
        proofs.said(&message(1, false));
        proofs.said(&message(2, false));
        proofs.probe(NOW, &mut acts);
        proofs.proved(NOW, 1, &mut acts);
        let Some(Act::Ask(ticket, _)) = acts.pop() else {
            panic!("the broker is asked");
        };
        assert!(Proofs::asks_as(ticket) && proofs.has(&message(2, false)));
        proofs.left_out(&message(3, false));
        proofs.answered(NOW, ticket, false);
        proofs.said(&message(4, false));
        acts.clear();
        proofs.probe(NOW, &mut acts);
        assert_eq!(acts, []);
        let later = NOW.after_ms(AGAIN_AFTER_MS);
        assert_eq!(proofs.wake_at_ms(), Some(later.steady_ms));
        proofs.probe(later, &mut acts);
        proofs.proved(later, 2, &mut acts);
        assert_eq!(asked(&acts), [(2, Some(0)), (4, None)], "3 was left out");
        let Some(Act::Ask(ticket, _)) = acts.pop() else {
            panic!("the broker is asked");
        };
        proofs.answered(later, ticket, true);
        assert!(proofs.wake_at_ms().is_none());
        // A page may have been read before that, and come only now.
        assert!(proofs.has(&message(4, false)));
        proofs.forget_received();
        assert!(!proofs.has(&message(4, false)));
    }
}
