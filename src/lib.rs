//! Hongyan.
