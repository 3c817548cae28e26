//! A message to a group: whom it reaches, whom not, and what is said of it.

use hongyan::broker::command::Address;
use hongyan::broker::command::Command;
use hongyan::broker::command::Ears;
use hongyan::broker::command::Letter;
use hongyan::broker::command::Reach;
use hongyan::broker::command::Reply;
use hongyan::broker::delivery::Delivery;
use hongyan::broker::event::Event;
use hongyan::broker::groups::Gid;
use hongyan::broker::groups::NewGroup;
use hongyan::broker::limits::Limits;
use hongyan::broker::message::MsgId;
use hongyan::broker::refusal::Refusal;
use hongyan::broker::social::Social;
use hongyan::broker::users::Person;

use crate::people::house::House;
use crate::people::house::key;
use crate::people::house::key_of;
use crate::people::house::person;
use crate::people::house::words;

fn to_group(gid: Gid, content: &str) -> Letter {
    Letter::new(Address::Group(gid), MsgId::sha1(content), content)
}

fn waiting(house: &House, who: &Person) -> Vec<String> {
    let asked = Command::Inbox {
        after: Default::default(),
        limit: 100,
    };
    match house.ask(who, asked) {
        Ok(Reply::Inbox { messages, .. }) => {
            messages.iter().map(|m| m.content.to_string()).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// The contents in the group's history, oldest first, and how far each has come.
fn history(house: &House, who: &Person, gid: Gid) -> Vec<(String, Delivery)> {
    let asked = Command::History {
        with: Address::Group(gid),
        before: None,
        limit: 100,
    };
    match house.ask(who, asked) {
        Ok(Reply::History { messages, .. }) => {
            let messages = messages.into_iter().rev();
            messages
                .map(|kept| (kept.message.content.to_string(), kept.state))
                .collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_reaches_the_members_and_only_what_is_new_to_them() {
    let house = House::new();
    let [li, wu, an, bo] = ["li", "wu", "an", "bo"].map(person);
    let sessions = [&li, &wu, &wu, &an, &bo].map(|who| house.open(who));
    let [of_li, wu_1, wu_2, of_an, of_bo] = &sessions;
    let gid = house.group(&li, &[&wu]);
    sessions
        .iter()
        .for_each(|session| drop(house.told(session)));
    let say = |who: &Person, content: &str| house.send(who, to_group(gid, content));
    say(&li, "one").expect("sent");
    let join = |who: &Person| {
        let users = vec![key(who)];
        house.act(who, Social::AddMembers { gid, users })
    };
    join(&an).expect("joined");
    sessions[3..]
        .iter()
        .for_each(|session| drop(house.told(session)));
    say(&wu, "two").expect("sent");
    assert_eq!(say(&bo, "no"), Err(Refusal::NotMember));
    say(&wu, "two").expect("the same again");
    let contents = |session| {
        let events = house.told(session).into_iter();
        let contents = events.filter_map(|event| match event {
            Event::Message(message) => {
                assert_eq!(message.group(), Some(gid));
                Some(message.content.to_string())
            }
            _ => None,
        });
        contents.collect::<Vec<_>>()
    };
    assert_eq!(contents(of_li), ["two"], "not one's own");
    assert_eq!(contents(wu_1), ["one"]);
    assert_eq!(contents(wu_2), ["one"]);
    assert_eq!(contents(of_an), ["two"], "not what came before one did");
    assert_eq!(contents(of_bo), Vec::<String>::new());
    assert_eq!(waiting(&house, &wu), ["one"]);
    assert_eq!(waiting(&house, &an), ["two"]);
    let seen = |who| {
        let all = history(&house, who, gid).into_iter();
        all.map(|(content, _)| content).collect::<Vec<_>>()
    };
    assert_eq!(seen(&li), ["one", "two"]);
    assert_eq!(seen(&an), ["two"]);

    let leave = Social::RemoveMember {
        gid,
        user: key(&an),
    };
    house.act(&an, leave).expect("left");
    assert_eq!(waiting(&house, &an), Vec::<String>::new());
    say(&li, "three").expect("sent");
    join(&an).expect("joined again");
    assert_eq!(seen(&an), Vec::<String>::new());
    say(&li, "four").expect("sent");
    assert_eq!(seen(&an), ["four"]);
}

#[test]
fn whoever_is_left_out_misses_nothing_by_it() {
    let house = House::new();
    let [li, wu, an, bo] = ["li", "wu", "an", "bo"].map(person);
    let gid = house.group(&li, &[&wu, &an]);
    let sessions = [&wu, &an, &bo].map(|who| house.open(who));
    let [of_wu, of_an, of_bo] = &sessions;
    house.send(&li, to_group(gid, "one")).expect("sent");
    let mut secret = to_group(gid, "secret");
    // Who is no member, or nobody, is passed over.
    secret.ignored = vec![key_of("an"), key_of("bo"), key_of("no"), key(&li)];
    secret.wants_reach = true;
    let reach = |answer| match answer {
        Ok(Reply::Sent {
            reach: Some(reach), ..
        }) => *reach,
        other => panic!("{other:?}"),
    };
    let of_wu_alone = Reach {
        online: vec![wu.clone()],
        offline: Vec::new(),
    };
    let first = house.send(&li, secret.clone());
    assert_eq!(reach(first), of_wu_alone);
    let again = house.send(&li, secret);
    assert_eq!(reach(again), of_wu_alone);
    house.send(&li, to_group(gid, "two")).expect("sent");
    assert_eq!(house.pushed(of_wu), ["one", "secret", "two"]);
    assert_eq!(house.pushed(of_an), ["one", "two"]);
    assert_eq!(house.pushed(of_bo), Vec::<String>::new());
    assert_eq!(waiting(&house, &an), ["one", "two"]);
    let seen = history(&house, &an, gid);
    assert_eq!(seen.len(), 2);

    let confirm = |who: &Person, content: &str| {
        let msg_id = MsgId::sha1(content);
        house.ask(who, Command::Confirm { msg_id })
    };
    let no_such = Refusal::NoSuchMessage(MsgId::sha1("secret"));
    assert_eq!(confirm(&an, "secret"), Err(no_such));
    for content in ["one", "two"] {
        confirm(&an, content).expect("received");
    }
    let states = |who| {
        let all = history(&house, who, gid).into_iter();
        all.map(|(_, state)| state).collect::<Vec<_>>()
    };
    use Delivery::{Received, Stored};
    assert_eq!(states(&an), [Received, Received]);
    assert_eq!(states(&li), [Stored, Stored, Stored]);
    for content in ["one", "secret"] {
        confirm(&wu, content).expect("received");
    }
    assert_eq!(states(&li), [Received, Received, Stored], "wu has yet to");
    confirm(&wu, "two").expect("received");
    assert_eq!(states(&li), [Received, Received, Received]);
}

#[test]
fn ears_are_for_two_or_for_groups_or_for_both() {
    let house = House::new();
    let (li, wu) = (person("li"), person("wu"));
    let gid = house.group(&li, &[&wu]);
    let sessions = [(true, false), (false, true), (true, true)].map(|(direct, groups)| {
        let session = house.broker.open(house.now(), wu.clone(), None, None);
        let ears = Ears { direct, groups };
        house.ask_in(&session, Command::Listen(ears));
        house.told(&session);
        session
    });
    house.send(&li, to_group(gid, "to all")).expect("sent");
    house.send(&li, words(&wu, "to you")).expect("sent");
    let [direct, groups, all] = &sessions;
    assert_eq!(house.pushed(direct), ["to you"]);
    assert_eq!(house.pushed(groups), ["to all"]);
    assert_eq!(house.pushed(all), ["to all", "to you"]);
}

#[test]
fn it_is_said_who_was_here() {
    let house = House::new();
    let [li, wu, an] = ["li", "wu", "an"].map(person);
    let gid = house.group(&li, &[&wu, &an]);
    let _of_an = house.open(&an);
    let _of_li = house.open(&li);
    for (mut letter, online, offline) in [
        (to_group(gid, "x"), vec![an.clone()], vec![wu.clone()]),
        (words(&wu, "x"), vec![], vec![wu.clone()]),
        (words(&an, "x"), vec![an.clone()], vec![]),
        (words(&li, "x"), vec![li.clone()], vec![]),
    ] {
        let Ok(Reply::Sent { reach, .. }) = house.send(&li, letter.clone()) else {
            panic!("not sent");
        };
        assert_eq!(reach, None, "nobody asked");
        letter.wants_reach = true;
        let Ok(Reply::Sent { reach, .. }) = house.send(&li, letter) else {
            panic!("not sent");
        };
        assert_eq!(reach, Some(Box::new(Reach { online, offline })));
    }
}

#[test]
fn a_crowd_is_reached_whether_few_are_here_or_many() {
    const CROWD: usize = 3_000;
    let house = House::new();
    let li = person("li");
    let crowd: Vec<Person> = (0..CROWD)
        .map(|number| house.add_user(&format!("member {number}")))
        .collect();
    let new = NewGroup {
        members: crowd.iter().map(key).collect(),
        ..NewGroup::default()
    };
    house.act(&li, Social::MakeGroup(new)).expect("made");
    let gid = Gid::new(1).expect("the first conversation");
    let of_stranger = house.open(&person("bo"));
    let few: Vec<_> = [0, 1_000, 2_999].map(|at| house.open(&crowd[at])).into();
    house.send(&li, to_group(gid, "few")).expect("sent");
    for session in &few {
        assert_eq!(house.pushed(session), ["few"]);
    }
    // More people here than there are members.
    let more = (0..=CROWD).map(|number| house.add_user(&format!("other {number}")));
    let others: Vec<_> = more.map(|other| house.open(&other)).collect();
    house.send(&li, to_group(gid, "many")).expect("sent");
    for session in &few {
        assert_eq!(house.pushed(session), ["many"]);
    }
    for session in others.iter().chain([&of_stranger]) {
        assert_eq!(house.told(session), []);
    }
}

#[test]
fn nobody_is_brought_into_a_group_by_whom_they_block() {
    let house = House::new();
    let (li, wu) = (person("li"), person("wu"));
    house.act(&wu, Social::Block(key(&li))).expect("blocked");
    let gid = house.group(&li, &[]);
    let users = vec![key(&wu)];
    let add = Social::AddMembers { gid, users };
    assert_eq!(house.act(&li, add.clone()), Err(Refusal::Blocked));
    assert!(house.act(&wu, add).is_ok(), "to join is one's own will");
}

#[test]
fn the_webhook_is_noted_for_groups_and_for_whoever_is_away() {
    let house = House::with(Limits {
        webhook: true,
        ..Limits::default()
    });
    let [li, wu, an] = ["li", "wu", "an"].map(person);
    let gid = house.group(&li, &[&wu, &an]);
    let _of_wu = house.open(&wu);
    house.send(&li, words(&wu, "here")).expect("sent");
    assert_eq!(house.hooks(), []);
    house.send(&li, words(&an, "away")).expect("sent");
    house.send(&li, words(&an, "away")).expect("the same again");
    house.send(&li, to_group(gid, "to all")).expect("sent");
    house
        .send(&person("system"), words(&an, "push"))
        .expect("sent");
    let noted: Vec<(String, Vec<Person>)> = house
        .hooks()
        .into_iter()
        .map(|hook| (hook.message.content.to_string(), hook.waiting))
        .collect();
    let expected = [
        ("away", vec![an.clone()]),
        ("to all", vec![wu, an.clone()]),
        ("push", vec![an]),
    ];
    assert_eq!(
        noted,
        expected.map(|(content, who)| (content.to_owned(), who))
    );

    let without = House::new();
    without
        .send(&li, words(&person("an"), "away"))
        .expect("sent");
    assert_eq!(without.hooks(), []);
}
