//! HTTP by hand: what the judges of a protocol must see are chunks, header by header.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use hongyan::transports::http;
use hongyan::transports::http::Base;
use hongyan::transports::listener::Listener;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::sync::watch;

use crate::sockjs::echo;
use crate::support::client::soon;

/// Serves the example until the test is over.
pub async fn serve() -> String {
    let (stop, stopping) = watch::channel(false);
    let places = Arc::new(Semaphore::new(100));
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = Listener::bind(anywhere, None, places, stopping.clone()).await;
    let listener = listener.expect("a port");
    let address = listener.address().expect("an address").to_string();
    tokio::spawn(async move {
        http::serve(listener, Base::default(), echo::routes(), stopping).await;
        drop(stop);
    });
    address
}

/// A session nobody else has: `/echo/000/1`.
pub fn session(base: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{base}/000/s{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A connection, and what was read of it too early.
pub struct Connection {
    stream: TcpStream,
    ahead: Vec<u8>,
}

/// The head of an answer.
#[derive(Debug)]
pub struct Head {
    pub status: u16,
    headers: Vec<(String, String)>,
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    pub head: Head,
    pub status: u16,
    pub body: String,
}

impl Head {
    /// A header's value, or nothing.
    pub fn get(&self, name: &str) -> &str {
        let header = self.headers.iter().find(|(known, _)| known == name);
        header.map_or("", |(_, value)| value)
    }

    /// A header's value without spaces and letter case, where only the tokens matter.
    pub fn tokens(&self, name: &str) -> String {
        self.get(name).replace(' ', "").to_lowercase()
    }
}

impl Connection {
    pub async fn open(address: &str) -> Self {
        let stream = soon("the connection", TcpStream::connect(address)).await;
        Self {
            stream: stream.expect("somebody listens"),
            ahead: Vec::new(),
        }
    }

    /// Sends a request and reads the head of the answer. Each header is a line, `Name: value\r\n`.
    pub async fn ask(&mut self, line: &str, headers: &str, body: &[u8]) -> Head {
        self.send(line, headers, body).await;
        self.head().await
    }

    /// Sends a request. `line` is its method and path, and perhaps the version.
    pub async fn send(&mut self, line: &str, headers: &str, body: &[u8]) {
        let version = if line.contains(" HTTP/") {
            ""
        } else {
            " HTTP/1.1"
        };
        let length = body.len();
        let head = format!(
            "{line}{version}\r\nHost: localhost\r\nContent-Length: {length}\r\n{headers}\r\n"
        );
        let request = [head.as_bytes(), body].concat();
        self.stream.write_all(&request).await.expect("a request");
    }

    async fn head(&mut self) -> Head {
        let text = self.until("\r\n\r\n").await;
        let mut lines = text.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let headers = lines.map(|line| line.split_once(": ").unwrap_or((line, "")));
        Head {
            status: status
                .and_then(|status| status.parse().ok())
                .expect("a status"),
            headers: headers
                .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
                .collect(),
        }
    }

    /// The next chunk; the last one is empty.
    pub async fn chunk(&mut self) -> String {
        let size = self.until("\r\n").await;
        let size = usize::from_str_radix(&size, 16).expect("a chunk's size");
        let chunk = self.read(size).await;
        assert_eq!(self.read(2).await, "\r\n");
        chunk
    }

    pub async fn read(&mut self, bytes: usize) -> String {
        while self.ahead.len() < bytes {
            assert!(self.more().await, "the connection ended");
        }
        let rest = self.ahead.split_off(bytes);
        let read = std::mem::replace(&mut self.ahead, rest);
        String::from_utf8(read).expect("UTF-8")
    }

    async fn until(&mut self, end: &str) -> String {
        loop {
            let found = self
                .ahead
                .windows(end.len())
                .position(|part| part == end.as_bytes());
            if let Some(at) = found {
                let text = self.read(at).await;
                self.read(end.len()).await;
                return text;
            }
            assert!(self.more().await, "the connection ended");
        }
    }

    /// Whether the peer closed, with nothing left to read.
    pub async fn is_closed(&mut self) -> bool {
        self.ahead.is_empty() && !self.more().await
    }

    async fn more(&mut self) -> bool {
        let read = soon("bytes", self.stream.read_buf(&mut self.ahead)).await;
        read.is_ok_and(|count| count > 0)
    }

    /// The body that follows `head`.
    pub async fn body(&mut self, head: &Head) -> String {
        if head.tokens("transfer-encoding") == "chunked" {
            let mut body = String::new();
            loop {
                let chunk = self.chunk().await;
                if chunk.is_empty() {
                    return body;
                }
                body.push_str(&chunk);
            }
        }
        if [101, 204, 304].contains(&head.status) {
            assert_eq!(head.get("content-length"), "");
            return String::new();
        }
        let length = head.get("content-length").parse().expect("a length");
        self.read(length).await
    }
}

/// One request on a connection of its own.
pub async fn ask(address: &str, line: &str, headers: &str, body: &str) -> Answer {
    let mut connection = Connection::open(address).await;
    let head = connection.ask(line, headers, body.as_bytes()).await;
    let body = connection.body(&head).await;
    Answer {
        status: head.status,
        head,
        body,
    }
}

pub async fn get(address: &str, path: &str) -> Answer {
    ask(address, &format!("GET {path}"), "", "").await
}

pub async fn post(address: &str, path: &str, body: &str) -> Answer {
    ask(address, &format!("POST {path}"), "", body).await
}

/// A streaming request, and the head of its answer.
pub async fn stream(address: &str, line: &str, headers: &str) -> (Connection, Head) {
    let mut connection = Connection::open(address).await;
    let head = connection.ask(line, headers, b"").await;
    (connection, head)
}

pub fn assert_not_cached(head: &Head) {
    let never = "no-store, no-cache, no-transform, must-revalidate, max-age=0";
    assert_eq!(head.get("cache-control"), never);
    assert_eq!((head.get("expires"), head.get("last-modified")), ("", ""));
}

pub fn assert_cors(head: &Head, origin: &str) {
    let credentials = if origin == "*" { "" } else { "true" };
    assert_eq!(head.get("access-control-allow-origin"), origin);
    assert_eq!(head.get("access-control-allow-credentials"), credentials);
}
