//! The end when something is in its way: who does not listen, a second signal, a signal that comes early, a terminal that
//! hangs up.

use std::path::Path;
use std::process::Command as Process;
use std::process::Stdio;

use hongyan_grammar::stomp::Command;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;
use tokio::net::TcpStream;

use crate::lifecycle::drain::refuses_newcomers;
use crate::lifecycle::house::know;
use crate::lifecycle::house::sent;
use crate::lifecycle::run::hongyan;
use crate::support::client::Client;
use crate::support::client::chat;
use crate::support::client::connect;
use crate::support::client::http_on;
use crate::support::client::soon;
use crate::support::people;
use crate::support::people::msg_id;
use crate::support::running::Running;
use crate::support::running::command;

/// A broker whose log is told line by line.
fn start(drain_s: &str) -> (TempDir, Running) {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut command = command(
        &data,
        &[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--stomp-listen",
            "127.0.0.1:0",
        ],
    );
    command
        .args([
            "--log",
            "info",
            "--message-rate",
            "1000000",
            "--drain",
            drain_s,
            "--jwt-key",
        ])
        .arg(people::key_file(&data))
        .stdin(Stdio::null())
        .stderr(Stdio::piped());
    (folder, Running::spawn(command))
}

/// User 2 over TCP, who has asked for more than the connection holds, and reads nothing of it.
async fn deaf(broker: &Running) -> TcpStream {
    know(&broker.address, [1, 2]).await;
    let mut client = Client::log_in(&broker.address, 1).await;
    client.subscribe("/user/queue/send/status").await;
    let long = "long ".repeat(12_000);
    for number in 0..250 {
        let content = format!("{number} {long}");
        client.queue(chat(2, &msg_id(&content), &content)).await;
        if number % 10 == 9 {
            client.flush().await;
            for _ in 0..10 {
                client.next().await.expect("a status");
            }
        }
    }
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4_096).expect("set");
    let address = broker.stomp_address().parse().expect("an address");
    let mut stream = socket.connect(address).await.expect("the broker listens");
    let frames = format!(
        "CONNECT\naccept-version:1.2\nsrect:{}\n\n\0SUBSCRIBE\nid:a\ndestination:/user/2/recive\n\n\0\
         SEND\ndestination:/socket/chat/init\n\n\0",
        people::token(2)
    );
    stream.write_all(frames.as_bytes()).await.expect("taken");
    // Until the first message is on its way; from there on nothing is read.
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains("MESSAGE") {
        let more = soon("a message", stream.read_buf(&mut read)).await;
        assert!(more.expect("a connection") > 0);
    }
    stream
}

/// A session that listens.
async fn listening(broker: &Running) -> Client {
    let mut client = Client::log_in(&broker.address, 1).await;
    client.subscribe("/user/1/recive").await;
    client
}

async fn is_told(client: &mut Client) {
    let error = client.next().await.expect("ERROR");
    assert_eq!(error.command, Command::Error);
    assert_eq!(error.headers.get("message"), Some("broker-stopping"));
    assert_eq!(client.next().await, None, "closed");
}

#[tokio::test]
async fn who_does_not_read_holds_the_end_up_to_the_drain_and_no_longer() {
    let (_folder, mut broker) = start("2");
    let deaf = deaf(&broker).await;
    let mut client = listening(&broker).await;
    let address = broker.address.clone();
    let mut log = broker.log();
    broker.signal("-TERM");
    is_told(&mut client).await;
    refuses_newcomers(&address).await;
    let mut overdue = false;
    while let Some(line) = soon("the end of the log", log.recv()).await {
        overdue |= line.contains("did not end within --drain");
    }
    assert!(overdue, "the one who did not read was waited for");
    assert_eq!(broker.terminated().code(), Some(0));
    drop(deaf);
}

#[tokio::test]
async fn a_second_signal_ends_the_waiting() {
    for (first, second) in [("-TERM", "-TERM"), ("-INT", "-INT"), ("-TERM", "-INT")] {
        let (folder, mut broker) = start("3600");
        let deaf = deaf(&broker).await;
        let mut client = listening(&broker).await;
        let mut log = broker.log();
        broker.signal(first);
        is_told(&mut client).await;
        // Nobody new comes in while it waits.
        refuses_newcomers(&broker.address).await;
        assert!(broker.is_alive(), "it waits for who does not read");
        broker.signal(second);
        let mut cut = false;
        while let Some(line) = soon("the end of the log", log.recv()).await {
            cut |= line.contains("told to stop again");
        }
        assert!(cut, "{first} {second}: it ended of itself");
        assert_eq!(broker.terminated().code(), Some(0), "{first} {second}");
        let out = hongyan(&folder.path().join("data"), &["check"]).good();
        assert!(
            out.contains("messages       250") && out.ends_with("sound\n"),
            "{out}"
        );
        drop(deaf);
    }
}

/// What a poller is told between two polls waits for it on the connection that it has.
#[tokio::test]
async fn who_polls_is_told_at_the_next_poll() {
    let (_folder, broker) = start("60");
    let token = people::token(1);
    let mut polls = connect(&broker.address).await;
    let mut ask = async |body: &str, transport: &str| {
        let path = format!("/socketServer/000/between/{transport}?srect={token}");
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: broker\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        polls
            .write_all(request.as_bytes())
            .await
            .expect("a connection");
        let mut answer = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&answer);
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| {
                    let (name, value) = line.split_once(':')?;
                    name.eq_ignore_ascii_case("content-length")
                        .then(|| value.trim().parse().ok())?
                });
                let whole = match length {
                    Some(length) => body.len() >= length,
                    None => head.contains("204") || body.ends_with("0\r\n\r\n"),
                };
                if whole {
                    return body.to_owned();
                }
            }
            let more = soon("an answer", polls.read_buf(&mut answer)).await;
            assert!(
                more.expect("a connection") > 0,
                "closed before the answer: {answer:?}"
            );
        }
    };
    assert!(ask("", "xhr").await.contains('o'));
    ask(r#"["CONNECT\naccept-version:1.2\n\n\u0000"]"#, "xhr_send").await;
    assert!(ask("", "xhr").await.contains("CONNECTED"));
    let address = broker.address.clone();
    broker.signal("-TERM");
    refuses_newcomers(&address).await;
    assert!(ask("", "xhr").await.contains("broker-stopping"));
    assert!(
        ask("", "xhr")
            .await
            .contains(r#"c[1001,"broker-stopping"]"#)
    );
    assert_eq!(broker.terminated().code(), Some(0));
}

/// Begun data are whole or not there, whenever the first start is broken off.
#[tokio::test]
async fn a_first_start_that_is_broken_off_hurts_no_second() {
    let folder = tempfile::tempdir().expect("a folder");
    for round in 0..crate::support::fire::portion(6, 300) {
        let data = folder.path().join(format!("data-{round}"));
        let mut child = command(
            &data,
            &["serve", "--listen", "127.0.0.1:0", "--log", "warn"],
        )
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
        let begun: [&Path; 4] = [
            &data,
            &data.join("hongyan.lock"),
            &data.join("hongyan.db"),
            &data.join("jwt.key"),
        ];
        let sign = begun[round as usize % begun.len()];
        while !sign.exists() && child.try_wait().expect("a child").is_none() {
            std::thread::yield_now();
        }
        let name = if round / 4 % 2 == 0 { "-TERM" } else { "-KILL" };
        let sent = Process::new("kill")
            .args([name, &child.id().to_string()])
            .status();
        assert!(sent.expect("kill").success());
        child.wait().expect("it ends");
        assert!(
            Running::start(&data, &[]).terminate().success(),
            "round {round}"
        );
        assert!(hongyan(&data, &["check"]).good().ends_with("sound\n"));
        std::fs::remove_dir_all(&data).expect("removed");
    }
}

#[tokio::test]
async fn sighup_without_a_certificate_harms_nobody() {
    let (_folder, mut broker) = start("60");
    know(&broker.address, [1, 2]).await;
    let mut client = Client::log_in(&broker.address, 1).await;
    client.subscribe("/user/queue/send/status").await;
    let mut log = broker.log();
    for number in 0..20 {
        broker.signal("-HUP");
        loop {
            let line = soon("a word on it", log.recv())
                .await
                .expect("a broker that runs");
            if line.contains("no certificate") {
                break;
            }
        }
        let content = format!("after {number}");
        sent(&mut client, chat(2, &msg_id(&content), &content)).await;
    }
    let (status, _, _) = http_on(connect(&broker.address).await, "GET", "/healthz", "", "").await;
    assert_eq!(status, 200);
    broker.signal("-TERM");
    is_told(&mut client).await;
    assert_eq!(broker.terminated().code(), Some(0));
}
