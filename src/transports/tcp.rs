//! Bytes as they come, with nothing around them: a stream, plain or secure, as a [`Link`]. What is said there has an end of
//! its own, so a message is no more than the bytes that came at once.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use bytes::Bytes;
use bytes::BytesMut;
use futures_util::FutureExt;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;
use tokio::io::ReadBuf;

use crate::transports::Heard;
use crate::transports::Link;
use crate::transports::Lost;

/// What is read at once: what a TLS record holds at most.
const READ_BYTES: usize = 16 * 1024;

/// Queued bytes beyond which what the socket takes at once is written before the next flush.
const WRITE_BYTES: usize = 16 * 1024;

/// Queued bytes beyond which nothing more is queued. More than an honest client is answered at once; less than somebody
/// may pile up who asks for more than it reads.
const QUEUED_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How long to wait for the peer to end its side, so that our last words are read before the connection is reset.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// One connection. It holds no buffer while nothing is under way.
pub struct Tcp<S> {
    stream: S,
    queued: BytesMut,
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Tcp<S> {
    /// Takes the stream over.
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            queued: BytesMut::new(),
        }
    }

    /// Reads into a place on the stack, which is gone while nothing comes.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let mut space = [const { MaybeUninit::uninit() }; READ_BYTES];
        let mut read = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut read))?;
        Poll::Ready(Ok(Bytes::copy_from_slice(read.filled())))
    }

    /// Hands what is queued to the stream. Safe to drop and call again.
    async fn write(&mut self) -> Result<(), Lost> {
        while !self.queued.is_empty() {
            match self.stream.write_buf(&mut self.queued).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => return Err(Lost::Gone),
            }
        }
        self.queued = BytesMut::new();
        Ok(())
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Link for Tcp<S> {
    async fn hear(&mut self) -> Result<Heard, Lost> {
        match poll_fn(|context| self.poll_read(context)).await {
            Ok(bytes) if !bytes.is_empty() => Ok(Heard::Message(bytes)),
            Ok(_) | Err(_) => Err(Lost::Gone),
        }
    }

    fn say(&mut self, message: String) -> Result<(), Lost> {
        self.say_bytes(message.into_bytes())
    }

    fn say_bytes(&mut self, message: Vec<u8>) -> Result<(), Lost> {
        if self.queued.len() > QUEUED_BYTES_MAX {
            return Err(Lost::Stalled);
        }
        self.queued.extend_from_slice(&message);
        if self.queued.len() > WRITE_BYTES {
            // What is not taken at once waits for the flush.
            return self.write().now_or_never().unwrap_or(Ok(()));
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Lost> {
        self.write().await?;
        self.stream.flush().await.map_err(|_| Lost::Gone)
    }

    async fn close(mut self, _code: u16, _reason: &str) {
        let goodbye = async {
            if self.flush().await.is_ok() && self.stream.shutdown().await.is_ok() {
                // A connection that is dropped with bytes unread is reset, and the peer might never see our last words.
                while self.hear().await.is_ok() {}
            }
        };
        // A peer that does not end its side in time has no claim to more.
        let _ = tokio::time::timeout(CLOSE_WITHIN, goodbye).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;
    use tokio::io::duplex;

    const PIPE_BYTES: usize = 1_024;

    #[tokio::test]
    async fn what_is_queued_is_sent_together() {
        let (ours, mut theirs) = duplex(PIPE_BYTES);
        let mut link = Tcp::new(ours);
        link.say("one".into()).unwrap();
        link.say("\n".into()).unwrap();
        let mut read = [0; PIPE_BYTES];
        assert_eq!(theirs.read(&mut read).now_or_never().map(Result::ok), None);
        link.flush().await.unwrap();
        assert_eq!(theirs.read(&mut read).await.unwrap(), 4);
        assert_eq!(&read[..4], b"one\n");
        assert_eq!(link.queued.capacity(), 0);
    }

    #[tokio::test]
    async fn who_does_not_read_is_not_queued_for_without_end() {
        let (ours, mut theirs) = duplex(PIPE_BYTES);
        let mut link = Tcp::new(ours);
        let message = "x".repeat(WRITE_BYTES);
        let said = (0..).take_while(|_| link.say(message.clone()).is_ok());
        let said = said.count() * WRITE_BYTES;
        assert!(said > QUEUED_BYTES_MAX && said <= QUEUED_BYTES_MAX + 2 * WRITE_BYTES);
        assert_eq!(link.say("more".into()), Err(Lost::Stalled));
        // Nothing of what was queued before is lost or comes twice.
        let reading = async move {
            let mut read = Vec::new();
            theirs.read_to_end(&mut read).await.unwrap();
            read.len()
        };
        let closing = link.close(1000, "");
        assert_eq!(tokio::join!(closing, reading).1, said);
    }

    #[tokio::test]
    async fn last_words_are_followed_by_the_end() {
        let (ours, mut theirs) = duplex(PIPE_BYTES);
        let mut link = Tcp::new(ours);
        theirs.write_all(b"unread").await.unwrap();
        link.say("last".into()).unwrap();
        let reading = async {
            let mut read = String::new();
            theirs.read_to_string(&mut read).await.unwrap();
            theirs.shutdown().await.unwrap();
            read
        };
        let closing = link.close(1000, "");
        assert_eq!(tokio::join!(closing, reading).1, "last");
    }
}
