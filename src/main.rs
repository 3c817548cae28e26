//! Options in, broker out: see the library's `assembly`.

use std::io::Write;
use std::process::ExitCode;

use hongyan::assembly;
use hongyan::config::Cli;

fn main() -> ExitCode {
    match Cli::load(std::env::args_os(), |name| std::env::var_os(name)) {
        Ok(cli) => assembly::run(cli),
        Err(stop) if stop.code == 0 => {
            // Whoever asked may have read enough, as `head` does.
            let _ = write!(std::io::stdout(), "{}", stop.text);
            ExitCode::SUCCESS
        }
        Err(stop) => {
            eprintln!("{}", stop.text);
            ExitCode::from(stop.code)
        }
    }
}
