//! Clients that are slow, stop half way, or read nothing.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::bystander::Bystanders;
use crate::events::wstoken;
use crate::house::House;
use crate::raw;
use crate::raw::connect;
use crate::raw::connect_without_room;
use crate::raw::frame;
use crate::raw::statuses;
use crate::support::client::soon;
use crate::support::fire;
use crate::support::fire::Attack;
use crate::support::fire::portion;
use crate::support::people;
use crate::wire;
use crate::wire::Socket;

/// Longer than a broker that takes anything lets a writer wait.
const HELD_BACK_AFTER: Duration = Duration::from_secs(3);

const PROMISE: &str = "Slow clients, half-open ones and those that read nothing cost a bounded amount of memory, hurt nobody, and are cut.";

/// How much of a request a slow client has sent when it stops; where it is, and whether it is cut for that.
fn halves(token: &str) -> Vec<Vec<u8>> {
    let post = |path: &str, length: usize, body: &str| {
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n");
        format!("{head}Authorization: Bearer {token}\r\n\r\n{body}").into_bytes()
    };
    let upgraded = |path: &str, bytes: &[u8]| {
        let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{}\r\n", wire::UPGRADE);
        [head.as_bytes(), bytes].concat()
    };
    let connecting = frame(0x81, b"CONNECT\naccept-version:1.2\n");
    vec![
        Vec::new(),
        b"G".to_vec(),
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ".to_vec(),
        post("/api/login", 40, "{\"name\""),
        post("/api/messages", 1_000, "{\"to\":1"),
        post("/api/images", 5_000_000, "\u{89}PNG"),
        b"POST /api/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{".to_vec(),
        upgraded("/client", b""),
        upgraded("/client", b"\x81"),
        upgraded("/client", b"\x81\xfe\xff"),
        upgraded("/client", &connecting),
        upgraded("/client", &connecting[..connecting.len() - 5]),
        upgraded("/socketServer/0/x/websocket", &frame(0x81, b"[\"CONN")),
        upgraded("/socket.io/?EIO=4&transport=websocket", b"\x81"),
    ]
}

/// Many at a time, each of which has sent a part of something and stops.
#[tokio::test]
async fn half_open_clients_hurt_nobody() {
    let mut attack = Attack::on(
        "abuse-half-open",
        PROMISE,
        "`tests/abuse/slow.rs`, `half_open_clients_hurt_nobody`",
    );
    let house = House::open(&["--stomp-listen", "127.0.0.1:0"]);
    house.know([1]).await;
    let bystanders = Bystanders::begin(&house).await;
    let before = house.broker.resident_bytes();
    let halves = halves(&people::token(1));
    let count = portion(280, 4_200) as usize;
    let mut open: Vec<TcpStream> = Vec::new();
    for number in 0..count {
        let mut stream = connect(house.address()).await;
        stream
            .write_all(&halves[number % halves.len()])
            .await
            .expect("written");
        open.push(stream);
    }
    for (number, half) in [
        &b""[..],
        b"CONN",
        b"CONNECT\naccept-version:1.2\n",
        b"\n\n\n",
    ]
    .into_iter()
    .cycle()
    .take(count / 4)
    .enumerate()
    {
        let mut stream = connect(&house.broker.stomp_address()).await;
        stream
            .write_all(half)
            .await
            .unwrap_or_else(|_| panic!("{number}"));
        open.push(stream);
    }
    bystanders.go_on().await;
    let each = (house.broker.resident_bytes().saturating_sub(before)) / open.len() as u64;
    assert!(each < 64 * 1024, "{each} bytes for each that is half open");
    attack.count("half-open connections at a time", open.len() as u64);
    attack.count("bytes of memory for each", each);
    if fire::whole() {
        // Each is told or hung up on, without sending anything more.
        for (number, stream) in open.iter_mut().enumerate() {
            let mut rest = Vec::new();
            let cut = soon("a slow client's end", stream.read_to_end(&mut rest)).await;
            let _ = cut.map_err(|error| println!("{number}: {error}"));
        }
        attack.count("of them cut", open.len() as u64);
    }
    bystanders.end(&house, &mut attack).await;
    attack.repelled();
}

/// What is slow is not what is late: bytes that come one by one make the same request, up to the bound of time.
#[tokio::test]
async fn byte_by_byte_is_understood_and_hurts_nobody() {
    let house = House::open(&[]);
    house.know([1]).await;
    let bystanders = Bystanders::begin(&house).await;
    let token = people::token(1);
    let body = json!({ "to": 1, "content": "slowly" }).to_string();
    let request = format!(
        "POST /api/messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = connect(house.address()).await;
    for byte in request.bytes() {
        stream.write_all(&[byte]).await.expect("written");
        stream.flush().await.expect("flushed");
        tokio::task::yield_now().await;
    }
    let mut answer = String::new();
    soon("an answer", stream.read_to_string(&mut answer))
        .await
        .expect("text");
    assert_eq!(statuses(&answer), [201], "{answer}");
    // STOMP, a byte in a WebSocket frame each.
    let mut socket = Socket::open(house.address(), &format!("/client?srect={token}")).await;
    for byte in b"CONNECT\naccept-version:1.2\n\n\0" {
        socket.raw(&frame(0x82, &[*byte])).await.expect("written");
    }
    socket
        .expect(hongyan_grammar::stomp::Command::Connected)
        .await;
    socket.lives().await;
    bystanders.go_on().await;
}

/// A client that asks for much and reads nothing: the answers wait in bounded memory, and not for ever.
#[tokio::test]
async fn who_reads_no_answer_is_let_go() {
    let mut attack = Attack::on(
        "abuse-unread",
        PROMISE,
        "`tests/abuse/slow.rs`, `who_reads_no_answer_is_let_go`",
    );
    let house = House::open(&[]);
    let token = people::token(1);
    let bearer = format!("Authorization: Bearer {token}\r\n");
    let picture = [&b"\x89PNG\r\n\x1a\n"[..], &[0; 3 << 20]].concat();
    let head = format!(
        "POST /api/images HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{bearer}Content-Length: {}\r\n\r\n",
        picture.len()
    );
    let answer = raw::answer(house.address(), &[head.as_bytes(), &picture].concat()).await;
    assert_eq!(statuses(&answer), [201], "{answer}");
    let (_, id) = answer.split_once("\"id\":\"").expect("an id");
    let path = format!("/api/images/{}", &id[..32]);
    let bystanders = Bystanders::begin(&house).await;
    let before = house.broker.resident_bytes();
    let count = portion(40, 400);
    let mut open = Vec::new();
    for _ in 0..count {
        let mut stream = connect_without_room(house.address()).await;
        // Many at once: the first is not read, so the others are not even looked at.
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{bearer}\r\n").repeat(20);
        let written = stream.write_all(request.as_bytes()).await;
        written.expect("written");
        open.push(stream);
    }
    // And as many who begin to bring one, and do not go on.
    let most = &picture[..picture.len() - 1];
    let begun = [head.as_bytes(), most].concat();
    let bringing = (0..count).map(|_| async {
        let mut stream = connect_without_room(house.address()).await;
        let _ = timeout(HELD_BACK_AFTER, stream.write_all(&begun)).await;
        stream
    });
    open.extend(futures_util::future::join_all(bringing).await);
    bystanders.go_on().await;
    let grown = house.broker.resident_bytes().saturating_sub(before);
    assert!(grown < 96 << 20, "{grown} bytes for {count} of each");
    // Their user has to wait; nobody else has.
    house.know([2]).await;
    attack.count("bytes of memory for all of them", grown);
    attack.count("clients that read no answer", count);
    if fire::whole() {
        let with_all = house.broker.open_files();
        soon_or_later(&bystanders, "those who read nothing to be let go", || {
            house.broker.open_files() + count <= with_all
        })
        .await;
        attack.count("of them let go", count);
    }
    drop(open);
    bystanders.end(&house, &mut attack).await;
    attack.repelled();
}

/// Pings without end from clients that never read the pongs.
#[tokio::test]
async fn pings_whose_pongs_are_not_read_cost_nothing() {
    let mut attack = Attack::on(
        "abuse-pings",
        PROMISE,
        "`tests/abuse/slow.rs`, `pings_whose_pongs_are_not_read_cost_nothing`",
    );
    let house = House::open(&[]);
    let token = people::token(1);
    house.know([1]).await;
    let bystanders = Bystanders::begin(&house).await;
    let grant = wstoken(house.address(), &token).await;
    let before = house.broker.resident_bytes();
    let bytes = portion(16 << 20, 512 << 20) as usize;
    let connected = frame(0x81, b"CONNECT\naccept-version:1.2\n\n\0");
    let doors = [
        (format!("/client?srect={token}"), connected),
        (
            format!("/socketServer/websocket?srect={token}"),
            frame(0x81, b"CONNECT\naccept-version:1.2\n\n\0"),
        ),
        (format!("/{grant}"), Vec::new()),
        (
            "/socket.io/?EIO=4&transport=websocket".to_owned(),
            frame(0x81, b"40"),
        ),
    ];
    let floods = doors
        .iter()
        .map(|(path, first)| ping(house.address(), path, first, bytes));
    // They are held until the memory was looked at.
    let floods = futures_util::future::join_all(floods).await;
    let grown = house.broker.resident_bytes().saturating_sub(before);
    let sent: usize = floods.iter().map(|(_, sent)| sent).sum();
    assert!(grown < 12 << 20, "{grown} bytes after {sent} of pings");
    bystanders.go_on().await;
    drop(floods);
    bystanders.end(&house, &mut attack).await;
    attack.count("bytes of pings whose pongs nobody read", sent as u64);
    attack.repelled();
}

/// Pings until `bytes` are sent, or no more is taken; what it may not do is to stay in memory.
async fn ping(address: &str, path: &str, first: &[u8], bytes: usize) -> (TcpStream, usize) {
    let mut stream = connect_without_room(address).await;
    let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{}\r\n", wire::UPGRADE);
    stream.write_all(head.as_bytes()).await.expect("written");
    let mut answer = [0; 12];
    let read = soon("an answer", stream.read_exact(&mut answer)).await;
    read.expect("a head");
    assert_eq!(&answer, b"HTTP/1.1 101", "{path}");
    stream.write_all(first).await.expect("written");
    let pings = frame(0x89, &[b'x'; 125]).repeat(512);
    let mut sent = 0;
    while sent < bytes {
        let write = stream.write(&pings[sent % pings.len()..]);
        match timeout(HELD_BACK_AFTER, write).await {
            Ok(Ok(written)) => sent += written,
            Ok(Err(_)) | Err(_) => break,
        }
    }
    (stream, sent)
}

/// Looks after some more of the bystanders' chat, until it is so, for as long as anything may take that is cut by time.
async fn soon_or_later(bystanders: &Bystanders, what: &str, is_so: impl Fn() -> bool) {
    let asking = async {
        while !is_so() {
            bystanders.go_on().await;
        }
    };
    let waited = timeout(Duration::from_secs(120), asking).await;
    assert!(waited.is_ok(), "waited in vain for {what}");
}
