//! What every store promises of groups and what is said in them, a question each. Who may do what is the broker's question,
//! asked there; here it is asked once for each act.

use hongyan::broker::command::GroupName;
use hongyan::broker::groups::{Group, GroupPatch, NewGroup};
use hongyan::broker::ports::HistoryPage;
use hongyan::broker::refusal::Refusal;
use hongyan::broker::social::{Changed, Social};
use hongyan::broker::users::{Person, Uid, UserKey};

use crate::asker::{Asker, gid, key, keys, person, states, uid};

fn people(numbers: &[u64]) -> Vec<Person> {
    numbers.iter().map(|number| person(*number)).collect()
}

pub fn numbers(people: &[Person]) -> Vec<u64> {
    people.iter().map(|person| person.uid.get()).collect()
}

pub fn seen(page: &HistoryPage) -> Vec<u64> {
    states(page).iter().map(|(id, _)| *id).collect()
}

fn groups_of(asker: &Asker, of: u64) -> Vec<GroupName> {
    asker.ask(|store, done| store.groups(uid(of), done))
}

pub fn a_group_is_made_as_asked(asker: &Asker) {
    asker.with_users(5);
    asker.fresh(1, 2, 1);
    let new = NewGroup {
        name: "吃货小分队".to_owned(),
        admins: vec![key(4)],
        members: vec![key(2), UserKey::Name("u5".to_owned()), key(4)],
        protected: Some(vec!["name".to_owned(), "3:x".to_owned()]),
        custom: [("a:1", "起\n"), ("b", "")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
    };
    let group = Group {
        gid: gid(2),
        name: "吃货小分队".into(),
        admins: people(&[1, 4]),
        members: people(&[1, 2, 4, 5]).into(),
        protected: new.protected.clone().expect("given"),
        custom: new.custom.clone(),
        made_ms: 3000,
    };
    let made = Changed::Group {
        group: Box::new(group.clone()),
        joined: people(&[1, 2, 4, 5]),
        left: vec![],
        changed: false,
        made: true,
    };
    assert_eq!(asker.social(1, Social::MakeGroup(new)), made);
    for reader in [1, 2, 4, 5, Uid::SYSTEM.get()] {
        assert_eq!(asker.group(reader, gid(2)), Ok(group.clone()));
    }
    assert_eq!(asker.group(3, gid(2)), Err(Refusal::NotMember));
    for none in [1, 3] {
        assert_eq!(asker.group(1, gid(none)), Err(Refusal::NoSuchGroup));
    }
    let roster = |of| asker.ask(|store, done| store.roster(gid(of), done));
    assert_eq!(roster(2), group.members);
    assert!(roster(1).is_empty());
    let name = GroupName {
        gid: gid(2),
        name: group.name,
    };
    assert_eq!(groups_of(asker, 5), [name]);
    assert_eq!(groups_of(asker, 3), []);
    let counts = asker.counts();
    assert_eq!((counts.groups, counts.conversations), (1, 2));
    let nobody = NewGroup {
        members: vec![key(9)],
        ..NewGroup::default()
    };
    let refused = asker.refused(1, Social::MakeGroup(nobody));
    assert_eq!(refused, Refusal::NoSuchUser);
}

pub fn a_group_changes_as_asked(asker: &Asker) {
    asker.with_users(5);
    let gid = asker.group_of(&[1, 2, 3]);
    let patch = GroupPatch {
        name: Some("new".to_owned()),
        admins: Some(keys(&[2])),
        members: Some(keys(&[1, 2, 5])),
        protected: Some(vec!["motto".to_owned()]),
        custom: [("motto".to_owned(), Some("x".to_owned()))].into(),
    };
    let change = Social::ChangeGroup {
        gid,
        patch: patch.clone(),
    };
    assert_eq!(asker.refused(3, change.clone()), Refusal::AdminsOnly);
    assert_eq!(asker.refused(4, change.clone()), Refusal::NotMember);
    let Changed::Group {
        group,
        joined,
        left,
        changed: true,
        made: false,
    } = asker.social(1, change)
    else {
        panic!("it was changed");
    };
    assert_eq!((joined, left), (people(&[5]), people(&[3])));
    assert_eq!(group.admins, people(&[2]));
    assert_eq!(numbers(&group.members), [1, 2, 5]);
    assert_eq!((&*group.name, group.protected.len()), ("new", 1));
    assert_eq!(asker.group(5, gid), Ok(*group.clone()));
    let nothing = Social::ChangeGroup {
        gid,
        patch: GroupPatch::default(),
    };
    let unchanged = Changed::Group {
        group,
        joined: vec![],
        left: vec![],
        changed: false,
        made: false,
    };
    assert_eq!(asker.social(5, nothing), unchanged);
    let mut remove = GroupPatch::default();
    remove.custom.insert("motto".to_owned(), None);
    let remove = Social::ChangeGroup { gid, patch: remove };
    assert_eq!(asker.refused(1, remove.clone()), Refusal::AdminsOnly);
    asker.social(2, remove);
    assert_eq!(asker.group(1, gid).expect("a member").custom, [].into());
    let bad = GroupPatch {
        name: Some("\t".to_owned()),
        ..GroupPatch::default()
    };
    let bad = asker.refused(1, Social::ChangeGroup { gid, patch: bad });
    assert!(matches!(bad, Refusal::BadGroup(_)));
}

pub fn members_come_and_go(asker: &Asker) {
    asker.with_users(5);
    let group = asker.group_of(&[1, 2]);
    let add = |users: &[u64]| Social::AddMembers {
        gid: group,
        users: keys(users),
    };
    let remove = |user| Social::RemoveMember {
        gid: group,
        user: key(user),
    };
    let members = |changed: Changed| match changed {
        Changed::Group {
            group,
            joined,
            left,
            changed: false,
            made: false,
        } => (numbers(&group.members), numbers(&joined), numbers(&left)),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        members(asker.social(3, add(&[3]))),
        (vec![1, 2, 3], vec![3], vec![])
    );
    assert_eq!(
        members(asker.social(3, add(&[3]))),
        (vec![1, 2, 3], vec![], vec![])
    );
    assert_eq!(asker.refused(3, add(&[4])), Refusal::AdminsOnly);
    assert_eq!(asker.refused(1, add(&[4, 9])), Refusal::NoSuchUser);
    assert_eq!(
        members(asker.social(1, add(&[4, 4, 2, 5]))),
        (vec![1, 2, 3, 4, 5], vec![4, 5], vec![])
    );
    assert_eq!(asker.refused(3, remove(4)), Refusal::AdminsOnly);
    assert_eq!(
        members(asker.social(1, remove(4))),
        (vec![1, 2, 3, 5], vec![], vec![4])
    );
    let system = asker.try_social(Uid::SYSTEM, remove(5)).expect("allowed");
    assert_eq!(members(system), (vec![1, 2, 3], vec![], vec![5]));
    let left = Changed::Left {
        gid: group,
        name: "".into(),
        who: person(3),
        stay: people(&[1, 2]).into(),
    };
    assert_eq!(asker.social(3, remove(3)), left);
    assert_eq!(asker.refused(3, remove(3)), Refusal::NotMember);
    assert_eq!(asker.refused(1, remove(1)), Refusal::LastAdmin);
    assert_eq!(groups_of(asker, 3), []);
    let nowhere = Social::AddMembers {
        gid: gid(99),
        users: keys(&[3]),
    };
    assert_eq!(asker.refused(3, nowhere), Refusal::NoSuchGroup);
    asker.social(2, remove(2));
    assert!(matches!(asker.social(1, remove(1)), Changed::Left { stay, .. } if stay.is_empty()));
}

pub fn nobody_is_added_by_somebody_blocked(asker: &Asker) {
    asker.with_users(3);
    asker.social(2, Social::Block(key(1)));
    let new = NewGroup {
        members: keys(&[2, 3]),
        ..NewGroup::default()
    };
    let refused = asker.refused(1, Social::MakeGroup(new));
    assert_eq!(refused, Refusal::Blocked);
    assert_eq!(asker.counts().conversations, 0);
    let gid = asker.group_of(&[1, 3]);
    let add = |user| Social::AddMembers {
        gid,
        users: keys(&[user]),
    };
    assert_eq!(asker.refused(1, add(2)), Refusal::Blocked);
    asker.social(2, add(2));
    asker.say(1, gid, 1);
    assert_eq!(asker.waiting(2), [1], "in a group one hears everybody");
}
