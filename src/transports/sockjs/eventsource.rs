//! `eventsource`: a frame an event.

use bytes::Bytes;

use crate::transports::sockjs::outgoing::Envelope;

/// Many events for each request.
pub(super) struct EventSource;

impl Envelope for EventSource {
    const CONTENT_TYPE: &'static str = "text/event-stream";
    const STREAMS: bool = true;

    /// Opera did not see the first event without it.
    fn prelude(&self) -> Option<Bytes> {
        Some("\r\n".into())
    }

    /// Clients undo percent-encoding in what they get, so percent signs are encoded; frames hold no ends of lines.
    fn wrap(&self, frame: &str) -> String {
        format!("data: {}\r\n\r\n", frame.replace('%', "%25"))
    }
}
