//! Does the Socket.IO transport speak Engine.IO 3 and 4, by polls and WebSockets, and does it know what has arrived?
//!
//! In memory, on a clock that jumps whenever everybody waits: `stage` plays the conversation, `client` is a client of a few
//! lines that shows every packet.

mod socketio {
    pub mod client;
    pub mod conversing;
    pub mod limits;
    pub mod opening;
    pub mod receipts;
    pub mod stage;
    pub mod upgrading;
}
