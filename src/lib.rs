//! Hongyan (鸿雁), a chat message broker.

pub mod assembly;
pub mod auth;
pub mod broker;
pub mod config;
pub mod gateways;
pub mod metrics;
pub mod stores;
pub mod transports;
