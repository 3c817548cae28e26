//! What waits for a user: the gaps in what was received, over all conversations, merged in the order of storing.

use std::collections::VecDeque;

use rusqlite::{Connection, OptionalExtension, Result};

use crate::broker::message::MessageId;
use crate::broker::ports::InboxPage;
use crate::broker::users::Uid;
use crate::stores::sqlite::books::read_tail;
use crate::stores::sqlite::columns::number;
use crate::stores::sqlite::columns::to_db;
use crate::stores::sqlite::lanes::Ahead;
use crate::stores::sqlite::lanes::Lane;
use crate::stores::sqlite::lanes::merge;
use crate::stores::sqlite::log::Log;

/// Whose inbox, from where, and how much.
pub(super) struct InboxAsk {
    /// Whose.
    pub(super) uid: Uid,
    /// Only what has a higher id.
    pub(super) after: MessageId,
    /// At most so many.
    pub(super) limit: usize,
}

/// Reads a page of an inbox.
pub(super) fn inbox(conn: &Connection, ask: &InboxAsk) -> Result<InboxPage> {
    let through = MessageId(read_tail(conn)?.id);
    let page = merge(conn, ask.uid, &mut lanes(conn, ask)?, ask.limit)?;
    Ok(InboxPage {
        messages: page.messages.into_iter().map(|(_, m)| m).collect(),
        more: page.more,
        through,
    })
}

/// One conversation on its way into a page.
struct Waiting {
    log: Log,
    /// The member's cursor.
    received: u64,
    /// Whether runs lie beyond the cursor; mostly not.
    runs: bool,
    /// From here on nothing was looked at yet.
    next_seq: u64,
    ahead: Ahead,
}

/// The conversations in which something waits.
fn lanes(conn: &Connection, ask: &InboxAsk) -> Result<Vec<Waiting>> {
    let mut lanes = conn
        .prepare_cached(
            "SELECT m.conversation, m.received, c.last_seq,
                 EXISTS (SELECT 1 FROM aside a WHERE a.uid = m.uid AND a.conversation = m.conversation)
             FROM members m JOIN conversations c ON c.id = m.conversation
             WHERE m.uid = ?1 AND m.received < c.last_seq",
        )?
        .query_map([to_db(ask.uid.get())], |row| {
            Ok(Waiting {
                log: Log {
                    conversation: row.get(0)?,
                    last_seq: number(row, 2)?,
                },
                received: number(row, 1)?,
                runs: row.get(3)?,
                next_seq: 0,
                ahead: Ahead::default(),
            })
        })?
        .collect::<Result<Vec<_>>>()?;
    for lane in &mut lanes {
        lane.next_seq = lane.log.after_id(conn, lane.received + 1, ask.after.0)?;
    }
    Ok(lanes)
}

impl Lane for Waiting {
    fn ahead(&mut self) -> &mut Ahead {
        &mut self.ahead
    }

    fn read_ahead(&mut self, conn: &Connection, uid: Uid) -> Result<()> {
        let Some((first, last)) = self.gap(conn, uid)? else {
            return Ok(());
        };
        let ids = conn
            .prepare_cached(
                "SELECT id FROM messages WHERE conversation = ?1 AND seq BETWEEN ?2 AND ?3
                 ORDER BY seq LIMIT ?4",
            )?
            .query_map(
                (
                    self.log.conversation,
                    to_db(first),
                    to_db(last),
                    self.ahead.count(),
                ),
                |row| number(row, 0),
            )?
            .collect::<Result<VecDeque<_>>>()?;
        self.next_seq = first + ids.len() as u64;
        self.ahead.fill(ids);
        Ok(())
    }
}

impl Waiting {
    /// [`crate::stores::received::Received::gap`], but asked of the table: a member may have more runs aside than a
    /// page should cost.
    fn gap(&self, conn: &Connection, uid: Uid) -> Result<Option<(u64, u64)>> {
        let member = (to_db(uid.get()), self.log.conversation);
        let mut first = self.next_seq;
        if !self.runs {
            let last = self.log.last_seq;
            return Ok((first <= last).then_some((first, last)));
        }
        let run_last = conn
            .prepare_cached(
                "SELECT last FROM aside WHERE uid = ?1 AND conversation = ?2 AND first <= ?3
                 ORDER BY first DESC LIMIT 1",
            )?
            .query_row((member.0, member.1, to_db(first)), |row| number(row, 0))
            .optional()?;
        if let Some(run_last) = run_last
            && run_last >= first
        {
            first = run_last + 1;
        }
        let next_run = conn
            .prepare_cached(
                "SELECT first FROM aside WHERE uid = ?1 AND conversation = ?2 AND first > ?3
                 ORDER BY first LIMIT 1",
            )?
            .query_row((member.0, member.1, to_db(first)), |row| number(row, 0))
            .optional()?;
        let last = next_run.map_or(self.log.last_seq, |run_first| run_first - 1);
        Ok((first <= last).then_some((first, last)))
    }
}
