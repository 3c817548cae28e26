//! What only the store on disk has: pictures are files.

use hongyan::broker::ports::{Store, StoreError};
use hongyan::broker::refusal::Refusal;
use hongyan::stores::sqlite::check;
use tempfile::tempdir;

use crate::asker::{Asker, ask, uid};
use crate::disk::open;
use crate::pictures::{keep, picture};

#[test]
#[cfg(unix)]
fn pictures_are_files_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempdir().expect("a directory");
    let images = dir.path().join("images");
    let asker = Asker::of(open(dir.path()));
    asker.with_users(1);
    let id = keep(&asker, 1, picture(5000));
    let file = images.join(id.to_string());
    for (path, mode, what) in [(&images, 0o700, "directory"), (&file, 0o600, "file")] {
        let found = path.metadata().expect(what).permissions().mode();
        assert_eq!(found & 0o777, mode, "{what}");
    }
    assert_eq!(std::fs::read(&file).expect("a file").len(), 5000);
    drop(asker);

    // What a crash left unfinished goes at the next start, and nothing else.
    let part = images.join(format!("{id}.part"));
    std::fs::write(&part, "half").expect("written");
    let asker = Asker::of(open(dir.path()));
    assert!(!part.exists() && file.exists());

    // A file that is gone is an error, and no picture.
    std::fs::remove_file(&file).expect("removed");
    let lost = ask(&*asker.store, |store, done| {
        store.image(uid(1), id, done);
    });
    assert!(matches!(lost, Err(StoreError::Broken(_))));
    drop(asker);
    let report = check(dir.path()).expect("a sound database");
    assert!(report.to_string().contains("its file cannot be read"));
}

#[test]
fn a_picture_that_is_not_kept_leaves_no_file() {
    let dir = tempdir().expect("a directory");
    let images = dir.path().join("images");
    let store = open(dir.path());
    // User 9 does not exist, so its row cannot be made.
    let kept = ask(&store, |store, done| {
        store.keep_image(uid(9), picture(9), 1, done);
    });
    assert!(matches!(kept, Err(StoreError::Broken(_))));
    std::fs::remove_dir_all(&images).expect("removed");
    let kept = ask(&store, |store, done| {
        store.keep_image(uid(9), picture(9), 1, done);
    });
    assert!(matches!(kept, Err(StoreError::Unable(_))));
    assert_eq!(store.health(), Ok(()), "messages can still be kept");
    store.close();
    let kept = ask(&store, |store, done| {
        store.keep_image(uid(9), picture(9), 1, done);
    });
    assert_eq!(kept, Err(StoreError::Closed));
}

#[test]
fn a_user_keeps_so_many_pictures() {
    let dir = tempdir().expect("a directory");
    let asker = Asker::of(open(dir.path()));
    asker.with_users(2);
    keep(&asker, 1, picture(9));
    drop(asker);
    let conn = rusqlite::Connection::open(dir.path().join("hongyan.db")).expect("the database");
    // As if it were 1 GiB less one.
    conn.execute_batch("UPDATE images SET bytes = (1 << 30) - 10")
        .expect("changed");
    conn.close().expect("closed");
    let asker = Asker::of(open(dir.path()));
    let more = |owner, bytes| {
        asker.ask(|store, done| store.keep_image(uid(owner), picture(bytes), 1, done))
    };
    assert!(matches!(more(1, 11), Err(Refusal::TooMany(_))));
    assert!(more(2, 11).is_ok() && more(1, 10).is_ok());
    let files = std::fs::read_dir(dir.path().join("images")).expect("a directory");
    assert_eq!(files.count(), 3);
}
