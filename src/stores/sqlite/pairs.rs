//! The conversations that the writer works on: read once, changed in memory, written back once a batch.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rusqlite::{Connection, OptionalExtension, Result};

use crate::broker::users::Person;
use crate::broker::users::Uid;
use crate::stores::received::Received;
use crate::stores::sqlite::columns::number;
use crate::stores::sqlite::columns::person;
use crate::stores::sqlite::columns::to_db;

/// Pairs and runs that may stay in memory; beyond that, those not used in the last batch go.
const WEIGHT_MAX: usize = if cfg!(test) { 4 } else { 65_536 };

/// A conversation of two, or of one with oneself.
pub(super) struct Pair {
    /// Its key.
    pub(super) id: i64,
    low: Person,
    high: Person,
    last_seq: u64,
    last_seq_kept: u64,
    /// Of `low` and of `high`; the second is not used where they are one.
    sides: [Side; 2],
    listed: bool,
    used_in: u64,
    weight: usize,
}

#[derive(Default)]
struct Side {
    received: Received,
    through_kept: u64,
    runs_changed: Vec<u64>,
}

impl Pair {
    /// The seq of its newest message.
    pub(super) fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// The other member, seen from `uid`; and `uid` itself in a conversation with oneself.
    pub(super) fn other(&self, uid: Uid) -> &Person {
        if self.low.uid == uid {
            &self.high
        } else {
            &self.low
        }
    }

    /// The member `uid`.
    pub(super) fn member(&self, uid: Uid) -> &Person {
        if self.low.uid == uid {
            &self.low
        } else {
            &self.high
        }
    }

    /// Whether a message by `sender` is for `uid`.
    pub(super) fn is_for(&self, uid: Uid, sender: Uid) -> bool {
        let member = uid == self.low.uid || uid == self.high.uid;
        member && (sender != uid || self.low.uid == self.high.uid)
    }

    /// What the member `uid` has received.
    pub(super) fn received(&self, uid: Uid) -> &Received {
        &self.sides[self.side(uid)].received
    }

    /// The member `uid` received `first` through `last`.
    pub(super) fn receive(&mut self, uid: Uid, first: u64, last: u64) {
        let side = self.side(uid);
        let Side {
            received,
            runs_changed,
            ..
        } = &mut self.sides[side];
        received.add(first, last, |run| runs_changed.push(run));
    }

    /// One more message, by `sender`. To the sender it is no news.
    pub(super) fn grow(&mut self, sender: Uid) {
        self.last_seq += 1;
        if self.low.uid != self.high.uid {
            self.receive(sender, self.last_seq, self.last_seq);
        }
    }

    fn side(&self, uid: Uid) -> usize {
        usize::from(uid != self.low.uid)
    }

    fn read(conn: &Connection, id: i64) -> Result<Self> {
        let mut select = conn.prepare_cached(
            "SELECT c.low, l.name, c.high, h.name, c.last_seq
             FROM conversations c JOIN users l ON l.uid = c.low JOIN users h ON h.uid = c.high
             WHERE c.id = ?1",
        )?;
        let (low, high, last_seq) = select.query_row([id], |row| {
            Ok((person(row, 0, 1)?, person(row, 2, 3)?, number(row, 4)?))
        })?;
        let mut sides = [Side::read(conn, id, low.uid)?, Side::default()];
        if low.uid != high.uid {
            sides[1] = Side::read(conn, id, high.uid)?;
        }
        Ok(Self {
            id,
            low,
            high,
            last_seq,
            last_seq_kept: last_seq,
            sides,
            listed: false,
            used_in: 0,
            weight: 0,
        })
    }

    fn write(&mut self, conn: &Connection) -> Result<()> {
        if self.last_seq != self.last_seq_kept {
            conn.prepare_cached("UPDATE conversations SET last_seq = ?2 WHERE id = ?1")?
                .execute((self.id, to_db(self.last_seq)))?;
            self.last_seq_kept = self.last_seq;
        }
        let uids = [self.low.uid, self.high.uid];
        for (side, uid) in self.sides.iter_mut().zip(uids) {
            side.write(conn, self.id, uid)?;
        }
        Ok(())
    }
}

impl Side {
    fn read(conn: &Connection, conversation: i64, uid: Uid) -> Result<Self> {
        let key = (to_db(uid.get()), conversation);
        let through = conn
            .prepare_cached("SELECT received FROM members WHERE uid = ?1 AND conversation = ?2")?
            .query_row(key, |row| number(row, 0))?;
        let runs = conn
            .prepare_cached("SELECT first, last FROM aside WHERE uid = ?1 AND conversation = ?2")?
            .query_map(key, |row| Ok((number(row, 0)?, number(row, 1)?)))?
            .collect::<Result<BTreeMap<_, _>>>()?;
        Ok(Self {
            received: Received::new(through, runs),
            through_kept: through,
            runs_changed: Vec::new(),
        })
    }

    fn write(&mut self, conn: &Connection, conversation: i64, uid: Uid) -> Result<()> {
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

/// All pairs in memory.
#[derive(Default)]
pub(super) struct Pairs {
    pairs: HashMap<i64, Pair>,
    ids: HashMap<(Uid, Uid), i64>,
    /// Those used since the last writing back.
    listed: Vec<i64>,
    weight: usize,
    batch: u64,
}

impl Pairs {
    /// The pair with this key.
    pub(super) fn get(&mut self, conn: &Connection, id: i64) -> Result<&mut Pair> {
        let pair = match self.pairs.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => free.insert(Pair::read(conn, id)?),
        };
        pair.used_in = self.batch;
        if !pair.listed {
            pair.listed = true;
            self.listed.push(id);
        }
        Ok(pair)
    }

    /// The pair of two users, made if need be; `None` where there is no user `receiver`.
    pub(super) fn between(
        &mut self,
        conn: &Connection,
        sender: Uid,
        receiver: Uid,
    ) -> Result<Option<&mut Pair>> {
        let key = (sender.min(receiver), sender.max(receiver));
        let id = match self.ids.entry(key) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(free) => match find(conn, key)? {
                Some(id) => *free.insert(id),
                None if !exists(conn, receiver)? => return Ok(None),
                None => *free.insert(make(conn, key)?),
            },
        };
        self.get(conn, id).map(Some)
    }

    /// Writes what changed.
    pub(super) fn write(&mut self, conn: &Connection) -> Result<()> {
        for id in self.listed.drain(..) {
            let Some(pair) = self.pairs.get_mut(&id) else {
                continue;
            };
            pair.write(conn)?;
            pair.listed = false;
            let weight = 1 + pair.sides.iter().map(|s| s.received.runs()).sum::<usize>();
            self.weight = self.weight + weight - pair.weight;
            pair.weight = weight;
        }
        Ok(())
    }

    /// A batch was committed: keeps memory within bounds.
    pub(super) fn end_batch(&mut self) {
        if self.weight > WEIGHT_MAX {
            let batch = self.batch;
            self.pairs.retain(|_, pair| pair.used_in == batch);
            self.ids.retain(|_, id| self.pairs.contains_key(id));
            self.weight = self.pairs.values().map(|pair| pair.weight).sum();
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
pub(super) fn find(conn: &Connection, (low, high): (Uid, Uid)) -> Result<Option<i64>> {
    conn.prepare_cached("SELECT id FROM conversations WHERE low = ?1 AND high = ?2")?
        .query_row((to_db(low.get()), to_db(high.get())), |row| row.get(0))
        .optional()
}

fn exists(conn: &Connection, uid: Uid) -> Result<bool> {
    conn.prepare_cached("SELECT 1 FROM users WHERE uid = ?1")?
        .exists([to_db(uid.get())])
}

fn make(conn: &Connection, (low, high): (Uid, Uid)) -> Result<i64> {
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
