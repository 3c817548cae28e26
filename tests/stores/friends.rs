//! What every store promises of friends, requests and blocks, of orders and places, a question each.

use hongyan::broker::friends::{FriendRequest, Friends, RequestId};
use hongyan::broker::orders::{Location, OrderId};
use hongyan::broker::ports::NewMessage;
use hongyan::broker::refusal::Refusal;
use hongyan::broker::social::{Changed, Social};
use hongyan::broker::users::{Uid, UserKey};

use crate::asker::{Asker, key, new_message, person, states, uid};

fn ask(to: u64) -> Social {
    Social::AskFriend {
        to: key(to),
        words: "hello".to_owned(),
    }
}

fn request(id: u64, from: u64, to: u64) -> FriendRequest {
    FriendRequest {
        id: RequestId(id),
        from: person(from),
        to: person(to),
        words: "hello".to_owned(),
        time_ms: 3000,
    }
}

fn answer(id: u64, accept: bool) -> Social {
    let request = RequestId(id);
    Social::AnswerFriend { request, accept }
}

fn friends(asker: &Asker, of: u64) -> Friends {
    asker.ask(|store, done| store.friends(uid(of), done))
}

fn are_friends(asker: &Asker, one: u64, other: u64) -> bool {
    let ask = |one, other| asker.ask(|store, done| store.are_friends(uid(one), uid(other), done));
    assert_eq!(ask(one, other), ask(other, one));
    ask(one, other)
}

fn blocks(asker: &Asker, of: u64) -> Vec<u64> {
    let blocked = asker.ask(|store, done| store.blocks(uid(of), done));
    blocked.iter().map(|person| person.uid.get()).collect()
}

fn for_friends(sender: u64, receiver: u64, name: u64) -> NewMessage {
    NewMessage {
        friends_only: true,
        ..new_message(sender, receiver, name, "hello")
    }
}

pub fn a_request_stands_until_it_is_answered(asker: &Asker) {
    asker.with_users(3);
    let asked = |fresh| Changed::Asked {
        request: Box::new(request(1, 1, 2)),
        fresh,
    };
    assert_eq!(asker.social(1, ask(2)), asked(true));
    assert_eq!(asker.social(1, ask(2)), asked(false));
    let by_name = Social::AskFriend {
        to: UserKey::Name("u2".to_owned()),
        words: "other words".to_owned(),
    };
    assert_eq!(asker.social(1, by_name), asked(false));
    assert_eq!(friends(asker, 1).asking, [request(1, 1, 2)]);
    assert_eq!(friends(asker, 2).asked, [request(1, 1, 2)]);
    for by in [1, 3] {
        let refused = asker.refused(by, answer(1, true));
        assert_eq!(refused, Refusal::NoSuchRequest);
    }
    assert_eq!(asker.refused(2, answer(9, true)), Refusal::NoSuchRequest);
    for fresh in [true, false] {
        let answered = Changed::Answered {
            request: Box::new(request(1, 1, 2)),
            accepted: true,
            fresh,
        };
        assert_eq!(asker.social(2, answer(1, true)), answered);
    }
    assert_eq!(
        asker.refused(2, answer(1, false)),
        Refusal::AnsweredOtherwise
    );
    assert_eq!(asker.refused(1, ask(2)), Refusal::FriendsAlready);
    let of = |other| Friends {
        friends: vec![person(other)],
        ..Friends::default()
    };
    assert_eq!((friends(asker, 1), friends(asker, 2)), (of(2), of(1)));
    assert!(are_friends(asker, 1, 2) && !are_friends(asker, 1, 3));
    assert_eq!(asker.counts().friendships, 1);
}

pub fn a_no_can_be_asked_again(asker: &Asker) {
    asker.with_users(2);
    asker.social(1, ask(2));
    let refused = Changed::Answered {
        request: Box::new(request(1, 1, 2)),
        accepted: false,
        fresh: true,
    };
    assert_eq!(asker.social(2, answer(1, false)), refused);
    assert_eq!(friends(asker, 2), Friends::default());
    assert!(!are_friends(asker, 1, 2));
    let again = Changed::Asked {
        request: Box::new(request(2, 1, 2)),
        fresh: true,
    };
    assert_eq!(asker.social(1, ask(2)), again);
    assert_eq!(
        asker.refused(2, answer(1, false)),
        Refusal::NoSuchRequest,
        "the newer has taken its place"
    );
    asker.social(2, answer(2, true));
    assert!(are_friends(asker, 1, 2));
}

pub fn requests_that_cross_are_a_yes(asker: &Asker) {
    asker.with_users(2);
    asker.social(1, ask(2));
    let crossed = Changed::Answered {
        request: Box::new(request(1, 1, 2)),
        accepted: true,
        fresh: true,
    };
    assert_eq!(asker.social(2, ask(1)), crossed);
    assert!(are_friends(asker, 1, 2));
    assert_eq!(friends(asker, 1).asking, []);
    let known = Changed::Answered {
        request: Box::new(request(1, 1, 2)),
        accepted: true,
        fresh: false,
    };
    assert_eq!(asker.social(2, answer(1, true)), known);
}

pub fn a_friendship_ends_for_both(asker: &Asker) {
    asker.with_users(3);
    asker.befriend(1, 2);
    asker.befriend(3, 1);
    let unfriended = |fresh| Changed::Unfriended {
        other: person(1),
        fresh,
    };
    assert_eq!(asker.social(2, Social::Unfriend(key(1))), unfriended(true));
    assert_eq!(asker.social(2, Social::Unfriend(key(1))), unfriended(false));
    assert!(!are_friends(asker, 1, 2) && are_friends(asker, 1, 3));
    // A request can be taken back.
    asker.social(2, ask(1));
    asker.social(2, Social::Unfriend(key(1)));
    assert_eq!(friends(asker, 1).asked, []);
    asker.social(2, ask(1));
    assert!(!are_friends(asker, 1, 2));
    assert_eq!(asker.counts().friendships, 1);
}

pub fn it_takes_two_who_exist(asker: &Asker) {
    asker.with_users(2);
    let acts = [
        |to| Social::AskFriend {
            to,
            words: String::new(),
        },
        Social::Unfriend,
        Social::Block,
        Social::Unblock,
    ];
    for act in acts {
        for nobody in [
            key(9),
            UserKey::Name("nobody".to_owned()),
            UserKey::Name(String::new()),
            UserKey::Uid(Uid::SYSTEM),
        ] {
            assert_eq!(asker.refused(1, act(nobody)), Refusal::NoSuchUser);
        }
        assert_eq!(asker.refused(1, act(key(1))), Refusal::Oneself);
        let by_system = asker.try_social(Uid::SYSTEM, act(key(1)));
        assert_eq!(by_system, Err(Refusal::NoSuchUser));
    }
    assert_eq!(friends(asker, 1), Friends::default());
}

pub fn who_is_blocked_is_not_heard(asker: &Asker) {
    asker.with_users(3);
    asker.befriend(1, 2);
    asker.fresh(2, 1, 1);
    let blocking = |unfriended| Changed::Blocking {
        other: person(2),
        unfriended,
    };
    assert_eq!(asker.social(1, Social::Block(key(2))), blocking(true));
    assert_eq!(asker.social(1, Social::Block(key(2))), blocking(false));
    assert_eq!((blocks(asker, 1), blocks(asker, 2)), (vec![2], vec![]));
    assert!(!are_friends(asker, 1, 2));
    for name in [1, 2] {
        let refused = asker.append(new_message(2, 1, name, "hello"));
        assert_eq!(refused, Err(Refusal::Blocked), "also what was sent before");
        let refused = asker.append(for_friends(2, 1, name));
        assert_eq!(refused, Err(Refusal::Blocked), "before: not friends");
    }
    assert_eq!(asker.refused(2, ask(1)), Refusal::Blocked);
    asker.fresh(1, 2, 3);
    asker.fresh(2, 3, 4);
    asker.social(1, Social::Unblock(key(2)));
    assert_eq!(asker.social(1, Social::Unblock(key(2))), blocking(false));
    asker.fresh(2, 1, 2);
    assert_eq!(asker.again(new_message(2, 1, 1, "hello")).id.0, 1);

    // Before anything was said between the two it is the same.
    asker.social(3, Social::Block(key(1)));
    let refused = asker.append(new_message(1, 3, 5, "hello"));
    assert_eq!(refused, Err(Refusal::Blocked));
    assert_eq!(asker.counts().conversations, 2, "none was begun for it");
}

pub fn a_block_forgets_requests_and_asking_takes_it_back(asker: &Asker) {
    asker.with_users(2);
    asker.social(2, ask(1));
    asker.social(1, Social::Block(key(2)));
    assert_eq!(friends(asker, 1).asked, []);
    assert_eq!(asker.refused(1, answer(1, true)), Refusal::NoSuchRequest);
    asker.social(1, ask(2));
    assert!(blocks(asker, 1).is_empty());
    asker.fresh(2, 1, 1);
}

pub fn where_friendship_is_asked_for_strangers_are_refused(asker: &Asker) {
    asker.with_users(3);
    asker.befriend(1, 2);
    asker.kept(for_friends(1, 2, 1));
    for stranger in [3, 9] {
        let refused = asker.append(for_friends(1, stranger, 2));
        assert_eq!(refused, Err(Refusal::NotFriends), "{stranger}");
    }
    asker.kept(for_friends(1, 1, 3));
    asker.social(2, Social::Unfriend(key(1)));
    let refused = asker.append(for_friends(2, 1, 4));
    assert_eq!(refused, Err(Refusal::NotFriends));
    asker.fresh(1, 2, 5);
    asker.befriend(2, 1);
    asker.kept(for_friends(2, 1, 4));
}

pub fn the_system_writes_but_is_nobody(asker: &Asker) {
    asker.with_users(2);
    asker.social(1, Social::Block(key(2)));
    let pushed = NewMessage {
        sender: Uid::SYSTEM,
        friends_only: true,
        ..new_message(1, 1, 1, "{}")
    };
    let (message, _) = asker.kept(pushed);
    assert!(message.sender.is_system() && message.sender.name.is_empty());
    assert_eq!(asker.waiting(1), [1]);
    let back = NewMessage {
        to: Uid::SYSTEM.into(),
        ..new_message(1, 1, 2, "hello")
    };
    assert_eq!(asker.append(back), Err(Refusal::NoSuchUser));
    let history = asker.history(1, Uid::SYSTEM.get(), None, 9);
    assert_eq!(states(&history).len(), 1);
    for key in [UserKey::Uid(Uid::SYSTEM), UserKey::Name(String::new())] {
        assert_eq!(asker.user(key), None);
    }
    for person in [hongyan::broker::users::Person::system(), {
        let mut person = person(1);
        person.uid = Uid::SYSTEM;
        person
    }] {
        let admitted = asker.admit(person);
        assert_eq!(admitted, hongyan::broker::ports::AddedUser::NameTaken);
    }
    assert_eq!(asker.counts().users, 2);
}

pub fn names_mean_whom_they_name(asker: &Asker) {
    asker.with_users(2);
    let named = |name: &str| NewMessage {
        to: hongyan::broker::command::Address::User(UserKey::Name(name.to_owned())),
        ..new_message(1, 1, 1, "hello")
    };
    assert_eq!(asker.append(named("u3")), Err(Refusal::NoSuchUser));
    asker.add_user("u3");
    for _ in 0..2 {
        asker.append(named("u3")).expect("made meanwhile");
    }
    assert_eq!(asker.waiting(3), [1]);
    assert_eq!(asker.append(named("")), Err(Refusal::NoSuchUser));
    let with = named("u3").to;
    let history = asker.ask(|store, done| store.history(uid(1), with, None, 9, done));
    assert_eq!(history.expect("by name, too").messages.len(), 1);
}

fn order(id: &str) -> OrderId {
    OrderId::parse(id).expect("an id")
}

fn place(id: &str, customer: u64) -> Social {
    Social::PlaceOrder {
        order: order(id),
        customer: key(customer),
    }
}

pub fn an_order_is_taken_once_and_makes_friends(asker: &Asker) {
    asker.with_users(4);
    for customer in [1, 9] {
        assert_eq!(asker.refused(1, place("a", customer)), Refusal::ServerOnly);
    }
    let by_system = |act| asker.try_social(Uid::SYSTEM, act);
    for _ in 0..2 {
        assert_eq!(by_system(place("a", 1)), Ok(Changed::OrderPlaced));
    }
    assert_eq!(by_system(place("a", 2)), Err(Refusal::OrderTaken));
    assert_eq!(by_system(place("b", 9)), Err(Refusal::NoSuchUser));
    let take = |id| Social::TakeOrder(order(id));
    assert_eq!(asker.refused(2, take("b")), Refusal::NoSuchOrder);
    assert_eq!(asker.refused(1, take("a")), Refusal::Oneself);
    asker.social(1, Social::Block(key(4)));
    assert_eq!(asker.refused(4, take("a")), Refusal::Blocked);
    asker.social(2, Social::Block(key(1)));
    for befriended in [true, false] {
        let taken = Changed::OrderTaken {
            customer: person(1),
            befriended,
        };
        assert_eq!(asker.social(2, take("a")), taken);
        assert!(are_friends(asker, 1, 2));
    }
    assert!(blocks(asker, 2).is_empty());
    assert_eq!(asker.refused(3, take("a")), Refusal::OrderTaken);
    assert!(!are_friends(asker, 1, 3));
    assert_eq!(by_system(place("a", 1)), Ok(Changed::OrderPlaced));

    by_system(place("b", 3)).expect("the system may");
    asker.befriend(2, 3);
    let taken = Changed::OrderTaken {
        customer: person(3),
        befriended: false,
    };
    assert_eq!(asker.social(2, take("b")), taken);
}

pub fn only_the_last_place_is_known(asker: &Asker) {
    asker.with_users(2);
    let location = |of| asker.ask(|store, done| store.location(uid(of), done));
    assert_eq!(location(1), None);
    for place in [(1.5, -2.25, 7), (179.999, 90.0, 5)] {
        let place = Location::new(place.0, place.1, place.2).expect("on earth");
        assert_eq!(asker.social(1, Social::MoveTo(place)), Changed::Moved);
        assert_eq!(location(1), Some(place));
    }
    assert_eq!(location(2), None);
}
