//! What holds for every input, a function for each kind of input. `cargo fuzz` looks for bytes for which it does not;
//! `tests/fuzzed.rs`, which includes this file, goes through the sentences of `frames/` and a few mutations of them.
//!
//! Each function takes any bytes and panics where a promise is broken. [`seeds`] are what the search begins with.

#![forbid(unsafe_code)]

mod http_requests;
mod json_texts;
mod packets_machine;
mod rig;
mod seeds;
mod socketio_machine;
mod sockjs_texts;
mod stomp_client;
mod stomp_machine;
mod stomp_reading;
mod stomp_writing;

pub use http_requests::http_requests;
pub use json_texts::json_texts;
pub use packets_machine::packets_machine;
pub use seeds::seeds;
pub use socketio_machine::socketio_machine;
pub use sockjs_texts::sockjs_texts;
pub use stomp_machine::stomp_machine;
pub use stomp_reading::stomp_reading;
pub use stomp_writing::stomp_writing;

/// Takes any bytes, and panics where a promise is broken.
pub type Target = fn(&[u8]);

/// All targets, by name.
pub const TARGETS: [(&str, Target); 8] = [
    ("stomp_reading", stomp_reading),
    ("stomp_writing", stomp_writing),
    ("sockjs_texts", sockjs_texts),
    ("json_texts", json_texts),
    ("stomp_machine", stomp_machine),
    ("packets_machine", packets_machine),
    ("socketio_machine", socketio_machine),
    ("http_requests", http_requests),
];
