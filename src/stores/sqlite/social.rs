//! What people do with other people: each act is one write, and the rules of the broker decide in its transaction.

use rusqlite::Result;

use crate::broker::ports::Verdict;
use crate::broker::social::Changed;
use crate::broker::social::Social;
use crate::broker::users::Uid;
use crate::stores::sqlite::books::Books;
use crate::stores::sqlite::friends;
use crate::stores::sqlite::groups;
use crate::stores::sqlite::orders;
use crate::stores::sqlite::verdict::verdict;

/// Who wants to do what, and when.
pub(super) struct Act {
    /// Who.
    pub(super) by: Uid,
    /// What.
    pub(super) what: Social,
    /// Now, milliseconds since the Unix epoch.
    pub(super) time_ms: u64,
}

impl Act {
    /// What it holds, to be counted while it waits.
    pub(super) fn bytes(&self) -> usize {
        const USER: usize = 32;
        let fields = |custom: usize, users: usize| custom * USER + users * USER;
        match &self.what {
            Social::AskFriend { words, .. } => words.len(),
            Social::MakeGroup(new) => {
                fields(new.custom.len(), new.members.len() + new.admins.len())
            }
            Social::ChangeGroup { patch, .. } => {
                let users = [&patch.members, &patch.admins];
                let users = users.map(|users| users.as_ref().map_or(0, Vec::len));
                fields(patch.custom.len(), users.iter().sum())
            }
            Social::AddMembers { users, .. } => users.len() * USER,
            _ => 0,
        }
    }
}

/// Does it, if it may be done.
pub(super) fn act(books: &mut Books, act: &Act) -> Result<Verdict<Changed>> {
    let (by, now) = (act.by, act.time_ms);
    verdict(match &act.what {
        Social::AskFriend { to, words } => friends::ask(books, by, to, words, now),
        Social::AnswerFriend { request, accept } => {
            friends::answer(books, by, *request, *accept, now)
        }
        Social::Unfriend(other) => friends::unfriend(books, by, other),
        Social::Block(other) => friends::block(books, by, other, now),
        Social::Unblock(other) => friends::unblock(books, by, other),
        Social::MakeGroup(new) => groups::make(books, by, new, now),
        Social::ChangeGroup { gid, patch } => groups::change(books, by, *gid, patch),
        Social::AddMembers { gid, users } => groups::add(books, by, *gid, users),
        Social::RemoveMember { gid, user } => groups::remove(books, by, *gid, user),
        Social::PlaceOrder { order, customer } => orders::place(books, by, order, customer, now),
        Social::TakeOrder(order) => orders::take(books, by, order, now),
        Social::MoveTo(location) => orders::move_to(books, by, *location),
    })
}
