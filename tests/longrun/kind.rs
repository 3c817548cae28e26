//! What is spoken, and on what way.

use crate::line::Way;

/// A gateway and a way to it. People change theirs with each round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Stomp(Way2),
    Rooms(Way2),
    Conversations(Way2),
    Typed(Way2),
    Packets,
    /// No connection at all: requests.
    Rest,
}

/// As [`Way`], so that a [`Kind`] can be hashed.
pub type Way2 = u8;

pub const WAYS: [Way; 9] = [
    Way::WebSocket,
    Way::SockJsWebSocket,
    Way::SockJsXhr,
    Way::SockJsStreaming,
    Way::Tcp,
    Way::EngineWebSocket(4),
    Way::EngineWebSocket(3),
    Way::EnginePolling(4),
    Way::EnginePolling(3),
];

/// All gateways, by all ways.
pub const KINDS: [Kind; 13] = [
    Kind::Stomp(0),
    Kind::Rooms(5),
    Kind::Packets,
    Kind::Stomp(2),
    Kind::Conversations(8),
    Kind::Stomp(4),
    Kind::Typed(5),
    Kind::Rest,
    Kind::Stomp(1),
    Kind::Rooms(7),
    Kind::Conversations(6),
    Kind::Stomp(3),
    Kind::Typed(8),
];

impl Kind {
    pub fn way(self) -> Option<Way> {
        match self {
            Self::Stomp(way) | Self::Rooms(way) | Self::Conversations(way) | Self::Typed(way) => {
                Some(WAYS[usize::from(way)])
            }
            Self::Packets => Some(Way::WebSocket),
            Self::Rest => None,
        }
    }

    pub fn is_stomp(self) -> bool {
        matches!(self, Self::Stomp(_))
    }

    /// Whether messages are sent over the connection, and not by a request.
    pub fn sends(self) -> bool {
        !matches!(self, Self::Typed(_) | Self::Rest)
    }

    /// Whether the same message can be sent again, as one whose answer was lost must be.
    pub fn repeats(self) -> bool {
        !matches!(self, Self::Conversations(_))
    }

    /// Whether a cut is noticed only when a poll has not come for long.
    pub fn is_noticed_late(self) -> bool {
        matches!(self.way(), Some(Way::EnginePolling(_)))
    }
}
