//! What socketioxide tells of a connection: the namespaces that its client joins and leaves, and the events in them.

use std::sync::Arc;

use bytes::Bytes;
use socketioxide::socket::Socket;

use crate::transports::Lost;
use crate::transports::socketio::connection::Connection;
use crate::transports::socketio::connection::MESSAGE_BYTES;
use crate::transports::socketio::connection::Seat;
use crate::transports::socketio::message;

impl Connection {
    /// The client asks for a namespace. The error is a sentence for it.
    pub(in crate::transports::socketio) fn enter(
        &self,
        namespace: usize,
        socket: &Arc<Socket>,
    ) -> Result<(), &'static str> {
        let mut state = self.lock();
        if state.closing || state.over {
            return Err("the connection is about to be closed");
        }
        state.id.get_or_insert_with(|| socket.id.as_str().into());
        state.seats[namespace] = Some(Seat {
            socket: Arc::downgrade(socket),
            joined: false,
            early: Vec::new(),
        });
        Ok(())
    }

    /// The client was told that it is in.
    pub(in crate::transports::socketio) fn joined(&self, namespace: usize) {
        let mut state = self.lock();
        let id = state.id.clone();
        let Some(seat) = &mut state.seats[namespace] else {
            return;
        };
        seat.joined = true;
        let early = std::mem::take(&mut seat.early);
        let connected = message::Heard {
            namespace: self.namespaces[namespace],
            connected: true,
            id: id.as_deref(),
            ..Default::default()
        };
        state.keep(connected.text());
        state.heard.extend(early);
        drop(state);
        self.for_link.notify_one();
    }

    /// The client says something in a namespace.
    pub(in crate::transports::socketio) fn event(
        &self,
        namespace: usize,
        packet: &str,
        attachments: &[Bytes],
        ack: Option<i64>,
    ) {
        let heard = message::Heard::event(packet, attachments);
        let ack = ack.map(|ack| self.outer_ack(namespace, ack));
        let (Some(heard), None | Some(Some(_))) = (heard, ack) else {
            return self.lose(Lost::Malformed);
        };
        let heard = message::Heard {
            namespace: self.namespaces[namespace],
            ack: ack.flatten(),
            ..heard
        };
        let text = heard.text();
        let mut state = self.lock();
        match &mut state.seats[namespace] {
            Some(seat) if !seat.joined => {
                seat.early.push(text.clone());
                state.heard_bytes += text.len() + MESSAGE_BYTES;
            }
            Some(_) => state.keep(text),
            None => return,
        }
        drop(state);
        self.for_link.notify_one();
    }

    /// The client has left a namespace.
    pub(in crate::transports::socketio) fn left(&self, namespace: usize) {
        let mut state = self.lock();
        if state.seats[namespace]
            .take()
            .is_none_or(|seat| !seat.joined)
        {
            return;
        }
        let disconnected = message::Heard {
            namespace: self.namespaces[namespace],
            disconnected: true,
            ..Default::default()
        };
        state.keep(disconnected.text());
        drop(state);
        self.for_link.notify_one();
    }

    /// Ends the conversation, as soon as it has heard what is there.
    pub(in crate::transports::socketio) fn lose(self: &Connection, lost: Lost) {
        {
            let mut state = self.lock();
            match &mut state.lost {
                // From then on it can't be spoken to either.
                Some(known) if lost == Lost::Gone => *known = lost,
                Some(_) => {}
                known => *known = Some(lost),
            }
        }
        self.for_link.notify_one();
        self.for_posts.notify_waiters();
        self.tasks.reader.wake();
    }

    /// An acknowledgement's number is the client's own, in its namespace; a conversation wants one for all.
    fn outer_ack(&self, namespace: usize, ack: i64) -> Option<u64> {
        let ack = u64::try_from(ack).ok()?;
        let several = self.namespaces.len() as u64;
        let outer = ack.checked_mul(several)?.checked_add(namespace as u64)?;
        // Numbers in JSON are exact up to here.
        (outer < 1 << 53).then_some(outer)
    }

    pub(super) fn inner_ack(&self, ack: u64) -> (usize, i64) {
        let several = self.namespaces.len() as u64;
        let number = i64::try_from(ack / several).unwrap_or(i64::MAX);
        (usize::try_from(ack % several).unwrap_or_default(), number)
    }
}
