//! The one writer: takes all that waits, commits it together, then answers everybody in it, in order.
//!
//! A request that fails does not hurt those beside it: the batch is rolled back and done again with a savepoint around
//! each. After an I/O error nothing is known about the disk, so the writer refuses everything from then on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Error, ErrorCode, Result};

use crate::broker::ports::StoreError;
use crate::stores::sqlite::books::Books;
use crate::stores::sqlite::jobs::Write;
use crate::stores::sqlite::jobs::refusal;
use crate::stores::sqlite::queue::Queue;

/// Most requests in one commit: enough to make its fsync cheap, few enough to answer soon.
const BATCH_JOBS_MAX: usize = 4096;
/// A batch ends with the request that brings it to so many bytes of content.
const BATCH_BYTES_MAX: usize = 8 << 20;

/// What the line before the writer holds.
pub(super) type WriteQueue = Queue<Box<dyn Write>>;

/// How the writer is, for those who ask from other threads.
#[derive(Default)]
pub(super) struct Condition {
    trouble: Mutex<Option<String>>,
    commits: AtomicU64,
}

impl Condition {
    /// Whether writes can be kept, as far as the last one shows.
    pub(super) fn health(&self) -> Result<(), String> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.clone().map_or(Ok(()), Err)
    }

    /// How many batches were committed.
    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    fn set(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

/// The writer and what it owns.
pub(super) struct Writer {
    books: Books,
    queue: Arc<WriteQueue>,
    condition: Arc<Condition>,
    /// Set once and for all: why nothing is written any more.
    stopped: Option<StoreError>,
}

/// How far an error reaches.
enum Reach {
    /// The request that met it.
    Job,
    /// All that was to be committed with it; later it may be gone.
    Batch,
    /// Everything from now on.
    Forever,
}

fn reach(error: &Error) -> Reach {
    use ErrorCode::{
        CannotOpen, DatabaseBusy, DatabaseCorrupt, DatabaseLocked, DiskFull, NotADatabase,
        OutOfMemory, ReadOnly, SystemIoFailure,
    };
    match error.sqlite_error_code() {
        Some(SystemIoFailure | DatabaseCorrupt | NotADatabase) => Reach::Forever,
        Some(DiskFull | OutOfMemory | DatabaseBusy | DatabaseLocked | ReadOnly | CannotOpen) => {
            Reach::Batch
        }
        _ => Reach::Job,
    }
}

impl Writer {
    /// A writer of `books` that takes from `queue`.
    pub(super) fn new(books: Books, queue: Arc<WriteQueue>, condition: Arc<Condition>) -> Self {
        Self {
            books,
            queue,
            condition,
            stopped: None,
        }
    }

    /// Works until the queue is closed and empty.
    pub(super) fn run(mut self) {
        let mut batch = Vec::new();
        while self.queue.take(&mut batch, BATCH_JOBS_MAX, BATCH_BYTES_MAX) {
            let verdicts = self.keep_or_stop(&mut batch);
            for (job, verdict) in batch.drain(..).zip(verdicts) {
                job.answer(verdict);
            }
        }
        if self.stopped.is_none() {
            self.close();
        }
    }

    /// A panic is a bug of ours. Nobody shall wait for ever because of it, and nothing shall be built on what it left.
    fn keep_or_stop(&mut self, batch: &mut [Box<dyn Write>]) -> Vec<Result<(), StoreError>> {
        let kept = catch_unwind(AssertUnwindSafe(|| self.keep(batch)));
        kept.unwrap_or_else(|_| {
            let why = "the writer panicked".to_owned();
            tracing::error!(why);
            self.condition.set(Some(why.clone()));
            let why = StoreError::Broken(why);
            self.stopped = Some(why.clone());
            vec![Err(why); batch.len()]
        })
    }

    /// Commits a batch, as far as that is possible, and says what became of each.
    fn keep(&mut self, batch: &mut [Box<dyn Write>]) -> Vec<Result<(), StoreError>> {
        if let Some(why) = &self.stopped {
            return vec![Err(why.clone()); batch.len()];
        }
        let mut kept = self.together(batch).map(|()| vec![Ok(()); batch.len()]);
        if let Err(Failure {
            error,
            doing: Doing::Work,
        }) = &kept
            && matches!(reach(error), Reach::Job)
        {
            kept = self.apart(batch);
        }
        match kept {
            Ok(verdicts) => {
                self.books.conversations.end_batch();
                self.condition.commits.fetch_add(1, Ordering::Relaxed);
                self.condition.set(None);
                verdicts
            }
            Err(Failure { error, .. }) => {
                let why = self.suffer(&error);
                vec![Err(why); batch.len()]
            }
        }
    }

    fn together(&mut self, batch: &mut [Box<dyn Write>]) -> Result<(), Failure> {
        self.transaction(|books| {
            for job in batch {
                job.run(books)?;
            }
            books.write_back()
        })
    }

    /// The same with a savepoint around each, so that one that fails fails alone.
    fn apart(
        &mut self,
        batch: &mut [Box<dyn Write>],
    ) -> Result<Vec<Result<(), StoreError>>, Failure> {
        self.transaction(|books| {
            let mut verdicts = Vec::with_capacity(batch.len());
            for job in batch {
                books.conn.execute_batch("SAVEPOINT job")?;
                match job.run(books).and_then(|()| books.write_back()) {
                    Ok(()) => verdicts.push(Ok(())),
                    Err(error) if matches!(reach(&error), Reach::Job) => {
                        tracing::error!(%error, "the store could not do one request");
                        books.conn.execute_batch("ROLLBACK TO job")?;
                        books.forget();
                        verdicts.push(Err(refusal(&error)));
                    }
                    Err(error) => return Err(error),
                }
                books.conn.execute_batch("RELEASE job")?;
            }
            Ok(verdicts)
        })
    }

    fn transaction<T>(&mut self, work: impl FnOnce(&mut Books) -> Result<T>) -> Result<T, Failure> {
        let books = &mut self.books;
        let begun = books.conn.execute_batch("BEGIN IMMEDIATE");
        let worked = begun.and_then(|()| work(books));
        let result = match worked {
            Ok(value) => match books.conn.execute_batch("COMMIT") {
                Ok(()) => return Ok(value),
                Err(error) => Err(Failure {
                    error,
                    doing: Doing::Commit,
                }),
            },
            Err(error) => Err(Failure {
                error,
                doing: Doing::Work,
            }),
        };
        books.forget();
        // SQLite may have rolled back by itself. If it can't, the next BEGIN fails and says so.
        if !books.conn.is_autocommit()
            && let Err(error) = books.conn.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "the store could not roll back");
        }
        result
    }

    /// A whole batch failed: says why, and stops for good where the disk cannot be trusted.
    fn suffer(&mut self, error: &Error) -> StoreError {
        let why = refusal(error);
        tracing::error!(%error, "the store could not commit");
        self.condition.set(Some(error.to_string()));
        if matches!(reach(error), Reach::Forever) {
            self.stopped = Some(why.clone());
        }
        why
    }

    fn close(self) {
        // Readers may still hold on to a part of the log; closing the last connection takes the rest.
        let checkpoint = "PRAGMA wal_checkpoint(PASSIVE)";
        if let Err(error) = self.books.conn.query_row(checkpoint, [], |_| Ok(())) {
            tracing::warn!(%error, "the store could not empty its log");
        }
    }
}

struct Failure {
    error: Error,
    doing: Doing,
}

enum Doing {
    Work,
    Commit,
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

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
        let writer = Writer::new(Books::new(conn), queue, Arc::default());
        (dir, writer)
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
        let verdict = writer.keep(&mut batch).remove(0);
        let [job] = batch;
        job.answer(verdict);
        told.recv().expect("answered")
    }

    fn broken<T>(result: &Result<T, StoreError>) -> bool {
        matches!(result, Err(StoreError::Broken(_)))
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
        assert!(broken(&ask(&mut writer, large(1), messages::append)));
        assert!(writer.condition.health().is_err());
        limit(&writer, 1000);
        let kept = ask(&mut writer, large(2), messages::append);
        assert!(matches!(kept, Ok(Ok(Appended::Fresh(message, _))) if message.id.0 == 1));
        assert_eq!(writer.condition.health(), Ok(()));
    }

    #[test]
    fn an_io_error_stops_the_writer_for_good() {
        let (_dir, mut writer) = writer(2);
        let failed = ask(&mut writer, (), |_, ()| {
            let error = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_FSYNC);
            Err::<(), _>(Error::SqliteFailure(error, None))
        });
        assert!(broken(&failed));
        let later = ask(&mut writer, message(1, 2, 1, 1), messages::append);
        assert!(broken(&later));
        assert!(writer.condition.health().is_err());
        assert_eq!(writer.condition.commits(), 0);
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
        assert!(broken(&answer_later.recv().expect("answered")));
        assert_eq!(condition.health(), Err("the writer panicked".to_owned()));
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
                assert!(
                    matches!(kept, Ok(Ok(Appended::Fresh(message, _))) if message.seq.0 == seq)
                );
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
}
