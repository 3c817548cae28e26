//! Tokens that were logged out, in memory; the store has them too. Knows ids and times, no users.

use std::collections::HashMap;

use crate::broker::ports::TokenId;

/// Below this many none are looked through for ended ones.
const PRUNED_FROM: usize = 1_024;

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
    pub(super) fn add(&mut self, now_s: u64, id: TokenId, expires_s: u64) {
        if self.until_s.len() >= self.prune_at {
            self.until_s.retain(|_, until_s| *until_s > now_s);
            self.prune_at = PRUNED_FROM.max(self.until_s.len() * 2);
        }
        self.until_s.insert(id, expires_s);
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
            revoked.add(n, format!("t{n}"), n + 5);
            assert!(revoked.has(&format!("t{}", n.saturating_sub(4))));
        }
        assert!(revoked.until_s.len() <= PRUNED_FROM + 1);
        assert!(revoked.has("old"));
    }
}
