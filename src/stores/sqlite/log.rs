//! Finding a place in a conversation: seqs are dense and ids and times rise with them, so halving finds it.

use rusqlite::{Connection, Result};

use crate::stores::sqlite::columns::number;
use crate::stores::sqlite::columns::to_db;

/// One conversation's messages from seq 1 to `last_seq`.
#[derive(Clone, Copy)]
pub(super) struct Log {
    /// Its key.
    pub(super) conversation: i64,
    /// Its newest message.
    pub(super) last_seq: u64,
}

impl Log {
    /// The first seq at or after `from` whose id is above `id`; one past the last if there is none.
    pub(super) fn after_id(self, conn: &Connection, from: u64, id: u64) -> Result<u64> {
        if from > self.last_seq || self.id(conn, from)? > id {
            return Ok(from);
        }
        self.halve(from + 1, |seq| Ok(self.id(conn, seq)? > id))
    }

    /// The first seq that was accepted at `time_ms` or later; one past the last if there is none.
    pub(super) fn at_time(self, conn: &Connection, time_ms: u64) -> Result<u64> {
        self.halve(1, |seq| {
            let found = conn
                .prepare_cached(
                    "SELECT time_ms FROM messages WHERE conversation = ?1 AND seq = ?2",
                )?
                .query_row((self.conversation, to_db(seq)), |row| number(row, 0))?;
            Ok(found >= time_ms)
        })
    }

    /// As [`Self::after_id`], for one who mostly finds nothing: the newest message is looked at first.
    pub(super) fn after_id_if_any(self, conn: &Connection, from: u64, id: u64) -> Result<u64> {
        if from > self.last_seq || self.id(conn, self.last_seq)? <= id {
            return Ok(self.last_seq.max(from - 1) + 1);
        }
        self.after_id(conn, from, id)
    }

    fn id(self, conn: &Connection, seq: u64) -> Result<u64> {
        conn.prepare_cached("SELECT id FROM messages WHERE conversation = ?1 AND seq = ?2")?
            .query_row((self.conversation, to_db(seq)), |row| number(row, 0))
    }

    /// The first seq at or after `low` for which `beyond` holds, given that it goes on holding.
    fn halve(self, mut low: u64, beyond: impl Fn(u64) -> Result<bool>) -> Result<u64> {
        let mut high = self.last_seq + 1;
        while low < high {
            let middle = low + (high - low) / 2;
            if beyond(middle)? {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(low)
    }
}
