//! Many conversations made into one page: each is a lane of ids that rise, and a page takes the lowest that there is.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::VecDeque;
use std::sync::Arc;

use rusqlite::{Connection, Error, Result};

use crate::broker::message::Message;
use crate::broker::users::Uid;
use crate::stores::pages::Room;
use crate::stores::sqlite::rows;
use crate::stores::sqlite::rows::Names;

/// So many ids of one conversation are read ahead at most.
const AHEAD_MAX: u32 = 64;

/// The ids of one conversation that were read and not taken yet.
pub(super) struct Ahead {
    ids: VecDeque<u64>,
    /// How many to read next: one at first, as most lanes give little to a page.
    count: u32,
}

impl Default for Ahead {
    fn default() -> Self {
        Self {
            ids: VecDeque::new(),
            count: 1,
        }
    }
}

impl Ahead {
    /// How many ids to read next.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Takes note of what was read, which was asked for with [`Self::count`].
    pub(super) fn fill(&mut self, ids: VecDeque<u64>) {
        self.ids = ids;
        self.count = (self.count * 2).min(AHEAD_MAX);
    }
}

/// One conversation on its way into a page of a user's.
pub(super) trait Lane {
    /// What was read ahead here.
    fn ahead(&mut self) -> &mut Ahead;

    /// Reads on, where there is more for `uid`.
    fn read_ahead(&mut self, conn: &Connection, uid: Uid) -> Result<()>;

    /// The id of the next message here that is for the page.
    fn next_id(&mut self, conn: &Connection, uid: Uid) -> Result<Option<u64>> {
        if self.ahead().ids.is_empty() {
            self.read_ahead(conn, uid)?;
        }
        Ok(self.ahead().ids.pop_front())
    }
}

/// A page of many lanes.
#[derive(Default)]
pub(super) struct Merged {
    /// The messages in the order of storing, each with its lane's place.
    pub(super) messages: Vec<(usize, Arc<Message>)>,
    /// Whether there are more.
    pub(super) more: bool,
}

/// At most `limit` messages of these lanes.
pub(super) fn merge(
    conn: &Connection,
    uid: Uid,
    lanes: &mut [impl Lane],
    limit: usize,
) -> Result<Merged> {
    let mut heads = BinaryHeap::new();
    for (index, lane) in lanes.iter_mut().enumerate() {
        heads.extend(lane.next_id(conn, uid)?.map(|id| Reverse((id, index))));
    }
    let mut page = Merged::default();
    let mut room = Room::new(limit);
    let mut names = Names::default();
    while let Some(Reverse((id, index))) = heads.pop() {
        let message = rows::by_id(conn, &mut names, id)?.ok_or(Error::QueryReturnedNoRows)?;
        if !room.take(message.bytes()) {
            page.more = true;
            break;
        }
        page.messages.push((index, Arc::new(message)));
        let next = lanes[index].next_id(conn, uid)?;
        heads.extend(next.map(|id| Reverse((id, index))));
    }
    Ok(page)
}
