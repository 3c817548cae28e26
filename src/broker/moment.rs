//! What time it is, as an argument: the broker and the protocol machines never ask a clock.

/// One reading of both clocks. Tests make their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Milliseconds on a clock that never goes back: for deadlines, heart-beats and rates.
    pub steady_ms: u64,
    /// Milliseconds since the Unix epoch: for what people and tokens see.
    pub epoch_ms: u64,
}

impl Moment {
    /// The same moment, `ms` later on both clocks.
    #[must_use]
    pub fn after_ms(self, ms: u64) -> Self {
        Self {
            steady_ms: self.steady_ms.saturating_add(ms),
            epoch_ms: self.epoch_ms.saturating_add(ms),
        }
    }
}
