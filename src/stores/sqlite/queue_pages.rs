//! Pages of a shared queue.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Result, Row};

use crate::broker::destination::Name;
use crate::broker::limits::PAGE_MESSAGES;
use crate::broker::payload::Payload;
use crate::broker::ports::QueuePage;
use crate::broker::ports::QueueWhich;
use crate::broker::queued::Queued;
use crate::broker::queued::QueuedId;
use crate::stores::headers;
use crate::stores::pages::Room;
use crate::stores::sqlite::columns::number;
use crate::stores::sqlite::columns::to_db;
use crate::stores::sqlite::queues::buried;
use crate::stores::sqlite::queues::damaged;

/// What a reader is asked.
pub(super) struct QueueAsk {
    pub(super) queue: Name,
    pub(super) which: QueueWhich,
}

/// A page of a queue.
pub(super) fn page(conn: &Connection, ask: &QueueAsk) -> Result<QueuePage> {
    match &ask.which {
        QueueWhich::After(after) => {
            let mut select = conn.prepare_cached(
                "SELECT id, headers, body, expires_ms, origin, buried_ms FROM queued
                 WHERE queue = (SELECT id FROM queues WHERE name = ?1) AND id > ?2 ORDER BY id",
            )?;
            let mut rows = select.query((ask.queue.as_str(), to_db(after.0)))?;
            fill(PAGE_MESSAGES, || {
                let row = rows.next()?;
                row.map(|row| queued(row, &ask.queue)).transpose()
            })
        }
        QueueWhich::These(ids) => {
            let mut ids = ids.iter();
            let mut select = conn.prepare_cached(
                "SELECT id, headers, body, expires_ms, origin, buried_ms FROM queued
                 WHERE id = ?1",
            )?;
            fill(ids.len(), || {
                for id in ids.by_ref() {
                    let found = select
                        .query_row([to_db(id.0)], |row| queued(row, &ask.queue))
                        .optional()?;
                    if found.is_some() {
                        return Ok(found);
                    }
                }
                Ok(None)
            })
        }
    }
}

/// Puts on a page what fits of what `next` gives.
fn fill(
    messages_max: usize,
    mut next: impl FnMut() -> Result<Option<Queued>>,
) -> Result<QueuePage> {
    let mut page = QueuePage::default();
    let mut room = Room::new(messages_max);
    while let Some(message) = next()? {
        if !room.take(message.payload.bytes()) {
            page.more = true;
            break;
        }
        page.messages.push(Arc::new(message));
    }
    Ok(page)
}

fn queued(row: &Row<'_>, queue: &Name) -> Result<Queued> {
    let text = row.get_ref(1)?;
    let headers = text.as_str().ok().and_then(headers::read);
    let headers = headers.ok_or_else(|| damaged(1, "headers"))?;
    let expires_ms: Option<i64> = row.get(3)?;
    Ok(Queued {
        id: QueuedId(number(row, 0)?),
        queue: queue.clone(),
        payload: Arc::new(Payload::new(headers, row.get(2)?)),
        expires_ms: expires_ms.and_then(|at| u64::try_from(at).ok()),
        buried: buried(row, 4, 5)?,
    })
}
