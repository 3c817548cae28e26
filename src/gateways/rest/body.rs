//! Bodies of requests: read whole, up to a limit, in bounded time.

use std::pin::pin;
use std::time::Duration;

use bytes::Buf;
use bytes::BufMut;
use bytes::Bytes;
use bytes::BytesMut;
use futures_util::Stream;
use futures_util::StreamExt;
use tokio::time::timeout;

use crate::gateways::rest::answer::Refused;

/// How long a body may take to arrive: a client that trickles is not waited for.
const ARRIVES_WITHIN: Duration = Duration::from_secs(30);

/// Reads all of `stream`.
pub(super) async fn read<B: Buf, E>(
    stream: impl Stream<Item = Result<B, E>>,
    bytes_max: usize,
) -> Result<Bytes, Refused> {
    timeout(ARRIVES_WITHIN, collect(stream, bytes_max))
        .await
        .unwrap_or_else(|_| {
            let seconds = ARRIVES_WITHIN.as_secs();
            let content = format!("the body did not arrive within {seconds} s; send it at once");
            Err(Refused::new(408, content))
        })
}

async fn collect<B: Buf, E>(
    stream: impl Stream<Item = Result<B, E>>,
    bytes_max: usize,
) -> Result<Bytes, Refused> {
    let mut stream = pin!(stream);
    let mut body = BytesMut::new();
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|_| Refused::bad("the body broke off; send it whole"))?;
        if piece.remaining() > bytes_max - body.len() {
            let content = format!("the body is too large; at most {bytes_max} bytes are allowed");
            return Err(Refused::new(413, content));
        }
        body.put(piece);
    }
    Ok(body.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use futures_util::stream::iter;

    fn read_now(pieces: &[Result<&'static str, ()>], bytes_max: usize) -> Result<Bytes, u16> {
        let pieces = pieces.iter().map(|piece| piece.map(str::as_bytes));
        let read = collect(iter(pieces), bytes_max).now_or_never();
        read.expect("nothing to wait for")
            .map_err(|refused| refused.code)
    }

    #[test]
    fn a_body_is_whole_and_within_its_limit() {
        let whole = Ok(Bytes::from_static(b"abcd"));
        assert_eq!(read_now(&[Ok("ab"), Ok(""), Ok("cd")], 4), whole);
        assert_eq!(read_now(&[Ok("ab"), Ok("cd")], 3), Err(413));
        assert_eq!(read_now(&[Ok("ab"), Err(())], 4), Err(400));
        assert_eq!(read_now(&[], 0), Ok(Bytes::new()));
    }
}
