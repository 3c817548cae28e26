//! How the writer is: asked from other threads, and told to the log once when it changes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rusqlite::{Error, ErrorCode};

use crate::broker::ports::Trouble;

/// What the writer counts, since the store was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Batches committed. Writes that waited together share one.
    pub commits: u64,
    /// Times that it could not write any more.
    pub troubles: u64,
    /// Times that it could again.
    pub recoveries: u64,
    /// Writes refused meanwhile.
    pub refused: u64,
    /// Checkpoints that failed: the log grows, but nothing is lost.
    pub checkpoints_failed: u64,
}

/// How the writer is.
#[derive(Default)]
pub(super) struct Condition {
    trouble: Mutex<Option<Lasting>>,
    commits: AtomicU64,
    troubles: AtomicU64,
    recoveries: AtomicU64,
    refused: AtomicU64,
    checkpoints_failed: AtomicU64,
}

struct Lasting {
    what: Trouble,
    since: Instant,
    refused_before: u64,
}

impl Condition {
    /// Whether writes can be kept, as far as the last one shows.
    pub(super) fn health(&self) -> Result<(), Trouble> {
        match &*self.trouble() {
            Some(lasting) => Err(lasting.what),
            None => Ok(()),
        }
    }

    /// What was counted.
    pub(super) fn figures(&self) -> Figures {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        // Read first, so that no recovery is without its trouble.
        let recoveries = read(&self.recoveries);
        Figures {
            commits: read(&self.commits),
            troubles: read(&self.troubles),
            recoveries,
            refused: read(&self.refused),
            checkpoints_failed: read(&self.checkpoints_failed),
        }
    }

    /// A batch was committed.
    pub(super) fn committed(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
    }

    /// The trouble is over, if there was any.
    pub(super) fn recovered(&self) {
        let Some(lasting) = self.trouble().take() else {
            return;
        };
        self.recoveries.fetch_add(1, Ordering::Relaxed);
        tracing::info!(
            after_ms = u64::try_from(lasting.since.elapsed().as_millis()).unwrap_or(u64::MAX),
            refused = self.refused.load(Ordering::Relaxed) - lasting.refused_before,
            "messages can be kept again"
        );
    }

    /// Something could not be written. It is told to the log when it begins, and when it becomes another trouble.
    pub(super) fn suffers(&self, what: Trouble, why: &str) {
        let mut trouble = self.trouble();
        match &mut *trouble {
            Some(lasting) if lasting.what == what => return,
            Some(lasting) => lasting.what = what,
            None => {
                self.troubles.fetch_add(1, Ordering::Relaxed);
                *trouble = Some(Lasting {
                    what,
                    since: Instant::now(),
                    refused_before: self.refused.load(Ordering::Relaxed),
                });
            }
        }
        drop(trouble);
        let sentence = "messages can't be kept now, and sends are refused";
        if what.is_final() {
            tracing::error!(because = %what, error = why, "{sentence}");
        } else {
            tracing::warn!(because = %what, error = why, "{sentence}");
        }
    }

    /// So many writes were refused.
    pub(super) fn refused(&self, writes: usize) {
        self.refused.fetch_add(writes as u64, Ordering::Relaxed);
    }

    /// A checkpoint failed; `first` if the one before it did not.
    pub(super) fn checkpoint_failed(&self, error: &Error, first: bool) {
        self.checkpoints_failed.fetch_add(1, Ordering::Relaxed);
        if first {
            tracing::warn!(%error, "the write-ahead log can't be moved into the database; it grows until that works again");
        }
    }

    fn trouble(&self) -> MutexGuard<'_, Option<Lasting>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an error of SQLite says of the disk.
pub(super) fn trouble(error: &Error) -> Trouble {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Trouble::DiskFull,
        Some(ErrorCode::ReadOnly) => Trouble::ReadOnly,
        Some(ErrorCode::SystemIoFailure) => Trouble::DiskFailed,
        Some(ErrorCode::CannotOpen) => Trouble::NoFile,
        Some(ErrorCode::OutOfMemory) => Trouble::NoMemory,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Trouble::Locked,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Trouble::Damaged,
        _ => Trouble::Failed,
    }
}
