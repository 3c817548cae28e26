//! What every store promises of users and their tokens, and of its end.

use hongyan::broker::message::MessageId;
use hongyan::broker::ports::{AddedUser, StoreError};
use hongyan::broker::users::{Person, UserKey};

use crate::asker::{Asker, ask, new_message, person, uid};

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
    let last = i64::MAX as u64 - 1;
    asker.admit(person(last));
    assert!(matches!(asker.add_user("u42"), AddedUser::New(person) if person.uid == uid(42)));
    asker.admit(person((1 << 53) - 1));
    assert!(matches!(asker.add_user("u1"), AddedUser::New(person) if person.uid == uid(1)));
    assert!(matches!(asker.add_user("u2"), AddedUser::New(person) if person.uid == uid(2)));
    asker.fresh(1, last, 7);
    assert_eq!(asker.waiting(last), [1]);
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
