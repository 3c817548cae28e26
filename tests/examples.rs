//! Do the examples in Rust run as they are written? Those in other languages are asked by `tests/clients`.

mod support;

use std::process::Stdio;

use hongyan_grammar::stomp::Command;
use tokio::io::AsyncBufReadExt;
use tokio::io::AsyncWriteExt;
use tokio::io::BufReader;
use tokio::io::Lines;
use tokio::process::Child;
use tokio::process::ChildStdout;

use crate::support::client::Client;
use crate::support::client::json;
use crate::support::client::soon;
use crate::support::people;
use crate::support::running::Running;

fn cargo(verb: &str) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(env!("CARGO"));
    command.args([verb, "--quiet", "--example", "chat"]);
    command
}

/// The example, as somebody runs it who has read its first lines.
struct Terminal {
    program: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Terminal {
    fn open(broker: &Running, arguments: &[&str]) -> Self {
        let mut program = cargo("run")
            .arg("--")
            .args(arguments)
            .env("HONGYAN_URL", format!("http://{}", broker.address))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("cargo runs");
        let lines = BufReader::new(program.stdout.take().expect("a pipe")).lines();
        Self { program, lines }
    }

    async fn types(&mut self, line: &str) {
        let keys = self.program.stdin.as_mut().expect("a pipe");
        let written = keys.write_all(format!("{line}\n").as_bytes()).await;
        written.expect("the example reads");
    }

    async fn shows(&mut self) -> String {
        let line = soon("a line", self.lines.next_line()).await;
        line.expect("text").expect("the example goes on")
    }

    /// The end of what is typed ends it well.
    async fn closes(mut self) {
        drop(self.program.stdin.take());
        let status = soon("the end", self.program.wait()).await;
        assert!(status.expect("an end").success());
    }
}

#[tokio::test]
async fn chat_chats() {
    // It is built already where all tests are run; where only this one is, that takes as long as it takes.
    let built = cargo("build").status().await.expect("cargo runs");
    assert!(built.success());

    let folder = tempfile::tempdir().expect("a folder");
    let broker = Running::start(&folder.path().join("data"), &[]);
    let mut peer = Client::log_in(&broker.address, 1).await;
    peer.subscribe("/user/1/recive").await;
    peer.subscribe("/user/queue/delivery/status").await;

    let name = people::name(1);
    let mut li = Terminal::open(&broker, &["li kx", "a long password", &name]);
    li.types("起来聊天").await;
    assert!(li.shows().await.starts_with("200 成功"));
    let message = json(&peer.next().await.expect("a message"));
    assert_eq!(message["content"], "起来聊天");
    assert_eq!(message["sender"], "li kx");

    let li_uid = message["senderId"].as_u64().expect("a uid");
    peer.chat(li_uid, &people::msg_id("here"), "here I am: \\")
        .await;
    assert_eq!(li.shows().await, format!("{name}: here I am: \\"));
    assert_eq!(
        json(&peer.next().await.expect("a notice"))["state"],
        "received"
    );
    li.closes().await;

    peer.chat(li_uid, &people::msg_id("away"), "while you were away")
        .await;
    let mut li = Terminal::open(&broker, &["li kx", "a long password", "nobody"]);
    assert_eq!(li.shows().await, format!("{name}: while you were away"));
    let notice = peer.next().await.expect("a notice");
    assert_eq!(notice.command, Command::Message);
    li.types("anybody?").await;
    assert!(li.shows().await.contains("no such user"));
    li.closes().await;

    let mut stranger = Terminal::open(&broker, &["li kx", "another password", &name]);
    let status = soon("the end", stranger.program.wait()).await;
    assert!(!status.expect("an end").success());
}
