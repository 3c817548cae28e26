//! A request on its way through a worker: what to do, what came of it, and whom to tell.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::{Connection, Error, ErrorCode, Result};

use crate::broker::ports::Done;
use crate::broker::ports::StoreError;
use crate::stores::sqlite::books::Books;

/// A write. It may be run again after a rollback, and is answered once.
pub(super) trait Write: Send {
    /// Does the work and keeps what came of it.
    fn run(&mut self, books: &mut Books) -> Result<()>;
    /// Tells what came of it, now that it is committed; or why it is not.
    fn answer(self: Box<Self>, verdict: Result<(), StoreError>);
}

/// A write by a function.
pub(super) struct WriteBy<R, T> {
    /// What is asked.
    pub(super) request: R,
    /// Who does it.
    pub(super) work: fn(&mut Books, &R) -> Result<T>,
    /// What came of it.
    pub(super) outcome: Option<T>,
    /// Whom to tell.
    pub(super) done: Done<T>,
}

impl<R: Send, T: Send> Write for WriteBy<R, T> {
    fn run(&mut self, books: &mut Books) -> Result<()> {
        self.outcome = Some((self.work)(books, &self.request)?);
        Ok(())
    }

    fn answer(self: Box<Self>, verdict: Result<(), StoreError>) {
        let outcome = self.outcome.ok_or(StoreError::Closed);
        tell(self.done, verdict.and(outcome));
    }
}

/// A read.
pub(super) trait Read: Send {
    /// Does the work and tells what came of it.
    fn run(self: Box<Self>, conn: &Connection);
    /// Tells why it is not done.
    fn refuse(self: Box<Self>, why: StoreError);
}

/// A read by a function.
pub(super) struct ReadBy<R, T> {
    /// What is asked.
    pub(super) request: R,
    /// Who does it.
    pub(super) work: fn(&Connection, &R) -> Result<T>,
    /// Whom to tell.
    pub(super) done: Done<T>,
}

impl<R: Send, T: Send> Read for ReadBy<R, T> {
    fn run(self: Box<Self>, conn: &Connection) {
        // One transaction, so that everything on a page is of one moment.
        let work = || {
            let transaction = conn.unchecked_transaction()?;
            let result = (self.work)(conn, &self.request)?;
            transaction.commit()?;
            Ok(result)
        };
        let result = match catch_unwind(AssertUnwindSafe(work)) {
            Ok(result) => result.map_err(|error| refusal(&error)),
            Err(_) => Err(StoreError::Broken("a reader panicked".to_owned())),
        };
        if let Err(error) = &result {
            tracing::error!(%error, "the store could not read");
        }
        tell(self.done, result);
    }

    fn refuse(self: Box<Self>, why: StoreError) {
        tell(self.done, Err(why));
    }
}

/// What an asker is told of an error.
pub(super) fn refusal(error: &Error) -> StoreError {
    use ErrorCode::{CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, ReadOnly};
    match error.sqlite_error_code() {
        Some(DatabaseBusy) => StoreError::Busy,
        // These come before the last page of a commit, so it is not there to be found by whoever opens the file next.
        Some(DiskFull | ReadOnly | CannotOpen | DatabaseLocked) => {
            StoreError::Unable(error.to_string())
        }
        _ => StoreError::Broken(error.to_string()),
    }
}

/// An asker that panics is a bug, but not a reason to fail everybody else.
pub(super) fn tell<T>(done: Done<T>, result: Result<T, StoreError>) {
    if catch_unwind(AssertUnwindSafe(|| done(result))).is_err() {
        tracing::error!("an asker of the store panicked on its answer");
    }
}
