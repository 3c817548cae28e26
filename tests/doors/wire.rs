//! A WebSocket, message by message, with the handshake as text: what a client's library would hide.

use futures_util::SinkExt;
use futures_util::StreamExt;
use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Decoder;
use hongyan_grammar::stomp::Frame;
use hongyan_grammar::stomp::Limits;
use hongyan_grammar::stomp::Side;
use hongyan_grammar::stomp::Unit;
use serde_json::Value;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::house::header;
use crate::support::client::soon;
use crate::support::people;

/// The headers of a right handshake.
pub const UPGRADE: &str = "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// What RFC 6455, 1.3 answers to that key.
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A connection after a request and the head of its answer.
pub struct Knocked {
    pub status: u16,
    pub head: String,
    stream: TcpStream,
}

/// Sends `request`, a head without the empty line, and reads the head of the answer.
pub async fn knock(address: &str, request: &str) -> Knocked {
    knock_with(address, request, "").await
}

/// The same with what there is of a body.
pub async fn knock_with(address: &str, request: &str, body: &str) -> Knocked {
    let mut stream = soon("the connection", TcpStream::connect(address))
        .await
        .expect("the broker listens");
    let request = format!("{request}Host: {address}\r\n\r\n{body}");
    // A broker that has no place answers before it is asked, and hangs up.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut head = Vec::new();
    // Byte by byte: what follows the head is not ours to read here.
    while !head.ends_with(b"\r\n\r\n") {
        match soon("the head of an answer", stream.read_u8()).await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    let head = String::from_utf8(head).expect("a head is ASCII");
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    Knocked {
        status: status.unwrap_or_default(),
        head,
        stream,
    }
}

/// Asks for a WebSocket at `path` with more `headers`.
pub async fn upgrade(address: &str, path: &str, headers: &str) -> Knocked {
    knock(
        address,
        &format!("GET {path} HTTP/1.1\r\n{UPGRADE}{headers}"),
    )
    .await
}

impl Knocked {
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    /// The rest of an answer, to the end of the connection.
    pub async fn body(mut self) -> String {
        let mut body = Vec::new();
        let _ = soon("a body", self.stream.read_to_end(&mut body)).await;
        String::from_utf8(body).expect("text")
    }

    /// The WebSocket that was agreed to.
    pub async fn socket(self) -> Socket {
        assert_eq!(self.status, 101, "{}", self.head);
        assert_eq!(self.header("Sec-WebSocket-Accept"), Some(ACCEPT));
        Socket(WebSocketStream::from_raw_socket(self.stream, Role::Client, None).await)
    }
}

/// What comes over a WebSocket.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    Text(String),
    Pong(Vec<u8>),
    /// The code and the reason.
    Closed(u16, String),
    /// The connection ended without a close.
    Gone,
}

/// A WebSocket.
pub struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// Opens one.
    pub async fn open(address: &str, path: &str) -> Self {
        upgrade(address, path, "").await.socket().await
    }

    /// Sends a message. A connection that is gone is noticed when something is read from it.
    pub async fn send(&mut self, message: Message) {
        let _ = self.0.send(message).await;
    }

    /// The connection itself.
    pub fn into_stream(self) -> TcpStream {
        self.0.into_inner()
    }

    pub async fn say(&mut self, text: &str) {
        self.send(Message::text(text)).await;
    }

    /// Bytes as they are, below the WebSocket.
    pub async fn raw(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let written = self.0.get_mut().write_all(bytes);
        soon("the end of a write", written).await
    }

    /// The next message. Binary ones are none of the broker's habits.
    pub async fn next(&mut self) -> Heard {
        match soon("a message", self.0.next()).await {
            Some(Ok(Message::Text(text))) => Heard::Text(text.to_string()),
            Some(Ok(Message::Pong(bytes))) => Heard::Pong(bytes.to_vec()),
            Some(Ok(Message::Close(Some(frame)))) => {
                Heard::Closed(frame.code.into(), frame.reason.to_string())
            }
            // 1005: "no code" (RFC 6455, 7.4.1).
            Some(Ok(Message::Close(None))) => Heard::Closed(1005, String::new()),
            // Packets are followed by one; the library answers it.
            Some(Ok(Message::Ping(_))) => Box::pin(self.next()).await,
            Some(Ok(other)) => panic!("an unexpected {other:?}"),
            Some(Err(_)) | None => Heard::Gone,
        }
    }

    /// The next message, which is a text.
    pub async fn text(&mut self) -> String {
        match self.next().await {
            Heard::Text(text) => text,
            other => panic!("{other:?} instead of a text"),
        }
    }

    /// The next message, which is exactly one frame.
    pub async fn frame(&mut self) -> Frame {
        frame(&self.text().await)
    }

    /// The next message, which is the frame of that command.
    pub async fn expect(&mut self, command: Command) -> Frame {
        let frame = self.frame().await;
        assert_eq!(frame.command, command, "{frame:?}");
        frame
    }

    /// That an ERROR comes with this `message`, then a close with this code.
    pub async fn expect_error(&mut self, word: &str, code: u16) {
        let error = self.expect(Command::Error).await;
        assert_eq!(error.headers.get("message"), Some(word), "{error:?}");
        assert!(!error.body.is_empty(), "a sentence");
        assert_eq!(self.next().await, Heard::Closed(code, word.to_owned()));
    }

    /// The body of the next message, which is a MESSAGE.
    pub async fn message(&mut self) -> Value {
        let message = self.expect(Command::Message).await;
        serde_json::from_slice(&message.body).expect("JSON")
    }

    /// Opens one as the user of `token`, and connects.
    pub async fn log_in(address: &str, token: &str) -> Self {
        let mut socket = Self::open(address, &format!("/client?srect={token}")).await;
        socket.connect("").await;
        socket
    }

    /// Sends a chat message to `to`, without waiting for anything.
    pub async fn chat(&mut self, to: u64, content: &str) {
        self.say(&chat(to, content)).await;
    }

    /// Sends CONNECT with these header lines, and waits for CONNECTED.
    pub async fn connect(&mut self, headers: &str) -> Frame {
        self.say(&connect(headers)).await;
        self.expect(Command::Connected).await
    }

    /// Asks for the receipt of something harmless, which shows that the session lives.
    pub async fn lives(&mut self) {
        self.say("UNSUBSCRIBE\nid:none\nreceipt:alive\n\n\0").await;
        let receipt = self.expect(Command::Receipt).await;
        assert_eq!(receipt.headers.get("receipt-id"), Some("alive"));
    }

    /// Subscribes, and waits until that holds.
    pub async fn subscribe(&mut self, destination: &str) {
        self.say(&subscribe(destination)).await;
        self.expect(Command::Receipt).await;
    }
}

/// CONNECT of 1.2 with more header lines.
pub fn connect(headers: &str) -> String {
    format!("CONNECT\naccept-version:1.2\n{headers}\n\0")
}

/// SEND of a chat message, whose msgID is made of its content.
pub fn chat(to: u64, content: &str) -> String {
    let msg_id = people::msg_id(content);
    let body = json!({ "msgID": msg_id, "reciverId": to, "content": content });
    format!("SEND\ndestination:/socket/chat/send\n\n{body}\0")
}

/// SUBSCRIBE with the destination as its id, and a receipt.
pub fn subscribe(destination: &str) -> String {
    format!("SUBSCRIBE\nid:{destination}\ndestination:{destination}\nreceipt:subscribed\n\n\0")
}

/// The one frame in `text`.
pub fn frame(text: &str) -> Frame {
    let mut decoder = Decoder::new(Side::Client, Limits::after(1 << 24));
    decoder.feed(text.as_bytes());
    let first = decoder.next().expect("a frame that reads");
    let Some(Unit::Frame(frame)) = first else {
        panic!("{text:?} is no frame");
    };
    assert!(
        text.ends_with('\0'),
        "something follows the frame: {text:?}"
    );
    assert_eq!(decoder.next(), Ok(None), "more than one frame: {text:?}");
    assert!(!text.contains('\r'), "a CR in {text:?}");
    frame
}
