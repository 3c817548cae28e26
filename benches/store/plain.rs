//! What cannot be cheaper: the same bytes at the end of a file, and the same row in a table of SQLite that has no index and
//! that nobody asks anything about.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use rusqlite::Connection;

use crate::kept::BEGAN_MS;
use crate::kept::CONTENT;

const MSG_ID: [u8; 20] = [7; 20];

/// Adds so many rows to a file, synced after each `batch`.
pub fn append_to_file(file: &mut File, count: u64, batch: u64) {
    let mut row = Vec::new();
    for number in [1, 2, 3, 4, BEGAN_MS, 0] {
        row.extend_from_slice(&number.to_le_bytes());
    }
    row.extend_from_slice(&MSG_ID);
    row.extend_from_slice(CONTENT.as_bytes());
    let rows = row.repeat(batch as usize);
    let mut left = count;
    while left > 0 {
        let now = left.min(batch);
        file.write_all(&rows[..row.len() * now as usize])
            .expect("room");
        file.sync_data().expect("a disk");
        left -= now;
    }
}

/// A table on disk, synced as the store's are.
pub struct Table {
    conn: Connection,
}

impl Table {
    /// The table in `folder`, made where there is none.
    pub fn open(folder: &Path) -> Self {
        let conn = Connection::open(folder.join("plain.db")).expect("a database");
        conn.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4096;
             CREATE TABLE IF NOT EXISTS messages (
                 id INTEGER PRIMARY KEY, conversation INTEGER, seq INTEGER, sender INTEGER, msg_id BLOB,
                 content TEXT, time_ms INTEGER, kind INTEGER, envelope TEXT
             ) STRICT",
        )
        .expect("a table");
        Self { conn }
    }

    /// Adds so many rows, a transaction for each `batch`.
    pub fn append(&mut self, count: u64, batch: u64) {
        let mut left = count;
        while left > 0 {
            let now = left.min(batch);
            let turn = self.conn.transaction().expect("a transaction");
            for _ in 0..now {
                turn.prepare_cached(
                    "INSERT INTO messages VALUES (NULL, 2, 3, 4, ?1, ?2, ?3, 0, NULL)",
                )
                .and_then(|mut insert| insert.execute((MSG_ID, CONTENT, BEGAN_MS as i64)))
                .expect("a row");
            }
            turn.commit().expect("a commit");
            left -= now;
        }
    }

    /// Reads 50 rows that stand together.
    pub fn page(&self) {
        let mut select = self
            .conn
            .prepare_cached("SELECT * FROM messages ORDER BY id DESC LIMIT 50")
            .expect("a statement");
        let mut rows = select.query([]).expect("rows");
        let mut found = 0;
        while let Some(row) = rows.next().expect("a row") {
            let content: String = row.get("content").expect("a text");
            assert_eq!(content.len(), CONTENT.len());
            found += 1;
        }
        assert_eq!(found, 50);
    }
}
