//! Whether the writer may write: what an error means for the next batches, and how it is found out that all is well again.

use std::io::ErrorKind;
use std::time::Duration;
use std::time::Instant;

use rusqlite::{Error, ErrorCode};

use crate::broker::ports::StoreError;
use crate::broker::ports::Trouble;
use crate::stores::sqlite::condition::trouble;
use crate::stores::sqlite::jobs::refusal;
use crate::stores::sqlite::refusal::OpenError;
use crate::stores::sqlite::schema;
use crate::stores::sqlite::writer::Failure;
use crate::stores::sqlite::writer::Writer;
use crate::stores::sqlite::writer::books;

/// How long to wait after a failure before looking whether it is over.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What the next batch may expect.
pub(super) enum State {
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
pub(super) enum Reach {
    /// The request that met it.
    Job,
    /// All that was to be committed with it; later it may be gone.
    Batch,
    /// Everything until the database was opened anew.
    Connection,
    /// Everything from now on.
    Forever,
}

pub(super) fn reach(error: &Error) -> Reach {
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
    /// Looks whether a failure is over, if it is time to.
    pub(super) fn recover_if_due(&mut self) {
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

    /// A whole batch failed: says why, and what follows from it.
    pub(super) fn suffer(&mut self, error: &Error) -> StoreError {
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
    pub(super) fn trouble(&self, error: &Error) -> Trouble {
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
}
