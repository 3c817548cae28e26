//! `htmlfile`: a page that never ends; each frame is a script in it that calls the page around it.

use bytes::Bytes;

use crate::transports::sockjs::callback;
use crate::transports::sockjs::outgoing::Envelope;

/// Browsers run no script of a page before they have this much of it.
const PRELUDE_BYTES: usize = 1024;

/// Many scripts for each request.
pub(super) struct HtmlFile {
    /// The function of the page around it.
    pub(super) callback: String,
}

impl Envelope for HtmlFile {
    const CONTENT_TYPE: &'static str = "text/html; charset=UTF-8";
    const STREAMS: bool = true;

    fn prelude(&self) -> Option<Bytes> {
        let mut page = format!(
            r#"<!doctype html>
<html><head>
  <meta http-equiv="X-UA-Compatible" content="IE=edge" />
  <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
</head><body><h2>Don't panic!</h2>
  <script>
    document.domain = document.domain;
    var c = parent.{};
    c.start();
    function p(d) {{c.message(d);}};
    window.onload = function() {{c.stop();}};
  </script>"#,
            self.callback
        );
        let missing = PRELUDE_BYTES.saturating_sub(page.len());
        page.extend(std::iter::repeat_n(' ', missing));
        page.push_str("\r\n\r\n");
        Some(page.into())
    }

    fn wrap(&self, frame: &str) -> String {
        format!("<script>\np({});\n</script>\r\n", callback::string(frame))
    }
}
