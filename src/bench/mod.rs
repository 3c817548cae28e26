//! The load generator (`hongyan bench`, CONTRACT section 1): it makes a load as clients would, checks that all of it arrives
//! once and in order, and says how fast that was. It knows the wire and nothing of the broker, so it can load any STOMP broker.

mod bare;
mod flow;
mod host;
mod http;
mod line;
mod meter;
mod people;
mod plot;
mod report;
mod scenarios;
mod socketio;
mod talk;

use std::fmt;

use tokio::task::LocalSet;

use crate::bench::host::Host;
use crate::bench::report::Report;
use crate::config::BenchOptions;

/// Why there is no figure: one sentence for the user.
#[derive(Debug)]
pub struct Failed(String);

impl fmt::Display for Failed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Failed {}

/// A [`Failed`] that says what was being done, and what went wrong.
fn failed(doing: &str, why: impl fmt::Display) -> Failed {
    Failed(format!("{doing}: {why}"))
}

/// Makes the load that `options` ask for, and prints what came of it. Progress goes to stderr, the result to stdout.
/// Errors: the broker does not start, refuses, ends, or has lost, doubled or misordered a message.
pub fn run(options: &BenchOptions) -> Result<(), Failed> {
    if options.bare_server {
        return block_on(bare::serve()).map(|never| match never {});
    }
    // Every connection is an open file, and more than are allowed at first may be asked for. Where not, connecting says so.
    let _ = rlimit::increase_nofile_limit(rlimit::INFINITY);
    let host = Host::of(options)?;
    if options.pin {
        host::pin_this_process()?;
    }
    let report: Report = block_on(scenarios::run(options, &host))?;
    if let Some(file) = &options.plot {
        std::fs::write(file, plot::svg(&report))
            .map_err(|why| failed(&format!("--plot {}", file.display()), why))?;
    }
    match options.json {
        true => println!("{:#}", report.json()),
        false => print!("{report}"),
    }
    Ok(())
}

/// All of the load runs on one thread, so that it takes one core and no more.
fn block_on<T>(work: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|why| failed("no runtime", why))?;
    LocalSet::new().block_on(&runtime, work)
}
