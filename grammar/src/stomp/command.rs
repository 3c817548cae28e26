//! The commands of STOMP, and which side may send them.
//!
//! It decides what the first line of a frame may be; it does not know what follows from it.

use std::fmt;

/// Which side of a connection is reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// A server reads what clients send: CONNECT, STOMP, SEND, SUBSCRIBE and so on.
    Server,
    /// A client reads what servers send: CONNECTED, MESSAGE, RECEIPT, ERROR.
    Client,
}

/// A command of STOMP 1.2 (section "Augmented BNF", `client-command` and `server-command`), which
/// has those of 1.0 and 1.1 too. Commands are read by case, as the specification writes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    /// A client opens a session.
    Connect,
    /// The same as CONNECT, since 1.1.
    Stomp,
    /// A client sends a message to a destination.
    Send,
    /// A client asks for the messages of a destination.
    Subscribe,
    /// A client wants no more of them.
    Unsubscribe,
    /// A client has taken a message.
    Ack,
    /// A client has not taken a message, since 1.1.
    Nack,
    /// A client opens a transaction.
    Begin,
    /// A client commits a transaction.
    Commit,
    /// A client undoes a transaction.
    Abort,
    /// A client ends the session.
    Disconnect,
    /// The server has opened the session.
    Connected,
    /// The server brings a message.
    Message,
    /// The server has done what a frame asked.
    Receipt,
    /// The server refuses, and closes.
    Error,
}

impl Command {
    /// What clients send, and a server reads.
    pub const OF_CLIENTS: [Self; 11] = [
        Self::Connect,
        Self::Stomp,
        Self::Send,
        Self::Subscribe,
        Self::Unsubscribe,
        Self::Ack,
        Self::Nack,
        Self::Begin,
        Self::Commit,
        Self::Abort,
        Self::Disconnect,
    ];

    /// What servers send, and a client reads.
    pub const OF_SERVERS: [Self; 4] = [Self::Connected, Self::Message, Self::Receipt, Self::Error];

    /// The command as the first line of a frame has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "CONNECT",
            Self::Stomp => "STOMP",
            Self::Send => "SEND",
            Self::Subscribe => "SUBSCRIBE",
            Self::Unsubscribe => "UNSUBSCRIBE",
            Self::Ack => "ACK",
            Self::Nack => "NACK",
            Self::Begin => "BEGIN",
            Self::Commit => "COMMIT",
            Self::Abort => "ABORT",
            Self::Disconnect => "DISCONNECT",
            Self::Connected => "CONNECTED",
            Self::Message => "MESSAGE",
            Self::Receipt => "RECEIPT",
            Self::Error => "ERROR",
        }
    }

    /// The command in `line`, if it is one that `reader` may be sent. `line` is without its end of
    /// line.
    pub fn parse(line: &[u8], reader: Side) -> Option<Self> {
        Some(match (reader, line) {
            (Side::Server, b"SEND") => Self::Send,
            (Side::Server, b"ACK") => Self::Ack,
            (Side::Server, b"CONNECT") => Self::Connect,
            (Side::Server, b"STOMP") => Self::Stomp,
            (Side::Server, b"SUBSCRIBE") => Self::Subscribe,
            (Side::Server, b"UNSUBSCRIBE") => Self::Unsubscribe,
            (Side::Server, b"NACK") => Self::Nack,
            (Side::Server, b"BEGIN") => Self::Begin,
            (Side::Server, b"COMMIT") => Self::Commit,
            (Side::Server, b"ABORT") => Self::Abort,
            (Side::Server, b"DISCONNECT") => Self::Disconnect,
            (Side::Client, b"MESSAGE") => Self::Message,
            (Side::Client, b"RECEIPT") => Self::Receipt,
            (Side::Client, b"CONNECTED") => Self::Connected,
            (Side::Client, b"ERROR") => Self::Error,
            _ => return None,
        })
    }

    /// Whether the frame opens a session. The headers of such frames are never escaped, so that the
    /// two sides can read them before they have a version (STOMP 1.2, "Value Encoding").
    pub fn opens_session(self) -> bool {
        matches!(self, Self::Connect | Self::Stomp | Self::Connected)
    }
}

impl fmt::Display for Command {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::{Command, Side};

    #[test]
    fn each_command_is_read_by_the_side_it_is_sent_to() {
        for command in Command::OF_CLIENTS {
            assert_eq!(
                Command::parse(command.as_str().as_bytes(), Side::Server),
                Some(command)
            );
            assert_eq!(
                Command::parse(command.as_str().as_bytes(), Side::Client),
                None
            );
        }
        for command in Command::OF_SERVERS {
            assert_eq!(
                Command::parse(command.as_str().as_bytes(), Side::Client),
                Some(command)
            );
            assert_eq!(
                Command::parse(command.as_str().as_bytes(), Side::Server),
                None
            );
        }
    }

    #[test]
    fn commands_are_read_by_case_and_in_full() {
        for line in ["send", "Send", "SEND ", " SEND", "SENDX", "SEN", ""] {
            assert_eq!(
                Command::parse(line.as_bytes(), Side::Server),
                None,
                "{line:?}"
            );
        }
    }
}
