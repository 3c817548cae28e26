//! What several tests share.

#![allow(dead_code, reason = "each test uses a part of it")]

pub mod client;
pub mod dialogue;
pub mod fire;
pub mod people;
pub mod running;
