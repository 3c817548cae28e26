//! The store on SQLite: one writer that shares its commits, a few readers, one file.
//!
//! It decides what is committed when. It does not know who asks.

mod backup;
mod beside;
mod books;
mod check;
mod columns;
mod condition;
mod confirmations;
mod conversation;
mod conversations;
mod counts;
mod folders;
mod friends;
mod groups;
mod history;
mod hooks;
mod images;
mod inbox;
mod jobs;
mod lanes;
mod lock;
mod log;
mod messages;
mod msg_ids;
mod orders;
mod port;
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
pub use condition::Figures;
pub use refusal::OpenError;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crate::broker::ports::Done;
use crate::broker::ports::StoreError;
use books::Books;
use condition::Condition;
use images::ImageQueue;
use jobs::{ReadBy, WriteBy};
use lock::Lock;
use queue::{Queue, Refused};
use readers::ReadQueue;
use writer::{WriteQueue, Writer};

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
            conn,
            file.clone(),
            Arc::clone(&writes),
            Arc::clone(&condition),
        )
        .map_err(|error| OpenError::sqlite(&file, &error))?;
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

    /// What it has counted since it was opened.
    pub fn figures(&self) -> Figures {
        self.condition.figures()
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

    /// Finishes what was taken, and ends the threads.
    fn shut(&self) {
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
        self.shut();
    }
}

/// Makes the data directory, for its owner only.
fn make_dir(dir: &Path) -> Result<(), OpenError> {
    folders::make(dir).map_err(|why| OpenError::directory(dir, &why))?;
    // An earlier broker may have made it and died; but whose folder it stands in, and on what, is not ours to ask.
    drop(folders::sync_name(dir));
    Ok(())
}
