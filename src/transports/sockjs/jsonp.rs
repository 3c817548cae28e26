//! `jsonp`: a script that calls a function of the page with one frame.

use crate::transports::sockjs::callback;
use crate::transports::sockjs::outgoing::Envelope;

/// One call for each request.
pub(super) struct Jsonp {
    /// The function of the page.
    pub(super) callback: String,
}

impl Envelope for Jsonp {
    const CONTENT_TYPE: &'static str = "application/javascript; charset=UTF-8";
    const STREAMS: bool = false;

    /// The comment keeps the answer from beginning with what the client chose: plugins took such answers for their own.
    fn wrap(&self, frame: &str) -> String {
        format!("/**/{}({});\r\n", self.callback, callback::string(frame))
    }
}
