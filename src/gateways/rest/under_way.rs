//! How many calls of a user are under way at a time, from the first byte of the body to the last of the answer: a client may
//! take its time with both, and they are in memory meanwhile.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::Weak;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::broker::users::Uid;
use crate::gateways::rest::answer::Answer;
use crate::gateways::rest::answer::Refused;

/// Calls of a user at a time: more than the browsers of some devices make, and 80 MiB of pictures at most.
const CALLS_MAX: usize = 16;

/// How long a call waits for one of the others to end.
const PLACE_WITHIN: Duration = Duration::from_secs(10);

/// Users remembered before those are forgotten who have no call under way.
const USERS_MIN: usize = 1_024;

/// The calls under way, by user.
#[derive(Default)]
pub(super) struct UnderWay(Mutex<Users>);

#[derive(Default)]
struct Users {
    places: HashMap<Uid, Weak<Semaphore>>,
    forget_at: usize,
}

/// The right to one call. Dropped, it goes to the next.
pub(super) struct Place(OwnedSemaphorePermit);

impl UnderWay {
    /// A place for a call of this user, as soon as there is one. Errors: 429 where there is none in time.
    pub(super) async fn place(&self, uid: Uid) -> Result<Place, Refused> {
        let places = self.places(uid);
        match timeout(PLACE_WITHIN, places.acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Place(permit)),
            // Nobody closes it.
            Ok(Err(_)) | Err(_) => Err(Refused::too_many(format!(
                "{CALLS_MAX} of your calls are under way; end them, or read their answers, and try again"
            ))),
        }
    }

    fn places(&self, uid: Uid) -> Arc<Semaphore> {
        let mut users = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = users.places.get(&uid).and_then(Weak::upgrade) {
            return places;
        }
        if users.places.len() >= users.forget_at.max(USERS_MIN) {
            users.places.retain(|_, places| places.strong_count() > 0);
            users.forget_at = 2 * users.places.len();
        }
        let places = Arc::new(Semaphore::new(CALLS_MAX));
        users.places.insert(uid, Arc::downgrade(&places));
        places
    }
}

impl Place {
    /// Keeps the place until the answer's body is written, or its connection is gone.
    pub(super) fn until_written(self, answer: Answer) -> Answer {
        answer.map(|bytes| {
            Bytes::from_owner(Held {
                bytes,
                _place: self.0,
            })
        })
    }
}

/// A body with its place.
struct Held {
    bytes: Bytes,
    _place: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uid(number: u64) -> Uid {
        Uid::new(number).expect("a uid")
    }

    #[tokio::test(start_paused = true)]
    async fn a_user_has_so_many_calls_until_their_answers_are_gone() {
        let under_way = UnderWay::default();
        let mut answers = Vec::new();
        for _ in 0..CALLS_MAX {
            let place = under_way.place(uid(1)).await.expect("a place");
            answers.push(place.until_written(Answer::new(Bytes::from_static(b"x"))));
        }
        let refused = under_way.place(uid(1)).await.err();
        assert_eq!(refused.expect("none is left").code, 429);
        assert!(under_way.place(uid(2)).await.is_ok(), "another's");
        assert_eq!(answers[0].body().as_ref(), b"x");
        answers.pop();
        assert!(under_way.place(uid(1)).await.is_ok());
    }

    #[tokio::test]
    async fn who_has_no_call_is_forgotten() {
        let under_way = UnderWay::default();
        let kept = under_way.place(uid(1)).await.expect("a place");
        for number in 2..4 * USERS_MIN as u64 {
            drop(under_way.place(uid(number)).await);
        }
        let users = under_way.0.lock().expect("no panic");
        assert!(users.places.len() <= USERS_MIN);
        assert!(users.places.contains_key(&uid(1)));
        drop(kept);
    }
}
