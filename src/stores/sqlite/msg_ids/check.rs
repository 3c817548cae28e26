//! Whether each message is found by its msgID.

use rusqlite::{Connection, OptionalExtension, Result, Row};

use crate::broker::message::MsgId;
use crate::stores::sqlite::books::read_tail;
use crate::stores::sqlite::columns::msg_id;
use crate::stores::sqlite::msg_ids::Secret;
use crate::stores::sqlite::msg_ids::state;

/// A message, whose numbers damage may have given any sign.
struct Kept {
    id: i64,
    conversation: i64,
    sender: i64,
    msg_id: MsgId,
}

impl Kept {
    fn read(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            conversation: row.get(1)?,
            sender: row.get(2)?,
            msg_id: msg_id(row, 3)?,
        })
    }

    fn entry(&self, secret: &Secret) -> Option<i64> {
        let id = u64::try_from(self.id).ok()?;
        Some(secret.hash(self.msg_id).entry(id))
    }
}

/// Calls `wrong` with each thing that is, in one walk over all messages by their msgID.
pub(in crate::stores::sqlite) fn check(
    conn: &Connection,
    mut wrong: impl FnMut(String) -> Result<()>,
) -> Result<()> {
    let Some((secret, through)) = state(conn).optional()? else {
        return wrong("msg_ids_state has no row".to_owned());
    };
    let (through, last) = (through as i64, read_tail(conn)?.id as i64);
    if through > last {
        wrong(format!(
            "msgIDs are indexed through message {through}, but the last is {last}"
        ))?;
    }
    let mut is_entry = conn.prepare("SELECT 1 FROM msg_ids WHERE entry = ?1")?;
    let mut namesake = conn.prepare(
        "SELECT message FROM namesakes WHERE msg_id = ?1 AND conversation = ?2 AND sender = ?3",
    )?;
    let (mut entries, mut namesakes) = (0_u64, 0_u64);
    let mut first: Option<Kept> = None;
    let mut select =
        conn.prepare("SELECT id, conversation, sender, msg_id FROM messages ORDER BY msg_id, id")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let kept = Kept::read(row)?;
        let Some(first) = first.as_ref().filter(|first| first.msg_id == kept.msg_id) else {
            let entry = kept.entry(&secret);
            if entry.is_some_and(|entry| is_entry.exists([entry]).unwrap_or_default()) {
                entries += 1;
            } else if kept.id <= through {
                wrong(format!("message {}: its msgID is not indexed", kept.id))?;
            }
            first = Some(kept);
            continue;
        };
        let same = (first.conversation, first.sender) == (kept.conversation, kept.sender);
        let known: Option<i64> = namesake
            .query_row((kept.msg_id.0, kept.conversation, kept.sender), |row| {
                row.get(0)
            })
            .optional()?;
        namesakes += u64::from(known == Some(kept.id));
        if same || known.is_some_and(|known| known != kept.id) {
            wrong(format!(
                "message {}: its sender has used its msgID before",
                kept.id
            ))?;
        } else if known.is_none() {
            wrong(format!(
                "message {} is no namesake of message {}",
                kept.id, first.id
            ))?;
        }
    }
    for (table, good) in [("msg_ids", entries), ("namesakes", namesakes)] {
        let all: i64 = conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
            row.get(0)
        })?;
        let bad = all - good as i64;
        if bad != 0 {
            wrong(format!("{table}: {bad} of {all} rows are of no message"))?;
        }
    }
    Ok(())
}
