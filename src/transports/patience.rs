//! A stream whose peer has to take what is written to it: whoever takes nothing for a while is let go.

use std::future::Future;
use std::io;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::time::Sleep;
use tokio::time::sleep;

/// How long the peer may take nothing of what is written to it: the 30 s of CONTRACT section 9, and one more, so that a
/// gateway, which counts those it lets go, is the first to notice.
const TAKES_WITHIN: Duration = Duration::from_secs(31);

/// A stream that fails to be written when its peer has taken nothing for [`TAKES_WITHIN`]. hyper would wait for ever, and
/// keep the answer.
pub(super) struct Patience<S> {
    stream: S,
    /// While the peer takes nothing: until when it may.
    until: Option<Pin<Box<Sleep>>>,
}

impl<S> Patience<S> {
    /// Watches what is written to `stream`.
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            until: None,
        }
    }

    fn watch<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.until = None;
            return written;
        }
        let until = || Box::pin(sleep(TAKES_WITHIN));
        let until = self.until.get_or_insert_with(until);
        let over = until.as_mut().poll(context);
        over.map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patience<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patience<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.watch(context, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, parts);
        this.watch(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(context);
        this.watch(context, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let shut = Pin::new(&mut this.stream).poll_shutdown(context);
        this.watch(context, shut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;
    use tokio::io::AsyncWriteExt;
    use tokio::io::duplex;

    #[tokio::test(start_paused = true)]
    async fn whoever_takes_nothing_is_let_go() {
        let (ours, _theirs) = duplex(16);
        let mut stream = Patience::new(ours);
        let failed = stream.write_all(&[0; 100]).await.expect_err("nobody reads");
        assert_eq!(failed.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_takes_it_slowly_is_waited_for() {
        let (ours, mut theirs) = duplex(16);
        let reading = async {
            for _ in 0..10 {
                sleep(TAKES_WITHIN - Duration::from_secs(1)).await;
                theirs.read_exact(&mut [0; 10]).await.expect("ten bytes");
            }
        };
        let mut stream = Patience::new(ours);
        let writing = stream.write_all(&[0; 100]);
        let (written, ()) = tokio::join!(writing, reading);
        written.expect("all of it");
    }
}
