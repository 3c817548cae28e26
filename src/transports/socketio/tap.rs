//! What stands between a client's WebSocket and socketioxide: it lets every byte through and knows where frames end. So it
//! can count the events that the socket has taken, put a ping of ours behind them, see its pong, and refuse what is too
//! large before it is read.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;
use std::task::ready;
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::time::Sleep;
use tokio::time::sleep;

use crate::transports::Lost;
use crate::transports::socketio::connection::Connection;
use crate::transports::socketio::frames;
use crate::transports::socketio::frames::Frame;
use crate::transports::socketio::frames::Frames;
use crate::transports::socketio::frames::Passed;
use crate::transports::socketio::payload;

/// Most frames of a message (CONTRACT section 9).
const FRAGMENTS_MAX: usize = 64;

/// How long a client may take to take what is sent to it (CONTRACT section 9). socketioxide waits for ever, also to end a
/// session that has ended.
const TAKEN_WITHIN: Duration = Duration::from_secs(30);

/// A client's WebSocket after its handshake.
pub(super) struct Tap<S> {
    socket: S,
    connection: Arc<Connection>,
    /// Wakes whoever reads and whoever writes.
    both: Waker,
    heard: Frames,
    said: Frames,
    message: Message,
    message_bytes_max: u64,
    /// A ping of ours and how much of it is written.
    ping: Option<(usize, [u8; 2 + frames::LEAD_BYTES])>,
    /// What the client says is thrown away, but it can still be spoken to.
    deaf: bool,
    /// It can't be written to.
    broken: bool,
    /// While it takes nothing: until when it may.
    stalled: Option<Pin<Box<Sleep>>>,
}

/// The message that the client's frames make up.
#[derive(Default)]
struct Message {
    bytes: u64,
    fragments: usize,
}

impl<S> Tap<S> {
    /// Before `socket`, of `connection`, whose messages may have so many bytes.
    pub(super) fn new(socket: S, connection: Arc<Connection>, message_bytes_max: usize) -> Self {
        Self {
            socket,
            both: Waker::from(Arc::clone(&connection.tasks)),
            connection,
            heard: Frames::default(),
            said: Frames::default(),
            message: Message::default(),
            message_bytes_max: message_bytes_max as u64,
            ping: None,
            deaf: false,
            broken: false,
            stalled: None,
        }
    }

    /// Looks at what was read. The error is how many of these bytes may be taken.
    fn hear(&mut self, bytes: &[u8]) -> Result<(), (usize, Lost)> {
        let mut left = bytes;
        let mut taken = 0;
        while let Some(passed) = self.heard.pass(&mut left) {
            match passed {
                Passed::Header(frame) => {
                    self.message
                        .add(&frame, self.message_bytes_max)
                        .map_err(|lost| (taken, lost))?;
                }
                Passed::End(frame) => {
                    self.heard_all_of(&frame);
                    taken = bytes.len() - left.len();
                }
            }
        }
        Ok(())
    }

    fn heard_all_of(&self, frame: &Frame) {
        if frame.opcode == frames::PONG && frame.length == frames::LEAD_BYTES as u64 {
            self.connection.ponged(u64::from_be_bytes(frame.lead));
        }
        // Engine.IO's packet 5: everything that was polled has arrived, and from here on nothing is.
        if frame.opcode == frames::TEXT && frame.length == 1 && frame.begins_with(b"5") {
            self.connection.open_web_socket();
        }
    }

    /// Looks at what was written.
    fn say(&mut self, mut bytes: &[u8]) {
        let mut events = 0;
        while let Some(passed) = self.said.pass(&mut bytes) {
            if let Passed::End(frame) = passed
                && frame.opcode == frames::TEXT
                && frame.length >= 2
                && payload::is_event(&frame.lead)
            {
                events += 1;
            }
        }
        if events > 0 {
            self.connection.carried(events);
        }
    }
}

impl Message {
    /// Adds a frame to it.
    fn add(&mut self, frame: &Frame, bytes_max: u64) -> Result<(), Lost> {
        if frame.opcode >= frames::CONTROL {
            return Ok(());
        }
        if frame.opcode != frames::CONTINUATION {
            *self = Self::default();
        }
        self.bytes = self.bytes.saturating_add(frame.length);
        self.fragments += 1;
        if self.bytes > bytes_max {
            return Err(Lost::TooLarge(
                usize::try_from(bytes_max).unwrap_or(usize::MAX),
            ));
        }
        if self.fragments > FRAGMENTS_MAX {
            return Err(Lost::Malformed);
        }
        Ok(())
    }
}

impl<S: AsyncWrite + Unpin> Tap<S> {
    /// Writes a ping, if one is due and no frame is half written. Either task may do so, and both go on when there is room.
    fn poll_ping(&mut self) -> Poll<()> {
        let mut context = Context::from_waker(&self.both);
        loop {
            if self.broken {
                return Poll::Ready(());
            }
            if self.ping.is_none() && self.said.at_boundary() {
                self.ping = self.connection.ping().map(|mark| (0, frames::ping(mark)));
            }
            let Some((written, ping)) = &mut self.ping else {
                return Poll::Ready(());
            };
            let wrote = Pin::new(&mut self.socket).poll_write(&mut context, &ping[*written..]);
            match ready!(wrote) {
                Ok(0) | Err(_) => self.broken = true,
                Ok(bytes) => *written += bytes,
            }
            if *written == ping.len() {
                self.ping = None;
                // A TLS stream may keep it otherwise.
                let _ = Pin::new(&mut self.socket).poll_flush(&mut context);
            }
        }
    }

    /// Writes, behind a ping that is due. What can't be written is not said to have failed, but thrown away: the next read
    /// brings the end. socketioxide forgets a session that fails before its first words without ending it.
    fn poll_socket<T>(
        &mut self,
        context: &mut Context<'_>,
        instead: T,
        poll: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        self.connection.tasks.writer.register(context.waker());
        let polled = match self.poll_ping() {
            Poll::Ready(()) if self.broken => Poll::Ready(None),
            Poll::Ready(()) => {
                let both = &mut Context::from_waker(&self.both);
                poll(Pin::new(&mut self.socket), both).map(Result::ok)
            }
            Poll::Pending => Poll::Pending,
        };
        match polled {
            Poll::Ready(Some(done)) => {
                if self.stalled.take().is_some() {
                    // Reading waited for this.
                    self.both.wake_by_ref();
                }
                return Poll::Ready(Ok(done));
            }
            Poll::Ready(None) => {}
            // It had its time, or has no claim to any.
            Poll::Pending if !self.connection.is_over() => {
                let until = || Box::pin(sleep(TAKEN_WITHIN));
                ready!(
                    self.stalled
                        .get_or_insert_with(until)
                        .as_mut()
                        .poll(context)
                );
            }
            Poll::Pending => {}
        }
        self.broken = true;
        self.connection.lose(Lost::Gone);
        Poll::Ready(Ok(instead))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Tap<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let tap = self.get_mut();
        tap.connection.tasks.reader.register(context.waker());
        if tap.broken || tap.connection.is_over() {
            return Poll::Ready(Ok(()));
        }
        // Whether or not it is written now: reading goes on.
        let _ = tap.poll_ping();
        if !tap.deaf && tap.connection.is_full() {
            return Poll::Pending;
        }
        // While the client takes nothing, the library would answer each of its pings into a buffer without end.
        if !tap.deaf && tap.stalled.is_some() {
            return Poll::Pending;
        }
        let before = into.filled().len();
        loop {
            ready!(Pin::new(&mut tap.socket).poll_read(context, into))?;
            let read = &into.filled()[before..];
            let is_end = read.is_empty();
            if !tap.deaf
                && let Err((taken, lost)) = tap.hear(read)
            {
                tap.deaf = true;
                tap.connection.lose(lost);
                into.set_filled(before + taken);
                if taken > 0 {
                    return Poll::Ready(Ok(()));
                }
            }
            if is_end || !tap.deaf {
                return Poll::Ready(Ok(()));
            }
            // A client that can't write on might not read our last words either.
            into.set_filled(before);
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let tap = self.get_mut();
        let polled = tap.poll_socket(context, bytes.len(), |socket, context| {
            socket.poll_write(context, bytes)
        });
        if let Poll::Ready(Ok(written)) = polled
            && !tap.broken
        {
            tap.say(&bytes[..written]);
        }
        polled
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut()
            .poll_socket(context, (), |socket, context| socket.poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(context)
    }
}

impl<S> Drop for Tap<S> {
    fn drop(&mut self) {
        // There is no way back from a WebSocket to polls, also where it was never opened.
        self.connection.finish();
    }
}
