//! Why a data directory was not opened: one line that says what is wrong, with which file, and what would be right.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why the data were not opened. Nothing in the database was changed.
#[derive(Debug)]
pub enum OpenError {
    /// The directory cannot be made or written.
    Directory {
        /// The directory.
        dir: PathBuf,
        /// What the system says.
        why: String,
    },
    /// Another broker has it.
    InUse {
        /// The directory.
        dir: PathBuf,
    },
    /// There is no database, and none should be made.
    Missing {
        /// Where it should be.
        file: PathBuf,
    },
    /// The file is something else.
    Foreign {
        /// The file.
        file: PathBuf,
    },
    /// A newer Hongyan wrote it.
    Newer {
        /// The file.
        file: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema known here.
        known: i64,
    },
    /// An older Hongyan wrote it, and no broker has brought it up to date yet.
    Older {
        /// The file.
        file: PathBuf,
        /// Its schema.
        found: i64,
        /// The schema needed here.
        known: i64,
    },
    /// The file is cut short or overwritten.
    Damaged {
        /// The file.
        file: PathBuf,
        /// What was found.
        why: String,
    },
    /// It may be sound, but opening it failed.
    Failed {
        /// The file.
        file: PathBuf,
        /// What the database says.
        why: String,
    },
}

impl OpenError {
    pub(super) fn directory(dir: &Path, why: &io::Error) -> Self {
        Self::Directory {
            dir: dir.to_owned(),
            why: why.to_string(),
        }
    }

    pub(super) fn damaged(file: &Path, why: impl fmt::Display) -> Self {
        Self::Damaged {
            file: file.to_owned(),
            why: why.to_string(),
        }
    }

    /// What an error of SQLite says about the file.
    pub(super) fn sqlite(file: &Path, error: &rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match error.sqlite_error_code() {
            Some(NotADatabase) => Self::Foreign {
                file: file.to_owned(),
            },
            Some(DatabaseCorrupt) => Self::damaged(file, error),
            _ => Self::Failed {
                file: file.to_owned(),
                why: error.to_string(),
            },
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory { dir, why } => write!(
                f,
                "the data directory {} cannot be used ({why}); it must be a directory that this user may write",
                dir.display()
            ),
            Self::InUse { dir } => write!(
                f,
                "the data directory {} is in use by another broker; stop that one or name another directory",
                dir.display()
            ),
            Self::Missing { file } => write!(
                f,
                "there is no database {}; a broker makes it at its first start",
                file.display()
            ),
            Self::Foreign { file } => write!(
                f,
                "{} is not a Hongyan database; move it away or name another data directory",
                file.display()
            ),
            Self::Newer { file, found, known } => write!(
                f,
                "{} has schema {found}, but this Hongyan knows schemas up to {known}; use a newer Hongyan",
                file.display()
            ),
            Self::Older { file, found, known } => write!(
                f,
                "{} has schema {found}, but schema {known} is needed here; start the broker once, which brings it up to date",
                file.display()
            ),
            Self::Damaged { file, why } => write!(
                f,
                "{} is damaged ({why}); put a backup in its place",
                file.display()
            ),
            Self::Failed { file, why } => {
                write!(f, "{} cannot be opened: {why}", file.display())
            }
        }
    }
}

impl std::error::Error for OpenError {}
