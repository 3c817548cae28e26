//! Data as an older broker has left them.

use std::path::Path;

use rusqlite::Connection;

const FIRST: &str = include_str!("../../src/stores/sqlite/schema/0001_first.sql");
const QUEUES: &str = include_str!("../../src/stores/sqlite/schema/0002_queues.sql");

/// What an older broker has left: two users, a conversation, `MESSAGES` messages.
const SAID: &str = "
    INSERT INTO users VALUES (1, 'user-1', 'hash', 5), (2, 'user-2', NULL, 6);
    INSERT INTO conversations VALUES (1, 1, 2, 300);
    INSERT INTO members VALUES (1, 1, 300), (2, 1, 100);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
    INSERT INTO messages SELECT i, 1, i, 1, randomblob(20), 'hello ' || i, 100 + i FROM n;";

/// Messages in older data.
pub const MESSAGES: u64 = 300;

/// Makes data of this schema.
pub fn older(data: &Path, schema: i64) {
    std::fs::create_dir(data).expect("a new folder");
    let conn = Connection::open(data.join("hongyan.db")).expect("a new database");
    let header = "PRAGMA journal_mode = WAL; PRAGMA application_id = 0x4859616e;";
    conn.execute_batch(header).expect("ours");
    conn.execute_batch(FIRST).expect("made");
    if schema == 2 {
        conn.execute_batch(QUEUES).expect("made");
    }
    conn.pragma_update(None, "user_version", schema)
        .expect("set");
    conn.execute_batch(SAID).expect("said");
    conn.close().expect("closed");
}
