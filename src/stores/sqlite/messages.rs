//! Keeping a message: its place in all messages and in its conversation, taken in the transaction that writes it.

use std::sync::Arc;

use rusqlite::Result;

use crate::broker::command::Address;
use crate::broker::message::Message;
use crate::broker::message::MessageId;
use crate::broker::message::Recipient;
use crate::broker::message::Seq;
use crate::broker::ports::Appended;
use crate::broker::ports::Audience;
use crate::broker::ports::NewMessage;
use crate::broker::ports::Verdict;
use crate::broker::refusal::Refusal;
use crate::broker::users::UserKey;
use crate::stores::sqlite::books::Books;
use crate::stores::sqlite::books::Tail;
use crate::stores::sqlite::columns::content;
use crate::stores::sqlite::columns::number;
use crate::stores::sqlite::columns::to_db;
use crate::stores::sqlite::pairs::Pair;

/// Keeps a message, or finds that it was kept before.
pub(super) fn append(books: &mut Books, new: &NewMessage) -> Result<Verdict<Appended>> {
    let tail = books.tail()?;
    let Books { conn, pairs, .. } = books;
    let Address::User(UserKey::Uid(to)) = new.to else {
        return Ok(Err(Refusal::NoSuchUser));
    };
    let Some(pair) = pairs.between(conn, new.sender, to)? else {
        return Ok(Err(Refusal::NoSuchUser));
    };
    let next = Tail {
        id: tail.id + 1,
        time_ms: new.time_ms.max(tail.time_ms).min(i64::MAX as u64),
    };
    let seq = pair.last_seq() + 1;
    // The unique key answers "seen before?", so a new message needs no question of its own.
    let added = conn
        .prepare_cached(
            "INSERT INTO messages (id, conversation, seq, sender, msg_id, content, time_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (msg_id, conversation, sender) DO NOTHING",
        )?
        .execute((
            to_db(next.id),
            pair.id,
            to_db(seq),
            to_db(new.sender.get()),
            new.msg_id.0,
            &*new.content,
            to_db(next.time_ms),
        ))?;
    if added == 0 {
        return seen_before(conn, pair, new);
    }
    pair.grow(new.sender);
    let message = message(pair, new, next.id, seq, next.time_ms);
    books.set_tail(next);
    Ok(Ok(Appended::Fresh(message, Audience::default())))
}

fn seen_before(
    conn: &rusqlite::Connection,
    pair: &Pair,
    new: &NewMessage,
) -> Result<Verdict<Appended>> {
    let (id, seq, kept, time_ms) = conn
        .prepare_cached(
            "SELECT id, seq, content, time_ms FROM messages
             WHERE msg_id = ?1 AND conversation = ?2 AND sender = ?3",
        )?
        .query_row((new.msg_id.0, pair.id, to_db(new.sender.get())), |row| {
            let kept = content(row, 2)?;
            Ok((number(row, 0)?, number(row, 1)?, kept, number(row, 3)?))
        })?;
    if kept == new.content {
        Ok(Ok(Appended::Again(
            message(pair, new, id, seq, time_ms),
            Audience::default(),
        )))
    } else {
        Ok(Err(Refusal::MsgIdTaken(new.msg_id)))
    }
}

fn message(pair: &Pair, new: &NewMessage, id: u64, seq: u64, time_ms: u64) -> Arc<Message> {
    Arc::new(Message {
        id: MessageId(id),
        seq: Seq(seq),
        msg_id: new.msg_id,
        sender: pair.member(new.sender).clone(),
        to: Recipient::User(pair.other(new.sender).clone()),
        kind: new.kind,
        envelope: new.envelope.clone(),
        content: Arc::clone(&new.content),
        time_ms,
    })
}
