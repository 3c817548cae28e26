//! s
mod doors;
