//! A command that runs to its end.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;
use serde_json::json;

use crate::support::client;
use crate::support::running;

/// How a command ended and what it said.
pub struct Done {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Done {
    /// What it said on stdout; it went well and had nothing to complain of.
    pub fn good(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.err);
        assert_eq!(self.err, "");
        self.out
    }

    /// The one line on stderr; the status is 2.
    pub fn line(&self) -> &str {
        assert_eq!(self.code, Some(2), "{}{}", self.out, self.err);
        let line = self.err.strip_suffix('\n').expect("a line");
        assert!(!line.is_empty() && !line.contains('\n'), "{line}");
        line
    }

    /// The same, and nothing on stdout.
    pub fn refusal(&self) -> &str {
        assert_eq!(self.out, "");
        self.line()
    }
}

/// Runs a command, with nothing to read on stdin.
pub fn finish(command: Command) -> Done {
    finish_with(command, "")
}

/// Runs a command with this on stdin.
pub fn finish_with(mut command: Command, stdin: &str) -> Done {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    // It may end without reading.
    let _ = pipe.write_all(stdin.as_bytes());
    drop(pipe);
    let output = child.wait_with_output().expect("it ends");
    Done {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

/// Runs the program on `data`.
pub fn hongyan(data: &Path, arguments: &[&str]) -> Done {
    finish(running::command(data, arguments))
}

/// Runs the program as it is, with no data named.
pub fn bare(arguments: &[&str]) -> Done {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hongyan"));
    command.args(arguments);
    finish(command)
}

/// Logs in over REST: the status, and a token if it went well.
pub async fn log_in(address: &str, name: &str, password: &str) -> (u16, Option<String>) {
    let body = json!({ "name": name, "password": password }).to_string();
    let (status, _, body) = client::http(address, "POST", "/api/login", "", &body).await;
    let body: Value = serde_json::from_str(&body).expect("JSON");
    (status, body["token"].as_str().map(str::to_owned))
}

/// What `GET path` answers the owner of `token`.
pub async fn get(address: &str, token: &str, path: &str) -> Value {
    let headers = format!("Authorization: Bearer {token}\r\n");
    let (status, _, body) = client::http(address, "GET", path, &headers, "").await;
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).expect("JSON")
}
