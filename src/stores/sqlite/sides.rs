//! A member of a conversation as the writer holds one: what was received, and what of that is not yet in the tables.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Result};

use crate::broker::users::Uid;
use crate::stores::received::Received;
use crate::stores::sqlite::columns::number;
use crate::stores::sqlite::columns::to_db;

/// One member.
pub(super) struct Side {
    /// What was received.
    pub(super) received: Received,
    /// What came up to and with this is not the member's to see.
    pub(super) joined: u64,
    through_kept: u64,
    runs_changed: Vec<u64>,
}

impl Side {
    /// Reads a member; none where there is no such one.
    pub(super) fn read(conn: &Connection, conversation: i64, uid: Uid) -> Result<Option<Self>> {
        let key = (to_db(uid.get()), conversation);
        let member = conn
            .prepare_cached(
                "SELECT received, joined FROM members WHERE uid = ?1 AND conversation = ?2",
            )?
            .query_row(key, |row| Ok((number(row, 0)?, number(row, 1)?)))
            .optional()?;
        let Some((through, joined)) = member else {
            return Ok(None);
        };
        let runs = conn
            .prepare_cached("SELECT first, last FROM aside WHERE uid = ?1 AND conversation = ?2")?
            .query_map(key, |row| Ok((number(row, 0)?, number(row, 1)?)))?
            .collect::<Result<BTreeMap<_, _>>>()?;
        Ok(Some(Self {
            received: Received::new(through, runs),
            joined,
            through_kept: through,
            runs_changed: Vec::new(),
        }))
    }

    /// `first` through `last` were received.
    pub(super) fn receive(&mut self, first: u64, last: u64) {
        let runs_changed = &mut self.runs_changed;
        self.received.add(first, last, |run| runs_changed.push(run));
    }

    /// Writes what changed.
    pub(super) fn write(&mut self, conn: &Connection, conversation: i64, uid: Uid) -> Result<()> {
        let uid = to_db(uid.get());
        let through = self.received.through();
        if through != self.through_kept {
            conn.prepare_cached(
                "UPDATE members SET received = ?3 WHERE uid = ?1 AND conversation = ?2",
            )?
            .execute((uid, conversation, to_db(through)))?;
            self.through_kept = through;
        }
        self.runs_changed.sort_unstable();
        self.runs_changed.dedup();
        for first in self.runs_changed.drain(..) {
            match self.received.run(first) {
                Some(last) => conn
                    .prepare_cached(
                        "INSERT INTO aside (uid, conversation, first, last) VALUES (?1, ?2, ?3, ?4)
                         ON CONFLICT DO UPDATE SET last = excluded.last",
                    )?
                    .execute((uid, conversation, to_db(first), to_db(last)))?,
                None => conn
                    .prepare_cached(
                        "DELETE FROM aside WHERE uid = ?1 AND conversation = ?2 AND first = ?3",
                    )?
                    .execute((uid, conversation, to_db(first)))?,
            };
        }
        Ok(())
    }
}
