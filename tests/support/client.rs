//! A STOMP client on a WebSocket or on a bare stream, and just enough HTTP.

use std::collections::VecDeque;
use std::future::Future;
use std::time::Duration;

use futures_util::SinkExt;
use futures_util::StreamExt;
use hongyan_grammar::stomp;
use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Decoder;
use hongyan_grammar::stomp::Frame;
use hongyan_grammar::stomp::Limits;
use hongyan_grammar::stomp::Side;
use hongyan_grammar::stomp::Unit;
use hongyan_grammar::stomp::Version;
use serde_json::Value;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

use crate::support::people;

/// Longer than anything takes: a test that hangs should say where.
const PATIENCE: Duration = Duration::from_secs(60);

/// What `future` gives, or a panic that names `what` was waited for.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(PATIENCE, future).await;
    waited.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// What a client may sit on.
pub trait Pipe: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Pipe for T {}

/// What a client sits on.
pub type Stream = Box<dyn Pipe>;

/// A TCP connection to the broker.
pub async fn connect(address: &str) -> Stream {
    let connecting = TcpStream::connect(address);
    let stream = soon("the connection", connecting).await;
    Box::new(stream.expect("the broker listens"))
}

enum Socket {
    WebSocket(Box<WebSocketStream<Stream>>),
    Bare(Stream),
}

/// One STOMP 1.2 connection.
pub struct Client {
    socket: Socket,
    decoder: Decoder,
    /// What came while something else was waited for.
    early: VecDeque<Frame>,
}

impl Client {
    /// Connects and logs in as user `uid`.
    pub async fn log_in(address: &str, uid: u64) -> Self {
        let mut client =
            Self::open(address, &format!("/client?srect={}", people::token(uid))).await;
        client.connect().await;
        client
    }

    /// CONNECT, where the URL has said who it is.
    pub async fn connect(&mut self) {
        self.send(Frame::new(Command::Connect).header("accept-version", "1.2"))
            .await;
        let connected = self.next().await.expect("CONNECTED");
        assert_eq!(connected.command, Command::Connected);
        self.decoder.set_version(Version::V1_2);
    }

    /// Opens a WebSocket and says nothing yet.
    pub async fn open(address: &str, path: &str) -> Self {
        Self::upgrade(connect(address).await, &format!("ws://{address}{path}")).await
    }

    /// The same on a stream that is there.
    pub async fn upgrade(stream: Stream, url: &str) -> Self {
        let upgrade = client_async(url, stream);
        let (socket, _) = soon("the upgrade", upgrade).await.expect("an upgrade");
        Self::on(Socket::WebSocket(Box::new(socket)))
    }

    /// Takes a stream with nothing around the frames, and says nothing yet.
    pub fn bare(stream: Stream) -> Self {
        Self::on(Socket::Bare(stream))
    }

    /// The same, and logs in as user `uid`.
    pub async fn log_in_bare(stream: Stream, uid: u64) -> Self {
        let mut client = Self::bare(stream);
        let connect = Frame::new(Command::Connect)
            .header("accept-version", "1.2")
            .header("srect", &people::token(uid));
        client.send(connect).await;
        let connected = client.next().await.expect("CONNECTED");
        assert_eq!(connected.command, Command::Connected, "{connected:?}");
        client.decoder.set_version(Version::V1_2);
        client
    }

    fn on(socket: Socket) -> Self {
        Self {
            socket,
            decoder: Decoder::new(Side::Client, Limits::after(1 << 24)),
            early: VecDeque::new(),
        }
    }

    /// Sends a frame. A connection that is gone is noticed when something is read from it.
    pub async fn send(&mut self, frame: Frame) {
        self.queue(frame).await;
        self.flush().await;
    }

    /// As [`Self::send`], but leaves it to a later flush.
    pub async fn queue(&mut self, frame: Frame) {
        let mut wire = Vec::new();
        stomp::write(&frame, Version::V1_2, &mut wire);
        let text = String::from_utf8(wire).expect("only text is sent here");
        let _ = match &mut self.socket {
            Socket::WebSocket(socket) => socket.feed(Message::text(text)).await.is_ok(),
            Socket::Bare(stream) => stream.write_all(text.as_bytes()).await.is_ok(),
        };
    }

    /// Sends what was queued.
    pub async fn flush(&mut self) {
        let _ = match &mut self.socket {
            Socket::WebSocket(socket) => socket.flush().await.is_ok(),
            Socket::Bare(stream) => stream.flush().await.is_ok(),
        };
    }

    /// The next frame; `None` when the connection is over.
    pub async fn next(&mut self) -> Option<Frame> {
        if let Some(frame) = self.early.pop_front() {
            return Some(frame);
        }
        loop {
            if let Unit::Frame(frame) = self.next_unit().await? {
                return Some(frame);
            }
        }
    }

    /// The next frame or heart-beat; `None` when the connection is over.
    pub async fn next_unit(&mut self) -> Option<Unit> {
        loop {
            if let Some(unit) = self.decoder.next().expect("a frame that reads") {
                return Some(unit);
            }
            match &mut self.socket {
                Socket::WebSocket(socket) => match soon("a frame", socket.next()).await? {
                    Ok(Message::Text(text)) => self.decoder.feed(text.as_bytes()),
                    Ok(Message::Binary(bytes)) => self.decoder.feed(&bytes),
                    Ok(Message::Close(_)) | Err(_) => return None,
                    Ok(_) => {}
                },
                Socket::Bare(stream) => {
                    let mut bytes = Vec::with_capacity(4_096);
                    match soon("a frame", stream.read_buf(&mut bytes)).await {
                        Ok(0) | Err(_) => return None,
                        Ok(_) => self.decoder.feed(&bytes),
                    }
                }
            }
        }
    }

    /// Subscribes, and waits until that holds.
    pub async fn subscribe(&mut self, destination: &str) {
        let frame = Frame::new(Command::Subscribe)
            .header("id", destination)
            .header("destination", destination)
            .header("receipt", "subscribed");
        self.send(frame).await;
        assert!(self.until_receipt().await, "no RECEIPT: {:?}", self.early);
    }

    /// Asks for everything that waits, and waits until that was heard: what others send from then on comes behind it.
    pub async fn init(&mut self) {
        let init = Frame::new(Command::Send)
            .header("destination", "/socket/chat/init")
            .header("receipt", "init");
        self.send(init).await;
        self.until_receipt().await;
    }

    /// Waits for a RECEIPT; what comes before it is for later. False where the connection ends instead.
    async fn until_receipt(&mut self) -> bool {
        while let Some(unit) = self.next_unit().await {
            match unit {
                Unit::Frame(frame) if frame.command == Command::Receipt => return true,
                Unit::Frame(frame) => self.early.push_back(frame),
                Unit::Beat => {}
            }
        }
        false
    }

    /// Sends a message, without waiting for anything.
    pub async fn chat(&mut self, to: u64, msg_id: &str, content: &str) {
        self.send(chat(to, msg_id, content)).await;
    }

    /// Confirms a message, without waiting for anything.
    pub async fn confirm(&mut self, msg_id: &str) {
        self.send(confirm(msg_id)).await;
    }
}

/// SEND of a message.
pub fn chat(to: u64, msg_id: &str, content: &str) -> Frame {
    let body = serde_json::json!({ "msgID": msg_id, "reciverId": to, "content": content });
    Frame::new(Command::Send)
        .header("destination", "/socket/chat/send")
        .body(body.to_string())
}

/// SEND of a confirmation.
pub fn confirm(msg_id: &str) -> Frame {
    let body = serde_json::json!({ "msgID": msg_id });
    Frame::new(Command::Send)
        .header("destination", "/socket/chat/recive")
        .body(body.to_string())
}

/// The JSON in a frame.
pub fn json(frame: &Frame) -> Value {
    serde_json::from_slice(&frame.body).unwrap_or_else(|error| panic!("{error}: {frame:?}"))
}

/// One HTTP request on a connection of its own: the status, the head and the body.
pub async fn http(
    address: &str,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> (u16, String, String) {
    http_on(connect(address).await, method, path, headers, body).await
}

/// The same on a stream that is there.
pub async fn http_on(
    mut stream: Stream,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> (u16, String, String) {
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: broker\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    );
    stream
        .write_all(request.as_bytes())
        .await
        .expect("a request");
    let mut answer = Vec::new();
    soon("an answer", stream.read_to_end(&mut answer))
        .await
        .expect("an answer");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or_default();
    (status, head.to_owned(), body.to_owned())
}
