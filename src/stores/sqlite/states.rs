//! How far the messages on a page have come, for whoever reads it.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Result};

use crate::broker::delivery::Delivery;
use crate::broker::message::Message;
use crate::broker::message::Recipient;
use crate::broker::users::Uid;
use crate::stores::received::Received;
use crate::stores::sqlite::columns::number;
use crate::stores::sqlite::columns::to_db;

/// The state of each of these messages of one conversation, as [`crate::broker::ports::HistoryPage`] has it for `reader`.
pub(super) fn states(
    conn: &Connection,
    reader: Uid,
    conversation: i64,
    messages: &[Arc<Message>],
) -> Result<Vec<Delivery>> {
    let seqs = || messages.iter().map(|message| message.seq.0);
    let (Some(first), Some(last)) = (seqs().min(), seqs().max()) else {
        return Ok(Vec::new());
    };
    let range = (first, last);
    let own = messages.iter().find(|message| message.sender.uid == reader);
    // What became of the reader's own: one other's cursor in a pair, everybody else's in a group.
    let of_own = match own.map(|message| &message.to) {
        None => None,
        Some(Recipient::User(other)) => Some(received(conn, conversation, other.uid, range)?),
        Some(Recipient::Group(_)) => {
            let through = slowest(conn, conversation, reader)?;
            Some(Received::new(through, BTreeMap::new()))
        }
    };
    let of_reader = received(conn, conversation, reader, range)?;
    let state = |message: &Arc<Message>| {
        let set = of_own.as_ref().filter(|_| message.sender.uid == reader);
        if set.unwrap_or(&of_reader).contains(message.seq.0) {
            Delivery::Received
        } else {
            Delivery::Stored
        }
    };
    Ok(messages.iter().map(state).collect())
}

/// The cursor of the slowest member of a group but `reader`; beyond everything where nobody else is there.
fn slowest(conn: &Connection, conversation: i64, reader: Uid) -> Result<u64> {
    let slowest = conn
        .prepare_cached(
            "SELECT min(received) FROM members WHERE conversation = ?1 AND grouped = 1 AND uid <> ?2",
        )?
        .query_row((conversation, to_db(reader.get())), |row| {
            row.get::<_, Option<i64>>(0)
        })?;
    Ok(slowest.map_or(u64::MAX, |through| u64::try_from(through).unwrap_or(0)))
}

/// What `member` received, exact from the seq `first` to `last`.
fn received(
    conn: &Connection,
    conversation: i64,
    member: Uid,
    (first, last): (u64, u64),
) -> Result<Received> {
    let key = (to_db(member.get()), conversation);
    let through = conn
        .prepare_cached("SELECT received FROM members WHERE uid = ?1 AND conversation = ?2")?
        .query_row(key, |row| number(row, 0))
        .optional()?
        .unwrap_or(0);
    let mut runs = BTreeMap::new();
    // Only what the page shows: from the run that holds its first message to the page's end.
    if through < last {
        let mut select = conn.prepare_cached(
            "SELECT first, last FROM aside
             WHERE uid = ?1 AND conversation = ?2 AND first <= ?4 AND first >= coalesce(
                 (SELECT max(first) FROM aside
                  WHERE uid = ?1 AND conversation = ?2 AND first <= ?3), 0)",
        )?;
        let found = select.query_map((key.0, key.1, to_db(first), to_db(last)), |row| {
            Ok((number(row, 0)?, number(row, 1)?))
        })?;
        for run in found {
            let (run_first, run_last) = run?;
            runs.insert(run_first, run_last);
        }
    }
    Ok(Received::new(through, runs))
}
