//! What every store promises of sending and confirming, a question each.

use hongyan::broker::command::Ears;
use hongyan::broker::delivery::Delivery;
use hongyan::broker::message::{MessageId, Recipient, Seq};
use hongyan::broker::ports::{Counts, Pushes, Which};
use hongyan::broker::refusal::Refusal;

use crate::asker::{Asker, msg_id, named, new_message, person, states, uid};

pub fn a_message_is_kept_once(asker: &Asker) {
    asker.with_users(2);
    let message = asker.fresh(1, 2, 7);
    assert_eq!((message.id, message.seq), (MessageId(1), Seq(1)));
    assert_eq!(
        (&message.sender, &message.to),
        (&person(1), &Recipient::User(person(2)))
    );
    assert_eq!((message.msg_id, &*message.content), (msg_id(7), "hello"));
    let mut again = new_message(1, 2, 7, "hello");
    again.time_ms = 5000;
    assert_eq!(asker.again(again), message);
    assert_eq!(asker.inbox(2, 0, 9).messages, [message]);
    let counts = Counts {
        users: 2,
        conversations: 1,
        messages: 1,
        waiting: 1,
        ..Counts::default()
    };
    assert_eq!(asker.counts(), counts);
}

pub fn a_msg_id_with_another_content_is_taken(asker: &Asker) {
    asker.with_users(2);
    asker.fresh(1, 2, 7);
    let taken = Err(Refusal::MsgIdTaken(msg_id(7)));
    assert_eq!(asker.append(new_message(1, 2, 7, "bye")), taken);
    assert_eq!(asker.moved(2, named(7)), Some(vec![7]));
    assert_eq!(asker.append(new_message(1, 2, 7, "")), taken);
    assert!(asker.waiting(2).is_empty());
}

pub fn there_must_be_a_receiver(asker: &Asker) {
    asker.with_users(1);
    let to_nobody = new_message(1, 2, 7, "hello");
    assert_eq!(asker.append(to_nobody.clone()), Err(Refusal::NoSuchUser));
    assert_eq!(asker.counts().conversations, 0);
    asker.add_user("u2");
    asker.kept(to_nobody);
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
        assert_eq!(asker.kept(message).0.time_ms, kept);
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
        pushed: Some(Pushes {
            direct_after: Some(MessageId(after)),
            groups_after: None,
            last: MessageId(last),
        }),
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
        by: Ears::ALL,
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
    assert!(asker.waiting(3).is_empty());
    assert_eq!(asker.waiting(1), [2, 5, 8, 11]);
}

pub fn one_may_write_to_oneself(asker: &Asker) {
    asker.with_users(2);
    let note = asker.fresh(1, 1, 7);
    assert_eq!(
        (&note.sender, &note.to),
        (&person(1), &Recipient::User(person(1)))
    );
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
        by: Ears::ALL,
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
    assert!(asker.waiting(1).is_empty());
    assert_eq!(asker.waiting(2).len(), 19);
}
