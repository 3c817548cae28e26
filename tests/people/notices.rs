//! Who is told of what people do: both sides of a friendship on all their sessions, all members of a group, and nobody else.

use std::sync::Arc;

use hongyan::broker::command::Command;
use hongyan::broker::command::Reply;
use hongyan::broker::event::Event;
use hongyan::broker::groups::GroupPatch;
use hongyan::broker::limits::OUTBOX_NOTICES_MAX;
use hongyan::broker::notice::GroupChange;
use hongyan::broker::notice::Notice;
use hongyan::broker::refusal::Refusal;
use hongyan::broker::sessions::Session;
use hongyan::broker::social::Changed;
use hongyan::broker::social::Social;
use hongyan::broker::users::Person;

use crate::people::house::House;
use crate::people::house::key;
use crate::people::house::key_of;
use crate::people::house::person;

/// What all these sessions were told, which is the same.
fn all_told(house: &House, sessions: &[&Arc<Session>]) -> Vec<Notice> {
    let first = house.notices(sessions[0]);
    for session in &sessions[1..] {
        assert_eq!(house.notices(session), first, "{:?}", session.person);
    }
    first
}

/// What happened in groups, and who did it.
fn changes(notices: Vec<Notice>) -> Vec<(GroupChange, Person)> {
    let news = notices.into_iter().map(|notice| match notice {
        Notice::Group(news) => (news.what, news.by),
        other => panic!("not of a group: {other:?}"),
    });
    news.collect()
}

#[test]
fn both_sides_of_a_friendship_are_told_on_all_their_sessions() {
    let house = House::new();
    let [li, wu, an] = ["li", "wu", "an"].map(person);
    let sessions = [&li, &li, &wu, &wu, &an].map(|who| house.open(who));
    let [two_of_li @ .., _, _, of_an] = &sessions;
    let [li_1, li_2] = two_of_li;
    let both = [li_1, li_2, &sessions[2], &sessions[3]];

    let id = house.request(&li, &wu);
    let told = all_told(&house, &both);
    let [Notice::FriendAsked(request)] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!((request.id, &request.from, &request.to), (id, &li, &wu));
    assert_eq!(
        (&*request.words, request.time_ms),
        ("你好", house.now().epoch_ms)
    );
    let again = Social::AskFriend {
        to: key(&wu),
        words: "?".to_owned(),
    };
    let stands = house.act(&li, again);
    assert!(matches!(stands, Ok(Changed::Asked { fresh: false, .. })));
    assert_eq!(all_told(&house, &both), [], "it was asked before");

    house.pass(5);
    let answer = Social::AnswerFriend {
        request: id,
        accept: true,
    };
    house.act(&wu, answer.clone()).expect("accepted");
    let answered = Notice::FriendAnswered {
        request: request.clone(),
        accepted: true,
        time_ms: house.now().epoch_ms,
    };
    assert_eq!(all_told(&house, &both), [answered]);
    house.act(&wu, answer).expect("accepted");
    assert_eq!(all_told(&house, &both), [], "it was so before");

    let gone = |by: &Person, other: &Person| Notice::FriendGone {
        by: by.clone(),
        other: other.clone(),
        time_ms: house.now().epoch_ms,
    };
    let end = |who, other| house.act(who, Social::Unfriend(key(other)));
    end(&wu, &li).expect("ended");
    assert_eq!(all_told(&house, &both), [gone(&wu, &li)]);
    end(&wu, &li).expect("no fault");
    assert_eq!(all_told(&house, &both), [], "there was none");
    assert_eq!(house.notices(of_an), [], "none of an's business");
}

#[test]
fn a_no_is_told_too_and_who_asks_the_asker_says_yes() {
    let house = House::new();
    let (li, wu) = (person("li"), person("wu"));
    let sessions = [&li, &wu].map(|who| house.open(who));
    let both = [&sessions[0], &sessions[1]];
    let mut answers = Vec::new();
    let request = house.request(&li, &wu);
    let accept = false;
    let no = Social::AnswerFriend { request, accept };
    house.act(&wu, no).expect("rejected");
    house.request(&li, &wu);
    let crossing = Social::AskFriend {
        to: key(&li),
        words: String::new(),
    };
    house.act(&wu, crossing).expect("crossed");
    for notice in all_told(&house, &both) {
        match notice {
            Notice::FriendAsked(request) => assert_eq!(request.from, li),
            Notice::FriendAnswered {
                request, accepted, ..
            } => {
                assert_eq!((request.from, request.to), (li.clone(), wu.clone()));
                answers.push(accepted);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(answers, [false, true]);
}

#[test]
fn to_block_a_friend_ends_the_friendship_and_to_block_a_stranger_is_told_to_nobody() {
    let house = House::new();
    let [li, wu, an] = ["li", "wu", "an"].map(person);
    let sessions = [&li, &wu, &an].map(|who| house.open(who));
    house.befriend(&li, &wu);
    for session in &sessions {
        house.told(session);
    }
    for _ in 0..2 {
        house.act(&li, Social::Block(key(&wu))).expect("blocked");
        house.act(&li, Social::Block(key(&an))).expect("blocked");
    }
    let told = all_told(&house, &[&sessions[0], &sessions[1]]);
    assert!(
        matches!(&told[..], [Notice::FriendGone { by, other, .. }] if *by == li && *other == wu),
        "{told:?}"
    );
    assert_eq!(house.notices(&sessions[2]), []);
    let blocks = house.ask(&li, Command::Blocks);
    assert_eq!(blocks, Ok(Reply::Blocks(vec![wu.clone(), an])));
    house
        .act(&li, Social::Unblock(key(&wu)))
        .expect("unblocked");
    assert_eq!(house.notices(&sessions[1]), []);
}

#[test]
fn friends_are_listed_with_who_is_here() {
    let house = House::new();
    let [li, wu, an, bo] = ["li", "wu", "an", "bo"].map(person);
    house.befriend(&li, &an);
    house.befriend(&wu, &li);
    let request = house.request(&bo, &li);
    let _an_is_here = house.open(&an);
    let _bo_is_here = house.open(&bo);
    let Ok(Reply::Friends { friends, here }) = house.ask(&li, Command::Friends) else {
        panic!("no friends");
    };
    assert_eq!(friends.friends, [wu, an.clone()]);
    assert_eq!(here, [an.uid]);
    let asked: Vec<_> = friends.asked.iter().map(|request| request.id).collect();
    assert_eq!((asked, friends.asking.len()), (vec![request], 0));
}

#[test]
fn all_members_of_a_group_are_told_and_whoever_leaves() {
    let house = House::new();
    let [li, wu, an, bo] = ["li", "wu", "an", "bo"].map(person);
    let sessions = [&li, &wu, &an, &bo].map(|who| house.open(who));
    let [of_li, of_wu, of_an, of_bo] = &sessions;
    let told = |of: &[&Arc<Session>]| changes(all_told(&house, of));

    let gid = house.group(&li, &[&wu]);
    assert_eq!(told(&[of_li, of_wu]), [(GroupChange::Made, li.clone())]);

    let join = |who: &Person, users: &[&Person]| {
        let users = users.iter().map(|user| key(user)).collect();
        house.act(who, Social::AddMembers { gid, users })
    };
    join(&an, &[&an]).expect("anybody may");
    let joined = |who: &Person| GroupChange::Joined(vec![who.clone()]);
    let members = [of_li, of_wu, of_an];
    assert_eq!(told(&members), [(joined(&an), an.clone())]);
    join(&an, &[&an]).expect("no fault");
    join(&li, &[&wu]).expect("no fault");
    assert_eq!(told(&members), [], "they were members");

    let patch = GroupPatch {
        name: Some("new".to_owned()),
        ..GroupPatch::default()
    };
    let rename = |patch: &GroupPatch| {
        let patch = patch.clone();
        house.act(&li, Social::ChangeGroup { gid, patch })
    };
    rename(&patch).expect("an admin");
    assert_eq!(told(&members), [(GroupChange::Changed, li.clone())]);
    rename(&patch).expect("no fault");
    assert_eq!(told(&members), [], "it was called so");

    let remove = |who: &Person, user: &Person| {
        let user = key(user);
        house.act(who, Social::RemoveMember { gid, user })
    };
    let left = |who: &Person| GroupChange::Left(vec![who.clone()]);
    remove(&li, &wu).expect("an admin");
    assert_eq!(told(&members), [(left(&wu), li.clone())]);
    let stay = remove(&an, &an).expect("one's own right");
    assert!(
        matches!(&stay, Changed::Left { stay, .. } if stay[..] == [li.clone()]),
        "{stay:?}"
    );
    assert_eq!(told(&[of_li, of_an]), [(left(&an), an.clone())]);
    assert_eq!(told(&[of_wu, of_bo]), [], "not wu's any more, never bo's");

    let patch = GroupPatch {
        members: Some(vec![key(&wu), key(&bo)]),
        ..GroupPatch::default()
    };
    rename(&patch).expect("an admin");
    let joined = GroupChange::Joined(vec![wu.clone(), bo.clone()]);
    assert_eq!(told(&[of_li, of_wu, of_bo]), [(joined, li.clone())]);
    let patch = GroupPatch {
        admins: Some(vec![key(&wu)]),
        members: Some(vec![key(&an)]),
        ..GroupPatch::default()
    };
    rename(&patch).expect("an admin");
    let news = [
        (GroupChange::Joined(vec![an.clone()]), li.clone()),
        (left(&bo), li.clone()),
        (GroupChange::Changed, li.clone()),
    ];
    assert_eq!(told(&[of_li, of_wu, of_an]), news);
    assert_eq!(told(&[of_bo]), [(left(&bo), li)]);
}

#[test]
fn what_a_session_does_not_take_is_dropped_and_counted() {
    let house = House::new();
    let (li, wu) = (person("li"), person("wu"));
    let (of_li, of_wu) = (house.open(&li), house.open(&wu));
    // Three notices each time: asked, answered, ended.
    let times = OUTBOX_NOTICES_MAX / 3 + 2;
    for _ in 0..times {
        house.befriend(&wu, &li);
        house
            .act(&li, Social::Unfriend(key_of("wu")))
            .expect("ended");
        house.told(&of_wu);
        house.pass(1_000);
    }
    assert_eq!(house.told(&of_li).len(), OUTBOX_NOTICES_MAX);
    let dropped = 3 * times - OUTBOX_NOTICES_MAX;
    assert_eq!(house.broker.tally().notices_dropped.get(), dropped as u64);
    house.befriend(&wu, &li);
    assert_eq!(house.notices(&of_li).len(), 2, "there is room again");
}

#[test]
fn a_refusal_is_told_to_the_asker_alone() {
    let house = House::new();
    let (li, wu) = (person("li"), person("wu"));
    let (of_li, of_wu) = (house.open(&li), house.open(&wu));
    let act = Social::Unfriend(key_of("li"));
    house.ask_in(&of_li, Command::Social(act));
    let told = house.told(&of_li);
    let [Event::Answer(_, answer)] = &told[..] else {
        panic!("{told:?}");
    };
    assert!(matches!(**answer, Err(Refusal::Oneself)), "{answer:?}");
    assert_eq!(house.told(&of_wu), []);
}
