//! The packets of seed 004: one JSON object a message, `{"id", "from" | "to", "type", "msg"}`.
//!
//! It decides what a packet says and how one is written, and which of its own limits a packet breaks. It does not know who
//! may say it to whom. Capital types are between a client and the server; small ones go from client to client.
//!
//! | from the client | [`Request`] | from the server | [`ServerPacket`] |
//! | --- | --- | --- | --- |
//! | `P` | [`Request::Ping`] | `L` | [`ServerPacket::Login`] |
//! | `O` | [`Request::Online`] | `P` | [`ServerPacket::Pong`] |
//! | `H` | [`Request::History`] | `O` | [`ServerPacket::Online`] |
//! | `T` | [`Request::TakeOrder`] | `H` | [`ServerPacket::History`] |
//! | `S` | [`Request::Site`] | `A` | [`ServerPacket::Done`] |
//! | `t` | [`Request::Text`] | `E` | [`ServerPacket::Error`] |
//! | `i` | [`Request::Image`] | `C` | [`ServerPacket::Close`] |
//! | | | `t`, `i`, `s` | [`ServerPacket::Message`] |

mod client;
mod fields;
mod id;
mod server;

pub use client::{ClientPacket, Request};
pub use fields::Refused;
pub use id::Id;
pub use server::{Content, Message, ServerPacket};

/// The longest text of a `t` packet, in characters (Unicode scalar values).
pub const TEXT_CHARS_MAX: usize = 1_023;

/// The longest id of a packet, in bytes as it is written in JSON, without the quotes of a string.
pub const ID_BYTES_MAX: usize = 128;

/// The longest name of an order or a picture, in bytes.
const NAME_BYTES_MAX: usize = 64;
