//! The real clock, read at the edge and handed inwards as a [`Moment`].

use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use tokio::time::Duration;
use tokio::time::Instant;

use crate::broker::moment::Moment;

/// Both clocks of the process. Copies agree with each other.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
}

impl Clock {
    /// A steady clock that begins at 0 now.
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }

    /// What both clocks show.
    pub fn now(self) -> Moment {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Moment {
            steady_ms: whole_ms(self.started.elapsed()),
            epoch_ms: whole_ms(since_epoch),
        }
    }

    /// The instant of a time on the steady clock.
    pub fn instant(self, steady_ms: u64) -> Instant {
        self.started + Duration::from_millis(steady_ms)
    }
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
