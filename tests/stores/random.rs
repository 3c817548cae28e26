//! Both stores are asked the same random questions and must give the same answers. The one on disk gets its writes
//! without waiting for the answers, so they share commits, and is closed and opened again in between.

use std::sync::mpsc;

use proptest::prelude::*;
use tempfile::TempDir;

use hongyan::broker::command::Ears;
use hongyan::broker::message::MessageId;
use hongyan::broker::ports::{Before, Done, Store, StoreError, Which};
use hongyan::broker::users::UserKey;
use hongyan::stores::memory::MemoryStore;
use hongyan::stores::sqlite::{SqliteStore, check};

use crate::asker::{answer, confirmation, msg_id, new_message, person, uid};

/// Everything that can happen to a store.
#[derive(Clone, Debug)]
enum Step {
    AddUser(u64),
    Admit(u64, u64),
    Append {
        sender: u64,
        receiver: u64,
        name: u64,
        long: bool,
        time_ms: u64,
    },
    Confirm(u64, Which),
    Inbox {
        reader: u64,
        after: u64,
        limit: usize,
    },
    History {
        reader: u64,
        with: u64,
        before: Option<Before>,
        limit: usize,
    },
    User(u64),
    Revoke(u64, u64),
    Revoked(u64),
    Counts,
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let user = || 1..5_u64;
    let name = || 0..12_u64;
    let id = || 0..70_u64;
    let which = prop_oneof![
        4 => (name(), prop::option::of((id(), id()))).prop_map(|(name, pushed)| Which::Named {
            msg_id: msg_id(name),
            pushed: pushed.map(|(after, last)| (MessageId(after), MessageId(last))),
        }),
        3 => id().prop_map(|id| Which::One(MessageId(id))),
        1 => (id(), id()).prop_map(|(after, last)| Which::Through {
            after: MessageId(after),
            last: MessageId(last),
            by: Ears::ALL,
        }),
    ];
    let before = prop_oneof![
        id().prop_map(|id| Before::Id(MessageId(id))),
        (0..100_u64).prop_map(Before::Time),
    ];
    let step = prop_oneof![
        30 => (user(), user(), name(), any::<bool>(), 0..100_u64).prop_map(
            |(sender, receiver, name, long, time_ms)| {
                // Senders exist: the first three users are made before the first step.
                let sender = 1 + sender % 3;
                Step::Append { sender, receiver, name, long, time_ms }
            }
        ),
        20 => (user(), which).prop_map(|(receiver, which)| Step::Confirm(receiver, which)),
        4 => (user(), id(), 0..8_usize)
            .prop_map(|(reader, after, limit)| Step::Inbox { reader, after, limit }),
        4 => (user(), user(), prop::option::of(before), 0..8_usize).prop_map(
            |(reader, with, before, limit)| Step::History { reader, with, before, limit }
        ),
        1 => user().prop_map(Step::AddUser),
        1 => (user(), user()).prop_map(|(number, name)| Step::Admit(number, name)),
        1 => user().prop_map(Step::User),
        1 => (0..3_u64, 0..9_u64).prop_map(|(token, expires_s)| Step::Revoke(token, expires_s)),
        1 => (0..9_u64).prop_map(Step::Revoked),
        1 => Just(Step::Counts),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..120)
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
        Step::Append {
            sender,
            receiver,
            name,
            long,
            time_ms,
        } => {
            let content = if long { "a longer one" } else { "one" };
            let mut message = new_message(sender, receiver, name, content);
            message.time_ms = time_ms;
            put(|done| store.append(message, done))
        }
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
        } => put(|done| store.history(uid(reader), uid(with).into(), before, limit, done)),
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
    !matches!(
        step,
        Step::Inbox { .. } | Step::History { .. } | Step::User(_) | Step::Counts | Step::Reopen
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
