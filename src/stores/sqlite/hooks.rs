//! What a webhook is still to be told: a row is written with its message, and goes when the webhook knows.

use std::sync::Arc;

use rusqlite::{Connection, Error, Result};

use crate::broker::message::Message;
use crate::broker::message::Recipient;
use crate::broker::ports::HOOK_USERS_MAX;
use crate::broker::ports::Hook;
use crate::broker::ports::HookFate;
use crate::broker::users::Person;
use crate::stores::sqlite::columns::number;
use crate::stores::sqlite::columns::person;
use crate::stores::sqlite::columns::to_db;
use crate::stores::sqlite::rows;
use crate::stores::sqlite::rows::Names;

/// That the webhook is perhaps to be told of a message.
pub(super) fn add(conn: &Connection, message: u64, now_ms: u64) -> Result<()> {
    conn.prepare_cached("INSERT INTO hooks (message, due_ms) VALUES (?1, ?2)")?
        .execute((to_db(message), to_db(now_ms)))?;
    Ok(())
}

/// The hooks due now, oldest first.
pub(super) fn due(conn: &Connection, (now_ms, limit): &(u64, usize)) -> Result<Vec<Hook>> {
    let rows = conn
        .prepare_cached(
            "SELECT id, message, tries FROM hooks WHERE due_ms <= ?1 ORDER BY due_ms, id LIMIT ?2",
        )?
        .query_map((to_db(*now_ms), to_db(*limit as u64)), |row| {
            Ok((number(row, 0)?, number(row, 1)?, row.get(2)?))
        })?
        .collect::<Result<Vec<(_, _, u32)>>>()?;
    let mut names = Names::default();
    let mut hooks = Vec::with_capacity(rows.len());
    for (id, message, tries) in rows {
        let message = rows::by_id(conn, &mut names, message)?.ok_or(Error::QueryReturnedNoRows)?;
        hooks.push(Hook {
            id,
            waiting: waiting(conn, &message)?,
            message: Arc::new(message),
            tries,
        });
    }
    Ok(hooks)
}

/// Who has not received the message, by rising uid.
fn waiting(conn: &Connection, message: &Message) -> Result<Vec<Person>> {
    let receiver = match &message.to {
        Recipient::User(person) => to_db(person.uid.get()),
        Recipient::Group(_) => 0,
    };
    conn.prepare_cached(
        "SELECT m.uid, u.name FROM messages x
         JOIN members m ON m.conversation = x.conversation JOIN users u ON u.uid = m.uid
         WHERE x.id = ?1 AND m.received < x.seq
             AND (m.uid = ?2 OR ?2 = 0 AND m.uid <> x.sender)
             AND NOT EXISTS (SELECT 1 FROM aside a
                 WHERE a.uid = m.uid AND a.conversation = m.conversation AND x.seq BETWEEN a.first AND a.last)
         ORDER BY m.uid LIMIT ?3",
    )?
    .query_map(
        (
            to_db(message.id.0),
            receiver,
            to_db(HOOK_USERS_MAX as u64),
        ),
        |row| person(row, 0, 1),
    )?
    .collect()
}

/// Says what is to become of a hook.
pub(super) fn settle(conn: &Connection, (id, fate): &(u64, HookFate)) -> Result<()> {
    let id = to_db(*id);
    match fate {
        HookFate::Done => conn
            .prepare_cached("DELETE FROM hooks WHERE id = ?1")?
            .execute([id])?,
        HookFate::Later(at_ms) => conn
            .prepare_cached("UPDATE hooks SET tries = tries + 1, due_ms = ?2 WHERE id = ?1")?
            .execute((id, to_db(*at_ms)))?,
        HookFate::Failed => conn
            .prepare_cached("UPDATE hooks SET tries = tries + 1, due_ms = NULL WHERE id = ?1")?
            .execute([id])?,
    };
    Ok(())
}
