//! What was pushed and is not yet proved to have arrived. Packets have no confirmation, so the transport is asked: a ping
//! after the push, and its pong (CONTRACT section 8). The same ping finds out who is no longer there.
//!
//! One ping is out at a time; what is pushed meanwhile is proved by the next.

use crate::broker::message::MessageId;
use crate::broker::moment::Moment;

/// A quiet client is pinged so often, in milliseconds.
const IDLE_MS_MAX: u64 = 30_000;

/// A pong must come within this time, in milliseconds.
pub(super) const PONG_WITHIN_MS: u64 = 60_000;

/// After a store that could not keep a proof, the next one is asked for so much later, in milliseconds.
const AGAIN_AFTER_MS: u64 = 1_000;

/// Messages that were pushed one after the other: everything that waited for the user after the first id, up to and with
/// the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) after: MessageId,
    pub(super) last: MessageId,
}

#[derive(Clone, Copy, Debug)]
struct Ping {
    mark: u64,
    /// The last message that was pushed before it, if any waits for a proof.
    through: Option<MessageId>,
    until_ms: u64,
}

/// The state of one session's proofs.
#[derive(Debug)]
pub(super) struct Proof {
    unproved: Option<Run>,
    ping: Option<Ping>,
    marks: u64,
    /// When to ping next, whatever was pushed.
    ping_at_ms: u64,
}

impl Proof {
    pub(super) fn new(now: Moment) -> Self {
        Self {
            unproved: None,
            ping: None,
            marks: 0,
            ping_at_ms: now.steady_ms + IDLE_MS_MAX,
        }
    }

    /// This message was said.
    pub(super) fn pushed(&mut self, id: MessageId) {
        self.unproved = Some(match self.unproved {
            Some(run) if run.last < id => Run { last: id, ..run },
            _ => Run {
                after: MessageId(id.0.saturating_sub(1)),
                last: id,
            },
        });
    }

    /// The mark to ping with now, if a ping is wanted and none is out.
    pub(super) fn ping(&mut self, now: Moment) -> Option<u64> {
        let due = self.unproved.is_some() || now.steady_ms >= self.ping_at_ms;
        if self.ping.is_some() || !due {
            return None;
        }
        self.marks += 1;
        self.ping_at_ms = now.steady_ms + IDLE_MS_MAX;
        self.ping = Some(Ping {
            mark: self.marks,
            through: self.unproved.map(|run| run.last),
            until_ms: now.steady_ms + PONG_WITHIN_MS,
        });
        Some(self.marks)
    }

    /// The pong to this mark has come: what has arrived. A mark that is not out proves nothing.
    pub(super) fn proved(&mut self, mark: u64) -> Option<Run> {
        let ping = self.ping.take_if(|ping| ping.mark == mark)?;
        let through = ping.through?;
        let run = self.unproved.take()?;
        let last = through.min(run.last);
        self.unproved = (last < run.last).then_some(Run { after: last, ..run });
        Some(Run { last, ..run })
    }

    /// The store could not keep that these have arrived: they are to be proved again, in a while.
    pub(super) fn not_kept(&mut self, now: Moment, run: Run) {
        let last = self.unproved.map_or(run.last, |later| later.last);
        self.unproved = Some(Run { last, ..run });
        self.ping_at_ms = now.steady_ms + AGAIN_AFTER_MS;
    }

    /// Nobody has listened, so nothing that did not come is missed.
    pub(super) fn excuse(&mut self, now: Moment) {
        if let Some(ping) = &mut self.ping {
            ping.until_ms = now.steady_ms + PONG_WITHIN_MS;
        }
    }

    /// Whether the pong is overdue.
    pub(super) fn is_lost(&self, now: Moment) -> bool {
        self.ping.is_some_and(|ping| now.steady_ms >= ping.until_ms)
    }

    /// When to look again, on the steady clock.
    pub(super) fn wake_at_ms(&self) -> u64 {
        self.ping.map_or(self.ping_at_ms, |ping| ping.until_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Moment = Moment {
        steady_ms: 0,
        epoch_ms: 0,
    };

    fn run(after: u64, last: u64) -> Run {
        Run {
            after: MessageId(after),
            last: MessageId(last),
        }
    }

    #[test]
    fn a_pong_proves_what_was_pushed_before_its_ping_and_nothing_else() {
        let mut proof = Proof::new(START);
        assert_eq!(proof.ping(START), None, "nothing to prove");
        proof.pushed(MessageId(5));
        assert_eq!(proof.ping(START), Some(1));
        proof.pushed(MessageId(7));
        proof.pushed(MessageId(9));
        assert_eq!(proof.ping(START), None, "one is out");
        assert_eq!(proof.proved(0), None);
        assert_eq!(proof.proved(2), None, "a mark that nobody made");
        assert_eq!(proof.proved(1), Some(run(4, 5)));
        assert_eq!(proof.proved(1), None, "told twice");
        assert_eq!(proof.ping(START), Some(2));
        assert_eq!(proof.proved(2), Some(run(5, 9)));
        assert_eq!(proof.ping(START), None);
    }

    #[test]
    fn what_the_store_could_not_keep_is_proved_again_in_a_while() {
        let mut proof = Proof::new(START);
        proof.pushed(MessageId(5));
        assert_eq!(proof.ping(START), Some(1));
        let arrived = proof.proved(1).expect("5");
        proof.pushed(MessageId(6));
        proof.not_kept(START, arrived);
        let later = START.after_ms(proof.wake_at_ms());
        assert_eq!(proof.wake_at_ms(), AGAIN_AFTER_MS);
        assert_eq!(proof.ping(later), Some(2));
        assert_eq!(proof.proved(2), Some(run(4, 6)));
    }

    #[test]
    fn the_quiet_are_pinged_and_the_dead_are_found() {
        let mut proof = Proof::new(START);
        let idle = START.after_ms(proof.wake_at_ms());
        assert_eq!(idle.steady_ms, IDLE_MS_MAX);
        assert_eq!(proof.ping(idle), Some(1));
        proof.pushed(MessageId(5));
        assert_eq!(proof.proved(1), None, "nothing was pushed before it");
        assert_eq!(proof.ping(idle), Some(2));
        assert_eq!(proof.proved(2), Some(run(4, 5)));
        let again = START.after_ms(proof.wake_at_ms());
        assert_eq!(proof.ping(again), Some(3));
        let late = START.after_ms(proof.wake_at_ms());
        assert!(!proof.is_lost(again) && proof.is_lost(late));
        proof.excuse(late);
        assert!(!proof.is_lost(late), "nobody has listened");
    }
}
