//! What waits for a user: the gaps in what was received, over all conversations, merged in the order of storing.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use rusqlite::{Connection, Error, OptionalExtension, Result};

use crate::broker::message::MessageId;
use crate::broker::ports::InboxPage;
use crate::broker::users::Uid;
use crate::stores::pages::Room;
use crate::stores::sqlite::books::read_tail;
use crate::stores::sqlite::columns::number;
use crate::stores::sqlite::columns::to_db;
use crate::stores::sqlite::log::Log;
use crate::stores::sqlite::rows;
use crate::stores::sqlite::rows::Names;

/// So many ids of one conversation are read ahead at most.
const AHEAD_MAX: u32 = 64;

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
    let mut page = InboxPage {
        through: MessageId(read_tail(conn)?.id),
        ..InboxPage::default()
    };
    let mut lanes = lanes(conn, ask)?;
    let mut heads = BinaryHeap::new();
    for (index, lane) in lanes.iter_mut().enumerate() {
        heads.extend(lane.next_id(conn, ask.uid)?.map(|id| Reverse((id, index))));
    }
    let mut room = Room::new(ask.limit);
    let mut names = Names::default();
    while let Some(Reverse((id, index))) = heads.pop() {
        let message = rows::by_id(conn, &mut names, id)?.ok_or(Error::QueryReturnedNoRows)?;
        if !room.take(message.bytes()) {
            page.more = true;
            break;
        }
        page.messages.push(Arc::new(message));
        let next = lanes[index].next_id(conn, ask.uid)?;
        heads.extend(next.map(|id| Reverse((id, index))));
    }
    Ok(page)
}

/// One conversation on its way into a page.
struct Lane {
    log: Log,
    /// The member's cursor.
    received: u64,
    /// Whether runs lie beyond the cursor; mostly not.
    runs: bool,
    /// From here on nothing was looked at yet.
    next_seq: u64,
    ids: VecDeque<u64>,
    /// How many ids to read ahead: one at first, as most lanes give little to a page.
    ahead: u32,
}

/// The conversations in which something waits.
fn lanes(conn: &Connection, ask: &InboxAsk) -> Result<Vec<Lane>> {
    let mut lanes = conn
        .prepare_cached(
            "SELECT m.conversation, m.received, c.last_seq,
                 EXISTS (SELECT 1 FROM aside a WHERE a.uid = m.uid AND a.conversation = m.conversation)
             FROM members m JOIN conversations c ON c.id = m.conversation
             WHERE m.uid = ?1 AND m.received < c.last_seq",
        )?
        .query_map([to_db(ask.uid.get())], |row| {
            Ok(Lane {
                log: Log {
                    conversation: row.get(0)?,
                    last_seq: number(row, 2)?,
                },
                received: number(row, 1)?,
                runs: row.get(3)?,
                next_seq: 0,
                ids: VecDeque::new(),
                ahead: 1,
            })
        })?
        .collect::<Result<Vec<_>>>()?;
    for lane in &mut lanes {
        lane.next_seq = lane.log.after_id(conn, lane.received + 1, ask.after.0)?;
    }
    Ok(lanes)
}

impl Lane {
    /// The id of the next message that waits here.
    fn next_id(&mut self, conn: &Connection, uid: Uid) -> Result<Option<u64>> {
        if self.ids.is_empty() {
            self.read_ahead(conn, uid)?;
        }
        Ok(self.ids.pop_front())
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
                (self.log.conversation, to_db(first), to_db(last), self.ahead),
                |row| number(row, 0),
            )?
            .collect::<Result<VecDeque<_>>>()?;
        self.ids = ids;
        self.next_seq = first + self.ids.len() as u64;
        self.ahead = (self.ahead * 2).min(AHEAD_MAX);
        Ok(())
    }

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
