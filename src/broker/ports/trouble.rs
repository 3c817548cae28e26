//! What a store says when it does not do what was asked, and how it is meanwhile.

use std::fmt;

/// Why the store did not do what was asked. Nothing of the request was kept, except that after
/// [`StoreError::Broken`] a write may still have reached the disk: asking again with the same msgID is safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// Too much waits already. Try again.
    Busy,
    /// The disk or the database failed; the text is for the log, never for a client.
    Broken(String),
    /// The same, and it is certain that nothing of it was kept.
    Unable(String),
    /// The store is closing.
    Closed,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("too many requests wait for the store"),
            Self::Broken(why) | Self::Unable(why) => write!(f, "the store failed: {why}"),
            Self::Closed => f.write_str("the store is closing"),
        }
    }
}

impl std::error::Error for StoreError {}

/// Why the store can't keep anything now: in words for whoever runs the broker, which may be read by anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// There is no room.
    DiskFull,
    /// It may not be written.
    ReadOnly,
    /// Reading, writing or syncing failed.
    DiskFailed,
    /// A file could not be opened; mostly the process has no descriptors left.
    NoFile,
    /// There is no memory.
    NoMemory,
    /// Another program writes and does not come to an end.
    Locked,
    /// The database is not what it was.
    Damaged,
    /// Something else; the log says more.
    Failed,
    /// A bug.
    Panicked,
}

impl Trouble {
    /// Whether only a restart can help.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Damaged | Self::Panicked)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DiskFull => "the disk is full; it goes on by itself when there is room",
            Self::ReadOnly => {
                "the disk or the database is read-only; it goes on by itself when it may be written"
            }
            Self::DiskFailed => "the disk failed; it goes on by itself when the disk works again",
            Self::NoFile => {
                "a file can't be opened, perhaps for want of descriptors; it goes on by itself when that works again"
            }
            Self::NoMemory => "there is no memory; it goes on by itself when there is some",
            Self::Locked => {
                "another program keeps the database locked; it goes on by itself when that ends"
            }
            Self::Damaged => "the database is damaged; restart with a backup in its place",
            Self::Failed => "the database failed; it goes on by itself when that is over",
            Self::Panicked => "a bug stopped it; restart it",
        })
    }
}
