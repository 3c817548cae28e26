//! Transports carry bytes and know nothing of what they mean. A gateway sees each connection as a [`Link`].
//!
//! Here are the plain WebSocket, all of SockJS, Socket.IO, and bare TCP, each also behind TLS.

mod fragments;
mod gulp;
pub mod http;
pub mod listener;
pub mod origin;
mod patience;
mod seldom;
pub mod socketio;
pub mod sockjs;
pub mod tcp;
mod through;
pub mod tls;
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
    /// The peer sent a message in more than this many fragments; it can still be spoken to.
    TooManyFragments(usize),
    /// The peer sent what the transport does not allow.
    Malformed,
    /// The peer sent a text that is not UTF-8.
    NotUtf8,
    /// The peer did not take what was sent to it in time, or more waits for it than may.
    Stalled,
}

/// What comes from a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A message.
    Message(Bytes),
    /// The proof that [`Link::probe`] with this mark asked for.
    Proved(u64),
    /// That there will be none for this mark: something said before it was thrown away, because the client had left.
    Unproved(u64),
}

/// One connection: messages in, messages out.
pub trait Link: Send {
    /// The next message, or proof. Safe to drop and call again.
    fn hear(&mut self) -> impl Future<Output = Result<Heard, Lost>> + Send;

    /// Queues a message; [`Link::flush`] sends it.
    fn say(&mut self, message: String) -> Result<(), Lost>;

    /// Queues a message that is no text. A transport that carries only text is not asked this by a gateway that was told
    /// so; it replaces what is no text.
    fn say_bytes(&mut self, message: Vec<u8>) -> Result<(), Lost>;

    /// Queues a question to the client's transport whose answer proves that everything queued before has reached the client;
    /// then [`Link::hear`] brings [`Heard::Proved`] with this mark. Marks rise, and a later one proves the earlier ones, which
    /// may go unmentioned, unless [`Heard::Unproved`] came for them. A transport that can prove nothing never answers.
    fn probe(&mut self, mark: u64) -> Result<(), Lost> {
        let _ = mark;
        Ok(())
    }

    /// Sends what was queued.
    fn flush(&mut self) -> impl Future<Output = Result<(), Lost>> + Send;

    /// Closes, after what was queued: with a WebSocket close code and a reason where the transport can say them.
    fn close(self, code: u16, reason: &str) -> impl Future<Output = ()> + Send;
}
