//! Do the faults that other tests rely on happen as they are ordered? Linux with glibc only.

#![cfg(all(target_os = "linux", target_env = "gnu"))]

mod support;

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use support::faults::EIO;
use support::faults::ENOSPC;
use support::faults::Faults;
use support::faults::Rule;
use support::faults::SYNC;
use support::faults::WRITE;
use support::faults::log;
use support::faults::log::Entry;

/// `dd` that writes 8 blocks of 512 bytes into `to`, and syncs them.
fn dd(faults: &Faults, to: &Path) -> Command {
    let mut command = Command::new("dd");
    command
        .args(["if=/dev/zero", "bs=512", "count=8", "conv=fsync"])
        .arg(format!("of={}", to.display()))
        .stderr(Stdio::piped());
    faults.attach(&mut command);
    command
}

fn length(file: &Path) -> u64 {
    file.metadata().expect("a file").len()
}

#[tokio::test]
async fn a_process_is_killed_at_the_operation_that_was_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut faults = Faults::new(folder.path());
    let file = folder.path().join("victim");
    let third = || Rule::on("victim", WRITE).from(3);
    let cases = [
        (third().kill_before(), 1_024),
        (third().kill_torn(), 1_024 + 256),
        (third().kill_after(), 1_536),
        (Rule::on("victim", SYNC).kill_before(), 4_096),
    ];
    for (rule, bytes) in cases {
        let armed = faults.arm(&rule);
        let ended = dd(&faults, &file).output().expect("dd");
        assert_eq!(ended.status.signal(), Some(9), "{rule:?}: {ended:?}");
        faults.fired(&armed).await;
        assert_eq!(length(&file), bytes, "{rule:?}");
        assert_eq!(faults.fired_so_far(&armed), 1);
        faults.disarm(armed);
    }
    let ended = dd(&faults, &file).output().expect("dd");
    assert!(ended.status.success(), "no rule holds any more: {ended:?}");
}

#[tokio::test]
async fn an_operation_fails_as_often_as_was_ordered() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut faults = Faults::new(folder.path());
    let file = folder.path().join("victim");
    let full = faults.arm(&Rule::on("victim", WRITE).from(2).fail_short(ENOSPC));
    let ended = dd(&faults, &file).output().expect("dd");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(
        !ended.status.success() && said.contains("No space left"),
        "{said}"
    );
    assert_eq!(length(&file), 512 + 256);
    assert_eq!((faults.seen(&full), faults.fired_so_far(&full)), (3, 2));
    faults.disarm(full);

    let once = faults.arm(&Rule::on("", SYNC).times(1).fail(EIO));
    let ended = dd(&faults, &file).output().expect("dd");
    assert!(String::from_utf8_lossy(&ended.stderr).contains("Input/output error"));
    assert!(dd(&faults, &file).output().expect("dd").status.success());
    assert_eq!(faults.fired_so_far(&once), 1);

    let elsewhere = tempfile::tempdir().expect("a folder");
    faults.arm(&Rule::on("", WRITE).fail(EIO));
    let ended = dd(&faults, &elsewhere.path().join("victim")).output();
    assert!(
        ended.expect("dd").status.success(),
        "other folders are none of its business"
    );
}

#[tokio::test]
async fn an_operation_waits_until_it_may_go_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut faults = Faults::new(folder.path());
    let file = folder.path().join("victim");
    let stall = faults.arm(&Rule::on("victim", WRITE).from(5).stall());
    let mut child = dd(&faults, &file).spawn().expect("dd");
    faults.fired(&stall).await;
    assert_eq!(length(&file), 4 * 512);
    assert!(child.try_wait().expect("a child").is_none());
    faults.disarm(stall);
    assert!(child.wait().expect("a child").success());
    assert_eq!(length(&file), 8 * 512);
}

#[test]
fn what_was_done_is_written_down_in_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let mut faults = Faults::new(folder.path());
    faults.arm(&Rule::on("", support::faults::CHANGE).record());
    let run = |program: &str, names: &[&str]| {
        let mut command = Command::new(program);
        command.args(names.iter().map(|name| path(name)));
        faults.attach(&mut command);
        assert!(command.status().expect(program).success(), "{program}");
    };
    let ended = dd(&faults, &path("a")).output().expect("dd");
    assert!(ended.status.success(), "{ended:?}");
    log::mark(&faults.log(), "between");
    run("mkdir", &["d"]);
    run("link", &["a", "c"]);
    run("unlink", &["a"]);

    let entries = log::read(&faults.log());
    let Entry::Create { path: made, inode } = &entries[0] else {
        panic!("{:?}", entries[0])
    };
    let inode = *inode;
    assert_eq!(*made, path("a"));
    let mut expected: Vec<Entry> = (0..8)
        .map(|block| Entry::Write {
            inode,
            offset: block * 512,
            bytes: vec![0; 512],
        })
        .collect();
    expected.push(Entry::Sync { inode });
    expected.push(Entry::Mark("between".to_owned()));
    let Entry::Mkdir { path: made, .. } = &entries[11] else {
        panic!("{:?}", entries[11])
    };
    assert_eq!(*made, path("d"));
    assert_eq!(entries[1..11], expected);
    let (from, to) = (path("a"), path("c"));
    assert_eq!(
        entries[12..],
        [Entry::Link { from, to }, Entry::Unlink { path: path("a") }]
    );
}
