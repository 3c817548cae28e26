//! Kills of `hongyan backup`: the data stay as they were, and what has the name of a backup is a whole one.

use std::path::Path;

use hongyan::stores::sqlite::check;

use crate::house::killed;
use crate::older::older;
use crate::support::faults::CHANGE;
use crate::support::faults::Faults;
use crate::support::faults::Rule;
use crate::support::fire::Attack;
use crate::support::fire::portion;
use crate::support::running::Running;
use crate::support::running::command;

fn messages(data: &Path) -> u64 {
    let report = check(data).expect("it can be opened");
    assert!(report.is_sound(), "{report}");
    report.counts.messages
}

#[test]
fn a_backup_that_is_killed_is_never_taken_for_a_whole_one() {
    let mut attack = Attack::on(
        "crash-backup",
        "A backup that is killed harms nothing, and a half one never has the name of a backup.",
        "`tests/crash/backups.rs`, `a_backup_that_is_killed_is_never_taken_for_a_whole_one`",
    );
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    older(&data, 2);
    Running::start(&data, &[]).kill();
    let all = messages(&data);
    let mut kills = 0;
    // Each change on the disk in turn, or each fifth.
    let step = if portion(1, 5) == 5 { 1 } else { 5 };
    for n in (1..).step_by(step) {
        let copies = tempfile::tempdir().expect("a folder");
        let copy = copies.path().join("hongyan.db");
        let mut faults = Faults::new(copies.path());
        let change = Rule::on("", CHANGE).from(n);
        faults.arm(&match n % 3 {
            0 => change.kill_before(),
            1 => change.kill_torn(),
            _ => change.kill_after(),
        });
        let mut backup = command(&data, &["backup", copy.to_str().expect("text")]);
        faults.attach(&mut backup);
        let ended = backup.output().expect("it runs").status;
        if ended.success() {
            break;
        }
        killed(ended);
        kills += 1;
        assert_eq!(messages(&data), all, "killed at change {n}");
        if copy.exists() {
            assert_eq!(messages(copies.path()), all, "killed at change {n}");
            continue;
        }
        // Nobody takes the half one away but its owner; under another name a backup works.
        let part = copies.path().join("hongyan.db.part");
        let left = std::fs::read(&part).ok();
        let again = command(&data, &["backup", copy.to_str().expect("text")]).output();
        let again = again.expect("it runs");
        let said = String::from_utf8_lossy(&again.stderr).into_owned();
        if let Some(left) = left {
            assert!(said.contains("hongyan.db.part"), "{said}");
            assert!(std::fs::read(&part).expect("still there") == left);
            std::fs::remove_file(&part).expect("removed");
            let again = command(&data, &["backup", copy.to_str().expect("text")]).output();
            assert!(again.expect("it runs").status.success());
        }
        assert_eq!(messages(copies.path()), all);
    }
    assert!(kills > 1);
    attack.count("kills of a backup", kills);
    attack.repelled();
}
