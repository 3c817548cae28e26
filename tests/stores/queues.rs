//! What every store promises of its shared queues, a question each.

use std::sync::Arc;

use hongyan::broker::destination::Name;
use hongyan::broker::limits::PAGE_MESSAGES;
use hongyan::broker::payload::Payload;
use hongyan::broker::ports::{
    Counts, NewQueued, QueueChange, QueueChanged, QueueLimits, QueuePage, QueueWhich,
};
use hongyan::broker::queued::{Queued, QueuedId};

use crate::asker::Asker;

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

fn put(queue: &str, body: impl Into<Vec<u8>>) -> NewQueued {
    NewQueued {
        queue: name(queue),
        payload: Arc::new(Payload::new(Vec::new(), body.into())),
        expires_ms: None,
    }
}

fn expiring(queue: &str, body: &str, expires_ms: u64) -> NewQueued {
    NewQueued {
        expires_ms: Some(expires_ms),
        ..put(queue, body)
    }
}

fn puts(puts: impl IntoIterator<Item = NewQueued>) -> QueueChange {
    QueueChange {
        puts: puts.into_iter().collect(),
        takes: Vec::new(),
        burials: Vec::new(),
        limits: QueueLimits::default(),
        time_ms: 1000,
    }
}

fn takes(takes: &[u64], burials: &[u64]) -> QueueChange {
    let ids = |ids: &[u64]| ids.iter().copied().map(QueuedId).collect();
    QueueChange {
        takes: ids(takes),
        burials: ids(burials),
        ..puts([])
    }
}

fn change(asker: &Asker, change: QueueChange) -> QueueChanged {
    asker.ask(|store, done| store.change_queues(change, done))
}

/// What was added.
fn done(asker: &Asker, asked: QueueChange) -> Vec<Arc<Queued>> {
    match change(asker, asked) {
        QueueChanged::Done(added) => added,
        other => panic!("{other:?}"),
    }
}

fn ids(messages: &[Arc<Queued>]) -> Vec<u64> {
    messages.iter().map(|message| message.id.0).collect()
}

fn page(asker: &Asker, queue: &str, which: QueueWhich) -> QueuePage {
    asker.ask(|store, done| store.queue_page(name(queue), which, done))
}

fn after(asker: &Asker, queue: &str, id: u64) -> QueuePage {
    page(asker, queue, QueueWhich::After(QueuedId(id)))
}

/// Puts one message into the queue a; its id.
pub fn put_one(asker: &Asker, body: &str) -> u64 {
    done(asker, puts([put("a", body)]))[0].id.0
}

/// Takes one message.
pub fn take_one(asker: &Asker, id: u64) {
    done(asker, takes(&[id], &[]));
}

/// The bodies of all that is in a short queue.
pub fn bodies(asker: &Asker, queue: &str) -> Vec<String> {
    let page = after(asker, queue, 0);
    assert!(!page.more);
    let bodies = page.messages.iter().map(|m| m.payload.body.clone());
    bodies
        .map(|b| String::from_utf8(b).expect("text"))
        .collect()
}

fn counted(asker: &Asker) -> (u64, u64) {
    let Counts { queues, queued, .. } = asker.counts();
    (queues, queued)
}

pub fn a_queue_keeps_what_it_was_given_in_order(asker: &Asker) {
    let headers = vec![("a:1".into(), "x\ny".into()), ("".into(), "起".into())];
    let first = NewQueued {
        queue: name("a"),
        payload: Arc::new(Payload::new(headers, vec![0, 255, 10])),
        expires_ms: Some(5000),
    };
    let added = done(asker, puts([first, put("b", "of b"), put("a", "")]));
    let queues: Vec<&str> = added.iter().map(|m| m.queue.as_str()).collect();
    assert_eq!(queues, ["a", "b", "a"]);
    assert!(added.is_sorted_by(|one, next| one.id < next.id));
    let of_a = [Arc::clone(&added[0]), Arc::clone(&added[2])];
    assert_eq!(after(asker, "a", 0).messages, of_a);
    assert_eq!(
        after(asker, "a", added[0].id.0).messages,
        [Arc::clone(&added[2])]
    );
    assert_eq!(after(asker, "nothing", 0), QueuePage::default());
    assert_eq!(counted(asker), (2, 3));
}

pub fn what_is_taken_is_gone_and_its_id_is_not_used_again(asker: &Asker) {
    let first = ids(&done(
        asker,
        puts(["1", "2", "3"].map(|body| put("a", body))),
    ));
    assert_eq!(done(asker, takes(&[first[0], first[2], 999], &[])), []);
    assert_eq!(
        done(asker, takes(&[first[0]], &[])),
        [],
        "it is gone already"
    );
    assert_eq!(bodies(asker, "a"), ["2"]);
    done(asker, takes(&[first[1]], &[]));
    assert_eq!(counted(asker), (0, 0), "an empty queue is none");
    let later = ids(&done(asker, puts([put("a", "4")])));
    assert!(later[0] > first[2], "{later:?} {first:?}");
    assert_eq!(after(asker, "a", first[2]).messages.len(), 1);
}

pub fn a_page_holds_the_oldest_or_those_asked_for(asker: &Asker) {
    let all = ids(&done(
        asker,
        puts((0..PAGE_MESSAGES + 2).map(|_| put("a", "x"))),
    ));
    let page_of = |id| {
        let page = after(asker, "a", id);
        (ids(&page.messages), page.more)
    };
    assert_eq!(page_of(0), (all[..PAGE_MESSAGES].to_vec(), true));
    assert_eq!(page_of(all[1]), (all[2..].to_vec(), false));
    let these = [all[3], all[5], 999_999, all[7]].map(QueuedId).to_vec();
    let found = page(asker, "a", QueueWhich::These(these));
    assert_eq!(
        (ids(&found.messages), found.more),
        (vec![all[3], all[5], all[7]], false)
    );
}

pub fn a_page_of_a_queue_ends_before_it_is_too_large(asker: &Asker) {
    let large = || put("a", vec![b'x'; 600 << 10]);
    let all = ids(&done(asker, puts([large(), large(), put("a", "small")])));
    let page_of = |which| {
        let page = page(asker, "a", which);
        (ids(&page.messages), page.more)
    };
    assert_eq!(
        page_of(QueueWhich::After(QueuedId(0))),
        (vec![all[0]], true)
    );
    let these = QueueWhich::These(all.iter().copied().map(QueuedId).collect());
    assert_eq!(page_of(these), (vec![all[0]], true));
}

pub fn the_dead_know_where_they_came_from(asker: &Asker) {
    let added = ids(&done(
        asker,
        puts([expiring("a", "bad", 9000), put("b", "good")]),
    ));
    let mut burial = takes(&[], &[added[0], 999]);
    burial.time_ms = 2000;
    let dead = done(asker, burial);
    assert_eq!(dead.len(), 1);
    assert_eq!((dead[0].queue.as_str(), dead[0].expires_ms), ("dead", None));
    let buried = dead[0].buried.as_ref().expect("it is");
    assert_eq!((buried.from.as_str(), buried.time_ms), ("a", 2000));
    assert_eq!(after(asker, "dead", 0).messages, dead);
    assert_eq!(bodies(asker, "a"), [""; 0]);
    let again = done(asker, takes(&[], &[dead[0].id.0]));
    assert_eq!(again[0].buried, dead[0].buried, "buried once and for all");
    assert_eq!(bodies(asker, "dead"), ["bad"]);
    assert_eq!(counted(asker), (2, 2));
}

pub fn a_full_queue_refuses_all_of_a_change(asker: &Asker) {
    let limits = QueueLimits {
        messages_max: 3,
        bytes_max: 10,
        queues_max: 2,
    };
    let limited = |more: QueueChange| change(asker, QueueChange { limits, ..more });
    let added = ids(&done(asker, puts([put("a", "12345"), put("b", "1")])));
    let both = QueueChange {
        takes: vec![QueuedId(added[1])],
        ..puts([put("b", "2"), put("a", "123456")])
    };
    assert_eq!(limited(both), QueueChanged::Full, "by bytes");
    assert_eq!(bodies(asker, "b"), ["1"], "nothing was changed");
    assert_eq!(
        limited(puts(["", "", ""].map(|body| put("a", body)))),
        QueueChanged::Full
    );
    assert_eq!(limited(puts([put("c", "")])), QueueChanged::TooMany);
    assert_eq!(
        limited(takes(&[], &[added[0]])),
        QueueChanged::TooMany,
        "dead is one"
    );
    assert_eq!(bodies(asker, "a"), ["12345"]);
    let fits = limited(puts(["12345", ""].map(|body| put("a", body))));
    assert!(matches!(fits, QueueChanged::Done(added) if added.len() == 2));
    assert_eq!(counted(asker), (2, 4));
}

pub fn what_has_expired_makes_room(asker: &Asker) {
    let limits = QueueLimits {
        messages_max: 3,
        ..QueueLimits::default()
    };
    done(
        asker,
        puts([
            expiring("a", "1", 2000),
            put("a", "2"),
            expiring("a", "3", 3000),
        ]),
    );
    let more = |time_ms| QueueChange {
        limits,
        time_ms,
        ..puts([put("a", "4")])
    };
    assert_eq!(change(asker, more(1999)), QueueChanged::Full);
    assert!(matches!(change(asker, more(2000)), QueueChanged::Done(_)));
    assert_eq!(bodies(asker, "a"), ["2", "3", "4"]);
    assert_eq!(counted(asker), (1, 3));
}
