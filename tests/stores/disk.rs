//! What only the store on disk has: restarts, shared commits, a full line, commands beside it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use hongyan::broker::message::Recipient;
use hongyan::broker::ports::{
    AddedUser, Appended, Confirmed, Done, NewMessage, Store, StoreError, Verdict,
};
use hongyan::broker::refusal::Refusal;
use hongyan::broker::social::Social;
use hongyan::broker::users::UserKey;
use hongyan::stores::sqlite::{Beside, OpenError, SqliteStore, check};
use tempfile::tempdir;

use crate::asker::{
    Asker, answer, ask, confirmation, group_message, key, keys, named, new_message, person, social,
    uid,
};
use crate::pictures::{keep, picture};
use crate::queues::{bodies, put_one, take_one};
use crate::strangers::Turns;

pub fn open(dir: &Path) -> SqliteStore {
    SqliteStore::open(dir).expect("a sound store")
}

/// Holds the writer back between two commits, until the sender is dropped.
fn hold(store: &dyn Store) -> mpsc::Sender<()> {
    let (release, released) = mpsc::channel::<()>();
    let (tell, told) = mpsc::channel();
    store.revoke(
        "held".to_owned(),
        1,
        Box::new(move |_| {
            let _ = tell.send(());
            let _ = released.recv();
        }),
    );
    told.recv().expect("the writer has come to the answer");
    release
}

#[test]
fn everything_outlives_a_restart() {
    let dir = tempdir().expect("a directory");
    let data = dir.path().join("made/on/the/way");
    let asker = Asker::of(open(&data));
    asker.with_users(3);
    for name in 1..=6 {
        asker.fresh(1 + name % 2, 3, name);
    }
    asker.confirm(3, named(1));
    asker.confirm(3, named(5));
    asker.ask(|store, done| store.revoke("a".to_owned(), 10, done));
    let counts = asker.counts();
    drop(asker);

    let asker = Asker::of(open(&data));
    assert_eq!(asker.counts(), counts);
    assert_eq!(asker.waiting(3), [2, 3, 4, 6]);
    assert_eq!(asker.revoked(9), ["a"]);
    let again = asker.again(new_message(2, 3, 5, "hello"));
    assert_eq!(again.id.0, 5);
    let mut message = new_message(2, 3, 7, "");
    message.time_ms = 0;
    let (next, _) = asker.kept(message);
    assert_eq!((next.id.0, next.seq.0, next.time_ms), (7, 4, 1000));
    assert_eq!(asker.moved(3, named(3)), Some(vec![3]));
    assert_eq!(asker.waiting(3), [2, 4, 6, 7]);
    assert!(matches!(asker.add_user("u4"), AddedUser::New(added) if added == person(4)));
}

#[test]
#[cfg(unix)]
fn the_data_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempdir().expect("a directory");
    let data = dir.path().join("data");
    open(&data);
    let mode = data.metadata().expect("made").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn what_waits_together_shares_a_commit_and_is_answered_in_order() {
    let dir = tempdir().expect("a directory");
    let store = open(dir.path());
    ask(&store, |store, done| {
        store.add_user("u1".to_owned(), None, 1, done)
    })
    .expect("sound");
    ask(&store, |store, done| {
        store.add_user("u2".to_owned(), None, 1, done)
    })
    .expect("sound");
    let release = hold(&store);
    let before = store.figures().commits;
    let (tell, told) = mpsc::channel();
    for name in 1..=100 {
        let tell = tell.clone();
        store.append(
            new_message(1, 2, name, "hello"),
            Box::new(move |result| match result {
                Ok(Ok(Appended::Fresh(message, _))) => drop(tell.send(message.id.0)),
                other => panic!("{other:?}"),
            }),
        );
    }
    drop((release, tell));
    assert_eq!(
        told.iter().collect::<Vec<_>>(),
        (1..=100).collect::<Vec<_>>()
    );
    assert_eq!(store.figures().commits, before + 1);
}

#[test]
fn a_request_that_fails_hurts_nobody_beside_it() {
    let dir = tempdir().expect("a directory");
    let store = open(dir.path());
    ask(&store, |store, done| {
        store.add_user("u1".to_owned(), None, 1, done)
    })
    .expect("sound");
    ask(&store, |store, done| {
        store.add_user("u2".to_owned(), None, 1, done)
    })
    .expect("sound");
    let release = hold(&store);
    let before = store.figures().commits;
    // User 9 does not exist, which the broker rules out; here it stands for any request that cannot be done.
    let senders = [1, 9, 2, 9, 1];
    let answers: Vec<_> = (1..)
        .zip(senders)
        .map(|(name, sender)| {
            let (done, told) = answer();
            store.append(new_message(sender, 1, name, "hello"), done);
            told
        })
        .collect();
    let (done, confirmed) = answer();
    store.confirm(confirmation(1, named(3)), done);
    drop(release);
    let ids: Vec<_> = answers
        .iter()
        .map(|told| match told.recv().expect("answered") {
            Ok(Ok(Appended::Fresh(message, _))) => Some((message.id.0, message.seq.0)),
            Err(StoreError::Broken(_)) => None,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(ids, [Some((1, 1)), None, Some((2, 1)), None, Some((3, 2))]);
    let confirmed = confirmed.recv().expect("answered");
    assert!(matches!(confirmed, Ok(Confirmed { receipts, .. }) if receipts.len() == 1));
    assert_eq!(store.figures().commits, before + 1);
    assert_eq!(store.health(), Ok(()));
    let asker = Asker::of(store);
    assert_eq!(asker.waiting(1), [1, 3]);
    asker.again(new_message(2, 1, 3, "hello"));
}

#[test]
fn a_full_line_is_busy_and_closing_serves_what_waits() {
    let dir = tempdir().expect("a directory");
    let store = open(dir.path());
    let release = hold(&store);
    let (tell, told) = mpsc::channel();
    let mut waiting = 0;
    let refused = Arc::new(AtomicBool::new(false));
    // Big contents fill the line by bytes long before it is full by number.
    let content = "x".repeat(1 << 20);
    while !refused.load(Ordering::Relaxed) {
        let (tell, refused) = (tell.clone(), Arc::clone(&refused));
        waiting += 1;
        assert!(waiting < 1000, "the line has no end");
        store.append(
            new_message(1, 1, waiting, &content),
            Box::new(move |result| {
                refused.fetch_or(result == Err(StoreError::Busy), Ordering::Relaxed);
                drop(tell.send(result));
            }),
        );
    }
    assert_eq!(told.recv(), Ok(Err(StoreError::Busy)));
    drop((release, tell));
    store.close();
    let served = told
        .iter()
        .filter(|result| *result == Ok(Err(Refusal::NoSuchUser)));
    assert_eq!(served.count() as u64, waiting - 1);
}

#[test]
fn an_asker_that_panics_and_one_that_drops_the_store_harm_nobody() {
    let dir = tempdir().expect("a directory");
    let store = Arc::new(open(dir.path()));
    store.revoke("a".to_owned(), 9, Box::new(|_| panic!("on purpose")));
    store.user(UserKey::Uid(uid(1)), Box::new(|_| panic!("on purpose")));
    let revoked = ask(&*store, |store, done| store.revoked(1, done));
    assert_eq!(revoked, Ok(vec!["a".to_owned()]));

    let (tell, told) = mpsc::channel();
    let release = hold(&*store);
    let last = Arc::clone(&store);
    store.counts(Box::new(|_| ()));
    store.revoked(
        1,
        Box::new(move |_| {
            drop(last);
            let _ = tell.send(());
        }),
    );
    drop(store);
    drop(release);
    assert_eq!(told.recv(), Ok(()));
}

#[test]
fn one_store_at_a_time() {
    let dir = tempdir().expect("a directory");
    let store = open(dir.path());
    let second = SqliteStore::open(dir.path()).err().expect("refused");
    assert!(matches!(second, OpenError::InUse { .. }), "{second}");
    store.close();
    open(dir.path());
}

#[test]
fn a_command_beside_the_broker_makes_users() {
    let dir = tempdir().expect("a directory");
    let mut first = Beside::open(dir.path()).expect("begun by a command");
    let add = |beside: &mut Beside, name: &str| {
        let added = beside.add_user(name.to_owned(), Some("hash".to_owned()), 1);
        added.expect("a sound store")
    };
    assert_eq!(add(&mut first, "u1"), AddedUser::New(person(1)));
    let asker = Asker::of(open(dir.path()));
    let mut beside = Beside::open(dir.path()).expect("beside a broker");
    assert_eq!(add(&mut beside, "u2"), AddedUser::New(person(2)));
    assert_eq!(add(&mut beside, "u1"), AddedUser::NameTaken);
    assert_eq!(asker.add_user("u3"), AddedUser::New(person(3)));
    assert_eq!(asker.fresh(3, 2, 1).to, Recipient::User(person(2)));
    let key = UserKey::Name("u3".to_owned());
    let found = beside
        .user(&key)
        .expect("a sound store")
        .expect("made above");
    assert_eq!((found.person, found.password_hash), (person(3), None));
}

#[test]
fn queues_outlive_a_restart_and_ids_go_on() {
    let dir = tempdir().expect("a directory");
    let asker = Asker::of(open(dir.path()));
    let [first, last] = ["one", "two"].map(|body| put_one(&asker, body));
    take_one(&asker, last);
    let counts = asker.counts();
    drop(asker);

    let asker = Asker::of(open(dir.path()));
    assert_eq!(asker.counts(), counts);
    assert_eq!(bodies(&asker, "a"), ["one"]);
    take_one(&asker, first);
    assert!(
        put_one(&asker, "three") > last,
        "also when all others are gone"
    );
    assert_eq!(bodies(&asker, "a"), ["three"]);
    assert!(check(dir.path()).expect("a sound store").is_sound());
}

#[test]
fn people_outlive_a_restart() {
    let dir = tempdir().expect("a directory");
    let asker = Asker::of(open(dir.path()));
    asker.with_users(4);
    asker.befriend(1, 2);
    asker.social(1, Social::Block(key(3)));
    let gid = asker.group_of(&[1, 2, 3]);
    asker.kept(group_message(1, gid, 1, &[3]));
    asker.say(2, gid, 2);
    asker.confirm(3, named(2));
    let add = Social::AddMembers {
        gid,
        users: keys(&[4]),
    };
    asker.social(4, add);
    let image = picture(100);
    let id = keep(&asker, 1, image.clone());
    let before = (asker.counts(), asker.group(4, gid));
    drop(asker);

    let asker = Asker::of(open(dir.path()));
    assert_eq!((asker.counts(), asker.group(4, gid)), before);
    assert_eq!((asker.waiting(1), asker.waiting(2)), (vec![2], vec![1]));
    assert!(asker.waiting(3).is_empty() && asker.waiting(4).is_empty());
    let blocked = asker.append(new_message(3, 1, 1, "hello"));
    assert_eq!(blocked, Err(Refusal::Blocked));
    assert_eq!(asker.say(3, gid, 3).seq.0, 3);
    assert_eq!(asker.waiting(4), [3]);
    let seen = asker.ask(|store, done| store.image(uid(1), id, done));
    assert_eq!(seen, Some(image));
    drop(asker);
    let report = check(dir.path()).expect("a sound store");
    assert!(report.is_sound(), "{report}");
}

#[test]
fn nobody_brings_strangers_within_one_commit_either() {
    let dir = tempdir().expect("a directory");
    let asker = Asker::of(open(dir.path()));
    let turns = Turns::of(&asker);
    let release = hold(&*asker.store);
    let told = turns.ask(&*asker.store);
    drop(release);
    turns.check(&told);
}

#[test]
fn what_people_are_to_each_other_holds_within_one_commit() {
    let dir = tempdir().expect("a directory");
    let asker = Asker::of(open(dir.path()));
    asker.with_users(3);
    asker.fresh(1, 2, 1);
    let gid = asker.group_of(&[2, 3]);
    let store = Arc::clone(&asker.store);
    let (tell, told) = mpsc::channel();
    let send = |message: NewMessage| {
        let tell = tell.clone();
        let tell: Done<Verdict<Appended>> = Box::new(move |result| {
            let outcome = result.expect("a sound store").map(|_| ());
            let _ = tell.send(outcome);
        });
        store.append(message, tell);
    };
    let act = |by, act| store.social(social(uid(by), act), Box::new(drop));
    let join = Social::AddMembers {
        gid,
        users: keys(&[1]),
    };
    let leave = Social::RemoveMember { gid, user: key(1) };
    let to_friend = |name| NewMessage {
        friends_only: true,
        ..new_message(1, 2, name, "hello")
    };
    let words = String::new;
    // All of it waits for the writer at once, or nearly; each step sees those before it.
    send(new_message(1, 2, 2, "hello"));
    act(2, Social::Block(key(1)));
    send(new_message(1, 2, 3, "hello"));
    act(2, Social::Unblock(key(1)));
    send(to_friend(4));
    let (to, of) = (key(2), key(1));
    act(1, Social::AskFriend { to, words: words() });
    let (to, words) = (of, words());
    act(2, Social::AskFriend { to, words });
    send(to_friend(5));
    send(group_message(1, gid, 6, &[]));
    act(1, join);
    send(group_message(1, gid, 7, &[]));
    act(1, leave);
    send(group_message(1, gid, 8, &[]));
    drop(tell);
    let outcomes: Vec<_> = told.iter().take(7).collect();
    let expected = [
        Ok(()),
        Err(Refusal::Blocked),
        Err(Refusal::NotFriends),
        Ok(()),
        Err(Refusal::NotMember),
        Ok(()),
        Err(Refusal::NotMember),
    ];
    assert_eq!(outcomes, expected);
}
