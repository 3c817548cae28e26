//! Both stores are asked the same random questions and must give the same answers. The one on disk gets its writes
//! without waiting for the answers, so they share commits, and is closed and opened again in between.

use std::sync::mpsc;

use proptest::prelude::*;
use tempfile::TempDir;

use hongyan::broker::command::{Address, Ears};
use hongyan::broker::friends::RequestId;
use hongyan::broker::groups::{Gid, GroupPatch, NewGroup};
use hongyan::broker::message::{Kind, MessageId};
use hongyan::broker::orders::OrderId;
use hongyan::broker::ports::{
    Before, Done, HookFate, NewMessage, Pushes, SocialAct, Store, StoreError, Which,
};
use hongyan::broker::social::Social;
use hongyan::broker::users::{Uid, UserKey};
use hongyan::stores::memory::MemoryStore;
use hongyan::stores::sqlite::{SqliteStore, check};

use crate::asker::{answer, confirmation, gid, key, keys, msg_id, new_message, person, uid};

/// Everything that can happen to a store.
#[derive(Clone, Debug)]
enum Step {
    AddUser(u64),
    Admit(u64, u64),
    Append(NewMessage),
    Confirm(u64, Which),
    Social(SocialAct),
    SettleHook(u64, HookFate),
    Inbox {
        reader: u64,
        after: u64,
        limit: usize,
    },
    History {
        reader: u64,
        with: Address,
        before: Option<Before>,
        limit: usize,
    },
    Since {
        reader: u64,
        from_ms: u64,
        limit: usize,
    },
    /// All that can be asked of what a user is to others.
    People(u64),
    Group(u64, Gid),
    Hooks(u64),
    User(u64),
    Revoke(u64, u64),
    Revoked(u64),
    Counts,
    Reopen,
}

/// Users 1 to 4 are here sooner or later; 9 never is.
fn anybody() -> impl Strategy<Value = u64> {
    prop_oneof![20 => 1..5_u64, 1 => Just(9)]
}

/// Those made before the first step, who may act.
fn actor() -> impl Strategy<Value = u64> {
    1..4_u64
}

fn some_users() -> impl Strategy<Value = Vec<UserKey>> {
    let users = prop::collection::vec(1..4_u64, 0..3);
    users.prop_map(|users| keys(&users))
}

/// Groups and pairs share their numbers, so these are often one and sometimes the other.
fn some_gid() -> impl Strategy<Value = Gid> {
    (1..7_u64).prop_map(gid)
}

fn messages() -> impl Strategy<Value = NewMessage> {
    let to = prop_oneof![
        3 => anybody().prop_map(|to| Address::User(key(to))),
        1 => anybody().prop_map(|to| Address::User(UserKey::Name(format!("u{to}")))),
        3 => some_gid().prop_map(Address::Group),
    ];
    let sender = prop_oneof![12 => actor(), 1 => Just(Uid::SYSTEM.get())];
    let flags = (any::<bool>(), 0..8_u8, any::<bool>(), any::<bool>());
    let parts = (sender, to, 0..12_u64, 0..100_u64, some_users(), flags);
    parts.prop_map(|(sender, to, name, time_ms, ignored, flags)| {
        let (long, strict, hook, order) = flags;
        NewMessage {
            to,
            ignored,
            kind: if order { Kind::Order } else { Kind::Text },
            friends_only: strict == 0,
            hook,
            time_ms,
            ..new_message(sender, 1, name, if long { "a longer one" } else { "one" })
        }
    })
}

fn acts() -> impl Strategy<Value = Social> {
    let another = || anybody().prop_map(key);
    let field = || prop_oneof![Just("name"), Just("members"), Just("admin"), Just("motto")];
    let protected = prop::collection::vec(field().prop_map(str::to_owned), 0..3);
    let patch = (
        prop::option::of(Just("new".to_owned())),
        prop::option::of(some_users()),
        prop::option::of(some_users()),
        prop::option::of(protected.clone()),
        prop::option::of(prop::option::of(Just("x".to_owned()))),
    );
    let patch = patch.prop_map(|(name, admins, members, protected, motto)| GroupPatch {
        name,
        admins,
        members,
        protected,
        custom: motto
            .map(|motto| ("motto".to_owned(), motto))
            .into_iter()
            .collect(),
    });
    let new = (some_users(), some_users(), prop::option::of(protected));
    let new = new.prop_map(|(admins, members, protected)| NewGroup {
        name: "old".to_owned(),
        admins,
        members,
        protected,
        custom: [("motto".to_owned(), "y".to_owned())].into(),
    });
    let order = || (0..2_u8).prop_map(|id| OrderId(format!("o{id}")));
    prop_oneof![
        4 => another().prop_map(|to| Social::AskFriend { to, words: "hello".to_owned() }),
        3 => (1..9_u64, any::<bool>()).prop_map(|(id, accept)| Social::AnswerFriend {
            request: RequestId(id),
            accept,
        }),
        1 => another().prop_map(Social::Unfriend),
        1 => another().prop_map(Social::Block),
        2 => another().prop_map(Social::Unblock),
        2 => new.prop_map(Social::MakeGroup),
        3 => (some_gid(), patch).prop_map(|(gid, patch)| Social::ChangeGroup { gid, patch }),
        4 => (some_gid(), some_users()).prop_map(|(gid, users)| Social::AddMembers { gid, users }),
        3 => (some_gid(), another()).prop_map(|(gid, user)| Social::RemoveMember { gid, user }),
        2 => (order(), another())
            .prop_map(|(order, customer)| Social::PlaceOrder { order, customer }),
        2 => order().prop_map(Social::TakeOrder),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let user = || 1..5_u64;
    let id = || 0..70_u64;
    let ears = (any::<bool>(), any::<bool>()).prop_map(|(direct, groups)| Ears { direct, groups });
    let after = || prop::option::of(id().prop_map(MessageId));
    let pushes = (after(), after(), id()).prop_map(|(direct_after, groups_after, last)| Pushes {
        direct_after,
        groups_after,
        last: MessageId(last),
    });
    let which = prop_oneof![
        4 => (0..12_u64, prop::option::of(pushes)).prop_map(|(name, pushed)| Which::Named {
            msg_id: msg_id(name),
            pushed,
        }),
        3 => id().prop_map(|id| Which::One(MessageId(id))),
        1 => (id(), id(), ears).prop_map(|(after, last, by)| Which::Through {
            after: MessageId(after),
            last: MessageId(last),
            by,
        }),
    ];
    let before = prop_oneof![
        id().prop_map(|id| Before::Id(MessageId(id))),
        (0..100_u64).prop_map(Before::Time),
    ];
    let with = prop_oneof![
        anybody().prop_map(|with| Address::User(key(with))),
        some_gid().prop_map(Address::Group),
    ];
    let fate = prop_oneof![
        Just(HookFate::Done),
        Just(HookFate::Failed),
        (0..100_u64).prop_map(HookFate::Later),
    ];
    let doer = prop_oneof![6 => actor(), 1 => Just(Uid::SYSTEM.get())];
    let step = prop_oneof![
        30 => messages().prop_map(Step::Append),
        20 => (user(), which).prop_map(|(receiver, which)| Step::Confirm(receiver, which)),
        25 => (doer, acts(), 0..4_u8).prop_map(|(by, act, strict)| Step::Social(SocialAct {
            by: uid(by),
            act,
            friends_only: strict == 0,
            time_ms: 7,
        })),
        1 => (1..9_u64, fate).prop_map(|(id, fate)| Step::SettleHook(id, fate)),
        4 => (user(), id(), 0..8_usize)
            .prop_map(|(reader, after, limit)| Step::Inbox { reader, after, limit }),
        4 => (user(), with, prop::option::of(before), 0..8_usize).prop_map(
            |(reader, with, before, limit)| Step::History { reader, with, before, limit }
        ),
        3 => (user(), 0..100_u64, 0..8_usize)
            .prop_map(|(reader, from_ms, limit)| Step::Since { reader, from_ms, limit }),
        2 => user().prop_map(Step::People),
        2 => (user(), some_gid()).prop_map(|(reader, gid)| Step::Group(reader, gid)),
        1 => (0..100_u64).prop_map(Step::Hooks),
        1 => user().prop_map(Step::AddUser),
        1 => (user(), user()).prop_map(|(number, name)| Step::Admit(number, name)),
        1 => user().prop_map(Step::User),
        1 => (0..3_u64, 0..9_u64).prop_map(|(token, expires_s)| Step::Revoke(token, expires_s)),
        1 => (0..9_u64).prop_map(Step::Revoked),
        1 => Just(Step::Counts),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..160)
}

/// What the store answered, once that is asked for.
type Answer = Box<dyn FnOnce() -> String>;

/// Takes a step on a store; the answer comes later.
fn take(store: &dyn Store, step: &Step) -> Answer {
    fn put<T: Send + std::fmt::Debug + 'static>(ask: impl FnOnce(Done<T>)) -> Answer {
        put_with(ask, |answer| answer)
    }
    fn put_with<T: Send + 'static, U: std::fmt::Debug>(
        ask: impl FnOnce(Done<T>),
        view: impl FnOnce(T) -> U + 'static,
    ) -> Answer {
        let (done, told): (_, mpsc::Receiver<Result<T, StoreError>>) = answer();
        ask(done);
        Box::new(move || format!("{:?}", told.recv().expect("answered").map(view)))
    }
    match step.clone() {
        Step::AddUser(name) => put(|done| store.add_user(format!("u{name}"), None, 1, done)),
        Step::Admit(number, name) => {
            let mut admitted = person(number);
            admitted.name = format!("u{name}").into();
            put(|done| store.admit_user(admitted, 1, done))
        }
        Step::Append(message) => put(|done| store.append(message, done)),
        Step::Social(act) => put(|done| store.social(act, done)),
        Step::SettleHook(id, fate) => put(|done| store.settle_hook(id, fate, done)),
        Step::Confirm(receiver, which) => {
            put(|done| store.confirm(confirmation(receiver, which), done))
        }
        Step::Inbox {
            reader,
            after,
            limit,
        } => put(|done| store.inbox(uid(reader), MessageId(after), limit, done)),
        Step::History {
            reader,
            with,
            before,
            limit,
        } => put(|done| store.history(uid(reader), with, before, limit, done)),
        Step::Since {
            reader,
            from_ms,
            limit,
        } => put(|done| store.since(uid(reader), from_ms, limit, done)),
        Step::People(of) => {
            let answers = [
                put(|done| store.friends(uid(of), done)),
                put(|done| store.blocks(uid(of), done)),
                put(|done| store.groups(uid(of), done)),
                put(|done| store.are_friends(uid(of), uid(1), done)),
            ];
            Box::new(move || answers.map(|answer| answer()).join("\n"))
        }
        Step::Group(reader, gid) => {
            let answers = [
                put(|done| store.group(uid(reader), gid, done)),
                put(|done| store.roster(gid, done)),
            ];
            Box::new(move || answers.map(|answer| answer()).join("\n"))
        }
        Step::Hooks(now_ms) => put(|done| store.due_hooks(now_ms, 9, done)),
        Step::User(number) => put(|done| store.user(UserKey::Uid(uid(number)), done)),
        Step::Revoke(token, expires_s) => {
            put(|done| store.revoke(format!("t{token}"), expires_s, done))
        }
        Step::Revoked(now_s) => put_with(
            |done| store.revoked(now_s, done),
            |mut tokens| {
                tokens.sort();
                tokens
            },
        ),
        Step::Counts => put(|done| store.counts(done)),
        Step::Reopen => Box::new(String::new),
    }
}

fn is_write(step: &Step) -> bool {
    matches!(
        step,
        Step::AddUser(_)
            | Step::Admit(..)
            | Step::Append(_)
            | Step::Confirm(..)
            | Step::Social(..)
            | Step::SettleHook(..)
            | Step::Revoke(..)
            | Step::Revoked(_)
    )
}

fn compare(steps: &[Step]) -> Result<(), TestCaseError> {
    let dir = TempDir::new().expect("a directory");
    let open = || SqliteStore::open(dir.path()).expect("a sound store");
    let memory = MemoryStore::new();
    let mut sqlite = open();
    let mut awaited: Vec<(Step, String, Answer)> = Vec::new();
    let settle = |awaited: &mut Vec<(Step, String, Answer)>| {
        for (step, expected, answer) in awaited.drain(..) {
            prop_assert_eq!(answer(), expected, "{:?}", step);
        }
        Ok(())
    };
    let users = (1..=3).map(Step::AddUser);
    for step in users.chain(steps.iter().cloned()) {
        // Reads and writes have no order between them, so a read is asked when nothing else is under way.
        let write = is_write(&step);
        if !write {
            settle(&mut awaited)?;
        }
        if matches!(step, Step::Reopen) {
            drop(sqlite);
            sqlite = open();
        }
        let expected = take(&memory, &step)();
        let answer = take(&sqlite, &step);
        awaited.push((step, expected, answer));
        if !write {
            settle(&mut awaited)?;
        }
    }
    settle(&mut awaited)?;
    drop(sqlite);
    let report = check(dir.path()).expect("a sound store");
    prop_assert!(report.is_sound(), "{}", report);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_stores_answer_alike(steps in steps()) {
        compare(&steps)?;
    }
}
