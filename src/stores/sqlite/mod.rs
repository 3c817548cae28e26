//! The store on SQLite: one writer that shares its commits, a few readers, one file.
//!
//! It decides what is committed when. It does not know who asks.

mod backup;
mod beside;
mod books;
mod check;
mod columns;
mod confirmations;
mod conversations;
mod counts;
mod friends;
mod groups;
mod history;
mod hooks;
mod images;
mod inbox;
mod jobs;
mod lock;
mod log;
mod messages;
mod orders;
mod queue;
mod queue_pages;
mod queues;
mod readers;
mod refusal;
mod revocations;
mod rows;
mod schema;
mod sides;
mod since;
mod social;
mod states;
mod users;
mod verdict;
mod writer;

pub use backup::{BackupError, backup};
pub use beside::Beside;
pub use check::{CheckReport, check};
pub use refusal::OpenError;

use std::fs::DirBuilder;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crate::broker::command::Address;
use crate::broker::command::GroupName;
use crate::broker::destination::Name;
use crate::broker::friends::Friends;
use crate::broker::groups::Gid;
use crate::broker::groups::Group;
use crate::broker::groups::Roster;
use crate::broker::images::Image;
use crate::broker::images::ImageId;
use crate::broker::message::MessageId;
use crate::broker::orders::Location;
use crate::broker::ports::Account;
use crate::broker::ports::AddedUser;
use crate::broker::ports::Appended;
use crate::broker::ports::Before;
use crate::broker::ports::Confirmation;
use crate::broker::ports::Confirmed;
use crate::broker::ports::Counts;
use crate::broker::ports::Done;
use crate::broker::ports::HistoryPage;
use crate::broker::ports::Hook;
use crate::broker::ports::HookFate;
use crate::broker::ports::InboxPage;
use crate::broker::ports::NewMessage;
use crate::broker::ports::QueueChange;
use crate::broker::ports::QueueChanged;
use crate::broker::ports::QueuePage;
use crate::broker::ports::QueueWhich;
use crate::broker::ports::Store;
use crate::broker::ports::StoreError;
use crate::broker::ports::TokenId;
use crate::broker::ports::Verdict;
use crate::broker::social::Changed;
use crate::broker::social::Social;
use crate::broker::users::Person;
use crate::broker::users::Uid;
use crate::broker::users::UserKey;
use books::Books;
use history::HistoryAsk;
use images::{ImageAsk, ImageQueue, NewImage};
use inbox::InboxAsk;
use jobs::{ReadBy, WriteBy};
use lock::Lock;
use queue::{Queue, Refused};
use queue_pages::QueueAsk;
use readers::ReadQueue;
use since::SinceAsk;
use social::Act;
use users::NewUser;
use writer::{Condition, WriteQueue, Writer};

/// Most writes that wait; beyond that they are refused at once.
const WRITES_MAX: usize = 65_536;
/// Most bytes of content that wait to be written.
const WRITE_BYTES_MAX: usize = 64 << 20;
/// Most reads that wait.
const READS_MAX: usize = 16_384;

/// A store on an SQLite database in a directory of its own.
pub struct SqliteStore {
    writes: Arc<WriteQueue>,
    reads: Arc<ReadQueue>,
    images: Arc<ImageQueue>,
    image_directory: Arc<Path>,
    condition: Arc<Condition>,
    /// What must end before the data may be opened again; empty once closed.
    running: Mutex<Option<Running>>,
}

struct Running {
    images: JoinHandle<()>,
    writer: JoinHandle<()>,
    readers: Vec<JoinHandle<()>>,
    _lock: Lock,
}

impl SqliteStore {
    /// Opens the data in `dir`, or begins them. Only one store at a time may have them open.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        make_dir(dir)?;
        let lock = Lock::take(dir)?;
        let file = schema::database(dir);
        let failed = |why: String| OpenError::Failed {
            file: file.clone(),
            why,
        };
        let conn = schema::open(&file)?;
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let conns = (0..readers::readers_for(cores))
            .map(|_| schema::reader(&file))
            .collect::<rusqlite::Result<Vec<_>>>()
            .map_err(|error| OpenError::sqlite(&file, &error))?;

        let images_conn =
            schema::reader(&file).map_err(|error| OpenError::sqlite(&file, &error))?;
        let image_directory: Arc<Path> = images::directory(dir).into();
        images::prepare(&image_directory)
            .map_err(|why| OpenError::directory(&image_directory, &why))?;

        let writes = Arc::new(Queue::new(WRITES_MAX, WRITE_BYTES_MAX));
        let images = Arc::new(Queue::new(
            images::IMAGES_WAITING_MAX,
            images::IMAGE_BYTES_WAITING_MAX,
        ));
        let reads = Arc::new(Queue::new(READS_MAX, usize::MAX));
        let condition = Arc::new(Condition::default());
        let writer = Writer::new(
            Books::new(conn),
            Arc::clone(&writes),
            Arc::clone(&condition),
        );
        let start = || {
            let mut readers = Vec::new();
            for conn in conns {
                readers.push(readers::start(conn, Arc::clone(&reads))?);
            }
            let images = images::start(
                Arc::clone(&image_directory),
                images_conn,
                Arc::clone(&images),
                Arc::clone(&writes),
            )?;
            let writer = thread::Builder::new()
                .name("store-writer".to_owned())
                .spawn(|| writer.run())?;
            Ok(Running {
                images,
                writer,
                readers,
                _lock: lock,
            })
        };
        let running = start().map_err(|why: std::io::Error| {
            reads.close();
            images.close();
            failed(why.to_string())
        })?;
        Ok(Self {
            writes,
            reads,
            images,
            image_directory,
            condition,
            running: Mutex::new(Some(running)),
        })
    }

    /// How many times it has committed since it was opened. Writes that waited together share one.
    pub fn commits(&self) -> u64 {
        self.condition.commits()
    }

    fn write<R: Send + 'static, T: Send + 'static>(
        &self,
        request: R,
        bytes: usize,
        work: fn(&mut Books, &R) -> rusqlite::Result<T>,
        done: Done<T>,
    ) {
        let job = WriteBy {
            request,
            work,
            outcome: None,
            done,
        };
        match self.writes.push(Box::new(job), bytes) {
            Ok(()) => {}
            Err(Refused::Full(job)) => job.answer(Err(StoreError::Busy)),
            Err(Refused::Closed(job)) => job.answer(Err(StoreError::Closed)),
        }
    }

    fn read<R: Send + 'static, T: Send + 'static>(
        &self,
        request: R,
        work: fn(&rusqlite::Connection, &R) -> rusqlite::Result<T>,
        done: Done<T>,
    ) {
        let job = ReadBy {
            request,
            work,
            done,
        };
        match self.reads.push(Box::new(job), 0) {
            Ok(()) => {}
            Err(Refused::Full(job)) => job.refuse(StoreError::Busy),
            Err(Refused::Closed(job)) => job.refuse(StoreError::Closed),
        }
    }
}

impl Store for SqliteStore {
    fn append(&self, message: NewMessage, done: Done<Verdict<Appended>>) {
        let envelope = message
            .envelope
            .as_ref()
            .map_or(0, |envelope| envelope.len());
        let bytes = message.content.len() + envelope + message.ignored.len() * 32;
        self.write(message, bytes, messages::append, done);
    }

    fn confirm(&self, confirmation: Confirmation, done: Done<Confirmed>) {
        self.write(confirmation, 0, confirmations::confirm, done);
    }

    fn inbox(&self, uid: Uid, after: MessageId, limit: usize, done: Done<InboxPage>) {
        self.read(InboxAsk { uid, after, limit }, inbox::inbox, done);
    }

    fn history(
        &self,
        reader: Uid,
        with: Address,
        before: Option<Before>,
        limit: usize,
        done: Done<Verdict<HistoryPage>>,
    ) {
        let ask = HistoryAsk {
            reader,
            with,
            before,
            limit,
        };
        self.read(ask, history::history, done);
    }

    fn since(&self, uid: Uid, from_ms: u64, limit: usize, done: Done<HistoryPage>) {
        let ask = SinceAsk {
            uid,
            from_ms,
            limit,
        };
        self.read(ask, since::since, done);
    }

    fn social(&self, by: Uid, act: Social, time_ms: u64, done: Done<Verdict<Changed>>) {
        let act = Act {
            by,
            what: act,
            time_ms,
        };
        let bytes = act.bytes();
        self.write(act, bytes, social::act, done);
    }

    fn friends(&self, uid: Uid, done: Done<Friends>) {
        self.read(uid, friends::friends, done);
    }

    fn are_friends(&self, one: Uid, other: Uid, done: Done<bool>) {
        self.read((one, other), friends::are_friends, done);
    }

    fn blocks(&self, uid: Uid, done: Done<Vec<Person>>) {
        self.read(uid, friends::blocks, done);
    }

    fn groups(&self, uid: Uid, done: Done<Vec<GroupName>>) {
        self.read(uid, groups::groups, done);
    }

    fn group(&self, reader: Uid, gid: Gid, done: Done<Verdict<Group>>) {
        self.read((reader, gid), groups::group, done);
    }

    fn roster(&self, gid: Gid, done: Done<Roster>) {
        self.read(gid, groups::roster, done);
    }

    fn location(&self, uid: Uid, done: Done<Option<Location>>) {
        self.read(uid, orders::location, done);
    }

    fn keep_image(&self, owner: Uid, image: Image, time_ms: u64, done: Done<Verdict<ImageId>>) {
        let bytes = image.bytes.len();
        let new = NewImage {
            owner,
            image,
            time_ms,
            done,
        };
        match self.images.push(new, bytes) {
            Ok(()) => {}
            Err(Refused::Full(new)) => (new.done)(Err(StoreError::Busy)),
            Err(Refused::Closed(new)) => (new.done)(Err(StoreError::Closed)),
        }
    }

    fn image(&self, reader: Uid, id: ImageId, done: Done<Option<Image>>) {
        let directory = Arc::clone(&self.image_directory);
        let ask = ImageAsk {
            directory,
            reader,
            id,
        };
        self.read(ask, images::image, done);
    }

    fn due_hooks(&self, now_ms: u64, limit: usize, done: Done<Vec<Hook>>) {
        self.read((now_ms, limit), hooks::due, done);
    }

    fn settle_hook(&self, id: u64, fate: HookFate, done: Done<()>) {
        self.write(
            (id, fate),
            0,
            |books, settled| hooks::settle(&books.conn, settled),
            done,
        );
    }

    fn change_queues(&self, change: QueueChange, done: Done<QueueChanged>) {
        let bytes = change.puts.iter().map(|put| put.payload.bytes()).sum();
        self.write(change, bytes, queues::change, done);
    }

    fn queue_page(&self, queue: Name, which: QueueWhich, done: Done<QueuePage>) {
        self.read(QueueAsk { queue, which }, queue_pages::page, done);
    }

    fn add_user(
        &self,
        name: String,
        password_hash: Option<String>,
        time_ms: u64,
        done: Done<AddedUser>,
    ) {
        let new = NewUser {
            name,
            password_hash,
            time_ms,
        };
        self.write(new, 0, |books, new| users::add_user(&books.conn, new), done);
    }

    fn admit_user(&self, person: Person, time_ms: u64, done: Done<AddedUser>) {
        let new = (person, time_ms);
        self.write(
            new,
            0,
            |books, new| users::admit_user(&books.conn, new),
            done,
        );
    }

    fn user(&self, key: UserKey, done: Done<Option<Account>>) {
        self.read(key, users::find_user, done);
    }

    fn revoke(&self, token: TokenId, expires_s: u64, done: Done<()>) {
        self.write(
            (token, expires_s),
            0,
            |books, revocation| revocations::revoke(&books.conn, revocation),
            done,
        );
    }

    fn revoked(&self, now_s: u64, done: Done<Vec<TokenId>>) {
        self.write(
            now_s,
            0,
            |books, now_s| revocations::revoked(&books.conn, now_s),
            done,
        );
    }

    fn counts(&self, done: Done<Counts>) {
        self.read((), |conn, ()| counts::counts(conn), done);
    }

    fn health(&self) -> Result<(), String> {
        self.condition.health()
    }

    fn close(&self) {
        self.images.close();
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Running {
            images,
            writer,
            readers,
            _lock,
        }) = running.take()
        else {
            return;
        };
        // Pictures that wait still need the writer.
        end(images);
        self.writes.close();
        self.reads.close();
        readers.into_iter().chain([writer]).for_each(end);
    }
}

/// Waits for a worker, which has nothing more to do. An answer may have dropped the last handle; then this is the worker
/// itself, which ends without being waited for.
fn end(worker: JoinHandle<()>) {
    if worker.thread().id() != thread::current().id() && worker.join().is_err() {
        tracing::error!("a thread of the store panicked");
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.close();
    }
}

/// Makes the data directory, for its owner only.
fn make_dir(dir: &Path) -> Result<(), OpenError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(dir)
        .map_err(|why| OpenError::directory(dir, &why))
}
