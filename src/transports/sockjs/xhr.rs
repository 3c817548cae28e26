//! `xhr` and `xhr_streaming`: a frame a line, one for each request or many.

use bytes::Bytes;

use crate::transports::sockjs::outgoing::Envelope;

/// Browsers hold back the beginning of an answer until they have this much, and a line's end.
const PRELUDE_BYTES: usize = 2048;

/// One frame for each request.
pub(super) struct Polling;

/// Many frames for each request.
pub(super) struct Streaming;

impl Envelope for Polling {
    const CONTENT_TYPE: &'static str = "application/javascript; charset=UTF-8";
    const STREAMS: bool = false;

    fn wrap(&self, frame: &str) -> String {
        format!("{frame}\n")
    }
}

impl Envelope for Streaming {
    const CONTENT_TYPE: &'static str = Polling::CONTENT_TYPE;
    const STREAMS: bool = true;

    fn prelude(&self) -> Option<Bytes> {
        Some(format!("{}\n", "h".repeat(PRELUDE_BYTES)).into())
    }

    fn wrap(&self, frame: &str) -> String {
        Polling.wrap(frame)
    }
}
