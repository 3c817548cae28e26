//! A connection: what socketioxide, the transports under it and a conversation know of the same client.
//!
//! ```text
//!   polls, posts, `Tap`  ──bytes──▶  socketioxide  ──events──▶  heard ──▶  SocketIoLink
//!                        ◀──bytes──                ◀──events──  has_room? ◀──
//!          └───── carried, proven ─────▶ Receipts ─────────────────▲
//! ```
//!
//! Both directions are bounded: whoever posts, or reads the WebSocket, waits while `heard` is full; `flush` waits while too
//! much of what was sent has not been carried.

mod namespaces;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::Weak;
use std::task::Wake;
use std::time::Duration;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use socketioxide::SendError;
use socketioxide::SocketError;
use socketioxide::extract::AckSender;
use socketioxide::handler::FromMessageParts;
use socketioxide::handler::Value;
use socketioxide::socket::Socket;
use tokio::sync::Notify;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use crate::transports::Heard;
use crate::transports::Lost;
use crate::transports::socketio::engine::Engine;
use crate::transports::socketio::message::Said;
use crate::transports::socketio::receipts::Receipts;

/// Bytes of the client's messages beyond which it has to wait. What one read or one post brings is always taken whole.
const HEARD_BYTES_MAX: usize = 64 * 1024;

/// What a message costs beside its own bytes: without it, any number of short ones would fit.
const MESSAGE_BYTES: usize = size_of::<Bytes>();

/// How long a post waits for room.
const ROOM_WITHIN: Duration = Duration::from_secs(10);

/// A client's connection.
pub(super) struct Connection {
    engine: Engine,
    namespaces: &'static [&'static str],
    state: Mutex<State>,
    /// Whose turn it is to post: one after the other, so that no more than one body is in memory.
    posting: tokio::sync::Mutex<()>,
    /// There is something to hear, room to say more, or an end.
    for_link: Notify,
    /// There is room to post, or an end.
    for_posts: Notify,
    /// Who reads the WebSocket, and who writes to it.
    pub(super) tasks: Arc<Tasks>,
    _place: OwnedSemaphorePermit,
}

/// The two tasks of a WebSocket: what one of them begins to write the other may have to finish.
#[derive(Default)]
pub(super) struct Tasks {
    pub(super) reader: AtomicWaker,
    pub(super) writer: AtomicWaker,
}

impl Wake for Tasks {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.reader.wake();
        self.writer.wake();
    }
}

struct State {
    /// What socketioxide calls it.
    id: Option<Box<str>>,
    /// Where it is, for each namespace.
    seats: Vec<Option<Seat>>,
    heard: VecDeque<Bytes>,
    heard_bytes: usize,
    receipts: Receipts,
    web_socket: WebSocket,
    /// The query of the last poll.
    last_poll: Option<Box<str>>,
    /// Why nothing more will be heard.
    lost: Option<Lost>,
    /// The conversation is about to end: no namespace may be joined.
    closing: bool,
    /// The conversation is over.
    over: bool,
}

/// A namespace that the client is in.
struct Seat {
    socket: Weak<Socket>,
    /// Whether the client was told so. What it says before that is kept.
    joined: bool,
    early: Vec<Bytes>,
}

/// How far a connection is on its way to a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WebSocket {
    None,
    /// There is one, and the client has not said yet that everything goes there.
    Probed,
    Open,
}

/// Nothing more can be sent until something is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Connection {
    /// A connection that is in no namespace yet.
    pub(super) fn new(
        engine: Engine,
        namespaces: &'static [&'static str],
        place: OwnedSemaphorePermit,
    ) -> Arc<Self> {
        Arc::new(Self {
            engine,
            namespaces,
            state: Mutex::new(State {
                id: None,
                seats: namespaces.iter().map(|_| None).collect(),
                heard: VecDeque::new(),
                heard_bytes: 0,
                receipts: Receipts::default(),
                web_socket: WebSocket::None,
                last_poll: None,
                lost: None,
                closing: false,
                over: false,
            }),
            posting: tokio::sync::Mutex::new(()),
            for_link: Notify::new(),
            for_posts: Notify::new(),
            tasks: Arc::default(),
            _place: place,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers what socketioxide calls it.
    pub(super) fn name(&self, id: &str) {
        self.lock().id.get_or_insert_with(|| id.into());
    }

    /// What socketioxide calls it.
    pub(super) fn id(&self) -> Option<Box<str>> {
        self.lock().id.clone()
    }
}

/// What transports tell and ask.
impl Connection {
    /// Whether the client has to wait until more is heard.
    pub(super) fn is_full(&self) -> bool {
        let state = self.lock();
        state.heard_bytes > HEARD_BYTES_MAX && state.lost.is_none()
    }

    /// Whether nothing more is to come from the client, since the conversation is over.
    pub(super) fn is_over(&self) -> bool {
        self.lock().over
    }

    /// Whether the client is gone.
    pub(super) fn is_gone(&self) -> bool {
        self.lock().lost == Some(Lost::Gone)
    }

    /// Waits for the turn to post, and for room; it is to be held while the post is handed over.
    pub(super) async fn turn(&self) -> Result<tokio::sync::MutexGuard<'_, ()>, Full> {
        // Who takes leave of the client sees that it is still there.
        self.for_link.notify_one();
        let turn = async {
            let turn = self.posting.lock().await;
            loop {
                let mut rung = std::pin::pin!(self.for_posts.notified());
                // From here on a ring is not missed.
                rung.as_mut().enable();
                if !self.is_full() {
                    return turn;
                }
                rung.await;
            }
        };
        timeout(ROOM_WITHIN, turn).await.map_err(|_| Full)
    }

    /// A poll came with this query: the answer to the one before has arrived. A query that comes twice with its time stamp
    /// is the same poll, asked again by something between, to which the answer may have been lost.
    pub(super) fn polled(&self, query: &str) {
        let mut state = self.lock();
        let stamped = query.split('&').any(|pair| pair.starts_with("t="));
        if stamped && state.last_poll.as_deref() == Some(query) {
            state.receipts.polled_again();
        } else {
            state.last_poll = stamped.then(|| query.into());
            state.receipts.polled();
        }
        drop(state);
        self.for_link.notify_one();
    }

    /// A poll is answered with so many events.
    pub(super) fn answered(&self, events: u64) {
        {
            let mut state = self.lock();
            state.receipts.carried(events);
            state.receipts.answered();
        }
        self.for_link.notify_one();
    }

    /// The WebSocket has taken so many events.
    pub(super) fn carried(&self, events: u64) {
        self.lock().receipts.carried(events);
        self.for_link.notify_one();
    }

    /// There is a WebSocket for it, which has to prove itself if there were polls. Whether it is the first one.
    pub(super) fn probe_web_socket(&self) -> bool {
        let mut state = self.lock();
        let first = state.web_socket == WebSocket::None;
        if first {
            state.web_socket = WebSocket::Probed;
        }
        first
    }

    /// From here on everything goes over the WebSocket.
    pub(super) fn open_web_socket(&self) {
        self.lock().web_socket = WebSocket::Open;
    }

    /// The mark for a ping to be sent now.
    pub(super) fn ping(&self) -> Option<u64> {
        let mut state = self.lock();
        match state.web_socket {
            WebSocket::Open => state.receipts.ping(),
            WebSocket::None | WebSocket::Probed => None,
        }
    }

    /// The client has answered a ping.
    pub(super) fn ponged(&self, mark: u64) {
        self.lock().receipts.ponged(mark);
        self.for_link.notify_one();
    }

    /// Ends it from our side, whatever becomes of the client.
    pub(super) fn finish(&self) {
        let id = {
            let mut state = self.lock();
            if std::mem::replace(&mut state.over, true) {
                return;
            }
            state.id.clone()
        };
        // A WebSocket sees it with its next read or write, which this causes.
        self.lose(Lost::Gone);
        self.tasks.writer.wake();
        let engine = self.engine.clone();
        if let (Some(id), Ok(runtime)) = (id, tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move { engine.close(&id).await });
        }
    }
}

/// What a conversation asks.
impl Connection {
    /// What there is to hear.
    pub(super) fn hear(&self) -> Option<Result<Heard, Lost>> {
        let mut state = self.lock();
        if let Some(mark) = state.receipts.proved() {
            return Some(Ok(Heard::Proved(mark)));
        }
        if let Some(mark) = state.receipts.unproved() {
            return Some(Ok(Heard::Unproved(mark)));
        }
        if let Some(message) = state.heard.pop_front() {
            state.heard_bytes = state
                .heard_bytes
                .saturating_sub(message.len() + MESSAGE_BYTES);
            if state.heard.is_empty() {
                // An idle connection holds no buffer.
                state.heard = VecDeque::new();
            }
            let was_full = state.heard_bytes + message.len() + MESSAGE_BYTES > HEARD_BYTES_MAX;
            let has_room = state.heard_bytes <= HEARD_BYTES_MAX;
            drop(state);
            if was_full && has_room {
                self.for_posts.notify_waiters();
                self.tasks.reader.wake();
            }
            return Some(Ok(Heard::Message(message)));
        }
        state.lost.map(Err)
    }

    /// Waits until there may be something to hear, or room.
    pub(super) async fn rung(&self) {
        self.for_link.notified().await;
    }

    /// Sends it. Where the client has left the namespace meanwhile, it is thrown away, and what asks whether it has come is
    /// told so: the conversation may hear only later that the client has left.
    pub(super) fn send(&self, said: &Said) -> Result<(), Full> {
        match said {
            Said::Event {
                namespace,
                event,
                args,
            } => {
                let index = self.namespaces.iter().position(|known| known == namespace);
                let bytes = namespace.len() + event.len() + args.bytes();
                self.send_to(index, bytes, |socket| socket.emit(event, args))
            }
            Said::Ack { ack, args } => {
                let (namespace, number) = self.inner_ack(*ack);
                self.send_to(Some(namespace), args.bytes(), |socket| {
                    let mut nothing = Value::Bytes(Bytes::new());
                    let sender = AckSender::from_message_parts(socket, &mut nothing, &Some(number));
                    sender.unwrap_or_else(|never| match never {}).send(args)
                })
            }
            Said::Disconnect { namespace } => {
                let index = self.namespaces.iter().position(|known| known == namespace);
                self.expel(index)
            }
        }
    }

    fn send_to(
        &self,
        namespace: Option<usize>,
        bytes: usize,
        send: impl FnOnce(&Arc<Socket>) -> Result<(), SendError>,
    ) -> Result<(), Full> {
        // Held until it is counted: it may be carried before `send` returns.
        let mut state = self.lock();
        let Some(socket) = state.socket(namespace) else {
            state.receipts.dropped();
            return Ok(());
        };
        if !state.receipts.has_room(bytes) {
            return Err(Full);
        }
        match send(&socket) {
            Ok(()) => {
                state.receipts.sent(bytes);
                Ok(())
            }
            Err(SendError::Socket(SocketError::InternalChannelFull)) => Err(Full),
            // The client has just left.
            Err(SendError::Socket(SocketError::Closed)) => {
                state.receipts.dropped();
                Ok(())
            }
            Err(SendError::Serialize(error)) => {
                state.receipts.dropped();
                tracing::error!(%error, "a message could not be written");
                Ok(())
            }
        }
    }

    fn expel(&self, namespace: Option<usize>) -> Result<(), Full> {
        // Not while the lock is held: socketioxide tells us that it is done.
        let socket = self.lock().socket(namespace);
        match socket.map(Socket::disconnect) {
            Some(Err(SocketError::InternalChannelFull)) => Err(Full),
            None | Some(Ok(()) | Err(SocketError::Closed)) => Ok(()),
        }
    }

    /// Asks for the proof that all that was sent until now has reached the client.
    pub(super) fn probe(&self, mark: u64) {
        self.lock().receipts.probe(mark);
        self.for_link.notify_one();
        // It may have something to send now.
        self.tasks.reader.wake();
    }

    /// Whether the client was told that this is the end.
    pub(super) fn is_closing(&self) -> bool {
        self.lock().closing
    }

    /// Tells the client in every namespace that this is the end, and lets it into no other; not while a post is handed
    /// over.
    pub(super) async fn expel_all(&self) {
        let _turn = timeout(ROOM_WITHIN, self.posting.lock()).await;
        self.lock().closing = true;
        for namespace in 0..self.namespaces.len() {
            // Where there is no room even for this, the connection is cut without it.
            let _ = self.expel(Some(namespace));
        }
    }
}

impl State {
    fn keep(&mut self, message: Bytes) {
        if self.over {
            return;
        }
        self.heard_bytes += message.len() + MESSAGE_BYTES;
        self.heard.push_back(message);
    }

    fn socket(&self, namespace: Option<usize>) -> Option<Arc<Socket>> {
        let seat = self.seats.get(namespace?)?.as_ref()?;
        seat.socket.upgrade().filter(|_| seat.joined)
    }
}
