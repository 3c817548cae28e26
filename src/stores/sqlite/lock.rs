//! One broker on one data directory: a lock that ends with the process, whatever ends it.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use crate::stores::sqlite::refusal::OpenError;

/// The file that is locked, beside the database.
const LOCK_FILE: &str = "hongyan.lock";

/// The right to write messages. It ends when this is dropped.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of `dir`, or says who has it.
    pub(super) fn take(dir: &Path) -> Result<Self, OpenError> {
        let path = dir.join(LOCK_FILE);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|why| OpenError::directory(dir, &why))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse {
                dir: dir.to_owned(),
            }),
            Err(TryLockError::Error(why)) => Err(OpenError::directory(dir, &why)),
        }
    }
}
