//! The only place that names concrete parts: which store, which gateway on which transport, which listeners, and how all of
//! it begins and ends.

mod commands;
mod doors;
mod socketio;
mod start;
mod tcp;
mod timer;

use std::process::ExitCode;

use crate::bench;
use crate::config::Cli;
use crate::config::Command;

/// Why a command ended without having done what it should: one line for the user.
#[derive(Debug)]
pub struct Failure(pub String);

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// Does what the command line asks. What goes wrong is one line on stderr and exit status 2.
pub fn run(cli: Cli) -> ExitCode {
    let done = match cli.command {
        Command::Serve(options) => start::serve(&cli.data, &cli.log, *options),
        Command::UserAdd { name, password } => commands::add_user(&cli.data, &name, password),
        Command::Token { name } => commands::token(&cli.data, &name),
        Command::Check => commands::check(&cli.data),
        Command::Backup { file } => commands::backup(&cli.data, &file),
        Command::Bench(options) => bench::run(&options).map_err(Failure::from),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(why)) => {
            eprintln!("hongyan: {why}");
            ExitCode::from(2)
        }
    }
}
