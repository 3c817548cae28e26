//! The broker as a process of its own: started, asked, killed.

use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::mpsc::unbounded_channel;

use crate::support::people;

/// A broker that runs. It is killed when this is dropped.
pub struct Running {
    child: Child,
    /// Where it listens, `127.0.0.1:PORT`.
    pub address: String,
    /// All that it says it listens on: URLs without a path, HTTP first.
    pub urls: Vec<String>,
    /// What it has said on stdout so far, a line each.
    pub said: Arc<Mutex<Vec<String>>>,
}

/// The program itself, with its data in `data`.
pub fn command(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hongyan"));
    command.args(arguments).arg("--data").arg(data);
    command
}

/// `hongyan serve` on a free port, as [`Running::start`] runs it.
pub fn serve(data: &Path, arguments: &[&str]) -> Command {
    let key = people::key_file(data);
    let mut command = command(data, &["serve", "--listen", "127.0.0.1:0"]);
    command
        .args(["--message-rate", "1000000", "--log", "warn", "--jwt-key"])
        .arg(key)
        .args(arguments);
    command
}

impl Running {
    /// Starts it on a free port. It knows the tokens of [`people`], and nobody sends too fast for it.
    pub fn start(data: &Path, arguments: &[&str]) -> Self {
        Self::spawn(serve(data, arguments))
    }

    /// Runs `command` until it says where it listens.
    pub fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .expect("the broker starts");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut lines = lines.map_while(Result::ok);
        let over_tcp = command.get_args().any(|arg| arg == "--stomp-listen");
        let said = Arc::new(Mutex::new(Vec::new()));
        let urls: Vec<String> = lines
            .by_ref()
            .inspect(|line| said.lock().expect("no panic").push(line.clone()))
            .filter_map(|line| line.strip_prefix("listening on ").map(str::to_owned))
            .take(if over_tcp { 2 } else { 1 })
            .collect();
        let address = address(urls.first().expect("the broker says where it listens"));
        // Somebody must read the rest, or the broker would wait for it.
        let more = Arc::clone(&said);
        std::thread::spawn(move || {
            lines.for_each(|line| more.lock().expect("no panic").push(line));
        });
        Self {
            child,
            address,
            urls,
            said,
        }
    }

    /// Where it listens for STOMP over TCP, `127.0.0.1:PORT`.
    pub fn stomp_address(&self) -> String {
        address(self.urls.get(1).expect("--stomp-listen was given"))
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().expect("it was alive");
        self.child.wait().expect("it is dead");
    }

    /// How it ended, by itself.
    pub fn ended(mut self) -> ExitStatus {
        self.child.wait().expect("it has ended")
    }

    /// SIGTERM, and how it ended.
    pub fn terminate(mut self) -> ExitStatus {
        self.signal("-TERM");
        self.child.wait().expect("it has ended")
    }

    /// How it ended, where a signal has told it to.
    pub fn terminated(mut self) -> ExitStatus {
        self.child.wait().expect("it has ended")
    }

    /// How many files and connections it has open.
    pub fn open_files(&self) -> u64 {
        let folder = format!("/proc/{}/fd", self.child.id());
        let names = std::fs::read_dir(folder).expect("a Linux machine");
        names.count() as u64
    }

    /// A signal by its name.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &pid]).status();
        assert!(sent.expect("kill").success());
    }

    /// What it says on stderr, a line each, where that was piped; once.
    pub fn log(&mut self) -> UnboundedReceiver<String> {
        let stderr = self.child.stderr.take().expect("a pipe");
        let mut lines = BufReader::new(stderr).lines().map_while(Result::ok);
        let (said, log) = unbounded_channel();
        std::thread::spawn(move || lines.all(|line| said.send(line).is_ok()));
        log
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its resident memory, in bytes.
    pub fn resident_bytes(&self) -> u64 {
        self.status("VmRSS:") * 1024
    }

    /// What it may write to of its address space, in bytes.
    pub fn data_bytes(&self) -> u64 {
        self.status("VmData:") * 1024
    }

    /// How many threads it has.
    pub fn threads(&self) -> u64 {
        self.status("Threads:")
    }

    fn status(&self, name: &str) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("a Linux machine");
        let line = status
            .lines()
            .find(|line| line.starts_with(name))
            .expect(name);
        line.split_whitespace()
            .nth(1)
            .and_then(|number| number.parse().ok())
            .expect("a number")
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }
}

fn address(url: &str) -> String {
    let (_, address) = url.split_once("://").expect("a URL");
    address.to_owned()
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
