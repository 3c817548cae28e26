//! Bytes to typed frames and back: the grammars that Hongyan speaks.
//!
//! This crate decides what a run of bytes says, and which bytes say a thing. It knows no clock, no
//! socket and no chat: what a frame *means*, and whether its sender may say it, is for the
//! gateways.
//!
//! * [`stomp`] reads and writes STOMP 1.0, 1.1 and 1.2, from bytes that are cut anywhere;
//! * [`sockjs`] reads and writes the one-letter framing of SockJS;
//! * [`packet`] reads and writes seed 004's packets;
//! * [`json`] is what languages in JSON have in common;
//! * [`refusal`] is the answer to bytes that say nothing: what was wrong, where, and what would be
//!   right.
//!
//! Sentences of each language, right and wrong, are kept in the folder `frames/` at the root of the
//! repository.

#![forbid(unsafe_code)]

pub mod json;
pub mod packet;
pub mod refusal;
pub mod sockjs;
pub mod stomp;
