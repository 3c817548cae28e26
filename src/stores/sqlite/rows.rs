//! Messages as the tables have them.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, Error, OptionalExtension, Result, Row};

use crate::broker::groups::Gid;
use crate::broker::message::Encoded;
use crate::broker::message::Kind;
use crate::broker::message::Message;
use crate::broker::message::MessageId;
use crate::broker::message::Recipient;
use crate::broker::message::Seq;
use crate::broker::users::Person;
use crate::broker::users::Uid;
use crate::stores::sqlite::columns::content;
use crate::stores::sqlite::columns::msg_id;
use crate::stores::sqlite::columns::number;
use crate::stores::sqlite::columns::to_db;
use crate::stores::sqlite::columns::uid;

/// A question for messages, the table `x`, as [`message`] reads them.
macro_rules! select_messages {
    ($rest:literal) => {
        concat!(
            "SELECT x.id, x.seq, x.sender, x.msg_id, x.kind, x.content, x.envelope, x.time_ms, x.conversation,
                 c.low, c.high
             FROM messages x JOIN conversations c ON c.id = x.conversation WHERE ",
            $rest
        )
    };
}
pub(super) use select_messages;

/// The people on a page, each read once.
#[derive(Default)]
pub(super) struct Names(HashMap<Uid, Arc<str>>);

impl Names {
    pub(super) fn person(&mut self, conn: &Connection, uid: Uid) -> Result<Person> {
        if let Some(name) = self.0.get(&uid) {
            let name = Arc::clone(name);
            return Ok(Person { uid, name });
        }
        let name: Arc<str> = conn
            .prepare_cached("SELECT name FROM users WHERE uid = ?1")?
            .query_row([to_db(uid.get())], |row| row.get(0))?;
        self.0.insert(uid, Arc::clone(&name));
        Ok(Person { uid, name })
    }
}

/// The message of a row of [`select_messages`].
pub(super) fn message(conn: &Connection, names: &mut Names, row: &Row<'_>) -> Result<Message> {
    let sender = uid(row, 2)?;
    let low: Option<i64> = row.get(9)?;
    let to = match low {
        None => Recipient::Group(gid(row, 8)?),
        Some(_) => {
            let (low, high) = (uid(row, 9)?, uid(row, 10)?);
            let receiver = if sender == low { high } else { low };
            Recipient::User(names.person(conn, receiver)?)
        }
    };
    Ok(Message {
        id: MessageId(number(row, 0)?),
        seq: Seq(number(row, 1)?),
        msg_id: msg_id(row, 3)?,
        sender: names.person(conn, sender)?,
        to,
        kind: kind(row, 4)?,
        content: content(row, 5)?,
        envelope: envelope(row, 6)?,
        time_ms: number(row, 7)?,
        encoded: Encoded::default(),
    })
}

/// The message with this id.
pub(super) fn by_id(conn: &Connection, names: &mut Names, id: u64) -> Result<Option<Message>> {
    conn.prepare_cached(select_messages!("x.id = ?1"))?
        .query_row([to_db(id)], |row| message(conn, names, row))
        .optional()
}

/// A group's number.
pub(super) fn gid(row: &Row<'_>, column: usize) -> Result<Gid> {
    let value = number(row, column)?;
    Gid::new(value).ok_or(Error::IntegralValueOutOfRange(column, 0))
}

pub(super) fn kind(row: &Row<'_>, column: usize) -> Result<Kind> {
    let value: i64 = row.get(column)?;
    let kind = u16::try_from(value).ok().and_then(Kind::from_number);
    kind.ok_or(Error::IntegralValueOutOfRange(column, value))
}

pub(super) fn envelope(row: &Row<'_>, column: usize) -> Result<Option<Arc<str>>> {
    row.get(column)
}
