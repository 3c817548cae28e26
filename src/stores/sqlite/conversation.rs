//! A conversation as the writer has it in memory: of a pair everything; of a group its roster, once somebody writes to it, and
//! the cursors of those who confirm.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use rusqlite::{Connection, Error, OptionalExtension, Result, Row};

use crate::broker::friends::Standing;
use crate::broker::groups::Roster;
use crate::broker::users::Person;
use crate::broker::users::Uid;
use crate::stores::received::Received;
use crate::stores::sqlite::columns::number;
use crate::stores::sqlite::columns::person;
use crate::stores::sqlite::columns::to_db;
use crate::stores::sqlite::sides::Side;

/// So many people of a roster weigh as much as one member's cursor.
const ROSTER_WEIGHT: usize = 4;

/// A conversation.
pub(super) struct Conversation {
    /// Its key.
    pub(super) id: i64,
    last_seq: u64,
    last_seq_kept: u64,
    people: People,
    /// The cache's own notes: whether it is to be written back, in which batch it was used, and what it weighs.
    pub(super) listed: bool,
    pub(super) used_in: u64,
    pub(super) weight: usize,
}

enum People {
    Pair(Pair),
    Group(Group),
}

/// Two, or one with oneself.
struct Pair {
    low: Person,
    high: Person,
    /// What `high` is to `low`.
    standing: Standing,
    /// Of `low` and of `high`; the second is not used where they are one.
    sides: [Side; 2],
}

#[derive(Default)]
struct Group {
    roster: Option<Roster>,
    sides: HashMap<Uid, Side>,
    /// Those whose side may have changed since it was written.
    touched: Vec<Uid>,
}

impl Pair {
    fn side(&self, uid: Uid) -> Option<usize> {
        if uid == self.low.uid {
            Some(0)
        } else {
            (uid == self.high.uid).then_some(1)
        }
    }
}

impl Group {
    fn side(&mut self, conn: &Connection, id: i64, uid: Uid) -> Result<Option<&mut Side>> {
        match self.sides.entry(uid) {
            Entry::Occupied(known) => Ok(Some(known.into_mut())),
            Entry::Vacant(free) => Ok(Side::read(conn, id, uid)?.map(|side| free.insert(side))),
        }
    }
}

impl Conversation {
    /// The seq of its newest message.
    pub(super) fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Whether it is a group's.
    pub(super) fn is_group(&self) -> bool {
        matches!(self.people, People::Group(_))
    }

    /// The two of a pair: first `uid`, then the other.
    pub(super) fn pair(&self, uid: Uid) -> Option<(&Person, &Person)> {
        match &self.people {
            People::Pair(pair) if pair.low.uid == uid => Some((&pair.low, &pair.high)),
            People::Pair(pair) => Some((&pair.high, &pair.low)),
            People::Group(_) => None,
        }
    }

    /// What the other of a pair is to `uid`.
    pub(super) fn standing(&self, uid: Uid) -> Standing {
        match &self.people {
            People::Pair(pair) if pair.low.uid == uid => pair.standing,
            People::Pair(pair) => Standing {
                blocks: pair.standing.blocked,
                blocked: pair.standing.blocks,
                ..pair.standing
            },
            People::Group(_) => Standing::default(),
        }
    }

    /// What the two of a pair are to each other has changed: this is what it is to `one`.
    pub(super) fn stand_anew(&mut self, one: Uid, standing: Standing) {
        if let People::Pair(pair) = &mut self.people {
            pair.standing = standing;
            if pair.low.uid != one {
                std::mem::swap(&mut pair.standing.blocks, &mut pair.standing.blocked);
            }
        }
    }

    /// The members of a group.
    pub(super) fn roster(&mut self, conn: &Connection) -> Result<Roster> {
        let People::Group(group) = &mut self.people else {
            return Ok(Roster::default());
        };
        if let Some(roster) = &group.roster {
            return Ok(Arc::clone(roster));
        }
        let roster = read_roster(conn, self.id)?;
        group.roster = Some(Arc::clone(&roster));
        Ok(roster)
    }

    /// The members of a group are these now, as the tables say already.
    pub(super) fn change_roster(&mut self, roster: Roster) {
        if let People::Group(group) = &mut self.people {
            let has = |uid: &Uid| {
                roster
                    .binary_search_by_key(uid, |person| person.uid)
                    .is_ok()
            };
            group.sides.retain(|uid, _| has(uid));
            group.roster = Some(roster);
        }
    }

    /// Whether the message `seq` by `sender` is for `uid`, received or not.
    pub(super) fn is_for(
        &mut self,
        conn: &Connection,
        uid: Uid,
        sender: Uid,
        seq: u64,
    ) -> Result<bool> {
        match &mut self.people {
            People::Pair(pair) => {
                let member = pair.side(uid).is_some();
                Ok(member && (sender != uid || pair.low.uid == pair.high.uid))
            }
            People::Group(group) => {
                let Some(side) = group.side(conn, self.id, uid)? else {
                    return Ok(false);
                };
                if sender == uid || seq <= side.joined {
                    return Ok(false);
                }
                // What was to be ignored counts as received, so mostly there is nothing to ask.
                Ok(!side.received.contains(seq) || !is_ignored(conn, self.id, seq, uid)?)
            }
        }
    }

    /// What the member `uid` has received; none where there is no such member.
    pub(super) fn received(&mut self, conn: &Connection, uid: Uid) -> Result<Option<&Received>> {
        match &mut self.people {
            People::Pair(pair) => Ok(pair.side(uid).map(|side| &pair.sides[side].received)),
            People::Group(group) => {
                let side = group.side(conn, self.id, uid)?;
                Ok(side.map(|side| &side.received))
            }
        }
    }

    /// What came up to and with this is not the member's to see.
    pub(super) fn joined(&mut self, conn: &Connection, uid: Uid) -> Result<u64> {
        match &mut self.people {
            People::Pair(_) => Ok(0),
            People::Group(group) => {
                let side = group.side(conn, self.id, uid)?;
                Ok(side.map_or(0, |side| side.joined))
            }
        }
    }

    /// The member `uid` received `first` through `last`. No member receives nothing.
    pub(super) fn receive(
        &mut self,
        conn: &Connection,
        uid: Uid,
        first: u64,
        last: u64,
    ) -> Result<()> {
        match &mut self.people {
            People::Pair(pair) => {
                if let Some(side) = pair.side(uid) {
                    pair.sides[side].receive(first, last);
                }
            }
            People::Group(group) => {
                if let Some(side) = group.side(conn, self.id, uid)? {
                    side.receive(first, last);
                    group.touched.push(uid);
                }
            }
        }
        Ok(())
    }

    /// One more message, by `sender`. To the sender it is no news.
    pub(super) fn grow(&mut self, conn: &Connection, sender: Uid) -> Result<()> {
        self.last_seq += 1;
        match &self.people {
            People::Pair(pair) if pair.low.uid == pair.high.uid => Ok(()),
            _ => self.receive(conn, sender, self.last_seq, self.last_seq),
        }
    }

    /// The conversation with this key, if there is one.
    pub(super) fn read(conn: &Connection, id: i64) -> Result<Option<Self>> {
        let mut select = conn.prepare_cached(
            "SELECT c.last_seq, c.low, l.name, c.high, h.name,
                 EXISTS (SELECT 1 FROM friends WHERE uid = c.low AND friend = c.high),
                 EXISTS (SELECT 1 FROM blocks WHERE uid = c.low AND blocked = c.high),
                 EXISTS (SELECT 1 FROM blocks WHERE uid = c.high AND blocked = c.low)
             FROM conversations c LEFT JOIN users l ON l.uid = c.low LEFT JOIN users h ON h.uid = c.high
             WHERE c.id = ?1",
        )?;
        let pair = |row: &Row<'_>| -> Result<Option<_>> {
            let low: Option<i64> = row.get(1)?;
            if low.is_none() {
                return Ok(None);
            }
            let standing = Standing {
                friends: row.get(5)?,
                blocks: row.get(6)?,
                blocked: row.get(7)?,
            };
            Ok(Some((person(row, 1, 2)?, person(row, 3, 4)?, standing)))
        };
        let found = select
            .query_row([id], |row| Ok((number(row, 0)?, pair(row)?)))
            .optional()?;
        let Some((last_seq, pair)) = found else {
            return Ok(None);
        };
        let people = match pair {
            None => People::Group(Group::default()),
            Some((low, high, standing)) => {
                let side = |uid| Side::read(conn, id, uid)?.ok_or(Error::QueryReturnedNoRows);
                let sides = [side(low.uid)?, side(high.uid)?];
                People::Pair(Pair {
                    low,
                    high,
                    standing,
                    sides,
                })
            }
        };
        Ok(Some(Self {
            id,
            last_seq,
            last_seq_kept: last_seq,
            people,
            listed: false,
            used_in: 0,
            weight: 0,
        }))
    }

    pub(super) fn write(&mut self, conn: &Connection) -> Result<()> {
        if self.last_seq != self.last_seq_kept {
            conn.prepare_cached("UPDATE conversations SET last_seq = ?2 WHERE id = ?1")?
                .execute((self.id, to_db(self.last_seq)))?;
            self.last_seq_kept = self.last_seq;
        }
        match &mut self.people {
            People::Pair(pair) => {
                let uids = [pair.low.uid, pair.high.uid];
                for (side, uid) in pair.sides.iter_mut().zip(uids) {
                    side.write(conn, self.id, uid)?;
                }
            }
            People::Group(group) => {
                group.touched.sort_unstable();
                group.touched.dedup();
                for uid in group.touched.drain(..) {
                    if let Some(side) = group.sides.get_mut(&uid) {
                        side.write(conn, self.id, uid)?;
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) fn weigh(&self) -> usize {
        match &self.people {
            People::Pair(pair) => 1 + pair.sides.iter().map(|s| s.received.runs()).sum::<usize>(),
            People::Group(group) => {
                let people = group.roster.as_ref().map_or(0, |roster| roster.len());
                let sides = group.sides.values();
                1 + people / ROSTER_WEIGHT + sides.map(|s| 1 + s.received.runs()).sum::<usize>()
            }
        }
    }
}

/// The members of a group, as the tables have them.
pub(super) fn read_roster(conn: &Connection, id: i64) -> Result<Roster> {
    let members = conn
        .prepare_cached(
            "SELECT m.uid, u.name FROM members m JOIN users u ON u.uid = m.uid
             WHERE m.conversation = ?1 AND m.grouped = 1 ORDER BY m.uid",
        )?
        .query_map([id], |row| person(row, 0, 1))?
        .collect::<Result<Vec<_>>>()?;
    Ok(members.into())
}

fn is_ignored(conn: &Connection, id: i64, seq: u64, uid: Uid) -> Result<bool> {
    conn.prepare_cached("SELECT 1 FROM ignored WHERE conversation = ?1 AND seq = ?2 AND uid = ?3")?
        .exists((id, to_db(seq), to_db(uid.get())))
}
