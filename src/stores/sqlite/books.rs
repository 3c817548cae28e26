//! What the writer works with: its connection, the conversations in use, and where the messages end.

use rusqlite::{Connection, OptionalExtension, Result};

use crate::stores::sqlite::columns::number;
use crate::stores::sqlite::conversations::Conversations;
use crate::stores::sqlite::msg_ids::MsgIds;
use crate::stores::sqlite::queues::Queues;
use crate::stores::sqlite::users::KnownNames;

/// The newest message: the next one has a higher id and no lower time.
#[derive(Clone, Copy, Default)]
pub(super) struct Tail {
    /// Its id, 0 before the first.
    pub(super) id: u64,
    /// Its time.
    pub(super) time_ms: u64,
}

/// Everything that a write may touch.
pub(super) struct Books {
    /// The only connection that writes while the broker runs, but for a command beside it.
    pub(super) conn: Connection,
    /// Conversations in memory.
    pub(super) conversations: Conversations,
    /// Whose names it has met.
    pub(super) names: KnownNames,
    /// Which message has which msgID.
    pub(super) msg_ids: MsgIds,
    /// How much is in the shared queues.
    pub(super) queues: Queues,
    tail: Option<Tail>,
}

impl Books {
    /// The books behind `conn`.
    pub(super) fn new(mut conn: Connection) -> Result<Self> {
        let msg_ids = MsgIds::open(&mut conn)?;
        Ok(Self {
            conn,
            conversations: Conversations::default(),
            names: KnownNames::default(),
            msg_ids,
            queues: Queues::default(),
            tail: None,
        })
    }

    /// The newest message.
    pub(super) fn tail(&mut self) -> Result<Tail> {
        if let Some(tail) = self.tail {
            return Ok(tail);
        }
        let tail = read_tail(&self.conn)?;
        self.tail = Some(tail);
        Ok(tail)
    }

    /// A message was added.
    pub(super) fn set_tail(&mut self, tail: Tail) {
        self.tail = Some(tail);
    }

    /// Writes what so far is in memory only.
    pub(super) fn write_back(&mut self) -> Result<()> {
        self.conversations.write(&self.conn)?;
        self.msg_ids.fold(&self.conn)?;
        self.queues.write(&self.conn)
    }

    /// A batch was committed.
    pub(super) fn end_batch(&mut self) {
        self.conversations.end_batch();
        self.msg_ids.end_batch();
    }

    /// Forgets what is in memory, after a rollback.
    pub(super) fn forget(&mut self) {
        self.conversations.forget();
        self.names = KnownNames::default();
        self.msg_ids.forget();
        self.queues = Queues::default();
        self.tail = None;
    }
}

/// The newest message there is; all zero in an empty store.
pub(super) fn read_tail(conn: &Connection) -> Result<Tail> {
    let tail = conn
        .prepare_cached("SELECT id, time_ms FROM messages ORDER BY id DESC LIMIT 1")?
        .query_row([], |row| {
            Ok(Tail {
                id: number(row, 0)?,
                time_ms: number(row, 1)?,
            })
        })
        .optional()?;
    Ok(tail.unwrap_or_default())
}
