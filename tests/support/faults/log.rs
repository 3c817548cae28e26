//! What `faults.c` has written down, in the order in which it was done, and the marks of a test between.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

/// One thing that was done to a disk. Files and folders are named by their inode, as names change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A file was made.
    Create { path: PathBuf, inode: u64 },
    /// Bytes were written.
    Write {
        inode: u64,
        offset: u64,
        bytes: Vec<u8>,
    },
    /// A file has another length.
    Truncate { inode: u64, length: u64 },
    /// A file or a folder was synced.
    Sync { inode: u64 },
    /// A name was removed.
    Unlink { path: PathBuf },
    /// A file has another name.
    Rename { from: PathBuf, to: PathBuf },
    /// A file has a second name.
    Link { from: PathBuf, to: PathBuf },
    /// A folder was made.
    Mkdir { path: PathBuf, inode: u64 },
    /// The test has written this.
    Mark(String),
}

/// The kind of an entry that is a mark; the others are in `faults.c`.
const MARK: u32 = 100;

/// Bytes of an entry's head.
const HEAD: usize = 32;

/// Writes a mark behind all that was done so far.
pub fn mark(log: &Path, text: &str) {
    let mut entry = Vec::with_capacity(HEAD + text.len());
    entry.extend(MARK.to_ne_bytes());
    entry.extend((text.len() as u32).to_ne_bytes());
    entry.extend([0; 24]);
    entry.extend(text.bytes());
    // One write, which Linux puts behind those of the broker as a whole.
    let mut file = OpenOptions::new().append(true).open(log).expect("a log");
    file.write_all(&entry).expect("a mark");
}

/// All that was written down.
pub fn read(log: &Path) -> Vec<Entry> {
    let bytes = std::fs::read(log).expect("a log");
    let mut rest = &bytes[..];
    let mut entries = Vec::new();
    // A process that was killed may have left a part of an entry at the end.
    while let Some((entry, more)) = first(rest) {
        entries.push(entry);
        rest = more;
    }
    entries
}

fn first(bytes: &[u8]) -> Option<(Entry, &[u8])> {
    let (head, rest) = bytes.split_at_checked(HEAD)?;
    let short = |at: usize| u32::from_ne_bytes(head[at..at + 4].try_into().expect("4 bytes"));
    let long = |at: usize| u64::from_ne_bytes(head[at..at + 8].try_into().expect("8 bytes"));
    let (kind, inode, offset) = (short(0), long(8), long(16));
    let (path, rest) = rest.split_at_checked(short(4) as usize)?;
    let (data, rest) = rest.split_at_checked(long(24) as usize)?;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    let (path, to) = (text(path), || PathBuf::from(text(data)));
    let length = offset;
    let entry = match kind {
        1 => Entry::Create {
            path: path.into(),
            inode,
        },
        2 => Entry::Write {
            inode,
            offset,
            bytes: data.to_vec(),
        },
        3 => Entry::Truncate { inode, length },
        4 => Entry::Sync { inode },
        5 => Entry::Unlink { path: path.into() },
        6 => Entry::Rename {
            from: path.into(),
            to: to(),
        },
        7 => Entry::Link {
            from: path.into(),
            to: to(),
        },
        8 => Entry::Mkdir {
            path: path.into(),
            inode,
        },
        MARK => Entry::Mark(path),
        other => panic!("an entry of the kind {other}"),
    };
    Some((entry, rest))
}
