//! What several tests share.

#![allow(dead_code, reason = "each test uses a part of it")]

pub mod client;
pub mod dialogue;
pub mod dice;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub mod faults;
pub mod fire;
pub mod people;
pub mod running;
