//! Does each command of the binary do what it says, and say in one line why it does not?

#[path = "../support/mod.rs"]
mod support;

mod backup;
mod check;
mod options;
mod refusals;
mod run;
mod users;
