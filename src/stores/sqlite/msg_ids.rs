//! Which message has which msgID: whether it was seen before, and which one a confirmation means.
//!
//! msgIDs are random, so an index that each message is added to at once would have each change a page of its own. Here the
//! newest are in memory only, which a start reads again from the messages. When there are enough they are sorted and added
//! to the table `msg_ids`, a few with each batch, so that many share a page, however many are there already.
//!
//! ```text
//!   add ──▶ young ──enough, and nothing is folding──▶ folding, sorted ──two for each that is added──▶ the table
//!           in memory                                 in memory, but only the entries
//! ```
//!
//! Only the first message of a msgID goes this way. Others (of another sender, or in another conversation) are rare, and
//! stand in the table `namesakes` from the beginning.

pub(super) mod check;
mod filter;
mod young;

use rusqlite::{Connection, Error, OptionalExtension, Result, Row};
use sha1::{Digest, Sha1};

use crate::broker::message::MsgId;
use crate::broker::users::Uid;
use crate::stores::sqlite::books::read_tail;
use crate::stores::sqlite::columns::msg_id;
use crate::stores::sqlite::columns::number;
use crate::stores::sqlite::columns::to_db;
use crate::stores::sqlite::columns::uid;
use crate::stores::sqlite::msg_ids::filter::Filter;
use crate::stores::sqlite::msg_ids::young::Young;

/// The lower bits of an entry: the message's id. The bits above are of the msgID's hash.
const ID_BITS: u32 = 36;
const ID_MAX: u64 = (1 << ID_BITS) - 1;

/// So many are sorted and folded at a time: a part of those in the table, so that as many share a page whatever its size,
/// but no more than memory has room for: this many, and the batch that goes beyond, fill seven eighths of a set's 2^19 places.
const GENERATION_PART: u64 = 16;
const GENERATION_MIN: u64 = if cfg!(test) { 4 } else { 256 };
const GENERATION_MAX: u64 = 450_000;
/// Entries folded for each one that is added: a generation is in the table before the next is complete.
const FOLDED_EACH: usize = 2;

/// Generations that may be read into memory at a start: at the most one and a half are not in the table, and a batch. More
/// were left by a broker that had another index; they are sorted and added before anything else, so many at once.
const LAG_MAX: u64 = 2;
const CATCH_UP: u64 = 1 << 20;

/// Some may be there already, where a batch was rolled back in part.
const ADD_ENTRY: &str = "INSERT OR IGNORE INTO msg_ids (entry) VALUES (?1)";

/// A message as far as it has to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The server's id.
    pub(super) id: u64,
    /// The conversation's key.
    pub(super) conversation: i64,
    /// Its place there.
    pub(super) seq: u64,
    /// Who wrote it.
    pub(super) sender: Uid,
    /// What its sender calls it.
    pub(super) msg_id: MsgId,
}

/// A question for [`Found`]s, of the table `x`.
macro_rules! select_found {
    ($rest:literal) => {
        concat!(
            "SELECT x.id, x.conversation, x.seq, x.sender, x.msg_id FROM ",
            $rest
        )
    };
}
pub(super) use select_found;

impl Found {
    /// Of a row of [`select_found`].
    pub(super) fn read(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            id: number(row, 0)?,
            conversation: row.get(1)?,
            seq: number(row, 2)?,
            sender: uid(row, 3)?,
            msg_id: msg_id(row, 4)?,
        })
    }
}

/// What is known of a msgID.
pub(super) enum Look {
    /// No message has it.
    Free(Hash),
    /// Some have.
    Taken(Taken),
}

/// Those that have a msgID.
#[derive(Clone, Copy)]
pub(super) struct Taken {
    /// The oldest of them.
    pub(super) first: Found,
    /// Whether there may be more, in the table `namesakes`.
    pub(super) shared: bool,
}

impl Look {
    /// The id of the message that this sender has written in this conversation.
    pub(super) fn by(
        &self,
        conn: &Connection,
        conversation: i64,
        sender: Uid,
    ) -> Result<Option<u64>> {
        let Self::Taken(Taken { first, shared }) = self else {
            return Ok(None);
        };
        if (first.conversation, first.sender) == (conversation, sender) {
            return Ok(Some(first.id));
        }
        if !shared {
            return Ok(None);
        }
        conn.prepare_cached(
            "SELECT message FROM namesakes WHERE msg_id = ?1 AND conversation = ?2 AND sender = ?3",
        )?
        .query_row((first.msg_id.0, conversation, to_db(sender.get())), |row| {
            number(row, 0)
        })
        .optional()
    }
}

/// The upper bits of an entry.
#[derive(Clone, Copy)]
pub(super) struct Hash(i64);

impl Hash {
    fn entry(self, id: u64) -> i64 {
        self.0 | to_db(id)
    }
}

struct Secret([u8; 16]);

impl Secret {
    fn hash(&self, msg_id: MsgId) -> Hash {
        let digest = Sha1::new()
            .chain_update(self.0)
            .chain_update(msg_id.0)
            .finalize();
        let start = digest
            .iter()
            .take(8)
            .fold(0_u64, |start, byte| start << 8 | u64::from(*byte));
        Hash((start & !ID_MAX).cast_signed())
    }
}

fn id_of(entry: i64) -> u64 {
    entry.cast_unsigned() & ID_MAX
}

/// The msgIDs of all messages, as the writer knows them.
pub(super) struct MsgIds {
    secret: Secret,
    filter: Filter,
    /// Those that are only in memory, by rising id.
    young: Young,
    /// Those on their way into the table, sorted as they are there.
    folding: Vec<i64>,
    /// How many of these are there for certain, and with this batch.
    folded_kept: usize,
    folded: usize,
    /// The newest message of this generation.
    folding_through: u64,
    /// How many entries to fold with this batch.
    due: usize,
    /// After a rollback: what was added may be gone.
    doubtful: bool,
}

impl MsgIds {
    /// Reads what the table does not have yet.
    pub(super) fn open(conn: &mut Connection) -> Result<Self> {
        let (secret, mut through) = state(conn)?;
        let last = read_tail(conn)?.id;
        while last.saturating_sub(through) > generation(through) * LAG_MAX {
            through = catch_up(conn, &secret, through, last.min(through + CATCH_UP))?;
            tracing::info!("{through} of {last} messages are indexed by their msgID");
        }
        let mut msg_ids = Self {
            secret,
            filter: Filter::default(),
            young: Young::default(),
            folding: Vec::new(),
            folded_kept: 0,
            folded: 0,
            folding_through: through,
            due: 0,
            doubtful: false,
        };
        for_each_first(conn, through, i64::MAX.cast_unsigned(), |first| {
            let shared = true;
            let hash = msg_ids.secret.hash(first.msg_id);
            msg_ids.young.add(hash, Taken { first, shared });
        })?;
        Ok(msg_ids)
    }

    /// Who has this msgID.
    pub(super) fn look(&mut self, conn: &Connection, msg_id: MsgId) -> Result<Look> {
        self.make_certain(conn)?;
        if let Some(taken) = self.young.get(msg_id) {
            return Ok(Look::Taken(taken));
        }
        let hash = self.secret.hash(msg_id);
        let mut first = self.on_its_way(conn, hash, msg_id)?;
        if first.is_none() && self.filter.may_have(hash.0) {
            first = conn
                .prepare_cached(select_found!(
                    "msg_ids e JOIN messages x ON x.id = e.entry & ?3
                     WHERE e.entry BETWEEN ?1 AND ?2 AND x.msg_id = ?4"
                ))?
                .query_row(
                    (hash.0, hash.entry(ID_MAX), to_db(ID_MAX), msg_id.0),
                    Found::read,
                )
                .optional()?;
        }
        let shared = true;
        let taken = |first| Look::Taken(Taken { first, shared });
        Ok(first.map_or(Look::Free(hash), taken))
    }

    /// The message of this msgID among those on their way into the table.
    fn on_its_way(&self, conn: &Connection, hash: Hash, msg_id: MsgId) -> Result<Option<Found>> {
        let begin = self.folding.partition_point(|entry| *entry < hash.0);
        let end = hash.entry(ID_MAX);
        let alike = self.folding[begin..]
            .iter()
            .take_while(|entry| **entry <= end);
        for entry in alike {
            let found = conn
                .prepare_cached(select_found!(
                    "messages x WHERE x.id = ?1 AND x.msg_id = ?2"
                ))?
                .query_row((to_db(id_of(*entry)), msg_id.0), Found::read)
                .optional()?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// A message was added, whose msgID was looked for before.
    pub(super) fn add(&mut self, conn: &Connection, look: &Look, new: Found) -> Result<()> {
        if new.id > ID_MAX {
            return Err(Error::IntegralValueOutOfRange(0, to_db(new.id)));
        }
        match look {
            Look::Free(hash) => {
                let (first, shared) = (new, false);
                self.young.add(*hash, Taken { first, shared });
                self.due += FOLDED_EACH;
            }
            Look::Taken(_) => {
                conn.prepare_cached(
                    "INSERT INTO namesakes (msg_id, conversation, sender, message) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute((
                    new.msg_id.0,
                    new.conversation,
                    to_db(new.sender.get()),
                    to_db(new.id),
                ))?;
                self.young.share(new.msg_id);
            }
        }
        Ok(())
    }

    /// Adds to the table what is due with this batch.
    pub(super) fn fold(&mut self, conn: &Connection) -> Result<()> {
        self.filter.read_on(conn, self.folding_through)?;
        let left = &self.folding[self.folded..];
        let due = std::mem::take(&mut self.due).min(left.len());
        if due == 0 {
            return Ok(());
        }
        let mut insert = conn.prepare_cached(ADD_ENTRY)?;
        for entry in &left[..due] {
            insert.execute([entry])?;
            self.filter.note(*entry);
        }
        self.folded += due;
        if self.folded == self.folding.len() {
            set_through(conn, self.folding_through)?;
        }
        Ok(())
    }

    /// A batch was committed.
    pub(super) fn end_batch(&mut self) {
        self.folded_kept = self.folded;
        if self.folded < self.folding.len() || self.doubtful {
            return;
        }
        self.folding = Vec::new();
        (self.folded_kept, self.folded) = (0, 0);
        if self.young.len() as u64 >= generation(self.folding_through) {
            self.folding = self.young.leave();
            let last = self.folding.last();
            self.folding_through = last.map_or(self.folding_through, |entry| id_of(*entry));
            self.folding.sort_unstable();
        }
    }

    /// A batch, or a part of it, was rolled back.
    pub(super) fn forget(&mut self) {
        self.folded = self.folded_kept;
        self.doubtful = true;
    }

    /// Takes out what a rollback has taken out of the messages.
    fn make_certain(&mut self, conn: &Connection) -> Result<()> {
        if !self.doubtful {
            return Ok(());
        }
        let last = read_tail(conn)?.id;
        self.young.cut(last);
        self.doubtful = false;
        Ok(())
    }
}

/// How many to fold at a time where messages up to this one are in the table.
fn generation(through: u64) -> u64 {
    (through / GENERATION_PART).clamp(GENERATION_MIN, GENERATION_MAX)
}

fn state(conn: &Connection) -> Result<(Secret, u64)> {
    conn.query_row("SELECT secret, through FROM msg_ids_state", [], |row| {
        Ok((Secret(row.get(0)?), number(row, 1)?))
    })
}

fn set_through(conn: &Connection, through: u64) -> Result<()> {
    conn.prepare_cached("UPDATE msg_ids_state SET through = ?1")?
        .execute([to_db(through)])?;
    Ok(())
}

/// Calls `each` for each message after `after`, up to and with `through`, that is the first of its msgID.
fn for_each_first(
    conn: &Connection,
    after: u64,
    through: u64,
    mut each: impl FnMut(Found),
) -> Result<()> {
    let mut select = conn.prepare(select_found!(
        "messages x WHERE x.id > ?1 AND x.id <= ?2 AND NOT EXISTS (SELECT 1 FROM namesakes n
             WHERE n.msg_id = x.msg_id AND n.conversation = x.conversation AND n.sender = x.sender)
         ORDER BY x.id"
    ))?;
    for found in select.query_map((to_db(after), to_db(through)), Found::read)? {
        each(found?);
    }
    Ok(())
}

/// Adds those after `after`, up to and with `through`, to the table; returns `through`.
fn catch_up(conn: &mut Connection, secret: &Secret, after: u64, through: u64) -> Result<u64> {
    let mut entries = Vec::new();
    let batch = conn.transaction()?;
    for_each_first(&batch, after, through, |first| {
        entries.push(secret.hash(first.msg_id).entry(first.id));
    })?;
    entries.sort_unstable();
    let mut insert = batch.prepare(ADD_ENTRY)?;
    for entry in entries {
        insert.execute([entry])?;
    }
    drop(insert);
    set_through(&batch, through)?;
    batch.commit()?;
    Ok(through)
}
