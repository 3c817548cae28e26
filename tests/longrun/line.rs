//! The ways that texts travel: WebSocket, SockJS, Engine.IO and bare TCP, each as one line of texts in both directions. Knows
//! nothing of what they mean. A line reads whether or not somebody listens, unless it was paused.

mod requests;

use std::time::Duration;

use bytes::Bytes;
use futures_util::SinkExt;
use futures_util::StreamExt;
use http::Request;
use http_body_util::BodyExt;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

use crate::line::requests::polling;
use crate::line::requests::xhr;
use crate::support::client::soon;

/// Clients of Engine.IO 3 say that they live of their own accord.
const LIVES_EVERY: Duration = Duration::from_secs(20);

/// Says that somebody left the only namespace. Upon which the client closes the connection, as clients do.
const LEFT: &str = "41";
/// Closes a connection of Engine.IO that is made of requests.
const CLOSE: &str = "1";

/// Connections to the broker for requests.
pub type Http = Client<HttpConnector, Full<Bytes>>;

pub fn http() -> Http {
    Client::builder(TokioExecutor::new()).build_http()
}

/// How texts travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Tcp,
    WebSocket,
    SockJsWebSocket,
    SockJsXhr,
    SockJsStreaming,
    /// Of this version of Engine.IO.
    EngineWebSocket(u8),
    EnginePolling(u8),
}

impl Way {
    /// Whether it is made of requests.
    pub fn polls(self) -> bool {
        matches!(
            self,
            Self::SockJsXhr | Self::SockJsStreaming | Self::EnginePolling(_)
        )
    }

    /// Whether this was the last thing to be said, by whichever side.
    fn is_left_by(self, text: &str) -> bool {
        matches!(self, Self::EngineWebSocket(_)) && text == LEFT
    }
}

/// One connection, or what counts as one.
pub struct Line {
    heard: UnboundedReceiver<String>,
    say: UnboundedSender<String>,
    paused: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// What the tasks of a line have of it.
struct Ends {
    address: String,
    path: String,
    tell: UnboundedSender<String>,
    said: UnboundedReceiver<String>,
    paused: watch::Receiver<bool>,
}

impl Line {
    /// Opens a line; `path` with its query, where there is one.
    pub async fn open(way: Way, address: &str, path: &str) -> Self {
        let (tell, heard) = unbounded_channel();
        let (say, said) = unbounded_channel();
        let (paused, is_paused) = watch::channel(false);
        let ends = Ends {
            address: address.to_owned(),
            path: path.to_owned(),
            tell,
            said,
            paused: is_paused,
        };
        let mut tasks = JoinSet::new();
        match way {
            Way::Tcp => bare(ends, &mut tasks).await,
            Way::WebSocket | Way::SockJsWebSocket | Way::EngineWebSocket(_) => {
                web_socket(way, ends, &mut tasks).await;
            }
            Way::SockJsXhr => xhr(false, ends, &mut tasks).await,
            Way::SockJsStreaming => xhr(true, ends, &mut tasks).await,
            Way::EnginePolling(engine) => polling(engine, ends, &mut tasks).await,
        }
        Self {
            heard,
            say,
            paused,
            tasks,
        }
    }

    pub fn say(&self, text: impl Into<String>) {
        // Who is gone is noticed when something is heard.
        let _ = self.say.send(text.into());
    }

    /// The next text, `None` at the end. Nothing is lost where this is not waited for to the end.
    pub async fn hear(&mut self) -> Option<String> {
        self.heard.recv().await
    }

    /// Stops reading from the network, or goes on.
    pub fn pause(&self, pause: bool) {
        self.paused.send_replace(pause);
    }

    /// Cuts it without a word. What had come and was not heard yet has come all the same: the broker may know.
    pub async fn cut(mut self) -> Vec<String> {
        self.tasks.shutdown().await;
        self.heard.close();
        let mut texts = Vec::new();
        while let Some(text) = self.hear().await {
            texts.push(text);
        }
        texts
    }

    /// Waits for the other side to end it; what came until then.
    pub async fn ended(mut self) -> Vec<String> {
        let mut texts = Vec::new();
        while let Some(text) = soon("the end of a line", self.hear()).await {
            texts.push(text);
        }
        self.tasks.shutdown().await;
        texts
    }
}

async fn bare(ends: Ends, tasks: &mut JoinSet<()>) {
    let stream = soon("a connection", TcpStream::connect(&ends.address)).await;
    let (mut read, mut write) = stream.expect("the broker listens").into_split();
    let Ends {
        tell,
        mut said,
        mut paused,
        ..
    } = ends;
    tasks.spawn(async move {
        let mut bytes = Vec::with_capacity(4_096);
        loop {
            let _ = paused.wait_for(|paused| !paused).await;
            match read.read_buf(&mut bytes).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            // The end of a letter may be still to come.
            let whole = match std::str::from_utf8(&bytes) {
                Ok(_) => bytes.len(),
                Err(error) => error.valid_up_to(),
            };
            let text: Vec<u8> = bytes.drain(..whole).collect();
            let text = String::from_utf8(text).expect("whole letters");
            if tell.send(text).is_err() {
                return;
            }
        }
    });
    tasks.spawn(async move {
        while let Some(text) = said.recv().await {
            if write.write_all(text.as_bytes()).await.is_err() {
                return;
            }
        }
    });
}

async fn web_socket(way: Way, ends: Ends, tasks: &mut JoinSet<()>) {
    let Ends {
        address,
        path,
        tell,
        mut said,
        mut paused,
    } = ends;
    let stream = soon("a connection", TcpStream::connect(&address)).await;
    let url = format!("ws://{address}{path}");
    let upgrade = client_async(url, stream.expect("the broker listens"));
    let (mut socket, _) = soon("an upgrade", upgrade).await.expect("an upgrade");
    tasks.spawn(async move {
        let mut lives = tokio::time::interval(LIVES_EVERY);
        lives.tick().await;
        loop {
            let is_paused = *paused.borrow();
            tokio::select! {
                text = said.recv() => {
                    let Some(text) = text else { return };
                    let text = match way {
                        Way::SockJsWebSocket => serde_json::json!([text]).to_string(),
                        _ => text,
                    };
                    let leaves = way.is_left_by(&text);
                    if socket.send(Message::text(text)).await.is_err() {
                        return;
                    }
                    if leaves {
                        let _ = socket.close(None).await;
                    }
                }
                _ = paused.changed() => {}
                _ = lives.tick(), if way == Way::EngineWebSocket(3) => {
                    if socket.send(Message::text("2")).await.is_err() {
                        return;
                    }
                }
                heard = socket.next(), if !is_paused => {
                    let text = match heard {
                        Some(Ok(Message::Text(text))) => text,
                        Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                        Some(Ok(_)) => continue,
                    };
                    match way {
                        Way::SockJsWebSocket => {
                            if !unframe(&text, &tell) {
                                return;
                            }
                        }
                        Way::EngineWebSocket(_) if text.as_str() == "2" => {
                            let _ = socket.send(Message::text("3")).await;
                        }
                        _ => {
                            let leaves = way.is_left_by(&text);
                            let _ = tell.send(text.as_str().to_owned());
                            if leaves {
                                let _ = socket.close(None).await;
                            }
                        }
                    }
                }
            }
        }
    });
}

/// Tells what is in a SockJS frame; false at the end.
fn unframe(frame: &str, tell: &UnboundedSender<String>) -> bool {
    match frame.split_at_checked(1) {
        Some(("a", texts)) => {
            let texts: Vec<String> = serde_json::from_str(texts).expect("an array of texts");
            texts.into_iter().all(|text| tell.send(text).is_ok())
        }
        Some(("c", _)) => false,
        _ => true,
    }
}

/// One request; the whole answer's status and body.
pub async fn ask(
    http: &Http,
    address: &str,
    call: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> (u16, String) {
    let answer = request(http, address, call, headers, body.into()).await;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect();
    let body = soon(call, body).await.expect("a body").to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

async fn request(
    http: &Http,
    address: &str,
    call: &str,
    headers: &[(&str, &str)],
    body: Bytes,
) -> http::Response<Incoming> {
    let (method, path) = call.split_once(' ').expect("a method and a path");
    let mut request = Request::builder()
        .method(method)
        .uri(format!("http://{address}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(body)).expect("a request");
    let answer = soon(call, http.request(request)).await;
    answer.unwrap_or_else(|error| panic!("{call}: {error:?}"))
}
