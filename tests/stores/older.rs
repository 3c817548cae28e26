//! Data of earlier schemas: brought up to date at the first start, with nothing lost, or left alone.

use std::path::{Path, PathBuf};

use hongyan::broker::delivery::Delivery;
use hongyan::broker::ports::Counts;
use hongyan::stores::sqlite::{OpenError, SqliteStore, check};
use rusqlite::Connection;
use tempfile::{TempDir, tempdir};

use crate::asker::{Asker, msg_id, named, new_message, person, states};
use crate::queues::{bodies, put_one};

const FIRST: &str = include_str!("../../src/stores/sqlite/schema/0001_first.sql");
const QUEUES: &str = include_str!("../../src/stores/sqlite/schema/0002_queues.sql");

/// Users 1 to 3; 1 wrote to 2 three times, of which 2 received the first and the last; 2 wrote back, and to itself.
const SAID: &str = "
    INSERT INTO users VALUES (1, 'u1', 'hash', 5), (2, 'u2', NULL, 6), (3, 'u3', NULL, 7);
    INSERT INTO conversations VALUES (1, 1, 2, 4), (2, 2, 2, 1);
    INSERT INTO members VALUES (1, 1, 3), (2, 1, 1), (2, 2, 0);
    INSERT INTO aside VALUES (2, 1, 3, 4);
    INSERT INTO messages VALUES
        (1, 1, 1, 1, ?1, 'hello', 100), (2, 1, 2, 1, ?2, 'hello', 200), (3, 1, 3, 1, ?3, 'hello', 300),
        (4, 1, 4, 2, ?1, 'hello', 400), (5, 2, 1, 2, ?1, 'hello', 500);
    INSERT INTO revocations VALUES ('token', 77);";

/// Data of this schema, as an earlier broker left them.
fn older(schema: i64) -> (TempDir, PathBuf) {
    let dir = tempdir().expect("a directory");
    let file = dir.path().join("hongyan.db");
    let conn = Connection::open(&file).expect("a new database");
    let header = "PRAGMA journal_mode = WAL; PRAGMA application_id = 0x4859616e;";
    conn.execute_batch(header).expect("ours");
    conn.execute_batch(FIRST).expect("made");
    if schema == 2 {
        conn.execute_batch(QUEUES).expect("made");
        conn.execute_batch(
            "INSERT INTO queues VALUES (1, 'a', 1, 3);
             INSERT INTO queued (queue, headers, body, bytes) VALUES (1, '', CAST('old' AS BLOB), 3);",
        )
        .expect("put");
    }
    conn.pragma_update(None, "user_version", schema)
        .expect("set");
    let mut said = SAID.to_owned();
    for name in 1..=3_u64 {
        let hex: String = msg_id(name).to_string();
        said = said.replace(&format!("?{name}"), &format!("X'{hex}'"));
    }
    conn.execute_batch(&said).expect("said");
    conn.close().expect("closed");
    (dir, file)
}

fn open(dir: &Path) -> Asker {
    Asker::of(SqliteStore::open(dir).expect("brought up to date"))
}

#[test]
fn nothing_is_lost_on_the_way_to_a_newer_schema() {
    for schema in [1, 2] {
        let (dir, _) = older(schema);
        let refused = check(dir.path()).expect_err("a broker comes first");
        let older = matches!(refused, OpenError::Older { found, .. } if found == schema);
        assert!(older, "{refused}");
        let asker = open(dir.path());
        let counts = Counts {
            users: 3,
            conversations: 2,
            messages: 5,
            waiting: 3,
            queues: u64::from(schema == 2),
            queued: u64::from(schema == 2),
            ..Counts::default()
        };
        assert_eq!(asker.counts(), counts);
        assert_eq!((asker.waiting(1), asker.waiting(2)), (vec![4], vec![2, 5]));
        let history = asker.history(1, 2, None, 9);
        let stored = |id| (id, Delivery::Stored);
        let received = |id| (id, Delivery::Received);
        assert_eq!(
            states(&history),
            [stored(4), received(3), stored(2), received(1)]
        );
        assert_eq!(asker.revoked(7), ["token"]);
        assert_eq!(asker.again(new_message(1, 2, 3, "hello")).id.0, 3);
        assert_eq!(asker.moved(2, named(2)), Some(vec![2]));
        assert_eq!(asker.fresh(2, 3, 1).id.0, 6);
        let gid = asker.group_of(&[1, 2, 3]);
        assert_eq!((gid.get(), asker.say(3, gid, 1).seq.0), (4, 1));
        put_one(&asker, "new");
        let kept = bodies(&asker, "a");
        assert_eq!(kept.last().map(String::as_str), Some("new"));
        assert_eq!(kept.len() as i64, schema);
        let added = asker.add_user("u4");
        assert_eq!(
            added,
            hongyan::broker::ports::AddedUser::New(person(4)),
            "the system's uid is not continued from"
        );
        drop(asker);
        let report = check(dir.path()).expect("up to date");
        assert!(report.is_sound(), "{report}");
    }
}

/// All rows of all tables, and the schema.
fn content(file: &Path) -> Vec<String> {
    let conn = Connection::open(file).expect("the database");
    let all = |sql: &str| -> Vec<String> {
        let mut select = conn.prepare(sql).expect("sound");
        let columns = select.column_count();
        let rows = select.query_map([], |row| {
            let values = (0..columns).map(|column| row.get::<_, rusqlite::types::Value>(column));
            let values = values.collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(format!("{values:?}"))
        });
        rows.expect("sound")
            .map(|row| row.expect("a row"))
            .collect()
    };
    let mut content = all("SELECT name, sql FROM sqlite_schema ORDER BY name");
    content.extend(all("PRAGMA user_version"));
    for table in ["users", "conversations", "members", "aside", "messages"] {
        content.extend(all(&format!("SELECT * FROM {table}")));
    }
    content
}

#[test]
fn what_cannot_be_brought_up_to_date_stays_as_it_is() {
    // The very last uid is the system's from schema 3 on; and rows that refer to nothing are no ground to build on.
    let damages = [
        "INSERT INTO users VALUES (9223372036854775807, 'last', NULL, 1)",
        "DELETE FROM users WHERE uid = 1",
    ];
    for (schema, damage) in [(1, damages[0]), (2, damages[0]), (2, damages[1])] {
        let (dir, file) = older(schema);
        let conn = Connection::open(&file).expect("the database");
        conn.execute_batch("PRAGMA foreign_keys = OFF")
            .expect("set");
        conn.execute_batch(damage).expect("damaged");
        conn.close().expect("closed");
        let mut before = content(&file);
        let refused = SqliteStore::open(dir.path()).err().expect("refused");
        assert!(matches!(refused, OpenError::Failed { .. }), "{refused}");
        let mut after = content(&file);
        if schema == 1 {
            // The step to schema 2 stands on its own.
            let queues = |row: &String| row.contains("queue") || row.contains("sqlite_sequence");
            after.retain(|row| !queues(row));
            before.retain(|row| row != "[Integer(1)]");
            after.retain(|row| row != "[Integer(2)]");
        }
        assert_eq!(after, before);
    }
}
