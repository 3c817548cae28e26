//! The whole program: it tells an https URL, with a key of its own making, also after it was killed.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::operator::Heard;
use crate::operator::Operator;
use crate::operator::hmac;
use crate::support::client::http;
use crate::support::client::soon;
use crate::support::people;
use crate::support::running::Running;
use crate::support::running::command;

const LI: u64 = 1;
const WU: u64 = 2;

struct Place(tempfile::TempDir);

impl Place {
    fn start(&self, url: &str) -> Running {
        let data = self.0.path().join("data");
        let mut command = command(&data, &["serve", "--listen", "127.0.0.1:0"]);
        command
            .args(["--log", "warn", "--webhook", url, "--jwt-key"])
            .arg(people::key_file(&data))
            .env("SSL_CERT_FILE", self.0.path().join("roots.pem"))
            .env_remove("SSL_CERT_DIR");
        Running::spawn(command)
    }

    fn key(&self) -> Vec<u8> {
        let file = self.0.path().join("data/webhook.key");
        let mode = std::fs::metadata(&file).expect("a key").permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
        let text = std::fs::read(&file).expect("a key");
        text.trim_ascii().to_vec()
    }
}

async fn ask(broker: &Running, uid: u64, method: &str, path: &str, body: &str) {
    let headers = format!("Authorization: Bearer {}\r\n", people::token(uid));
    let (status, _, answer) = http(&broker.address, method, path, &headers, body).await;
    assert!((200..300).contains(&status), "{path}: {status} {answer}");
}

async fn next(operator: &mut Operator) -> Heard {
    soon("an event", operator.next()).await
}

#[tokio::test]
async fn an_event_outlives_the_program_and_is_told_behind_tls() {
    let place = Place(tempfile::tempdir().expect("a folder"));
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]);
    let made = made.expect("a certificate");
    std::fs::write(place.0.path().join("roots.pem"), made.cert.pem()).expect("a place");
    let mut operator = Operator::listen_securely(&made).await;

    let broker = place.start(&operator.url);
    // Whoever shows such a token is made a user.
    ask(&broker, WU, "GET", "/api/inbox", "").await;
    let body = json!({"to": WU, "content": "wake up"}).to_string();
    ask(&broker, LI, "POST", "/api/messages", &body).await;
    let first = next(&mut operator).await;
    let event = first.event();
    assert_eq!(
        (&event["message"]["content"], &event["users"]),
        (&json!("wake up"), &json!([WU]))
    );
    // Nobody has answered when it dies: the next one tells the same event.
    broker.kill();
    drop(first);

    let broker = place.start(&operator.url);
    let again = next(&mut operator).await;
    assert_eq!(again.event(), event);
    let signature = format!("sha256={}", hmac(&place.key(), &again.body));
    assert_eq!(again.header("x-hongyan-signature"), signature);
    again.say_status("200 OK");

    // What was told is told no more: the next one is another.
    let body = json!({"to": WU, "content": "again"}).to_string();
    ask(&broker, LI, "POST", "/api/messages", &body).await;
    let other = next(&mut operator).await;
    assert_ne!(other.event()["id"], event["id"]);
    other.say_status("200 OK");
}
