//! Hongyan (鸿雁), a chat message broker.

pub mod broker;
pub mod stores;
