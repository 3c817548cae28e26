//! Which place below a SockJS base a path names. Paths are not normalised: what is not exactly a place is none.

/// Most bytes of a session id; clients choose eight.
const ID_BYTES_MAX: usize = 256;

/// A place below the base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place<'p> {
    /// The base itself, with or without a slash.
    Greeting,
    /// `iframe.html`, `iframe-1.6.1.html`.
    Iframe,
    /// `info`.
    Info,
    /// `websocket`: a WebSocket without SockJS framing.
    RawWebSocket,
    /// `{server}/{session}/{transport}`. What stands for the server is a load balancer's business.
    Session(&'p str, Transport),
}

/// How a session's messages travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    WebSocket,
    Xhr,
    XhrSend,
    XhrStreaming,
    EventSource,
    HtmlFile,
    Jsonp,
    JsonpSend,
}

impl<'p> Place<'p> {
    /// Reads what follows the base path, without its leading slash.
    pub(super) fn parse(rest: &'p str) -> Option<Self> {
        match rest {
            "" => return Some(Self::Greeting),
            "info" => return Some(Self::Info),
            "websocket" => return Some(Self::RawWebSocket),
            _ if is_iframe(rest) => return Some(Self::Iframe),
            _ => {}
        }
        let mut parts = rest.split('/');
        let (server, id) = (parts.next()?, parts.next()?);
        let transport = Transport::parse(parts.next()?)?;
        let named = [server, id]
            .iter()
            .all(|name| !name.is_empty() && !name.contains('.'));
        (named && id.len() <= ID_BYTES_MAX && parts.next().is_none())
            .then_some(Self::Session(id, transport))
    }
}

/// Clients put their version behind `iframe`, so that caches keep the versions apart.
fn is_iframe(name: &str) -> bool {
    let version = name
        .strip_prefix("iframe")
        .and_then(|rest| rest.strip_suffix(".html"));
    let of_version = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'-' | b'.' | b'_');
    version.is_some_and(|version| version.bytes().all(of_version))
}

impl Transport {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "websocket" => Self::WebSocket,
            "xhr" => Self::Xhr,
            "xhr_send" => Self::XhrSend,
            "xhr_streaming" => Self::XhrStreaming,
            "eventsource" => Self::EventSource,
            "htmlfile" => Self::HtmlFile,
            "jsonp" => Self::Jsonp,
            "jsonp_send" => Self::JsonpSend,
            _ => return None,
        })
    }

    /// The methods it takes, as `Allow` and CORS name them. Only what scripts ask for across origins has OPTIONS.
    pub(super) fn methods(self) -> &'static str {
        match self {
            Self::Xhr | Self::XhrSend | Self::XhrStreaming => "OPTIONS, POST",
            Self::JsonpSend => "POST",
            Self::WebSocket | Self::EventSource | Self::HtmlFile | Self::Jsonp => "GET",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_exact() {
        for (rest, place) in [
            ("", Some(Place::Greeting)),
            ("/", None),
            ("//", None),
            ("a", None),
            ("info", Some(Place::Info)),
            ("info/", None),
            ("websocket", Some(Place::RawWebSocket)),
            ("iframe.html", Some(Place::Iframe)),
            ("iframe-.html", Some(Place::Iframe)),
            ("iframe-0.1.2abc-dirty.2144.html", Some(Place::Iframe)),
            ("iframe", None),
            ("iframe.htm", None),
            ("iframe.HTML", None),
            ("IFRAME.html", None),
            ("iframe-/.html", None),
            ("a/a", None),
            ("a/a/", None),
            ("/xhr", None),
            ("//xhr", None),
            ("000//xhr", None),
            ("0.0/abcdefgh/xhr", None),
            ("000/abcd.efgh/xhr", None),
            ("000/abcdefgh/xhr/", None),
            ("000/abcdefgh/nothing", None),
            ("_/_/xhr", Some(Place::Session("_", Transport::Xhr))),
            (
                "abc%20/a_i-j%20/websocket",
                Some(Place::Session("a_i-j%20", Transport::WebSocket)),
            ),
        ] {
            assert_eq!(Place::parse(rest), place, "{rest:?}");
        }
        let long = format!("000/{}/xhr", "a".repeat(ID_BYTES_MAX + 1));
        assert_eq!(Place::parse(&long), None);
    }
}
