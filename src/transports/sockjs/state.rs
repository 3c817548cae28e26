//! What a session holds at one moment: the two queues, who is there, and how it ended.

use std::collections::VecDeque;

use hongyan_grammar::sockjs;
use tokio::time::Instant;

use crate::transports::Lost;

/// Bytes of messages for the client beyond which `flush` waits, and about as many as go into one frame.
const SAID_BYTES_MAX: usize = 64 * 1024;

/// Bytes of the client's messages beyond which it has to wait. One post is always taken whole.
const HEARD_BYTES_MAX: usize = 64 * 1024;

/// What a message costs beside its own bytes: without it, any number of empty ones would fit.
const MESSAGE_BYTES: usize = size_of::<String>();

/// A session, while its lock is held.
pub(super) struct State {
    /// Whether the client was told that the session is open.
    opened: bool,
    said: VecDeque<String>,
    said_bytes: usize,
    heard: VecDeque<String>,
    heard_bytes: usize,
    /// The conversation has heard everything, and waits.
    pub(super) listens: bool,
    /// Somebody receives.
    received: bool,
    /// Since when nobody has.
    free_since: Instant,
    /// The frame that tells how it ended, for everybody who asks.
    pub(super) closed: Option<String>,
    /// Somebody has asked for that frame.
    pub(super) parted: bool,
    /// Why the conversation hears no more.
    pub(super) lost: Option<Lost>,
    /// The session is not to be found any more.
    pub(super) over: bool,
}

/// What a receiver gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// A frame.
    Frame(String),
    /// The last frame.
    Last(String),
    /// No more frames.
    Over,
}

impl State {
    /// A session that begins.
    pub(super) fn new() -> Self {
        Self {
            opened: false,
            said: VecDeque::new(),
            said_bytes: 0,
            heard: VecDeque::new(),
            heard_bytes: 0,
            listens: false,
            received: false,
            free_since: Instant::now(),
            closed: None,
            parted: false,
            lost: None,
            over: false,
        }
    }

    /// Whether nobody hears what is posted any more.
    pub(super) fn is_deaf(&self) -> bool {
        self.lost.is_some() || self.closed.is_some()
    }

    /// Keeps a message for the client.
    pub(super) fn say(&mut self, message: String) {
        self.said_bytes += cost(&message);
        self.said.push_back(message);
    }

    /// Whether no more should be said until something is received.
    pub(super) fn is_full(&self) -> bool {
        self.said_bytes > SAID_BYTES_MAX
    }

    /// Whether a post with these messages has to wait.
    pub(super) fn has_room(&self, messages: &[String]) -> bool {
        let bytes: usize = messages.iter().map(|message| cost(message)).sum();
        self.heard.is_empty() || self.heard_bytes + bytes <= HEARD_BYTES_MAX
    }

    /// Keeps what the client posts.
    pub(super) fn post(&mut self, messages: Vec<String>) {
        self.heard_bytes += messages.iter().map(|message| cost(message)).sum::<usize>();
        self.heard.extend(messages);
        self.listens = false;
    }

    /// The next message of the client.
    pub(super) fn hear(&mut self) -> Option<String> {
        let message = self.heard.pop_front()?;
        self.heard_bytes = self.heard_bytes.saturating_sub(cost(&message));
        if self.heard.is_empty() {
            // An idle session holds no buffer.
            self.heard = VecDeque::new();
        }
        Some(message)
    }

    /// Takes the receiver's place. Whether it was free.
    pub(super) fn take_place(&mut self) -> bool {
        !std::mem::replace(&mut self.received, true)
    }

    /// Frees the receiver's place. What was on its way to one who broke off may be lost, so that ends the session.
    pub(super) fn leave_place(&mut self, broke_off: bool) {
        self.received = false;
        self.free_since = Instant::now();
        if broke_off && self.closed.is_none() && !self.over {
            self.closed = Some(sockjs::close(1002, "Connection interrupted"));
            self.lost = Some(Lost::Gone);
            self.said = VecDeque::new();
            self.said_bytes = 0;
        }
    }

    /// Since when nobody has received.
    pub(super) fn free_since(&self) -> Option<Instant> {
        (!self.received).then_some(self.free_since)
    }

    /// What there is to receive.
    pub(super) fn receive(&mut self) -> Option<Said> {
        if self.over {
            return Some(Said::Over);
        }
        if !self.opened {
            self.opened = true;
            return Some(Said::Frame(sockjs::open().to_owned()));
        }
        if !self.said.is_empty() {
            return Some(Said::Frame(self.array()));
        }
        self.parted = self.closed.is_some();
        self.closed.clone().map(Said::Last)
    }

    /// The messages that wait, as many as go into a frame.
    fn array(&mut self) -> String {
        let (mut count, mut bytes) = (0, 0);
        for message in &self.said {
            if count > 0 && bytes + cost(message) > SAID_BYTES_MAX {
                break;
            }
            (count, bytes) = (count + 1, bytes + cost(message));
        }
        self.said_bytes = self.said_bytes.saturating_sub(bytes);
        let rest = self.said.split_off(count);
        let messages = std::mem::replace(&mut self.said, rest);
        let messages: Vec<&str> = messages.iter().map(String::as_str).collect();
        let mut array = String::new();
        sockjs::write_array(&messages, &mut array);
        array
    }
}

fn cost(message: &str) -> usize {
    message.len() + MESSAGE_BYTES
}
