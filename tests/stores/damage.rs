//! Files that are not what they should be: refused with one line, and not touched. And damage inside a sound file,
//! which `check` finds.

use std::fs;
use std::path::{Path, PathBuf};

use hongyan::stores::sqlite::{OpenError, SqliteStore, check};
use rusqlite::Connection;
use tempfile::{TempDir, tempdir};

use hongyan::broker::ports::NewMessage;

use crate::asker::{Asker, group_message, named};
use crate::pictures::{keep, picture};

/// A directory with a store in which something was said.
fn used() -> (TempDir, PathBuf) {
    let dir = tempdir().expect("a directory");
    let asker = Asker::of(SqliteStore::open(dir.path()).expect("a new store"));
    asker.with_users(3);
    for name in 1..=40 {
        let (sender, receiver) = [(1, 2), (2, 1), (1, 3)][name as usize % 3];
        asker.fresh(sender, receiver, name);
    }
    for name in [3, 6, 12, 18, 21] {
        assert_eq!(asker.moved(2, named(name)), Some(vec![name]));
    }
    asker.befriend(1, 2);
    let gid = asker.group_of(&[1, 2, 3]);
    let hooked = NewMessage {
        hook: true,
        ..group_message(1, gid, 1, &[2])
    };
    asker.kept(hooked);
    keep(&asker, 1, picture(9));
    asker.store.close();
    let file = dir.path().join("hongyan.db");
    (dir, file)
}

/// Opening is refused in one line that names the file, and not a byte of it changes.
fn refused(dir: &Path, file: &Path) -> OpenError {
    let before = fs::read(file).expect("the file");
    let error = SqliteStore::open(dir).err().expect("refused");
    let line = error.to_string();
    assert!(
        !line.contains('\n') && line.contains("hongyan.db"),
        "{line}"
    );
    let checked = check(dir).expect_err("refused too");
    assert_eq!(checked.to_string(), line);
    assert!(
        fs::read(file).expect("the file") == before,
        "the file was changed"
    );
    error
}

#[test]
fn something_else_is_not_overwritten() {
    for content in [
        "a letter, and not a short one, to somebody else".repeat(9),
        "short".into(),
    ] {
        let dir = tempdir().expect("a directory");
        let file = dir.path().join("hongyan.db");
        fs::write(&file, content).expect("written");
        assert!(matches!(
            refused(dir.path(), &file),
            OpenError::Foreign { .. }
        ));
    }
}

#[test]
fn the_database_of_another_program_is_not_migrated() {
    for application_id in [0, 77] {
        let dir = tempdir().expect("a directory");
        let file = dir.path().join("hongyan.db");
        let other = Connection::open(&file).expect("a new database");
        let sql = format!("CREATE TABLE t (a); PRAGMA application_id = {application_id};");
        other.execute_batch(&sql).expect("made");
        other.close().expect("closed");
        assert!(matches!(
            refused(dir.path(), &file),
            OpenError::Foreign { .. }
        ));
    }
}

#[test]
fn a_newer_schema_is_left_alone() {
    let (dir, file) = used();
    let newer = Connection::open(&file).expect("the database");
    newer
        .pragma_update(None, "user_version", 1000)
        .expect("set");
    newer.close().expect("closed");
    let error = refused(dir.path(), &file);
    assert!(
        matches!(
            error,
            OpenError::Newer {
                found: 1000,
                known: 4,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_newer_schema_still_in_the_log_is_left_alone() {
    let (dir, file) = used();
    let newer = Connection::open(&file).expect("the database");
    newer
        .pragma_update(None, "user_version", 1000)
        .expect("set");
    let crashed = tempdir().expect("a directory");
    for name in ["hongyan.db", "hongyan.db-wal"] {
        fs::copy(dir.path().join(name), crashed.path().join(name)).expect("copied");
    }
    let error = refused(crashed.path(), &crashed.path().join("hongyan.db"));
    assert!(
        matches!(error, OpenError::Newer { found: 1000, .. }),
        "{error}"
    );
}

#[test]
fn a_file_cut_short_is_refused_at_any_length() {
    let (dir, file) = used();
    let whole = fs::read(&file).expect("the file");
    for bytes in [50, 99, 100, 4095, 4096, whole.len() / 2, whole.len() - 1] {
        fs::write(&file, &whole[..bytes]).expect("written");
        let error = refused(dir.path(), &file);
        assert!(
            matches!(error, OpenError::Damaged { .. }),
            "{bytes}: {error}"
        );
    }
    fs::write(&file, &whole).expect("written");
    SqliteStore::open(dir.path()).expect("whole again");
}

#[test]
fn garbage_in_any_page_is_refused() {
    let (dir, file) = used();
    let whole = fs::read(&file).expect("the file");
    for page in 0..whole.len() / 4096 {
        let mut spoilt = whole.clone();
        let begin = if page == 0 { 100 } else { page * 4096 };
        spoilt[begin..(page + 1) * 4096].fill(0xA5);
        fs::write(&file, &spoilt).expect("written");
        let error = refused(dir.path(), &file);
        assert!(
            matches!(error, OpenError::Damaged { .. }),
            "page {page}: {error}"
        );
    }
}

#[test]
fn an_empty_file_is_damage_and_no_beginning() {
    let dir = tempdir().expect("a directory");
    let file = dir.path().join("hongyan.db");
    fs::write(&file, "").expect("written");
    let error = refused(dir.path(), &file);
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    assert_eq!(fs::metadata(&file).expect("there").len(), 0);
}

#[test]
fn a_beginning_leaves_nothing_but_the_data() {
    let dir = tempdir().expect("a directory");
    drop(Asker::of(SqliteStore::open(dir.path()).expect("begun")));
    let names = fs::read_dir(dir.path()).expect("the directory");
    let names = names.map(|entry| entry.expect("an entry").file_name());
    let left: Vec<_> = names
        .filter(|name| name.to_string_lossy().contains("new"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    let conn = Connection::open(dir.path().join("hongyan.db")).expect("the database");
    let version: i64 = conn
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .expect("set");
    assert_eq!(version, 4);
}

#[test]
fn a_data_path_that_is_no_directory_is_refused() {
    let dir = tempdir().expect("a directory");
    let path = dir.path().join("data");
    fs::write(&path, "a file").expect("written");
    for path in [path.clone(), path.join("below")] {
        let error = SqliteStore::open(&path).err().expect("refused");
        assert!(matches!(error, OpenError::Directory { .. }), "{error}");
    }
    let error = check(&dir.path().join("nothing")).expect_err("no data");
    assert!(matches!(error, OpenError::Missing { .. }), "{error}");
    assert!(!dir.path().join("nothing").exists());
    fs::create_dir_all(dir.path().join("odd/hongyan.db")).expect("made");
    let error = SqliteStore::open(&dir.path().join("odd"))
        .err()
        .expect("refused");
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
}

#[test]
#[cfg(unix)]
fn a_directory_without_rights_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempdir().expect("a directory");
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o500)).expect("set");
    if fs::write(dir.path().join("probe"), "").is_ok() {
        return; // To the superuser every directory is open.
    }
    let error = SqliteStore::open(dir.path()).err().expect("refused");
    assert!(matches!(error, OpenError::Directory { .. }), "{error}");
}

#[test]
fn a_check_finds_what_the_rows_say_of_each_other() {
    let damages = [
        (
            "UPDATE conversations SET last_seq = last_seq + 1 WHERE id = 1",
            "last_seq is 28",
        ),
        (
            "UPDATE messages SET seq = seq + 100 WHERE id = 40",
            "seq 127 follows seq 26",
        ),
        (
            "DELETE FROM messages WHERE id = 9",
            "message 10 follows message 8",
        ),
        (
            "UPDATE messages SET time_ms = 5 WHERE id = 9",
            "message 9 is earlier than message 8",
        ),
        (
            "UPDATE messages SET sender = 3 WHERE id = 9",
            "message 9: its sender is no member",
        ),
        (
            "UPDATE members SET received = 99 WHERE uid = 2",
            "beyond the last seq 27",
        ),
        (
            "UPDATE members SET received = 0 WHERE uid = 1 AND conversation = 2",
            "waits for the own message",
        ),
        ("DELETE FROM members WHERE uid = 3", "user 3 is no member"),
        (
            "INSERT INTO members (uid, conversation) VALUES (3, 1)",
            "user 3 should be no member",
        ),
        (
            "INSERT INTO aside VALUES (2, 1, 4, 4)",
            "is not between the cursor and the end",
        ),
        (
            "UPDATE aside SET last = 99 WHERE uid = 2",
            "is not between the cursor and the end",
        ),
        (
            "UPDATE aside SET last = last + 3 WHERE uid = 2",
            "runs into what begins at",
        ),
        (
            "DELETE FROM users WHERE uid = 3",
            "refers to a missing row of users",
        ),
        (
            "UPDATE messages SET id = -id WHERE id IN (3, 6)",
            "message -6 follows message 0",
        ),
        (
            "DELETE FROM groups",
            "conversation 3 is neither a pair nor a group, or both",
        ),
        (
            "INSERT INTO groups VALUES (1, '', '', '', 0)",
            "conversation 1 is neither a pair nor a group, or both",
        ),
        (
            "UPDATE members SET grouped = 0 WHERE uid = 3 AND conversation = 3",
            "conversation 3: user 3 is a member as of a pair",
        ),
        (
            "UPDATE members SET admin = 1 WHERE uid = 2 AND conversation = 1",
            "conversation 1: user 2 is a member as of a group",
        ),
        (
            "UPDATE members SET joined = 2 WHERE uid = 3 AND conversation = 3",
            "user 3 joined at seq 2, beyond the cursor 0",
        ),
        (
            "UPDATE members SET received = 0 WHERE uid = 1 AND conversation = 3",
            "user 1 waits for the own message 41",
        ),
        (
            "INSERT INTO ignored VALUES (3, 1, 3)",
            "user 3 waits for message 41, which is not for that user",
        ),
        (
            "UPDATE groups SET protected = '9:x'",
            "group 3: Conversion error",
        ),
        (
            "UPDATE groups SET custom = '1:x'",
            "the custom fields of a group cannot be read",
        ),
        (
            "DELETE FROM friends WHERE uid = 1",
            "user 1 is no friend of user 2, but the other way round",
        ),
        (
            "INSERT INTO blocks VALUES (2, 1, 0)",
            "user 2 has blocked user 1, a friend",
        ),
        (
            "INSERT INTO friend_requests (asker, asked, words, asked_ms) VALUES (1, 2, '', 0)",
            "user 1 asks user 2, a friend, for friendship",
        ),
        (
            "UPDATE users SET password_hash = 'x' WHERE name = ''",
            "the system is not among the users",
        ),
        (
            "DELETE FROM messages WHERE id = 41",
            "refers to a missing row of messages",
        ),
        (
            "UPDATE images SET bytes = 7",
            "its file has 9 bytes instead of 7",
        ),
        ("UPDATE images SET id = 'x'", "picture x: its id is no id"),
        (
            "UPDATE images SET id = '00000000000000000000000000000000'",
            "picture 00000000000000000000000000000000: its file cannot be read",
        ),
        (
            "INSERT INTO queues (name, messages, bytes) VALUES ('a', 1, 1)",
            "queue a: it counts 1 messages of 1 bytes, but holds 0 of 0",
        ),
    ];
    let (dir, file) = used();
    let whole = fs::read(&file).expect("the file");
    let report = check(dir.path()).expect("a sound store");
    assert!(report.is_sound(), "{report}");
    for (damage, finding) in damages {
        fs::write(&file, &whole).expect("written");
        let conn = Connection::open(&file).expect("the database");
        conn.execute_batch("PRAGMA foreign_keys = OFF")
            .expect("set");
        conn.execute_batch(damage).expect("damaged");
        conn.close().expect("closed");
        let found = match check(dir.path()) {
            Ok(report) => report.to_string(),
            Err(error) => error.to_string(),
        };
        assert!(found.contains(finding), "{damage}\n{found}");
    }
}

#[test]
fn a_check_compares_the_keys_with_the_rows() {
    let (dir, file) = used();
    let mut spoilt = fs::read(&file).expect("the file");
    // One bit of a user's name, in the key or in the row: in either place it still sorts as before.
    let at = spoilt
        .windows(2)
        .position(|bytes| bytes == b"u3")
        .expect("the name");
    spoilt[at + 1] ^= 4;
    fs::write(&file, &spoilt).expect("written");
    let report = check(dir.path()).expect("opening looks less closely");
    assert!(report.to_string().contains("WRONG: file: "), "{report}");
}

#[test]
fn many_findings_of_a_kind_are_told_as_a_number() {
    let (dir, file) = used();
    let conn = Connection::open(&file).expect("the database");
    conn.execute_batch("UPDATE messages SET time_ms = 1000000 - id")
        .expect("damaged");
    conn.close().expect("closed");
    let report = check(dir.path()).expect("the file itself is sound");
    assert_eq!(report.findings.len(), 21);
    assert_eq!(report.findings[20], "and 20 more of that kind");
}
