//! What the database file must look like before it is trusted, and the steps that bring an older one up to date.

use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Read;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::stores::sqlite::books::read_tail;
use crate::stores::sqlite::folders;
use crate::stores::sqlite::refusal::OpenError;

/// Each brings the schema from the number of those before it to one more.
const STEPS: &[&str] = &[
    include_str!("schema/0001_first.sql"),
    include_str!("schema/0002_queues.sql"),
    include_str!("schema/0003_people.sql"),
    include_str!("schema/0004_msg_ids.sql"),
];
/// "HYan" in the file's header says whose it is.
const APPLICATION_ID: i64 = 0x4859_616e;
/// How long to wait for a command that writes beside the broker.
const BUSY_MAX: Duration = Duration::from_secs(5);
/// Files up to this size are checked whole at opening; greater ones by `check`.
const QUICK_CHECK_BYTES_MAX: u64 = 64 << 20;
/// A disk that takes so many bytes has room.
const ROOM_BYTES: usize = 1 << 20;
/// No file of ours has as many different statements.
const STATEMENTS_MAX: usize = 160;

const MAGIC: &[u8] = b"SQLite format 3\0";
const HEADER_BYTES: usize = 100;

/// Where the database of a data directory is.
pub(super) fn database(dir: &Path) -> PathBuf {
    dir.join("hongyan.db")
}

/// Opens a database to write, makes it if there is none, and brings its schema up to date.
pub(super) fn open(file: &Path) -> Result<Connection, OpenError> {
    open_or_begin(file).map_err(|error| match error {
        // SQLite says that the disk failed, and not how.
        OpenError::Failed { file: failed, why } => OpenError::Failed {
            why: match find_room(file) {
                Ok(()) => why,
                Err(disk) => format!("{why}; the disk says: {disk}"),
            },
            file: failed,
        },
        other => other,
    })
}

fn open_or_begin(file: &Path) -> Result<Connection, OpenError> {
    if !examine(file)? {
        begin(file)?;
    }
    // Left by a broker that was killed.
    drop(remove(&room(file)));
    let (mut conn, _) = open_sound(file, OpenFlags::empty())?;
    settle(file, &mut conn)?;
    prepare(file, conn)
}

/// Opens a database anew that other connections of this process have open. Nothing here may open and close the file itself
/// beside SQLite: that would drop the locks that the other connections have on it.
pub(super) fn reopen(file: &Path) -> Result<Connection, OpenError> {
    let mut conn = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .map_err(|error| OpenError::sqlite(file, &error))?;
    if !verify(file, &conn)? {
        return Err(OpenError::Missing {
            file: file.to_owned(),
        });
    }
    settle(file, &mut conn)?;
    prepare(file, conn)
}

/// Makes certain that what the write-ahead log shows is on the disk, and that the disk takes more.
///
/// After a failed fsync the system may keep what it could not write in its memory, and call it written: the next fsync
/// succeeds and says nothing of it. SQLite alone would be right within one process, because it writes what failed again,
/// at the same place. But a broker that is started after that, or a command beside none, reads the log as the system
/// shows it, finds the failed commit whole, and would write behind it what depends on it. A power cut would then take
/// both, and the second was acknowledged. Even a checkpoint might leave half of it: pages in the database that the log on
/// the disk knows nothing of. So before anything is built on the log, all of it is written again, as it is, and synced.
/// Nobody else writes meanwhile, since this holds the right to write.
fn settle(file: &Path, conn: &mut Connection) -> Result<(), OpenError> {
    let failed = |error: rusqlite::Error| OpenError::sqlite(file, &error);
    conn.pragma_update(None, "synchronous", "FULL")
        .map_err(failed)?;
    let turn = conn
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    write_anew(&wal(file)).map_err(|why| OpenError::Failed {
        file: wal(file),
        why: why.to_string(),
    })?;
    touch(&turn).map_err(failed)?;
    turn.commit().map_err(failed)
}

/// Writes something that changes nothing: its commit shows whether the disk takes more.
pub(super) fn touch(conn: &Connection) -> rusqlite::Result<()> {
    conn.pragma_update(None, "user_version", version(conn)?)
}

/// Whether the directory of `file` takes [`ROOM_BYTES`]: they are written, and go again.
pub(super) fn find_room(file: &Path) -> io::Result<()> {
    let place = room(file);
    let written = File::create(&place).and_then(|mut opened| {
        opened.write_all(&vec![0; ROOM_BYTES])?;
        opened.sync_all()
    });
    let removed = remove(&place);
    written.and(removed)
}

/// The file that [`find_room`] makes.
fn room(file: &Path) -> PathBuf {
    file.with_extension("room")
}

/// Writes a file's bytes again, where they are, and syncs them, and the directory that has its name.
fn write_anew(path: &Path) -> io::Result<()> {
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let mut part = vec![0; 1 << 20];
    let mut at = 0;
    loop {
        let read = file.read_at(&mut part, at)?;
        if read == 0 {
            break;
        }
        file.write_all_at(&part[..read], at)?;
        at += read as u64;
    }
    file.sync_all()?;
    folders::sync_name(path)
}

/// Makes a database beside its place, and puts it there when it is whole: so an empty file there is a damaged one, and
/// whoever begins the same data at the same time finds one of the two.
fn begin(file: &Path) -> Result<(), OpenError> {
    let failed = |why: io::Error| OpenError::Failed {
        file: file.to_owned(),
        why: why.to_string(),
    };
    let fresh = file.with_extension(format!("new-{}", std::process::id()));
    remove(&fresh).map_err(failed)?;
    let conn = connect(
        &fresh,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
    );
    let conn = prepare(file, conn.map_err(|error| OpenError::sqlite(file, &error))?)?;
    // Steps that make a table anew leave pages behind.
    conn.execute_batch("VACUUM")
        .map_err(|error| OpenError::sqlite(file, &error))?;
    // The last to close moves the write-ahead log into the file.
    conn.close()
        .map_err(|(_, error)| OpenError::sqlite(file, &error))?;
    File::open(&fresh)
        .and_then(|made| made.sync_all())
        .map_err(failed)?;
    match std::fs::hard_link(&fresh, file) {
        Err(why) if why.kind() != io::ErrorKind::AlreadyExists => return Err(failed(why)),
        Ok(()) | Err(_) => remove(&fresh).map_err(failed)?,
    }
    folders::sync_name(file).map_err(failed)
}

fn remove(file: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(file) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => Err(why),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Opens a database that must be there, to look at it.
pub(super) fn open_existing(file: &Path) -> Result<Connection, OpenError> {
    let missing = || OpenError::Missing {
        file: file.to_owned(),
    };
    if !examine(file)? {
        return Err(missing());
    }
    match open_sound(file, OpenFlags::empty())? {
        (conn, true) => Ok(conn),
        (_, false) => Err(missing()),
    }
}

/// Refuses a database that has not all the steps yet: its tables are not those that this program knows.
pub(super) fn refuse_older(file: &Path, conn: &Connection) -> Result<(), OpenError> {
    let found = version(conn).map_err(|error| OpenError::sqlite(file, &error))?;
    if found >= known() {
        return Ok(());
    }
    Err(OpenError::Older {
        file: file.to_owned(),
        found,
        known: known(),
    })
}

/// Refuses a file that is not sound or not ours; else also tells whether anything is in it yet.
fn open_sound(file: &Path, more: OpenFlags) -> Result<(Connection, bool), OpenError> {
    let exists = examine(file)?;
    let conn = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE | more)
        .map_err(|error| OpenError::sqlite(file, &error))?;
    let begun = exists && verify(file, &conn)?;
    Ok((conn, begun))
}

/// A connection that only reads.
pub(super) fn reader(file: &Path) -> rusqlite::Result<Connection> {
    let conn = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    conn.pragma_update(None, "query_only", true)?;
    conn.pragma_update(None, "cache_size", -8_192)?;
    Ok(conn)
}

fn connect(file: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags(file, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(BUSY_MAX)?;
    // A plan must not depend on the values bound: a bound LIMIT alone would have the statement prepared anew each time.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(conn)
}

/// Looks at the file's first bytes before SQLite does: opening a strange file may already change it. False where there
/// is no file yet.
fn examine(file: &Path) -> Result<bool, OpenError> {
    let failed = |why: io::Error| OpenError::Failed {
        file: file.to_owned(),
        why: why.to_string(),
    };
    let foreign = || OpenError::Foreign {
        file: file.to_owned(),
    };
    let size = match file.metadata() {
        Ok(found) if found.is_file() => found.len(),
        Ok(_) => return Err(foreign()),
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(why) => return Err(failed(why)),
    };
    if size == 0 {
        return Err(OpenError::damaged(file, "it is empty"));
    }
    let mut header = Vec::with_capacity(HEADER_BYTES);
    File::open(file)
        .and_then(|opened| opened.take(HEADER_BYTES as u64).read_to_end(&mut header))
        .map_err(failed)?;
    if !header.starts_with(MAGIC) {
        return Err(foreign());
    }
    if header.len() < HEADER_BYTES {
        return Err(OpenError::damaged(file, "its header is cut short"));
    }
    // The newest header may still be in the write-ahead log; then only SQLite can tell.
    if wal_bytes(file) > 0 {
        return Ok(true);
    }
    let [application, schema] = [68, 60].map(|offset| number_at(&header, offset));
    if application != 0 && application != APPLICATION_ID {
        return Err(foreign());
    }
    if application == APPLICATION_ID {
        refuse_newer(file, schema)?;
    }
    let page_bytes = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65_536,
        bytes => u64::from(bytes),
    };
    // The header knows the file's length only if the last change was by a program that writes it.
    let length_known = number_at(&header, 24) == number_at(&header, 92);
    let pages = u64::try_from(number_at(&header, 28)).unwrap_or(u64::MAX);
    if length_known && pages.saturating_mul(page_bytes) > size {
        return Err(OpenError::damaged(file, "it is cut short"));
    }
    Ok(true)
}

fn wal_bytes(file: &Path) -> u64 {
    wal(file).metadata().map_or(0, |found| found.len())
}

/// The write-ahead log of a database.
fn wal(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// A big-endian number of four bytes in the header, signed as SQLite shows it.
fn number_at(header: &[u8], offset: usize) -> i64 {
    let bytes = header[offset..offset + 4].iter();
    let number = bytes.fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    i64::from(number as i32)
}

/// The number of the steps that a database has.
fn version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn known() -> i64 {
    STEPS.len() as i64
}

fn refuse_newer(file: &Path, found: i64) -> Result<(), OpenError> {
    if (0..=known()).contains(&found) {
        return Ok(());
    }
    Err(OpenError::Newer {
        file: file.to_owned(),
        found,
        known: known(),
    })
}

/// Asks SQLite what the file is, and whether it is sound. False where nothing is in it yet.
fn verify(file: &Path, conn: &Connection) -> Result<bool, OpenError> {
    let failed = |error: rusqlite::Error| OpenError::sqlite(file, &error);
    // Until the file is accepted, and its write-ahead log known to be on the disk, that is not moved into it.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .map_err(failed)?;
    let application: i64 = conn
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(failed)?;
    let version = version(conn).map_err(failed)?;
    let objects: i64 = conn
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(failed)?;
    let empty = application == 0 && objects == 0;
    if application != APPLICATION_ID && !empty {
        return Err(OpenError::Foreign {
            file: file.to_owned(),
        });
    }
    refuse_newer(file, version)?;
    let size = file.metadata().map_or(0, |found| found.len());
    if size <= QUICK_CHECK_BYTES_MAX {
        let verdict: String = conn
            .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
            .map_err(failed)?;
        if verdict != "ok" {
            return Err(OpenError::damaged(file, one_line(&verdict)));
        }
    } else {
        read_tail(conn).map_err(failed)?;
    }
    Ok(!empty)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Sets a sound database up for writing.
fn prepare(file: &Path, mut conn: Connection) -> Result<Connection, OpenError> {
    let mut prepare = || {
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
        conn.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             PRAGMA wal_autocheckpoint = 4096; PRAGMA journal_size_limit = 67108864;
             PRAGMA cache_size = -12288;",
        )?;
        // A step may make a table anew that others refer to; the setting has no effect inside a transaction.
        conn.pragma_update(None, "foreign_keys", false)?;
        migrate(&mut conn)?;
        conn.pragma_update(None, "foreign_keys", true)
    };
    prepare().map_err(|error| OpenError::sqlite(file, &error))?;
    Ok(conn)
}

fn migrate(conn: &mut Connection) -> rusqlite::Result<()> {
    // Each step asks anew inside its transaction: a command beside the broker may have taken it meanwhile.
    loop {
        let step = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version = version(&step)?;
        let Some(sql) = usize::try_from(version).ok().and_then(|at| STEPS.get(at)) else {
            return Ok(());
        };
        step.execute_batch(sql)?;
        // What was not enforced meanwhile must hold at the end.
        if step.prepare("PRAGMA foreign_key_check")?.exists([])? {
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY);
            let why = "its rows refer to missing ones; `hongyan check` names them".to_owned();
            return Err(rusqlite::Error::SqliteFailure(code, Some(why)));
        }
        step.pragma_update(None, "application_id", APPLICATION_ID)?;
        step.pragma_update(None, "user_version", version + 1)?;
        step.commit()?;
    }
}
