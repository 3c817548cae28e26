//! WebSocket (RFC 6455): the handshake that warp's router hands over, and the socket as a [`Link`].

use std::time::Duration;

use ::http::HeaderMap;
use ::http::HeaderValue;
use ::http::Response;
use ::http::StatusCode;
use ::http::header;
use bytes::Bytes;
use futures_util::SinkExt;
use futures_util::StreamExt;
use hyper::upgrade::OnUpgrade;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::transports::Heard;
use crate::transports::Link;
use crate::transports::Lost;
use crate::transports::fragments::Counted;
use crate::transports::fragments::FRAGMENTS_MAX;
use crate::transports::gulp::Gulping;

/// The version of RFC 6455, the only one there is.
const VERSION: HeaderValue = HeaderValue::from_static("13");

/// What the library reads at once. It is held by every connection, so it is small; what is below it reads more.
const READ_BYTES: usize = 512;

/// What is read at once of what nobody will look at.
const UNREAD_BYTES: usize = 4 * 1024;

/// Queued bytes beyond which a message is written at once instead of with the next flush.
const WRITE_BYTES: usize = 16 * 1024;

/// How long a client may take to take the answers to its pings (CONTRACT section 9).
const PONG_WITHIN: Duration = Duration::from_secs(30);

/// How long to wait for the peer's own close, so that our last words are read before the connection is reset.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// What becomes of a request that asks for a WebSocket.
pub enum Handshake {
    /// The answer to send, after which [`WebSocket::open`] gets the socket.
    Accepted(Response<()>),
    /// Why not.
    Refused(Response<&'static str>),
}

/// Whether a request asks for an upgrade at all.
pub fn is_upgrade(headers: &HeaderMap) -> bool {
    has_word(headers, header::UPGRADE, "websocket")
}

/// Answers a request for a WebSocket, naming `subprotocol` if there is one.
pub fn handshake(headers: &HeaderMap, subprotocol: Option<&'static str>) -> Handshake {
    if !is_upgrade(headers) {
        return refused(
            StatusCode::BAD_REQUEST,
            "Can \"Upgrade\" only to \"WebSocket\".",
        );
    }
    if !has_word(headers, header::CONNECTION, "upgrade") {
        return refused(
            StatusCode::BAD_REQUEST,
            "\"Connection\" must be \"Upgrade\".",
        );
    }
    if headers
        .get(header::SEC_WEBSOCKET_VERSION)
        .is_none_or(|version| *version != VERSION)
    {
        return refused(
            StatusCode::UPGRADE_REQUIRED,
            "Sec-WebSocket-Version must be 13.",
        );
    }
    let Some(key) = headers.get(header::SEC_WEBSOCKET_KEY) else {
        return refused(StatusCode::BAD_REQUEST, "Sec-WebSocket-Key is missing.");
    };
    let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) else {
        return refused(StatusCode::BAD_REQUEST, "Sec-WebSocket-Key is not a key.");
    };
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let answer = response.headers_mut();
    answer.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    answer.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    answer.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    if let Some(subprotocol) = subprotocol {
        answer.insert(
            header::SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(subprotocol),
        );
    }
    Handshake::Accepted(response)
}

fn refused(status: StatusCode, why: &'static str) -> Handshake {
    let mut response = Response::new(why);
    *response.status_mut() = status;
    let answer = response.headers_mut();
    answer.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=UTF-8"),
    );
    if status == StatusCode::UPGRADE_REQUIRED {
        // RFC 6455, 4.4: what would be right. RFC 9110, 15.5.22: a 426 names the protocol.
        answer.insert(header::SEC_WEBSOCKET_VERSION, VERSION);
        answer.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    }
    Handshake::Refused(response)
}

fn has_word(headers: &HeaderMap, name: header::HeaderName, word: &str) -> bool {
    let values = headers.get_all(name);
    let mut words = values
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    words.any(|one| one.trim().eq_ignore_ascii_case(word))
}

/// One WebSocket.
pub struct WebSocket {
    socket: WebSocketStream<Counted<Gulping<TokioIo<Upgraded>>>>,
    message_bytes_max: usize,
    /// A ping came, and its answer is not known to be written.
    owes_pong: bool,
}

impl WebSocket {
    /// Takes the connection over, once the answer of [`handshake`] is sent. Messages larger than `message_bytes_max`, or in
    /// too many fragments, are refused. `None` if the connection is gone.
    pub async fn open(upgrade: OnUpgrade, message_bytes_max: usize) -> Option<Self> {
        let upgraded = Counted::new(Gulping::new(TokioIo::new(upgrade.await.ok()?)));
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BYTES)
            .write_buffer_size(WRITE_BYTES)
            .max_message_size(Some(message_bytes_max))
            .max_frame_size(Some(message_bytes_max));
        Some(Self {
            socket: WebSocketStream::from_raw_socket(upgraded, Role::Server, Some(config)).await,
            message_bytes_max,
            owes_pong: false,
        })
    }

    /// Writes the answer to a ping. The library would read on meanwhile and queue an answer to each, so that whoever pings
    /// and reads nothing would have us keep them all.
    async fn pay_pong(&mut self) -> Result<(), Lost> {
        let flushed = tokio::time::timeout(PONG_WITHIN, self.socket.flush()).await;
        let flushed = flushed.map_err(|_| Lost::Stalled)?;
        flushed.map_err(|error| self.lost(&error))?;
        self.owes_pong = false;
        Ok(())
    }

    fn lost(&self, error: &Error) -> Lost {
        match error {
            Error::Capacity(CapacityError::MessageTooLong { .. }) => {
                Lost::TooLarge(self.message_bytes_max)
            }
            Error::Io(_) if self.socket.get_ref().has_exceeded() => {
                Lost::TooManyFragments(FRAGMENTS_MAX)
            }
            Error::Utf8(_) => Lost::NotUtf8,
            Error::Protocol(_) => Lost::Malformed,
            _ => Lost::Gone,
        }
    }
}

impl Link for WebSocket {
    async fn hear(&mut self) -> Result<Heard, Lost> {
        loop {
            if self.owes_pong {
                self.pay_pong().await?;
            }
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return Ok(Heard::Message(text.into())),
                Some(Ok(Message::Binary(bytes))) => return Ok(Heard::Message(bytes)),
                Some(Ok(Message::Pong(payload))) => {
                    // Also one that nobody asked for, which proves nothing (RFC 6455, 5.5.3): a client that makes up a mark
                    // only deceives itself.
                    if let Ok(mark) = payload.as_ref().try_into() {
                        return Ok(Heard::Proved(u64::from_be_bytes(mark)));
                    }
                }
                // The library has queued its answer.
                Some(Ok(Message::Ping(_))) => self.owes_pong = true,
                Some(Ok(Message::Frame(_))) => {}
                Some(Ok(Message::Close(_))) => {
                    // The library has queued its answer, and sends it with the next flush.
                    let _ = tokio::time::timeout(CLOSE_WITHIN, self.socket.flush()).await;
                    return Err(Lost::Gone);
                }
                None => return Err(Lost::Gone),
                Some(Err(error)) => return Err(self.lost(&error)),
            }
        }
    }

    fn say(&mut self, message: String) -> Result<(), Lost> {
        // Queues only; what the socket does not take now is written by the next flush.
        let queued = self.socket.start_send_unpin(Message::text(message));
        queued.map_err(|error| self.lost(&error))
    }

    fn probe(&mut self, mark: u64) -> Result<(), Lost> {
        let ping = Message::Ping(Bytes::copy_from_slice(&mark.to_be_bytes()));
        let queued = self.socket.start_send_unpin(ping);
        queued.map_err(|error| self.lost(&error))
    }

    fn say_bytes(&mut self, message: Vec<u8>) -> Result<(), Lost> {
        let queued = self.socket.start_send_unpin(Message::binary(message));
        queued.map_err(|error| self.lost(&error))
    }

    async fn flush(&mut self) -> Result<(), Lost> {
        self.socket.flush().await.map_err(|error| self.lost(&error))
    }

    async fn close(mut self, code: u16, reason: &str) {
        let frame = CloseFrame {
            code: code.into(),
            reason: reason.into(),
        };
        let goodbye = async {
            if self.socket.close(Some(frame)).await.is_err() {
                return;
            }
            while let Some(Ok(_)) = self.socket.next().await {}
            // More may come that can't be read as frames, as after one that was too large. A connection that is dropped
            // with bytes unread is reset, and the peer might never see our last words.
            let stream = self.socket.get_mut().stream();
            let mut unread = vec![0; UNREAD_BYTES];
            if stream.shutdown().await.is_ok() {
                while let Ok(1..) = stream.read(&mut unread).await {}
            }
        };
        // A peer that does not answer in time has no claim to more.
        let _ = tokio::time::timeout(CLOSE_WITHIN, goodbye).await;
    }
}
