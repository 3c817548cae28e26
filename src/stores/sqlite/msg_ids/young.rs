//! The newest messages, of which the table knows nothing yet.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::Hash as HashInto;
use std::hash::Hasher;

use crate::broker::message::MsgId;
use crate::stores::sqlite::msg_ids::GENERATION_MAX;
use crate::stores::sqlite::msg_ids::Hash;
use crate::stores::sqlite::msg_ids::Taken;
use crate::stores::sqlite::msg_ids::id_of;

/// The newest messages: as the table is to have them, and by their msgIDs.
#[derive(Default)]
pub(super) struct Young {
    entries: Vec<i64>,
    taken: HashSet<Kept>,
}

impl Young {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Puts in the first message of a msgID.
    pub(super) fn add(&mut self, hash: Hash, taken: Taken) {
        self.entries.push(hash.entry(taken.first.id));
        self.taken.insert(Kept(taken));
    }

    /// Who has this msgID, where it is here.
    pub(super) fn get(&self, msg_id: MsgId) -> Option<Taken> {
        self.taken.get(&msg_id).map(|kept| kept.0)
    }

    /// That more have this msgID, where it is here.
    pub(super) fn share(&mut self, msg_id: MsgId) {
        if let Some(Kept(taken)) = self.taken.take(&msg_id) {
            let shared = true;
            self.taken.insert(Kept(Taken { shared, ..taken }));
        }
    }

    /// Takes out what came after message `last`.
    pub(super) fn cut(&mut self, last: u64) {
        while self.entries.pop_if(|entry| id_of(*entry) > last).is_some() {}
        self.taken.retain(|kept| kept.0.first.id <= last);
    }

    /// Takes out all, and returns the entries. What a start has read may have been more than there ever is again.
    pub(super) fn leave(&mut self) -> Vec<i64> {
        self.taken.clear();
        self.taken.shrink_to(GENERATION_MAX as usize);
        std::mem::take(&mut self.entries)
    }
}

/// What is found by its msgID.
struct Kept(Taken);

impl Borrow<MsgId> for Kept {
    fn borrow(&self) -> &MsgId {
        &self.0.first.msg_id
    }
}

impl HashInto for Kept {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.first.msg_id.hash(state);
    }
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        self.0.first.msg_id == other.0.first.msg_id
    }
}

impl Eq for Kept {}
