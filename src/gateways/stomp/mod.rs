//! STOMP 1.0, 1.1 and 1.2 (stomp.github.io), as seed 003 uses it. [`StompSession`] is the machine; the files beside it
//! are its parts, in the order in which a frame meets them.

mod connect;
mod destination;
mod heartbeat;
mod history;
mod inbound;
mod notices;
mod open;
mod order;
mod outbound;
mod refusal;
mod request;
mod session;
mod shared;
mod subscribing;
mod subscriptions;
mod telling;
mod transactions;

pub use session::Door;
pub use session::StompSession;
