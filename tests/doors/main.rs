//! What does a stranger at the door find? The binary is started on a port of its own, and everything is said over real
//! sockets.

#[path = "../support/mod.rs"]
mod support;

mod client;
mod context_path;
mod frames;
mod house;
mod inbox;
mod limits;
mod log_out;
mod operators;
mod origins;
mod secrets;
mod sockjs;
mod stop;
mod topics;
mod wire;
