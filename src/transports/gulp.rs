//! Reads much at once for one who asks for little at a time. A connection that rests should hold no large buffer, and one
//! that is busy should cost no system call for each small one; so all connections of a thread read into one large buffer, and
//! what was not asked for is kept only until it is.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Buf;
use bytes::Bytes;
use tokio::io::AsyncRead;
use tokio::io::ReadBuf;

use crate::transports::through::write_through;

/// Most bytes read at once, and the most that a connection may hold.
const GULP_BYTES: usize = 16 * 1024;

thread_local! {
    static GULP: RefCell<Box<[u8]>> = RefCell::new(vec![0; GULP_BYTES].into());
}

/// A stream of which much is read at once.
pub(super) struct Gulping<S> {
    stream: S,
    /// What was read and not asked for yet.
    rest: Bytes,
}

impl<S> Gulping<S> {
    /// Reads from `stream`.
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            rest: Bytes::new(),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gulping<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { stream, rest } = self.get_mut();
        if rest.is_empty() {
            if buffer.remaining() >= GULP_BYTES {
                return Pin::new(stream).poll_read(context, buffer);
            }
            ready!(GULP.with_borrow_mut(|gulp| {
                let mut gulp = ReadBuf::new(gulp);
                ready!(Pin::new(stream).poll_read(context, &mut gulp))?;
                let (now, later) = split(gulp.filled(), buffer.remaining());
                buffer.put_slice(now);
                *rest = Bytes::copy_from_slice(later);
                Poll::Ready(io::Result::Ok(()))
            }))?;
            return Poll::Ready(Ok(()));
        }
        let (now, _) = split(rest, buffer.remaining());
        buffer.put_slice(now);
        let taken = now.len();
        rest.advance(taken);
        if rest.is_empty() {
            // Even an empty part of it would keep the whole.
            *rest = Bytes::new();
        }
        Poll::Ready(Ok(()))
    }
}

fn split(bytes: &[u8], at: usize) -> (&[u8], &[u8]) {
    bytes.split_at(at.min(bytes.len()))
}

write_through!(Gulping);

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;
    use tokio::io::AsyncWriteExt;

    #[tokio::test]
    async fn everything_comes_once_and_in_order_however_it_is_asked_for() {
        let (mut far, near) = tokio::io::duplex(3 * GULP_BYTES);
        let sent: Vec<u8> = (0..3 * GULP_BYTES).map(|at| (at % 251) as u8).collect();
        let mut stream = Gulping::new(near);
        let mut read = Vec::new();
        for part in sent.chunks(2 * GULP_BYTES - 7) {
            far.write_all(part).await.expect("room");
            let until = read.len() + part.len();
            for asked in [1, 1_000, 2 * GULP_BYTES, 7].into_iter().cycle() {
                let mut buffer = vec![0; asked];
                let count = stream.read(&mut buffer).await.expect("bytes");
                assert!(count > 0, "the end");
                assert!(stream.rest.len() < GULP_BYTES);
                read.extend_from_slice(&buffer[..count]);
                if read.len() == until {
                    break;
                }
            }
        }
        assert!(read == sent);
        drop(far);
        assert_eq!(stream.read(&mut [0; 9]).await.expect("the end"), 0);
    }
}
