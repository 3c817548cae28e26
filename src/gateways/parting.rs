//! How a connection ends: what is said to whom, and who closes first.

use std::time::Duration;

use tokio::time::timeout;

use crate::gateways::Farewell;
use crate::transports::Link;
use crate::transports::Lost;

/// How long a client that has taken its leave may take to close the connection. One that gets our close together with the
/// RECEIPT for its DISCONNECT may take it for a failure (Krossbow does, while it is subscribed to anything).
const LEAVE_WITHIN: Duration = Duration::from_secs(1);

/// Says good-bye, to who `is_leaving` not before that one had time to.
pub(super) async fn part<L: Link>(mut link: L, farewell: Farewell, is_leaving: bool) {
    if is_leaving {
        let leaves = async { while link.hear().await.is_ok() {} };
        let _ = timeout(LEAVE_WITHIN, leaves).await;
    }
    link.close(farewell.code, farewell.reason).await;
}

/// What to say when a connection is lost: nothing, unless it still can be heard.
pub(super) fn parting(lost: Lost) -> Option<Farewell> {
    match lost {
        Lost::Gone | Lost::Stalled => None,
        Lost::TooLarge(_) | Lost::TooManyFragments(_) => Some(Farewell {
            code: 1009,
            reason: "message too large",
        }),
        Lost::Malformed => Some(Farewell {
            code: 1002,
            reason: "malformed message",
        }),
        Lost::NotUtf8 => Some(Farewell {
            code: 1007,
            reason: "text that is not UTF-8",
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::time::Instant;

    use super::*;
    use crate::transports::Heard;

    /// A client that says something after each of these delays, the last first, and then closes the connection.
    struct Client<'a> {
        delays: Vec<Duration>,
        closed_after: &'a Mutex<Option<Duration>>,
        since: Instant,
    }

    impl Link for Client<'_> {
        async fn hear(&mut self) -> Result<Heard, Lost> {
            match self.delays.pop() {
                Some(delay) => tokio::time::sleep(delay).await,
                None => return Err(Lost::Gone),
            }
            Ok(Heard::Proved(1))
        }

        fn say(&mut self, _: String) -> Result<(), Lost> {
            unreachable!("all was said before")
        }

        fn say_bytes(&mut self, _: Vec<u8>) -> Result<(), Lost> {
            unreachable!("all was said before")
        }

        fn probe(&mut self, _: u64) -> Result<(), Lost> {
            unreachable!("all was said before")
        }

        async fn flush(&mut self) -> Result<(), Lost> {
            unreachable!("all was said before")
        }

        async fn close(self, code: u16, _: &str) {
            assert_eq!(code, 1000);
            *self.closed_after.lock().expect("whole") = Some(self.since.elapsed());
        }
    }

    async fn closed_after(delays: &[Duration], is_leaving: bool) -> Duration {
        let closed_after = Mutex::new(None);
        let client = Client {
            delays: delays.to_vec(),
            closed_after: &closed_after,
            since: Instant::now(),
        };
        let farewell = Farewell {
            code: 1000,
            reason: "",
        };
        part(client, farewell, is_leaving).await;
        closed_after.into_inner().expect("whole").expect("closed")
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_leave_closes_first_in_a_moment() {
        let (soon, never) = (Duration::from_millis(10), Duration::from_secs(3600));
        assert_eq!(closed_after(&[soon, soon], true).await, 2 * soon);
        assert_eq!(closed_after(&[never, soon], true).await, LEAVE_WITHIN);
        assert_eq!(closed_after(&[never], false).await, Duration::ZERO);
    }
}
