//! Groups: what is kept of one beside its conversation, and how that changes.

use std::sync::Arc;

use crate::broker::command::GroupName;
use crate::broker::groups::Gid;
use crate::broker::groups::Group;
use crate::broker::groups::GroupPatch;
use crate::broker::groups::NewGroup;
use crate::broker::groups::Roster;
use crate::broker::groups::fields::Fields;
use crate::broker::groups::seats::Joining;
use crate::broker::groups::seats::Moves;
use crate::broker::groups::seats::Seats;
use crate::broker::groups::seats::may_join;
use crate::broker::groups::seats::nobody;
use crate::broker::ports::Verdict;
use crate::broker::refusal::Refusal;
use crate::broker::social::Changed;
use crate::broker::users::Person;
use crate::broker::users::Uid;
use crate::broker::users::UserKey;
use crate::stores::memory::books::Books;
use crate::stores::memory::conversations::Conversation;

/// What only a group has.
pub(super) struct Kept {
    pub(super) fields: Fields,
    made_ms: u64,
    /// The members, as everybody shares them.
    roster: Roster,
}

impl Conversation {
    fn seats(&self) -> Seats {
        let members = self.members.iter();
        let admins = members.clone().filter(|(_, member)| member.admin);
        Seats {
            members: members.map(|(uid, _)| *uid).collect(),
            admins: admins.map(|(uid, _)| *uid).collect(),
        }
    }
}

impl Books {
    /// The groups of a user, by rising number.
    pub(super) fn groups(&self, uid: Uid) -> Vec<GroupName> {
        let groups = self.conversations.groups_of(uid);
        groups
            .map(|(gid, kept)| GroupName {
                gid,
                name: Arc::clone(&kept.fields.name),
            })
            .collect()
    }

    /// A group, as a member (or the system) may see it.
    pub(super) fn group(&self, reader: Uid, gid: Gid) -> Verdict<Group> {
        let found = self.conversations.group(gid).ok_or(Refusal::NoSuchGroup)?;
        found.seats().may_enter(reader)?;
        self.group_as_is(gid)
    }

    /// The members of a group; nobody where there is none.
    pub(super) fn roster(&self, gid: Gid) -> Roster {
        let kept = self.conversations.group(gid).and_then(|g| g.group.as_ref());
        kept.map_or_else(|| Arc::from([]), |kept| Arc::clone(&kept.roster))
    }

    pub(super) fn make_group(
        &mut self,
        by: &Person,
        new: &NewGroup,
        friends_only: bool,
        time_ms: u64,
    ) -> Verdict<Changed> {
        let fields = Fields::of(new)?;
        let admins = self.uids(&new.admins, friends_only)?;
        let members = self.uids(&new.members, friends_only)?;
        let seats = Seats::of_new(by.uid, &admins, &members)?;
        let empty = Seats::default();
        self.may_all_join(by, &empty.moves_to(&seats), friends_only)?;
        let gid = self.conversations.begin_group(Kept {
            fields,
            made_ms: time_ms,
            roster: Arc::from([]),
        });
        let moves = self.seat(gid, &empty, &seats);
        self.changed(gid, &moves, false, true)
    }

    pub(super) fn change_group(
        &mut self,
        by: &Person,
        gid: Gid,
        patch: &GroupPatch,
        friends_only: bool,
    ) -> Verdict<Changed> {
        let (seats, fields) = self.seats_and_fields(gid)?;
        seats.may_enter(by.uid)?;
        let find = |keys: &Option<Vec<UserKey>>| {
            let keys = keys.as_ref();
            keys.map(|keys| self.uids(keys, friends_only)).transpose()
        };
        let admins = find(&patch.admins)?;
        let members = find(&patch.members)?;
        let new = seats.change(
            by.uid,
            &fields.protected,
            patch,
            admins.as_deref(),
            members.as_deref(),
        )?;
        let patched = fields.patched(patch)?;
        self.may_all_join(by, &seats.moves_to(&new), friends_only)?;
        let changed = patched != fields || new.admins != seats.admins;
        let group = self.conversations.group_mut(gid);
        if let Some(kept) = group.and_then(|group| group.group.as_mut()) {
            kept.fields = patched;
        }
        let moves = self.seat(gid, &seats, &new);
        self.changed(gid, &moves, changed, false)
    }

    pub(super) fn add_members(
        &mut self,
        by: &Person,
        gid: Gid,
        users: &[UserKey],
        friends_only: bool,
    ) -> Verdict<Changed> {
        let (seats, fields) = self.seats_and_fields(gid)?;
        let users = self.uids(users, friends_only)?;
        let new = seats.add(by.uid, &fields.protected, &users)?;
        self.may_all_join(by, &seats.moves_to(&new), friends_only)?;
        let moves = self.seat(gid, &seats, &new);
        self.changed(gid, &moves, false, false)
    }

    pub(super) fn remove_member(
        &mut self,
        by: &Person,
        gid: Gid,
        user: &UserKey,
    ) -> Verdict<Changed> {
        let (seats, fields) = self.seats_and_fields(gid)?;
        let user = self.known(user).ok_or(Refusal::NoSuchUser)?;
        let new = seats.remove(by.uid, &fields.protected, user.uid)?;
        let moves = self.seat(gid, &seats, &new);
        if user != *by {
            return self.changed(gid, &moves, false, false);
        }
        Ok(Changed::Left {
            gid,
            name: fields.name,
            who: user,
            stay: self.roster(gid),
        })
    }

    fn seats_and_fields(&self, gid: Gid) -> Verdict<(Seats, Fields)> {
        let group = self.conversations.group(gid).ok_or(Refusal::NoSuchGroup)?;
        let kept = group.group.as_ref().ok_or(Refusal::NoSuchGroup)?;
        Ok((group.seats(), kept.fields.clone()))
    }

    fn uids(&self, keys: &[UserKey], friends_only: bool) -> Verdict<Vec<Uid>> {
        let known = keys.iter().map(|key| self.known(key));
        let known = known.map(|person| person.ok_or_else(|| nobody(friends_only)));
        known.map(|person| Ok(person?.uid)).collect()
    }

    fn may_all_join(&self, by: &Person, moves: &Moves, friends_only: bool) -> Verdict<()> {
        moves.joined.iter().try_for_each(|uid| {
            may_join(Joining {
                stranger: friends_only && *uid != by.uid && !self.people.are_friends(*uid, by.uid),
                groups: self.conversations.groups_of(*uid).count(),
                blocks: self.people.standing(*uid, by.uid).blocks,
            })
        })
    }

    /// Seats the members of a group anew.
    fn seat(&mut self, gid: Gid, before: &Seats, after: &Seats) -> Moves {
        let moves = before.moves_to(after);
        for uid in &moves.left {
            self.conversations.leave(gid.get(), *uid);
        }
        for uid in &moves.joined {
            self.conversations.enter(gid.get(), *uid);
        }
        let members = after.members.iter();
        let roster = members.filter_map(|uid| self.person(*uid)).collect();
        if let Some(group) = self.conversations.group_mut(gid) {
            for (uid, member) in &mut group.members {
                member.admin = after.admins.binary_search(uid).is_ok();
            }
            if let Some(kept) = &mut group.group {
                kept.roster = roster;
            }
        }
        moves
    }

    fn changed(&self, gid: Gid, moves: &Moves, changed: bool, made: bool) -> Verdict<Changed> {
        let people = |uids: &[Uid]| uids.iter().filter_map(|uid| self.person(*uid)).collect();
        Ok(Changed::Group {
            group: Box::new(self.group_as_is(gid)?),
            joined: people(&moves.joined),
            left: people(&moves.left),
            changed,
            made,
        })
    }

    fn group_as_is(&self, gid: Gid) -> Verdict<Group> {
        let found = self.conversations.group(gid).ok_or(Refusal::NoSuchGroup)?;
        let kept = found.group.as_ref().ok_or(Refusal::NoSuchGroup)?;
        let seats = found.seats();
        let admins = seats.admins.iter().filter_map(|uid| self.person(*uid));
        Ok(Group {
            gid,
            name: Arc::clone(&kept.fields.name),
            admins: admins.collect(),
            members: Arc::clone(&kept.roster),
            protected: kept.fields.protected.clone(),
            custom: kept.fields.custom.clone(),
            made_ms: kept.made_ms,
        })
    }
}
