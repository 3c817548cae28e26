//! Is the packet gateway what CONTRACT section 7 says it is? Dialogues on a pretend clock, then real sockets.

#[path = "../support/mod.rs"]
mod support;

mod dialogues;
mod door;
mod house;
mod receipts;
mod stage;
