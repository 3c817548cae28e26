//! Moving messages to `received`: which message is meant, and whether it was received before.

use rusqlite::{Connection, OptionalExtension, Result};

use crate::broker::command::Ears;
use crate::broker::delivery::Receipt;
use crate::broker::message::MessageId;
use crate::broker::message::MsgId;
use crate::broker::ports::Confirmation;
use crate::broker::ports::Confirmed;
use crate::broker::ports::Pushes;
use crate::broker::ports::Which;
use crate::broker::users::Uid;
use crate::stores::sqlite::books::Books;
use crate::stores::sqlite::columns::to_db;
use crate::stores::sqlite::conversation::Conversation;
use crate::stores::sqlite::log::Log;
use crate::stores::sqlite::msg_ids::Found;
use crate::stores::sqlite::msg_ids::Look;
use crate::stores::sqlite::msg_ids::select_found;

/// So many messages of one msgID are looked at wherever they are. Beyond that somebody wrote to many with one msgID,
/// and only the confirming user's own conversations are searched.
const NAMESAKES_MAX: u32 = 16;

/// Does what a receiver's confirmation says.
pub(super) fn confirm(books: &mut Books, asked: &Confirmation) -> Result<Confirmed> {
    match asked.which {
        Which::Named { msg_id, pushed } => named(books, asked, msg_id, pushed),
        Which::One(id) => one(books, asked, id),
        Which::Through { after, last, by } => through(books, asked, (after.0, last.0), by),
    }
}

fn receipt(found: &Found, asked: &Confirmation) -> Receipt {
    Receipt {
        msg_id: found.msg_id,
        sender: found.sender,
        receiver: asked.receiver,
        time_ms: asked.time_ms,
    }
}

fn named(
    books: &mut Books,
    asked: &Confirmation,
    msg_id: MsgId,
    pushed: Option<Pushes>,
) -> Result<Confirmed> {
    let Books {
        conn,
        conversations,
        msg_ids,
        ..
    } = books;
    let Look::Taken(taken) = msg_ids.look(conn, msg_id)? else {
        return Ok(Confirmed::default());
    };
    let others = match taken.shared {
        true => namesakes(conn, asked.receiver, msg_id)?,
        false => Vec::new(),
    };
    let mut known = false;
    let mut best: Option<((bool, u64), Found)> = None;
    for found in others.into_iter().chain([taken.first]) {
        let conversation = conversations.get(conn, found.conversation)?;
        if !conversation.is_for(conn, asked.receiver, found.sender, found.seq)? {
            continue;
        }
        known = true;
        let grouped = conversation.is_group();
        let was_pushed = pushed.is_some_and(|pushes| pushes.have(MessageId(found.id), grouped));
        let rank = (!was_pushed, found.id);
        if waits(conversation, conn, asked.receiver, found.seq)?
            && best.is_none_or(|(best, _)| rank < best)
        {
            best = Some((rank, found));
        }
    }
    let Some((_, found)) = best else {
        return Ok(Confirmed {
            known,
            receipts: Vec::new(),
        });
    };
    let conversation = conversations.get(conn, found.conversation)?;
    conversation.receive(conn, asked.receiver, found.seq, found.seq)?;
    Ok(Confirmed {
        known,
        receipts: vec![receipt(&found, asked)],
    })
}

/// Whether the member `uid` has not received `seq` yet.
fn waits(conversation: &mut Conversation, conn: &Connection, uid: Uid, seq: u64) -> Result<bool> {
    let received = conversation.received(conn, uid)?;
    Ok(received.is_some_and(|received| !received.contains(seq)))
}

/// The messages that `msg_id` may mean to `receiver` beside the first of that msgID, and perhaps a few of others.
fn namesakes(conn: &Connection, receiver: Uid, msg_id: MsgId) -> Result<Vec<Found>> {
    let some = conn
        .prepare_cached(select_found!(
            "namesakes n JOIN messages x ON x.id = n.message WHERE n.msg_id = ?1 LIMIT ?2"
        ))?
        .query_map((msg_id.0, NAMESAKES_MAX + 1), Found::read)?
        .collect::<Result<Vec<_>>>()?;
    if some.len() <= NAMESAKES_MAX as usize {
        return Ok(some);
    }
    // CROSS JOIN keeps this order: from the user's conversations to the one place in the key where each may have it.
    conn.prepare_cached(select_found!(
        "members m CROSS JOIN namesakes n ON n.msg_id = ?1 AND n.conversation = m.conversation
         CROSS JOIN messages x ON x.id = n.message WHERE m.uid = ?2"
    ))?
    .query_map((msg_id.0, to_db(receiver.get())), Found::read)?
    .collect()
}

fn one(books: &mut Books, asked: &Confirmation, id: MessageId) -> Result<Confirmed> {
    let mut confirmed = Confirmed::default();
    let Some(found) = by_id(&books.conn, id.0)? else {
        return Ok(confirmed);
    };
    let Books {
        conn,
        conversations,
        ..
    } = books;
    let uid = asked.receiver;
    let conversation = conversations.get(conn, found.conversation)?;
    confirmed.known = conversation.is_for(conn, uid, found.sender, found.seq)?;
    if confirmed.known && waits(conversation, conn, uid, found.seq)? {
        conversation.receive(conn, uid, found.seq, found.seq)?;
        confirmed.receipts.push(receipt(&found, asked));
    }
    Ok(confirmed)
}

fn by_id(conn: &Connection, id: u64) -> Result<Option<Found>> {
    conn.prepare_cached(select_found!("messages x WHERE x.id = ?1"))?
        .query_row([to_db(id)], Found::read)
        .optional()
}

fn through(
    books: &mut Books,
    asked: &Confirmation,
    (after, last): (u64, u64),
    by: Ears,
) -> Result<Confirmed> {
    // The question below is put to the tables, so they must know what this batch did.
    books.write_back()?;
    let Books {
        conn,
        conversations,
        ..
    } = books;
    let uid = asked.receiver;
    let waiting = keys(
        conn,
        "SELECT m.conversation FROM members m JOIN conversations c ON c.id = m.conversation
         WHERE m.uid = ?1 AND m.received < c.last_seq AND (m.grouped = 0 AND ?2 OR m.grouped = 1 AND ?3)",
        uid,
        by,
    )?;
    let mut moved = Vec::new();
    for id in waiting {
        let conversation = conversations.get(conn, id)?;
        let log = Log {
            conversation: id,
            last_seq: conversation.last_seq(),
        };
        let Some(received) = conversation.received(conn, uid)? else {
            continue;
        };
        let first_seq = log.after_id(conn, received.through() + 1, after)?;
        let last_seq = log.after_id(conn, first_seq, last)? - 1;
        if first_seq > last_seq {
            continue;
        }
        let mut select = conn.prepare_cached(select_found!(
            "messages x WHERE x.conversation = ?1 AND x.seq BETWEEN ?2 AND ?3"
        ))?;
        for (gap_first, gap_last) in received.gaps(first_seq, last_seq) {
            let gap = (id, to_db(gap_first), to_db(gap_last));
            for found in select.query_map(gap, Found::read)? {
                moved.push(found?);
            }
        }
        conversation.receive(conn, uid, first_seq, last_seq)?;
    }
    moved.sort_unstable_by_key(|found| found.id);
    Ok(Confirmed {
        known: !moved.is_empty() || any_between(books, uid, (after, last), by)?,
        receipts: moved.iter().map(|found| receipt(found, asked)).collect(),
    })
}

/// Whether any message for `uid` that `by` hear has an id after `after`, up to and with `last`.
fn any_between(books: &mut Books, uid: Uid, (after, last): (u64, u64), by: Ears) -> Result<bool> {
    let Books {
        conn,
        conversations,
        ..
    } = books;
    // Who confirms a range again was pushed its last message, so mostly this is enough.
    if after < last
        && let Some(found) = by_id(conn, last)?
    {
        let conversation = conversations.get(conn, found.conversation)?;
        let heard = match conversation.is_group() {
            true => by.groups,
            false => by.direct,
        };
        if heard && conversation.is_for(conn, uid, found.sender, found.seq)? {
            return Ok(true);
        }
    }
    let all = keys(
        conn,
        "SELECT m.conversation FROM members m
         WHERE m.uid = ?1 AND (m.grouped = 0 AND ?2 OR m.grouped = 1 AND ?3)",
        uid,
        by,
    )?;
    for id in all {
        let conversation = conversations.get(conn, id)?;
        let log = Log {
            conversation: id,
            last_seq: conversation.last_seq(),
        };
        let first_seq = log.after_id(conn, conversation.joined(conn, uid)? + 1, after)?;
        let last_seq = log.after_id(conn, first_seq, last)? - 1;
        // In a conversation with oneself one's own messages count too, and no uid is 0.
        let with_oneself = conversation
            .pair(uid)
            .is_some_and(|(one, other)| one == other);
        let own = if with_oneself { 0 } else { to_db(uid.get()) };
        let found = conn
            .prepare_cached(
                "SELECT 1 FROM messages x
                 WHERE x.conversation = ?1 AND x.seq BETWEEN ?2 AND ?3 AND x.sender <> ?4
                     AND NOT EXISTS (SELECT 1 FROM ignored i
                         WHERE i.conversation = x.conversation AND i.seq = x.seq AND i.uid = ?5)
                 LIMIT 1",
            )?
            .exists((id, to_db(first_seq), to_db(last_seq), own, to_db(uid.get())))?;
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The keys of conversations.
fn keys(conn: &Connection, sql: &str, uid: Uid, by: Ears) -> Result<Vec<i64>> {
    conn.prepare_cached(sql)?
        .query_map((to_db(uid.get()), by.direct, by.groups), |row| row.get(0))?
        .collect()
}
