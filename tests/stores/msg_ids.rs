//! What a msgID means, however old its message is and however many came since. On disk, where the newest msgIDs are kept in
//! another way than the rest.

use std::path::Path;

use hongyan::broker::ports::{Appended, NewMessage, Verdict};
use hongyan::broker::refusal::Refusal;
use hongyan::stores::sqlite::{SqliteStore, check};
use rusqlite::Connection;
use tempfile::{TempDir, tempdir};

use crate::asker::{Asker, answer, confirmation, msg_id, named, new_message, uid};

/// Enough for some of every kind: in the table, on their way to it, and in memory only.
const NAMES: u64 = 2_500;
/// Every so many names are used by the other sender as well.
const SHARED_EACH: u64 = 7;
/// Sent at once.
const TOGETHER: usize = 100;
/// So far behind the newest is one that is on its way into the table as often as not.
const BEHIND: u64 = 200;

fn open(dir: &Path) -> Asker {
    Asker::of(SqliteStore::open(dir).expect("a sound store"))
}

/// User 1 to user 2, and some of the same names back.
fn all_messages(content: &str) -> Vec<NewMessage> {
    let messages = (1..=NAMES).flat_map(|name| {
        let back = (name % SHARED_EACH == 0).then(|| new_message(2, 1, name, content));
        [new_message(1, 2, name, content)].into_iter().chain(back)
    });
    messages.collect()
}

/// Appends many at once, so that they share commits.
fn append_all(asker: &Asker, messages: Vec<NewMessage>) -> Vec<Verdict<Appended>> {
    let mut outcomes = Vec::new();
    for part in messages.chunks(TOGETHER) {
        let told = part.iter().map(|message| {
            let (done, told) = answer();
            asker.store.append(message.clone(), done);
            told
        });
        let told: Vec<_> = told.collect();
        let answers = told.into_iter().map(|told| told.recv().expect("an answer"));
        outcomes.extend(answers.map(|answer| answer.expect("a sound store")));
    }
    outcomes
}

fn is_fresh(outcome: &Verdict<Appended>) -> bool {
    matches!(outcome, Ok(Appended::Fresh(..)))
}

/// A store in which all was said once.
fn used() -> (TempDir, Asker) {
    let dir = tempdir().expect("a directory");
    let asker = open(dir.path());
    asker.with_users(2);
    let outcomes = append_all(&asker, all_messages("hello"));
    assert!(outcomes.iter().all(is_fresh));
    (dir, asker)
}

/// How far the table goes.
fn through(dir: &Path) -> u64 {
    let conn = Connection::open(dir.join("hongyan.db")).expect("the database");
    conn.query_row("SELECT through FROM msg_ids_state", [], |row| {
        row.get::<_, i64>(0)
    })
    .expect("a row")
    .try_into()
    .expect("never negative")
}

fn assert_sound(dir: &Path) {
    let report = check(dir).expect("a store");
    assert!(report.is_sound(), "{report}");
}

/// All are known, whether they say the same or not.
fn assert_known(asker: &Asker) {
    for outcome in append_all(asker, all_messages("hello")) {
        assert!(matches!(outcome, Ok(Appended::Again(..))), "{outcome:?}");
    }
    for outcome in append_all(asker, all_messages("another")) {
        assert!(
            matches!(outcome, Err(Refusal::MsgIdTaken(_))),
            "{outcome:?}"
        );
    }
}

#[test]
fn a_msg_id_is_known_for_ever() {
    let (dir, asker) = used();
    assert_known(&asker);
    drop(asker);
    let messages = NAMES + NAMES / SHARED_EACH;
    let through = through(dir.path());
    assert!(
        through > 0 && through < messages,
        "{through}: of every kind"
    );
    assert_sound(dir.path());
    let asker = open(dir.path());
    assert_eq!(asker.counts().messages, messages);
    assert_known(&asker);
    let (done, told) = answer();
    asker.store.append(new_message(2, 1, 1, "hello"), done);
    assert!(is_fresh(&told.recv().expect("an answer").expect("sound")));
    drop(asker);
    assert_sound(dir.path());
}

#[test]
fn a_msg_id_is_known_at_every_step_of_its_way() {
    let dir = tempdir().expect("a directory");
    let asker = open(dir.path());
    asker.with_users(2);
    for name in 1..=5 * BEHIND {
        let before = name.saturating_sub(BEHIND).max(1);
        let messages = [name, before].map(|name| new_message(1, 2, name, "hello"));
        let outcomes = append_all(&asker, messages.to_vec());
        assert!(is_fresh(&outcomes[0]), "{:?}", outcomes[0]);
        let again = matches!(&outcomes[1], Ok(Appended::Again(..)));
        assert!(again, "{before} behind {name}: {:?}", outcomes[1]);
    }
    drop(asker);
    assert!(through(dir.path()) > 0, "some are in the table");
    assert_sound(dir.path());
}

#[test]
fn a_confirmation_means_the_message_to_the_one_who_confirms() {
    let (dir, asker) = used();
    drop(asker);
    let asker = open(dir.path());
    let mut confirmed = 0;
    for receiver in [1, 2] {
        let told = (1..=NAMES).map(|name| {
            let (done, told) = answer();
            asker
                .store
                .confirm(confirmation(receiver, named(name)), done);
            (name, told)
        });
        let told: Vec<_> = told.collect();
        for (name, told) in told {
            let outcome = told.recv().expect("an answer").expect("a sound store");
            let is_there = receiver == 2 || name % SHARED_EACH == 0;
            assert_eq!(
                (outcome.known, outcome.receipts.len()),
                (is_there, usize::from(is_there))
            );
            if let [receipt] = outcome.receipts[..] {
                assert_eq!(
                    (receipt.msg_id, receipt.receiver),
                    (msg_id(name), uid(receiver))
                );
                confirmed += 1;
            }
        }
    }
    assert_eq!(confirmed, asker.counts().messages);
    assert_eq!((asker.waiting(1), asker.waiting(2)), (vec![], vec![]));
    assert_eq!(asker.moved(1, named(1)), None, "it is not for user 1");
    assert_eq!(asker.moved(2, named(1)), Some(vec![]), "twice is once");
}

#[test]
fn a_check_finds_what_is_wrong_with_msg_ids() {
    let damages = [
        (
            "DELETE FROM msg_ids WHERE entry & 0xfffffffff = 1",
            "message 1: its msgID is not indexed",
        ),
        ("INSERT INTO msg_ids VALUES (99)", "msg_ids: 1 of "),
        (
            "DELETE FROM namesakes WHERE message = 8",
            "message 8 is no namesake of message 7",
        ),
        (
            "INSERT INTO namesakes VALUES (zeroblob(20), 1, 1, 1)",
            "namesakes: 1 of ",
        ),
        (
            "UPDATE messages SET sender = 1 WHERE id = 8",
            "message 8: its sender has used its msgID before",
        ),
        (
            "UPDATE msg_ids_state SET through = 1000000",
            "indexed through message 1000000, but the last is",
        ),
        ("DELETE FROM msg_ids_state", "msg_ids_state has no row"),
        (
            "UPDATE messages SET msg_id = randomblob(20) WHERE id = 1",
            "message 1: its msgID is not indexed",
        ),
    ];
    let (dir, asker) = used();
    drop(asker);
    let file = dir.path().join("hongyan.db");
    let whole = std::fs::read(&file).expect("the file");
    for (damage, finding) in damages {
        std::fs::write(&file, &whole).expect("written");
        let conn = Connection::open(&file).expect("the database");
        let sql = format!("PRAGMA foreign_keys = OFF; {damage}");
        conn.execute_batch(&sql).expect("damaged");
        conn.close().expect("closed");
        let report = check(dir.path()).expect("opens").to_string();
        assert!(report.contains(finding), "{damage}\n{report}");
    }
}

#[test]
fn what_an_older_broker_kept_is_known() {
    let (dir, asker) = used();
    drop(asker);
    // As if all came from a schema that had no such table: the next start sorts and adds them.
    let conn = Connection::open(dir.path().join("hongyan.db")).expect("the database");
    conn.execute_batch("DELETE FROM msg_ids; UPDATE msg_ids_state SET through = 0")
        .expect("as at first");
    conn.close().expect("closed");
    let asker = open(dir.path());
    assert_known(&asker);
    drop(asker);
    assert!(through(dir.path()) > NAMES, "all were added at once");
    assert_sound(dir.path());
}
