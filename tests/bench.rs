//! Does `hongyan bench` measure what it says, of this broker and of others, and does it notice what goes wrong?

mod support;

use std::process::Command;
use std::process::Output;

use hongyan_grammar::stomp;
use hongyan_grammar::stomp::Command as Verb;
use hongyan_grammar::stomp::Decoder;
use hongyan_grammar::stomp::Frame;
use hongyan_grammar::stomp::Limits;
use hongyan_grammar::stomp::Side;
use hongyan_grammar::stomp::Unit;
use hongyan_grammar::stomp::Version;
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

use support::people;
use support::running::Running;

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hongyan"))
        .arg("bench")
        .args(arguments)
        .output()
        .expect("it runs")
}

fn result(arguments: &[&str]) -> Value {
    let done = bench(&[arguments, &["--json"]].concat());
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{arguments:?}: {told}");
    serde_json::from_slice(&done.stdout).expect("JSON")
}

fn figure(result: &Value, name: &str) -> f64 {
    let value = result["figures"][name]["value"].as_f64();
    value.unwrap_or_else(|| panic!("no {name:?} in {result}"))
}

#[test]
fn every_scenario_gives_its_figures() {
    let short = ["--seconds", "1", "--warm-up", "0"];
    let table: &[(&[&str], &str)] = &[
        (&["chat", "--pairs", "2", "--confirm-status"], "deliveries"),
        (&["chat", "--pairs", "2", "--rate", "100"], "deliveries"),
        (&["stomp", "--pairs", "2"], "deliveries"),
        (&["topic", "--receivers", "5"], "deliveries"),
        (
            &["group", "--receivers", "5", "--members", "9"],
            "deliveries",
        ),
        (&["offline", "--messages", "100", "--pairs", "2"], "taken"),
        (
            &["history", "--messages", "60"],
            "end to beginning, medians",
        ),
        (&["connect"], "connections"),
        (&["idle", "--connections", "500"], "memory of a connection"),
        (&["echo", "--pairs", "2"], "messages in and out"),
        (&["broadcast", "--receivers", "5"], "deliveries"),
        (&["socketio", "--pairs", "2"], "deliveries"),
    ];
    for (arguments, name) in table {
        let result = result(&[*arguments, &short].concat());
        assert_eq!(result["scenario"], arguments[0]);
        assert!(figure(&result, name) > 0.0, "{arguments:?}: {result}");
    }
}

#[test]
fn a_store_is_kept_for_the_next_run_and_nothing_waits_in_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("full");
    let keep = data.to_str().expect("a path");
    let pairs = ["--pairs", "2", "--seconds", "1", "--warm-up", "0"];
    let mut messages = 0;
    for scenario in [
        &["offline", "--messages", "60"][..],
        &["chat"],
        &["chat", "--confirm-status"],
    ] {
        let result = result(&[scenario, &["--keep", keep], &pairs].concat());
        assert!(figure(&result, "broker's start") > 0.0, "{result}");
        let sent = ["messages", "messages sent in all"]
            .iter()
            .find_map(|name| result["figures"][name]["value"].as_f64());
        messages += sent.expect("a number of messages") as u64;
        let checked = Command::new(env!("CARGO_BIN_EXE_hongyan"))
            .args(["check", "--data", keep])
            .output();
        let checked = String::from_utf8_lossy(&checked.expect("it runs").stdout).into_owned();
        for line in [
            format!("messages       {messages}\n"),
            "waiting        0\n".into(),
        ] {
            assert!(checked.contains(&line), "{scenario:?}: {checked}");
        }
    }
}

#[test]
fn a_run_can_be_read_and_seen() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("run.svg");
    let plot = file.to_str().expect("a path");
    let done = bench(&[
        "chat",
        "--pairs",
        "1",
        "--seconds",
        "1",
        "--warm-up",
        "0",
        "--plot",
        plot,
    ]);
    let table = String::from_utf8_lossy(&done.stdout);
    let progress = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{progress}{table}");
    for word in ["deliveries", "p99.9", "push", "answer", "broker's memory"] {
        assert!(table.contains(word), "no {word} in {table}");
    }
    assert!(progress.contains("deliveries/s"), "{progress}");
    let svg = std::fs::read_to_string(file).expect("a picture");
    assert!(
        svg.starts_with("<svg") && svg.contains("<polyline"),
        "{svg}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_runs_already_is_loaded_over_either_wire() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let broker = Running::start(&data, &["--stomp-listen", "127.0.0.1:0"]);
    let key = people::key_file(&data);
    let key = key.to_str().expect("a path");
    let over_http = format!("ws://{}/client", broker.address);
    let over_tcp = format!("stomp://{}", broker.stomp_address());
    // With accounts of its own making, and with users of the broker's key.
    for url in [&over_http, &over_tcp] {
        let short = [
            "--pairs",
            "1",
            "--seconds",
            "1",
            "--warm-up",
            "0",
            "--url",
            url,
        ];
        if *url == over_http {
            let result = result(&[&["stomp"][..], &short].concat());
            assert!(figure(&result, "deliveries") > 0.0, "{result}");
        }
        let result = result(&[&["stomp", "--key", key][..], &short].concat());
        assert!(figure(&result, "deliveries") > 0.0, "{result}");
    }
}

#[test]
fn what_cannot_be_measured_is_said_in_one_line() {
    let table: &[(&[&str], &str)] = &[
        (
            &["chat", "--url", "http://127.0.0.1:1/"],
            "ws://HOST:PORT/PATH",
        ),
        (&["chat", "--url", "ws://127.0.0.1:1/client"], "127.0.0.1:1"),
        (
            &["group", "--members", "5", "--receivers", "5"],
            "--members",
        ),
        (&["chat", "--bytes", "3"], "from 12"),
        (&["stomp", "--login", "guest"], "--passcode"),
        (
            &["chat", "--keep", "here", "--url", "ws://127.0.0.1:1/client"],
            "--keep",
        ),
    ];
    for (arguments, word) in table {
        let done = bench(arguments);
        let told = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(2), "{arguments:?}: {told}");
        assert!(told.contains(word), "{arguments:?}: no {word:?} in {told}");
        assert!(done.stdout.is_empty(), "{arguments:?}");
    }
}

/// What a broker may do to the messages of its clients.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    Loses,
    Doubles,
    Swaps,
    Refuses,
}

/// A broker for one sender and one receiver, which has a fault at the tenth message.
async fn faulty(listener: TcpListener, fault: Fault) {
    // The receiver comes first.
    let (mut receiver, _) = listener.accept().await.expect("a receiver");
    let mut heard = Decoder::new(Side::Server, Limits::after(1 << 20));
    greet(&mut receiver, &mut heard, true).await;
    let (mut sender, _) = listener.accept().await.expect("a sender");
    let mut heard = Decoder::new(Side::Server, Limits::after(1 << 20));
    greet(&mut sender, &mut heard, false).await;
    let mut held: Option<Frame> = None;
    let mut refused = false;
    while let Some(frame) = next(&mut sender, &mut heard).await {
        let number = frame.headers.get("receipt").expect("a receipt").to_owned();
        let push = Frame::new(Verb::Message)
            .header("message-id", &number)
            .header("ack", &number)
            .body(frame.body);
        let tenth = number == "10";
        if refused {
            // The connections stay until the load has heard why.
            continue;
        }
        if tenth && fault == Fault::Refuses {
            refused = true;
            say(
                &mut sender,
                Frame::new(Verb::Error).header("message", "full"),
            )
            .await;
            continue;
        }
        let pushes = match fault {
            Fault::Loses if tenth => vec![],
            Fault::Doubles if tenth => vec![push.clone(), push],
            Fault::Swaps if tenth => {
                held = Some(push);
                vec![]
            }
            _ => [Some(push), held.take()].into_iter().flatten().collect(),
        };
        for push in pushes {
            say(&mut receiver, push).await;
        }
        let receipt = Frame::new(Verb::Receipt).header("receipt-id", &number);
        say(&mut sender, receipt).await;
    }
}

async fn greet(stream: &mut TcpStream, heard: &mut Decoder, subscribes: bool) {
    next(stream, heard).await.expect("CONNECT");
    heard.set_version(Version::V1_2);
    say(stream, Frame::new(Verb::Connected).header("version", "1.2")).await;
    if subscribes {
        let frame = next(stream, heard).await.expect("SUBSCRIBE");
        let receipt = frame.headers.get("receipt").expect("a receipt");
        say(
            stream,
            Frame::new(Verb::Receipt).header("receipt-id", receipt),
        )
        .await;
    }
}

async fn next(stream: &mut TcpStream, heard: &mut Decoder) -> Option<Frame> {
    loop {
        if let Some(Unit::Frame(frame)) = heard.next().expect("STOMP") {
            return Some(frame);
        }
        let mut bytes = Vec::with_capacity(4_096);
        match stream.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => return None,
            Ok(_) => heard.feed(&bytes),
        }
    }
}

async fn say(stream: &mut TcpStream, frame: Frame) {
    let mut wire = Vec::new();
    stomp::write(&frame, Version::V1_2, &mut wire);
    let _ = stream.write_all(&wire).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_loses_doubles_swaps_or_refuses_gets_no_figure() {
    let table = [
        (Fault::Loses, "message 11 came where 10 should have"),
        (Fault::Doubles, "message 10 came where 11 should have"),
        (Fault::Swaps, "message 11 came where 10 should have"),
        (Fault::Refuses, "full"),
    ];
    for (fault, word) in table {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("stomp://{}", listener.local_addr().expect("an address"));
        let broker = tokio::spawn(faulty(listener, fault));
        let done = tokio::task::spawn_blocking(move || {
            bench(&[
                "stomp",
                "--url",
                &url,
                "--login",
                "a",
                "--passcode",
                "b",
                "--pairs",
                "1",
                "--seconds",
                "1",
                "--warm-up",
                "0",
            ])
        });
        let done = done.await.expect("it ends");
        broker.abort();
        let told = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(2), "{told}");
        assert!(told.contains(word), "no {word:?} in {told}");
        assert!(done.stdout.is_empty());
    }
}
