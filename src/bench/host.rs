//! What the load goes to: a broker that was given, or one of our own in a temporary folder, ended and removed with the run.

use std::io::BufRead;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use http::Uri;

use crate::bench::Failed;
use crate::bench::bare;
use crate::bench::failed;
use crate::bench::people::Key;
use crate::config::BenchOptions;
use crate::config::Scenario;

/// A broker under load.
pub(super) struct Host {
    /// Where STOMP is spoken: `ws://…` or `stomp://…`.
    pub(super) url: Uri,
    /// What tokens are signed with, where we may.
    pub(super) key: Option<Key>,
    /// Its process, where that is known.
    pid: Option<u32>,
    /// Whether it is our own, which nobody else uses.
    pub(super) own: bool,
    /// How long it took from its start until it served, where it is our own.
    pub(super) start: Option<Duration>,
    _child: Option<Own>,
}

/// A broker of our own: killed and removed when this is dropped.
struct Own {
    child: Child,
    folder: PathBuf,
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Host {
    /// The broker that `options` name, or one that is started now. Errors: the URL is of no use, the key can't be read, or
    /// the broker does not start.
    pub(super) fn of(options: &BenchOptions) -> Result<Self, Failed> {
        let Some(url) = &options.url else {
            return Self::start(options);
        };
        if !matches!(url.scheme_str(), Some("ws" | "stomp")) || url.authority().is_none() {
            return Err(failed(
                &format!("--url {url}"),
                "allowed is ws://HOST:PORT/PATH or stomp://HOST:PORT",
            ));
        }
        let key = options.key.as_deref().map(Key::read).transpose()?;
        Ok(Self {
            url: url.clone(),
            key,
            pid: options.pid,
            own: false,
            start: None,
            _child: None,
        })
    }

    fn start(options: &BenchOptions) -> Result<Self, Failed> {
        let program = std::env::current_exe().map_err(|why| failed("this program", why))?;
        let folder = std::env::temp_dir().join(format!("hongyan-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder)
            .map_err(|why| failed(&folder.display().to_string(), why))?;
        let key = Key::make()?;
        let key_file = folder.join("jwt-key");
        key.write(&key_file)?;

        let mut command = match options.pin {
            true => {
                let mut command = Command::new("taskset");
                command.args(["-c", "0"]).arg(program);
                command
            }
            false => Command::new(program),
        };
        let path = match options.scenario {
            Scenario::Echo => bare::ECHO,
            Scenario::Broadcast => bare::RECEIVE,
            Scenario::Socketio => "/socket.io/",
            _ => "/client",
        };
        match options.scenario {
            Scenario::Echo | Scenario::Broadcast => {
                command.args(["bench", "echo", "--bare-server"])
            }
            _ => command
                .args(["serve", "--listen", "127.0.0.1:0", "--log", "warn"])
                .args(["--message-rate", "1000000", "--jwt-key"])
                .arg(&key_file)
                .arg("--data")
                .arg(options.keep.clone().unwrap_or_else(|| folder.join("data"))),
        };
        let begun = Instant::now();
        let child = command.stdout(Stdio::piped()).spawn();
        let mut own = Own {
            child: child.map_err(|why| failed("the broker does not start", why))?,
            folder,
        };
        let Some(stdout) = own.child.stdout.take() else {
            return Err(failed("the broker does not start", "it has no stdout"));
        };
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let address = lines
            .by_ref()
            .find_map(|line| line.strip_prefix("listening on http://").map(str::to_owned))
            .ok_or_else(|| failed("the broker does not start", "it says why above"))?;
        let start = begun.elapsed();
        // Somebody must read the rest, or the broker would wait for it.
        std::thread::spawn(move || lines.for_each(drop));
        let address = address.trim_end_matches('/');
        Ok(Self {
            url: format!("ws://{address}{path}")
                .parse()
                .map_err(|why| failed("the broker's address", why))?,
            key: Some(key),
            pid: Some(own.child.id()),
            own: true,
            start: Some(start),
            _child: Some(own),
        })
    }

    /// `HOST:PORT`.
    pub(super) fn address(&self) -> String {
        let authority = self.url.authority();
        authority.map(ToString::to_string).unwrap_or_default()
    }

    /// Another path of the same server.
    pub(super) fn sibling(&self, path: &str) -> Result<Uri, Failed> {
        let url = format!("ws://{}{path}", self.address()).parse();
        url.map_err(|why| failed(path, why))
    }

    /// Resident memory of the broker in bytes, where its process is known (Linux).
    pub(super) fn resident_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid?)).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kib * 1024)
    }

    /// Time that the broker has had on the processor, in microseconds, where its process is known (Linux, whose clock ticks
    /// are hundredths of a second).
    pub(super) fn processor_us(&self) -> Option<u64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid?)).ok()?;
        // proc(5): the name in parentheses may hold anything; utime and stime are the 14th and 15th fields.
        let (_, fields) = stat.rsplit_once(')')?;
        let mut fields = fields.split_whitespace().skip(11);
        let user: u64 = fields.next()?.parse().ok()?;
        let system: u64 = fields.next()?.parse().ok()?;
        Some((user + system) * 10_000)
    }
}

/// This process on the second core.
pub(super) fn pin_this_process() -> Result<(), Failed> {
    let pid = std::process::id().to_string();
    let pinned = Command::new("taskset").args(["-cp", "1", &pid]).output();
    match pinned {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(failed(
            "--pin",
            String::from_utf8_lossy(&output.stderr).trim(),
        )),
        Err(why) => Err(failed("--pin needs taskset (util-linux)", why)),
    }
}
