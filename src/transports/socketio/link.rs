//! The end of a connection that a conversation holds.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::transports::Heard;
use crate::transports::Link;
use crate::transports::Lost;
use crate::transports::socketio::connection::Connection;
use crate::transports::socketio::connection::Full;
use crate::transports::socketio::message::Said;

/// How long our last words may wait for a sign of the client, and then the client's own end for us.
const SIGN_WITHIN: Duration = Duration::from_secs(5);

/// How long all of that may take: a client that polls may have much to post before its next poll.
const CLOSE_WITHIN: Duration = Duration::from_secs(30);

/// A connection as a [`Link`]: its messages are those of [`message`](crate::transports::socketio::message).
pub(super) struct SocketIoLink {
    connection: Arc<Connection>,
    queued: VecDeque<Queued>,
}

enum Queued {
    Said(Said),
    Probe(u64),
}

impl SocketIoLink {
    /// The link of a connection.
    pub(super) fn new(connection: Arc<Connection>) -> Self {
        Self {
            connection,
            queued: VecDeque::new(),
        }
    }

    /// Waits for a sign of the client; whether it is still there.
    async fn stirs(&self) -> bool {
        let is_gone = || self.connection.is_gone();
        !is_gone() && timeout(SIGN_WITHIN, self.connection.rung()).await.is_ok() && !is_gone()
    }

    /// Sends as much as there is room for.
    fn send(&mut self) -> Result<(), Full> {
        while let Some(queued) = self.queued.front() {
            match queued {
                Queued::Said(said) => self.connection.send(said)?,
                Queued::Probe(mark) => self.connection.probe(*mark),
            }
            self.queued.pop_front();
        }
        self.queued = VecDeque::new();
        Ok(())
    }
}

impl Link for SocketIoLink {
    async fn hear(&mut self) -> Result<Heard, Lost> {
        loop {
            if let Some(heard) = self.connection.hear() {
                return heard;
            }
            self.connection.rung().await;
        }
    }

    fn say(&mut self, message: String) -> Result<(), Lost> {
        if self.connection.is_gone() {
            return Err(Lost::Gone);
        }
        match Said::read(&message) {
            Ok(said) => self.queued.push_back(Queued::Said(said)),
            Err(error) => tracing::error!(error, "what is no message can't be said"),
        }
        Ok(())
    }

    fn say_bytes(&mut self, message: Vec<u8>) -> Result<(), Lost> {
        self.say(String::from_utf8_lossy(&message).into_owned())
    }

    fn probe(&mut self, mark: u64) -> Result<(), Lost> {
        self.queued.push_back(Queued::Probe(mark));
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Lost> {
        loop {
            if self.connection.is_gone() {
                return Err(Lost::Gone);
            }
            if self.send().is_ok() {
                return Ok(());
            }
            self.connection.rung().await;
        }
    }

    /// Socket.IO has no words for a code and a reason: the client is told the end in each of its namespaces, upon which
    /// it closes the connection.
    async fn close(mut self, _code: u16, _reason: &str) {
        let good_bye = async {
            while self.send().is_err() {
                if !self.stirs().await {
                    return;
                }
            }
            self.connection.expel_all().await;
            while self.stirs().await {}
        };
        let _ = timeout(CLOSE_WITHIN, good_bye).await;
    }
}

impl Drop for SocketIoLink {
    fn drop(&mut self) {
        self.connection.finish();
    }
}
