//! Just enough of an Engine.IO client, in both versions.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;

use futures_util::SinkExt;
use futures_util::StreamExt;
use http::Request;
use http_body_util::BodyExt;
use hyper::service::Service as _;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::DuplexStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::socketio::stage::soon;

pub type Routes = BoxedFilter<(Response,)>;

/// What a connection in memory holds for a client that does not read.
const BUFFER_BYTES: usize = 16 * 1024;

/// An answer, whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: String,
    pub headers: http::HeaderMap,
}

/// Asks at `/socket.io/` with this query.
pub async fn ask(routes: &Routes, method: &str, query: &str, body: &[u8]) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(format!("/socket.io/?{query}"));
    ask_with(
        routes,
        request.body(body.to_vec().into()).expect("a request"),
    )
    .await
}

pub async fn ask_with(
    routes: &Routes,
    request: Request<http_body_util::Full<bytes::Bytes>>,
) -> Answer {
    let service = TowerToHyperService::new(warp::service(routes.clone()));
    let answer: Result<Response, Infallible> = service.call(request).await;
    let (head, body) = answer.expect("an answer").into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    Answer {
        status: head.status.as_u16(),
        body: String::from_utf8(body.to_vec()).expect("UTF-8"),
        headers: head.headers,
    }
}

/// A client that polls.
pub struct Polling {
    routes: Routes,
    engine: u8,
    pub sid: String,
    polls: u64,
    /// Packets that came with one that was waited for.
    ahead: VecDeque<String>,
}

impl Polling {
    /// Opens a session, and says what the handshake said.
    pub async fn open(routes: &Routes, engine: u8) -> (Self, serde_json::Value) {
        let query = format!("EIO={engine}&transport=polling&t=open");
        let answer = ask(routes, "GET", &query, b"").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let packets = split(engine, &answer.body);
        let open = packets[0].strip_prefix('0').expect("an open packet");
        let open: serde_json::Value = serde_json::from_str(open).expect("JSON");
        let client = Self {
            routes: routes.clone(),
            engine,
            sid: open["sid"].as_str().expect("a name").to_owned(),
            polls: 0,
            ahead: VecDeque::new(),
        };
        (client, open)
    }

    /// Opens a session and joins the namespace `/`.
    pub async fn join(routes: &Routes, engine: u8) -> Self {
        let (mut client, _) = Self::open(routes, engine).await;
        if engine == 4 {
            client.post(&["40"]).await;
        }
        client.until("40").await;
        client
    }

    pub fn query(&self, transport: &str) -> String {
        format!("EIO={}&transport={transport}&sid={}", self.engine, self.sid)
    }

    /// Polls once.
    pub async fn poll(&mut self) -> Vec<String> {
        self.polls += 1;
        let query = format!("{}&t={}", self.query("polling"), self.polls);
        self.poll_as(&query).await
    }

    /// Polls again with the query that was there already, as a proxy would that lost its connection to us.
    pub async fn poll_again(&mut self) -> Vec<String> {
        let query = format!("{}&t={}", self.query("polling"), self.polls);
        self.poll_as(&query).await
    }

    async fn poll_as(&self, query: &str) -> Vec<String> {
        let answer = soon("a poll", ask(&self.routes, "GET", query, b"")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        split(self.engine, &answer.body)
    }

    /// Polls until there is a packet that begins so, answering heart-beats.
    pub async fn until(&mut self, start: &str) -> String {
        loop {
            if let Some(packet) = self.ahead.pop_front() {
                if packet.starts_with(start) {
                    return packet;
                }
                if packet == "2" {
                    self.post(&["3"]).await;
                }
                continue;
            }
            let packets = self.poll().await;
            self.ahead.extend(packets);
        }
    }

    /// Posts packets, which are to be taken.
    pub async fn post(&self, packets: &[&str]) {
        let answer = self.try_post(packets).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "ok"));
    }

    pub async fn try_post(&self, packets: &[&str]) -> Answer {
        let body = match self.engine {
            3 => packets
                .iter()
                .map(|packet| format!("{}:{packet}", packet.encode_utf16().count()))
                .collect(),
            _ => packets.join("\u{1e}"),
        };
        ask(
            &self.routes,
            "POST",
            &self.query("polling"),
            body.as_bytes(),
        )
        .await
    }
}

fn split(engine: u8, body: &str) -> Vec<String> {
    if engine == 4 {
        return body.split('\u{1e}').map(str::to_owned).collect();
    }
    let mut packets = Vec::new();
    let mut rest = body;
    while let Some((units, after)) = rest.split_once(':') {
        let units: Vec<u16> = after
            .encode_utf16()
            .take(units.parse().expect("a length"))
            .collect();
        let packet = String::from_utf16(&units).expect("whole letters");
        rest = &after[packet.len()..];
        packets.push(packet);
    }
    packets
}

/// A connection in memory to a server.
pub fn dial(routes: &Routes) -> DuplexStream {
    let (ours, theirs) = tokio::io::duplex(BUFFER_BYTES);
    let service = TowerToHyperService::new(warp::service(routes.clone()));
    tokio::spawn(
        hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(theirs), service)
            .with_upgrades(),
    );
    ours
}

/// A client on a WebSocket.
pub struct Web(pub WebSocketStream<DuplexStream>);

impl Web {
    /// Opens a WebSocket with this query.
    pub async fn dial(routes: &Routes, query: &str) -> Self {
        Self::on(dial(routes), query).await
    }

    pub async fn on(stream: DuplexStream, query: &str) -> Self {
        let url = format!("ws://localhost/socket.io/?{query}");
        let (socket, _) = soon("the upgrade", client_async(url, stream))
            .await
            .expect("an upgrade");
        Self(socket)
    }

    /// Opens a session and joins the namespace `/`.
    pub async fn join(routes: &Routes, engine: u8) -> Self {
        Self::join_on(dial(routes), engine).await
    }

    pub async fn join_on(stream: DuplexStream, engine: u8) -> Self {
        let mut client = Self::on(stream, &format!("EIO={engine}&transport=websocket")).await;
        client.until("0{").await;
        if engine == 4 {
            client.say("40").await;
        }
        client.until("40").await;
        client
    }

    pub async fn say(&mut self, text: &str) {
        self.0
            .send(Message::text(text))
            .await
            .expect("a connection");
    }

    pub async fn send(&mut self, message: Message) -> io::Result<()> {
        self.0.send(message).await.map_err(io::Error::other)
    }

    /// The next packet, `None` at the end. Pings are answered.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            match soon("a packet", self.0.next()).await? {
                Ok(Message::Text(text)) => return Some(text.as_str().to_owned()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Reads until there is a packet that begins so, answering heart-beats.
    pub async fn until(&mut self, start: &str) -> String {
        loop {
            let packet = self
                .next()
                .await
                .unwrap_or_else(|| panic!("the end came before {start}"));
            if packet.starts_with(start) {
                return packet;
            }
            if packet == "2" {
                self.say("3").await;
            }
        }
    }
}
