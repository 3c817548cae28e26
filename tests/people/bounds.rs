//! What holds for everybody who may: rates, lengths, and what friends only means.

use std::sync::Arc;

use hongyan::broker::command::Address;
use hongyan::broker::command::Command;
use hongyan::broker::command::Letter;
use hongyan::broker::command::Reply;
use hongyan::broker::groups::Gid;
use hongyan::broker::groups::GroupPatch;
use hongyan::broker::groups::NewGroup;
use hongyan::broker::images::Image;
use hongyan::broker::images::ImageId;
use hongyan::broker::images::Media;
use hongyan::broker::limits::Limits;
use hongyan::broker::message::MsgId;
use hongyan::broker::refusal::Refusal;
use hongyan::broker::refusal::Refusal::{AnsweredOtherwise, NotFriends};
use hongyan::broker::social::Social;

use crate::people::authority::Scene;
use crate::people::authority::history;
use crate::people::authority::social;
use crate::people::house::House;
use crate::people::house::key_of;
use crate::people::house::person;
use crate::people::house::words;

#[test]
fn an_answer_stays_and_the_same_again_is_no_fault() {
    let scene = Scene::set();
    let request = scene.request;
    let answer = |accept| {
        let act = Social::AnswerFriend { request, accept };
        scene.house.act(&person("wu"), act)
    };
    assert!(answer(false).is_ok());
    assert!(answer(false).is_ok());
    assert_eq!(answer(true), Err(AnsweredOtherwise));
}

#[test]
fn with_friends_only_the_operator_s_word_is_enough() {
    let house = House::with(Limits {
        friends_only: true,
        ..Limits::default()
    });
    let [li, wu, an] = ["li", "wu", "an"].map(person);
    house.befriend(&li, &an);
    let hello = |from, to| house.send(from, words(to, "hello"));
    assert_eq!(hello(&li, &wu), Err(NotFriends));
    let stranger = Letter::new(Address::User(key_of("no")), MsgId([7; 20]), "x");
    assert_eq!(house.send(&li, stranger), Err(NotFriends));
    for (from, to) in [(&li, &an), (&an, &li), (&li, &li), (&person("system"), &wu)] {
        assert!(hello(from, to).is_ok(), "{from:?} to {to:?}");
    }
    house
        .act(&an, Social::Unfriend(key_of("li")))
        .expect("ended");
    let again = house.send(&li, words(&an, "again"));
    assert_eq!(again, Err(NotFriends));
}

#[test]
fn with_friends_only_nobody_brings_strangers_into_a_group() {
    let house = House::with(Limits {
        friends_only: true,
        ..Limits::default()
    });
    let [li, wu, an] = ["li", "wu", "an"].map(person);
    house.befriend(&li, &an);
    let with = |members: &[&str]| {
        Social::MakeGroup(NewGroup {
            members: members.iter().map(|name| key_of(name)).collect(),
            ..NewGroup::default()
        })
    };
    assert_eq!(house.act(&li, with(&["an", "wu"])), Err(NotFriends));
    assert_eq!(house.act(&li, with(&["nobody"])), Err(NotFriends));
    let gid = house.group(&li, &[&an]);
    let add = |name: &str| Social::AddMembers {
        gid,
        users: vec![key_of(name)],
    };
    assert_eq!(house.act(&li, add("wu")), Err(NotFriends));
    // Who comes by oneself is brought by nobody, and a member is no stranger any more.
    assert!(house.act(&wu, add("wu")).is_ok());
    assert!(house.act(&li, add("wu")).is_ok());
    let patch = GroupPatch {
        admins: Some(vec![key_of("li"), key_of("wu")]),
        ..GroupPatch::default()
    };
    assert!(house.act(&li, Social::ChangeGroup { gid, patch }).is_ok());
    assert!(house.act(&person("system"), with(&["li", "wu"])).is_ok());
}

#[test]
fn acts_and_questions_count_to_the_rate_and_the_system_s_do_not() {
    let house = House::with(Limits {
        messages_per_second: 3,
        ..Limits::default()
    });
    let li = person("li");
    assert!(house.ask(&li, Command::Friends).is_ok());
    assert!(house.act(&li, Social::Block(key_of("wu"))).is_ok());
    assert!(house.send(&li, words(&person("an"), "hello")).is_ok());
    let too_fast = Refusal::TooFast { per_second: 3 };
    let image = Image {
        media: Media::Gif,
        bytes: Arc::from([]),
    };
    let before: Option<Reply> = house.ask(&person("wu"), Command::Blocks).ok();
    assert_eq!(before, Some(Reply::Blocks(Vec::new())));
    for command in [
        Command::Friends,
        Command::Blocks,
        Command::Groups,
        Command::Group(Gid::new(1).expect("a gid")),
        Command::Online(key_of("wu")),
        Command::Location(key_of("wu")),
        Command::KeepImage(image),
        Command::Image(ImageId(1)),
        history(Address::User(key_of("wu"))),
        Command::Since {
            time_ms: 0,
            limit: 1,
        },
        Command::Inbox {
            after: Default::default(),
            limit: 1,
        },
        social(Social::Unblock(key_of("wu"))),
        Command::Send(words(&person("an"), "more")),
    ] {
        assert_eq!(
            house.ask(&li, command.clone()),
            Err(too_fast),
            "{command:?}"
        );
    }
    for number in 0..10 {
        let push = words(&li, &format!("push {number}"));
        assert!(house.send(&person("system"), push).is_ok());
    }
    house.pass(1_000);
    assert!(house.ask(&li, Command::Friends).is_ok());
}

#[test]
fn contents_envelopes_and_the_ignored_have_bounds() {
    let house = House::with(Limits {
        content_bytes_max: 10,
        ..Limits::default()
    });
    let (li, wu) = (person("li"), person("wu"));
    let mut letter = words(&wu, "12345");
    letter.envelope = Some("12345678901".to_owned());
    let too_large = Refusal::ContentTooLarge {
        bytes: 11,
        bytes_max: 10,
    };
    assert_eq!(house.send(&li, letter.clone()), Err(too_large));
    // Each by itself: what a gateway keeps beside a content makes it no shorter.
    letter.envelope = Some("1234567890".to_owned());
    letter.content = "1234567890".to_owned();
    assert!(house.send(&li, letter).is_ok());
    let gid = house.group(&li, &[&wu]);
    let mut letter = Letter::new(Address::Group(gid), MsgId([7; 20]), "x");
    letter.ignored = vec![key_of("wu"); 1_001];
    let refused = house.send(&li, letter.clone()).expect_err("too many");
    assert_eq!(refused.code(), 507);
    letter.ignored.truncate(1_000);
    assert!(house.send(&li, letter).is_ok());
}
