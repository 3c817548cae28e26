//! What every store promises of its pages, a question each.

use hongyan::broker::delivery::Delivery;
use hongyan::broker::message::MessageId;
use hongyan::broker::ports::{Before, HistoryPage, InboxPage};
use hongyan::broker::refusal::Refusal;

use crate::asker::{Asker, ids, named, new_message, states, uid};

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
        asker.kept(new_message(1, 2, name, &large));
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
        asker.kept(message);
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
    for (reader, with) in [(2, 3), (9, 1)] {
        assert_eq!(asker.history(reader, with, None, 9), HistoryPage::default());
    }
    for reader in [1, 9] {
        let with = uid(9).into();
        let page = asker.ask(|store, done| store.history(uid(reader), with, None, 9, done));
        assert_eq!(page, Err(Refusal::NoSuchUser));
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
