//! A chat behind TLS, and what is no TLS.

use std::process::Stdio;
use std::sync::Arc;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::crypto::ring;

use crate::secrets::finder::found;
use crate::support::client::Client;
use crate::support::client::connect;
use crate::support::client::json;
use crate::support::client::soon;
use crate::support::people;
use crate::support::people::msg_id;
use crate::support::running::Running;
use crate::support::running::command;

const CONTENT: &str = "a letter in an envelope of its own";

#[tokio::test]
async fn what_is_behind_tls_stays_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]);
    let made = made.expect("a certificate");
    let (cert, key) = (folder.path().join("cert"), folder.path().join("key"));
    std::fs::write(&cert, made.cert.pem()).expect("a place");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("a place");
    let mut command = command(&data, &["serve", "--listen", "127.0.0.1:0"]);
    command
        .args(["--log", "trace", "--jwt-key"])
        .arg(people::key_file(&data))
        .arg("--tls-cert")
        .arg(&cert)
        .arg("--tls-key")
        .arg(&key)
        .stderr(Stdio::piped());
    let mut broker = Running::spawn(command);
    let mut lines = broker.log();

    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).expect("a certificate");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tcp = TcpStream::connect(&broker.address)
        .await
        .expect("it listens");
    let name = "localhost".try_into().expect("a name");
    let handshake = TlsConnector::from(Arc::new(config)).connect(name, tcp);
    let stream = soon("the handshake", handshake).await.expect("a handshake");
    let token = people::token(1);
    let url = format!("wss://localhost/client?srect={token}");
    let mut li = Client::upgrade(Box::new(stream), &url).await;
    li.connect().await;
    li.subscribe("/user/1/recive").await;
    li.chat(1, &msg_id(CONTENT), CONTENT).await;
    let message = json(&li.next().await.expect("a message"));
    assert_eq!(message["content"], CONTENT);
    // Somebody has forgotten the TLS.
    let mut stream = connect(&broker.address).await;
    let head = format!("GET /client?srect={token} HTTP/1.1\r\n\r\n{CONTENT}");
    stream
        .write_all(head.as_bytes())
        .await
        .expect("an open connection");
    let _ = soon("the end", stream.read_to_end(&mut Vec::new())).await;

    broker.signal("-TERM");
    assert_eq!(
        soon(
            "the end",
            tokio::task::spawn_blocking(|| broker.terminated())
        )
        .await
        .ok()
        .map(|s| s.success()),
        Some(true)
    );
    let mut log = String::new();
    while let Some(line) = soon("the log", lines.recv()).await {
        log.push_str(&line);
        log.push('\n');
    }
    assert!(log.contains("a TLS handshake failed"), "{log}");
    let signature = token.rsplit('.').next().expect("a signature");
    let key = made.signing_key.serialize_der();
    for secret in [
        signature.as_bytes(),
        CONTENT.as_bytes(),
        &key[key.len() - 16..],
    ] {
        assert_eq!(found(secret, &log), None, "{log}");
    }
}
