//! Help, wrong options, and the three places where an option may stand.

use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use tempfile::tempdir;

use crate::run::bare;
use crate::run::finish;
use crate::run::hongyan;
use crate::support::client;
use crate::support::client::soon;
use crate::support::running;
use crate::support::running::Running;

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_hongyan"))
}

async fn status(broker: &Running, path: &str) -> u16 {
    client::http(&broker.address, "GET", path, "", "").await.0
}

#[test]
fn help_and_version_are_told() {
    for arguments in [&["--help"][..], &["-h"], &["serve", "--help"]] {
        let help = bare(arguments).good();
        for word in [
            "Usage:",
            "--listen",
            "--max-frame",
            "HONGYAN_LISTEN",
            "127.0.0.1:8080",
        ] {
            assert!(help.contains(word), "{word} in {arguments:?}");
        }
    }
    for command in ["user", "token", "check", "backup", "serve"] {
        assert!(bare(&["--help"]).good().contains(command), "{command}");
    }
    for arguments in [
        &["user", "add", "--help"][..],
        &["token", "--help"],
        &["check", "--help"],
        &["backup", "--help"],
    ] {
        let help = bare(arguments).good();
        assert!(
            help.contains("--data") && !help.contains("--listen"),
            "{help}"
        );
    }
    let version = concat!("hongyan ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(bare(&["--version"]).good(), version);
}

#[test]
fn a_wrong_option_is_one_line_and_nothing_is_made() {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    for (arguments, word) in [
        (&["--listen", "nonsense"][..], "--listen"),
        (&["--listen", "127.0.0.1:99999"], "127.0.0.1:99999"),
        (&["serve", "--max-frame", "0"], "--max-frame"),
        (&["--lisen", "127.0.0.1:0"], "--lisen"),
        (&["--context-path", "Mimi"], "--context-path"),
        (&["--allow-origin", "*"], "--allow-origin"),
        (&["--registration", "maybe"], "open, closed"),
        (&["--store", "mysql://x"], "--store"),
        (&["--log", "a=b=c"], "--log"),
        (&["--max-connections", "many\nlines"], "--max-connections"),
        (&["--webhook", "chat.example/hook"], "--webhook"),
        (&["--trust-login", "--listen", "0.0.0.0:0"], "--trust-login"),
        (&["nonsense"], "nonsense"),
        (&["user"], "user"),
        (&["user", "add"], "NAME"),
        (&["token"], "NAME"),
        (&["backup"], "FILE"),
        (&["check", "more"], "more"),
        (
            &["user", "add", "li", "--password", "x", "--password-stdin"],
            "--password",
        ),
    ] {
        let done = hongyan(&data, arguments);
        let line = done.refusal();
        assert!(line.contains(word), "{arguments:?}: {line}");
        assert!(!data.exists(), "{arguments:?}");
    }
}

#[tokio::test]
async fn an_option_may_stand_in_the_environment() {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("from the environment");
    let mut command = program();
    command
        .env("HONGYAN_LISTEN", "127.0.0.1:0")
        .env("HONGYAN_DATA", &data)
        .env("HONGYAN_CONTEXT_PATH", "/Mimi")
        .env("HONGYAN_LOG", "");
    let broker = Running::spawn(command);
    assert_eq!(status(&broker, "/Mimi/healthz").await, 200);
    assert_eq!(status(&broker, "/healthz").await, 404);
    assert!(data.join("hongyan.db").exists());

    // A flag is stronger.
    let mut command = running::command(&folder.path().join("flag"), &["--context-path", "/"]);
    command
        .env("HONGYAN_LISTEN", "127.0.0.1:0")
        .env("HONGYAN_CONTEXT_PATH", "/Mimi");
    let broker = Running::spawn(command);
    assert_eq!(status(&broker, "/healthz").await, 200);

    let mut command = program();
    command.env("HONGYAN_MAX_FRAME", "huge");
    let done = finish(command);
    assert!(done.refusal().contains("HONGYAN_MAX_FRAME"), "{}", done.err);
}

#[tokio::test]
async fn an_option_may_stand_in_a_file() {
    let folder = tempdir().expect("a folder");
    let file = folder.path().join("hongyan.toml");
    let write = |text: &str| std::fs::write(&file, text).expect("written");
    let with_file = |file: &Path| {
        let mut command = program();
        command.arg("--config").arg(file);
        command
    };
    let data = folder.path().join("from the file");
    write(&format!(
        "listen = \"127.0.0.1:0\"\ndata = {data:?}\ncontext-path = \"/Mimi\"\nlog = \"warn\"\n\
         allow-origin = [\"https://a.example\", \"https://b.example\"]\n"
    ));
    let broker = Running::spawn(with_file(&file));
    assert_eq!(status(&broker, "/Mimi/healthz").await, 200);
    assert!(data.join("hongyan.db").exists());
    for (origin, good) in [("https://b.example", 200), ("https://c.example", 403)] {
        let headers = format!("Origin: {origin}\r\n");
        let answer = client::http(&broker.address, "GET", "/Mimi/healthz", &headers, "").await;
        assert_eq!(answer.0, good, "{origin}");
    }
    drop(broker);

    // The environment is stronger, and may name the file, too.
    let mut command = program();
    command
        .env("HONGYAN_CONFIG", &file)
        .env("HONGYAN_CONTEXT_PATH", "/other");
    let broker = Running::spawn(command);
    assert_eq!(status(&broker, "/other/healthz").await, 200);
    drop(broker);

    for (text, word) in [
        ("listen = \"nonsense\"", "listen in"),
        ("lisen = \"127.0.0.1:0\"", "lisen"),
        ("max-frame = [1, 2]", "max-frame"),
        ("not toml", "hongyan.toml"),
    ] {
        write(text);
        let done = finish(with_file(&file));
        assert!(done.refusal().contains(word), "{text}: {}", done.err);
    }
    let missing = folder.path().join("missing.toml");
    let done = finish(with_file(&missing));
    assert!(done.refusal().contains("missing.toml"), "{}", done.err);
}

#[tokio::test]
async fn the_first_line_says_where_it_listens() {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    let broker = Running::start(&data, &["--context-path", "/Mimi"]);
    let first = broker.said.lock().expect("no panic")[0].clone();
    assert_eq!(first, format!("listening on http://{}", broker.address));
    let said = broker.said.clone();
    assert_eq!(status(&broker, "/Mimi/healthz").await, 200);
    assert!(broker.terminate().success());
    soon("the rest of the greeting", async {
        while !said
            .lock()
            .expect("no panic")
            .iter()
            .any(|line| line.contains("/Mimi/socketServer"))
        {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn who_has_read_enough_may_hang_up() {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    let add = ["user", "add", "li", "--password", "correct horse"];
    hongyan(&data, &add).good();
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["check"],
        &["token", "li"],
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = running::command(&data, arguments);
        let output = command.stdout(writer).stderr(Stdio::piped()).output();
        let output = output.expect("it ends");
        let err = String::from_utf8(output.stderr).expect("text");
        assert!(
            matches!(output.status.code(), Some(0 | 2)),
            "{arguments:?}: {err}"
        );
        assert!(err.lines().count() <= 1, "{arguments:?}: {err}");
    }

    let mut command = running::command(&data, &["--listen", "127.0.0.1:0", "--log", "warn"]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
    let mut first = String::new();
    let mut lines = BufReader::with_capacity(1, child.stdout.take().expect("a pipe"));
    lines.read_line(&mut first).expect("a line");
    drop(lines);
    let address = first.trim().strip_prefix("listening on http://");
    let address = address.expect("an address");
    let health = client::http(address, "GET", "/healthz", "", "").await;
    let alive = child.try_wait().expect("a child").is_none();
    child.kill().expect("killed");
    child.wait().expect("dead");
    assert_eq!(health.0, 200);
    assert!(alive);
}
