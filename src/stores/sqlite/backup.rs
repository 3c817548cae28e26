//! A copy of the database, taken while the broker runs: one moment, whole, in one file.
//!
//! Pictures are not in the database: they are files, which never change and are to be copied beside it, after it (a picture
//! is on disk before a row names it).

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::stores::sqlite::folders;
use crate::stores::sqlite::refusal::OpenError;
use crate::stores::sqlite::schema;

/// Why there is no backup.
#[derive(Debug)]
pub enum BackupError {
    /// The data cannot be opened.
    Open(OpenError),
    /// The file is there already, and is never overwritten.
    Exists(PathBuf),
    /// The copy could not be written.
    Failed {
        /// The copy.
        file: PathBuf,
        /// What the system or the database says.
        why: String,
    },
}

impl fmt::Display for BackupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(why) => why.fmt(f),
            Self::Exists(file) => write!(
                f,
                "{} exists already; a backup overwrites nothing, so name a new file",
                file.display()
            ),
            Self::Failed { file, why } => {
                write!(
                    f,
                    "the backup {} could not be written: {why}",
                    file.display()
                )
            }
        }
    }
}

impl std::error::Error for BackupError {}

/// Copies the database in `dir` to the new file `to`. It has that name only once it is whole and on disk. The directory
/// `images` is for whoever copies files.
pub fn backup(dir: &Path, to: &Path) -> Result<(), BackupError> {
    let from = schema::open_existing(&schema::database(dir)).map_err(BackupError::Open)?;
    let failed = |why: String| BackupError::Failed {
        file: to.to_owned(),
        why,
    };
    refuse_existing(to)?;
    let mut name = to.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    // A part of an earlier try is not ours to touch; whoever made it may still be at it.
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&part)
        .map_err(|why| match why.kind() {
            ErrorKind::AlreadyExists => failed(format!(
                "{} is there, which another backup writes or has left; remove it if none is at work",
                part.display()
            )),
            _ => failed(format!("{}: {why}", part.display())),
        })?;
    let written = copy(&from, &part)
        .map_err(failed)
        .and_then(|()| refuse_existing(to))
        .and_then(|()| publish(&part, to).map_err(|why| failed(why.to_string())));
    if written.is_err() && std::fs::remove_file(&part).is_err() {
        tracing::warn!(file = %part.display(), "an unfinished backup could not be removed");
    }
    written
}

fn refuse_existing(to: &Path) -> Result<(), BackupError> {
    if to.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(to.to_owned()));
    }
    Ok(())
}

fn copy(from: &Connection, part: &Path) -> Result<(), String> {
    let step = || {
        let mut to = Connection::open(part)?;
        // All pages in one step: one read transaction, so writers go on and the copy never has to begin again.
        let step = Backup::new(from, &mut to)?.step(-1)?;
        to.close().map_err(|(_, error)| error)?;
        Ok(step)
    };
    match step() {
        Ok(StepResult::Done) => Ok(()),
        Ok(other) => Err(format!("the copy ended early: {other:?}")),
        Err(error) => Err(rusqlite::Error::to_string(&error)),
    }
}

fn publish(part: &Path, to: &Path) -> std::io::Result<()> {
    File::open(part)?.sync_all()?;
    std::fs::rename(part, to)?;
    folders::sync_name(to)
}
