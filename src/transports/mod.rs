//! Transports carry bytes and know nothing of what they mean. A gateway sees each connection as a [`Link`].
//!
//! Here are the plain WebSocket and all of SockJS. STOMP over TCP and TLS have their place beside them: `tcp.rs` and
//! `tls.rs`.

pub mod http;
pub mod origin;
pub mod sockjs;
pub mod websocket;

use std::future::Future;

use bytes::Bytes;

/// Why nothing more comes from, or goes to, a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The peer closed it, or it broke.
    Gone,
    /// The peer sent a message larger than this many bytes; it can still be spoken to.
    TooLarge(usize),
    /// The peer sent what the transport does not allow; the transport has said so in its own way.
    Malformed,
    /// The peer did not take what was sent to it in time.
    Stalled,
}

/// One connection: messages in, messages out.
pub trait Link: Send {
    /// The next message. Safe to drop and call again.
    fn hear(&mut self) -> impl Future<Output = Result<Bytes, Lost>> + Send;

    /// Queues a message; [`Link::flush`] sends it.
    fn say(&mut self, message: String) -> Result<(), Lost>;

    /// Sends what was queued.
    fn flush(&mut self) -> impl Future<Output = Result<(), Lost>> + Send;

    /// Closes with a WebSocket close code and a reason, after what was queued.
    fn close(self, code: u16, reason: &str) -> impl Future<Output = ()> + Send;
}
