//! What every store promises of groups where friendship is asked for: nobody brings strangers into one.

use std::sync::mpsc;

use hongyan::broker::groups::{Gid, GroupPatch, NewGroup};
use hongyan::broker::ports::{SocialAct, Store, StoreError, Verdict};
use hongyan::broker::refusal::Refusal;
use hongyan::broker::social::{Changed, Social};
use hongyan::broker::users::UserKey;

use crate::asker::{Asker, key, keys, social, uid};

const NOBODY: u64 = 99;

/// An act where friendship is asked for.
fn strictly(by: u64, act: Social) -> SocialAct {
    SocialAct {
        friends_only: true,
        ..social(uid(by), act)
    }
}

fn outcome(asker: &Asker, by: u64, act: Social) -> Verdict<()> {
    let changed = asker.ask(|store, done| store.social(strictly(by, act), done));
    changed.map(|_: Changed| ())
}

fn made_of(members: &[u64], admins: &[u64]) -> Social {
    Social::MakeGroup(NewGroup {
        members: keys(members),
        admins: keys(admins),
        ..NewGroup::default()
    })
}

fn added(gid: Gid, users: &[u64]) -> Social {
    let users = keys(users);
    Social::AddMembers { gid, users }
}

fn members_set(gid: Gid, members: &[u64]) -> Social {
    let patch = GroupPatch {
        members: Some(keys(members)),
        ..GroupPatch::default()
    };
    Social::ChangeGroup { gid, patch }
}

fn admins_set(gid: Gid, admins: &[u64]) -> Social {
    let patch = GroupPatch {
        admins: Some(keys(admins)),
        ..GroupPatch::default()
    };
    Social::ChangeGroup { gid, patch }
}

fn members(asker: &Asker, gid: Gid) -> Vec<u64> {
    let group = asker.group(1, gid).expect("a member");
    group.members.iter().map(|one| one.uid.get()).collect()
}

pub fn who_is_brought_into_a_group_is_a_friend(asker: &Asker) {
    asker.with_users(4);
    asker.befriend(1, 2);
    let gid = asker.group_of(&[1, 2]);
    for act in [
        made_of(&[2, 3], &[]),
        made_of(&[2], &[3]),
        made_of(&[2, NOBODY], &[]),
        made_of(&[2], &[NOBODY]),
        added(gid, &[3]),
        added(gid, &[NOBODY]),
        members_set(gid, &[1, 2, 3]),
        members_set(gid, &[1, 2, NOBODY]),
        admins_set(gid, &[1, 3]),
        admins_set(gid, &[1, NOBODY]),
    ] {
        let refused = Err(Refusal::NotFriends);
        assert_eq!(outcome(asker, 1, act.clone()), refused, "{act:?}");
    }
    assert_eq!(members(asker, gid), [1, 2]);
    let name = UserKey::Name("u2".to_owned());
    let by_name = Social::MakeGroup(NewGroup {
        members: vec![name],
        ..NewGroup::default()
    });
    for act in [by_name, made_of(&[2], &[]), made_of(&[1, 2], &[1, 2])] {
        assert_eq!(outcome(asker, 1, act.clone()), Ok(()), "{act:?}");
    }
    // Who is a member already is not brought.
    asker.social(3, added(gid, &[3]));
    for act in [
        added(gid, &[3]),
        members_set(gid, &[1, 2, 3]),
        admins_set(gid, &[1, 3]),
    ] {
        assert_eq!(outcome(asker, 1, act.clone()), Ok(()), "{act:?}");
    }
    // Nor is who leaves, and one may come back to friends only.
    assert_eq!(outcome(asker, 1, members_set(gid, &[1, 2])), Ok(()));
    let refused = Err(Refusal::NotFriends);
    assert_eq!(outcome(asker, 1, added(gid, &[3])), refused);
}

pub fn whoever_comes_alone_is_brought_by_nobody(asker: &Asker) {
    asker.with_users(3);
    asker.befriend(1, 2);
    let gid = asker.group_of(&[1, 2]);
    assert_eq!(outcome(asker, 3, added(gid, &[3])), Ok(()));
    assert_eq!(outcome(asker, 3, made_of(&[3], &[3])), Ok(()));
    assert_eq!(members(asker, gid), [1, 2, 3]);
}

pub fn friendship_is_looked_at_in_the_act_s_own_turn(asker: &Asker) {
    let turns = Turns::of(asker);
    let told = turns.ask(&*asker.store);
    turns.check(&told);
}

/// Acts to be asked for at once: each sees those before it, and none after it.
pub struct Turns(Vec<(u64, Social, Verdict<()>)>);

impl Turns {
    pub fn of(asker: &Asker) -> Self {
        asker.with_users(3);
        let gid = asker.group_of(&[1, 2]);
        let ask = |to| Social::AskFriend {
            to: key(to),
            words: String::new(),
        };
        let leave = Social::RemoveMember { gid, user: key(3) };
        let refused = Err(Refusal::NotFriends);
        Self(vec![
            (1, added(gid, &[3]), refused),
            (1, ask(3), Ok(())),
            (1, added(gid, &[3]), refused),
            (3, ask(1), Ok(())),
            (1, added(gid, &[3]), Ok(())),
            (3, leave, Ok(())),
            (3, Social::Unfriend(key(1)), Ok(())),
            (1, added(gid, &[3]), refused),
            (1, members_set(gid, &[1, 2, 3]), refused),
            (3, added(gid, &[3]), Ok(())),
            (1, admins_set(gid, &[1, 3]), Ok(())),
        ])
    }

    /// Asks for all of it; what comes back ends once everything is answered.
    pub fn ask(&self, store: &dyn Store) -> mpsc::Receiver<Verdict<()>> {
        let (tell, told) = mpsc::channel();
        for (by, act, _) in &self.0 {
            let tell = tell.clone();
            let done = Box::new(move |changed: Result<Verdict<Changed>, StoreError>| {
                let _ = tell.send(changed.expect("a sound store").map(|_| ()));
            });
            store.social(strictly(*by, act.clone()), done);
        }
        told
    }

    pub fn check(self, told: &mpsc::Receiver<Verdict<()>>) {
        let outcomes: Vec<_> = told.iter().collect();
        let expected = self.0.into_iter().map(|(_, _, outcome)| outcome);
        assert_eq!(outcomes, expected.collect::<Vec<_>>());
    }
}
