//! How many of each there are.

use rusqlite::{Connection, Result};

use crate::broker::ports::Counts;
use crate::stores::sqlite::books::read_tail;
use crate::stores::sqlite::columns::number;

/// Counts all. Messages are never deleted, so the newest id is their number.
pub(super) fn counts(conn: &Connection) -> Result<Counts> {
    let one = |sql| conn.query_row(sql, [], |row| number(row, 0));
    let unreceived = one("SELECT coalesce(sum(c.last_seq - m.received), 0)
         FROM members m JOIN conversations c ON c.id = m.conversation
         WHERE m.received < c.last_seq")?;
    let aside = one("SELECT coalesce(sum(last - first + 1), 0) FROM aside")?;
    Ok(Counts {
        // All but the system, whose row is in every store.
        users: one("SELECT count(*) - 1 FROM users")?,
        conversations: one("SELECT count(*) FROM conversations")?,
        messages: read_tail(conn)?.id,
        waiting: unreceived.saturating_sub(aside),
        queues: one("SELECT count(*) FROM queues")?,
        queued: one("SELECT coalesce(sum(messages), 0) FROM queues")?,
        groups: one("SELECT count(*) FROM groups")?,
        friendships: one("SELECT count(*) / 2 FROM friends")?,
        hooks: one("SELECT count(*) FROM hooks WHERE due_ms IS NOT NULL")?,
        hooks_failed: one("SELECT count(*) FROM hooks WHERE due_ms IS NULL")?,
    })
}
