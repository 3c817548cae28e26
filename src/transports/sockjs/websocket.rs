//! `websocket`: each message of the client is a JSON array of strings, each of ours an `a[…]`; `o` opens, `h` beats when
//! nothing else was said, `c[…]` closes.

use std::collections::VecDeque;
use std::time::Duration;

use hongyan_grammar::sockjs;
use tokio::time::Instant;

use crate::transports::Heard;
use crate::transports::Link;
use crate::transports::Lost;
use crate::transports::websocket::WebSocket;

/// A SockJS session on a WebSocket of its own.
pub(super) struct SockJsWebSocket {
    socket: WebSocket,
    reader: sockjs::Reader,
    /// Strings of the client's last array that were not taken yet.
    heard: VecDeque<String>,
    /// Queued strings, for one array.
    said: Vec<String>,
    last_said: Instant,
    /// Silence of ours after which an `h` is sent.
    heartbeat: Duration,
}

impl SockJsWebSocket {
    /// Opens the session: says `o`.
    pub(super) fn open(mut socket: WebSocket, heartbeat: Duration) -> Result<Self, Lost> {
        socket.say(sockjs::open().to_owned())?;
        Ok(Self {
            socket,
            reader: sockjs::Reader::default(),
            heard: VecDeque::new(),
            said: Vec::new(),
            last_said: Instant::now(),
            heartbeat,
        })
    }

    fn queue(&mut self) -> Result<(), Lost> {
        if self.said.is_empty() {
            return Ok(());
        }
        let strings: Vec<&str> = self.said.iter().map(String::as_str).collect();
        let mut array = String::new();
        sockjs::write_array(&strings, &mut array);
        self.said = Vec::new();
        self.last_said = Instant::now();
        self.socket.say(array)
    }
}

impl Link for SockJsWebSocket {
    async fn hear(&mut self) -> Result<Heard, Lost> {
        loop {
            if let Some(string) = self.heard.pop_front() {
                return Ok(Heard::Message(string.into()));
            }
            // The `o` of the opening, and any `h`, leave before we wait.
            self.socket.flush().await?;
            tokio::select! {
                message = self.socket.hear() => {
                    let Heard::Message(message) = message? else {
                        continue;
                    };
                    let text = std::str::from_utf8(&message).map_err(|_| Lost::NotUtf8)?;
                    self.heard = self.reader.read(text).map_err(|_| Lost::Malformed)?.into();
                }
                () = tokio::time::sleep_until(self.last_said + self.heartbeat) => {
                    self.last_said = Instant::now();
                    self.socket.say(sockjs::heartbeat().to_owned())?;
                }
            }
        }
    }

    fn say(&mut self, message: String) -> Result<(), Lost> {
        self.said.push(message);
        Ok(())
    }

    fn say_bytes(&mut self, message: Vec<u8>) -> Result<(), Lost> {
        self.say(String::from_utf8_lossy(&message).into_owned())
    }

    async fn flush(&mut self) -> Result<(), Lost> {
        self.queue()?;
        self.socket.flush().await
    }

    async fn close(mut self, code: u16, reason: &str) {
        let said = self
            .queue()
            .and_then(|()| self.socket.say(sockjs::close(code, reason)));
        if said.is_ok() {
            self.socket.close(1000, "").await;
        }
    }
}
