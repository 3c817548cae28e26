//! Faults at the file layer of a broker that runs as a process: `faults.c` between it and libc, ruled from here.
//!
//! ```ignore
//! let mut faults = Faults::new(folder.path());
//! faults.attach(&mut command);
//! let rule = faults.arm(&Rule::on("hongyan.db-wal", SYNC).fail(EIO));
//! faults.fired(&rule).await;
//! faults.disarm(rule);
//! ```

pub mod log;

use std::collections::HashMap;
use std::fs::File;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use sha1::Digest;
use sha1::Sha1;
use tempfile::TempDir;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::mpsc::unbounded_channel;

use crate::support::client::soon;

/// The library's source.
const SOURCE: &str = include_str!("faults.c");

/// Rules at a time, and the bytes of one; as in `faults.c`.
const RULES: usize = 16;
const RULE_BYTES: usize = 256;
const SUFFIX_BYTES: usize = 200;

// Operations, to be joined with `|`; as in `faults.c`.
/// A file is opened.
pub const OPEN: u32 = 1;
/// Bytes are written.
pub const WRITE: u32 = 2;
/// A file or a folder is synced.
pub const SYNC: u32 = 4;
/// A file is cut, or made longer.
pub const TRUNCATE: u32 = 8;
/// A name is removed.
pub const UNLINK: u32 = 16;
/// A name is changed; the new one is compared.
pub const RENAME: u32 = 32;
/// A connection is accepted; the rule's path is to be empty.
pub const ACCEPT: u32 = 64;
/// A second name is given; that one is compared.
pub const LINK: u32 = 128;
/// A folder is made.
pub const MKDIR: u32 = 256;
/// All that changes what is on the disk.
pub const CHANGE: u32 = OPEN | WRITE | SYNC | TRUNCATE | UNLINK | RENAME | LINK | MKDIR;

// Errors, by their numbers on Linux.
/// Input/output error.
pub const EIO: u32 = 5;
/// Too many open files.
pub const EMFILE: u32 = 24;
/// No space left on the device.
pub const ENOSPC: u32 = 28;
/// The file system is read-only.
pub const EROFS: u32 = 30;

/// What is to happen at which operations. Nothing, until it is told what.
#[derive(Clone, Debug)]
pub struct Rule {
    suffix: String,
    operations: u32,
    action: u32,
    error: u32,
    skip: u64,
    times: u64,
}

impl Rule {
    /// On operations on files whose path ends with `suffix` (all files below the watched folder, if that is empty).
    pub fn on(suffix: &str, operations: u32) -> Self {
        assert!(suffix.len() < SUFFIX_BYTES, "{suffix}");
        Self {
            suffix: suffix.to_owned(),
            operations,
            action: 0,
            error: 0,
            skip: 0,
            times: 0,
        }
    }

    /// Not before the `n`-th such operation since the rule was armed (1 is the first).
    pub fn from(mut self, n: u64) -> Self {
        self.skip = n - 1;
        self
    }

    /// Not more than `n` times (else until it is disarmed).
    pub fn times(mut self, n: u64) -> Self {
        self.times = n;
        self
    }

    /// The process dies (SIGKILL) instead of doing it.
    pub fn kill_before(self) -> Self {
        self.act(1)
    }

    /// The process dies when it has done it.
    pub fn kill_after(self) -> Self {
        self.act(2)
    }

    /// Of a write only half of the bytes are written; then the process dies.
    pub fn kill_torn(self) -> Self {
        self.act(3)
    }

    /// It fails with this error.
    pub fn fail(mut self, error: u32) -> Self {
        self.error = error;
        self.act(4)
    }

    /// The first write writes only half of its bytes; all that comes after it fails with this error.
    pub fn fail_short(mut self, error: u32) -> Self {
        self.error = error;
        self.act(5)
    }

    /// It waits until the rule is disarmed.
    pub fn stall(self) -> Self {
        self.act(6)
    }

    /// What was done is written down in the [`log`].
    pub fn record(self) -> Self {
        self.act(7)
    }

    fn act(mut self, action: u32) -> Self {
        self.action = action;
        self
    }

    fn bytes(&self, token: u64) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(RULE_BYTES);
        for number in [0, self.operations, self.action, self.error] {
            bytes.extend(number.to_ne_bytes());
        }
        for number in [self.skip, self.times, 0, 0, token] {
            bytes.extend(number.to_ne_bytes());
        }
        bytes.extend(self.suffix.bytes());
        bytes.resize(RULE_BYTES, 0);
        bytes
    }
}

/// A rule that holds.
pub struct Armed {
    number: usize,
    token: u64,
    /// Of a rule that stalls: locked until it is disarmed.
    gate: Option<File>,
}

/// What stands between one broker after the other and the files below a folder.
pub struct Faults {
    watched: PathBuf,
    own: TempDir,
    control: File,
    free: Vec<usize>,
    events: UnboundedReceiver<u64>,
    /// Firings of other rules than the one that was waited for, by token.
    told: HashMap<u64, u64>,
    tokens: u64,
}

impl Faults {
    /// Watches all files below `folder`, which must be absolute.
    pub fn new(folder: &Path) -> Self {
        assert!(folder.is_absolute(), "{}", folder.display());
        let own = tempfile::tempdir().expect("a folder");
        let control = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(own.path().join("control"))
            .expect("a file");
        control
            .set_len((RULES * RULE_BYTES) as u64)
            .expect("a file of that length");
        File::create(own.path().join("log")).expect("a file");
        let socket = UnixDatagram::bind(own.path().join("events")).expect("a socket");
        let (tell, events) = unbounded_channel();
        std::thread::spawn(move || {
            let mut text = [0; 32];
            // What is no number is the word of the drop that it is over.
            while let Ok(length) = socket.recv(&mut text) {
                let digits = str::from_utf8(&text[..length]).expect("text");
                let Ok(token) = digits.parse() else { return };
                let _ = tell.send(token);
            }
        });
        Self {
            watched: folder.to_owned(),
            own,
            control,
            free: (0..RULES).rev().collect(),
            events,
            told: HashMap::new(),
            tokens: 0,
        }
    }

    /// Puts itself between what `command` starts and libc.
    pub fn attach(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", library())
            .env("FAULTS_FOLDER", self.own.path())
            .env("FAULTS_ROOT", &self.watched);
    }

    /// From now on this holds.
    pub fn arm(&mut self, rule: &Rule) -> Armed {
        assert!(rule.action != 0, "{rule:?} does nothing");
        let number = self.free.pop().expect("not more than 16 rules at a time");
        let gate = (rule.action == 6).then(|| {
            let gate = File::create(self.own.path().join(format!("gate-{number}")));
            let gate = gate.expect("a file");
            gate.lock().expect("a lock");
            gate
        });
        self.tokens += 1;
        let token = self.tokens;
        self.put(number, &rule.bytes(token));
        self.put(number, &1_u32.to_ne_bytes());
        Armed {
            number,
            token,
            gate,
        }
    }

    /// It holds no longer; what it has stalled goes on.
    pub fn disarm(&mut self, armed: Armed) {
        self.put(armed.number, &0_u32.to_ne_bytes());
        self.free.push(armed.number);
        drop(armed.gate);
    }

    /// Waits until it has fired once more than was waited for.
    pub async fn fired(&mut self, armed: &Armed) {
        loop {
            let waited_for = self.told.entry(armed.token).or_default();
            if *waited_for > 0 {
                *waited_for -= 1;
                return;
            }
            let token = soon("a fault", self.events.recv()).await;
            *self.told.entry(token.expect("a socket")).or_default() += 1;
        }
    }

    /// How many operations it has matched so far.
    pub fn seen(&self, armed: &Armed) -> u64 {
        self.number(armed, 32)
    }

    /// At how many of them it has fired.
    pub fn fired_so_far(&self, armed: &Armed) -> u64 {
        self.number(armed, 40)
    }

    /// The file of what was recorded.
    pub fn log(&self) -> PathBuf {
        self.own.path().join("log")
    }

    fn number(&self, armed: &Armed, at: usize) -> u64 {
        let mut bytes = [0; 8];
        let at = (armed.number * RULE_BYTES + at) as u64;
        self.control.read_exact_at(&mut bytes, at).expect("read");
        u64::from_ne_bytes(bytes)
    }

    fn put(&self, number: usize, bytes: &[u8]) {
        let at = (number * RULE_BYTES) as u64;
        self.control.write_all_at(bytes, at).expect("written");
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        let word = UnixDatagram::unbound().expect("a socket");
        let _ = word.send_to(b"over", self.own.path().join("events"));
    }
}

/// The library, built when it is first needed, and again when its source has changed.
fn library() -> PathBuf {
    let hash: String = Sha1::digest(SOURCE)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let library = folder.join(format!("faults-{hash}.so"));
    if library.exists() {
        return library;
    }
    // Several tests may do so at once; each under a name of its own first.
    let place = tempfile::tempdir_in(folder).expect("a folder");
    let (source, made) = (
        place.path().join("faults.c"),
        place.path().join("faults.so"),
    );
    std::fs::write(&source, SOURCE).expect("written");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o"])
        .args([&made, &source])
        .args(["-ldl", "-lpthread"])
        .output()
        .unwrap_or_else(|why| {
            panic!("the faults of files need a C compiler: install cc (Debian: apt install gcc libc6-dev) ({why})")
        });
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(
        built.status.success(),
        "faults.c does not compile; it needs Linux with glibc and its headers (Debian: apt install gcc libc6-dev): {said}"
    );
    std::fs::rename(&made, &library).expect("named");
    library
}
