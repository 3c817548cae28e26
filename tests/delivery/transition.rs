//! All that can happen. Numbers mean "the one with this number, counted round", so that any list of transitions makes
//! sense, and a shorter one still does.

use proptest::prelude::*;

use crate::gate::Failure;
use crate::gate::Kind;
use crate::gate::Shut;
use crate::model::USERS;
use crate::model::User;

/// How the messages of a subscription are acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Auto,
    Client,
    Individual,
}

/// To whom a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    User(User),
    Nobody,
    Group(u8),
    NoGroup,
}

/// What a message is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    Fresh,
    /// As some message before, whoever sent it.
    Used(u8),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transition {
    /// A user connects and subscribes, to what is said directly and to what is said in groups.
    Connect {
        user: User,
        direct: Option<Mode>,
        groups: Option<Mode>,
        init: bool,
        /// Seconds that the token lives.
        life_s: Option<u32>,
    },
    /// A client subscribes, or ends its subscription if it has one.
    Turn {
        client: u8,
        groups: bool,
        mode: Mode,
    },
    Init(u8),
    Send {
        client: u8,
        to: Whom,
        name: Name,
        padding: usize,
        /// Users whom a group's message leaves out.
        ignored: u8,
    },
    /// Many letters at once.
    Burst {
        client: u8,
        to: Whom,
        count: u8,
        padding: usize,
    },
    /// A user without a session sends, as REST does.
    Post {
        user: User,
        to: Whom,
        name: Name,
    },
    /// A user without a session confirms.
    Receive {
        user: User,
        letter: u8,
    },
    /// The same letter again, by any client of its sender.
    Again {
        client: u8,
        letter: u8,
    },
    /// Another content under the same name.
    Conflict {
        client: u8,
        letter: u8,
    },
    /// A client confirms, by name, what it was pushed; or some name it may never have heard of.
    Confirm {
        client: u8,
        push: u8,
    },
    ConfirmAny {
        client: u8,
        letter: u8,
    },
    Ack {
        client: u8,
        push: u8,
    },
    History {
        client: u8,
        with: Whom,
        /// Before this message: by its id or by its time.
        before: Option<(u8, bool)>,
        len: u8,
    },
    AskFriend(User, User),
    AnswerFriend {
        user: User,
        request: u8,
        accept: bool,
    },
    DeleteFriend(User, User),
    Block(User, User),
    Unblock(User, User),
    MakeGroup {
        user: User,
        members: Vec<User>,
    },
    Join {
        user: User,
        group: u8,
    },
    Leave {
        user: User,
        group: u8,
    },
    Add {
        by: User,
        group: u8,
        user: User,
    },
    Remove {
        by: User,
        group: u8,
        user: User,
    },
    /// A client takes nothing any more, and goes on later.
    Stall(u8),
    GoOn(u8),
    /// A connection is gone without a word.
    Cut(u8),
    /// The broker ends and begins anew on what was stored; with a word to those who are here, or without.
    Restart {
        orderly: bool,
    },
    Pass {
        ms: u64,
    },
    /// The wall clock goes back.
    Back {
        ms: u64,
    },
    LogOut(u8),
    /// The next write fails.
    Fail(Failure),
    Shut(Shut),
    Open(Option<Kind>),
}

fn user() -> impl Strategy<Value = User> {
    1..=USERS
}

fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Mode::Auto), Just(Mode::Client), Just(Mode::Individual)]
}

fn whom() -> impl Strategy<Value = Whom> {
    prop_oneof![
        30 => user().prop_map(Whom::User),
        20 => any::<u8>().prop_map(Whom::Group),
        1 => Just(Whom::Nobody),
        1 => Just(Whom::NoGroup),
    ]
}

fn name() -> impl Strategy<Value = Name> {
    prop_oneof![5 => Just(Name::Fresh), 1 => any::<u8>().prop_map(Name::Used)]
}

fn send() -> impl Strategy<Value = Transition> {
    let padding = prop_oneof![9 => 0..40_usize, 2 => 40_000..60_000_usize];
    let ignored = prop_oneof![3 => Just(0), 1 => any::<u8>()];
    (any::<u8>(), whom(), name(), padding, ignored).prop_map(
        |(client, to, name, padding, ignored)| Transition::Send {
            client,
            to,
            name,
            padding,
            ignored,
        },
    )
}

fn connect() -> impl Strategy<Value = Transition> {
    let ears = || prop::option::weighted(0.8, mode());
    let life = prop::option::weighted(0.1, 1..7_200_u32);
    (user(), ears(), ears(), prop::bool::weighted(0.7), life).prop_map(
        |(user, direct, groups, init, life_s)| Transition::Connect {
            user,
            direct,
            groups,
            init,
            life_s,
        },
    )
}

/// How it begins: some users are here, and in a group.
pub fn opening() -> impl Strategy<Value = Vec<Transition>> {
    let members = (1..=USERS).collect();
    let group = Transition::MakeGroup { user: 1, members };
    prop::collection::vec(connect(), 3..6).prop_map(move |mut all| {
        all.insert(0, group.clone());
        all
    })
}

/// Anything that can happen.
pub fn transition() -> impl Strategy<Value = Transition> {
    use Transition as T;
    let number = any::<u8>;
    let two = || (user(), user());
    let before = prop::option::of((number(), any::<bool>()));
    let failure = prop_oneof![
        Just(Failure::Refused),
        Just(Failure::Busy),
        Just(Failure::AnswerLost)
    ];
    let first = prop_oneof![Just(None), Just(Some(Kind::Read)), Just(Some(Kind::Write))];
    let chat = prop_oneof![
        16 => connect(),
        4 => (number(), any::<bool>(), mode())
            .prop_map(|(client, groups, mode)| T::Turn { client, groups, mode }),
        5 => number().prop_map(T::Init),
        40 => send(),
        4 => (number(), whom(), 2..20_u8, prop_oneof![Just(0), Just(50_000_usize)])
            .prop_map(|(client, to, count, padding)| T::Burst { client, to, count, padding }),
        4 => (user(), whom(), name()).prop_map(|(user, to, name)| T::Post { user, to, name }),
        2 => (user(), number()).prop_map(|(user, letter)| T::Receive { user, letter }),
        5 => (number(), number()).prop_map(|(client, letter)| T::Again { client, letter }),
        2 => (number(), number()).prop_map(|(client, letter)| T::Conflict { client, letter }),
        15 => (number(), number()).prop_map(|(client, push)| T::Confirm { client, push }),
        3 => (number(), number()).prop_map(|(client, letter)| T::ConfirmAny { client, letter }),
        12 => (number(), number()).prop_map(|(client, push)| T::Ack { client, push }),
        6 => (number(), whom(), before, 1..12_u8)
            .prop_map(|(client, with, before, len)| T::History { client, with, before, len }),
    ];
    let people = prop_oneof![
        3 => two().prop_map(|(by, to)| T::AskFriend(by, to)),
        3 => (user(), number(), prop::bool::weighted(0.8))
            .prop_map(|(user, request, accept)| T::AnswerFriend { user, request, accept }),
        1 => two().prop_map(|(by, to)| T::DeleteFriend(by, to)),
        1 => two().prop_map(|(by, to)| T::Block(by, to)),
        2 => two().prop_map(|(by, to)| T::Unblock(by, to)),
        3 => (user(), prop::collection::vec(user(), 0..4))
            .prop_map(|(user, members)| T::MakeGroup { user, members }),
        2 => (user(), number()).prop_map(|(user, group)| T::Join { user, group }),
        1 => (user(), number()).prop_map(|(user, group)| T::Leave { user, group }),
        2 => (user(), number(), user()).prop_map(|(by, group, user)| T::Add { by, group, user }),
        1 => (user(), number(), user()).prop_map(|(by, group, user)| T::Remove { by, group, user }),
    ];
    let fate = prop_oneof![
        4 => number().prop_map(T::Stall),
        4 => number().prop_map(T::GoOn),
        3 => number().prop_map(T::Cut),
        1 => any::<bool>().prop_map(|orderly| T::Restart { orderly }),
        2 => prop_oneof![0..5_000_u64, 0..5_000_000_u64].prop_map(|ms| T::Pass { ms }),
        1 => (0..5_000_000_u64).prop_map(|ms| T::Back { ms }),
        1 => number().prop_map(T::LogOut),
        3 => failure.prop_map(T::Fail),
        2 => prop_oneof![Just(Shut::Before), Just(Shut::Behind)].prop_map(T::Shut),
        8 => first.prop_map(T::Open),
    ];
    prop_oneof![20 => chat, 4 => people, 5 => fate]
}
