//! Numbers and people on their way into a row and out of it.

use std::sync::Arc;

use rusqlite::types::Type;
use rusqlite::{Error, Result, Row};

use crate::broker::message::MsgId;
use crate::broker::users::Person;
use crate::broker::users::Uid;

/// A number as SQLite holds it. Beyond `i64::MAX` lies nothing that is kept, so greater bounds mean that.
pub(super) fn to_db(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number that is never negative.
pub(super) fn number(row: &Row<'_>, column: usize) -> Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| Error::IntegralValueOutOfRange(column, value))
}

/// A user's number.
pub(super) fn uid(row: &Row<'_>, column: usize) -> Result<Uid> {
    let value = number(row, column)?;
    Uid::new(value).ok_or(Error::IntegralValueOutOfRange(column, 0))
}

/// A user's number and name, from two columns.
pub(super) fn person(row: &Row<'_>, uid_column: usize, name_column: usize) -> Result<Person> {
    Ok(Person {
        uid: uid(row, uid_column)?,
        name: row.get(name_column)?,
    })
}

/// A sender's id of a message.
pub(super) fn msg_id(row: &Row<'_>, column: usize) -> Result<MsgId> {
    row.get(column).map(MsgId)
}

/// A content, shared from here on.
pub(super) fn content(row: &Row<'_>, column: usize) -> Result<Arc<str>> {
    match row.get_ref(column)?.as_str() {
        Ok(text) => Ok(Arc::from(text)),
        Err(error) => Err(Error::FromSqlConversionFailure(
            column,
            Type::Text,
            Box::new(error),
        )),
    }
}
