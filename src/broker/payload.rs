//! What is sent to a topic or a queue: headers and a body that the broker carries and does not read.

use std::sync::Arc;
use std::sync::OnceLock;

use crate::broker::destination::Name;

/// Most wire languages that keep an encoding of one payload.
pub const ENCODINGS_MAX: usize = 6;

/// Headers of the sender's and a body of any bytes. It never changes, so everybody shares one.
#[derive(Debug)]
pub struct Payload {
    /// The sender's headers, in their order.
    pub headers: Vec<(Box<str>, Box<str>)>,
    /// The body.
    pub body: Vec<u8>,
    bytes: usize,
    encodings: [OnceLock<Encoding>; ENCODINGS_MAX],
}

/// What a gateway has made of a payload for its wire.
#[derive(Debug)]
pub enum Encoding {
    /// Text.
    Text(Box<str>),
    /// Bytes that are no text.
    Bytes(Box<[u8]>),
}

impl Payload {
    /// A payload that nobody has encoded yet.
    pub fn new(headers: Vec<(Box<str>, Box<str>)>, body: Vec<u8>) -> Self {
        let of_header = |(name, value): &(Box<str>, Box<str>)| name.len() + value.len();
        let bytes = body.len() + headers.iter().map(of_header).sum::<usize>();
        Self {
            headers,
            body,
            bytes,
            encodings: Default::default(),
        }
    }

    /// How much it is, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The encoding in wire language number `language`, made by the first who asks. The gateways number their languages;
    /// one beyond [`ENCODINGS_MAX`] would be a bug, and shares the last place.
    pub fn encoded(&self, language: usize, make: impl FnOnce(&Self) -> Encoding) -> &Encoding {
        let [places @ .., last] = &self.encodings;
        places
            .get(language)
            .unwrap_or(last)
            .get_or_init(|| make(self))
    }
}

/// What is kept of its encodings is no part of what it is.
impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.headers == other.headers && self.body == other.body
    }
}

impl Eq for Payload {}

/// Something sent to a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// The topic.
    pub topic: Name,
    /// What was sent.
    pub payload: Arc<Payload>,
}
