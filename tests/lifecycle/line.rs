//! How bytes come and go: a WebSocket, bare TCP, or HTTP requests of a client that keeps its connections.

use std::collections::VecDeque;

use bytes::Bytes;
use futures_util::SinkExt;
use futures_util::StreamExt;
use http_body_util::BodyExt;
use http_body_util::Full;
use hyper::Method;
use hyper::Request;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

use crate::support::client::soon;

/// What comes.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// A text: of a WebSocket a message, of TCP what there was, of HTTP a line or an answer.
    Text(String),
    /// A WebSocket's close, 1005 where it has no code.
    Closed(u16),
    /// The end of the stream: of a streaming answer or of TCP, in good order.
    End,
    /// A connection that is refused, or that broke, or an answer that is none.
    Broken(String),
}

/// How often a client looks for its old connection when a new one is refused.
const REFUSALS_MAX: u32 = 200;

/// A way to the broker.
pub enum Line {
    /// A WebSocket.
    Web(Box<WebSocketStream<TcpStream>>),
    /// TCP.
    Tcp(TcpStream),
    /// Requests.
    Posts(Box<Posts>),
}

/// A client that asks for what there is and posts what it has to say.
pub struct Posts {
    client: Client<HttpConnector, Full<Bytes>>,
    /// Where to ask, and how.
    ask: (Method, String),
    /// Where to post.
    post: String,
    /// Whether one answer goes on and on.
    streams: bool,
    /// What parts an answer.
    parted_by: char,
    answer: Option<Incoming>,
    /// What was read of a part that has not ended.
    begun: String,
    ahead: VecDeque<String>,
}

impl Posts {
    /// Asks at `ask` and posts at `post`, both URLs.
    pub fn new(ask: (Method, String), post: String, streams: bool, parted_by: char) -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            ask,
            post,
            streams,
            parted_by,
            answer: None,
            begun: String::new(),
            ahead: VecDeque::new(),
        }
    }

    /// The same client at another place, once its session has a name.
    pub fn moved(&mut self, ask: (Method, String), post: String) {
        (self.ask, self.post) = (ask, post);
    }

    async fn request(
        &self,
        method: Method,
        url: &str,
        body: String,
    ) -> Result<(u16, Incoming), String> {
        let mut refused = 0;
        loop {
            let request = Request::builder().method(method.clone()).uri(url);
            let request = request.body(Full::from(body.clone())).expect("a request");
            let answer = soon("an answer", self.client.request(request)).await;
            match answer {
                Ok(answer) => return Ok((answer.status().as_u16(), answer.into_body())),
                // The library makes a new connection where the old one is not back in its place yet.
                Err(error) if error.is_connect() && refused < REFUSALS_MAX => refused += 1,
                Err(error) => return Err(format!("{error:?}")),
            }
            tokio::task::yield_now().await;
        }
    }

    /// Posts this. Whether it was taken.
    pub async fn say(&self, text: &str) -> bool {
        let posted = self
            .request(Method::POST, &self.post, text.to_owned())
            .await;
        let Ok((status, body)) = posted else {
            return false;
        };
        // A connection whose answer was not read is not used again.
        let read = soon("the rest of an answer", body.collect()).await;
        read.is_ok() && [200, 204].contains(&status)
    }

    async fn hear(&mut self) -> Heard {
        loop {
            if let Some(text) = self.ahead.pop_front() {
                return Heard::Text(text);
            }
            if self.answer.is_none() {
                let (method, url) = self.ask.clone();
                match self.request(method, &url, String::new()).await {
                    Ok((200, body)) => self.answer = Some(body),
                    Ok((status, _)) => return Heard::Broken(format!("status {status}")),
                    Err(why) => return Heard::Broken(why),
                }
            }
            let Some(answer) = &mut self.answer else {
                continue;
            };
            match soon("more of an answer", answer.frame()).await {
                Some(Ok(frame)) => {
                    let Ok(data) = frame.into_data() else {
                        continue;
                    };
                    self.begun.push_str(&String::from_utf8_lossy(&data));
                    self.part(self.streams);
                }
                Some(Err(error)) => return Heard::Broken(error.to_string()),
                None if self.streams => {
                    self.answer = None;
                    return Heard::End;
                }
                None => {
                    self.answer = None;
                    self.part(false);
                }
            }
        }
    }

    /// Parts what was read; the last part is whole only if nothing more can come.
    fn part(&mut self, more_comes: bool) {
        if !self.streams && self.answer.is_some() {
            return;
        }
        let read = std::mem::take(&mut self.begun);
        let mut parts: Vec<&str> = read.split(self.parted_by).collect();
        if more_comes {
            self.begun = parts.pop().unwrap_or_default().to_owned();
        }
        let whole = parts.into_iter().filter(|part| !part.is_empty());
        self.ahead.extend(whole.map(str::to_owned));
    }
}

impl Line {
    /// A WebSocket at a path.
    pub async fn web(address: &str, path: &str) -> Self {
        let stream = TcpStream::connect(address).await;
        let stream = stream.expect("the broker listens");
        let upgrade = client_async(format!("ws://{address}{path}"), stream);
        let (socket, _) = soon("the upgrade", upgrade).await.expect("an upgrade");
        Self::Web(Box::new(socket))
    }

    /// Bare TCP.
    pub async fn tcp(address: &str) -> Self {
        let stream = TcpStream::connect(address).await;
        Self::Tcp(stream.expect("the broker listens"))
    }

    /// Says this. Whether it may have arrived.
    pub async fn say(&mut self, text: &str) -> bool {
        match self {
            Self::Web(socket) => socket.send(Message::text(text)).await.is_ok(),
            Self::Tcp(stream) => stream.write_all(text.as_bytes()).await.is_ok(),
            Self::Posts(posts) => posts.say(text).await,
        }
    }

    /// What comes next.
    pub async fn hear(&mut self) -> Heard {
        match self {
            Self::Web(socket) => loop {
                match soon("a message", socket.next()).await {
                    Some(Ok(Message::Text(text))) => return Heard::Text(text.to_string()),
                    Some(Ok(Message::Ping(_))) => drop(socket.flush().await),
                    Some(Ok(Message::Close(frame))) => {
                        return Heard::Closed(frame.map_or(1005, |frame| frame.code.into()));
                    }
                    Some(Ok(Message::Binary(_) | Message::Pong(_) | Message::Frame(_))) => {}
                    other => return Heard::Broken(format!("{other:?}")),
                }
            },
            Self::Tcp(stream) => {
                let mut bytes = vec![0; 16 * 1024];
                match soon("bytes", stream.read(&mut bytes)).await {
                    Ok(0) => Heard::End,
                    Ok(read) => Heard::Text(String::from_utf8_lossy(&bytes[..read]).into_owned()),
                    Err(error) => Heard::Broken(error.to_string()),
                }
            }
            Self::Posts(posts) => posts.hear().await,
        }
    }
}
