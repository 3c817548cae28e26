//! What only the store on disk has: backups, and a check of what it holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use hongyan::broker::ports::Counts;
use hongyan::stores::sqlite::{BackupError, OpenError, backup, check};
use tempfile::tempdir;

use crate::asker::{Asker, ask, confirmation, named, new_message};
use crate::disk::open;

#[test]
fn a_backup_under_load_is_whole() {
    let dir = tempdir().expect("a directory");
    let data = dir.path().join("data");
    let asker = Asker::of(open(&data));
    asker.with_users(2);
    let store = Arc::clone(&asker.store);
    let stop = Arc::new(AtomicBool::new(false));
    let (began, begun) = mpsc::channel();
    let load = std::thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            let mut name = 0;
            while !stop.load(Ordering::Relaxed) {
                name += 1;
                // Out of order, so that something is always aside.
                for (sender, receiver) in [(1, 2), (2, 1)] {
                    let message = new_message(sender, receiver, name, "under load");
                    drop(ask(&*store, |store, done| store.append(message, done)));
                    let confirmation = confirmation(receiver, named(name / 2));
                    drop(ask(&*store, |store, done| {
                        store.confirm(confirmation, done)
                    }));
                }
                let _ = began.send(());
            }
            name
        }
    });
    begun.recv().expect("some load");
    let copies: Vec<_> = (1..=3)
        .map(|number| dir.path().join(format!("copy{number}")))
        .collect();
    for copy in &copies {
        std::fs::create_dir(copy).expect("a directory");
        backup(&data, &copy.join("hongyan.db")).expect("a backup");
        let report = check(&data).expect("beside the broker");
        assert!(report.is_sound(), "{report}");
    }
    stop.store(true, Ordering::Relaxed);
    let names = load.join().expect("the load ends");
    for copy in &copies {
        let files = std::fs::read_dir(copy).expect("a directory").count();
        assert_eq!(files, 1, "nothing but the copy");
        let report = check(copy).expect("a sound copy");
        assert!(report.is_sound(), "{report}");
        let copied = Asker::of(open(copy));
        assert!((1..=2 * names).contains(&copied.counts().messages));
        copied.fresh(1, 2, u64::MAX);
    }
    assert_eq!(asker.counts().messages, 2 * names);
}

#[test]
fn a_backup_overwrites_nothing() {
    let dir = tempdir().expect("a directory");
    let data = dir.path().join("data");
    let missing = backup(&data, &dir.path().join("copy")).expect_err("no data");
    assert!(
        matches!(missing, BackupError::Open(OpenError::Missing { .. })),
        "{missing}"
    );
    open(&data);
    let taken = dir.path().join("taken");
    std::fs::write(&taken, "something else").expect("written");
    let refused = backup(&data, &taken).expect_err("it exists");
    assert!(matches!(refused, BackupError::Exists(_)), "{refused}");
    assert_eq!(
        std::fs::read(&taken).expect("still there"),
        b"something else"
    );
    let nowhere = dir.path().join("no/such/directory");
    assert!(matches!(
        backup(&data, &nowhere),
        Err(BackupError::Failed { .. })
    ));
}

#[test]
fn a_check_counts() {
    let dir = tempdir().expect("a directory");
    let asker = Asker::of(open(dir.path()));
    asker.with_users(2);
    asker.fresh(1, 2, 1);
    let report = check(dir.path()).expect("a sound store");
    assert!(report.is_sound(), "{report}");
    let counts = Counts {
        users: 2,
        conversations: 1,
        messages: 1,
        waiting: 1,
        ..Counts::default()
    };
    assert_eq!(report.counts, counts);
}
