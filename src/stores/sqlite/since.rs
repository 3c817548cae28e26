//! Everything that was sent to or by a user from a time on, over all conversations, merged in the order of storing.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, Error, OptionalExtension, Result};

use crate::broker::delivery::Kept;
use crate::broker::message::Message;
use crate::broker::ports::HistoryPage;
use crate::broker::users::Uid;
use crate::stores::sqlite::books::read_tail;
use crate::stores::sqlite::columns::number;
use crate::stores::sqlite::columns::to_db;
use crate::stores::sqlite::lanes::Ahead;
use crate::stores::sqlite::lanes::Lane;
use crate::stores::sqlite::lanes::merge;
use crate::stores::sqlite::log::Log;
use crate::stores::sqlite::states::states;

/// Whose messages, from when, and how many.
pub(super) struct SinceAsk {
    /// Whose.
    pub(super) uid: Uid,
    /// Not earlier than this, milliseconds since the Unix epoch.
    pub(super) from_ms: u64,
    /// At most so many.
    pub(super) limit: usize,
}

/// Reads a page.
pub(super) fn since(conn: &Connection, ask: &SinceAsk) -> Result<HistoryPage> {
    let mut lanes = lanes(conn, ask)?;
    let page = merge(conn, ask.uid, &mut lanes, ask.limit)?;
    Ok(HistoryPage {
        messages: with_states(conn, ask.uid, &lanes, page.messages)?,
        more: page.more,
    })
}

/// The messages in the order of the page, each with its state.
fn with_states(
    conn: &Connection,
    reader: Uid,
    lanes: &[Said],
    page: Vec<(usize, Arc<Message>)>,
) -> Result<Vec<Kept>> {
    let mut by_lane: BTreeMap<usize, Vec<Arc<Message>>> = BTreeMap::new();
    for (index, message) in page {
        by_lane.entry(index).or_default().push(message);
    }
    let mut kept = Vec::new();
    for (index, messages) in by_lane {
        let states = states(conn, reader, lanes[index].log.conversation, &messages)?;
        let stated = messages.into_iter().zip(states);
        kept.extend(stated.map(|(message, state)| Kept { message, state }));
    }
    kept.sort_unstable_by_key(|kept| kept.message.id);
    Ok(kept)
}

/// One conversation on its way into a page.
struct Said {
    log: Log,
    /// From here on nothing was looked at yet.
    next_seq: u64,
    ahead: Ahead,
}

/// The conversations in which something was said since then.
fn lanes(conn: &Connection, ask: &SinceAsk) -> Result<Vec<Said>> {
    let before_first = before_time(conn, ask.from_ms)?;
    let conversations = conn
        .prepare_cached(
            "SELECT m.conversation, c.last_seq, m.joined
             FROM members m JOIN conversations c ON c.id = m.conversation
             WHERE m.uid = ?1 AND m.joined < c.last_seq",
        )?
        .query_map([to_db(ask.uid.get())], |row| {
            let log = Log {
                conversation: row.get(0)?,
                last_seq: number(row, 1)?,
            };
            Ok((log, number(row, 2)?))
        })?
        .collect::<Result<Vec<_>>>()?;
    let mut lanes = Vec::new();
    for (log, joined) in conversations {
        let next_seq = log.after_id_if_any(conn, joined + 1, before_first)?;
        if next_seq <= log.last_seq {
            lanes.push(Said {
                log,
                next_seq,
                ahead: Ahead::default(),
            });
        }
    }
    Ok(lanes)
}

/// The id of the newest message that was accepted before `time_ms`. Ids are dense and times rise with them, so halving
/// finds it.
fn before_time(conn: &Connection, time_ms: u64) -> Result<u64> {
    let mut select = conn.prepare_cached("SELECT time_ms FROM messages WHERE id = ?1")?;
    let (mut low, mut high) = (1, read_tail(conn)?.id + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let found = select
            .query_row([to_db(middle)], |row| number(row, 0))
            .optional()?
            .ok_or(Error::QueryReturnedNoRows)?;
        if found >= time_ms {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(low - 1)
}

impl Lane for Said {
    fn ahead(&mut self) -> &mut Ahead {
        &mut self.ahead
    }

    fn read_ahead(&mut self, conn: &Connection, uid: Uid) -> Result<()> {
        let found = conn
            .prepare_cached(
                "SELECT x.id, x.seq FROM messages x WHERE x.conversation = ?1 AND x.seq >= ?2
                     AND NOT EXISTS (SELECT 1 FROM ignored i
                         WHERE i.conversation = x.conversation AND i.seq = x.seq AND i.uid = ?3)
                 ORDER BY x.seq LIMIT ?4",
            )?
            .query_map(
                (
                    self.log.conversation,
                    to_db(self.next_seq),
                    to_db(uid.get()),
                    self.ahead.count(),
                ),
                |row| Ok((number(row, 0)?, number(row, 1)?)),
            )?
            .collect::<Result<Vec<_>>>()?;
        let last = found.last().map_or(self.log.last_seq, |(_, seq)| *seq);
        self.next_seq = last + 1;
        let ids = found.into_iter().map(|(id, _)| id).collect();
        self.ahead.fill(ids);
        Ok(())
    }
}
