//! Hongyan (鸿雁), a chat message broker.

pub mod auth;
pub mod broker;
pub mod gateways;
pub mod metrics;
pub mod stores;
pub mod transports;
