//! Lists that once found something, as short as they could be made. Seeds mean another list as soon as there is another
//! transition; these stay what they are.

use crate::gate::Failure::*;
use crate::gate::Kind;
use crate::gate::Shut::*;
use crate::play::play;
use crate::stage::Where;
use crate::transition::Mode;
use crate::transition::Mode::*;
use crate::transition::Name::*;
use crate::transition::Transition;
use crate::transition::Transition::*;
use crate::transition::Whom;
use crate::transition::Whom::*;

fn agree(friends_only: bool, steps: &[Transition]) {
    for place in [Where::Memory, Where::Disk] {
        let played = play(place, friends_only, steps);
        played.unwrap_or_else(|why| panic!("{place:?}: {why}"));
    }
}

/// Hears what is written to it, and this of groups.
fn listens(user: u64, groups: Option<Mode>) -> Transition {
    Connect {
        user,
        direct: Some(Auto),
        groups,
        init: false,
        life_s: None,
    }
}

/// The first who connected writes something new.
fn first_says(to: Whom) -> Transition {
    Send {
        client: 0,
        to,
        name: Fresh,
        padding: 0,
        ignored: 0,
    }
}

/// The sender of a direct message was told that it was received, by somebody who was only pushed a group's of that name.
#[test]
fn who_hears_groups_only_confirms_a_group_s_message() {
    let plain = |client, to, name| Send {
        client,
        to,
        name,
        padding: 0,
        ignored: 0,
    };
    agree(
        false,
        &[
            Connect {
                user: 4,
                direct: None,
                groups: None,
                init: false,
                life_s: None,
            },
            Connect {
                user: 1,
                direct: None,
                groups: None,
                init: false,
                life_s: None,
            },
            MakeGroup {
                user: 3,
                members: vec![1],
            },
            plain(0, User(3), Fresh),
            Connect {
                user: 3,
                direct: None,
                groups: Some(Client),
                init: true,
                life_s: None,
            },
            plain(1, Group(0), Used(0)),
            Confirm { client: 2, push: 0 },
        ],
    );
}

/// The same after a restart, by somebody who had not asked for what was older.
#[test]
fn who_begins_to_listen_after_a_restart_confirms_what_came_since() {
    let connect = |user| Connect {
        user,
        direct: Some(Auto),
        groups: None,
        init: false,
        life_s: None,
    };
    let plain = |client, name| Send {
        client,
        to: User(3),
        name,
        padding: 0,
        ignored: 0,
    };
    agree(
        false,
        &[
            connect(1),
            plain(0, Fresh),
            Restart { orderly: false },
            connect(2),
            connect(3),
            plain(0, Used(0)),
            Confirm { client: 1, push: 0 },
        ],
    );
}

/// A session that began to hear groups late was pushed an older message to one, which it had not asked for.
#[test]
fn who_begins_to_hear_groups_hears_what_comes_later() {
    agree(
        false,
        &[
            MakeGroup {
                user: 2,
                members: vec![3],
            },
            listens(2, None),
            listens(3, None),
            first_says(Group(0)),
            Turn {
                client: 1,
                groups: true,
                mode: Auto,
            },
            Fail(Refused),
            first_says(Group(0)),
            first_says(User(4)),
        ],
    );
}

/// A message was committed, its sender was told that it was not; sent again it was kept, and pushed to nobody.
#[test]
fn what_was_committed_in_spite_of_a_failure_is_pushed_when_it_is_sent_again() {
    agree(
        false,
        &[
            listens(1, None),
            listens(2, None),
            Fail(AnswerLost),
            first_says(User(2)),
            Again {
                client: 0,
                letter: 0,
            },
            Fail(AnswerLost),
            first_says(User(2)),
            first_says(User(3)),
        ],
    );
}

/// A cumulative ACK that the store had no room for was forgotten: neither the same again nor a later one counted for what it
/// had been for.
#[test]
fn an_ack_that_was_refused_counts_when_it_comes_again() {
    agree(
        false,
        &[
            Connect {
                user: 4,
                direct: Some(Client),
                groups: Some(Auto),
                init: true,
                life_s: None,
            },
            Post {
                user: 1,
                to: User(4),
                name: Fresh,
            },
            Fail(Busy),
            Ack {
                client: 108,
                push: 78,
            },
            Ack {
                client: 64,
                push: 50,
            },
        ],
    );
}

/// Who asked for all that waits was pushed a message whose answer was lost, and the model wanted it once more.
#[test]
fn who_asks_for_all_is_pushed_what_was_committed_without_an_answer_once() {
    let connect = |user, direct, groups, init| Connect {
        user,
        direct,
        groups,
        init,
        life_s: None,
    };
    let plain = |client, to| Send {
        client,
        to,
        name: Fresh,
        padding: 0,
        ignored: 0,
    };
    let group = MakeGroup {
        user: 1,
        members: vec![1, 2, 3, 4],
    };
    let (direct, groups) = (Some(Individual), Some(Client));
    let told_later = |by, asks| {
        [
            Shut(Behind),
            Fail(AnswerLost),
            plain(by, Group(0)),
            Init(asks),
            plain(asks, User(4)),
        ]
    };
    let begin = [
        group,
        connect(4, direct, groups, true),
        connect(1, direct, groups, true),
    ];
    agree(false, &[&begin[..], &told_later(1, 0)].concat());
    let more = [
        connect(3, None, groups, false),
        connect(4, Some(Auto), Some(Individual), false),
    ];
    for open in [None, Some(Kind::Read), Some(Kind::Write)] {
        let steps = [&begin[..], &more, &told_later(3, 2), &[Open(open)]];
        agree(false, &steps.concat());
    }
}

/// Who began to hear groups anew without asking for what was older need not be pushed such a message again.
#[test]
fn who_listens_anew_need_not_be_pushed_what_was_committed_before() {
    let turn = Turn {
        client: 1,
        groups: true,
        mode: Auto,
    };
    agree(
        false,
        &[
            MakeGroup {
                user: 1,
                members: vec![1, 2],
            },
            listens(1, Some(Auto)),
            listens(2, Some(Auto)),
            Fail(AnswerLost),
            first_says(Group(0)),
            Init(1),
            turn.clone(),
            turn,
            first_says(User(2)),
        ],
    );
}

/// The same again before the first was answered: it was given its receipt, and nothing was received.
#[test]
fn an_ack_counts_although_one_on_its_way_is_refused() {
    let connect = |user, mode| Connect {
        user,
        direct: Some(mode),
        groups: None,
        init: true,
        life_s: None,
    };
    let plain = Send {
        client: 1,
        to: User(4),
        name: Fresh,
        padding: 0,
        ignored: 0,
    };
    let ack = |push| Ack { client: 0, push };
    for second in [0, 1] {
        agree(
            false,
            &[
                connect(4, Client),
                connect(1, Auto),
                plain.clone(),
                plain.clone(),
                Shut(Before),
                Fail(Refused),
                ack(0),
                ack(second),
                Open(None),
            ],
        );
    }
}
