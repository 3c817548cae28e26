//! The conversations that the writer works on: read once, changed in memory, written back once a batch.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rusqlite::{Connection, Error, OptionalExtension, Result};

use crate::broker::friends::Standing;
use crate::broker::groups::Gid;
use crate::broker::users::Uid;
use crate::stores::sqlite::columns::to_db;
use crate::stores::sqlite::conversation::Conversation;
/// Conversations, members and runs that may stay in memory; beyond that, conversations not used in the last batch go.
const WEIGHT_MAX: usize = if cfg!(test) { 4 } else { 65_536 };

/// All conversations in memory.
#[derive(Default)]
pub(super) struct Conversations {
    kept: HashMap<i64, Conversation>,
    pairs: HashMap<(Uid, Uid), i64>,
    /// Those used since the last writing back.
    listed: Vec<i64>,
    weight: usize,
    batch: u64,
}

impl Conversations {
    /// The conversation with this key, which a row refers to.
    pub(super) fn get(&mut self, conn: &Connection, id: i64) -> Result<&mut Conversation> {
        self.find(conn, id)?.ok_or(Error::QueryReturnedNoRows)
    }

    /// A group's, if there is such a group.
    pub(super) fn group(
        &mut self,
        conn: &Connection,
        gid: Gid,
    ) -> Result<Option<&mut Conversation>> {
        let found = self.find(conn, to_db(gid.get()))?;
        Ok(found.filter(|conversation| conversation.is_group()))
    }

    fn find(&mut self, conn: &Connection, id: i64) -> Result<Option<&mut Conversation>> {
        let conversation = match self.kept.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => match Conversation::read(conn, id)? {
                Some(read) => free.insert(read),
                None => return Ok(None),
            },
        };
        conversation.used_in = self.batch;
        if !conversation.listed {
            conversation.listed = true;
            self.listed.push(id);
        }
        Ok(Some(conversation))
    }

    /// The key of the conversation of two users, if they have one.
    pub(super) fn pair(&mut self, conn: &Connection, one: Uid, other: Uid) -> Result<Option<i64>> {
        let key = (one.min(other), one.max(other));
        match self.pairs.entry(key) {
            Entry::Occupied(known) => Ok(Some(*known.get())),
            Entry::Vacant(free) => Ok(find_pair(conn, key)?.map(|id| *free.insert(id))),
        }
    }

    /// The same, made now.
    pub(super) fn make_pair(&mut self, conn: &Connection, one: Uid, other: Uid) -> Result<i64> {
        let key = (one.min(other), one.max(other));
        let id = make_pair(conn, key)?;
        self.pairs.insert(key, id);
        Ok(id)
    }

    /// What two users are to each other has changed in the tables.
    pub(super) fn stand_anew(
        &mut self,
        conn: &Connection,
        one: Uid,
        other: Uid,
        standing: Standing,
    ) -> Result<()> {
        let pair = self.pair(conn, one, other)?;
        if let Some(conversation) = pair.and_then(|id| self.kept.get_mut(&id)) {
            conversation.stand_anew(one, standing);
        }
        Ok(())
    }

    /// Writes what changed.
    pub(super) fn write(&mut self, conn: &Connection) -> Result<()> {
        for id in self.listed.drain(..) {
            let Some(conversation) = self.kept.get_mut(&id) else {
                continue;
            };
            conversation.write(conn)?;
            conversation.listed = false;
            let weight = conversation.weigh();
            self.weight = self.weight + weight - conversation.weight;
            conversation.weight = weight;
        }
        Ok(())
    }

    /// A batch was committed: keeps memory within bounds.
    pub(super) fn end_batch(&mut self) {
        if self.weight.max(self.pairs.len()) > WEIGHT_MAX {
            let batch = self.batch;
            self.kept
                .retain(|_, conversation| conversation.used_in == batch);
            self.pairs.retain(|_, id| self.kept.contains_key(id));
            self.weight = self.kept.values().map(|kept| kept.weight).sum();
        }
        self.batch += 1;
    }

    /// A batch was rolled back: what is in memory may not be what is kept.
    pub(super) fn forget(&mut self) {
        let batch = self.batch;
        *self = Self {
            batch,
            ..Self::default()
        };
    }
}

/// The key of the conversation between two users, the lower uid first.
pub(super) fn find_pair(conn: &Connection, (low, high): (Uid, Uid)) -> Result<Option<i64>> {
    conn.prepare_cached("SELECT id FROM conversations WHERE low = ?1 AND high = ?2")?
        .query_row((to_db(low.get()), to_db(high.get())), |row| row.get(0))
        .optional()
}

fn make_pair(conn: &Connection, (low, high): (Uid, Uid)) -> Result<i64> {
    let (low, high) = (to_db(low.get()), to_db(high.get()));
    conn.prepare_cached("INSERT INTO conversations (low, high) VALUES (?1, ?2)")?
        .execute((low, high))?;
    let id = conn.last_insert_rowid();
    let mut insert =
        conn.prepare_cached("INSERT OR IGNORE INTO members (uid, conversation) VALUES (?1, ?2)")?;
    insert.execute((low, id))?;
    insert.execute((high, id))?;
    Ok(id)
}
