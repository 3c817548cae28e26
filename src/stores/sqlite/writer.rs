//! The one writer: takes all that waits, commits it together, then answers everybody in it, in order.
//!
//! A request that fails does not hurt those beside it: the batch is rolled back and done again with a savepoint around
//! each. Where the disk is at fault the whole batch is refused. The next one is a new try; whether all is well again is
//! found out by the writer itself, once a second, so that readiness returns also where nobody sends any more, and does not
//! flicker where the disk has room for one message and not for another.
//!
//! After an I/O error, as of a failed fsync, nobody knows what is on the disk. Nothing of that batch was acknowledged, and
//! nothing more is written before the database is opened anew, as at a start: what it shows is checked, and made certain
//! to be on the disk, before anything builds on it (`schema::reopen`). Whether the failed batch is then there or not, the same
//! msgID leads to one message.

use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use rusqlite::hooks::Wal;
use rusqlite::{Connection, Error, ErrorCode, Result};

use crate::broker::ports::StoreError;
use crate::broker::ports::Trouble;
use crate::stores::sqlite::books::Books;
use crate::stores::sqlite::condition::Condition;
use crate::stores::sqlite::condition::trouble;
use crate::stores::sqlite::jobs::Write;
use crate::stores::sqlite::jobs::refusal;
use crate::stores::sqlite::queue::Queue;
use crate::stores::sqlite::queue::Turn;
use crate::stores::sqlite::refusal::OpenError;
use crate::stores::sqlite::schema;

/// Most requests in one commit: enough to make its fsync cheap, few enough to answer soon.
const BATCH_JOBS_MAX: usize = 4096;
/// A batch ends with the request that brings it to so many bytes of content.
const BATCH_BYTES_MAX: usize = 8 << 20;
/// How long to wait after a failure before looking whether it is over.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Pages in the write-ahead log from which on it is moved into the database after a commit.
const CHECKPOINT_PAGES: i32 = 4096;
/// So many more must come after a checkpoint that failed: each begins from where the last good one ended.
const CHECKPOINT_AGAIN_PAGES: i32 = 1024;

/// What the line before the writer holds.
pub(super) type WriteQueue = Queue<Box<dyn Write>>;

/// The writer and what it owns.
pub(super) struct Writer {
    books: Books,
    file: PathBuf,
    queue: Arc<WriteQueue>,
    condition: Arc<Condition>,
    state: State,
}

/// What the next batch may expect.
enum State {
    /// The last one was committed.
    Able,
    /// One could not be, and was rolled back: this one may be luckier. At that moment it is looked whether it is over.
    Ailing { try_at: Instant },
    /// What the disk has is unknown. At that moment the database is opened anew; until then everything is refused.
    Doubtful { why: StoreError, try_at: Instant },
    /// Everything is refused for good.
    Stopped { why: StoreError },
}

/// How far an error reaches.
enum Reach {
    /// The request that met it.
    Job,
    /// All that was to be committed with it; later it may be gone.
    Batch,
    /// Everything until the database was opened anew.
    Connection,
    /// Everything from now on.
    Forever,
}

fn reach(error: &Error) -> Reach {
    use ErrorCode::{
        CannotOpen, DatabaseBusy, DatabaseCorrupt, DatabaseLocked, DiskFull, NotADatabase,
        OutOfMemory, ReadOnly, SystemIoFailure,
    };
    match error.sqlite_error_code() {
        Some(DatabaseCorrupt | NotADatabase) => Reach::Forever,
        Some(SystemIoFailure) => Reach::Connection,
        Some(DiskFull | OutOfMemory | DatabaseBusy | DatabaseLocked | ReadOnly | CannotOpen) => {
            Reach::Batch
        }
        _ => Reach::Job,
    }
}

impl Writer {
    /// A writer of what is in `file`, open as `conn`, that takes from `queue`.
    pub(super) fn new(
        conn: Connection,
        file: PathBuf,
        queue: Arc<WriteQueue>,
        condition: Arc<Condition>,
    ) -> Result<Self> {
        Ok(Self {
            books: books(conn, &condition)?,
            file,
            queue,
            condition,
            state: State::Able,
        })
    }

    /// Works until the queue is closed and empty.
    pub(super) fn run(mut self) {
        let mut batch = Vec::new();
        loop {
            let end = match self.state {
                State::Able | State::Stopped { .. } => None,
                State::Ailing { try_at } | State::Doubtful { try_at, .. } => Some(try_at),
            };
            let turn = self
                .queue
                .take_until(end, &mut batch, BATCH_JOBS_MAX, BATCH_BYTES_MAX);
            if turn == Turn::Over {
                break;
            }
            let verdicts = self.keep_or_stop(&mut batch);
            for (job, verdict) in batch.drain(..).zip(verdicts) {
                job.answer(verdict);
            }
        }
        if matches!(self.state, State::Able) {
            self.close();
        }
    }

    /// A panic is a bug of ours. Nobody shall wait for ever because of it, and nothing shall be built on what it left.
    fn keep_or_stop(&mut self, batch: &mut [Box<dyn Write>]) -> Vec<Result<(), StoreError>> {
        let kept = catch_unwind(AssertUnwindSafe(|| {
            self.recover_if_due();
            match batch.is_empty() {
                true => Vec::new(),
                false => self.keep(batch),
            }
        }));
        kept.unwrap_or_else(|_| {
            let why = "the writer panicked".to_owned();
            self.condition.suffers(Trouble::Panicked, &why);
            self.condition.refused(batch.len());
            let first = StoreError::Broken(why.clone());
            let why = StoreError::Unable(why);
            self.state = State::Stopped { why };
            vec![Err(first); batch.len()]
        })
    }

    /// Looks whether a failure is over, if it is time to.
    fn recover_if_due(&mut self) {
        let (try_at, doubt) = match &self.state {
            State::Able | State::Stopped { .. } => return,
            State::Ailing { try_at } => (*try_at, None),
            State::Doubtful { why, try_at } => (*try_at, Some(why.clone())),
        };
        if Instant::now() < try_at {
            return;
        }
        if let Err(error) = schema::find_room(&self.file) {
            tracing::debug!(%error, "the disk takes nothing yet");
            return self.try_again_later();
        }
        match doubt {
            Some(why) => self.open_anew(why),
            None => match self.transaction(|books| schema::touch(&books.conn)) {
                Ok(()) => self.recovered(),
                Err(Failure { error, .. }) => {
                    self.try_again_later();
                    drop(self.suffer(&error));
                }
            },
        }
    }

    fn try_again_later(&mut self) {
        let later = Instant::now() + TRY_AGAIN_AFTER;
        if let State::Ailing { try_at } | State::Doubtful { try_at, .. } = &mut self.state {
            *try_at = later;
        }
    }

    fn open_anew(&mut self, why: StoreError) {
        let opened = schema::reopen(&self.file).and_then(|conn| {
            books(conn, &self.condition).map_err(|error| OpenError::sqlite(&self.file, &error))
        });
        match opened {
            Ok(books) => {
                self.books = books;
                self.recovered();
            }
            Err(error @ (OpenError::Damaged { .. } | OpenError::Foreign { .. })) => {
                self.condition.suffers(Trouble::Damaged, &error.to_string());
                self.state = State::Stopped { why };
            }
            Err(error) => {
                tracing::debug!(%error, "the database can't be opened anew");
                self.try_again_later();
            }
        }
    }

    fn recovered(&mut self) {
        self.state = State::Able;
        self.condition.recovered();
    }

    /// Commits a batch, as far as that is possible, and says what became of each.
    fn keep(&mut self, batch: &mut [Box<dyn Write>]) -> Vec<Result<(), StoreError>> {
        if let State::Doubtful { why, .. } | State::Stopped { why } = &self.state {
            self.condition.refused(batch.len());
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
                self.condition.committed();
                verdicts
            }
            Err(Failure { error, .. }) => {
                self.condition.refused(batch.len());
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

    /// A whole batch failed: says why, and what follows from it.
    fn suffer(&mut self, error: &Error) -> StoreError {
        let first = refusal(error);
        self.condition
            .suffers(self.trouble(error), &error.to_string());
        let try_at = match self.state {
            State::Ailing { try_at } => try_at,
            _ => Instant::now() + TRY_AGAIN_AFTER,
        };
        // Those who come later are not written at all, which is more than can be said of this batch.
        let why = StoreError::Unable(error.to_string());
        self.state = match reach(error) {
            Reach::Forever => State::Stopped { why },
            Reach::Connection => State::Doubtful { why, try_at },
            Reach::Job | Reach::Batch => State::Ailing { try_at },
        };
        first
    }

    /// What an error says of the disk; where SQLite knows no more than that it failed, the disk itself is asked.
    fn trouble(&self, error: &Error) -> Trouble {
        let trouble = trouble(error);
        // Asked once, when it begins.
        if trouble != Trouble::DiskFailed || matches!(self.state, State::Doubtful { .. }) {
            return trouble;
        }
        match schema::find_room(&self.file).map_err(|why| why.kind()) {
            Err(ErrorKind::StorageFull) => Trouble::DiskFull,
            Err(ErrorKind::ReadOnlyFilesystem) => Trouble::ReadOnly,
            Ok(()) | Err(_) => trouble,
        }
    }

    fn close(self) {
        // Readers may still hold on to a part of the log; closing the last connection takes the rest.
        let checkpoint = "PRAGMA wal_checkpoint(PASSIVE)";
        if let Err(error) = self.books.conn.query_row(checkpoint, [], |_| Ok(())) {
            tracing::warn!(%error, "the store could not empty its log");
        }
    }
}

/// The books behind `conn`, which moves its log into the database by itself, and says when it can't. SQLite's own way of
/// doing that says nothing.
fn books(mut conn: Connection, condition: &Arc<Condition>) -> Result<Books> {
    let condition = Arc::clone(condition);
    let mut due = CHECKPOINT_PAGES;
    conn.wal_hook(Some(move |wal: &mut Wal, pages: i32| {
        if pages < due {
            return Ok(());
        }
        match wal.checkpoint() {
            Ok(_) => due = CHECKPOINT_PAGES,
            // Somebody else does it.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {}
            Err(error) => {
                condition.checkpoint_failed(&error, due == CHECKPOINT_PAGES);
                due = pages.saturating_add(CHECKPOINT_AGAIN_PAGES);
            }
        }
        // The commit is done, whatever becomes of its pages.
        Ok(())
    }))?;
    Ok(Books::new(conn))
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
