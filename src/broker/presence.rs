//! Who was last told to be here, and who has been away long enough to tell that too. Pure: knows neither sessions nor the
//! store, and time is an argument.
//!
//! ```text
//!               a first session: tell "on line"             the last session ends
//!   Off line ─────────────────────────────────▶ On line ─────────────────────────▶ Leaving
//!      ▲                                           ▲                                │   │
//!      │                                           └───── a session: say nothing ───┘   │
//!      └───────────────────────── PRESENCE_QUIET_MS have passed: tell "off line" ───────┘
//! ```
//!
//! So a reconnection within that time says nothing, and nobody is told the same twice in a row.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::VecDeque;

use crate::broker::limits::PRESENCE_LEAVING_MAX;
use crate::broker::limits::PRESENCE_NEWS_MAX;
use crate::broker::limits::PRESENCE_QUIET_MS;
use crate::broker::moment::Moment;
use crate::broker::users::Person;
use crate::broker::users::Uid;

/// What friends are to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct News {
    pub(super) person: Person,
    pub(super) online: bool,
    /// When it happened, milliseconds since the Unix epoch.
    pub(super) time_ms: u64,
}

/// What becomes of a piece of news. One at a time, so that they are told in order; and whoever began goes on where the store
/// answers at once, so that answers do not pile up on a stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Telling {
    /// Nothing is being told.
    #[default]
    Nothing,
    /// The store is being asked whom to tell.
    Asking,
    /// It has answered before the question was over.
    Answered,
    /// It was asked, and its answer is to come.
    Asked,
}

/// All users who are not off line, and the news not yet told.
#[derive(Debug, Default)]
pub(super) struct Presence {
    /// Until when, on the steady clock, a user who is leaving may come back unnoticed; none for who is here.
    known: HashMap<Uid, Option<u64>>,
    leaving: BTreeMap<(u64, Uid), News>,
    news: VecDeque<News>,
    telling: Telling,
    /// News for which there was no room.
    lost: u64,
}

impl Presence {
    /// A user who had no session has one.
    pub(super) fn came(&mut self, now: Moment, person: &Person) {
        match self.known.insert(person.uid, None) {
            Some(Some(until_ms)) => {
                self.leaving.remove(&(until_ms, person.uid));
            }
            Some(None) => {}
            None => self.tell(News {
                person: person.clone(),
                online: true,
                time_ms: now.epoch_ms,
            }),
        }
    }

    /// A user's last session has ended.
    pub(super) fn went(&mut self, now: Moment, person: &Person) {
        if self.leaving.len() >= PRESENCE_LEAVING_MAX
            && let Some((key, news)) = self.leaving.pop_first()
        {
            self.off(key.1, news);
        }
        let until_ms = now.steady_ms.saturating_add(PRESENCE_QUIET_MS);
        self.known.insert(person.uid, Some(until_ms));
        let news = News {
            person: person.clone(),
            online: false,
            time_ms: now.epoch_ms,
        };
        self.leaving.insert((until_ms, person.uid), news);
    }

    /// When [`Self::woken`] has something to do, on the steady clock.
    pub(super) fn wake_at_ms(&self) -> Option<u64> {
        let ((until_ms, _), _) = self.leaving.first_key_value()?;
        Some(*until_ms)
    }

    /// Time has passed.
    pub(super) fn woken(&mut self, now: Moment) {
        while let Some(first) = self.leaving.first_entry() {
            if first.key().0 > now.steady_ms {
                return;
            }
            let ((_, uid), news) = first.remove_entry();
            self.off(uid, news);
        }
    }

    /// The next piece of news, if none is being told. Then the store is asked whom to tell, and [`Self::asked`] follows when
    /// that is done, and [`Self::told`] when it has answered, in either order.
    pub(super) fn next(&mut self) -> Option<News> {
        if self.telling != Telling::Nothing {
            return None;
        }
        let news = self.news.pop_front()?;
        self.telling = Telling::Asking;
        Some(news)
    }

    /// The store was asked; whether it has answered already, so that whoever asked is to go on.
    #[must_use]
    pub(super) fn asked(&mut self) -> bool {
        let answered = self.telling == Telling::Answered;
        self.telling = match answered {
            true => Telling::Nothing,
            false => Telling::Asked,
        };
        answered
    }

    /// The news that [`Self::next`] gave was told, or may be tried again; whether whoever tells this is to go on.
    #[must_use]
    pub(super) fn told(&mut self) -> bool {
        let was_asked = self.telling == Telling::Asked;
        self.telling = match was_asked {
            true => Telling::Nothing,
            false => Telling::Answered,
        };
        was_asked
    }

    /// The news that [`Self::next`] gave could not be told now. Nothing else is, until [`Self::told`].
    pub(super) fn untold(&mut self, news: News) {
        self.news.push_front(news);
    }

    /// How many pieces of news were lost since this was asked last.
    pub(super) fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    fn off(&mut self, uid: Uid, news: News) {
        self.known.remove(&uid);
        self.tell(news);
    }

    fn tell(&mut self, news: News) {
        if self.news.len() >= PRESENCE_NEWS_MAX {
            self.lost += 1;
            return;
        }
        self.news.push_back(news);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn user(number: u64) -> Person {
        Person {
            uid: Uid::new(number).expect("a uid"),
            name: format!("u{number}").into(),
        }
    }

    fn at(ms: u64) -> Moment {
        Moment::default().after_ms(ms)
    }

    /// What is to be told now: who, whether here, and since when.
    fn told(presence: &mut Presence) -> Vec<(u64, bool, u64)> {
        let mut all = Vec::new();
        while let Some(news) = presence.next() {
            assert!(!presence.told(), "whoever asked goes on");
            assert!(presence.asked());
            all.push((news.person.uid.get(), news.online, news.time_ms));
        }
        all
    }

    #[test]
    fn on_line_is_told_at_once_and_off_line_after_the_quiet_time() {
        let mut presence = Presence::default();
        presence.came(at(10), &user(1));
        assert_eq!(told(&mut presence), [(1, true, 10)]);
        assert_eq!(presence.wake_at_ms(), None);
        presence.went(at(100), &user(1));
        assert_eq!(told(&mut presence), []);
        assert_eq!(presence.wake_at_ms(), Some(100 + PRESENCE_QUIET_MS));
        presence.woken(at(99 + PRESENCE_QUIET_MS));
        assert_eq!(told(&mut presence), []);
        presence.woken(at(100 + PRESENCE_QUIET_MS));
        assert_eq!(told(&mut presence), [(1, false, 100)]);
        assert_eq!(presence.wake_at_ms(), None);
        presence.came(at(5_000), &user(1));
        assert_eq!(told(&mut presence), [(1, true, 5_000)]);
    }

    #[test]
    fn who_comes_back_in_time_says_nothing_however_often() {
        let mut presence = Presence::default();
        presence.came(at(0), &user(1));
        assert_eq!(told(&mut presence).len(), 1);
        for turn in 1..=100 {
            presence.went(at(turn * 1_000), &user(1));
            presence.came(at(turn * 1_000 + PRESENCE_QUIET_MS - 1), &user(1));
            presence.woken(at(turn * 1_000 + PRESENCE_QUIET_MS));
        }
        assert_eq!(told(&mut presence), []);
        assert_eq!(presence.wake_at_ms(), None, "nothing is left behind");
    }

    #[test]
    fn news_are_told_one_at_a_time_and_kept_when_they_can_not_be() {
        let mut presence = Presence::default();
        presence.came(at(0), &user(1));
        presence.came(at(0), &user(2));
        let first = presence.next().expect("news");
        assert_eq!(presence.next(), None, "one at a time");
        presence.untold(first.clone());
        assert!(!presence.asked(), "the answer is to come");
        assert_eq!(presence.next(), None, "nothing overtakes it");
        assert!(presence.told(), "whoever has the answer goes on");
        assert_eq!(presence.next(), Some(first));
        assert!(!presence.asked());
        assert!(presence.told());
        assert_eq!(told(&mut presence), [(2, true, 0)]);
    }

    #[test]
    fn at_the_bounds_who_left_first_is_told_early_and_news_are_lost_and_counted() {
        let mut presence = Presence::default();
        let many = PRESENCE_LEAVING_MAX as u64;
        for number in 1..=many + 1 {
            presence.came(at(0), &user(number));
            presence.went(at(number), &user(number));
            if number <= many {
                assert_eq!(told(&mut presence), [(number, true, 0)]);
            }
        }
        assert_eq!(
            told(&mut presence),
            [(many + 1, true, 0), (1, false, 1)],
            "1 could not wait any longer"
        );
        for number in 1..=PRESENCE_NEWS_MAX as u64 + 3 {
            presence.came(at(9), &user(2 * many + number));
        }
        assert_eq!(presence.take_lost(), 3);
        assert_eq!(presence.take_lost(), 0);
        assert_eq!(told(&mut presence).len(), PRESENCE_NEWS_MAX);
    }

    proptest! {
        /// Three users come and go, each step some time after the one before.
        #[test]
        fn nobody_is_told_the_same_twice_and_in_the_end_all_is_as_told(
            steps in prop::collection::vec((1..4_u64, 0..2_500_u64), 0..80),
        ) {
            let mut presence = Presence::default();
            let mut now = at(0);
            let mut here = [false; 4];
            let mut believed = [false; 4];
            let mut learn = |presence: &mut Presence| {
                for (number, online, _) in told(presence) {
                    let before = std::mem::replace(&mut believed[number as usize], online);
                    assert_ne!(before, online, "{number} was told so");
                }
                believed
            };
            for (number, ms) in steps {
                now = now.after_ms(ms);
                presence.woken(now);
                let is_here = &mut here[number as usize];
                *is_here = !*is_here;
                match *is_here {
                    true => presence.came(now, &user(number)),
                    false => presence.went(now, &user(number)),
                }
                let believed = learn(&mut presence);
                for number in 1..4 {
                    prop_assert!(believed[number] || !here[number], "on line is told at once");
                }
            }
            presence.woken(now.after_ms(PRESENCE_QUIET_MS));
            prop_assert_eq!(learn(&mut presence), here);
            prop_assert_eq!(presence.wake_at_ms(), None);
        }
    }
}
