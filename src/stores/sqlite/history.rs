//! A conversation, a page at a time, going back in time.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Result};

use crate::broker::command::Address;
use crate::broker::delivery::Kept;
use crate::broker::groups::Gid;
use crate::broker::message::Message;
use crate::broker::message::MessageId;
use crate::broker::ports::Before;
use crate::broker::ports::HistoryPage;
use crate::broker::ports::Verdict;
use crate::broker::refusal::Refusal;
use crate::broker::users::Uid;
use crate::broker::users::UserKey;
use crate::stores::pages::Room;
use crate::stores::sqlite::columns::number;
use crate::stores::sqlite::columns::to_db;
use crate::stores::sqlite::conversations::find_pair;
use crate::stores::sqlite::log::Log;
use crate::stores::sqlite::rows::Names;
use crate::stores::sqlite::rows::message;
use crate::stores::sqlite::rows::select_messages;
use crate::stores::sqlite::states::states;
use crate::stores::sqlite::users::find_person;
use crate::stores::sqlite::verdict::Denied;
use crate::stores::sqlite::verdict::verdict;

/// Whose conversation with whom, and which part of it.
pub(super) struct HistoryAsk {
    /// Who reads.
    pub(super) reader: Uid,
    /// The other, or the group.
    pub(super) with: Address,
    /// Where the page ends; none is at the newest message.
    pub(super) before: Option<Before>,
    /// At most so many.
    pub(super) limit: usize,
}

/// Reads a page of history.
pub(super) fn history(conn: &Connection, ask: &HistoryAsk) -> Result<Verdict<HistoryPage>> {
    let page = || {
        let Some((log, joined)) = conversation(conn, ask)? else {
            return Ok(HistoryPage::default());
        };
        let end = match ask.before {
            None => log.last_seq + 1,
            Some(Before::Id(MessageId(0)) | Before::Time(0)) => 1,
            Some(Before::Id(id)) => log.after_id(conn, 1, id.0 - 1)?,
            Some(Before::Time(time_ms)) => log.at_time(conn, time_ms)?,
        };
        let (messages, more) = messages(conn, log, (joined, end), ask)?;
        let states = states(conn, ask.reader, log.conversation, &messages)?;
        let kept = messages.into_iter().zip(states);
        Ok(HistoryPage {
            more,
            messages: kept
                .map(|(message, state)| Kept { message, state })
                .collect(),
        })
    };
    verdict(page())
}

/// The log, and the seq after which it is the reader's to see; none where nothing was said yet.
fn conversation(conn: &Connection, ask: &HistoryAsk) -> Result<Option<(Log, u64)>, Denied> {
    match &ask.with {
        Address::Group(gid) => group(conn, ask.reader, *gid).map(Some),
        Address::User(key) => {
            let with = match key {
                // What the system has pushed can be read, though it is no user.
                UserKey::Uid(Uid::SYSTEM) => Uid::SYSTEM,
                _ => find_person(conn, key)?.ok_or(Refusal::NoSuchUser)?.uid,
            };
            let key = (ask.reader.min(with), ask.reader.max(with));
            let Some(id) = find_pair(conn, key)? else {
                return Ok(None);
            };
            Ok(log(conn, id)?.map(|log| (log, 0)))
        }
    }
}

fn group(conn: &Connection, reader: Uid, gid: Gid) -> Result<(Log, u64), Denied> {
    let id = to_db(gid.get());
    conn.prepare_cached("SELECT 1 FROM groups WHERE gid = ?1")?
        .exists([id])?
        .then_some(())
        .ok_or(Refusal::NoSuchGroup)?;
    let joined = conn
        .prepare_cached("SELECT joined FROM members WHERE uid = ?1 AND conversation = ?2")?
        .query_row((to_db(reader.get()), id), |row| number(row, 0))
        .optional()?
        .ok_or(Refusal::NotMember)?;
    let log = log(conn, id)?.ok_or(Refusal::NoSuchGroup)?;
    Ok((log, joined))
}

fn log(conn: &Connection, id: i64) -> Result<Option<Log>> {
    conn.prepare_cached("SELECT last_seq FROM conversations WHERE id = ?1")?
        .query_row([id], |row| {
            Ok(Log {
                conversation: id,
                last_seq: number(row, 0)?,
            })
        })
        .optional()
}

/// The newest messages before the seq `end`, as many as fit, and whether there are more.
fn messages(
    conn: &Connection,
    log: Log,
    (joined, end): (u64, u64),
    ask: &HistoryAsk,
) -> Result<(Vec<Arc<Message>>, bool)> {
    let mut select = conn.prepare_cached(select_messages!(
        "x.conversation = ?1 AND x.seq > ?2 AND x.seq < ?3
             AND NOT EXISTS (SELECT 1 FROM ignored i
                 WHERE i.conversation = x.conversation AND i.seq = x.seq AND i.uid = ?4)
         ORDER BY x.seq DESC"
    ))?;
    let mut rows = select.query((
        log.conversation,
        to_db(joined),
        to_db(end),
        to_db(ask.reader.get()),
    ))?;
    let mut room = Room::new(ask.limit);
    let mut names = Names::default();
    let mut messages = Vec::new();
    while let Some(row) = rows.next()? {
        let message = message(conn, &mut names, row)?;
        if !room.take(message.bytes()) {
            return Ok((messages, true));
        }
        messages.push(Arc::new(message));
    }
    Ok((messages, false))
}
