//! When a session is woken for what was put into its outbox: at once, or, while much is put into many outboxes, once for all
//! of it. A session that is woken for each thing alone writes each alone.

use std::cell::RefCell;
use std::sync::Arc;

use crate::broker::sessions::Session;

/// Things put into outboxes before those who wait for them are woken: some milliseconds.
const PUT_MAX: usize = 32 * 1024;

/// Things in one outbox for which its session is woken all the same: before it is full, and has to leave the rest to the store.
const WAITING_MAX: usize = 128;

/// Who is to be woken by this thread.
#[derive(Default)]
struct Waiting {
    sessions: Vec<Arc<Session>>,
    put: usize,
}

thread_local! {
    static WAITING: RefCell<Option<Waiting>> = const { RefCell::new(None) };
}

/// Runs `tell`, and wakes the sessions that it told something when it is done, however it ends; where it is much, now and then
/// before. For a store that has the answers to many requests at once.
pub fn together(tell: impl FnOnce()) {
    struct Ring;
    impl Drop for Ring {
        fn drop(&mut self) {
            wake(WAITING.take());
        }
    }
    WAITING.set(Some(Waiting::default()));
    let _ring = Ring;
    tell();
}

/// Something was put into the outbox of `session`, where so many things were before.
pub(super) fn ring(session: &Arc<Session>, before: usize) {
    WAITING.with_borrow_mut(|waiting| {
        let Some(late) = waiting else {
            return session.wake();
        };
        late.put += 1;
        match before {
            0 => late.sessions.push(Arc::clone(session)),
            // Whoever put the first has seen to it that the session is woken.
            1..WAITING_MAX => {}
            WAITING_MAX.. => session.wake(),
        }
        if late.put >= PUT_MAX {
            wake(waiting.replace(Waiting::default()));
        }
    });
}

fn wake(waiting: Option<Waiting>) {
    for session in waiting.into_iter().flat_map(|waiting| waiting.sessions) {
        session.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::panic::AssertUnwindSafe;
    use std::panic::catch_unwind;

    use futures_util::FutureExt;

    use super::*;
    use crate::broker::event::End;
    use crate::broker::event::Event;
    use crate::broker::sessions::Sessions;
    use crate::broker::users::Person;

    fn session() -> Arc<Session> {
        Sessions::default().open(Person::system(), None, None, || {})
    }

    fn is_woken(session: &Session) -> bool {
        session.rung().now_or_never().is_some()
    }

    fn put(session: &Arc<Session>, times: usize) {
        (0..times).for_each(|_| session.end(End::Stopping));
    }

    fn taken(session: &Session) -> Vec<Event> {
        let mut events = Vec::new();
        session.take(&mut events, usize::MAX);
        events
    }

    #[test]
    fn each_is_woken_once_when_all_is_told() {
        let (one, other, none) = (session(), session(), session());
        together(|| {
            put(&one, 2);
            put(&other, 1);
            put(&one, 1);
            assert!(!is_woken(&one) && !is_woken(&other), "not before");
        });
        assert!(is_woken(&one) && is_woken(&other) && !is_woken(&none));
        assert_eq!(taken(&one).len(), 3);
        assert!(!is_woken(&one), "all of it is one waking");
        put(&one, 1);
        assert!(is_woken(&one), "what is told alone wakes at once");
    }

    #[test]
    fn what_is_taken_meanwhile_is_told_of_again() {
        let one = session();
        together(|| {
            put(&one, 1);
            assert_eq!(taken(&one).len(), 1);
            put(&one, 1);
        });
        assert!(is_woken(&one));
        assert_eq!(taken(&one).len(), 1);
    }

    #[test]
    fn nobody_waits_for_ever_where_telling_fails() {
        let one = session();
        let told = catch_unwind(AssertUnwindSafe(|| {
            together(|| {
                put(&one, 1);
                panic!("on purpose");
            })
        }));
        assert!(told.is_err() && is_woken(&one));
        put(&one, 1);
        assert!(is_woken(&one), "and again at once");
    }

    #[test]
    fn much_wakes_before_the_end() {
        let one = session();
        together(|| {
            put(&one, WAITING_MAX);
            assert!(!is_woken(&one));
            put(&one, 1);
            assert!(is_woken(&one), "before its outbox is full");
        });
        let many: Vec<_> = (0..PUT_MAX / WAITING_MAX).map(|_| session()).collect();
        together(|| {
            many.iter().for_each(|one| put(one, WAITING_MAX));
            assert!(many.iter().all(|one| is_woken(one)));
        });
        assert!(many.iter().all(|one| !is_woken(one)), "once each");
    }
}
