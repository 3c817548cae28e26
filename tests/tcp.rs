//! Does STOMP over plain TCP do all that it does on a WebSocket, and stand what only bare bytes can bring?

mod support;

use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Decoder;
use hongyan_grammar::stomp::Frame;
use hongyan_grammar::stomp::Limits;
use hongyan_grammar::stomp::Side;
use hongyan_grammar::stomp::Unit;
use support::client::Client;
use support::client::Stream;
use support::client::connect;
use support::client::json;
use support::client::soon;
use support::people;
use support::people::msg_id;
use support::running::Running;
use support::running::command;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;

const LI: u64 = 1;
const WU: u64 = 2;

const IDLE: u64 = 1_000;
const IDLE_BYTES_MAX: u64 = 8 * 1024;

fn start(arguments: &[&str]) -> (TempDir, Running) {
    let folder = tempfile::tempdir().expect("a folder");
    let all = [&["--stomp-listen", "127.0.0.1:0"], arguments].concat();
    let broker = Running::start(&folder.path().join("data"), &all);
    (folder, broker)
}

async fn tcp(broker: &Running) -> Stream {
    connect(&broker.stomp_address()).await
}

async fn log_in(broker: &Running, uid: u64) -> Client {
    Client::log_in_bare(tcp(broker).await, uid).await
}

async fn inbox(client: &mut Client, uid: u64) {
    client.subscribe(&format!("/user/{uid}/recive")).await;
}

/// Everything that is answered to `bytes` until the broker ends the connection.
async fn last_words(broker: &Running, bytes: &[u8]) -> Vec<Unit> {
    let mut stream = tcp(broker).await;
    stream.write_all(bytes).await.expect("an open connection");
    read_to_end(stream).await
}

/// What comes until the end. A connection that is reset instead is a failure.
async fn read_to_end(mut stream: Stream) -> Vec<Unit> {
    let mut read = Vec::new();
    let reading = soon("the end", stream.read_to_end(&mut read)).await;
    reading.expect("an end, and no reset");
    let mut decoder = Decoder::new(Side::Client, Limits::after(1 << 20));
    decoder.feed(&read);
    std::iter::from_fn(|| decoder.next().expect("frames that read")).collect()
}

fn error_in(units: &[Unit]) -> (&str, String) {
    match units.last() {
        Some(Unit::Frame(frame)) if frame.command == Command::Error => (
            frame.headers.get("message").expect("a word"),
            String::from_utf8_lossy(&frame.body).into_owned(),
        ),
        _ => panic!("no ERROR at the end: {units:?}"),
    }
}

#[tokio::test]
async fn two_people_chat() {
    let (_folder, broker) = start(&[]);
    assert!(broker.urls[1].starts_with("stomp://"), "{:?}", broker.urls);
    let (mut li, mut wu) = (log_in(&broker, LI).await, log_in(&broker, WU).await);
    inbox(&mut wu, WU).await;
    for queue in ["send/status", "delivery/status"] {
        li.subscribe(&format!("/user/queue/{queue}")).await;
    }
    wu.subscribe("/user/queue/recive/status").await;

    let id = msg_id("起来聊天");
    li.chat(WU, &id, "起来聊天").await;
    let status = json(&li.next().await.expect("a status"));
    assert_eq!(
        (&status["msgID"], &status["code"]),
        (&id.clone().into(), &200.into())
    );
    let message = json(&wu.next().await.expect("the message"));
    assert_eq!(message["content"], "起来聊天");
    assert_eq!(message["sender"], *people::name(LI));
    wu.confirm(&id).await;
    assert_eq!(json(&wu.next().await.expect("a status"))["code"], 200);
    let notice = json(&li.next().await.expect("a notice"));
    assert_eq!(
        (&notice["msgID"], &notice["state"]),
        (&id.into(), &"received".into())
    );
}

#[tokio::test]
async fn who_was_off_line_gets_everything_on_init() {
    let (_folder, broker) = start(&[]);
    let mut wu = log_in(&broker, WU).await;
    let bye = Frame::new(Command::Disconnect).header("receipt", "bye");
    wu.send(bye).await;
    assert_eq!(wu.next().await.expect("RECEIPT").command, Command::Receipt);
    assert_eq!(wu.next().await, None, "closed");

    let mut li = log_in(&broker, LI).await;
    li.subscribe("/user/queue/send/status").await;
    for content in ["one", "two"] {
        li.chat(WU, &msg_id(content), content).await;
        assert_eq!(json(&li.next().await.expect("a status"))["code"], 200);
    }
    let mut wu = log_in(&broker, WU).await;
    inbox(&mut wu, WU).await;
    wu.init().await;
    for content in ["one", "two"] {
        assert_eq!(
            json(&wu.next().await.expect("a message"))["content"],
            content
        );
    }
}

#[tokio::test]
async fn a_connect_brings_its_credentials() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let added = command(&data, &["user", "add", "zhao", "--password", "long enough"]).output();
    assert!(added.expect("it runs").status.success());
    let broker = Running::start(&data, &["--stomp-listen", "127.0.0.1:0"]);

    let token = people::token(LI + 100);
    let bye = "DISCONNECT\n\n\0";
    for good in [
        "login:zhao\npasscode:long enough".to_owned(),
        format!("srect:{token}"),
        format!("Authorization:Bearer {token}"),
        format!("login:\npasscode:{token}"),
    ] {
        let wire = format!("CONNECT\naccept-version:1.2\n{good}\n\n\0{bye}");
        let units = last_words(&broker, wire.as_bytes()).await;
        match &units[..] {
            [Unit::Frame(frame)] => assert_eq!(frame.command, Command::Connected, "{frame:?}"),
            _ => panic!("{units:?}"),
        }
    }
    for bad in ["", "srect:nonsense", "login:zhao\npasscode:wrong"] {
        let wire = format!("STOMP\naccept-version:1.2\n{bad}\n\n\0");
        let wire = wire.replace("\n\n\n", "\n\n");
        let units = last_words(&broker, wire.as_bytes()).await;
        assert_eq!(units.len(), 1, "{units:?}");
        assert_eq!(error_in(&units).0, "access-refused", "{bad:?}");
    }
}

#[tokio::test]
async fn a_frame_may_be_cut_anywhere() {
    let (_folder, broker) = start(&[]);
    let mut stream = tcp(&broker).await;
    let connect = format!(
        "CONNECT\naccept-version:1.2\nsrect:{}\n\n\0",
        people::token(LI)
    );
    // Each byte of CONNECT in a packet of its own; then each way to cut a frame in two.
    for byte in connect.as_bytes() {
        stream
            .write_all(&[*byte])
            .await
            .expect("an open connection");
        tokio::task::yield_now().await;
    }
    let mut read = [0; 4_096];
    let connected = soon("CONNECTED", stream.read(&mut read)).await;
    assert!(read.starts_with(b"CONNECTED\n"), "{connected:?}");
    let frame = b"BEGIN\r\ntransaction:t\nreceipt:1\n\n\0ABORT\ntransaction:t\nreceipt:2\n\n\0\n";
    let answer = b"RECEIPT\nreceipt-id:1\n\n\0RECEIPT\nreceipt-id:2\n\n\0";
    for cut in 1..frame.len() {
        for part in [&frame[..cut], &frame[cut..]] {
            stream.write_all(part).await.expect("an open connection");
            tokio::task::yield_now().await;
        }
        let mut read = [0; 46];
        let reading = stream.read_exact(&mut read);
        soon("two receipts", reading).await.expect("two receipts");
        assert_eq!(read, *answer, "cut at {cut}");
    }
}

#[tokio::test]
async fn ends_of_line_and_nuls_between_frames_are_tolerated() {
    let (_folder, broker) = start(&[]);
    let wire = format!(
        "\r\n\0\n\0CONNECT\r\naccept-version:1.2\r\nsrect:{}\r\n\r\n\0\0\n\r\n\
         BEGIN\r\ntransaction:t\r\nreceipt:1\r\n\r\n\0\n\n\0DISCONNECT\r\nreceipt:2\r\n\r\n\0",
        people::token(LI)
    );
    let units = last_words(&broker, wire.as_bytes()).await;
    let commands: Vec<_> = units
        .iter()
        .map(|unit| match unit {
            Unit::Frame(frame) => frame.command,
            Unit::Beat => panic!("a newline before a frame"),
        })
        .collect();
    assert_eq!(
        commands,
        [Command::Connected, Command::Receipt, Command::Receipt]
    );
}

#[tokio::test]
async fn another_protocol_is_told_so_at_once() {
    let (_folder, broker) = start(&[]);
    // No end of the request is waited for.
    for wire in ["GET / HTTP/1.1\r\nHost: broker\r\n", "SEND\n\n\0"] {
        let units = last_words(&broker, wire.as_bytes()).await;
        let (word, sentence) = error_in(&units);
        match word {
            "unknown-command" => assert!(sentence.contains("CONNECT"), "{sentence}"),
            word => assert_eq!(word, "not-connected"),
        }
    }
}

#[tokio::test]
async fn who_sends_too_much_reads_why() {
    let (_folder, broker) = start(&["--max-frame", "100KiB"]);
    let connect = format!(
        "CONNECT\naccept-version:1.2\nsrect:{}\n\n\0",
        people::token(LI)
    );
    let flood = [b'x'; 300 * 1024];
    for (head, limit) in [
        ("SEND\ncontent-length:999999999\n\n".to_owned(), "65536"),
        ("SEND\ndestination:/d\n\n".to_owned(), "65536"),
        (
            format!("{connect}SEND\ndestination:/d\ncontent-length:102400\n\n"),
            "102400",
        ),
        (format!("{connect}SEND\ndestination:/d\n\n"), "102400"),
    ] {
        let (reading, mut writing) = tokio::io::split(tcp(&broker).await);
        let sending = async {
            let _ = writing.write_all(head.as_bytes()).await;
            // Far more than is taken; the broker may stop listening at any time.
            let _ = writing.write_all(&flood).await;
        };
        let nowhere = tokio::io::sink();
        let reading: Stream = Box::new(tokio::io::join(reading, nowhere));
        let (units, ()) = tokio::join!(read_to_end(reading), sending);
        let (word, sentence) = error_in(&units);
        assert_eq!(word, "frame-too-large", "{sentence}");
        assert!(sentence.contains(limit), "{sentence}");
    }
}

#[tokio::test]
async fn hearts_beat_and_silence_ends() {
    let (_folder, broker) = start(&[]);
    let mut client = Client::bare(tcp(&broker).await);
    let connect = Frame::new(Command::Connect)
        .header("accept-version", "1.2")
        .header("heart-beat", "1000,1000")
        .header("srect", &people::token(LI));
    client.send(connect).await;
    let connected = client.next().await.expect("CONNECTED");
    assert_eq!(connected.headers.get("heart-beat"), Some("1000,1000"));
    let mut beats = 0;
    let error = loop {
        match client.next_unit().await.expect("a beat or an ERROR") {
            Unit::Beat => beats += 1,
            Unit::Frame(frame) => break frame,
        }
    };
    assert!(beats >= 2, "{beats} beats");
    assert_eq!(error.headers.get("message"), Some("heartbeat-timeout"));
    assert_eq!(client.next_unit().await, None, "closed");
}

#[tokio::test]
async fn everybody_is_told_when_the_broker_stops() {
    let (_folder, broker) = start(&[]);
    let mut strangers = vec![Client::bare(tcp(&broker).await)];
    let known = log_in(&broker, LI).await;
    // The broker has seen the stranger, too: it came before.
    strangers.push(known);
    let stopped = tokio::task::spawn_blocking(|| broker.terminate());
    for mut client in strangers {
        let error = client.next().await.expect("ERROR");
        assert_eq!(error.headers.get("message"), Some("broker-stopping"));
        assert_eq!(client.next().await, None, "closed");
    }
    let status = soon("the broker's end", stopped).await.expect("no panic");
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn people_on_tcp_and_on_websockets_talk_to_each_other() {
    let (_folder, broker) = start(&[]);
    let mut li = log_in(&broker, LI).await;
    let mut wu = Client::log_in(&broker.address, WU).await;
    inbox(&mut li, LI).await;
    inbox(&mut wu, WU).await;
    li.chat(WU, &msg_id("by TCP"), "by TCP").await;
    let message = json(&wu.next().await.expect("a message"));
    assert_eq!(message["content"], "by TCP");
    wu.chat(LI, &msg_id("by WebSocket"), "by WebSocket").await;
    let message = json(&li.next().await.expect("a message"));
    assert_eq!(message["content"], "by WebSocket");
}

#[tokio::test]
async fn all_connections_share_their_places() {
    let (_folder, broker) = start(&["--max-connections", "2"]);
    let on_tcp = log_in(&broker, LI).await;
    let on_websocket = Client::log_in(&broker.address, WU).await;
    let units = read_to_end(tcp(&broker).await).await;
    assert_eq!(error_in(&units).0, "too-many-connections");
    let healthz = async || {
        let mut stream = connect(&broker.address).await;
        let request = b"GET /healthz HTTP/1.1\r\nHost: broker\r\nConnection: close\r\n\r\n";
        // Who is let go is not read from, and so may see a reset behind the answer.
        let _ = stream.write_all(request).await;
        let mut answer = Vec::new();
        let _ = soon("an answer", stream.read_to_end(&mut answer)).await;
        String::from_utf8_lossy(&answer).into_owned()
    };
    let refusal = healthz().await;
    assert!(refusal.starts_with("HTTP/1.1 503 "), "{refusal}");
    // Whoever goes leaves a place to those who come on the other way.
    drop(on_tcp);
    let place = async { while !healthz().await.starts_with("HTTP/1.1 200 ") {} };
    soon("a place", place).await;
    drop(on_websocket);
}

#[tokio::test]
async fn an_idle_connection_costs_little() {
    let (_folder, broker) = start(&[]);
    let mut clients = Vec::new();
    // The first ones pay for what all of them share.
    for uid in 1..=100 {
        clients.push(log_in(&broker, uid).await);
    }
    let before = broker.resident_bytes();
    for uid in 101..=100 + IDLE {
        let mut client = log_in(&broker, uid).await;
        inbox(&mut client, uid).await;
        clients.push(client);
    }
    let each = (broker.resident_bytes() - before) / IDLE;
    println!("{each} bytes of resident memory for each of {IDLE} idle connections");
    assert!(each < IDLE_BYTES_MAX, "{each} bytes each");
}
