//! Which messages were said to the client, until its transport has proved that they reached it: only then the broker is
//! asked to call them received.
//!
//! At most one probe is under way. What is said meanwhile waits for the next one, so that a burst costs a probe for each
//! round trip and not for each message.

use crate::broker::command::Command;
use crate::broker::command::Ears;
use crate::broker::command::Pushed;
use crate::broker::message::Message;
use crate::broker::message::MessageId;
use crate::gateways::Act;
use crate::gateways::socketio::order::NO_TICKET;

/// Runs that may wait for a proof. What is said beyond is not called received, and so comes again on the next connection.
const RUNS_MAX: usize = 1_024;

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

    /// Whether this message was said and is not proved yet.
    pub(super) fn has(&self, message: &Message) -> bool {
        let runs = self.said.iter().chain(&self.probed);
        let mut runs = runs.filter(|run| run.by.hear(message));
        runs.any(|run| run.after < message.id && message.id <= run.last)
    }

    /// Asks for proof of what was said, unless one is under way.
    pub(super) fn probe(&mut self, acts: &mut Vec<Act>) {
        if self.waiting || self.said.is_empty() {
            return;
        }
        self.probed = std::mem::take(&mut self.said);
        self.mark += 1;
        self.waiting = true;
        acts.push(Act::Probe(self.mark));
    }

    /// What was said before the probe `mark` has reached the client.
    pub(super) fn proved(&mut self, mark: u64, acts: &mut Vec<Act>) {
        if !self.waiting || mark < self.mark {
            return;
        }
        self.waiting = false;
        for Run { after, last, by } in std::mem::take(&mut self.probed) {
            let alone = last.0 == after.0 + 1;
            let after = (!alone).then_some(Pushed { after, by });
            acts.push(Act::Ask(NO_TICKET, Command::Acknowledge { last, after }));
        }
        self.probe(acts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::groups::Gid;
    use crate::broker::message::Kind;
    use crate::broker::message::MsgId;
    use crate::broker::message::Recipient;
    use crate::broker::message::Seq;
    use crate::broker::users::Person;

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
        }
    }

    fn asked(acts: &[Act]) -> Vec<(u64, Option<u64>)> {
        let commands = acts.iter().filter_map(|act| match act {
            Act::Ask(_, Command::Acknowledge { last, after }) => {
                Some((last.0, after.map(|pushed| pushed.after.0)))
            }
            _ => None,
        });
        commands.collect()
    }

    #[test]
    fn one_probe_is_under_way_and_proves_what_was_said_before_it() {
        let (mut proofs, mut acts) = (Proofs::default(), Vec::new());
        proofs.said(&message(3, false));
        proofs.probe(&mut acts);
        assert_eq!(acts, [Act::Probe(1)]);
        acts.clear();
        for id in 5..9 {
            proofs.said(&message(id, false));
            proofs.probe(&mut acts);
        }
        assert_eq!(acts, [], "one is under way");
        proofs.proved(1, &mut acts);
        assert_eq!(asked(&acts), [(3, None)]);
        assert_eq!(acts.pop(), Some(Act::Probe(2)));
        acts.clear();
        proofs.proved(1, &mut acts);
        assert_eq!(acts, [], "an old proof proves nothing new");
        proofs.proved(2, &mut acts);
        assert_eq!(asked(&acts), [(8, Some(4))]);
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
        proofs.probe(&mut acts);
        proofs.proved(1, &mut acts);
        assert_eq!(asked(&acts), [(3, Some(0)), (5, Some(1)), (6, None)]);
    }
}
