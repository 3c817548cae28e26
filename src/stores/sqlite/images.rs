//! Chat pictures: a file each, in a directory beside the database, and a row that says whose it is.
//!
//! A file is written under a temporary name, synced, renamed, and its directory synced; only then the row is made. That is
//! done by a thread of its own, so that no commit waits for a picture.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Read;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use rusqlite::types::Type;
use rusqlite::{Connection, Error, Result};

use crate::broker::images::Image;
use crate::broker::images::ImageId;
use crate::broker::images::Media;
use crate::broker::limits;
use crate::broker::ports::Done;
use crate::broker::ports::StoreError;
use crate::broker::ports::Verdict;
use crate::broker::users::Uid;
use crate::stores::sqlite::columns::number;
use crate::stores::sqlite::columns::to_db;
use crate::stores::sqlite::folders;
use crate::stores::sqlite::jobs::WriteBy;
use crate::stores::sqlite::jobs::tell;
use crate::stores::sqlite::queue::Queue;
use crate::stores::sqlite::queue::Refused;
use crate::stores::sqlite::writer::WriteQueue;

/// What the line before the thread holds.
pub(super) type ImageQueue = Queue<NewImage>;

/// Most pictures that wait to be written.
pub(super) const IMAGES_WAITING_MAX: usize = 256;
/// Most bytes of pictures that wait to be written.
pub(super) const IMAGE_BYTES_WAITING_MAX: usize = 64 << 20;

/// As many of a file's first bytes as show what it is written in.
const MEDIA_BYTES: usize = 16;

/// The end of the name of a file that is not whole yet.
const UNFINISHED: &str = ".part";

/// A picture to be kept.
pub(super) struct NewImage {
    /// Whose.
    pub(super) owner: Uid,
    /// The picture.
    pub(super) image: Image,
    /// Now, milliseconds since the Unix epoch.
    pub(super) time_ms: u64,
    /// Whom to tell.
    pub(super) done: Done<Verdict<ImageId>>,
}

/// Where pictures are.
pub(super) fn directory(data: &Path) -> PathBuf {
    data.join("images")
}

fn file(directory: &Path, id: ImageId) -> PathBuf {
    directory.join(id.to_string())
}

/// Makes the directory, for its owner only, and removes what an earlier broker did not finish.
pub(super) fn prepare(directory: &Path) -> io::Result<()> {
    folders::make(directory)?;
    // An earlier broker may have made it, and died before its name was on disk: then it holds nothing that lasts.
    folders::sync_name(directory)?;
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| name.ends_with(UNFINISHED)) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Starts the thread: it works until the queue is closed and empty. `conn` is its own and only reads.
pub(super) fn start(
    directory: Arc<Path>,
    conn: Connection,
    queue: Arc<ImageQueue>,
    writes: Arc<WriteQueue>,
) -> io::Result<JoinHandle<()>> {
    thread::Builder::new()
        .name("store-images".to_owned())
        .spawn(move || {
            let mut taken = Vec::with_capacity(1);
            while queue.take(&mut taken, 1, usize::MAX) {
                for new in taken.drain(..) {
                    keep(&directory, &conn, &writes, new);
                }
            }
        })
}

/// Writes the file, then has the row written. The writer asks the rule again: it alone sees all that came before.
fn keep(directory: &Arc<Path>, conn: &Connection, writes: &WriteQueue, new: NewImage) {
    let NewImage {
        owner,
        image,
        time_ms,
        done,
    } = new;
    let row = NewRow {
        owner,
        bytes: image.bytes.len() as u64,
        time_ms,
        id: ImageId(0),
    };
    match fits(conn, &row) {
        Ok(true) => {}
        Ok(false) => return tell(done, Ok(Err(limits::IMAGES_FULL))),
        Err(error) => return tell(done, Err(StoreError::Broken(error.to_string()))),
    }
    let id = match write(directory, &image.bytes) {
        Ok(id) => id,
        Err(error) => {
            tracing::error!(%error, "the store could not write a picture");
            return tell(done, Err(StoreError::Unable(format!("a picture: {error}"))));
        }
    };
    let path = file(directory, id);
    let done: Done<Verdict<ImageId>> = Box::new(move |kept| {
        // After some failed commits nobody knows whether the row is there, and it needs its file.
        if !matches!(kept, Ok(Ok(_)) | Err(StoreError::Broken(_))) {
            remove(&path);
        }
        done(kept);
    });
    let job = WriteBy {
        request: NewRow { id, ..row },
        work: |books, row| add(&books.conn, row),
        outcome: None,
        done,
    };
    match writes.push(Box::new(job), 0) {
        Ok(()) => {}
        Err(Refused::Full(job)) => job.answer(Err(StoreError::Busy)),
        Err(Refused::Closed(job)) => job.answer(Err(StoreError::Closed)),
    }
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::warn!(%error, file = %path.display(), "a picture that was not kept could not be removed");
    }
}

/// Writes a new file. It has its name only once it is whole and on disk.
fn write(directory: &Path, bytes: &[u8]) -> io::Result<ImageId> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let id = ImageId(u128::from_be_bytes(random));
    let path = file(directory, id);
    let part = directory.join(format!("{id}{UNFINISHED}"));
    let written = write_part(&part, bytes).and_then(|()| fs::rename(&part, &path));
    if written.is_err() {
        // Else the next start removes it.
        drop(fs::remove_file(&part));
    }
    written?;
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    if synced.is_err() {
        // No row will name it.
        remove(&path);
    }
    synced.map(|()| id)
}

fn write_part(part: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(part)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A picture's row.
struct NewRow {
    id: ImageId,
    owner: Uid,
    bytes: u64,
    time_ms: u64,
}

/// Whether the owner may keep one more.
fn fits(conn: &Connection, row: &NewRow) -> Result<bool> {
    let (count, bytes) = conn
        .prepare_cached("SELECT count(*), coalesce(sum(bytes), 0) FROM images WHERE owner = ?1")?
        .query_row([to_db(row.owner.get())], |row| {
            Ok((number(row, 0)?, number(row, 1)?))
        })?;
    Ok(count < limits::IMAGES_MAX && bytes + row.bytes <= limits::IMAGES_BYTES_MAX)
}

fn add(conn: &Connection, row: &NewRow) -> Result<Verdict<ImageId>> {
    if !fits(conn, row)? {
        return Ok(Err(limits::IMAGES_FULL));
    }
    conn.prepare_cached("INSERT INTO images (id, owner, bytes, kept_ms) VALUES (?1, ?2, ?3, ?4)")?
        .execute((
            row.id.to_string(),
            to_db(row.owner.get()),
            to_db(row.bytes),
            to_db(row.time_ms),
        ))?;
    Ok(Ok(row.id))
}

/// Whether `uid` owns the picture, or is in a conversation that carries it.
pub(super) fn may_see(conn: &Connection, uid: Uid, id: ImageId) -> Result<bool> {
    conn.prepare_cached(
        "SELECT 1 FROM images i WHERE i.id = ?1 AND (i.owner = ?2 OR EXISTS (
             SELECT 1 FROM image_uses u JOIN members m ON m.conversation = u.conversation AND m.uid = ?2
             WHERE u.image = i.id))",
    )?
    .exists((id.to_string(), to_db(uid.get())))
}

/// A conversation carries a picture.
pub(super) fn use_in(conn: &Connection, id: ImageId, conversation: i64) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO image_uses (image, conversation) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
    )?
    .execute((id.to_string(), conversation))?;
    Ok(())
}

/// Which picture, and who wants it.
pub(super) struct ImageAsk {
    /// Where pictures are.
    pub(super) directory: Arc<Path>,
    /// Who.
    pub(super) reader: Uid,
    /// Which.
    pub(super) id: ImageId,
}

/// A picture, if the reader may see it.
pub(super) fn image(conn: &Connection, ask: &ImageAsk) -> Result<Option<Image>> {
    if !may_see(conn, ask.reader, ask.id)? {
        return Ok(None);
    }
    let damaged = |why: Box<dyn std::error::Error + Send + Sync>| {
        Error::FromSqlConversionFailure(0, Type::Text, why)
    };
    let bytes = fs::read(file(&ask.directory, ask.id)).map_err(|why| damaged(why.into()))?;
    let media = Media::of(&bytes).ok_or_else(|| {
        let why = format!("picture {} is in no known format", ask.id);
        damaged(why.into())
    })?;
    Ok(Some(Image {
        media,
        bytes: bytes.into(),
    }))
}

/// What the file is written in, by its first bytes.
fn media_of(path: &Path) -> std::result::Result<Media, String> {
    let mut head = Vec::with_capacity(MEDIA_BYTES);
    let read =
        File::open(path).and_then(|file| file.take(MEDIA_BYTES as u64).read_to_end(&mut head));
    read.map_err(|why| format!("its file cannot be read ({why})"))?;
    Media::of(&head).ok_or_else(|| "its file is in no known format".to_owned())
}

/// The names of the files that are whole.
pub(super) fn files(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| !name.ends_with(UNFINISHED)).collect();
    names.sort_unstable();
    names
}

/// What is wrong with the files: a line for each row without one of its size and of a known format.
pub(super) fn check(
    conn: &Connection,
    directory: &Path,
    mut finding: impl FnMut(String) -> Result<()>,
) -> Result<()> {
    let mut select = conn.prepare("SELECT id, bytes FROM images ORDER BY id")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (id, bytes): (String, i64) = (row.get(0)?, row.get(1)?);
        let Some(id) = ImageId::parse(&id) else {
            finding(format!("picture {id}: its id is no id"))?;
            continue;
        };
        let path = file(directory, id);
        match path.metadata() {
            Ok(found) if found.is_file() && u64::try_from(bytes) == Ok(found.len()) => {
                if let Err(why) = media_of(&path) {
                    finding(format!("picture {id}: {why}"))?;
                }
            }
            Ok(found) => finding(format!(
                "picture {id}: its file has {} bytes instead of {bytes}",
                found.len()
            ))?,
            Err(why) => finding(format!("picture {id}: its file cannot be read ({why})"))?,
        }
    }
    Ok(())
}
