//! What people do with other people: each act is one write, and the rules of the broker decide in its transaction.

use rusqlite::Result;

use crate::broker::ports::SocialAct;
use crate::broker::ports::Verdict;
use crate::broker::social::Changed;
use crate::broker::social::Social;
use crate::stores::sqlite::books::Books;
use crate::stores::sqlite::friends;
use crate::stores::sqlite::groups;
use crate::stores::sqlite::orders;
use crate::stores::sqlite::verdict::verdict;

/// What an act holds, to be counted while it waits.
pub(super) fn bytes(act: &Social) -> usize {
    const USER: usize = 32;
    let fields = |custom: usize, users: usize| custom * USER + users * USER;
    match act {
        Social::AskFriend { words, .. } => words.len(),
        Social::MakeGroup(new) => fields(new.custom.len(), new.members.len() + new.admins.len()),
        Social::ChangeGroup { patch, .. } => {
            let users = [&patch.members, &patch.admins];
            let users = users.map(|users| users.as_ref().map_or(0, Vec::len));
            fields(patch.custom.len(), users.iter().sum())
        }
        Social::AddMembers { users, .. } => users.len() * USER,
        _ => 0,
    }
}

/// Does it, if it may be done.
pub(super) fn act(books: &mut Books, act: &SocialAct) -> Result<Verdict<Changed>> {
    let (by, now, friends_only) = (act.by, act.time_ms, act.friends_only);
    verdict(match &act.act {
        Social::AskFriend { to, words } => friends::ask(books, by, to, words, now),
        Social::AnswerFriend { request, accept } => {
            friends::answer(books, by, *request, *accept, now)
        }
        Social::Unfriend(other) => friends::unfriend(books, by, other),
        Social::Block(other) => friends::block(books, by, other, now),
        Social::Unblock(other) => friends::unblock(books, by, other),
        Social::MakeGroup(new) => groups::make(books, by, new, friends_only, now),
        Social::ChangeGroup { gid, patch } => groups::change(books, by, *gid, patch, friends_only),
        Social::AddMembers { gid, users } => groups::add(books, by, *gid, users, friends_only),
        Social::RemoveMember { gid, user } => groups::remove(books, by, *gid, user),
        Social::PlaceOrder { order, customer } => orders::place(books, by, order, customer, now),
        Social::TakeOrder(order) => orders::take(books, by, order, now),
        Social::MoveTo(location) => orders::move_to(books, by, *location),
    })
}
