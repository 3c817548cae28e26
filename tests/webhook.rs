//! Is the operator's URL told what it should be, as often as it should be, and nothing else asked of anybody? Against a
//! server of the test's own.

mod support;

#[path = "webhook/operator.rs"]
mod operator;
#[path = "webhook/program.rs"]
mod program;
#[path = "webhook/told.rs"]
mod told;
