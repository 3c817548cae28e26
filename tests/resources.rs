//! What does the broker do when disk, descriptors or memory run out? It refuses what it can't keep, loses nothing that was
//! acknowledged, lets everybody else go on, and recovers by itself where that is possible. Linux with glibc only.

#![cfg(all(target_os = "linux", target_env = "gnu"))]

#[path = "resources/busy.rs"]
mod busy;
#[path = "resources/descriptors.rs"]
mod descriptors;
#[path = "resources/disk.rs"]
mod disk;
#[path = "resources/floods.rs"]
mod floods;
#[path = "resources/house.rs"]
mod house;
#[path = "resources/memory.rs"]
mod memory;
#[path = "resources/read_only.rs"]
mod read_only;
#[path = "resources/start.rs"]
mod start;
mod support;
#[path = "resources/sync.rs"]
mod sync;
#[path = "resources/talk.rs"]
mod talk;
#[path = "resources/tmpfs.rs"]
mod tmpfs;
#[path = "resources/witness.rs"]
mod witness;
#[path = "resources/writer.rs"]
mod writer;
