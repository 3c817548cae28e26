//! The packets of seed 004, over plain WebSocket (CONTRACT section 7). [`PacketSession`] is the machine; the files beside
//! it are its parts, in the order in which a packet meets them.

mod inbound;
mod line;
mod outbound;
mod proof;
mod refusal;
mod session;

pub use session::Door;
pub use session::PacketSession;
