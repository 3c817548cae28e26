//! One session a user where sessions have a device (seed 002): the newest takes the place of the one before.

use std::sync::Arc;
use std::sync::Barrier;

use hongyan::broker::event::End;
use hongyan::broker::event::Event;
use hongyan::broker::sessions::Session;

use crate::people::house::House;
use crate::people::house::person;
use crate::people::house::words;

/// How it was ended, if it was.
fn ends(house: &House, session: &Arc<Session>) -> Vec<End> {
    let events = house.told(session).into_iter();
    let ends = events.filter_map(|event| match event {
        Event::Ended(end) => Some(end),
        _ => None,
    });
    ends.collect()
}

#[test]
fn a_session_with_a_device_takes_the_place_of_the_others_that_have_one() {
    let house = House::new();
    let (li, wu) = (person("li"), person("wu"));
    let plain = house.open(&li);
    let of_wu = house.open_on(&wu, Some("phone"));
    let phone = house.open_on(&li, Some("phone"));
    assert_eq!(ends(&house, &phone), []);
    let tablet = house.open_on(&li, Some("tablet"));
    let other_device = End::Displaced { other_device: true };
    assert_eq!(ends(&house, &phone), [other_device]);
    let again = house.open_on(&li, Some("tablet"));
    let same_device = End::Displaced {
        other_device: false,
    };
    assert_eq!(ends(&house, &tablet), [same_device]);
    let second_plain = house.open(&li);
    for session in [&plain, &of_wu, &again, &second_plain] {
        assert_eq!(ends(&house, session), [], "{:?}", session.device);
    }

    house.send(&wu, words(&li, "hello")).expect("sent");
    for session in [&plain, &again, &second_plain] {
        assert_eq!(house.pushed(session), ["hello"]);
    }
    for session in [&phone, &tablet] {
        assert_eq!(house.told(session), [], "nothing follows the end");
    }
}

#[test]
fn of_many_that_come_at_once_one_is_left() {
    const MANY: usize = 16;
    let house = House::new();
    let li = person("li");
    let start = Barrier::new(MANY);
    let sessions: Vec<Arc<Session>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..MANY)
            .map(|number| {
                let (broker, now, li, start) = (&house.broker, house.now(), &li, &start);
                scope.spawn(move || {
                    start.wait();
                    broker.open(now, li.clone(), None, Some(format!("device {number}")))
                })
            })
            .collect();
        let opened = threads.into_iter().map(|thread| thread.join());
        opened.map(|session| session.expect("no panic")).collect()
    });
    let ended: Vec<usize> = sessions
        .iter()
        .map(|session| ends(&house, session).len())
        .collect();
    assert_eq!(ended.iter().sum::<usize>(), MANY - 1, "{ended:?}");
    assert!(ended.iter().all(|ends| *ends <= 1), "{ended:?}");
    let left = ended.iter().position(|ends| *ends == 0).expect("one");
    for (number, session) in sessions.iter().enumerate() {
        if number != left {
            house.close(session);
        }
    }
    assert!(house.broker.is_online(li.uid));
    house.close(&sessions[left]);
    assert!(!house.broker.is_online(li.uid));
}
