//! Who is in a group, who of these is an admin, and who may change that: the rules of groups, which stores apply in their
//! transactions.
//!
//! Members change what is not protected, admins and the system everything. Anybody may join by the group's number and any
//! member may leave, but not the last admin of others. A group that its last member left has no admin, and whoever joins
//! it later becomes none: only the system changes what is protected in it.

use crate::broker::groups::GroupPatch;
use crate::broker::groups::fields;
use crate::broker::limits;
use crate::broker::refusal::Refusal;
use crate::broker::users::Uid;

/// Who is in a group, by rising uid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seats {
    /// All members.
    pub members: Vec<Uid>,
    /// Those of them who are admins.
    pub admins: Vec<Uid>,
}

/// Who came and who left between two moments, by rising uid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moves {
    /// Members now, and not before.
    pub joined: Vec<Uid>,
    /// Members before, and not now.
    pub left: Vec<Uid>,
}

/// What is to be known of somebody who is to become a member ([`may_join`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Joining {
    /// In how many groups this user is.
    pub groups: usize,
    /// Whether this user has blocked whoever does the adding.
    pub blocks: bool,
    /// Whether friendship is asked for, and this user is no friend of whoever does the adding.
    pub stranger: bool,
}

/// Whether somebody may become a member, as far as it depends on that user.
pub fn may_join(facts: Joining) -> Result<(), Refusal> {
    if facts.stranger {
        return Err(Refusal::NotFriends);
    }
    if facts.blocks {
        return Err(Refusal::Blocked);
    }
    if facts.groups >= limits::GROUPS_MAX {
        return Err(limits::GROUPS_FULL);
    }
    Ok(())
}

/// What to say of a user to be brought into a group whom there is not: where friendship is asked for, the same as of a
/// stranger.
pub fn nobody(friends_only: bool) -> Refusal {
    if friends_only {
        Refusal::NotFriends
    } else {
        Refusal::NoSuchUser
    }
}

/// Whether a message may leave out so many members.
pub fn may_ignore(ignored: usize) -> Result<(), Refusal> {
    if ignored > limits::IGNORED_MAX {
        return Err(limits::IGNORED_FULL);
    }
    Ok(())
}

impl Seats {
    /// The seats of a new group. Who makes it is an admin, unless it is the system.
    pub fn of_new(by: Uid, admins: &[Uid], members: &[Uid]) -> Result<Self, Refusal> {
        let by = (by != Uid::SYSTEM).then_some(by);
        let admins = set(admins.iter().copied().chain(by));
        let members = set(members.iter().copied().chain(admins.iter().copied()));
        Self::default().become_these(Self { members, admins })
    }

    /// Whether `uid` is a member.
    pub fn has(&self, uid: Uid) -> bool {
        self.members.binary_search(&uid).is_ok()
    }

    /// Whether `uid` is an admin, or the system, which has an admin's rights.
    pub fn is_admin(&self, uid: Uid) -> bool {
        uid == Uid::SYSTEM || self.admins.binary_search(&uid).is_ok()
    }

    /// Whether `uid` may see the group and write to it.
    pub fn may_enter(&self, uid: Uid) -> Result<(), Refusal> {
        if uid == Uid::SYSTEM || self.has(uid) {
            Ok(())
        } else {
            Err(Refusal::NotMember)
        }
    }

    /// Whether `by` may change a field.
    pub fn may_change(&self, by: Uid, protected: &[String], field: &str) -> Result<(), Refusal> {
        self.may_enter(by)?;
        let guarded = field == fields::PROTECTED || protected.iter().any(|name| name == field);
        if guarded && !self.is_admin(by) {
            return Err(Refusal::AdminsOnly);
        }
        Ok(())
    }

    /// The seats after a patch, if `by` may do all of it. `admins` and `members` are the patch's, found.
    ///
    /// Who sets the members stays one: to leave is an act of its own. To make an admin no member takes the right to change
    /// the admins, and to make somebody who is no member an admin takes the right to change the members.
    pub fn change(
        &self,
        by: Uid,
        protected: &[String],
        patch: &GroupPatch,
        admins: Option<&[Uid]>,
        members: Option<&[Uid]>,
    ) -> Result<Self, Refusal> {
        self.may_enter(by)?;
        let own = [
            (fields::NAME, patch.name.is_some()),
            (fields::ADMIN, admins.is_some()),
            (fields::MEMBERS, members.is_some()),
            (fields::PROTECTED, patch.protected.is_some()),
        ];
        let own = own.iter().filter(|(_, changes)| *changes);
        let custom = patch.custom.keys().map(String::as_str);
        for field in own.map(|(field, _)| *field).chain(custom) {
            self.may_change(by, protected, field)?;
        }
        let mut new = self.clone();
        if let Some(members) = members {
            let by = (by != Uid::SYSTEM).then_some(by);
            new.members = set(members.iter().copied().chain(by));
        }
        if let Some(admins) = admins {
            new.admins = set(admins.iter().copied());
            new.members = set(new.members.into_iter().chain(new.admins.iter().copied()));
        } else {
            new.admins
                .retain(|uid| new.members.binary_search(uid).is_ok());
        }
        if new.admins != self.admins {
            self.may_change(by, protected, fields::ADMIN)?;
        }
        if new.members != self.members {
            self.may_change(by, protected, fields::MEMBERS)?;
        }
        self.become_these(new)
    }

    /// The seats when these users are members too. Who names only oneself joins, which anybody may.
    pub fn add(&self, by: Uid, protected: &[String], users: &[Uid]) -> Result<Self, Refusal> {
        let joins = !users.is_empty() && users.iter().all(|uid| *uid == by);
        if !joins {
            self.may_change(by, protected, fields::MEMBERS)?;
        }
        let members = self.members.iter().chain(users).copied();
        self.become_these(Self {
            members: set(members),
            admins: self.admins.clone(),
        })
    }

    /// The seats when this user is no member. Any member may leave; to remove an admin takes the right to change the
    /// admins. Who is none is no fault, unless it is whoever asks.
    pub fn remove(&self, by: Uid, protected: &[String], user: Uid) -> Result<Self, Refusal> {
        if by == user {
            self.may_enter(by)?;
        } else {
            self.may_change(by, protected, fields::MEMBERS)?;
            if self.admins.binary_search(&user).is_ok() {
                self.may_change(by, protected, fields::ADMIN)?;
            }
        }
        let mut new = self.clone();
        new.members.retain(|uid| *uid != user);
        new.admins.retain(|uid| *uid != user);
        self.become_these(new)
    }

    /// What differs between these seats and the `new` ones.
    pub fn moves_to(&self, new: &Self) -> Moves {
        let only = |of: &Self, but: &Self| {
            let members = of.members.iter().copied();
            members.filter(|uid| !but.has(*uid)).collect()
        };
        Moves {
            joined: only(new, self),
            left: only(self, new),
        }
    }

    fn become_these(&self, new: Self) -> Result<Self, Refusal> {
        let headless = new.admins.is_empty() && !new.members.is_empty();
        if headless && !self.admins.is_empty() {
            return Err(Refusal::LastAdmin);
        }
        let members_max = limits::GROUP_MEMBERS_MAX;
        if new.members.len() > members_max {
            return Err(Refusal::GroupFull { members_max });
        }
        Ok(new)
    }
}

fn set(uids: impl Iterator<Item = Uid>) -> Vec<Uid> {
    let mut uids: Vec<Uid> = uids.collect();
    uids.sort_unstable();
    uids.dedup();
    uids
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::groups::NewGroup;
    use crate::broker::groups::fields::Fields;

    const ADMIN: u64 = 1;
    const SECOND: u64 = 2;
    const MEMBER: u64 = 3;
    const FOURTH: u64 = 4;
    const STRANGER: u64 = 9;

    /// 0 is the system.
    fn uid(number: u64) -> Uid {
        Uid::new(number).unwrap_or(Uid::SYSTEM)
    }

    fn uids(numbers: &[u64]) -> Vec<Uid> {
        numbers.iter().map(|number| uid(*number)).collect()
    }

    fn seats(admins: &[u64], members: &[u64]) -> Seats {
        Seats {
            members: uids(members),
            admins: uids(admins),
        }
    }

    fn group() -> Seats {
        seats(&[ADMIN, SECOND], &[ADMIN, SECOND, MEMBER, FOURTH])
    }

    fn protected() -> Vec<String> {
        Fields::of(&NewGroup::default()).expect("sound").protected
    }

    #[test]
    fn who_makes_a_group_is_in_it() {
        let of = |by, admins: &[u64], members: &[u64]| {
            Seats::of_new(uid(by), &uids(admins), &uids(members))
        };
        assert_eq!(of(1, &[], &[]), Ok(seats(&[1], &[1])));
        assert_eq!(
            of(2, &[3, 1], &[4, 1]),
            Ok(seats(&[1, 2, 3], &[1, 2, 3, 4]))
        );
        assert_eq!(of(0, &[], &[4, 1]), Ok(seats(&[], &[1, 4])));
        let crowd: Vec<u64> = (1..=20_001).collect();
        assert!(of(0, &[], &crowd[1..]).is_ok());
        let full = Refusal::GroupFull {
            members_max: 20_000,
        };
        assert_eq!(of(1, &[], &crowd), Err(full));
    }

    #[test]
    fn who_may_change_which_field() {
        use Refusal::{AdminsOnly, NotMember};
        let mut wider = protected();
        wider.push("motto".to_owned());
        let bare = Vec::new();
        for (by, protected, field, outcome) in [
            (ADMIN, &protected(), "name", Ok(())),
            (0, &protected(), "name", Ok(())),
            (MEMBER, &protected(), "name", Err(AdminsOnly)),
            (STRANGER, &protected(), "name", Err(NotMember)),
            (MEMBER, &protected(), "motto", Ok(())),
            (MEMBER, &wider, "motto", Err(AdminsOnly)),
            (SECOND, &wider, "motto", Ok(())),
            (STRANGER, &bare, "motto", Err(NotMember)),
            (MEMBER, &bare, "name", Ok(())),
            (MEMBER, &bare, "members", Ok(())),
            (MEMBER, &bare, "admin", Ok(())),
            (MEMBER, &bare, "protected", Err(AdminsOnly)),
            (ADMIN, &bare, "protected", Ok(())),
            (0, &bare, "protected", Ok(())),
        ] {
            let may = group().may_change(uid(by), protected, field);
            assert_eq!(may, outcome, "{by} {field} of {protected:?}");
        }
    }

    #[test]
    fn who_may_patch_what() {
        use Refusal::{AdminsOnly, LastAdmin, NotMember};
        type Rows<'a> = [(
            u64,
            Option<&'a [u64]>,
            Option<&'a [u64]>,
            Result<Seats, Refusal>,
        )];
        let rows: &Rows = &[
            (MEMBER, None, None, Ok(group())),
            (STRANGER, None, None, Err(NotMember)),
            (ADMIN, None, Some(&[3]), Ok(seats(&[1], &[1, 3]))),
            (MEMBER, None, Some(&[3]), Err(AdminsOnly)),
            (ADMIN, None, Some(&[9]), Ok(seats(&[1], &[1, 9]))),
            (0, None, Some(&[9]), Err(LastAdmin)),
            (0, None, Some(&[]), Ok(seats(&[], &[]))),
            (ADMIN, Some(&[3]), None, Ok(seats(&[3], &[1, 2, 3, 4]))),
            (ADMIN, Some(&[9]), None, Ok(seats(&[9], &[1, 2, 3, 4, 9]))),
            (ADMIN, Some(&[]), None, Err(LastAdmin)),
            (ADMIN, Some(&[4]), Some(&[9]), Ok(seats(&[4], &[1, 4, 9]))),
            (MEMBER, Some(&[3]), None, Err(AdminsOnly)),
            (STRANGER, Some(&[9]), None, Err(NotMember)),
        ];
        for (by, admins, members, outcome) in rows {
            let patch = GroupPatch::default();
            let (found, others) = (admins.map(uids), members.map(uids));
            let change = group().change(
                uid(*by),
                &protected(),
                &patch,
                found.as_deref(),
                others.as_deref(),
            );
            assert_eq!(&change, outcome, "{by} {admins:?} {members:?}");
        }
    }

    #[test]
    fn a_patch_is_allowed_only_as_a_whole() {
        let change = |by, patch: &GroupPatch| {
            let changed = group().change(uid(by), &protected(), patch, None, None);
            changed.map(|_| ())
        };
        let mut patch = GroupPatch::default();
        patch.custom.insert("motto".to_owned(), None);
        assert_eq!(change(MEMBER, &patch), Ok(()));
        patch.name = Some("new".to_owned());
        assert_eq!(change(MEMBER, &patch), Err(Refusal::AdminsOnly));
        assert_eq!(change(ADMIN, &patch), Ok(()));
        patch.name = None;
        patch.protected = Some(Vec::new());
        assert_eq!(change(MEMBER, &patch), Err(Refusal::AdminsOnly));
        assert_eq!(change(0, &patch), Ok(()));
    }

    #[test]
    fn with_members_open_and_admins_protected_admins_are_safe() {
        let protected = [fields::ADMIN.to_owned()];
        let patch = GroupPatch::default();
        let change = |members: &[u64]| {
            let members = uids(members);
            group().change(uid(MEMBER), &protected, &patch, None, Some(&members))
        };
        let without_fourth = seats(&[1, 2], &[1, 2, 3, 9]);
        assert_eq!(change(&[1, 2, 9]), Ok(without_fourth));
        assert_eq!(change(&[1, 9]), Err(Refusal::AdminsOnly));
        let remove = |user| group().remove(uid(MEMBER), &protected, uid(user));
        assert_eq!(remove(FOURTH), Ok(seats(&[1, 2], &[1, 2, 3])));
        assert_eq!(remove(SECOND), Err(Refusal::AdminsOnly));
        let others = [fields::MEMBERS.to_owned()];
        let promote = |users: &[u64]| {
            let admins = uids(users);
            group().change(uid(MEMBER), &others, &patch, Some(&admins), None)
        };
        assert_eq!(promote(&[1, 3]), Ok(seats(&[1, 3], &[1, 2, 3, 4])));
        assert_eq!(promote(&[1, 9]), Err(Refusal::AdminsOnly));
    }

    #[test]
    fn who_may_add_whom() {
        use Refusal::{AdminsOnly, NotMember};
        let joined = || Ok(seats(&[1, 2], &[1, 2, 3, 4, 9]));
        let bare = Vec::new();
        for (by, protected, users, outcome) in [
            (STRANGER, &protected(), &[9][..], joined()),
            (STRANGER, &protected(), &[9, 8], Err(NotMember)),
            (STRANGER, &bare, &[8], Err(NotMember)),
            (STRANGER, &bare, &[], Err(NotMember)),
            (MEMBER, &protected(), &[9], Err(AdminsOnly)),
            (MEMBER, &protected(), &[3, 3], Ok(group())),
            (MEMBER, &bare, &[9, 4], joined()),
            (ADMIN, &protected(), &[9, 9], joined()),
            (ADMIN, &protected(), &[], Ok(group())),
            (0, &protected(), &[9], joined()),
        ] {
            let add = group().add(uid(by), protected, &uids(users));
            assert_eq!(add, outcome, "{by} {users:?}");
        }
    }

    #[test]
    fn who_may_remove_whom() {
        use Refusal::{AdminsOnly, LastAdmin, NotMember};
        let one_admin = || seats(&[1], &[1, 3]);
        for (group, by, user, outcome) in [
            (group(), MEMBER, MEMBER, Ok(seats(&[1, 2], &[1, 2, 4]))),
            (group(), STRANGER, STRANGER, Err(NotMember)),
            (group(), STRANGER, MEMBER, Err(NotMember)),
            (group(), MEMBER, FOURTH, Err(AdminsOnly)),
            (group(), ADMIN, MEMBER, Ok(seats(&[1, 2], &[1, 2, 4]))),
            (group(), ADMIN, SECOND, Ok(seats(&[1], &[1, 3, 4]))),
            (group(), ADMIN, STRANGER, Ok(group())),
            (group(), 0, SECOND, Ok(seats(&[1], &[1, 3, 4]))),
            (group(), ADMIN, ADMIN, Ok(seats(&[2], &[2, 3, 4]))),
            (one_admin(), ADMIN, ADMIN, Err(LastAdmin)),
            (one_admin(), 0, ADMIN, Err(LastAdmin)),
            (one_admin(), ADMIN, MEMBER, Ok(seats(&[1], &[1]))),
            (seats(&[1], &[1]), ADMIN, ADMIN, Ok(seats(&[], &[]))),
            (seats(&[], &[3, 4]), MEMBER, MEMBER, Ok(seats(&[], &[4]))),
        ] {
            let remove = group.remove(uid(by), &protected(), uid(user));
            assert_eq!(remove, outcome, "{by} {user} of {group:?}");
        }
    }

    #[test]
    fn some_can_join_nothing_more() {
        let joining = |groups, blocks| {
            may_join(Joining {
                groups,
                blocks,
                stranger: false,
            })
        };
        assert_eq!(joining(999, false), Ok(()));
        assert_eq!(joining(1_000, false), Err(limits::GROUPS_FULL));
        assert_eq!(joining(0, true), Err(Refusal::Blocked));
        assert_eq!(may_ignore(1_000), Ok(()));
        assert_eq!(may_ignore(1_001), Err(limits::IGNORED_FULL));
    }

    #[test]
    fn moves_are_what_differs() {
        let moves = group().moves_to(&seats(&[1], &[1, 4, 7, 9]));
        assert_eq!((moves.joined, moves.left), (uids(&[7, 9]), uids(&[2, 3])));
    }
}
