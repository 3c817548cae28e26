//! A session's frames as the body of an HTTP answer: each is a chunk of its own, in the envelope of its transport.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream;
use warp::Reply;
use warp::reply::Response;

use crate::transports::sockjs::answers;
use crate::transports::sockjs::session::Receiver;
use crate::transports::sockjs::state::Said;

/// What a transport puts around frames.
pub(super) trait Envelope: Send + Sync + 'static {
    /// The type of the answer.
    const CONTENT_TYPE: &'static str;

    /// Whether the answer goes on after a frame, until it has become long.
    const STREAMS: bool;

    /// What comes before all frames.
    fn prelude(&self) -> Option<Bytes> {
        None
    }

    /// A frame as it is written.
    fn wrap(&self, frame: &str) -> String;
}

/// The answer to somebody who receives, of about `bytes_max`.
pub(super) fn answer<E: Envelope>(envelope: E, receiver: Receiver, bytes_max: usize) -> Response {
    let left = if E::STREAMS { bytes_max.max(1) } else { 1 };
    let outgoing = Outgoing {
        prelude: envelope.prelude(),
        envelope,
        receiver,
        left,
    };
    respond::<E>(stream::unfold(outgoing, Outgoing::next))
}

/// The answer of a single frame, to somebody who may not receive.
pub(super) fn last_word<E: Envelope>(envelope: &E, frame: &str) -> Response {
    let chunks = [envelope.prelude(), Some(envelope.wrap(frame).into())];
    respond::<E>(stream::iter(chunks.into_iter().flatten().map(Ok)))
}

fn respond<E: Envelope>(
    chunks: impl Stream<Item = Result<Bytes, Infallible>> + Send + Sync + 'static,
) -> Response {
    let mut response = warp::reply::stream(chunks).into_response();
    answers::set(&mut response, "content-type", E::CONTENT_TYPE);
    answers::set(&mut response, "x-content-type-options", "nosniff");
    answers::not_cacheable(&mut response);
    response
}

struct Outgoing<E> {
    envelope: E,
    receiver: Receiver,
    prelude: Option<Bytes>,
    /// Bytes after which the answer ends, and the client asks again: browsers keep all of an answer in memory.
    left: usize,
}

impl<E: Envelope> Outgoing<E> {
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        if let Some(prelude) = self.prelude.take() {
            return Some((Ok(prelude), self));
        }
        if self.left == 0 {
            return None;
        }
        let frame = match self.receiver.next().await {
            Said::Frame(frame) => frame,
            Said::Last(frame) => {
                self.left = 0;
                frame
            }
            Said::Over => {
                self.receiver.leave();
                return None;
            }
        };
        let bytes = Bytes::from(self.envelope.wrap(&frame));
        self.left = self.left.saturating_sub(bytes.len());
        if self.left == 0 {
            // From here on the next one may receive, also while these bytes are still on their way.
            self.receiver.leave();
        }
        Some((Ok(bytes), self))
    }
}
