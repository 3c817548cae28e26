//! What happens in a namespace, as socketioxide tells it. Called by socketioxide itself, not in tasks as its usual handlers
//! are: so the order of what a client says is kept.

use std::fmt::Display;
use std::future::Future;
use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use bytes::Bytes;
use socketioxide::adapter::LocalAdapter;
use socketioxide::handler::ConnectHandler;
use socketioxide::handler::DisconnectHandler;
use socketioxide::handler::MessageHandler;
use socketioxide::handler::Value;
use socketioxide::socket::DisconnectReason;
use socketioxide::socket::Socket;

use crate::transports::Lost;
use crate::transports::socketio::Registry;
use crate::transports::socketio::connection::Connection;

/// Begins a connection's conversation.
pub(super) type Begin = Box<dyn FnOnce(Arc<Connection>) + Send>;

/// What socketioxide keeps for us with a session: when it lets go of this, the session is no more.
pub(super) struct Presence {
    connection: Arc<Connection>,
    registry: Arc<Registry>,
    begin: Mutex<Option<Begin>>,
}

impl Presence {
    /// The presence of `connection`, whose conversation is begun when the client has joined a namespace.
    pub(super) fn new(
        connection: Arc<Connection>,
        registry: Arc<Registry>,
        begin: Begin,
    ) -> Arc<Self> {
        Arc::new(Self {
            connection,
            registry,
            begin: Mutex::new(Some(begin)),
        })
    }

    fn of(socket: &Socket) -> Option<&Arc<Self>> {
        socket.req_parts().extensions.get()
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.connection.lose(Lost::Gone);
        if let Some(id) = self.connection.id() {
            self.registry.remove(&id);
        }
    }
}

/// One of the namespaces.
#[derive(Clone, Copy)]
pub(super) struct Namespace(pub(super) usize);

/// Tells our handlers from those that socketioxide makes of closures.
pub(super) enum Ours {}

type Entered<'a> = Pin<Box<dyn Future<Output = Result<(), Box<dyn Display + Send>>> + Send + 'a>>;

impl ConnectHandler<LocalAdapter, Ours> for Namespace {
    fn call_middleware<'a>(&'a self, socket: Arc<Socket>, _: &'a Option<Value>) -> Entered<'a> {
        // Before the client is told, so that nothing it says is missed.
        socket.on_fallback(*self);
        socket.on_disconnect(*self);
        let entered = match Presence::of(&socket) {
            Some(presence) => presence.connection.enter(self.0, &socket),
            None => Err("the connection is not known"),
        };
        Box::pin(ready(entered.map_err(|why| Box::new(why) as _)))
    }

    fn call(&self, socket: Arc<Socket>, _: Option<Value>) {
        let Some(presence) = Presence::of(&socket) else {
            return;
        };
        presence.connection.joined(self.0);
        let begin = presence
            .begin
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(begin) = begin {
            begin(Arc::clone(&presence.connection));
        }
    }
}

impl MessageHandler<LocalAdapter, Ours> for Namespace {
    fn call(&self, socket: Arc<Socket>, event: Value, ack: Option<i64>) {
        let (Some(presence), Value::Str(packet, attachments)) = (Presence::of(&socket), event)
        else {
            return;
        };
        let attachments: Vec<Bytes> = attachments.unwrap_or_default().into();
        presence
            .connection
            .event(self.0, packet.as_str(), &attachments, ack);
    }
}

impl DisconnectHandler<LocalAdapter, Ours> for Namespace {
    fn call_with_defer(
        &self,
        socket: Arc<Socket>,
        reason: DisconnectReason,
        forget: fn(Arc<Socket>),
    ) {
        if let Some(presence) = Presence::of(&socket) {
            match reason {
                DisconnectReason::ClientNSDisconnect | DisconnectReason::ServerNSDisconnect => {
                    presence.connection.left(self.0);
                }
                _ => presence.connection.lose(Lost::Gone),
            }
        }
        forget(socket);
    }
}
