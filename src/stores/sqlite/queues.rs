//! The shared queues: what waits in each. How much that is stands in a row of its own, which the writer keeps in memory and
//! writes back once a batch.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::types::Type;
use rusqlite::{Connection, Error, OptionalExtension, Result, Row};

use crate::broker::destination::Name;
use crate::broker::payload::Payload;
use crate::broker::ports::NewQueued;
use crate::broker::ports::QueueChange;
use crate::broker::ports::QueueChanged;
use crate::broker::ports::QueueLimits;
use crate::broker::queued::Buried;
use crate::broker::queued::Queued;
use crate::broker::queued::QueuedId;
use crate::stores::headers;
use crate::stores::sqlite::books::Books;
use crate::stores::sqlite::columns::number;
use crate::stores::sqlite::columns::to_db;

/// The queues in use: how much is in each.
#[derive(Default)]
pub(super) struct Queues {
    by_name: HashMap<Name, i64>,
    by_id: HashMap<i64, Level>,
    /// Those whose level has changed since it was written.
    changed: Vec<i64>,
    /// How many have a row.
    count: Option<u64>,
}

struct Level {
    name: Name,
    messages: u64,
    bytes: u64,
}

impl Queues {
    /// Reads the row of a queue, if it has one.
    fn find(&mut self, conn: &Connection, name: &Name) -> Result<Option<i64>> {
        if let Some(id) = self.by_name.get(name) {
            return Ok(Some(*id));
        }
        let found = conn
            .prepare_cached("SELECT id, messages, bytes FROM queues WHERE name = ?1")?
            .query_row([name.as_str()], |row| {
                Ok((row.get(0)?, number(row, 1)?, number(row, 2)?))
            })
            .optional()?;
        Ok(found.map(|(id, messages, bytes)| {
            self.remember(id, name.clone(), messages, bytes);
            id
        }))
    }

    fn remember(&mut self, id: i64, name: Name, messages: u64, bytes: u64) {
        self.by_name.insert(name.clone(), id);
        let level = Level {
            name,
            messages,
            bytes,
        };
        self.by_id.insert(id, level);
    }

    /// The same, made where there is none.
    fn make(&mut self, conn: &Connection, name: &Name) -> Result<i64> {
        if let Some(id) = self.find(conn, name)? {
            return Ok(id);
        }
        conn.prepare_cached("INSERT INTO queues (name) VALUES (?1)")?
            .execute([name.as_str()])?;
        let id = conn.last_insert_rowid();
        self.remember(id, name.clone(), 0, 0);
        self.count = self.count.map(|count| count + 1);
        Ok(id)
    }

    fn level(&mut self, conn: &Connection, id: i64) -> Result<&mut Level> {
        if !self.by_id.contains_key(&id) {
            let (name, messages, bytes) = conn
                .prepare_cached("SELECT name, messages, bytes FROM queues WHERE id = ?1")?
                .query_row([id], |row| {
                    Ok((name(row, 0)?, number(row, 1)?, number(row, 2)?))
                })?;
            self.remember(id, name, messages, bytes);
        }
        self.by_id.get_mut(&id).ok_or(Error::QueryReturnedNoRows)
    }

    fn add(&mut self, conn: &Connection, id: i64, bytes: u64) -> Result<()> {
        let level = self.level(conn, id)?;
        level.messages += 1;
        level.bytes += bytes;
        self.changed.push(id);
        Ok(())
    }

    fn remove(&mut self, conn: &Connection, id: i64, bytes: u64) -> Result<()> {
        let level = self.level(conn, id)?;
        level.messages = level.messages.saturating_sub(1);
        level.bytes = level.bytes.saturating_sub(bytes);
        self.changed.push(id);
        Ok(())
    }

    fn count(&mut self, conn: &Connection) -> Result<u64> {
        if let Some(count) = self.count {
            return Ok(count);
        }
        let count = conn
            .prepare_cached("SELECT count(*) FROM queues")?
            .query_row([], |row| number(row, 0))?;
        self.count = Some(count);
        Ok(count)
    }

    /// Writes back what has changed. A queue that is empty has no row, and is forgotten.
    pub(super) fn write(&mut self, conn: &Connection) -> Result<()> {
        self.changed.sort_unstable();
        self.changed.dedup();
        for id in std::mem::take(&mut self.changed) {
            let Some(level) = self.by_id.get(&id) else {
                continue;
            };
            if level.messages > 0 {
                conn.prepare_cached("UPDATE queues SET messages = ?2, bytes = ?3 WHERE id = ?1")?
                    .execute((id, to_db(level.messages), to_db(level.bytes)))?;
                continue;
            }
            conn.prepare_cached("DELETE FROM queues WHERE id = ?1")?
                .execute([id])?;
            self.by_name.remove(&level.name);
            self.by_id.remove(&id);
            self.count = self.count.map(|count| count.saturating_sub(1));
        }
        Ok(())
    }
}

/// A row that has left its queue.
struct Taken {
    from: Name,
    headers: String,
    body: Vec<u8>,
    origin: Option<Buried>,
}

/// Changes queues: all of it, or nothing.
pub(super) fn change(books: &mut Books, change: &QueueChange) -> Result<QueueChanged> {
    if let Some(refused) = refused(books, change)? {
        return Ok(refused);
    }
    let Books { conn, queues, .. } = books;
    for id in &change.takes {
        take(conn, queues, *id)?;
    }
    let mut added = Vec::with_capacity(change.puts.len());
    for put in &change.puts {
        added.push(Arc::new(append(conn, queues, put)?));
    }
    for id in &change.burials {
        let dead = bury(conn, queues, *id, change.time_ms)?;
        added.extend(dead.map(Arc::new));
    }
    Ok(QueueChanged::Done(added))
}

/// Looks before anything is changed, because a refusal must change nothing.
fn refused(books: &mut Books, change: &QueueChange) -> Result<Option<QueueChanged>> {
    let mut added: HashMap<Name, (u64, u64)> = HashMap::new();
    for put in &change.puts {
        let (messages, bytes) = added.entry(put.queue.clone()).or_default();
        *messages += 1;
        *bytes += put.payload.bytes() as u64;
    }
    for id in &change.burials {
        if let Some(more) = bytes_of(&books.conn, *id)? {
            let (messages, bytes) = added.entry(Name::dead()).or_default();
            *messages += 1;
            *bytes += more;
        }
    }
    let limits = change.limits;
    let mut made = 0;
    for (name, more) in &added {
        let found = books.queues.find(&books.conn, name)?;
        made += u64::from(found.is_none());
        if !fits(books, found, *more, limits)? {
            if let Some(id) = found {
                purge(books, id, change.time_ms)?;
            }
            if !fits(books, found, *more, limits)? {
                return Ok(Some(QueueChanged::Full));
            }
        }
    }
    let count = books.queues.count(&books.conn)?;
    let too_many = made > 0 && count + made > limits.queues_max;
    Ok(too_many.then_some(QueueChanged::TooMany))
}

fn fits(
    books: &mut Books,
    queue: Option<i64>,
    (messages, bytes): (u64, u64),
    limits: QueueLimits,
) -> Result<bool> {
    let (held, held_bytes) = match queue {
        Some(id) => {
            let level = books.queues.level(&books.conn, id)?;
            (level.messages, level.bytes)
        }
        None => (0, 0),
    };
    Ok(held + messages <= limits.messages_max && held_bytes + bytes <= limits.bytes_max)
}

/// Removes what has expired.
fn purge(books: &mut Books, queue: i64, now_ms: u64) -> Result<()> {
    let Books { conn, queues, .. } = books;
    let mut delete = conn.prepare_cached(
        "DELETE FROM queued WHERE queue = ?1 AND expires_ms <= ?2 RETURNING bytes",
    )?;
    let expired = delete
        .query_map((queue, to_db(now_ms)), |row| number(row, 0))?
        .collect::<Result<Vec<_>>>()?;
    expired
        .into_iter()
        .try_for_each(|bytes| queues.remove(conn, queue, bytes))
}

fn bytes_of(conn: &Connection, id: QueuedId) -> Result<Option<u64>> {
    conn.prepare_cached("SELECT bytes FROM queued WHERE id = ?1")?
        .query_row([to_db(id.0)], |row| number(row, 0))
        .optional()
}

/// Removes one message, unless it is gone already.
fn take(conn: &Connection, queues: &mut Queues, id: QueuedId) -> Result<()> {
    let removed = conn
        .prepare_cached("DELETE FROM queued WHERE id = ?1 RETURNING queue, bytes")?
        .query_row([to_db(id.0)], |row| Ok((row.get(0)?, number(row, 1)?)))
        .optional()?;
    let Some((queue, bytes)) = removed else {
        return Ok(());
    };
    queues.remove(conn, queue, bytes)
}

fn append(conn: &Connection, queues: &mut Queues, put: &NewQueued) -> Result<Queued> {
    let new = Queued {
        id: QueuedId(0),
        queue: put.queue.clone(),
        payload: Arc::clone(&put.payload),
        expires_ms: put.expires_ms,
        buried: None,
    };
    insert(conn, queues, new)
}

/// Moves one message to the dead; `None` if it is gone already. It does not expire there.
fn bury(
    conn: &Connection,
    queues: &mut Queues,
    id: QueuedId,
    time_ms: u64,
) -> Result<Option<Queued>> {
    let found = conn
        .prepare_cached(
            "SELECT m.headers, m.body, m.origin, m.buried_ms, q.name FROM queued m
             JOIN queues q ON q.id = m.queue WHERE m.id = ?1",
        )?
        .query_row([to_db(id.0)], |row| {
            Ok(Taken {
                headers: row.get(0)?,
                body: row.get(1)?,
                origin: buried(row, 2, 3)?,
                from: name(row, 4)?,
            })
        })
        .optional()?;
    let Some(taken) = found else {
        return Ok(None);
    };
    take(conn, queues, id)?;
    let headers = headers::read(&taken.headers).ok_or_else(|| damaged(0, "headers"))?;
    let from_now = Buried {
        from: taken.from,
        time_ms,
    };
    let dead = Queued {
        id: QueuedId(0),
        queue: Name::dead(),
        payload: Arc::new(Payload::new(headers, taken.body)),
        expires_ms: None,
        // One that lay there before keeps where it came from.
        buried: Some(taken.origin.unwrap_or(from_now)),
    };
    insert(conn, queues, dead).map(Some)
}

fn insert(conn: &Connection, queues: &mut Queues, new: Queued) -> Result<Queued> {
    let queue = queues.make(conn, &new.queue)?;
    let bytes = new.payload.bytes() as u64;
    conn.prepare_cached(
        "INSERT INTO queued (queue, headers, body, bytes, expires_ms, origin, buried_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute((
        queue,
        headers::write(&new.payload.headers),
        &new.payload.body,
        to_db(bytes),
        new.expires_ms.map(to_db),
        new.buried.as_ref().map(|buried| buried.from.as_str()),
        new.buried.as_ref().map(|buried| to_db(buried.time_ms)),
    ))?;
    let id = conn.last_insert_rowid();
    queues.add(conn, queue, bytes)?;
    let id = QueuedId(u64::try_from(id).map_err(|_| Error::IntegralValueOutOfRange(0, id))?);
    Ok(Queued { id, ..new })
}

pub(super) fn buried(row: &Row<'_>, origin: usize, time: usize) -> Result<Option<Buried>> {
    let there: Option<i64> = row.get(time)?;
    there
        .map(|_| {
            Ok(Buried {
                from: name(row, origin)?,
                time_ms: number(row, time)?,
            })
        })
        .transpose()
}

fn name(row: &Row<'_>, column: usize) -> Result<Name> {
    let text: String = row.get(column)?;
    Name::parse(&text).ok_or_else(|| damaged(column, "the name of a queue"))
}

pub(super) fn damaged(column: usize, what: &str) -> Error {
    let why = format!("{what} cannot be read");
    Error::FromSqlConversionFailure(column, Type::Text, why.into())
}
