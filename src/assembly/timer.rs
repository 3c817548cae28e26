//! Wakes the broker at the time it names.

use std::future::pending;
use std::sync::Arc;

use tokio::time::sleep_until;

use crate::broker::Broker;
use crate::gateways::clock::Clock;

/// Does so for ever.
pub(super) async fn wake(broker: Arc<Broker>, clock: Clock) {
    loop {
        let due = broker.wake_at_ms().map(|ms| clock.instant(ms));
        let due_has_come = async {
            match due {
                Some(instant) => sleep_until(instant).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = due_has_come => broker.woken(clock.now()),
            () = broker.rescheduled() => {}
        }
    }
}
