//! Tokens that open nothing any more, in memory: logged out, or used up; the store has them too. Knows ids and times, no
//! users.

use std::collections::HashMap;

use crate::broker::ports::TokenId;

/// Below this many none are looked through for ended ones.
const PRUNED_FROM: usize = 1_024;

/// Most of them. Beyond, no token can be used up: this holds those of two minutes, or of all log-ins of a week.
const KEPT_MAX: usize = 1 << 20;

/// What became of a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Added {
    /// Whether it was not there before.
    pub(super) fresh: bool,
    /// Whether ended ones were dropped: those in the store may go as well.
    pub(super) pruned: bool,
}

/// The ids of revoked tokens.
pub(super) struct Revocations {
    /// With the time from which the token has ended anyway, seconds since the Unix epoch.
    until_s: HashMap<TokenId, u64>,
    /// How many there may be before ended ones are dropped: twice what was left the last time.
    prune_at: usize,
}

impl Revocations {
    /// Those the store kept. It does not say when they end, so they stay until the next start.
    pub(super) fn kept(ids: Vec<TokenId>) -> Self {
        let until_s: HashMap<_, _> = ids.into_iter().map(|id| (id, u64::MAX)).collect();
        let prune_at = PRUNED_FROM.max(until_s.len() * 2);
        Self { until_s, prune_at }
    }

    /// Adds one, and drops those that ended before `now_s` when there are many.
    pub(super) fn add(&mut self, now_s: u64, id: TokenId, expires_s: u64) -> Added {
        let pruned = self.until_s.len() >= self.prune_at;
        if pruned {
            self.until_s.retain(|_, until_s| *until_s > now_s);
            self.prune_at = PRUNED_FROM.max(self.until_s.len() * 2);
        }
        let fresh = self.until_s.insert(id, expires_s).is_none();
        Added { fresh, pruned }
    }

    /// Takes one back that the store could not keep.
    pub(super) fn remove(&mut self, id: &str) {
        self.until_s.remove(id);
    }

    /// Whether there are as many as there may be.
    pub(super) fn is_full(&self) -> bool {
        self.until_s.len() >= KEPT_MAX
    }

    /// Whether this one is revoked.
    pub(super) fn has(&self, id: &str) -> bool {
        self.until_s.contains_key(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ended_ones_are_dropped_and_others_stay() {
        let mut revoked = Revocations::kept(vec!["old".into()]);
        for n in 0..10 * PRUNED_FROM as u64 {
            let added = revoked.add(n, format!("t{n}"), n + 5);
            assert!(added.fresh);
            assert!(revoked.has(&format!("t{}", n.saturating_sub(4))));
        }
        assert!(revoked.until_s.len() <= PRUNED_FROM + 1);
        assert!(revoked.has("old"));
        let again = revoked.add(0, "old".into(), 5);
        assert!(!again.fresh);
        revoked.remove("old");
        assert!(!revoked.has("old"));
    }
}
