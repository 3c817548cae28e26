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

mod recovery;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::hooks::Wal;
use rusqlite::{Connection, Error, ErrorCode, Result};

use crate::broker::bells;
use crate::broker::ports::StoreError;
use crate::broker::ports::Trouble;
use crate::stores::sqlite::books::Books;
use crate::stores::sqlite::condition::Condition;
use crate::stores::sqlite::jobs::Write;
use crate::stores::sqlite::jobs::refusal;
use crate::stores::sqlite::queue::Queue;
use crate::stores::sqlite::queue::Turn;
use crate::stores::sqlite::writer::recovery::Reach;
use crate::stores::sqlite::writer::recovery::State;
use crate::stores::sqlite::writer::recovery::reach;

/// Most requests in one commit: enough to make its fsync cheap, few enough to answer soon.
const BATCH_JOBS_MAX: usize = 4096;
/// A batch ends with the request that brings it to so many bytes of content.
const BATCH_BYTES_MAX: usize = 8 << 20;
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
            bells::together(|| {
                for (job, verdict) in batch.drain(..).zip(verdicts) {
                    job.answer(verdict);
                }
            });
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
                self.books.end_batch();
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
    Books::new(conn)
}

struct Failure {
    error: Error,
    doing: Doing,
}

enum Doing {
    Work,
    Commit,
}
