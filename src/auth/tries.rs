//! How often a password was guessed. Knows names and times, not whether the names exist: a lock must not tell.

use std::collections::HashMap;
use std::collections::VecDeque;

use crate::broker::moment::Moment;

/// Tries for one name within [`WINDOW_MS`] (CONTRACT section 2).
const TRIES_MAX: usize = 5;

/// How long a try counts: 15 minutes.
const WINDOW_MS: u64 = 15 * 60 * 1000;

/// Names remembered. Beyond, the name whose last try is the oldest is forgotten: the table must not grow with the
/// guesser's imagination, and forgetting a name this way costs the guesser that many slow log-ins.
const NAMES_MAX: usize = 10_000;

/// The log-ins under way and the wrong ones of the last [`WINDOW_MS`], by name.
#[derive(Default)]
pub(super) struct Tries {
    /// When each try was, in [`Moment::steady_ms`], oldest first. Never empty.
    of_name: HashMap<String, VecDeque<u64>>,
}

impl Tries {
    /// Counts a try, before its password is looked at, so that many at once are not more than many in a row. At the
    /// limit the try is refused and not counted; the error is the number of seconds, at least 1, until the oldest ends.
    pub(super) fn count(&mut self, now: Moment, name: &str) -> Result<(), u64> {
        if let Some(times) = self.of_name.get_mut(name) {
            while times.front().is_some_and(|&at| ended(now, at)) {
                times.pop_front();
            }
            if let Some(&oldest) = times.front()
                && times.len() >= TRIES_MAX
            {
                let left_ms = (oldest + WINDOW_MS).saturating_sub(now.steady_ms);
                return Err(left_ms.div_ceil(1000).max(1));
            }
            times.push_back(now.steady_ms);
            return Ok(());
        }
        if self.of_name.len() >= NAMES_MAX {
            self.forget_one(now);
        }
        self.of_name
            .insert(name.to_owned(), VecDeque::from([now.steady_ms]));
        Ok(())
    }

    /// The password was right: nothing counts against the name any more.
    pub(super) fn clear(&mut self, name: &str) {
        self.of_name.remove(name);
    }

    /// The newest try was no try: its password could not be looked at.
    pub(super) fn take_back(&mut self, name: &str) {
        if let Some(times) = self.of_name.get_mut(name) {
            times.pop_back();
            if times.is_empty() {
                self.of_name.remove(name);
            }
        }
    }

    /// Makes room. Looks at every name, which is nothing beside the hashing of the password that follows.
    fn forget_one(&mut self, now: Moment) {
        self.of_name
            .retain(|_, times| times.back().is_some_and(|&at| !ended(now, at)));
        if self.of_name.len() < NAMES_MAX {
            return;
        }
        let oldest = self.of_name.iter().min_by_key(|(_, times)| times.back());
        if let Some(name) = oldest.map(|(name, _)| name.clone()) {
            self.of_name.remove(&name);
        }
    }
}

fn ended(now: Moment, at_ms: u64) -> bool {
    at_ms.saturating_add(WINDOW_MS) <= now.steady_ms
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Moment = Moment {
        steady_ms: 1_000,
        epoch_ms: 1_700_000_000_000,
    };

    #[test]
    fn the_sixth_try_waits_until_the_oldest_ends() {
        let mut tries = Tries::default();
        for minute in 0..5 {
            let now = START.after_ms(minute * 60_000);
            assert_eq!(tries.count(now, "li"), Ok(()));
        }
        assert_eq!(tries.count(START.after_ms(5 * 60_000), "li"), Err(600));
        assert_eq!(tries.count(START.after_ms(WINDOW_MS - 1), "li"), Err(1));
        // Refused tries do not count: only the first has ended, so there is room for one.
        assert_eq!(tries.count(START.after_ms(WINDOW_MS), "li"), Ok(()));
        assert_eq!(tries.count(START.after_ms(WINDOW_MS), "li"), Err(60));
        assert_eq!(tries.count(START, "wu"), Ok(()), "another name is free");
    }

    #[test]
    fn a_success_clears_the_count() {
        let mut tries = Tries::default();
        for _ in 0..5 {
            assert_eq!(tries.count(START, "li"), Ok(()));
        }
        tries.clear("li");
        assert_eq!(tries.count(START, "li"), Ok(()));
    }

    #[test]
    fn a_try_taken_back_does_not_count() {
        let mut tries = Tries::default();
        for _ in 0..20 {
            assert_eq!(tries.count(START, "li"), Ok(()));
            tries.take_back("li");
        }
        assert!(tries.of_name.is_empty());
    }

    #[test]
    fn the_table_forgets_the_oldest_name() {
        let mut tries = Tries::default();
        for n in 0..NAMES_MAX as u64 {
            assert_eq!(tries.count(START.after_ms(n), &format!("n{n}")), Ok(()));
        }
        let later = START.after_ms(NAMES_MAX as u64);
        assert_eq!(tries.count(later, "one more"), Ok(()));
        assert_eq!(tries.of_name.len(), NAMES_MAX);
        assert!(!tries.of_name.contains_key("n0"));
        assert!(tries.of_name.contains_key("n1"));

        let all_ended = later.after_ms(WINDOW_MS);
        assert_eq!(tries.count(all_ended, "alone"), Ok(()));
        assert_eq!(tries.of_name.len(), 1);
    }
}
