//! Hongyan (鸿雁), the wild goose that carries letters: a chat message broker.
//!
//! The map, from bytes to people. `ARCHITECTURE.md` tells the same with a message's way through it.
//!
//! - [`transports`] carry bytes: HTTP, WebSocket, SockJS, TCP, plain or behind TLS. To the rest each connection is a [`transports::Link`].
//! - [`gateways`] give bytes their meaning: STOMP, REST, the page. Each protocol is a [`gateways::Machine`] without I/O or
//!   clock, and [`gateways::drive`] is the one loop that drives them.
//! - [`auth`] knows who somebody is: accounts, passwords, tokens.
//! - [`broker`] is the chat itself: [`broker::Broker::ask`] is the one way in, events are the one way out.
//! - [`stores`] keep it: [`broker::ports::Store`] on SQLite, or in memory.
//! - [`bench`] makes a load as clients would, for this broker or any other that speaks STOMP.
//! - [`config`] reads the options, [`metrics`] names the counts, and [`assembly`] puts all of it together.
//!
//! The grammars live in a crate of their own, `hongyan-grammar`.

pub mod assembly;
pub mod auth;
pub mod bench;
pub mod broker;
pub mod config;
pub mod gateways;
pub mod metrics;
pub mod stores;
pub mod transports;
