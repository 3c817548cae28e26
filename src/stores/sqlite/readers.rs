//! A few threads that read, each with a connection of its own, so that no page waits for a commit.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use rusqlite::Connection;

use crate::stores::sqlite::jobs::Read;
use crate::stores::sqlite::queue::Queue;

/// What the line before the readers holds.
pub(super) type ReadQueue = Queue<Box<dyn Read>>;

/// How many readers a machine of so many cores gets: a page is mostly copying, and the rest of the broker wants to run.
pub(super) fn readers_for(cores: usize) -> usize {
    cores.clamp(2, 4)
}

/// Starts a reader: it works until the queue is closed and empty.
pub(super) fn start(conn: Connection, queue: Arc<ReadQueue>) -> io::Result<JoinHandle<()>> {
    thread::Builder::new()
        .name("store-reader".to_owned())
        .spawn(move || {
            let mut taken = Vec::with_capacity(1);
            while queue.take(&mut taken, 1, usize::MAX) {
                for job in taken.drain(..) {
                    job.run(&conn);
                }
            }
        })
}
