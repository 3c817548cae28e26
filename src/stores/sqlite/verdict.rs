//! Why something is not done, inside a transaction that decides: the database failed, or the rules say no.

use rusqlite::{Error, Result};

use crate::broker::ports::Verdict;
use crate::broker::refusal::Refusal;

/// Why something is not done.
pub(super) enum Denied {
    /// The database failed: the request may be run again.
    Failed(Error),
    /// The rules say no. Nothing was changed before that was known.
    Refused(Refusal),
}

impl From<Error> for Denied {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// The same, as the port has it.
pub(super) fn verdict<T>(result: std::result::Result<T, Denied>) -> Result<Verdict<T>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Denied::Refused(refusal)) => Ok(Err(refusal)),
        Err(Denied::Failed(error)) => Err(error),
    }
}
