//! `hongyan check` on damaged data: each kind of damage is named in its own sentence. This table lists all of them.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use rusqlite::Connection;

use crate::lifecycle::house::PICTURE;
use crate::lifecycle::house::bytes;
use crate::lifecycle::house::copy;
use crate::lifecycle::house::furnished;
use crate::lifecycle::run::hongyan;
use crate::support::fire::Attack;

/// What is done to the data.
enum Damage {
    /// Statements, with nothing enforced.
    Sql(&'static str),
    /// Bytes of the database: all of the first become the second, which is as long.
    Bytes(&'static [u8], &'static [u8]),
    /// Something else in the data directory.
    Files(fn(&Path)),
}

use Damage::*;

/// What to expect of `check`.
enum Verdict {
    /// A line of the report that says what is wrong.
    Wrong,
    /// The data are not looked into, for this reason.
    Refused,
    /// The data are sound, and this is noted.
    Noted,
}

use Verdict::*;

const KINDS: &[(&str, Damage, Verdict, &str)] = &[
    // The file.
    (
        "another program's file",
        Files(another_file),
        Refused,
        "is not a Hongyan database",
    ),
    (
        "another application_id",
        Sql("PRAGMA application_id = 77"),
        Refused,
        "is not a Hongyan database",
    ),
    (
        "a newer schema",
        Sql("PRAGMA user_version = 1000"),
        Refused,
        "has schema 1000, but this Hongyan knows",
    ),
    (
        "an empty file",
        Files(|data| fs::write(database(data), "").expect("written")),
        Refused,
        "is damaged (it is empty)",
    ),
    (
        "a file cut short",
        Files(cut_short),
        Refused,
        "is damaged (it is cut short)",
    ),
    ("a page of garbage", Files(garbage), Refused, "is damaged ("),
    (
        "an index out of step with its table",
        Files(out_of_step),
        Wrong,
        "missing from index members_of_group",
    ),
    (
        "a msgID twice",
        Files(doubled),
        Wrong,
        "its sender has used its msgID before",
    ),
    (
        "a foreign key broken",
        Sql("DELETE FROM users WHERE uid = 3"),
        Wrong,
        "refers to a missing row of users",
    ),
    // Conversations.
    (
        "a message missing",
        Sql("DELETE FROM messages WHERE id = 9"),
        Wrong,
        "message 10 follows message 8",
    ),
    (
        "a seq missing",
        Sql(
            "UPDATE messages SET seq = seq + 1 WHERE conversation = 1 AND seq = 24; UPDATE conversations SET last_seq = 25 WHERE id = 1",
        ),
        Wrong,
        "conversation 1: seq 25 follows seq 23",
    ),
    (
        "a log shorter than its head says",
        Sql("UPDATE conversations SET last_seq = 30 WHERE id = 1"),
        Wrong,
        "conversation 1: last_seq is 30, but its newest message has seq 24",
    ),
    (
        "messages out of order",
        Sql(
            "UPDATE messages SET seq = 500 WHERE id = 5; UPDATE messages SET seq = 5 WHERE id = 6; UPDATE messages SET seq = 6 WHERE id = 5",
        ),
        Wrong,
        "conversation 1: message 5 follows message 6",
    ),
    (
        "a time that went back",
        Sql("UPDATE messages SET time_ms = 5 WHERE id = 9"),
        Wrong,
        "message 9 is earlier than message 8",
    ),
    (
        "a sender from outside",
        Sql("UPDATE messages SET sender = 3 WHERE id = 9"),
        Wrong,
        "message 9: its sender is no member of conversation 1",
    ),
    (
        "a text that is none",
        Bytes(b"from li, number 7", b"from li, number \xff"),
        Wrong,
        "its content is no UTF-8",
    ),
    (
        "a cursor beyond the log",
        Sql("UPDATE members SET received = 99 WHERE uid = 2 AND conversation = 1"),
        Wrong,
        "the cursor of user 2 is 99, beyond the last seq 24",
    ),
    (
        "a state that went back",
        Sql(
            "DELETE FROM aside; UPDATE members SET received = 0 WHERE uid = 1 AND conversation = 1",
        ),
        Wrong,
        "conversation 1: user 1 waits for the own message 1",
    ),
    (
        "a receipt outside the log",
        Sql("INSERT INTO aside VALUES (3, 2, 50, 51)"),
        Wrong,
        "what user 3 received from 50 to 51 is not between the cursor and the end",
    ),
    (
        "a member missing",
        Sql("DELETE FROM members WHERE uid = 3 AND conversation = 2"),
        Wrong,
        "conversation 2: user 3 is no member",
    ),
    (
        "a conversation of no kind",
        Sql("DELETE FROM groups"),
        Wrong,
        "conversation 3 is neither a pair nor a group, or both",
    ),
    // People.
    (
        "a group's member who is nobody",
        Sql("INSERT INTO members (uid, conversation, grouped) VALUES (77, 3, 1)"),
        Wrong,
        "group 3: its member 77 is no user",
    ),
    (
        "a group's fields",
        Sql("UPDATE groups SET custom = '9:x'"),
        Wrong,
        "the custom fields of a group cannot be read",
    ),
    (
        "a friendship of one side",
        Sql("DELETE FROM friends WHERE uid = 1"),
        Wrong,
        "user 1 is no friend of user 2, but the other way round",
    ),
    (
        "the system missing",
        Sql("DELETE FROM users WHERE name = ''"),
        Wrong,
        "the system is not among the users",
    ),
    // Pictures.
    (
        "a picture without its file",
        Files(|data| fs::remove_file(picture(data)).expect("removed")),
        Wrong,
        "its file cannot be read",
    ),
    (
        "a picture of another size",
        Files(|data| fs::write(picture(data), "GIF89a").expect("written")),
        Wrong,
        "its file has 6 bytes instead of 19",
    ),
    (
        "a picture that is none",
        Files(|data| fs::write(picture(data), "x".repeat(PICTURE.len())).expect("written")),
        Wrong,
        "its file is in no known format",
    ),
    (
        "a file that is nobody's picture",
        Sql("DELETE FROM images"),
        Noted,
        "no row names this file",
    ),
    // Queues and hooks.
    (
        "a queue that counts wrong",
        Sql("UPDATE queues SET messages = 9"),
        Wrong,
        "queue jobs: it counts 9 messages of",
    ),
    (
        "a queue's message whose size is wrong",
        Sql(
            "UPDATE queued SET bytes = bytes + 1 WHERE id = 2; UPDATE queues SET bytes = bytes + 1",
        ),
        Wrong,
        "queue jobs: message 2 counts as",
    ),
    (
        "a queue's message that cannot be read",
        Sql("UPDATE queued SET headers = '9:x' WHERE id = 2"),
        Wrong,
        "queue jobs: the headers of message 2 cannot be read",
    ),
    (
        "a queue's message out of order",
        Sql("UPDATE queued SET id = 50 WHERE id = 2"),
        Wrong,
        "table queued: the numbers of its rows are to go on from 3, but 50 is there",
    ),
    (
        "a hook without its message",
        Sql("UPDATE hooks SET message = 999"),
        Wrong,
        "table hooks refers to a missing row of messages",
    ),
    // Beside the database.
    (
        "a key that is none",
        Files(|data| fs::write(data.join("jwt.key"), "x").expect("written")),
        Wrong,
        "jwt.key holds no key",
    ),
    (
        "a webhook's key that is none",
        Files(|data| fs::write(data.join("webhook.key"), "").expect("written")),
        Wrong,
        "webhook.key holds no key",
    ),
];

fn database(data: &Path) -> PathBuf {
    data.join("hongyan.db")
}

/// The one picture.
fn picture(data: &Path) -> PathBuf {
    let mut files = fs::read_dir(data.join("images")).expect("a folder");
    files.next().expect("a picture").expect("an entry").path()
}

fn sql(data: &Path, statements: &str) {
    let conn = Connection::open(database(data)).expect("the database");
    conn.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON")
        .expect("set");
    conn.execute_batch(statements).expect("damaged");
    conn.close().expect("closed");
}

/// Replaces bytes wherever they are in the database.
fn replace(data: &Path, from: &[u8], to: &[u8]) {
    let mut all = fs::read(database(data)).expect("the database");
    let places: Vec<usize> = (0..all.len() - from.len())
        .filter(|at| all[*at..].starts_with(from))
        .collect();
    assert!(!places.is_empty(), "nothing to damage");
    for at in places {
        all[at..at + to.len()].copy_from_slice(to);
    }
    fs::write(database(data), all).expect("written");
}

fn another_file(data: &Path) {
    let letter = "a letter, and not a short one, to somebody else".repeat(9);
    fs::write(database(data), letter).expect("written");
}

fn cut_short(data: &Path) {
    let all = fs::read(database(data)).expect("the database");
    fs::write(database(data), &all[..all.len() - 4096]).expect("written");
}

fn garbage(data: &Path) {
    let mut all = fs::read(database(data)).expect("the database");
    let page = all.len() / 4096 / 2 * 4096;
    all[page..page + 4096].fill(0xA5);
    fs::write(database(data), all).expect("written");
}

/// Two messages of one sender in one conversation: the msgID of one becomes that of the other.
fn doubled(data: &Path) {
    let named = |last: u8| [&[0xa5; 19][..], &[last]].concat();
    replace(data, &named(4), &named(3));
}

/// A row is added while the index is not there; then the index is there again as it was.
fn out_of_step(data: &Path) {
    let conn = Connection::open(database(data)).expect("the database");
    let index = "FROM sqlite_schema WHERE name = 'members_of_group'";
    let (root, text): (i64, String) = conn
        .query_row(&format!("SELECT rootpage, sql {index}"), [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .expect("an index");
    let unsafe_mode = "PRAGMA writable_schema = ON";
    conn.execute_batch(&format!("{unsafe_mode}; DELETE {index};"))
        .expect("hidden");
    conn.close().expect("closed");
    sql(
        data,
        "INSERT INTO users (uid, name, created_ms) VALUES (4, 'zhao', 0);
         INSERT INTO members (uid, conversation, grouped, received) VALUES (4, 3, 1, 1)",
    );
    let conn = Connection::open(database(data)).expect("the database");
    conn.execute_batch(unsafe_mode).expect("set");
    conn.execute(
        "INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql)
         VALUES ('index', 'members_of_group', 'members', ?1, ?2)",
        (root, text),
    )
    .expect("shown again");
    conn.close().expect("closed");
}

#[tokio::test]
async fn a_check_names_each_kind_of_damage() {
    let mut attack = Attack::on(
        "lifecycle-check",
        "`hongyan check` names each kind of damage that was planted in its own sentence, and has nothing to say of sound data.",
        "`tests/lifecycle/damage.rs`: `a_check_names_each_kind_of_damage`",
    );
    let (folder, sound) = furnished().await;
    let out = hongyan(&sound, &["check"]).good();
    assert!(out.ends_with("sound\n") && !out.contains("NOTE"), "{out}");

    for (number, (kind, damage, verdict, sentence)) in KINDS.iter().enumerate() {
        let data = folder.path().join(format!("damaged-{number}"));
        copy(&sound, &data);
        match damage {
            Sql(statements) => sql(&data, statements),
            Bytes(from, to) => replace(&data, from, to),
            Files(damage) => damage(&data),
        }
        let before = bytes(&data);
        let done = hongyan(&data, &["check"]);
        let said = format!("{kind}:\n{}{}", done.out, done.err);
        match verdict {
            Refused => assert!(done.refusal().contains(sentence), "{said}"),
            Wrong => {
                assert!(done.line().contains("wrong with the data"), "{said}");
                let mut lines = done.out.lines().filter(|line| line.starts_with("WRONG: "));
                assert!(lines.any(|line| line.contains(sentence)), "{said}");
            }
            Noted => {
                assert_eq!(done.code, Some(0), "{said}");
                let mut lines = done.out.lines().filter(|line| line.starts_with("NOTE: "));
                assert!(lines.any(|line| line.contains(sentence)), "{said}");
            }
        }
        assert!(bytes(&data) == before, "{kind}: a check changes nothing");
    }
    attack.count("kinds of damage", KINDS.len() as u64);
    attack.repelled();
}
