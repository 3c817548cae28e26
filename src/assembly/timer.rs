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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::limits::Limits;
    use crate::broker::moment::Moment;
    use crate::broker::ports::AddedUser;
    use crate::broker::ports::Store;
    use crate::broker::ports::outcome;
    use crate::stores::memory::MemoryStore;

    #[tokio::test(start_paused = true)]
    async fn the_broker_is_woken_when_it_names_a_time_later_than_the_beginning() {
        let store = Arc::new(MemoryStore::new());
        let (done, added) = outcome();
        store.add_user("li".to_owned(), None, 1, done);
        let AddedUser::New(li) = added.await.expect("kept") else {
            panic!("the only user");
        };
        let broker = Broker::new(store, Limits::default());
        let clock = Clock::start();
        let task = tokio::spawn(wake(Arc::clone(&broker), clock));
        // It has nothing to wait for yet.
        tokio::task::yield_now().await;
        let session = broker.open(Moment::default(), li, None, None);
        broker.close(clock.now(), &session);
        let due_ms = broker.wake_at_ms().expect("friends are to be told");
        // The clock jumps from one timer to the next: to this one only when the task's is behind it.
        sleep_until(clock.instant(due_ms + 1)).await;
        assert_eq!(broker.wake_at_ms(), None, "it was woken");
        task.abort();
    }
}
