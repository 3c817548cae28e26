//! Which of the events that were said have reached the client. Counts only: knows no clock, no sockets.
//!
//! ```text
//!   said to socketioxide ─▶ carried by a transport ─▶ known to have reached the client
//!        (sent)                  (carried)                       (proven)
//! ```

use std::collections::VecDeque;

/// Events beyond which the next one has to wait until one is carried. Well below what the engine's own queue holds, so that
/// its heart-beats always find room.
const WAITING_MAX: usize = 128;

/// Bytes of events beyond which the same holds.
const WAITING_BYTES_MAX: usize = 64 * 1024;

/// Questions that may be open; beyond them the newest replaces the one before, because a later one proves the earlier ones.
const PROBES_MAX: usize = 16;

/// A question: have all events up to this one reached the client?
#[derive(Clone, Copy, Debug)]
struct Probe {
    mark: u64,
    events: u64,
}

/// The count of a connection's events.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    sent: u64,
    carried: u64,
    /// How many were carried when the last poll was answered.
    answered: u64,
    proven: u64,
    /// The sizes of those that were sent and not carried yet.
    waiting: VecDeque<usize>,
    waiting_bytes: usize,
    probes: VecDeque<Probe>,
    /// The mark of the last ping.
    pinged: Option<u64>,
    proved: Option<u64>,
    /// An event was thrown away since the last question.
    dropped: bool,
    unproved: Option<u64>,
}

impl Receipts {
    /// Whether an event of this size may be sent now. One is always taken whole, whatever its size.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        let fits = self.waiting_bytes + bytes <= WAITING_BYTES_MAX;
        self.waiting.is_empty() || fits && self.waiting.len() < WAITING_MAX
    }

    /// An event was sent.
    pub(super) fn sent(&mut self, bytes: usize) {
        self.sent += 1;
        self.waiting.push_back(bytes);
        self.waiting_bytes += bytes;
    }

    /// An event was thrown away, because the client had left.
    pub(super) fn dropped(&mut self) {
        self.dropped = true;
    }

    /// The transport has taken so many events more.
    pub(super) fn carried(&mut self, events: u64) {
        for _ in 0..events {
            let Some(bytes) = self.waiting.pop_front() else {
                return;
            };
            self.carried += 1;
            self.waiting_bytes -= bytes;
        }
        if self.waiting.is_empty() {
            // An idle connection holds no buffer.
            self.waiting = VecDeque::new();
        }
    }

    /// A poll was answered with all that was carried until now.
    pub(super) fn answered(&mut self) {
        self.answered = self.carried;
    }

    /// Another poll came: the answer to the one before was read.
    pub(super) fn polled(&mut self) {
        self.prove(self.answered);
    }

    /// The last poll came once more: the answer to it may have been lost on the way, and no later poll will tell. Nothing that
    /// it carried is ever proven.
    pub(super) fn polled_again(&mut self) {
        if self.answered <= self.proven {
            return;
        }
        self.proven = self.answered;
        // What was asked about none of the open questions has to wait for the next one.
        let last = self.probes.back().map(|probe| (probe.mark, probe.events));
        self.dropped |= last.is_none_or(|(_, events)| events < self.answered);
        self.unproved = last.map(|(mark, _)| mark).or(self.unproved);
        self.probes.clear();
    }

    /// Asks about all that was said until now, whether it was sent or thrown away.
    pub(super) fn probe(&mut self, mark: u64) {
        if std::mem::take(&mut self.dropped) {
            self.unproved = Some(mark);
            return;
        }
        let events = self.sent;
        if events <= self.proven {
            self.proved = Some(mark);
            return;
        }
        if self.probes.len() == PROBES_MAX {
            self.probes.pop_back();
        }
        self.probes.push_back(Probe { mark, events });
    }

    /// The mark for a ping to be sent now, behind all that it asks about. It is given once.
    pub(super) fn ping(&mut self) -> Option<u64> {
        let carried = self
            .probes
            .iter()
            .rev()
            .find(|probe| probe.events <= self.carried)?;
        if self.pinged.is_some_and(|pinged| carried.mark <= pinged) {
            return None;
        }
        self.pinged = Some(carried.mark);
        self.pinged
    }

    /// The client has answered the ping with this mark. One that was not sent proves nothing.
    pub(super) fn ponged(&mut self, mark: u64) {
        if self.pinged.is_some_and(|pinged| mark <= pinged) {
            let asked = self.probes.iter().rfind(|probe| probe.mark <= mark);
            if let Some(Probe { events, .. }) = asked.copied() {
                self.prove(events);
            }
        }
    }

    /// The latest mark that was proved since the last time.
    pub(super) fn proved(&mut self) -> Option<u64> {
        self.proved.take()
    }

    /// The latest mark that can't be proved, since the last time.
    pub(super) fn unproved(&mut self) -> Option<u64> {
        self.unproved.take()
    }

    fn prove(&mut self, events: u64) {
        self.proven = self.proven.max(events);
        while let Some(probe) = self
            .probes
            .front()
            .filter(|probe| probe.events <= self.proven)
        {
            self.proved = Some(probe.mark);
            self.probes.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(events: usize) -> Receipts {
        let mut receipts = Receipts::default();
        for _ in 0..events {
            receipts.sent(1);
        }
        receipts
    }

    #[test]
    fn a_poll_proves_what_the_answer_before_it_carried() {
        let mut receipts = after(2);
        receipts.probe(5);
        receipts.polled();
        assert_eq!(receipts.proved(), None, "nothing was carried");
        receipts.carried(1);
        receipts.answered();
        receipts.polled();
        assert_eq!(receipts.proved(), None, "only the first");
        receipts.carried(1);
        assert_eq!(receipts.proved(), None, "carried is not proven");
        receipts.answered();
        receipts.polled();
        assert_eq!(receipts.proved(), Some(5));
        assert_eq!(receipts.proved(), None, "said once");
    }

    #[test]
    fn what_is_proven_already_needs_no_other_proof() {
        let mut receipts = after(1);
        receipts.carried(1);
        receipts.answered();
        receipts.polled();
        receipts.probe(9);
        assert_eq!(receipts.proved(), Some(9));
    }

    #[test]
    fn what_was_thrown_away_is_never_proven() {
        let mut receipts = after(1);
        receipts.carried(1);
        receipts.answered();
        receipts.polled();
        receipts.dropped();
        receipts.probe(1);
        receipts.sent(1);
        receipts.probe(2);
        assert_eq!((receipts.proved(), receipts.unproved()), (None, Some(1)));
        receipts.carried(1);
        receipts.answered();
        receipts.polled();
        assert_eq!((receipts.proved(), receipts.unproved()), (Some(2), None));
    }

    #[test]
    fn what_a_poll_that_comes_again_may_have_lost_is_never_proven() {
        let mut receipts = after(2);
        receipts.probe(1);
        receipts.carried(1);
        receipts.polled_again();
        assert_eq!(receipts.unproved(), None, "no answer was given yet");
        receipts.carried(1);
        receipts.sent(1);
        receipts.carried(1);
        receipts.answered();
        receipts.polled_again();
        receipts.polled_again();
        assert_eq!((receipts.proved(), receipts.unproved()), (None, Some(1)));
        receipts.polled();
        receipts.probe(2);
        assert_eq!(receipts.unproved(), Some(2), "the third was in it, too");
        receipts.sent(1);
        receipts.probe(3);
        receipts.carried(1);
        receipts.answered();
        receipts.polled();
        assert_eq!((receipts.proved(), receipts.unproved()), (Some(3), None));
    }

    #[test]
    fn a_ping_waits_until_all_before_it_is_carried() {
        let mut receipts = after(2);
        receipts.probe(1);
        receipts.carried(1);
        assert_eq!(receipts.ping(), None);
        receipts.carried(1);
        assert_eq!(receipts.ping(), Some(1));
        assert_eq!(receipts.ping(), None, "once");
        receipts.ponged(1);
        assert_eq!(receipts.proved(), Some(1));
    }

    #[test]
    fn a_later_pong_proves_the_earlier_probes() {
        let mut receipts = after(1);
        receipts.probe(1);
        receipts.sent(1);
        receipts.probe(2);
        receipts.carried(2);
        assert_eq!(receipts.ping(), Some(2));
        receipts.ponged(2);
        assert_eq!(receipts.proved(), Some(2));
    }

    #[test]
    fn a_pong_that_nobody_asked_for_proves_nothing() {
        let mut receipts = after(1);
        receipts.probe(1);
        receipts.ponged(1);
        assert_eq!(receipts.proved(), None, "no ping was sent");
        receipts.carried(1);
        assert_eq!(receipts.ping(), Some(1));
        receipts.ponged(u64::MAX);
        receipts.ponged(0);
        assert_eq!(receipts.proved(), None);
    }

    #[test]
    fn who_takes_nothing_is_sent_no_more() {
        let mut receipts = Receipts::default();
        assert!(receipts.has_room(usize::MAX / 2), "one, whatever its size");
        receipts.sent(WAITING_BYTES_MAX - 1);
        assert!(receipts.has_room(1));
        assert!(!receipts.has_room(2));
        receipts.carried(1);
        for _ in 0..WAITING_MAX {
            assert!(receipts.has_room(0));
            receipts.sent(0);
        }
        assert!(!receipts.has_room(0));
        receipts.carried(1);
        assert!(receipts.has_room(0));
    }

    #[test]
    fn probes_are_bounded_and_the_last_one_counts() {
        let mut receipts = after(1);
        for mark in 1..=100 {
            receipts.probe(mark);
        }
        assert_eq!(receipts.probes.len(), PROBES_MAX);
        receipts.carried(1);
        assert_eq!(receipts.ping(), Some(100));
        receipts.ponged(100);
        assert_eq!(receipts.proved(), Some(100));
    }
}
