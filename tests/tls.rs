//! Does everything that works without TLS work with it, and do certificates come and go without dropping anybody?

mod support;

use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Frame;
use rcgen::CertifiedKey;
use rcgen::KeyPair;
use support::client::Client;
use support::client::connect;
use support::client::http_on;
use support::client::json;
use support::client::soon;
use support::fire;
use support::fire::Attack;
use support::people;
use support::people::msg_id;
use support::running::Running;
use support::running::command;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;

const LI: u64 = 1;
const WU: u64 = 2;

const IDLE: u64 = 500;
const IDLE_BYTES_MAX: u64 = 16 * 1024;

/// A folder with a certificate, its key, and a place for the data.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn data(&self) -> PathBuf {
        self.file("data")
    }

    /// Makes a new pair and puts it where the old one was.
    fn renew(&self) -> CertifiedKey<KeyPair> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]);
        let made = made.expect("a certificate");
        write(&self.file("cert.pem"), made.cert.pem());
        write(&self.file("key.pem"), made.signing_key.serialize_pem());
        made
    }

    fn start(&self) -> Running {
        let (cert, key) = (self.file("cert.pem"), self.file("key.pem"));
        let mut command = command(&self.data(), &["serve", "--listen", "127.0.0.1:0"]);
        command
            // Else whoever writes after each renewal writes too fast, where the machine is quick.
            .args(["--message-rate", "1000000"])
            .args(["--stomp-listen", "127.0.0.1:0", "--jwt-key"])
            .arg(people::key_file(&self.data()))
            .arg("--tls-cert")
            .arg(cert)
            .arg("--tls-key")
            .arg(key)
            .stderr(Stdio::piped());
        Running::spawn(command)
    }
}

fn write(file: &Path, text: impl AsRef<[u8]>) {
    std::fs::write(file, text).expect("a place for a file");
}

/// A client that trusts these, and speaks `protocols`.
async fn secure(
    address: &str,
    trusted: &[&CertifiedKey<KeyPair>],
    protocols: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    for one in trusted {
        roots.add(one.cert.der().clone()).expect("a certificate");
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    let tcp = TcpStream::connect(address).await?;
    let name = "localhost".try_into().expect("a name");
    let handshake = TlsConnector::from(Arc::new(config)).connect(name, tcp);
    soon("the handshake", handshake).await
}

fn shown(stream: &TlsStream<TcpStream>) -> &CertificateDer<'static> {
    let shown = stream.get_ref().1.peer_certificates();
    shown.and_then(<[_]>::first).expect("a certificate")
}

#[tokio::test]
async fn everything_is_secure() {
    let place = Place::new();
    let pair = place.renew();
    let broker = place.start();
    let address = &broker.address;
    let stomp_address = &broker.stomp_address();
    assert_eq!(
        broker.urls,
        [
            format!("https://{address}"),
            format!("stomp+ssl://{stomp_address}")
        ]
    );

    let stream = secure(address, &[&pair], &["h2", "http/1.1"])
        .await
        .expect("a handshake");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let (status, _, body) = http_on(Box::new(stream), "GET", "/healthz", "", "").await;
    assert_eq!(status, 200, "{body}");
    assert!(
        secure(address, &[&pair], &["h2"]).await.is_err(),
        "no HTTP/2 here"
    );

    // wss, and stomp+ssl by a client that names a protocol which nobody asked for.
    let stream = secure(address, &[&pair], &[]).await.expect("a handshake");
    let url = format!("wss://localhost/client?srect={}", people::token(LI));
    let mut li = Client::upgrade(Box::new(stream), &url).await;
    li.send(Frame::new(Command::Connect).header("accept-version", "1.2"))
        .await;
    assert_eq!(
        li.next().await.expect("CONNECTED").command,
        Command::Connected
    );
    let stream = secure(stomp_address, &[&pair], &["stomp"])
        .await
        .expect("a handshake");
    let mut wu = Client::log_in_bare(Box::new(stream), WU).await;
    wu.subscribe(&format!("/user/{WU}/recive")).await;
    let long = "起".repeat(20_000);
    for content in ["short", &long] {
        li.chat(WU, &msg_id(content), content).await;
        assert_eq!(
            json(&wu.next().await.expect("a message"))["content"],
            content
        );
    }
}

#[tokio::test]
async fn who_does_not_speak_tls_hurts_nobody() {
    let place = Place::new();
    let pair = place.renew();
    let mut broker = place.start();
    for address in [&broker.address, &broker.stomp_address()] {
        for wire in ["GET / HTTP/1.1\r\n\r\n", "CONNECT\n\n\0"] {
            let mut stream = connect(address).await;
            stream
                .write_all(wire.as_bytes())
                .await
                .expect("an open connection");
            let mut answer = Vec::new();
            // An alert, and the end or a reset.
            let _ = soon("the end", stream.read_to_end(&mut answer)).await;
            assert!(!answer.starts_with(b"HTTP") && !answer.starts_with(b"ERROR"));
        }
    }
    let silent = connect(&broker.address).await;
    let stream = secure(&broker.stomp_address(), &[&pair], &[])
        .await
        .expect("a handshake");
    let mut li = Client::log_in_bare(Box::new(stream), LI).await;
    // A handshake that has not ended does not keep the broker from stopping.
    let mut log = broker.log();
    let stopped = tokio::task::spawn_blocking(|| broker.terminate());
    let error = li.next().await.expect("ERROR");
    assert_eq!(error.headers.get("message"), Some("broker-stopping"));
    assert_eq!(li.next().await, None, "closed");
    drop(li);
    let status = soon("the broker's end", stopped).await.expect("no panic");
    assert!(status.success(), "{status}");
    while let Some(line) = soon("the end of the log", log.recv()).await {
        assert!(!line.contains("--drain"), "{line}");
    }
    drop(silent);
}

/// SIGHUP, and the line with `part` in it that tells what became of it.
async fn hang_up(broker: &Running, log: &mut UnboundedReceiver<String>, part: &str) -> String {
    broker.signal("-HUP");
    loop {
        let line = soon(part, log.recv()).await.expect("a broker that runs");
        if line.contains(part) {
            return line;
        }
    }
}

#[tokio::test]
async fn a_renewed_certificate_is_taken_up_and_nobody_is_dropped() {
    let place = Place::new();
    let old = place.renew();
    let mut broker = place.start();
    let mut log = broker.log();
    let addresses = [broker.address.clone(), broker.stomp_address()];

    let stream = secure(&addresses[1], &[&old], &[])
        .await
        .expect("a handshake");
    assert_eq!(shown(&stream), old.cert.der());
    let mut li = Client::log_in_bare(Box::new(stream), LI).await;
    li.subscribe(&format!("/user/{LI}/recive")).await;

    let new = place.renew();
    hang_up(&broker, &mut log, "read again").await;
    for address in &addresses {
        let stream = secure(address, &[&old, &new], &[])
            .await
            .expect("a handshake");
        assert_eq!(shown(&stream), new.cert.der());
    }

    // The key of one and the certificate of another: it happens while somebody copies them.
    write(&place.file("key.pem"), old.signing_key.serialize_pem());
    let line = hang_up(&broker, &mut log, "stays as it was").await;
    assert!(
        line.contains("--tls-key") && line.contains("key.pem"),
        "{line}"
    );
    let stream = secure(&addresses[1], &[&old, &new], &[])
        .await
        .expect("a handshake");
    assert_eq!(shown(&stream), new.cert.der());

    let mut wu = Client::log_in_bare(Box::new(stream), WU).await;
    wu.chat(LI, &msg_id("still there?"), "still there?").await;
    let message = json(&li.next().await.expect("a message"));
    assert_eq!(message["content"], "still there?");
}

/// Pairs of people over TLS, each with a message under way while SIGHUP comes again and again, with good files and with
/// broken ones.
#[tokio::test]
async fn certificates_come_and_go_while_people_chat() {
    let mut attack = Attack::on(
        "lifecycle-renewal",
        "Certificates are renewed under load as often as one likes, broken files leave the old one in place, and nobody is dropped.",
        "`tests/tls.rs`: `certificates_come_and_go_while_people_chat`",
    );
    let pairs = fire::portion(4, 100);
    let renewals = fire::portion(8, 400);
    let place = Place::new();
    let mut good = place.renew();
    let mut broker = place.start();
    let mut log = broker.log();
    let (address, stomp_address) = (broker.address.clone(), broker.stomp_address());
    let mut chats = Vec::new();
    for pair in 0..pairs {
        let mut people = Vec::new();
        for uid in [2 * pair + 1, 2 * pair + 2] {
            let stream = secure(&stomp_address, &[&good], &[]).await;
            let mut client = Client::log_in_bare(Box::new(stream.expect("a handshake")), uid).await;
            for destination in ["/user/queue/send/status", &format!("/user/{uid}/recive")] {
                client.subscribe(destination).await;
            }
            people.push(client);
        }
        chats.push((2 * pair + 2, people));
    }
    for round in 0..renewals {
        let said = format!("round {round}");
        for (to, people) in &mut chats {
            people[0].chat(*to, &msg_id(&said), &said).await;
        }
        match round % 4 {
            // Broken in three ways: no PEM, cut in the middle, not there.
            1 => write(&place.file("cert.pem"), "no certificate"),
            2 => write(&place.file("cert.pem"), &good.cert.pem()[..300]),
            3 => std::fs::remove_file(place.file("cert.pem")).expect("removed"),
            _ => good = place.renew(),
        }
        let part = if round % 4 == 0 {
            "read again"
        } else {
            "stays as it was"
        };
        let line = hang_up(&broker, &mut log, part).await;
        if round % 4 != 0 {
            assert!(
                line.contains("--tls-cert") && line.contains("cert.pem"),
                "{line}"
            );
        }
        for address in [&address, &stomp_address] {
            let stream = secure(address, &[&good], &[]).await.expect("a handshake");
            assert_eq!(shown(&stream), good.cert.der(), "round {round}");
        }
        for (_, people) in &mut chats {
            let status = json(&people[0].next().await.expect("nobody is dropped"));
            assert_eq!(status["code"], 200, "round {round}: {status}");
            let message = json(&people[1].next().await.expect("nobody is dropped"));
            assert_eq!(message["content"], *said);
        }
    }
    attack.count("signals", renewals);
    attack.count("messages under way", renewals * pairs);
    attack.repelled();
}

#[test]
fn files_that_are_no_good_stop_the_start_with_one_line() {
    let place = Place::new();
    let other = place.renew();
    write(
        &place.file("other-key.pem"),
        other.signing_key.serialize_pem(),
    );
    let good = place.renew();
    write(&place.file("empty.pem"), "");
    let encoded: String = good.cert.pem().lines().skip(1).take(1).collect();
    let torn = format!("-----BEGIN CERTIFICATE-----\n{encoded}\n-----END CERTIFICATE-----\n");
    write(&place.file("torn.pem"), torn);
    write(
        &place.file("endless.pem"),
        "-----BEGIN CERTIFICATE-----\nAAAA\n",
    );
    for (cert, key, option, part) in [
        ("none.pem", "key.pem", "--tls-cert", "can't be read"),
        ("empty.pem", "key.pem", "--tls-cert", "no certificate in it"),
        ("key.pem", "key.pem", "--tls-cert", "no certificate in it"),
        ("torn.pem", "key.pem", "--tls-cert", "can't be used"),
        ("endless.pem", "key.pem", "--tls-cert", "not PEM"),
        ("cert.pem", "none.pem", "--tls-key", "can't be read"),
        ("cert.pem", "cert.pem", "--tls-key", "no private key in it"),
        (
            "cert.pem",
            "other-key.pem",
            "--tls-key",
            "not the key of the certificate",
        ),
        ("cert.pem", "", "--tls-key", "can't be read"),
    ] {
        let mut command = command(&place.data(), &["--listen", "127.0.0.1:0"]);
        command.arg("--tls-cert").arg(place.file(cert));
        command.arg("--tls-key").arg(place.file(key));
        let output = command.output().expect("it runs");
        let line = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert_eq!(line.lines().count(), 1, "{line}");
        let file = place.file(if option == "--tls-key" { key } else { cert });
        let named = format!("{option} {}: ", file.display());
        for part in [&*named, part, "allowed is"] {
            assert!(line.contains(part), "{part:?} is not in {line:?}");
        }
        assert!(output.stdout.is_empty());
    }
}

#[tokio::test]
async fn an_idle_connection_costs_little() {
    let place = Place::new();
    let pair = place.renew();
    let broker = place.start();
    let mut clients = Vec::new();
    let log_in = async |uid| {
        let stream = secure(&broker.stomp_address(), &[&pair], &[]).await;
        let mut client = Client::log_in_bare(Box::new(stream.expect("a handshake")), uid).await;
        client.subscribe(&format!("/user/{uid}/recive")).await;
        client
    };
    // The first ones pay for what all of them share.
    for uid in 1..=100 {
        clients.push(log_in(uid).await);
    }
    let before = broker.resident_bytes();
    for uid in 101..=100 + IDLE {
        clients.push(log_in(uid).await);
    }
    let each = (broker.resident_bytes() - before) / IDLE;
    println!("{each} bytes of resident memory for each of {IDLE} idle connections");
    assert!(each < IDLE_BYTES_MAX, "{each} bytes each");
}
