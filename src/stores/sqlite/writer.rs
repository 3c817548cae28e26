//! The one writer: takes all that waits, commits it together, then answers everybody in it, in order.
//!
//! A request that fails does not hurt those beside it: the batch is rolled back and done again with a savepoint around
//! each. After an I/O error nothing is known about the disk, so the writer refuses everything from then on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rusqlite::{Error, ErrorCode, Result};

use crate::broker::ports::StoreError;
use crate::stores::sqlite::books::Books;
use crate::stores::sqlite::jobs::{Write, refusal};
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
        let _last_words = LastWords {
            queue: Arc::clone(&self.queue),
            condition: Arc::clone(&self.condition),
        };
        let mut batch = Vec::new();
        while self.queue.take(&mut batch, BATCH_JOBS_MAX, BATCH_BYTES_MAX) {
            let verdicts = self.keep(&mut batch);
            for (job, verdict) in batch.drain(..).zip(verdicts) {
                job.answer(verdict);
            }
        }
        if self.stopped.is_none() {
            self.close();
        }
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
                self.books.pairs.end_batch();
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

/// Dropped with the writer. If that is by a panic, nobody may wait for it any more.
struct LastWords {
    queue: Arc<WriteQueue>,
    condition: Arc<Condition>,
}

impl Drop for LastWords {
    fn drop(&mut self) {
        if !thread::panicking() {
            return;
        }
        let why = "the writer of the store panicked";
        tracing::error!(why);
        self.condition.set(Some(why.to_owned()));
        self.queue.close();
        let mut rest = Vec::new();
        while self.queue.take(&mut rest, usize::MAX, usize::MAX) {
            for job in rest.drain(..) {
                job.answer(Err(StoreError::Broken(why.to_owned())));
            }
        }
    }
}
