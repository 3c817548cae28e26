//! `user add` and `token`: accounts from the command line, with and without a broker that runs.

use tempfile::tempdir;

use crate::run::finish_with;
use crate::run::get;
use crate::run::hongyan;
use crate::run::log_in;
use crate::support::client::Client;
use crate::support::client::json;
use crate::support::running;
use crate::support::running::Running;

const PASSWORD: &str = "correct horse";

#[tokio::test]
async fn an_account_made_here_logs_in_over_rest() {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    let add = |name| hongyan(&data, &["user", "add", name, "--password", PASSWORD]).good();
    assert_eq!(add("li"), "added li with uid 1\n");
    let broker = Running::start(&data, &[]);
    assert_eq!(log_in(&broker.address, "li", PASSWORD).await.0, 200);
    assert_eq!(log_in(&broker.address, "wu", PASSWORD).await.0, 401);

    // Beside the broker, too; it finds the new user at once.
    assert_eq!(add("wu"), "added wu with uid 2\n");
    let (status, token) = log_in(&broker.address, "wu", PASSWORD).await;
    assert_eq!(status, 200);
    let wu = get(&broker.address, &token.expect("a token"), "/api/users/wu").await;
    assert_eq!(
        (wu["uid"].as_u64(), wu["uname"].as_str()),
        (Some(2), Some("wu"))
    );
    assert_eq!(log_in(&broker.address, "wu", "wrong horse").await.0, 401);
}

#[tokio::test]
async fn a_password_may_come_on_stdin_or_be_made() {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    let stdin = |name, text: &str| {
        let arguments = ["user", "add", name, "--password-stdin"];
        finish_with(running::command(&data, &arguments), text)
    };
    for (name, text) in [
        ("no-end", PASSWORD.to_owned()),
        ("unix", format!("{PASSWORD}\n")),
        ("dos", format!("{PASSWORD}\r\n")),
        ("more", format!("{PASSWORD}\nanother line\n")),
    ] {
        let out = stdin(name, &text).good();
        assert!(out.starts_with(&format!("added {name} with uid ")), "{out}");
        assert!(!out.contains(PASSWORD), "{out}");
    }
    for text in ["", "\n", "\ncorrect horse", "short\n"] {
        assert!(stdin("nobody", text).refusal().contains("8"), "{text:?}");
    }
    let made = |name| {
        let out = hongyan(&data, &["user", "add", name]).good();
        let lines: Vec<&str> = out.lines().collect();
        let [added, password] = lines[..] else {
            panic!("{out}");
        };
        assert!(
            added.starts_with(&format!("added {name} with uid ")),
            "{out}"
        );
        let password = password.strip_prefix("password ").expect("a password");
        assert!(password.len() >= 16, "{password}");
        password.to_owned()
    };
    let (one, other) = (made("one"), made("other"));
    assert_ne!(one, other);

    let broker = Running::start(&data, &[]);
    for (name, password) in [
        ("no-end", PASSWORD),
        ("unix", PASSWORD),
        ("dos", PASSWORD),
        ("more", PASSWORD),
        ("one", &one),
        ("other", &other),
    ] {
        assert_eq!(
            log_in(&broker.address, name, password).await.0,
            200,
            "{name}"
        );
    }
    assert_eq!(log_in(&broker.address, "one", &other).await.0, 401);
}

#[test]
fn a_name_that_is_taken_or_bad_is_refused_in_one_line() {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    let add =
        |name: &str, password: &str| hongyan(&data, &["user", "add", name, "--password", password]);
    add("li", PASSWORD).good();
    assert!(add("li", PASSWORD).refusal().contains("\"li\" is taken"));
    for name in ["", "123", "a/b", "a\nb", "a\u{7f}b", &"x".repeat(65)] {
        let done = add(name, PASSWORD);
        assert!(
            done.refusal().contains(&format!("{name:?}")),
            "{}",
            done.err
        );
    }
    for password in ["", "short", &"x".repeat(1_025)] {
        let done = add("wu", password);
        assert!(done.refusal().contains("1024"), "{}", done.err);
        assert!(
            password.is_empty() || !done.err.contains(password),
            "{}",
            done.err
        );
    }
    assert!(
        add("廖杰", PASSWORD).good().contains("uid 2"),
        "no uid is lost"
    );
}

#[tokio::test]
async fn a_token_made_here_opens_the_door() {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    hongyan(&data, &["user", "add", "li", "--password", PASSWORD]).good();
    let token = |name| {
        let out = hongyan(&data, &["token", name]).good();
        let token = out.strip_suffix('\n').expect("a line").to_owned();
        assert!(!token.contains(char::is_whitespace), "{token}");
        token
    };
    let before = token("li");
    let broker = Running::start(&data, &[]);
    for token in [before, token("li"), token("1")] {
        let mut client = Client::open(&broker.address, &format!("/client?srect={token}")).await;
        client.connect().await;
        client.subscribe("/user/li/recive").await;
        client.subscribe("/user/queue/send/status").await;
        client
            .chat(1, &crate::support::people::msg_id(&token), "to myself")
            .await;
        let mut codes = Vec::new();
        while codes.len() < 2 {
            let body = json(&client.next().await.expect("the broker lives"));
            codes.push(body["code"].as_u64().or(body["senderId"].as_u64()));
        }
        codes.sort_unstable();
        assert_eq!(codes, [Some(1), Some(200)]);
    }
    for name in ["wu", "2", "", "a/b"] {
        let done = hongyan(&data, &["token", name]);
        assert!(
            done.refusal().contains(&format!("{name:?}")),
            "{}",
            done.err
        );
    }
}

#[test]
fn a_token_is_not_looked_for_in_new_data() {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("mistyped");
    let done = hongyan(&data, &["token", "li"]);
    assert!(done.refusal().contains("mistyped"), "{}", done.err);
    assert!(!data.exists(), "a mistyped directory is no new one");
}
