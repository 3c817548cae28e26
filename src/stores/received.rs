//! What one member of a conversation has received: a cursor, and the runs put aside beyond a gap.
//!
//! Own messages count as received from the start, so what waits is simply what is missing here, and one message that
//! is never confirmed costs one run, however much follows it.

use std::collections::BTreeMap;

/// A set of seqs: everything from 1 through the cursor, and runs beyond it that touch neither the cursor nor each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Received {
    through: u64,
    runs: BTreeMap<u64, u64>,
}

impl Received {
    /// The set as it was kept.
    pub(super) fn new(through: u64, runs: BTreeMap<u64, u64>) -> Self {
        Self { through, runs }
    }

    /// The cursor: nothing up to and with it waits.
    pub(super) fn through(&self) -> u64 {
        self.through
    }

    /// The last seq of the run that begins at `first`.
    pub(super) fn run(&self, first: u64) -> Option<u64> {
        self.runs.get(&first).copied()
    }

    /// How many runs lie beyond the cursor.
    pub(super) fn runs(&self) -> usize {
        self.runs.len()
    }

    /// Whether `seq` was received.
    pub(super) fn contains(&self, seq: u64) -> bool {
        seq <= self.through || self.run_before(seq).is_some_and(|(_, last)| last >= seq)
    }

    /// Adds `first` through `last`. `changed` hears the first seq of every run that came, went or grew.
    pub(super) fn add(&mut self, first: u64, last: u64, mut changed: impl FnMut(u64)) {
        let (mut first, mut last) = (first, last);
        if last <= self.through {
            return;
        }
        if let Some((run_first, run_last)) = self.run_before(first)
            && run_last + 1 >= first
        {
            if run_last >= last {
                return;
            }
            first = run_first;
        }
        while let Some((&run_first, &run_last)) = self.runs.range(first..=last + 1).next() {
            self.runs.remove(&run_first);
            changed(run_first);
            last = last.max(run_last);
        }
        if first <= self.through + 1 {
            self.through = last;
        } else {
            self.runs.insert(first, last);
            changed(first);
        }
    }

    /// The first gap at or after `from`, cut at `last`: what waits there, as first and last seq.
    pub(super) fn gap(&self, from: u64, last: u64) -> Option<(u64, u64)> {
        let mut first = from.max(self.through + 1);
        if let Some((_, run_last)) = self.run_before(first)
            && run_last >= first
        {
            first = run_last + 1;
        }
        let next_run = self.runs.range(first..).next();
        let gap_last = next_run.map_or(last, |(run_first, _)| last.min(run_first - 1));
        (first <= gap_last).then_some((first, gap_last))
    }

    /// All gaps from `from` to `last`, in order.
    pub(super) fn gaps(&self, from: u64, last: u64) -> impl Iterator<Item = (u64, u64)> {
        let mut from = from;
        std::iter::from_fn(move || {
            let gap = self.gap(from, last)?;
            from = gap.1 + 1;
            Some(gap)
        })
    }

    /// How many of a conversation of `last` messages wait.
    pub(super) fn waiting(&self, last: u64) -> u64 {
        let aside: u64 = self.runs.iter().map(|(first, last)| last - first + 1).sum();
        last.saturating_sub(self.through + aside)
    }

    fn run_before(&self, seq: u64) -> Option<(u64, u64)> {
        let (first, last) = self.runs.range(..=seq).next_back()?;
        Some((*first, *last))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_run_waits_for_its_gap_and_then_joins_the_cursor() {
        let mut received = Received::default();
        received.add(3, 3, |_| ());
        received.add(2, 2, |_| ());
        assert_eq!((received.through(), received.run(2)), (0, Some(3)));
        assert_eq!(received.gap(1, 9), Some((1, 1)));
        assert_eq!(received.waiting(9), 7);
        received.add(1, 1, |_| ());
        assert_eq!((received.through(), received.runs()), (3, 0));
    }

    proptest! {
        #[test]
        fn it_is_a_set_and_tells_every_change(adds in prop::collection::vec((1..60u64, 0..4u64), 0..60)) {
            let mut received = Received::default();
            let mut plain = BTreeSet::new();
            let mut kept = BTreeMap::new();
            for (first, more) in adds {
                let mut told = Vec::new();
                received.add(first, first + more, |run| told.push(run));
                plain.extend(first..=first + more);
                for run in told {
                    match received.run(run) {
                        Some(last) => kept.insert(run, last),
                        None => kept.remove(&run),
                    };
                }
            }
            prop_assert_eq!(&kept, &received.runs);
            for seq in 1..70 {
                prop_assert_eq!(received.contains(seq), plain.contains(&seq));
            }
            let missing: Vec<u64> = received.gaps(1, 70).flat_map(|(first, last)| first..=last).collect();
            let expected: Vec<u64> = (1..=70).filter(|seq| !plain.contains(seq)).collect();
            prop_assert_eq!(received.waiting(70), expected.len() as u64);
            prop_assert_eq!(missing, expected);
            let mut last_end = received.through();
            for (&first, &last) in &received.runs {
                prop_assert!(first > last_end + 1 && last >= first);
                last_end = last;
            }
        }
    }
}
