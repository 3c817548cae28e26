//! Does a broker begin, end, move on and copy its data without losing anything or leaving anybody without a word?

mod support;

mod lifecycle {
    pub mod backup;
    pub mod damage;
    pub mod drain;
    pub mod house;
    pub mod line;
    #[path = "../commands/run.rs"]
    #[allow(dead_code, reason = "it serves the tests of commands as well")]
    pub mod run;
    pub mod session;
    pub mod stops;
    pub mod upgrade;
}
