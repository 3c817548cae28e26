//! Who is friends with whom, who blocks whom, and who is in which group.

use crate::model::Asked;
use crate::model::Code;
use crate::model::Group;
use crate::model::Model;
use crate::model::NOBODY;
use crate::model::Request;
use crate::model::To;
use crate::model::USERS;
use crate::model::User;

impl Model {
    pub(super) fn are_friends(&self, one: User, other: User) -> bool {
        self.friends.contains(&(one.min(other), one.max(other)))
    }

    pub fn friends_of(&self, user: User) -> Vec<User> {
        let all = 1..=USERS;
        all.filter(|other| self.are_friends(user, *other)).collect()
    }

    pub fn blocked_by(&self, user: User) -> Vec<User> {
        let all = 1..=USERS;
        let blocked = all.filter(|other| self.blocks.contains(&(user, *other)));
        blocked.collect()
    }

    fn two(by: User, other: User) -> Result<(), Code> {
        match other {
            NOBODY => Err(404),
            other if other == by => Err(422),
            _ => Ok(()),
        }
    }

    fn open_request(&self, from: User, to: User) -> Option<u64> {
        let mut all = self.requests.iter();
        let open = all.find(|(_, r)| (r.from, r.to, r.answer) == (from, to, None));
        open.map(|(id, _)| *id)
    }

    pub fn requests(&self) -> impl Iterator<Item = u64> {
        self.requests.keys().copied()
    }

    fn befriend(&mut self, one: User, other: User) {
        self.friends.insert((one.min(other), one.max(other)));
        for (from, to) in [(one, other), (other, one)] {
            self.blocks.remove(&(from, to));
            if let Some(open) = self.open_request(from, to) {
                self.requests.get_mut(&open).expect("it is open").answer = Some(true);
            }
        }
    }

    fn unfriend(&mut self, one: User, other: User) {
        self.friends.remove(&(one.min(other), one.max(other)));
    }

    pub fn ask_friend(&mut self, by: User, to: User) -> Result<Asked, Code> {
        Self::two(by, to)?;
        if self.blocks.contains(&(to, by)) {
            return Err(403);
        }
        if self.are_friends(by, to) {
            return Err(409);
        }
        self.blocks.remove(&(by, to));
        if let Some(crossing) = self.open_request(to, by) {
            self.befriend(by, to);
            return Ok(Asked::Crosses(crossing));
        }
        let stands = self.open_request(by, to);
        Ok(stands.map_or(Asked::Fresh, Asked::Stands))
    }

    /// The number of a new request. It takes the place of earlier ones of the same to the same.
    pub fn note_request(&mut self, id: u64, from: User, to: User) {
        self.requests.retain(|_, r| (r.from, r.to) != (from, to));
        let answer = None;
        self.requests.insert(id, Request { from, to, answer });
    }

    pub fn answer_friend(&mut self, by: User, id: u64, accept: bool) -> Result<(), Code> {
        let request = self.requests.get_mut(&id).filter(|r| r.to == by);
        let request = request.ok_or(404_u16)?;
        match request.answer {
            Some(answer) if answer != accept => return Err(409),
            Some(_) => return Ok(()),
            None => request.answer = Some(accept),
        }
        let from = request.from;
        if accept {
            self.befriend(from, by);
        }
        Ok(())
    }

    pub fn delete_friend(&mut self, by: User, other: User) -> Result<(), Code> {
        Self::two(by, other)?;
        let kept = |r: &Request| {
            (r.from, r.to) != (by, other) && ((r.from, r.to) != (other, by) || r.answer.is_none())
        };
        self.requests.retain(|_, r| kept(r));
        self.unfriend(by, other);
        Ok(())
    }

    pub fn block(&mut self, by: User, other: User) -> Result<(), Code> {
        Self::two(by, other)?;
        let between = |r: &Request| [(by, other), (other, by)].contains(&(r.from, r.to));
        self.requests.retain(|_, r| !between(r));
        self.unfriend(by, other);
        self.blocks.insert((by, other));
        Ok(())
    }

    pub fn unblock(&mut self, by: User, other: User) -> Result<(), Code> {
        Self::two(by, other)?;
        self.blocks.remove(&(by, other));
        Ok(())
    }

    // Groups.

    /// Whether a group may be made; its number is to be noted by [`Self::note_group`].
    pub fn make_group(&self, by: User, members: &[User]) -> Result<(), Code> {
        self.may_bring(by, members, &Group::default())
    }

    pub fn note_group(&mut self, gid: u64, by: User, members: &[User]) {
        let all = members.iter().copied().chain([by]);
        let group = Group {
            members: all.map(|user| (user, 0)).collect(),
            admins: [by].into(),
        };
        assert!(self.groups.insert(gid, group).is_none(), "a second {gid}");
    }

    /// Nobody brings who has blocked them, nor, where friendship is asked for, strangers.
    fn may_bring(&self, by: User, users: &[User], group: &Group) -> Result<(), Code> {
        let mut brought = users
            .iter()
            .filter(|user| !group.members.contains_key(user));
        let refuses = |user: User| {
            let stranger = self.friends_only && user != by && !self.are_friends(user, by);
            stranger || self.blocks.contains(&(user, by))
        };
        if brought.any(|user| refuses(*user)) {
            return Err(403);
        }
        Ok(())
    }

    pub fn add_member(&mut self, by: User, gid: u64, user: User) -> Result<(), Code> {
        let group = self.groups.get(&gid).ok_or(404_u16)?;
        if by != user && !group.admins.contains(&by) {
            return Err(403);
        }
        self.may_bring(by, &[user], group)?;
        let joined = self.last_seq(by, To::Group(gid));
        let members = &mut self.groups.get_mut(&gid).expect("there").members;
        members.entry(user).or_insert(joined);
        Ok(())
    }

    pub fn remove_member(&mut self, by: User, gid: u64, user: User) -> Result<(), Code> {
        let group = self.groups.get_mut(&gid).ok_or(404_u16)?;
        let may = match by == user {
            true => group.members.contains_key(&by),
            false => group.admins.contains(&by),
        };
        if !may {
            return Err(403);
        }
        let mut after = group.clone();
        after.members.remove(&user);
        after.admins.remove(&user);
        let headless = after.admins.is_empty() && !after.members.is_empty();
        if headless && !group.admins.is_empty() {
            return Err(409);
        }
        *group = after;
        Ok(())
    }
}
