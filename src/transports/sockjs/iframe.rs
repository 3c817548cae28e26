//! The page that clients load into a hidden frame, where a browser keeps them from asking across origins.

use std::fmt::Write as _;

use ::http::HeaderMap;
use ::http::HeaderValue;
use ::http::StatusCode;
use ::http::header;
use sha1::Digest;
use sha1::Sha1;
use warp::Reply;
use warp::reply::Response;

use crate::transports::sockjs::answers;

/// The page, made once.
pub(super) struct Iframe {
    html: String,
    etag: String,
}

impl Iframe {
    /// The page that takes the client from `script_url`.
    pub(super) fn new(script_url: &str) -> Self {
        let script_url = script_url
            .replace('&', "&amp;")
            .replace('"', "&quot;")
            .replace('<', "&lt;");
        let html = format!(
            r#"<!DOCTYPE html>
<html>
<head>
  <meta http-equiv="X-UA-Compatible" content="IE=edge" />
  <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
  <script src="{script_url}"></script>
  <script>
    document.domain = document.domain;
    SockJS.bootstrap_iframe();
  </script>
</head>
<body>
  <h2>Don't panic!</h2>
  <p>This is a SockJS hidden iframe. It's used for cross domain magic.</p>
</body>
</html>"#
        );
        let mut etag = String::from("\"");
        for byte in Sha1::digest(&html) {
            // Writing to a string does not fail.
            let _ = write!(etag, "{byte:02x}");
        }
        etag.push('"');
        Self { html, etag }
    }

    /// The page, or that the client has it already.
    pub(super) fn answer(&self, request: &HeaderMap) -> Response {
        let known = request.get_all(header::IF_NONE_MATCH);
        let known = known
            .iter()
            .filter_map(|tags| tags.to_str().ok())
            .flat_map(|tags| tags.split(','))
            .any(|tag| tag.trim().trim_start_matches("W/") == self.etag);
        let mut response = if known {
            answers::empty(StatusCode::NOT_MODIFIED)
        } else {
            let mut response = self.html.clone().into_response();
            answers::set(&mut response, "content-type", "text/html; charset=UTF-8");
            response
        };
        if let Ok(etag) = HeaderValue::from_str(&self.etag) {
            response.headers_mut().insert(header::ETAG, etag);
        }
        answers::cacheable(&mut response);
        response
    }
}
