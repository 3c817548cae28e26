//! What the broker does not start on: one line that says why, status 2, and nothing is changed.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::tempdir;

use crate::check::used;
use crate::run::hongyan;
use crate::support::client;
use crate::support::people;
use crate::support::running::Running;

const SERVE: [&str; 3] = ["serve", "--listen", "127.0.0.1:0"];

/// Every command on `data` is refused in one line with `word`.
fn all_refused(data: &Path, word: &str) {
    let copy = data.with_extension("copy");
    let copy = copy.to_str().expect("text");
    for arguments in [
        &SERVE[..],
        &["check"],
        &["user", "add", "li", "--password", "correct horse"],
        &["token", "li"],
        &["backup", copy],
    ] {
        let done = hongyan(data, arguments);
        let line = done.refusal();
        assert!(line.contains(word), "{arguments:?}: {line}");
    }
    assert!(!Path::new(copy).exists());
}

#[tokio::test]
async fn a_second_broker_on_the_same_data_does_not_start() {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    let broker = Running::start(&data, &[]);
    let mut client = client::Client::log_in(&broker.address, 1).await;
    let done = hongyan(&data, &SERVE);
    let line = done.refusal();
    assert!(line.contains("in use") && line.contains("data"), "{line}");

    client.subscribe("/user/queue/send/status").await;
    client
        .chat(1, &people::msg_id("still here"), "still here")
        .await;
    let status = client::json(&client.next().await.expect("the broker lives"));
    assert_eq!(status["code"], 200, "{status}");
    broker.kill();
    // The lock ends with its holder, whatever ended that.
    let broker = Running::start(&data, &[]);
    assert!(broker.terminate().success());
}

#[tokio::test]
async fn a_database_that_is_not_what_it_should_be_is_left_alone() {
    let (_folder, data) = used().await;
    let file = data.join("hongyan.db");
    let whole = fs::read(&file).expect("the database");
    let newer = {
        let database = rusqlite::Connection::open(&file).expect("a database");
        database
            .pragma_update(None, "user_version", 1_000)
            .expect("set");
        database.close().expect("closed");
        fs::read(&file).expect("the database")
    };
    let mut spoilt = whole.clone();
    let middle = spoilt.len() / 4096 / 2 * 4096;
    spoilt[middle..middle + 4096].fill(0xA5);
    for (bytes, word) in [
        (newer, "1000"),
        (
            b"a letter to somebody else, and no database".repeat(100),
            "not a Hongyan database",
        ),
        (whole[..whole.len() / 2].to_vec(), "damaged"),
        (whole[..50].to_vec(), "damaged"),
        (spoilt, "damaged"),
    ] {
        fs::write(&file, &bytes).expect("written");
        all_refused(&data, word);
        assert!(
            fs::read(&file).expect("the database") == bytes,
            "{word}: it was changed"
        );
    }
    fs::write(&file, &whole).expect("written");
    assert!(hongyan(&data, &["check"]).good().contains("sound"));
}

#[test]
fn a_data_directory_that_is_a_file_is_left_alone() {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    fs::write(&data, "dear li").expect("written");
    all_refused(&data, "data");
    assert_eq!(fs::read(&data).expect("the file"), b"dear li");
}

#[test]
fn a_new_data_directory_is_for_its_owner_alone() {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("deep").join("data");
    let broker = Running::start(folder.path().join("first").as_path(), &[]);
    drop(broker);
    hongyan(&data, &["user", "add", "li", "--password", "correct horse"]).good();
    hongyan(&data, &["token", "li"]).good();
    for data in [folder.path().join("first"), data] {
        let mode = |path: &Path| {
            let permissions = fs::metadata(path).expect("it is there").permissions();
            permissions.mode() & 0o777
        };
        assert_eq!(mode(&data), 0o700);
        assert_eq!(mode(&data.join("jwt.key")), 0o600);
    }
}

#[test]
fn a_port_in_use_is_told_with_its_option() {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let done = hongyan(&data, &["--listen", &address]);
    let line = done.refusal();
    assert!(
        line.contains("--listen") && line.contains(&address),
        "{line}"
    );
    // 192.0.2.0/24 is for documentation: it is nobody's own.
    let done = hongyan(&data, &["--listen", "192.0.2.1:8080"]);
    assert!(done.refusal().contains("192.0.2.1:8080"), "{}", done.err);
}

#[test]
fn a_key_that_is_none_is_told_with_its_file() {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    let key = folder.path().join("foreign.key");
    let serve = || {
        hongyan(
            &data,
            &[
                "--listen",
                "127.0.0.1:0",
                "--jwt-key",
                key.to_str().expect("text"),
            ],
        )
    };
    assert!(serve().refusal().contains("foreign.key"), "it is missing");
    fs::write(&key, "").expect("written");
    assert!(serve().refusal().contains("foreign.key"), "it is empty");
    fs::write(&key, "-----BEGIN PUBLIC KEY-----\nnonsense\n").expect("written");
    assert!(serve().refusal().contains("foreign.key"), "it is no key");

    fs::write(data.join("jwt.key"), "short").expect("written");
    let done = hongyan(&data, &SERVE);
    assert!(done.refusal().contains("jwt.key"), "{}", done.err);
    assert_eq!(fs::read(data.join("jwt.key")).expect("the key"), b"short");
}
