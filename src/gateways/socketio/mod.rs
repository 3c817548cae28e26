//! Socket.IO: one [`SocketIoSession`] is the machine of one connection, all its namespaces together. It speaks one of three
//! dialects (CONTRACT section 6), which the client chooses by how it logs in.
//!
//! What the transport brings and takes is one JSON text for each message:
//!
//! | from the client | to the client |
//! | --- | --- |
//! | `{"namespace":"/","connected":true,"id":"<socket id>"}`, `{"namespace":"/friend","connected":true}` | |
//! | `{"namespace":"/friend","disconnected":true}` | `{"namespace":"/","disconnect":true}` |
//! | `{"namespace":"/","event":"logIn","args":[…],"ack":7}` (`ack` where the client waits for one) | `{"namespace":"/","event":"auth-s","args":[…]}`, `{"ack":7,"args":[…]}` |

mod dialects;
mod open;
mod order;
mod proof;
mod refusal;
mod session;
mod wire;

pub use session::Door;
pub use session::SocketIoSession;
