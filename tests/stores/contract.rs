//! What every store promises, a question each.

use std::sync::Arc;

use hongyan::broker::delivery::Delivery;
use hongyan::broker::message::{MessageId, Seq};
use hongyan::broker::ports::{
    AddedUser, Appended, Before, Counts, HistoryPage, InboxPage, StoreError, Which,
};
use hongyan::broker::users::{Person, UserKey};

use crate::asker::{Asker, ask, ids, msg_id, named, new_message, person, uid};

pub fn a_message_is_kept_once(asker: &Asker) {
    asker.with_users(2);
    let message = asker.fresh(1, 2, 7);
    assert_eq!((message.id, message.seq), (MessageId(1), Seq(1)));
    assert_eq!(
        (&message.sender, &message.receiver),
        (&person(1), &person(2))
    );
    assert_eq!((message.msg_id, &*message.content), (msg_id(7), "hello"));
    let mut again = new_message(1, 2, 7, "hello");
    again.time_ms = 5000;
    assert_eq!(asker.append(again), Appended::Again(Arc::clone(&message)));
    assert_eq!(asker.inbox(2, 0, 9).messages, [message]);
    let counts = Counts {
        users: 2,
        conversations: 1,
        messages: 1,
        waiting: 1,
    };
    assert_eq!(asker.counts(), counts);
}

pub fn a_msg_id_with_another_content_is_taken(asker: &Asker) {
    asker.with_users(2);
    asker.fresh(1, 2, 7);
    assert_eq!(asker.append(new_message(1, 2, 7, "bye")), Appended::Taken);
    assert_eq!(asker.moved(2, named(7)), Some(vec![7]));
    assert_eq!(asker.append(new_message(1, 2, 7, "")), Appended::Taken);
    assert_eq!(asker.waiting(2), []);
}

pub fn there_must_be_a_receiver(asker: &Asker) {
    asker.with_users(1);
    let to_nobody = new_message(1, 2, 7, "hello");
    assert_eq!(asker.append(to_nobody.clone()), Appended::NoReceiver);
    assert_eq!(asker.counts().conversations, 0);
    asker.add_user("u2");
    assert!(matches!(asker.append(to_nobody), Appended::Fresh(_)));
}

pub fn two_senders_may_use_one_msg_id(asker: &Asker) {
    asker.with_users(3);
    let first = asker.fresh(1, 3, 7);
    let second = asker.fresh(2, 3, 7);
    let back = asker.fresh(3, 1, 7);
    let beside = asker.fresh(1, 2, 7);
    assert_eq!(
        [first.seq.0, second.seq.0, back.seq.0, beside.seq.0],
        [1, 1, 2, 1]
    );
    assert_eq!(asker.waiting(3), [first.id.0, second.id.0]);
    let receipts = asker.confirm(3, named(7)).receipts;
    assert_eq!((receipts.len(), receipts[0].sender), (1, uid(1)));
    let receipts = asker.confirm(3, named(7)).receipts;
    assert_eq!((receipts.len(), receipts[0].sender), (1, uid(2)));
    assert_eq!(asker.moved(3, named(7)), Some(vec![]));
    assert_eq!(asker.waiting(1), [back.id.0]);
    assert_eq!(asker.waiting(2), [beside.id.0]);
}

pub fn ids_and_seqs_rise_without_a_gap(asker: &Asker) {
    asker.with_users(3);
    let mut name = 0;
    let mut send = |sender, receiver| {
        name += 1;
        let message = asker.fresh(sender, receiver, name);
        (message.id.0, message.seq.0)
    };
    let pairs = [(1, 2), (2, 1), (1, 3), (1, 2), (3, 1), (2, 3), (2, 1)];
    let taken = pairs.map(|(sender, receiver)| send(sender, receiver));
    assert_eq!(
        taken,
        [(1, 1), (2, 2), (3, 1), (4, 3), (5, 2), (6, 1), (7, 4)]
    );
}

pub fn time_never_falls(asker: &Asker) {
    asker.with_users(3);
    let times = [
        (500, 500),
        (400, 500),
        (600, 600),
        (0, 600),
        (u64::MAX, i64::MAX as u64),
    ];
    for (name, (now, kept)) in (1..).zip(times) {
        let mut message = new_message(1, 2 + name % 2, name, "");
        message.time_ms = now;
        match asker.append(message) {
            Appended::Fresh(message) => assert_eq!(message.time_ms, kept),
            other => panic!("{other:?}"),
        }
    }
}

pub fn confirming_in_order_empties_the_inbox(asker: &Asker) {
    asker.with_users(2);
    for name in 1..=3 {
        asker.fresh(1, 2, name);
    }
    for name in 1..=3 {
        assert_eq!(asker.moved(2, named(name)), Some(vec![name]));
        assert_eq!(asker.moved(2, named(name)), Some(vec![]), "twice");
        assert_eq!(asker.waiting(2), (name + 1..=3).collect::<Vec<_>>());
    }
    assert_eq!(asker.moved(2, named(4)), None);
    assert_eq!(
        asker.moved(1, named(1)),
        None,
        "one's own is not one's to confirm"
    );
    assert_eq!(asker.counts().waiting, 0);
}

pub fn confirming_out_of_order_leaves_the_gaps(asker: &Asker) {
    asker.with_users(2);
    for name in 1..=9 {
        // Every third goes the other way and is nobody's gap.
        let (sender, receiver) = if name % 3 == 0 { (2, 1) } else { (1, 2) };
        asker.fresh(sender, receiver, name);
    }
    let steps: [(u64, &[u64]); 6] = [
        (5, &[1, 2, 4, 7, 8]),
        (8, &[1, 2, 4, 7]),
        (2, &[1, 4, 7]),
        (4, &[1, 7]),
        (1, &[7]),
        (7, &[]),
    ];
    for (name, left) in steps {
        assert_eq!(asker.moved(2, named(name)), Some(vec![name]));
        assert_eq!(asker.waiting(2), left);
        assert_eq!(asker.moved(2, named(name)), Some(vec![]));
        assert_eq!(asker.counts().waiting, left.len() as u64 + 3);
    }
    assert_eq!(asker.waiting(1), [3, 6, 9]);
}

pub fn a_name_means_the_pushed_message_first(asker: &Asker) {
    asker.with_users(4);
    for sender in 1..=3 {
        asker.fresh(sender, 4, 7);
    }
    let pushed = |after, last| Which::Named {
        msg_id: msg_id(7),
        pushed: Some((MessageId(after), MessageId(last))),
    };
    let sender = |which| asker.confirm(4, which).receipts[0].sender;
    assert_eq!(sender(pushed(1, 3)), uid(2));
    assert_eq!(
        sender(pushed(1, 2)),
        uid(1),
        "none left in the range, so the oldest"
    );
    assert_eq!(sender(pushed(9, u64::MAX)), uid(3));
    assert_eq!(asker.moved(4, pushed(0, 9)), Some(vec![]));
}

pub fn a_name_that_many_use_finds_ones_own(asker: &Asker) {
    asker.with_users(40);
    for receiver in 2..=40 {
        asker.fresh(1, receiver, 7);
    }
    let late = asker.fresh(2, 40, 7);
    for receiver in (2..=40).rev() {
        let receipts = asker.confirm(receiver, named(7)).receipts;
        assert_eq!((receipts.len(), receipts[0].sender), (1, uid(1)));
    }
    assert_eq!(asker.waiting(40), [late.id.0]);
    assert_eq!(asker.moved(1, named(7)), None);
}

pub fn confirming_one_by_id(asker: &Asker) {
    asker.with_users(3);
    for name in 1..=3 {
        asker.fresh(1, 2, name);
    }
    let one = |id| Which::One(MessageId(id));
    assert_eq!(asker.moved(2, one(2)), Some(vec![2]));
    assert_eq!(asker.moved(2, one(2)), Some(vec![]));
    for unknown in [0, 4, u64::MAX] {
        assert_eq!(asker.moved(2, one(unknown)), None);
    }
    assert_eq!(asker.moved(1, one(1)), None, "its sender");
    assert_eq!(asker.moved(3, one(1)), None, "a stranger");
    assert_eq!(asker.waiting(2), [1, 3]);
}

pub fn confirming_through_an_id(asker: &Asker) {
    asker.with_users(3);
    for name in 1..=12 {
        let (sender, receiver) = [(1, 3), (2, 3), (3, 1)][name as usize % 3];
        asker.fresh(sender, receiver, name);
    }
    let through = |after, last| Which::Through {
        after: MessageId(after),
        last: MessageId(last),
    };
    assert_eq!(asker.waiting(3), [1, 3, 4, 6, 7, 9, 10, 12]);
    assert_eq!(asker.moved(3, named(6)), Some(vec![6]));
    assert_eq!(asker.moved(3, through(3, 9)), Some(vec![4, 7, 9]));
    assert_eq!(asker.waiting(3), [1, 3, 10, 12]);
    assert_eq!(asker.moved(3, through(3, 9)), Some(vec![]));
    assert_eq!(asker.moved(3, through(3, 8)), Some(vec![]));
    for nothing in [
        through(4, 5),
        through(9, 9),
        through(9, 3),
        through(12, u64::MAX),
    ] {
        assert_eq!(asker.moved(3, nothing), None);
    }
    assert_eq!(
        asker.moved(3, through(0, u64::MAX)),
        Some(vec![1, 3, 10, 12])
    );
    assert_eq!(asker.waiting(3), []);
    assert_eq!(asker.waiting(1), [2, 5, 8, 11]);
}

pub fn one_may_write_to_oneself(asker: &Asker) {
    asker.with_users(2);
    let note = asker.fresh(1, 1, 7);
    assert_eq!((&note.sender, &note.receiver), (&person(1), &person(1)));
    asker.fresh(1, 1, 8);
    asker.fresh(1, 2, 7);
    assert_eq!(asker.waiting(1), [1, 2]);
    assert_eq!(asker.moved(1, named(8)), Some(vec![8]));
    assert_eq!(asker.waiting(1), [1]);
    assert_eq!(asker.counts().waiting, 2);
    let states: Vec<_> = states(&asker.history(1, 1, None, 9));
    assert_eq!(states, [(2, Delivery::Received), (1, Delivery::Stored)]);
    let all = Which::Through {
        after: MessageId(0),
        last: MessageId(3),
    };
    assert_eq!(asker.moved(1, all), Some(vec![7]));
    assert_eq!(asker.moved(1, all), Some(vec![]));
}

pub fn own_messages_never_wait(asker: &Asker) {
    asker.with_users(2);
    for name in 1..=20 {
        let (sender, receiver) = if name == 5 { (2, 1) } else { (1, 2) };
        asker.fresh(sender, receiver, name);
    }
    assert_eq!(asker.waiting(1), [5]);
    assert_eq!(asker.moved(1, named(5)), Some(vec![5]));
    assert_eq!(asker.waiting(1), []);
    assert_eq!(asker.waiting(2).len(), 19);
}

pub fn an_inbox_is_read_page_by_page_in_the_order_of_ids(asker: &Asker) {
    asker.with_users(6);
    for name in 1..=100 {
        // Uneven shares, so that the conversations run out one after another.
        let sender = 2 + (name * name / 7) % 5;
        asker.fresh(sender, 1, name);
    }
    for name in [1, 10, 11, 12, 50, 99] {
        asker.confirm(1, named(name));
    }
    let all = asker.waiting(1);
    assert_eq!(all.len(), 94);
    assert!(all.is_sorted());
    for limit in [1, 7, 93, 94, 1000] {
        let mut read = Vec::new();
        loop {
            let after = read.last().copied().unwrap_or(0);
            let page = asker.inbox(1, after, limit);
            assert_eq!(page.through, MessageId(100));
            assert!(page.messages.len() <= limit);
            read.extend(ids(&page));
            assert_eq!(page.more, read.len() < all.len());
            if !page.more {
                break;
            }
        }
        assert_eq!(read, all);
    }
}

pub fn an_inbox_begins_after_an_id(asker: &Asker) {
    asker.with_users(2);
    assert_eq!(asker.inbox(1, 0, 9), InboxPage::default());
    for name in 1..=5 {
        asker.fresh(1, 2, name);
    }
    for (after, left) in [(0, 5), (2, 3), (4, 1), (5, 0), (u64::MAX, 0)] {
        let page = asker.inbox(2, after, 9);
        assert_eq!((page.messages.len(), page.more), (left, false));
        assert_eq!(page.through, MessageId(5));
    }
    asker.fresh(2, 1, 6);
    assert_eq!(
        asker.inbox(2, 5, 0),
        InboxPage {
            through: MessageId(6),
            ..InboxPage::default()
        }
    );
    assert_eq!(
        asker.inbox(2, 0, 0).messages.len(),
        1,
        "a limit of nothing is one"
    );
    assert_eq!(asker.inbox(9, 0, 9).messages, [], "nobody");
}

pub fn a_page_ends_before_it_is_too_large(asker: &Asker) {
    asker.with_users(2);
    let large = "x".repeat(400_000);
    for name in 1..=3 {
        asker.append(new_message(1, 2, name, &large));
    }
    let page = asker.inbox(2, 0, 9);
    assert_eq!((ids(&page), page.more), (vec![1, 2], true));
    let page = asker.inbox(2, 2, 9);
    assert_eq!((ids(&page), page.more), (vec![3], false));
    let page = asker.history(2, 1, None, 9);
    assert_eq!((page.messages.len(), page.more), (2, true));
}

pub fn history_goes_back_by_id_and_by_time(asker: &Asker) {
    asker.with_users(3);
    for name in 1..=10 {
        let (sender, receiver) = [(1, 2), (2, 1), (1, 3)][name as usize % 3];
        let mut message = new_message(sender, receiver, name, "");
        // Two by two at one time: 0, 100, 100, 200, 200, …
        message.time_ms = name / 2 * 100;
        asker.append(message);
    }
    let page = |before, limit| {
        let page = asker.history(2, 1, before, limit);
        assert_eq!(page, asker.history(1, 2, before, limit));
        let ids: Vec<u64> = page.messages.iter().map(|kept| kept.message.id.0).collect();
        (ids, page.more)
    };
    assert_eq!(page(None, 99), (vec![10, 9, 7, 6, 4, 3, 1], false));
    assert_eq!(page(None, 3), (vec![10, 9, 7], true));
    assert_eq!(page(Some(Before::Id(MessageId(7))), 2), (vec![6, 4], true));
    assert_eq!(
        page(Some(Before::Id(MessageId(5))), 3),
        (vec![4, 3, 1], false)
    );
    assert_eq!(page(Some(Before::Id(MessageId(1))), 3), (vec![], false));
    assert_eq!(page(Some(Before::Id(MessageId(0))), 3), (vec![], false));
    assert_eq!(
        page(Some(Before::Id(MessageId(u64::MAX))), 1),
        (vec![10], true)
    );
    assert_eq!(page(Some(Before::Time(300)), 2), (vec![4, 3], true));
    assert_eq!(page(Some(Before::Time(301)), 2), (vec![7, 6], true));
    assert_eq!(page(Some(Before::Time(100)), 9), (vec![1], false));
    assert_eq!(page(Some(Before::Time(0)), 9), (vec![], false));
    assert_eq!(page(Some(Before::Time(u64::MAX)), 1), (vec![10], true));
    for (reader, with) in [(2, 3), (1, 9), (9, 1), (9, 9)] {
        assert_eq!(asker.history(reader, with, None, 9), HistoryPage::default());
    }
}

pub fn history_shows_what_was_received(asker: &Asker) {
    asker.with_users(2);
    for name in 1..=8 {
        let (sender, receiver) = if name % 4 == 0 { (2, 1) } else { (1, 2) };
        asker.fresh(sender, receiver, name);
    }
    for name in [1, 5, 6, 3] {
        asker.confirm(2, named(name));
    }
    asker.confirm(1, named(8));
    let received = [8, 6, 5, 3, 1];
    for limit in 1..=8 {
        for before in 2..=9 {
            let page = asker.history(1, 2, Some(Before::Id(MessageId(before))), limit);
            for (id, state) in states(&page) {
                assert_eq!(state == Delivery::Received, received.contains(&id), "{id}");
            }
        }
    }
}

fn states(page: &HistoryPage) -> Vec<(u64, Delivery)> {
    let states = page.messages.iter();
    states.map(|kept| (kept.message.id.0, kept.state)).collect()
}

pub fn users_are_made_and_found(asker: &Asker) {
    let hash = Some("$argon2id$…".to_owned());
    let added = asker.ask(|store, done| store.add_user("廖杰".to_owned(), hash.clone(), 1, done));
    let AddedUser::New(person) = added else {
        panic!("{added:?}")
    };
    assert_eq!((person.uid, &*person.name), (uid(1), "廖杰"));
    assert_eq!(asker.add_user("廖杰"), AddedUser::NameTaken);
    assert!(matches!(asker.add_user("Li"), AddedUser::New(person) if person.uid == uid(2)));
    assert!(matches!(asker.add_user("li"), AddedUser::New(person) if person.uid == uid(3)));
    let found = asker
        .user(UserKey::Name("廖杰".to_owned()))
        .expect("made above");
    assert_eq!((&found.person, &found.password_hash), (&person, &hash));
    assert_eq!(asker.user(UserKey::Uid(uid(1))), Some(found));
    let li = asker.user(UserKey::Uid(uid(3))).expect("made above");
    assert_eq!((&*li.person.name, li.password_hash), ("li", None));
    assert_eq!(asker.user(UserKey::Uid(uid(4))), None);
    assert_eq!(asker.user(UserKey::Name("nobody".to_owned())), None);
    assert_eq!(asker.counts().users, 3);
}

pub fn people_of_foreign_tokens_are_admitted(asker: &Asker) {
    let ann = |number| Person {
        uid: uid(number),
        name: "ann".into(),
    };
    for _ in 0..2 {
        assert_eq!(asker.admit(ann(40)), AddedUser::New(ann(40)));
    }
    assert_eq!(asker.admit(ann(41)), AddedUser::NameTaken);
    assert_eq!(asker.admit(person(40)), AddedUser::NameTaken);
    asker.with_users(0);
    assert!(matches!(asker.add_user("u41"), AddedUser::New(person) if person.uid == uid(41)));
    assert_eq!(
        asker.admit(ann(41)),
        AddedUser::NameTaken,
        "both are another's"
    );

    // A uid that JSON readers would hold inexactly is not continued from, and the very last leaves room.
    asker.admit(person(i64::MAX as u64));
    assert!(matches!(asker.add_user("u42"), AddedUser::New(person) if person.uid == uid(42)));
    asker.admit(person((1 << 53) - 1));
    assert!(matches!(asker.add_user("u1"), AddedUser::New(person) if person.uid == uid(1)));
    assert!(matches!(asker.add_user("u2"), AddedUser::New(person) if person.uid == uid(2)));
    let to_last = new_message(1, i64::MAX as u64, 7, "hello");
    assert!(matches!(asker.append(to_last), Appended::Fresh(_)));
    assert_eq!(asker.waiting(i64::MAX as u64), [1]);
}

pub fn revocations_end_by_themselves(asker: &Asker) {
    let revoke = |token: &str, expires_s| {
        asker.ask(|store, done| store.revoke(token.to_owned(), expires_s, done));
    };
    revoke("a", 10);
    revoke("b", 20);
    revoke("b", 5);
    revoke("c", u64::MAX);
    assert_eq!(asker.revoked(9), ["a", "b", "c"]);
    assert_eq!(asker.revoked(10), ["b", "c"]);
    assert_eq!(asker.revoked(0), ["b", "c"], "forgotten is forgotten");
    assert_eq!(asker.revoked(20), ["c"]);
}

pub fn a_closed_store_says_so(asker: &Asker) {
    asker.with_users(2);
    assert_eq!(asker.store.health(), Ok(()));
    asker.store.close();
    asker.store.close();
    let closed = ask(&*asker.store, |store, done| {
        store.append(new_message(1, 2, 7, "late"), done);
    });
    assert_eq!(closed, Err(StoreError::Closed));
    let closed = ask(&*asker.store, |store, done| {
        store.inbox(uid(1), MessageId(0), 1, done);
    });
    assert_eq!(closed, Err(StoreError::Closed));
}
