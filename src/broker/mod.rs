//! The chat itself: users talk to users. No sockets, no SQL, no JSON, no frames.

pub mod delivery;
pub mod message;
pub mod moment;
pub mod ports;
pub mod users;
