//! One connection of the load: STOMP over a WebSocket or bare on TCP, or Socket.IO.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
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
use http::Uri;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::ClientRequestBuilder;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::bench::Failed;
use crate::bench::failed;
use crate::bench::socketio;
use crate::bench::socketio::Packet;

/// Largest frame that is read, bytes.
const FRAME_BYTES_MAX: usize = 64 << 20;

/// How long nothing may come where something must.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// How much memory a connection may hold while it is quiet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Buffers {
    /// Room for many frames at once.
    Large,
    /// As little as can be: there are many connections.
    Small,
}

enum Socket {
    WebSocket(Box<WebSocketStream<TcpStream>>),
    Bare { stream: TcpStream, out: Vec<u8> },
}

/// What is spoken on a connection.
enum Tongue {
    Stomp(Decoder),
    /// Frames that have come and were not looked at yet.
    SocketIo(VecDeque<Frame>),
}

/// A connection that speaks STOMP 1.2, or Socket.IO in words of STOMP.
pub(super) struct Line {
    socket: Socket,
    tongue: Tongue,
}

impl Line {
    /// Connects to `url`, says `connect`, and waits for CONNECTED. Errors: anything else.
    pub(super) async fn open(url: &Uri, connect: Frame, buffers: Buffers) -> Result<Self, Failed> {
        let mut line = Self::connect(url, buffers).await?;
        line.say(&connect).await?;
        line.welcomed().await?;
        if let Tongue::Stomp(decoder) = &mut line.tongue {
            decoder.set_version(Version::V1_2);
        }
        Ok(line)
    }

    /// Connects to `url` and enters the namespace `/` of Socket.IO. Errors: anything else than a welcome.
    pub(super) async fn open_socketio(url: &Uri, buffers: Buffers) -> Result<Self, Failed> {
        let tongue = Tongue::SocketIo(VecDeque::new());
        let mut line = Self::dial(url, buffers, tongue).await?;
        // Engine.IO's own opening first, then that of the namespace.
        line.welcomed().await?;
        line.queue(socketio::ENTER.as_bytes()).await?;
        line.flush().await?;
        line.welcomed().await?;
        Ok(line)
    }

    /// Connects to `url` and says nothing yet.
    pub(super) async fn connect(url: &Uri, buffers: Buffers) -> Result<Self, Failed> {
        let decoder = Decoder::new(Side::Client, Limits::after(FRAME_BYTES_MAX));
        Self::dial(url, buffers, Tongue::Stomp(decoder)).await
    }

    async fn dial(url: &Uri, buffers: Buffers, tongue: Tongue) -> Result<Self, Failed> {
        let doing = format!("no connection to {url}");
        let authority = url.authority().map(ToString::to_string).unwrap_or_default();
        let stream = TcpStream::connect(&authority)
            .await
            .map_err(|why| failed(&doing, why))?;
        stream
            .set_nodelay(true)
            .map_err(|why| failed(&doing, why))?;
        let socket = match url.scheme_str() {
            Some("ws") => {
                let config = match buffers {
                    Buffers::Large => WebSocketConfig::default(),
                    Buffers::Small => WebSocketConfig::default()
                        .read_buffer_size(4_096)
                        .write_buffer_size(0),
                };
                let mut request = ClientRequestBuilder::new(url.clone());
                if let Tongue::Stomp(_) = tongue {
                    request = request.with_sub_protocol("v12.stomp");
                }
                let opening = client_async_with_config(request, stream, Some(config));
                let (socket, _) = opening.await.map_err(|why| failed(&doing, why))?;
                Socket::WebSocket(Box::new(socket))
            }
            _ => Socket::Bare {
                stream,
                out: Vec::new(),
            },
        };
        Ok(Self { socket, tongue })
    }

    /// Subscribes, and waits for the RECEIPT where `receipt` is true. (Spring's simple broker gives none.)
    pub(super) async fn subscribe(&mut self, frame: Frame, receipt: bool) -> Result<(), Failed> {
        if !receipt {
            return self.say(&frame).await;
        }
        self.say(&frame.header("receipt", "subscribed")).await?;
        match self.next().await? {
            frame if frame.command == Command::Receipt => Ok(()),
            other => Err(unexpected("RECEIPT", &other)),
        }
    }

    /// Says DISCONNECT and waits for its RECEIPT: all that was said before is done then.
    pub(super) async fn leave(mut self) -> Result<(), Failed> {
        if let Tongue::SocketIo(_) = self.tongue {
            return Ok(());
        }
        let frame = Frame::new(Command::Disconnect).header("receipt", "left");
        self.say(&frame).await?;
        while self.next().await?.command != Command::Receipt {}
        Ok(())
    }

    /// Sends a frame now.
    pub(super) async fn say(&mut self, frame: &Frame) -> Result<(), Failed> {
        let mut wire = Vec::new();
        stomp::write(frame, Version::V1_2, &mut wire);
        self.queue(&wire).await?;
        self.flush().await
    }

    /// Sends a frame that is written already, with the next flush.
    pub(super) async fn queue(&mut self, wire: &[u8]) -> Result<(), Failed> {
        match &mut self.socket {
            Socket::WebSocket(socket) => {
                let text = Utf8Bytes::try_from(Bytes::copy_from_slice(wire));
                let text = text.map_err(|why| failed("a frame that is no text", why))?;
                // What the socket does not take now is kept until the flush.
                let queued = socket.start_send_unpin(Message::Text(text));
                queued.map_err(|why| failed("the connection broke", why))
            }
            Socket::Bare { out, .. } => {
                out.extend_from_slice(wire);
                Ok(())
            }
        }
    }

    /// Sends what was queued. Over a WebSocket it listens meanwhile: a broker that is kept from speaking may not listen either.
    pub(super) async fn flush(&mut self) -> Result<(), Failed> {
        let Self { socket, tongue } = self;
        match socket {
            Socket::WebSocket(socket) => {
                poll_fn(|context| {
                    loop {
                        if let Poll::Ready(flushed) = socket.poll_flush_unpin(context) {
                            let broke = |why| failed("the connection broke", why);
                            return Poll::Ready(flushed.map_err(broke));
                        }
                        let read = ready!(socket.poll_next_unpin(context));
                        if let Some(answer) = heard(tongue, read)? {
                            let said = socket.start_send_unpin(answer);
                            said.map_err(|why| failed("the connection broke", why))?;
                        }
                    }
                })
                .await
            }
            Socket::Bare { stream, out } => {
                let written = stream.write_all(out).await;
                out.clear();
                written.map_err(|why| failed("the connection broke", why))
            }
        }
    }

    /// The next frame. Errors: none comes, the connection is over, or it is an ERROR.
    pub(super) async fn next(&mut self) -> Result<Frame, Failed> {
        let waited = tokio::time::timeout(PATIENCE, self.next_ever()).await;
        waited.unwrap_or_else(|_| {
            let seconds = PATIENCE.as_secs();
            Err(failed("the broker is silent", format!("{seconds} s")))
        })
    }

    /// The next frame, however long it takes.
    pub(super) async fn next_ever(&mut self) -> Result<Frame, Failed> {
        loop {
            if let Some(frame) = self.decoded()? {
                return Ok(frame);
            }
            let Self { socket, tongue } = self;
            match socket {
                Socket::WebSocket(socket) => {
                    let read = socket.next().await;
                    if let Some(answer) = heard(tongue, read)? {
                        let said = socket.send(answer).await;
                        said.map_err(|why| failed("the connection broke", why))?;
                    }
                }
                Socket::Bare { stream, .. } => {
                    let mut bytes = Vec::with_capacity(16 * 1024);
                    match stream.read_buf(&mut bytes).await {
                        Ok(0) => return Err(failed("the connection", "closed by the broker")),
                        Ok(_) => feed(tongue, &bytes),
                        Err(why) => return Err(failed("the connection broke", why)),
                    }
                }
            }
        }
    }

    /// The next frame, if it is there already.
    pub(super) fn next_now(&mut self) -> Result<Option<Frame>, Failed> {
        self.next_ever().now_or_never().transpose()
    }

    async fn welcomed(&mut self) -> Result<(), Failed> {
        match self.next().await? {
            frame if frame.command == Command::Connected => Ok(()),
            other => Err(unexpected("CONNECTED", &other)),
        }
    }

    fn decoded(&mut self) -> Result<Option<Frame>, Failed> {
        let decoder = match &mut self.tongue {
            Tongue::Stomp(decoder) => decoder,
            Tongue::SocketIo(frames) => return Ok(frames.pop_front()),
        };
        loop {
            let unit = decoder.next();
            match unit.map_err(|why| failed("not STOMP", why))? {
                Some(Unit::Frame(frame)) if frame.command == Command::Error => {
                    return Err(unexpected("no ERROR", &frame));
                }
                Some(Unit::Frame(frame)) => return Ok(Some(frame)),
                Some(Unit::Beat) => {}
                None => return Ok(None),
            }
        }
    }
}

type Read = Option<Result<Message, tokio_tungstenite::tungstenite::Error>>;

/// Takes what was read. Gives what is to be answered at once.
fn heard(tongue: &mut Tongue, read: Read) -> Result<Option<Message>, Failed> {
    match (tongue, read) {
        (Tongue::SocketIo(frames), Some(Ok(Message::Text(packet)))) => {
            match socketio::read(&packet)? {
                Packet::Frame(frame) => frames.push_back(frame),
                Packet::Ping => return Ok(Some(Message::text(socketio::PONG))),
            }
        }
        (tongue, Some(Ok(Message::Text(text)))) => feed(tongue, text.as_bytes()),
        (tongue, Some(Ok(Message::Binary(bytes)))) => feed(tongue, &bytes),
        (_, Some(Ok(Message::Close(why)))) => {
            let why = why.map_or_else(String::new, |why| why.to_string());
            return Err(failed("the connection was closed by the broker", why));
        }
        (_, None) => return Err(failed("the connection", "closed by the broker")),
        (_, Some(Ok(_))) => {}
        (_, Some(Err(why))) => return Err(failed("the connection broke", why)),
    }
    Ok(None)
}

/// Takes bytes of STOMP; Socket.IO says nothing in bytes here.
fn feed(tongue: &mut Tongue, bytes: &[u8]) {
    if let Tongue::Stomp(decoder) = tongue {
        decoder.feed(bytes);
    }
}

/// A frame came that should not have.
pub(super) fn unexpected(expected: &str, frame: &Frame) -> Failed {
    let body = String::from_utf8_lossy(&frame.body);
    failed(
        &format!("{expected} was expected, {} came", frame.command.as_str()),
        format!("{:?} {body}", frame.headers),
    )
}
