//! Kills while the broker starts: in its very first start, which makes the data and the keys, and while it brings data of
//! an older schema up to date.

use std::path::Path;
use std::process::Child;
use std::process::Stdio;

use std::io::BufRead;
use std::io::BufReader;

use hongyan::stores::sqlite::SqliteStore;
use hongyan::stores::sqlite::check;

use crate::house::killed;
use crate::older::MESSAGES;
use crate::older::older;
use crate::support::faults::CHANGE;
use crate::support::faults::Faults;
use crate::support::faults::Rule;
use crate::support::fire::Attack;
use crate::support::fire::portion;
use crate::support::running::Running;
use crate::support::running::serve;

/// Whether it came so far as to listen before it ended. It is dead then.
fn listens(mut child: Child) -> bool {
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut lines = lines.map_while(Result::ok);
    if lines.any(|line| line.starts_with("listening on ")) {
        child.kill().expect("it was alive");
        child.wait().expect("it is dead");
        return true;
    }
    killed(child.wait().expect("it is dead"));
    false
}

/// Starts a broker that dies at the `n`-th change on the disk, in one way or another. False where it came to listen
/// before.
fn dies_at(faults: &mut Faults, data: &Path, n: u64, way: u64) -> bool {
    let change = Rule::on("", CHANGE).from(n);
    let rule = match way % 3 {
        0 => change.kill_before(),
        1 => change.kill_torn(),
        _ => change.kill_after(),
    };
    let armed = faults.arm(&rule);
    let mut command = serve(data, &[]);
    faults.attach(&mut command);
    let child = command.stdout(Stdio::piped()).spawn();
    let died = !listens(child.expect("the broker starts"));
    faults.disarm(armed);
    died
}

/// Changes on the disk from one kill to the next, in `make test`.
const STEP: u64 = 17;

/// Kills a start at each change on the disk in turn, in three ways (in `make test` at some changes, in one way), each time
/// of what `prepare` makes; `after` looks at what a later start made of it. How many kills that were.
fn each_change(prepare: impl Fn(&Path), after: impl Fn(&Path)) -> u64 {
    let mut kills = 0;
    let ways = portion(1, 3);
    let step = if portion(1, STEP) == STEP { 1 } else { STEP };
    for way in 0..ways {
        let mut n = 1;
        loop {
            let folder = tempfile::tempdir().expect("a folder");
            let data = folder.path().join("data");
            prepare(&data);
            let mut faults = Faults::new(folder.path());
            let died = dies_at(&mut faults, &data, n, way + n);
            if !died {
                break;
            }
            kills += 1;
            println!("killed at change {n}");
            after(&data);
            n += step;
        }
    }
    kills
}

#[test]
fn a_first_start_that_is_killed_leaves_what_the_next_can_begin_with() {
    let mut attack = Attack::on(
        "crash-first-start",
        "A first start that is killed leaves nothing that a later start stumbles over.",
        "`tests/crash/starts.rs`, `a_first_start_that_is_killed_leaves_what_the_next_can_begin_with`",
    );
    let kills = each_change(
        |_| {},
        |data| {
            let key = data.join("jwt.key");
            let before = std::fs::read(&key).ok();
            Running::start(data, &[]).kill();
            let made = std::fs::read(&key).expect("a key");
            assert!(made.len() > 32, "a whole key");
            assert!(
                before.is_none_or(|before| before == made),
                "a key that was made stays"
            );
            let report = check(data).expect("it can be opened");
            assert!(report.is_sound(), "{report}");
        },
    );
    assert!(kills > 1);
    attack.count("kills in a first start", kills);
    attack.repelled();
}

#[test]
fn a_migration_that_is_killed_is_finished_by_the_next_start() {
    let mut attack = Attack::on(
        "crash-migration",
        "An upgrade of older data that is killed is finished by the next start, with nothing lost.",
        "`tests/crash/starts.rs`, `a_migration_that_is_killed_is_finished_by_the_next_start`",
    );
    let mut kills = 0;
    for schema in [1, 2] {
        kills += each_change(
            |data| older(data, schema),
            |data| {
                drop(SqliteStore::open(data).expect("it is brought up to date"));
                let report = check(data).expect("it can be opened");
                assert!(report.is_sound(), "{report}");
                let counts = (
                    report.counts.users,
                    report.counts.messages,
                    report.counts.waiting,
                );
                assert_eq!(counts, (2, MESSAGES, MESSAGES - 100));
            },
        );
    }
    assert!(kills > 1);
    attack.count("kills in a migration", kills);
    attack.repelled();
}
