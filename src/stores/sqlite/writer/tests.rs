//! What becomes of a batch where the disk, a request or the writer fails, and of books that leave memory.

use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use tempfile::TempDir;

use super::*;
use crate::broker::command::Address;
use crate::broker::groups::NewGroup;
use crate::broker::message::Kind;
use crate::broker::message::MessageId;
use crate::broker::message::MsgId;
use crate::broker::ports::Appended;
use crate::broker::ports::Confirmation;
use crate::broker::ports::NewMessage;
use crate::broker::ports::SocialAct;
use crate::broker::ports::Which;
use crate::broker::social::Changed;
use crate::broker::social::Social;
use crate::broker::users::Uid;
use crate::broker::users::UserKey;
use crate::stores::sqlite::confirmations;
use crate::stores::sqlite::jobs::WriteBy;
use crate::stores::sqlite::messages;
use crate::stores::sqlite::schema;
use crate::stores::sqlite::social;
use crate::stores::sqlite::users;
use crate::stores::sqlite::users::NewUser;

type Answer<T> = mpsc::Receiver<Result<T, StoreError>>;

fn writer(users: usize) -> (TempDir, Writer) {
    let dir = TempDir::new().expect("a directory");
    let conn = schema::open(&dir.path().join("test.db")).expect("a new database");
    for number in 0..users {
        let new = NewUser {
            name: format!("u{number}"),
            password_hash: None,
            time_ms: 0,
        };
        users::add_user(&conn, &new).expect("a new user");
    }
    let queue = Arc::new(Queue::new(9, 99));
    let file = dir.path().join("test.db");
    let writer = Writer::new(conn, file, queue, Arc::default());
    (dir, writer.expect("a writer"))
}

fn job<R: Send + 'static, T: Send + 'static>(
    request: R,
    work: fn(&mut Books, &R) -> Result<T>,
) -> (Box<dyn Write>, Answer<T>) {
    let (tell, told) = mpsc::channel();
    let job = WriteBy {
        request,
        work,
        outcome: None,
        done: Box::new(move |result| drop(tell.send(result))),
    };
    (Box::new(job), told)
}

fn uid(number: u64) -> Uid {
    Uid::new(number).expect("a uid")
}

fn message(sender: u64, receiver: u64, name: u8, bytes: usize) -> NewMessage {
    NewMessage {
        sender: uid(sender),
        to: uid(receiver).into(),
        msg_id: MsgId([name; 20]),
        kind: Kind::Text,
        content: "x".repeat(bytes).into(),
        envelope: None,
        ignored: Vec::new(),
        friends_only: false,
        hook: false,
        time_ms: 0,
    }
}

fn ask<R: Send + 'static, T: Send + 'static>(
    writer: &mut Writer,
    request: R,
    work: fn(&mut Books, &R) -> Result<T>,
) -> Result<T, StoreError> {
    let (job, told) = job(request, work);
    let mut batch = [job];
    let verdict = writer.keep_or_stop(&mut batch).remove(0);
    let [job] = batch;
    job.answer(verdict);
    told.recv().expect("answered")
}

fn broken<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Broken(_)))
}

fn unable<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Unable(_)))
}

/// As if the writer had waited for its next try.
fn wait(writer: &mut Writer) {
    if let State::Ailing { try_at } | State::Doubtful { try_at, .. } = &mut writer.state {
        *try_at = Instant::now();
    }
}

#[test]
fn a_full_disk_refuses_until_there_is_room() {
    let (_dir, mut writer) = writer(2);
    let limit = |writer: &Writer, pages: i64| {
        let pragma = format!("PRAGMA max_page_count = {pages}");
        let set = writer.books.conn.query_row(&pragma, [], |row| row.get(0));
        assert!(set.is_ok_and(|set: i64| set <= pages));
    };
    let conn = &writer.books.conn;
    let pages: i64 = conn
        .pragma_query_value(None, "page_count", |row| row.get(0))
        .expect("a number");
    limit(&writer, pages + 9);
    let large = |name| message(1, 2, name, 100_000);
    assert!(unable(&ask(&mut writer, large(1), messages::append)));
    let small = ask(&mut writer, message(1, 2, 3, 1), messages::append);
    assert!(matches!(small, Ok(Ok(Appended::Fresh(..)))), "it has room");
    assert_eq!(writer.condition.health(), Err(Trouble::DiskFull));
    wait(&mut writer);
    limit(&writer, 1000);
    let kept = ask(&mut writer, large(2), messages::append);
    assert!(matches!(kept, Ok(Ok(Appended::Fresh(message, _))) if message.id.0 == 2));
    assert_eq!(writer.condition.health(), Ok(()));
}

#[test]
fn readiness_returns_without_a_send() {
    let (_dir, mut writer) = writer(2);
    let failed = ask(&mut writer, (), |_, ()| {
        let error = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
        Err::<(), _>(Error::SqliteFailure(error, None))
    });
    assert!(unable(&failed));
    assert!(writer.keep_or_stop(&mut []).is_empty());
    assert_eq!(
        writer.condition.health(),
        Err(Trouble::DiskFull),
        "too soon"
    );
    wait(&mut writer);
    assert!(writer.keep_or_stop(&mut []).is_empty());
    assert_eq!(writer.condition.health(), Ok(()));
    let figures = writer.condition.figures();
    assert_eq!((figures.troubles, figures.recoveries), (1, 1));
    assert_eq!((figures.commits, figures.refused), (0, 1));
}

#[test]
fn after_an_io_error_nothing_is_written_until_the_database_was_opened_anew() {
    let (dir, mut writer) = writer(2);
    let kept = ask(&mut writer, message(1, 2, 1, 1), messages::append);
    assert!(matches!(kept, Ok(Ok(Appended::Fresh(..)))));
    let fail = |_: &mut Books, (): &()| {
        let error = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_FSYNC);
        Err::<(), _>(Error::SqliteFailure(error, None))
    };
    assert!(broken(&ask(&mut writer, (), fail)));
    let later = ask(&mut writer, message(1, 2, 2, 1), messages::append);
    assert!(unable(&later));
    assert_eq!(writer.condition.health(), Err(Trouble::DiskFailed));
    // As long as it can't be opened, all stays as it is.
    let (file, aside) = (dir.path().join("test.db"), dir.path().join("aside.db"));
    std::fs::rename(&file, &aside).expect("renamed");
    wait(&mut writer);
    assert!(writer.keep_or_stop(&mut []).is_empty());
    let later = ask(&mut writer, message(1, 2, 2, 1), messages::append);
    assert!(unable(&later));
    assert!(!file.exists(), "nothing is begun in its place");
    std::fs::rename(&aside, &file).expect("renamed");
    wait(&mut writer);
    let again = ask(&mut writer, message(1, 2, 1, 1), messages::append);
    assert!(matches!(again, Ok(Ok(Appended::Again(message, _))) if message.id.0 == 1));
    let kept = ask(&mut writer, message(1, 2, 2, 1), messages::append);
    assert!(matches!(kept, Ok(Ok(Appended::Fresh(message, _))) if message.id.0 == 2));
    assert_eq!(writer.condition.health(), Ok(()));
    let figures = writer.condition.figures();
    assert_eq!((figures.troubles, figures.recoveries), (1, 1));
    assert_eq!((figures.commits, figures.refused), (3, 3));
}

#[test]
fn a_damaged_database_stops_the_writer_for_good() {
    let (_dir, mut writer) = writer(2);
    let failed = ask(&mut writer, (), |_, ()| {
        let error = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
        Err::<(), _>(Error::SqliteFailure(error, None))
    });
    assert!(broken(&failed));
    wait(&mut writer);
    assert!(writer.keep_or_stop(&mut []).is_empty());
    let later = ask(&mut writer, message(1, 2, 1, 1), messages::append);
    assert!(unable(&later));
    assert_eq!(writer.condition.health(), Err(Trouble::Damaged));
    assert_eq!(writer.condition.figures().commits, 0);
}

#[test]
fn a_panic_leaves_nobody_waiting() {
    let (_dir, writer) = writer(0);
    let (queue, condition) = (Arc::clone(&writer.queue), Arc::clone(&writer.condition));
    let (panics, its_answer) = job((), |_, ()| -> Result<()> { panic!("on purpose") });
    let (beside, answer_beside) = job((), |_, ()| Ok(()));
    let worker = thread::spawn(|| writer.run());
    assert!(queue.push(panics, 0).is_ok() && queue.push(beside, 0).is_ok());
    assert!(broken(&its_answer.recv().expect("answered")));
    let (later, answer_later) = job((), |_, ()| Ok(()));
    assert!(queue.push(later, 0).is_ok());
    queue.close();
    assert!(broken(&answer_beside.recv().expect("answered")));
    assert!(unable(&answer_later.recv().expect("answered")));
    assert_eq!(condition.health(), Err(Trouble::Panicked));
    assert!(worker.join().is_ok());
}

#[test]
fn groups_that_leave_memory_come_back_as_they_were() {
    let (_dir, mut writer) = writer(12);
    let gids = [1, 2].map(|name| {
        let members = (2..=12).map(|number| UserKey::Uid(uid(number)));
        let new = NewGroup {
            name: format!("g{name}"),
            members: members.collect(),
            ..NewGroup::default()
        };
        let act = SocialAct {
            by: uid(1),
            act: Social::MakeGroup(new),
            friends_only: false,
            time_ms: 0,
        };
        match ask(&mut writer, act, social::act) {
            Ok(Ok(Changed::Group { group, .. })) => group.gid,
            other => panic!("{other:?}"),
        }
    });
    // In turn, so that each batch throws out what the one before it had read.
    for round in 1..=3_u8 {
        for gid in gids {
            let message = NewMessage {
                to: Address::Group(gid),
                ..message(u64::from(round), 1, round, 1)
            };
            let kept = ask(&mut writer, message, messages::append);
            let seq = u64::from(round);
            assert!(matches!(kept, Ok(Ok(Appended::Fresh(message, audience)))
                if message.seq.0 == seq && audience.members.as_ref().is_some_and(|m| m.len() == 12)));
        }
    }
    for (name, waiting) in [(2, 1), (3, 1), (1, 0)] {
        for id in [2 * name - 1, 2 * name] {
            for receiver in 4..=12 {
                let confirmation = Confirmation {
                    receiver: uid(receiver),
                    which: Which::One(MessageId(id)),
                    time_ms: 0,
                };
                let moved = ask(&mut writer, confirmation, confirmations::confirm);
                assert!(moved.is_ok_and(|moved| moved.receipts.len() == 1));
            }
        }
        let sql = "SELECT count(*) FROM members WHERE uid >= 4 AND received = 0";
        let waits: i64 = writer
            .books
            .conn
            .query_row(sql, [], |row| row.get(0))
            .expect("a count");
        assert_eq!(waits, waiting * 18);
    }
    let all = "SELECT count(*) FROM members WHERE uid >= 4 AND received = 3";
    let conn = &writer.books.conn;
    let done: i64 = conn.query_row(all, [], |row| row.get(0)).expect("a count");
    assert_eq!(done, 18);
}

#[test]
fn pairs_that_leave_memory_come_back_as_they_were() {
    let (_dir, mut writer) = writer(12);
    for round in 1..=3_u8 {
        for sender in 2..=12 {
            let kept = ask(&mut writer, message(sender, 1, round, 1), messages::append);
            let seq = u64::from(round);
            assert!(matches!(kept, Ok(Ok(Appended::Fresh(message, _))) if message.seq.0 == seq));
        }
    }
    // The middle ones first: every pair has a run aside when it goes.
    for (round, last) in [(2, false), (1, false), (3, true)] {
        for _ in 2..=12 {
            let confirmation = Confirmation {
                receiver: uid(1),
                which: Which::Named {
                    msg_id: MsgId([round; 20]),
                    pushed: None,
                },
                time_ms: 0,
            };
            let moved = ask(&mut writer, confirmation, confirmations::confirm);
            assert!(moved.is_ok_and(|moved| moved.receipts.len() == 1));
        }
        let sql = "SELECT count(*) FROM members WHERE uid = 1 AND received = 3";
        let done: i64 = writer
            .books
            .conn
            .query_row(sql, [], |row| row.get(0))
            .expect("a count");
        assert_eq!(done, if last { 11 } else { 0 });
    }
}
