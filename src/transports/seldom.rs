//! What may be said in the log only now and then: each refused client is worth no line of its own, or a flood of them would
//! fill the disk.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::time::Instant;

/// How much lies between two lines.
const EVERY: Duration = Duration::from_secs(10);

/// Counts what happened since it was last said.
#[derive(Default)]
pub(super) struct Seldom(Mutex<State>);

#[derive(Default)]
struct State {
    said: Option<Instant>,
    happened: u64,
}

impl Seldom {
    /// It happened once more. How often since the last line, if it is time for one.
    pub(super) fn again(&self) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.happened += 1;
        let now = Instant::now();
        if state.said.is_some_and(|said| now < said + EVERY) {
            return None;
        }
        state.said = Some(now);
        Some(std::mem::take(&mut state.happened))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_one_line_in_ten_seconds() {
        let seldom = Seldom::default();
        assert_eq!(seldom.again(), Some(1));
        for _ in 0..1_000 {
            assert_eq!(seldom.again(), None);
        }
        tokio::time::advance(EVERY).await;
        assert_eq!(seldom.again(), Some(1_001));
    }
}
