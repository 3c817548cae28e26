//! Does anybody get by abuse what is not theirs, or spoil it for the others? The binary is attacked over real sockets, while
//! two bystanders keep chatting.

#[path = "../support/mod.rs"]
mod support;

#[allow(dead_code, reason = "the doors' tests use the rest of it")]
#[path = "../doors/house.rs"]
mod house;
#[allow(dead_code, reason = "the webhook's tests use the rest of it")]
#[path = "../webhook/operator.rs"]
mod operator;
#[allow(dead_code, reason = "the doors' tests use the rest of it")]
#[path = "../doors/wire.rs"]
mod wire;

mod bystander;
mod destinations;
mod ends;
mod events;
mod floods;
mod injected;
mod malformed;
mod minted;
mod origins;
mod others;
mod pictures;
mod raw;
mod requests;
mod slow;
mod tokens;
