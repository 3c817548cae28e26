//! A STOMP client that keeps account: what it has sent, read by a decoder of its own, against what it hears.

use std::collections::HashSet;

use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Decoder;
use hongyan_grammar::stomp::Frame;
use hongyan_grammar::stomp::Limits;
use hongyan_grammar::stomp::Side;
use hongyan_grammar::stomp::Unit;
use hongyan_grammar::stomp::Version;

use super::rig::Ear;

/// Most bytes of a frame after log-in here.
pub(super) const FRAME_BYTES_MAX: usize = 4_096;

/// Most subscriptions and most open transactions of a session (CONTRACT section 9).
const SUBSCRIPTIONS_MAX: usize = 128;
const TRANSACTIONS_MAX: usize = 16;

/// What the broker adds to a sender's headers, and escapes, are beyond the limits of senders.
const WIDE: Limits = Limits {
    frame_bytes: 1 << 22,
    headers: 256,
    header_bytes: 1 << 16,
};

/// One connection's client.
pub(super) struct StompClient {
    /// Reads what the client sends, as the broker should.
    sent: Decoder,
    /// Frames sent and not yet accounted for.
    frames: Vec<Frame>,
    /// That what was sent breaks the grammar.
    broken: bool,
    heard: Decoder,
    version: Option<Version>,
    /// Whether the first frame, which opens the session, has been seen.
    opened: bool,
    error: bool,
    closed: bool,
    /// RECEIPTs asked for, and heard, in their order.
    asked: Vec<String>,
    receipts: Vec<String>,
    /// Subscriptions as of the last account, in their order: id, which STOMP 1.0 does not need, and destination.
    subscriptions: Vec<(Option<String>, String)>,
    transactions: HashSet<String>,
    message_ids: HashSet<String>,
    /// The last thing that may be acknowledged.
    pub(super) last_message: String,
}

impl StompClient {
    /// A client that has sent nothing.
    pub(super) fn new() -> Self {
        Self {
            sent: Decoder::new(Side::Server, Limits::before_log_in()),
            frames: Vec::new(),
            broken: false,
            heard: Decoder::new(Side::Client, WIDE),
            version: None,
            opened: false,
            error: false,
            closed: false,
            asked: Vec::new(),
            receipts: Vec::new(),
            subscriptions: Vec::new(),
            transactions: HashSet::new(),
            message_ids: HashSet::new(),
            last_message: String::new(),
        }
    }

    /// The client sends these bytes now.
    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.sent.feed(bytes);
        self.read_sent();
    }

    /// Reads what was sent as far as its version is known.
    fn read_sent(&mut self) {
        while self.version.is_some() || self.frames.is_empty() {
            match self.sent.next() {
                Ok(Some(Unit::Frame(frame))) => self.frames.push(frame),
                Ok(Some(Unit::Beat)) => {}
                Ok(None) => return,
                Err(_) => {
                    self.broken = true;
                    return;
                }
            }
        }
    }

    fn hear(&mut self, frame: &Frame, open: bool) {
        let header = |name| frame.headers.get(name).map(str::to_owned);
        let needed = |name: &str| {
            let value = frame.headers.get(name);
            value
                .unwrap_or_else(|| panic!("without {name}: {frame:?}"))
                .to_owned()
        };
        assert!(!self.error, "after ERROR: {frame:?}");
        match frame.command {
            Command::Connected => {
                assert!(open && self.version.is_none(), "once, after the entry");
                let first = self.frames.first().map(|frame| frame.command);
                assert!(
                    matches!(first, Some(Command::Connect | Command::Stomp)),
                    "{first:?}"
                );
                let version = Version::parse(&needed("version")).expect("a version");
                self.version = Some(version);
                self.heard.set_version(version);
                self.sent.set_version(version);
                self.sent.set_limits(Limits::after(FRAME_BYTES_MAX));
                self.read_sent();
            }
            Command::Receipt => self.receipts.push(needed("receipt-id")),
            Command::Message => {
                let id = needed("message-id");
                self.last_message = header("ack").unwrap_or_else(|| id.clone());
                assert!(self.message_ids.insert(id), "a message-id again: {frame:?}");
                self.entitled(&needed("destination"), header("subscription"));
                let length = needed("content-length");
                assert_eq!(length, frame.body.len().to_string());
                needed("content-type");
            }
            Command::Error => {
                needed("message");
                self.error = true;
            }
            other => panic!("a server does not say {other}"),
        }
        let before = matches!(frame.command, Command::Connected | Command::Error);
        assert!(
            before || self.version.is_some(),
            "before CONNECTED: {frame:?}"
        );
    }

    /// That a MESSAGE belongs to a subscription.
    fn entitled(&self, destination: &str, subscription: Option<String>) {
        let heard = (Some(destination), subscription.as_deref());
        let is_own = |of: Option<&str>, id: Option<&str>| {
            let carried = |text| carried(self.version, text);
            let (of, id) = (of.map(carried), id.map(carried));
            (of.as_deref(), id.as_deref()) == heard
        };
        let mut own = self.subscriptions.iter();
        let own = own.any(|(id, of)| is_own(Some(of), id.as_deref()));
        // What was sent since the last account may have been taken already.
        let sent = self.frames.iter().any(|frame| {
            let header = |name| frame.headers.get(name);
            frame.command == Command::Subscribe && is_own(header("destination"), header("id"))
        });
        assert!(
            sent || own,
            "a MESSAGE of {destination} for {subscription:?}, which was not subscribed to"
        );
    }

    /// Accounts for a frame that was accepted.
    fn account(&mut self, frame: &Frame) {
        let header = |name| frame.headers.get(name).map(str::to_owned);
        match frame.command {
            Command::Subscribe => {
                let destination = header("destination").expect("accepted with a destination");
                let id = header("id");
                let again =
                    id.is_some() && self.subscriptions.iter().any(|(known, _)| *known == id);
                assert!(!again, "an id twice: {frame:?}");
                self.subscriptions.push((id, destination));
            }
            Command::Unsubscribe => {
                let (id, destination) = (header("id"), header("destination"));
                let gone = self.subscriptions.iter().position(|(known, of)| match &id {
                    Some(_) => *known == id,
                    None => Some(of) == destination.as_ref(),
                });
                gone.map(|at| self.subscriptions.remove(at));
            }
            Command::Begin => {
                let name = header("transaction").expect("accepted with a name");
                assert!(self.transactions.insert(name), "open already: {frame:?}");
            }
            Command::Commit | Command::Abort => {
                let name = header("transaction").expect("accepted with a name");
                assert!(self.transactions.remove(&name), "not open: {frame:?}");
            }
            Command::Connect | Command::Stomp => assert!(!self.opened, "a second CONNECT"),
            Command::Disconnect => panic!("open after DISCONNECT"),
            Command::Send => assert!(header("destination").is_some(), "{frame:?}"),
            _ => {}
        }
        if let Some(name) = header("transaction")
            .filter(|_| matches!(frame.command, Command::Send | Command::Ack | Command::Nack))
        {
            assert!(self.transactions.contains(&name), "not open: {frame:?}");
        }
        assert!(self.subscriptions.len() <= SUBSCRIPTIONS_MAX);
        assert!(self.transactions.len() <= TRANSACTIONS_MAX);
        self.opened = true;
    }
}

/// What a client hears of what it has said: before 1.2 there is no way to write a CR in a header.
fn carried(version: Option<Version>, text: &str) -> String {
    match version {
        Some(Version::V1_2) => text.to_owned(),
        _ => text.replace('\r', "?"),
    }
}

impl Ear for StompClient {
    fn said(&mut self, said: &[u8], open: bool) {
        self.heard.feed(said);
        let unit = self.heard.next().expect("what a client can read");
        assert_eq!(self.heard.next(), Ok(None), "one frame in a message");
        assert_eq!(self.heard.buffered(), 0, "a whole frame in a message");
        match unit.expect("a whole frame") {
            Unit::Beat => assert!(said == b"\n" && self.version.is_some() && !self.error),
            Unit::Frame(frame) => self.hear(&frame, open),
        }
    }

    fn closed(&mut self) {
        self.closed = true;
    }

    fn settled(&mut self, over: bool) {
        assert_eq!(over, self.closed);
        assert!(over || !self.error, "open after ERROR");
        assert!(over || !self.broken, "open after what breaks the grammar");
        let frames = std::mem::take(&mut self.frames);
        if self.version.is_none() && !over && frames.is_empty() {
            return;
        }
        assert!(
            over || self.version.is_some(),
            "a first frame without an answer"
        );
        let receipts = frames
            .iter()
            .filter_map(|frame| frame.headers.get("receipt"));
        let version = self.version;
        self.asked.extend(receipts.map(|id| carried(version, id)));
        let told = self.asked.get(..self.receipts.len());
        assert_eq!(
            told,
            Some(self.receipts.as_slice()),
            "RECEIPTs in the order of the frames"
        );
        if over {
            return;
        }
        assert_eq!(
            self.receipts, self.asked,
            "a RECEIPT for each that asked for one"
        );
        self.receipts.clear();
        self.asked.clear();
        frames.iter().for_each(|frame| self.account(frame));
    }
}
