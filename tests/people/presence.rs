//! Friends are told who comes on line and who has gone: at once, or after two seconds; nobody else, and nothing of a
//! reconnection.

use std::sync::Arc;

use hongyan::broker::command::Command;
use hongyan::broker::command::Reply;
use hongyan::broker::notice::Notice;
use hongyan::broker::sessions::Session;
use hongyan::broker::social::Social;

use crate::people::house::House;
use crate::people::house::key_of;
use crate::people::house::person;

/// Whom it was told of, and whether they are here.
fn seen(house: &House, session: &Arc<Session>) -> Vec<(String, bool)> {
    let notices = house.notices(session).into_iter();
    let seen = notices.map(|notice| match notice {
        Notice::Presence { person, online, .. } => (person.name.to_string(), online),
        other => panic!("not who is here: {other:?}"),
    });
    seen.collect()
}

fn news(name: &str, online: bool) -> Vec<(String, bool)> {
    vec![(name.to_owned(), online)]
}

fn is_online(house: &House, name: &str) -> bool {
    match house.ask(&person("bo"), Command::Online(key_of(name))) {
        Ok(Reply::Online { online, .. }) => online,
        other => panic!("{other:?}"),
    }
}

#[test]
fn friends_alone_are_told_on_all_their_sessions() {
    let house = House::new();
    house.befriend(&person("li"), &person("wu"));
    let [wu_1, wu_2, an] = ["wu", "wu", "an"].map(|name| house.open(&person(name)));
    let li = house.open(&person("li"));
    assert!(is_online(&house, "li"));
    for session in [&wu_1, &wu_2] {
        assert_eq!(seen(&house, session), news("li", true));
    }
    house.close(&li);
    assert!(!is_online(&house, "li"), "who asks is told at once");
    house.pass(1_999);
    assert_eq!(seen(&house, &wu_1), []);
    house.pass(1);
    for session in [&wu_1, &wu_2] {
        assert_eq!(seen(&house, session), news("li", false));
    }
    assert_eq!(seen(&house, &an), [], "no friend of li's");
    assert_eq!(house.broker.wake_at_ms(), None);
}

#[test]
fn a_reconnection_says_nothing() {
    let house = House::new();
    house.befriend(&person("li"), &person("wu"));
    let wu = house.open(&person("wu"));
    let mut li = house.open(&person("li"));
    assert_eq!(seen(&house, &wu), news("li", true));
    for _ in 0..20 {
        house.close(&li);
        house.pass(1_999);
        li = house.open(&person("li"));
        house.pass(1_000);
    }
    let second = house.open(&person("li"));
    house.close(&li);
    house.pass(60_000);
    assert_eq!(seen(&house, &wu), [], "another session is there");
    house.close(&second);
    house.pass(2_000);
    assert_eq!(seen(&house, &wu), news("li", false));
    house.open(&person("li"));
    assert_eq!(seen(&house, &wu), news("li", true));
}

#[test]
fn it_is_told_when_it_happened() {
    let house = House::new();
    house.befriend(&person("li"), &person("wu"));
    let wu = house.open(&person("wu"));
    let li = house.open(&person("li"));
    house.told(&wu);
    house.pass(100);
    let went_ms = house.now().epoch_ms;
    house.close(&li);
    house.pass(10_000);
    let told = house.notices(&wu);
    assert!(
        matches!(&told[..], [Notice::Presence { time_ms, .. }] if *time_ms == went_ms),
        "{told:?}"
    );
}

#[test]
fn who_became_a_friend_or_was_blocked_meanwhile_counts_as_it_is_now() {
    let house = House::new();
    let [li, wu, an] = ["li", "wu", "an"].map(person);
    house.befriend(&li, &wu);
    let of_li = house.open(&li);
    let (of_wu, of_an) = (house.open(&wu), house.open(&an));
    house
        .act(&li, Social::Block(key_of("wu")))
        .expect("blocked");
    house.befriend(&li, &an);
    for session in [&of_li, &of_wu, &of_an] {
        house.told(session);
    }
    house.close(&of_li);
    house.pass(2_000);
    assert_eq!(seen(&house, &of_an), news("li", false));
    assert_eq!(seen(&house, &of_wu), []);
}

#[test]
fn ending_an_old_session_never_takes_the_new_one_away() {
    let house = House::new();
    house.befriend(&person("li"), &person("wu"));
    let wu = house.open(&person("wu"));
    let old = house.open_on(&person("li"), Some("phone"));
    let new = house.open_on(&person("li"), Some("phone"));
    assert_eq!(seen(&house, &wu), news("li", true));
    // However often the old one's end is told, and whenever.
    for _ in 0..2 {
        house.close(&old);
        house.pass(5_000);
    }
    assert!(is_online(&house, "li"));
    assert_eq!(seen(&house, &wu), []);
    house.close(&new);
    assert!(!is_online(&house, "li"));
    house.close(&new);
    house.pass(2_000);
    assert_eq!(seen(&house, &wu), news("li", false));
}

#[test]
fn a_busy_store_is_asked_again_and_nothing_is_told_out_of_order() {
    let house = House::new();
    house.befriend(&person("li"), &person("wu"));
    house.befriend(&person("an"), &person("wu"));
    let wu = house.open(&person("wu"));
    house.store.be_busy(true);
    let li = house.open(&person("li"));
    house.close(&li);
    house.pass(2_000);
    house.store.be_busy(false);
    let _an = house.open(&person("an"));
    assert_eq!(seen(&house, &wu), [], "it waits for a place at the store");
    // Somebody's question is answered, so there is one.
    house.ask(&person("bo"), Command::Blocks).expect("nobody");
    let told = [news("li", true), news("li", false), news("an", true)];
    assert_eq!(seen(&house, &wu), told.concat());
}

#[test]
fn what_a_broken_store_can_not_tell_is_counted_and_the_rest_is_told() {
    let house = House::new();
    house.befriend(&person("li"), &person("wu"));
    let wu = house.open(&person("wu"));
    house.store.fail(true);
    let li = house.open(&person("li"));
    assert_eq!(house.broker.tally().notices_dropped.get(), 1);
    house.store.fail(false);
    house.close(&li);
    house.pass(2_000);
    assert_eq!(seen(&house, &wu), news("li", false));
}

#[test]
fn however_sessions_come_and_go_at_once_it_is_told_in_turn() {
    const THREADS: u64 = 4;
    const TIMES: u64 = 300;
    let house = House::new();
    house.befriend(&person("li"), &person("wu"));
    let wu = house.open(&person("wu"));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            let (broker, start) = (&house.broker, house.now());
            scope.spawn(move || {
                for turn in 0..TIMES {
                    let now = start.after_ms(turn * 3_000);
                    let session = broker.open(now, person("li"), None, None);
                    broker.close(now.after_ms(500), &session);
                    broker.woken(now.after_ms(2_600));
                }
            });
        }
    });
    house.pass(TIMES * 3_000 + 2_000);
    let told = seen(&house, &wu);
    assert!(told.len() >= 2);
    for (turn, (_, online)) in told.iter().enumerate() {
        assert_eq!(*online, turn % 2 == 0, "on and off in turn");
    }
    assert_eq!(told.last(), Some(&("li".to_owned(), false)));
    assert!(!is_online(&house, "li"));
}
