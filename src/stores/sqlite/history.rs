//! A conversation, a page at a time, going back in time.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Result};

use crate::broker::delivery::Delivery;
use crate::broker::delivery::Kept;
use crate::broker::message::Kind;
use crate::broker::message::Message;
use crate::broker::message::MessageId;
use crate::broker::message::Recipient;
use crate::broker::message::Seq;
use crate::broker::ports::Before;
use crate::broker::ports::HistoryPage;
use crate::broker::users::Person;
use crate::broker::users::Uid;
use crate::stores::pages::Room;
use crate::stores::received::Received;
use crate::stores::sqlite::columns::content;
use crate::stores::sqlite::columns::msg_id;
use crate::stores::sqlite::columns::number;
use crate::stores::sqlite::columns::person;
use crate::stores::sqlite::columns::to_db;
use crate::stores::sqlite::columns::uid;
use crate::stores::sqlite::log::Log;

/// Whose conversation with whom, and which part of it.
pub(super) struct HistoryAsk {
    /// One of the two.
    pub(super) reader: Uid,
    /// The other.
    pub(super) with: Uid,
    /// Where the page ends; none is at the newest message.
    pub(super) before: Option<Before>,
    /// At most so many.
    pub(super) limit: usize,
}

/// Reads a page of history.
pub(super) fn history(conn: &Connection, ask: &HistoryAsk) -> Result<HistoryPage> {
    let Some((log, low, high)) = conversation(conn, ask)? else {
        return Ok(HistoryPage::default());
    };
    let end = match ask.before {
        None => log.last_seq + 1,
        Some(Before::Id(MessageId(0)) | Before::Time(0)) => 1,
        Some(Before::Id(id)) => log.after_id(conn, 1, id.0 - 1)?,
        Some(Before::Time(time_ms)) => log.at_time(conn, time_ms)?,
    };
    let messages = messages(conn, log, &low, &high, end, ask.limit)?;
    let first = messages.last().map_or(end, |message| message.seq.0);
    let by_low = received(conn, log, &high, first, end)?;
    let by_high = received(conn, log, &low, first, end)?;
    let state = |message: &Message| {
        let set = if message.sender.uid == low.uid {
            &by_low
        } else {
            &by_high
        };
        if set.contains(message.seq.0) {
            Delivery::Received
        } else {
            Delivery::Stored
        }
    };
    Ok(HistoryPage {
        more: first > 1,
        messages: messages
            .into_iter()
            .map(|message| Kept {
                state: state(&message),
                message: Arc::new(message),
            })
            .collect(),
    })
}

fn conversation(conn: &Connection, ask: &HistoryAsk) -> Result<Option<(Log, Person, Person)>> {
    let mut select = conn.prepare_cached(
        "SELECT c.id, c.last_seq, c.low, l.name, c.high, h.name
         FROM conversations c JOIN users l ON l.uid = c.low JOIN users h ON h.uid = c.high
         WHERE c.low = ?1 AND c.high = ?2",
    )?;
    let low = ask.reader.min(ask.with);
    let high = ask.reader.max(ask.with);
    select
        .query_row((to_db(low.get()), to_db(high.get())), |row| {
            let log = Log {
                conversation: row.get(0)?,
                last_seq: number(row, 1)?,
            };
            Ok((log, person(row, 2, 3)?, person(row, 4, 5)?))
        })
        .optional()
}

/// The newest messages before the seq `end`, as many as fit.
fn messages(
    conn: &Connection,
    log: Log,
    low: &Person,
    high: &Person,
    end: u64,
    limit: usize,
) -> Result<Vec<Message>> {
    let mut select = conn.prepare_cached(
        "SELECT id, seq, sender, msg_id, content, time_ms FROM messages
         WHERE conversation = ?1 AND seq < ?2 ORDER BY seq DESC",
    )?;
    let mut rows = select.query((log.conversation, to_db(end)))?;
    let mut room = Room::new(limit);
    let mut messages = Vec::new();
    while let Some(row) = rows.next()? {
        let content = content(row, 4)?;
        if !room.take(content.len()) {
            break;
        }
        let (sender, receiver) = if uid(row, 2)? == low.uid {
            (low, high)
        } else {
            (high, low)
        };
        messages.push(Message {
            id: MessageId(number(row, 0)?),
            seq: Seq(number(row, 1)?),
            msg_id: msg_id(row, 3)?,
            sender: sender.clone(),
            to: Recipient::User(receiver.clone()),
            kind: Kind::Text,
            envelope: None,
            content,
            time_ms: number(row, 5)?,
        });
    }
    Ok(messages)
}

/// What `member` received, exact from the seq `first` up to `end`.
fn received(
    conn: &Connection,
    log: Log,
    member: &Person,
    first: u64,
    end: u64,
) -> Result<Received> {
    let key = (to_db(member.uid.get()), log.conversation);
    let through = conn
        .prepare_cached("SELECT received FROM members WHERE uid = ?1 AND conversation = ?2")?
        .query_row(key, |row| number(row, 0))?;
    let mut runs = BTreeMap::new();
    // Only what the page shows: from the run that holds its first message to the page's end.
    if through < end {
        let mut select = conn.prepare_cached(
            "SELECT first, last FROM aside
             WHERE uid = ?1 AND conversation = ?2 AND first < ?4 AND first >= coalesce(
                 (SELECT max(first) FROM aside
                  WHERE uid = ?1 AND conversation = ?2 AND first <= ?3), 0)",
        )?;
        let found = select.query_map((key.0, key.1, to_db(first), to_db(end)), |row| {
            Ok((number(row, 0)?, number(row, 1)?))
        })?;
        for run in found {
            let (run_first, run_last) = run?;
            runs.insert(run_first, run_last);
        }
    }
    Ok(Received::new(through, runs))
}
