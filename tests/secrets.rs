//! Does anything that somebody keeps to themselves ever reach a log, a page for operators, or the answer to somebody else?

mod support;

#[allow(dead_code, reason = "it serves the tests of the life cycle as well")]
mod lifecycle {
    #[path = "../lifecycle/house.rs"]
    pub mod house;
    #[path = "../lifecycle/line.rs"]
    pub mod line;
    #[path = "../lifecycle/session.rs"]
    pub mod session;
}

#[path = "webhook/operator.rs"]
#[allow(dead_code, reason = "it serves the tests of the webhook as well")]
mod operator;

mod secrets {
    pub mod everywhere;
    pub mod finder;
    pub mod start;
    pub mod tls;
}
