//! SockJS 0.3.x (sockjs-protocol), so far: the greeting, `info` and the two WebSocket transports. Knows no STOMP.
//!
//! One file per transport, each a small receiver; `session.rs` will hold what the polling transports share.

pub mod info;
pub mod websocket;

/// What the base path answers to somebody who looks.
pub const GREETING: &str = "Welcome to SockJS!\n";

/// A part of the path below a SockJS base, which a router has split at its slashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The base itself, with or without a slash.
    Greeting,
    /// `info`.
    Info,
    /// `websocket`: a WebSocket without SockJS framing.
    RawWebSocket,
    /// `{server}/{session}/websocket`.
    WebSocket,
}

impl Place {
    /// Reads what follows the base path, without its leading slash. Paths are not normalised: what is not exactly a place
    /// is none.
    pub fn parse(rest: &str) -> Option<Self> {
        match rest {
            "" => return Some(Self::Greeting),
            "info" => return Some(Self::Info),
            "websocket" => return Some(Self::RawWebSocket),
            _ => {}
        }
        let mut parts = rest.split('/');
        let names = [parts.next()?, parts.next()?];
        let transport = parts.next()?;
        let named = names
            .iter()
            .all(|name| !name.is_empty() && !name.contains('.'));
        (named && transport == "websocket" && parts.next().is_none()).then_some(Self::WebSocket)
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
            ("info", Some(Place::Info)),
            ("info/", None),
            ("websocket", Some(Place::RawWebSocket)),
            ("000/abcdefgh/websocket", Some(Place::WebSocket)),
            ("000/abcdefgh/websocket/", None),
            ("000//websocket", None),
            ("0.0/abcdefgh/websocket", None),
            ("000/abcd.efgh/websocket", None),
            ("000/abcdefgh/nothing", None),
        ] {
            assert_eq!(Place::parse(rest), place, "{rest:?}");
        }
    }
}
