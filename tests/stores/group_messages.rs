//! What every store promises of what is said in groups, a question each.

use hongyan::broker::command::{Address, Ears};
use hongyan::broker::delivery::Delivery;
use hongyan::broker::message::{MessageId, Recipient};
use hongyan::broker::ports::{Appended, HistoryPage, NewMessage, Which};
use hongyan::broker::refusal::Refusal;
use hongyan::broker::social::Social;
use hongyan::broker::users::{Uid, UserKey};

use crate::asker::{
    Asker, gid, group_message, ids, key, keys, msg_id, named, new_message, person, states, uid,
};
use crate::groups::numbers;
use crate::groups::seen;

pub fn a_group_message_reaches_all_but_its_sender(asker: &Asker) {
    asker.with_users(4);
    let gid = asker.group_of(&[1, 2, 3]);
    let (message, audience) = asker.kept(group_message(1, gid, 7, &[]));
    assert_eq!((message.id.0, message.seq.0), (1, 1));
    assert_eq!(message.to, Recipient::Group(gid));
    assert_eq!(message.sender, person(1));
    let members = audience.members.expect("a group's");
    assert_eq!(
        (numbers(&members), audience.ignored),
        (vec![1, 2, 3], vec![])
    );
    for reader in [2, 3] {
        let inbox = asker.inbox(reader, 0, 9);
        assert_eq!(inbox.messages, std::slice::from_ref(&message));
    }
    for reader in [1, 4] {
        assert!(asker.waiting(reader).is_empty());
    }
    let again = asker.append(group_message(1, gid, 7, &[]));
    assert!(matches!(again, Ok(Appended::Again(kept, audience))
            if kept == message && numbers(&audience.members.clone().unwrap_or_default()) == [1, 2, 3]));
    let other = NewMessage {
        content: "bye".into(),
        ..group_message(1, gid, 7, &[])
    };
    assert_eq!(asker.append(other), Err(Refusal::MsgIdTaken(msg_id(7))));
    let stranger = asker.append(group_message(4, gid, 7, &[]));
    assert_eq!(stranger, Err(Refusal::NotMember));
    let nowhere = asker.append(group_message(1, crate::asker::gid(99), 7, &[]));
    assert_eq!(nowhere, Err(Refusal::NoSuchGroup));
    let system = NewMessage {
        sender: Uid::SYSTEM,
        ..group_message(1, gid, 8, &[])
    };
    assert!(asker.kept(system).0.sender.is_system());
    assert_eq!(asker.waiting(1), [2]);
    assert_eq!(asker.counts().waiting, 5);
}

pub fn each_member_confirms_alone(asker: &Asker) {
    asker.with_users(4);
    let gid = asker.group_of(&[1, 2, 3]);
    for (sender, name) in [(1, 1), (2, 2), (1, 3), (3, 4), (1, 5)] {
        asker.say(sender, gid, name);
    }
    assert_eq!(asker.waiting(2), [1, 3, 4, 5]);
    assert_eq!(asker.moved(2, named(3)), Some(vec![3]));
    assert_eq!(asker.moved(2, named(3)), Some(vec![]));
    assert_eq!(asker.moved(2, Which::One(MessageId(5))), Some(vec![5]));
    assert_eq!(asker.waiting(2), [1, 4]);
    assert_eq!(asker.waiting(3), [1, 2, 3, 5]);
    for nothing in [named(2), Which::One(MessageId(2))] {
        assert_eq!(asker.moved(2, nothing), None, "an own one");
        assert_eq!(asker.moved(4, nothing), None, "a stranger");
    }
    let receipts = asker.confirm(3, named(1)).receipts;
    assert_eq!((receipts[0].sender, receipts[0].receiver), (uid(1), uid(3)));
    let remove = Social::RemoveMember { gid, user: key(3) };
    asker.social(3, remove);
    assert_eq!(asker.moved(3, named(2)), None, "no longer a member");
    assert!(asker.waiting(3).is_empty());
}

pub fn ears_choose_what_a_range_means(asker: &Asker) {
    asker.with_users(3);
    let gid = asker.group_of(&[1, 2]);
    for name in 1..=3 {
        asker.fresh(1, 2, name);
        asker.say(1, gid, name);
    }
    let through = |direct, groups, last| Which::Through {
        after: MessageId(0),
        last: MessageId(last),
        by: Ears { direct, groups },
    };
    assert_eq!(asker.moved(2, through(false, false, 6)), None);
    assert_eq!(asker.moved(2, through(true, false, 4)), Some(vec![1, 2]));
    assert_eq!(asker.waiting(2), [2, 4, 5, 6]);
    assert_eq!(asker.moved(2, through(true, false, 4)), Some(vec![]));
    assert_eq!(asker.moved(2, through(false, true, 1)), None);
    assert_eq!(asker.moved(2, through(false, true, 2)), Some(vec![1]));
    assert_eq!(asker.moved(2, through(false, true, 3)), Some(vec![]));
    assert_eq!(asker.moved(2, through(true, true, 9)), Some(vec![2, 3, 3]));
    assert_eq!(asker.moved(1, through(true, true, 9)), None, "its sender");
}

pub fn who_is_ignored_misses_nothing(asker: &Asker) {
    asker.with_users(5);
    let gid = asker.group_of(&[1, 2, 3, 4]);
    asker.say(1, gid, 1);
    let mut message = group_message(1, gid, 2, &[3, 1, 2, 3, 5, 9]);
    message.ignored.push(UserKey::Name("nobody".to_owned()));
    message.ignored.push(UserKey::Name("u3".to_owned()));
    let (_, audience) = asker.kept(message.clone());
    assert_eq!(audience.ignored, [uid(2), uid(3)]);
    let again = asker.append(message);
    assert!(
        matches!(again, Ok(Appended::Again(_, audience)) if audience.ignored == [uid(2), uid(3)])
    );
    asker.say(4, gid, 3);
    assert_eq!(asker.waiting(2), [1, 3]);
    assert_eq!(asker.waiting(4), [1, 2]);
    assert_eq!(asker.moved(2, named(2)), None);
    assert_eq!(asker.moved(2, Which::One(MessageId(2))), None);
    let range = |after, last| Which::Through {
        after: MessageId(after),
        last: MessageId(last),
        by: Ears::ALL,
    };
    assert_eq!(asker.moved(2, range(1, 2)), None);
    assert_eq!(asker.moved(2, range(0, 3)), Some(vec![1, 3]));
    assert_eq!(asker.moved(2, range(1, 2)), None);
    assert_eq!(seen(&asker.group_history(2, gid, 9)), [3, 1]);
    assert_eq!(seen(&asker.group_history(4, gid, 9)), [3, 2, 1]);
    assert_eq!(seen(&asker.since(2, 0, 9)), [1, 3]);
    let page = asker.group_history(2, gid, 1);
    assert!(page.more);
    for name in [4, 5] {
        asker.kept(group_message(1, gid, name, &[2]));
    }
    let with = Address::Group(gid);
    let before = Some(hongyan::broker::ports::Before::Id(MessageId(3)));
    let page = asker.ask(|store, done| store.history(uid(2), with, before, 1, done));
    let page = page.expect("a member");
    assert_eq!((seen(&page), page.more), (vec![1], false));
    let many: Vec<UserKey> = (1..=1_001).map(key).collect();
    let message = NewMessage {
        ignored: many,
        ..group_message(1, gid, 6, &[])
    };
    assert!(matches!(asker.append(message), Err(Refusal::TooMany(_))));
}

pub fn history_begins_where_one_joined(asker: &Asker) {
    asker.with_users(4);
    let group = asker.group_of(&[1, 2]);
    asker.say(1, group, 1);
    let join = |by: u64| {
        asker.social(
            by,
            Social::AddMembers {
                gid: group,
                users: keys(&[by]),
            },
        )
    };
    let leave = |by: u64| {
        asker.social(
            by,
            Social::RemoveMember {
                gid: group,
                user: key(by),
            },
        )
    };
    join(3);
    assert!(asker.waiting(3).is_empty());
    asker.say(1, group, 2);
    asker.say(3, group, 3);
    assert_eq!(asker.waiting(3), [2]);
    assert_eq!(seen(&asker.group_history(3, group, 9)), [3, 2]);
    assert_eq!(seen(&asker.group_history(2, group, 9)), [3, 2, 1]);
    assert_eq!(asker.moved(3, named(1)), None, "said before");
    leave(3);
    asker.say(2, group, 4);
    let with = || Address::Group(group);
    let history =
        |reader, with| asker.ask(|store, done| store.history(uid(reader), with, None, 9, done));
    for outsider in [3, 4] {
        assert_eq!(history(outsider, with()), Err(Refusal::NotMember));
        assert!(asker.since(outsider, 0, 9).messages.is_empty());
    }
    assert_eq!(
        history(1, Address::Group(gid(99))),
        Err(Refusal::NoSuchGroup)
    );
    join(3);
    assert!(asker.waiting(3).is_empty());
    assert_eq!(asker.group_history(3, group, 9), HistoryPage::default());
    asker.say(1, group, 5);
    assert_eq!(seen(&asker.group_history(3, group, 9)), [5]);
    assert_eq!(seen(&asker.since(3, 0, 9)), [5]);
    assert_eq!(asker.waiting(3), [5]);
}

pub fn a_group_message_is_received_when_all_have_it(asker: &Asker) {
    asker.with_users(4);
    let gid = asker.group_of(&[1, 2, 3]);
    for name in 1..=3 {
        asker.kept(group_message(
            1,
            gid,
            name,
            if name == 1 { &[3] } else { &[] },
        ));
    }
    let received = |reader| {
        let history = states(&asker.group_history(reader, gid, 9));
        assert_eq!(
            states(&asker.since(reader, 0, 9)),
            history.iter().rev().copied().collect::<Vec<_>>()
        );
        let received = history
            .iter()
            .filter(|(_, state)| *state == Delivery::Received);
        received.map(|(id, _)| *id).collect::<Vec<_>>()
    };
    assert!(received(1).is_empty());
    asker.confirm(2, named(1));
    assert_eq!(received(1), [1], "the other was to ignore it");
    asker.confirm(2, named(3));
    asker.confirm(3, named(2));
    asker.confirm(3, named(3));
    assert_eq!(received(1), [1], "one has a gap");
    assert_eq!((received(2), received(3)), (vec![3, 1], vec![3, 2]));
    let add = Social::AddMembers {
        gid,
        users: keys(&[4]),
    };
    asker.social(1, add);
    asker.confirm(2, named(2));
    assert_eq!(received(1), [3, 2, 1]);
}

pub fn since_merges_all_that_was_said(asker: &Asker) {
    asker.with_users(4);
    let gid = asker.group_of(&[1, 2]);
    for name in 1..=12 {
        let mut message = match name % 4 {
            0 => group_message(1, gid, name, &[]),
            1 => new_message(1, 2, name, "hello"),
            2 => new_message(3, 1, name, "hello"),
            _ => new_message(3, 4, name, "hello"),
        };
        message.time_ms = name * 10;
        asker.kept(message);
    }
    asker.confirm(1, named(2));
    let page = |from_ms, limit| {
        let page = asker.since(1, from_ms, limit);
        (seen(&page), page.more)
    };
    let all = vec![1, 2, 4, 5, 6, 8, 9, 10, 12];
    assert_eq!(page(0, 99), (all.clone(), false));
    assert_eq!(page(0, 9), (all.clone(), false));
    assert_eq!(page(0, 8), (all[..8].to_vec(), true));
    assert_eq!(page(50, 2), (vec![5, 6], true));
    assert_eq!(page(51, 2), (vec![6, 8], true));
    assert_eq!(page(111, 9), (vec![12], false));
    assert_eq!(page(121, 9), (vec![], false));
    assert_eq!(page(u64::MAX, 9), (vec![], false));
    let states = states(&asker.since(1, 0, 3));
    let expected = [Delivery::Stored, Delivery::Received, Delivery::Stored];
    assert_eq!(
        states.iter().map(|(_, state)| *state).collect::<Vec<_>>(),
        expected
    );
}

pub fn a_group_of_ten_thousand(asker: &Asker) {
    const COUNT: u64 = 10_000;
    asker.with_users(3);
    for number in 4..=COUNT {
        // Answered in their order, so only the last one's answer is of interest.
        let name = format!("u{number}");
        asker
            .store
            .add_user(name, None, 1, Box::new(|added| assert!(added.is_ok())));
    }
    asker.user(key(COUNT));
    asker.add_user("last");
    let all: Vec<u64> = (1..=COUNT).collect();
    let gid = asker.group_of(&all);
    let (message, audience) = asker.kept(group_message(1, gid, 1, &[]));
    assert_eq!(audience.members.map(|members| members.len()), Some(10_000));
    asker.say(COUNT, gid, 2);
    assert_eq!(asker.inbox(77, 0, 1).messages, [message]);
    assert_eq!(asker.moved(77, named(2)), Some(vec![2]));
    assert_eq!(ids(&asker.inbox(77, 0, 9)), [1]);
    assert_eq!(asker.waiting(COUNT), [1]);
    asker.social(5, Social::RemoveMember { gid, user: key(5) });
    assert_eq!(asker.group(1, gid).expect("a member").members.len(), 9_999);
    assert_eq!(asker.counts().waiting, 2 * (COUNT - 1) - 2 - 1);
}
