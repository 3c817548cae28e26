//! Keepers of users, messages and cursors: one in memory, one on SQLite, and the rules that both follow.
//!
//! They decide how things are kept. They do not know who may ask, nor who is on line.

mod headers;
pub mod memory;
mod pages;
mod received;
pub mod sqlite;

/// The highest uid that a store gives out itself: JSON readers hold greater numbers inexactly. A foreign token may
/// bring a greater one.
const OWN_UID_MAX: u64 = (1 << 53) - 1;
