//! What is counted while messages flow: how many arrive in the seconds that count, and how long each took.

use std::cell::RefCell;
use std::io::Write;
use std::time::Duration;
use std::time::Instant;

use hdrhistogram::Histogram;
use tokio::task::JoinSet;

use crate::bench::Failed;
use crate::bench::failed;
use crate::config::BenchOptions;

/// Longest latency that is told apart from longer ones: an hour.
const LATENCY_US_MAX: u64 = 3_600_000_000;

/// One second of the run.
#[derive(Clone, Copy)]
pub(super) struct Second {
    /// Deliveries in it.
    pub(super) deliveries: u64,
    /// Median and 99th percentile of the latency of those, microseconds.
    pub(super) p50_us: u64,
    /// See above.
    pub(super) p99_us: u64,
}

/// The seconds that count, and what happened in them.
pub(super) struct Meter {
    /// When they begin, and end.
    pub(super) from: Instant,
    /// See above.
    pub(super) until: Instant,
    /// From when a message was due until it was pushed to a receiver, microseconds.
    pub(super) pushes: Histogram<u64>,
    /// The same, until its sender had the answer.
    pub(super) answers: Histogram<u64>,
    /// Deliveries within the time: one for each receiver of a message.
    pub(super) deliveries: u64,
    /// Second by second, the warm-up included.
    pub(super) seconds: Vec<Second>,
    /// How many of those the run takes.
    whole: u64,
    second: Histogram<u64>,
    /// What one delivery is called in the progress.
    unit: &'static str,
}

/// A histogram of microseconds with three significant digits.
pub(super) fn histogram() -> Result<Histogram<u64>, Failed> {
    Histogram::new_with_max(LATENCY_US_MAX, 3).map_err(|why| failed("a histogram", why))
}

impl Meter {
    /// Begins the warm-up now.
    pub(super) fn start(options: &BenchOptions, unit: &'static str) -> Result<Self, Failed> {
        let from = Instant::now() + Duration::from_secs(options.warm_up_s);
        Ok(Self {
            from,
            until: from + Duration::from_secs(options.seconds),
            pushes: histogram()?,
            answers: histogram()?,
            deliveries: 0,
            seconds: Vec::new(),
            whole: options.warm_up_s + options.seconds,
            second: histogram()?,
            unit,
        })
    }

    /// A message that was due at `due` was pushed to a receiver `at`.
    pub(super) fn delivered(&mut self, due: Instant, at: Instant) {
        let latency = micros(at - due);
        self.second.saturating_record(latency);
        if self.counts(at) {
            self.deliveries += 1;
        }
        if self.counts(due) {
            self.pushes.saturating_record(latency);
        }
    }

    /// Its sender had the answer `at`.
    pub(super) fn answered(&mut self, due: Instant, at: Instant) {
        if self.counts(due) {
            self.answers.saturating_record(micros(at - due));
        }
    }

    fn counts(&self, moment: Instant) -> bool {
        (self.from..self.until).contains(&moment)
    }

    /// All has arrived. A run that ended just before its last second was told tells it now.
    fn end(&mut self) {
        if (self.seconds.len() as u64) < self.whole {
            self.tick();
        }
    }

    /// A second is over: says how it was.
    fn tick(&mut self) {
        let second = Second {
            deliveries: self.second.len(),
            p50_us: self.second.value_at_quantile(0.5),
            p99_us: self.second.value_at_quantile(0.99),
        };
        self.second.reset();
        self.seconds.push(second);
        let warm = match Instant::now() < self.from {
            true => " (warming up)",
            false => "",
        };
        // Whoever runs it may have closed stderr.
        let _ = writeln!(
            std::io::stderr(),
            "{:4} s  {:>9} {}/s  p50 {:>9.2} ms  p99 {:>9.2} ms{warm}",
            self.seconds.len(),
            second.deliveries,
            self.unit,
            second.p50_us as f64 / 1e3,
            second.p99_us as f64 / 1e3,
        );
    }
}

/// Tells each second of a run until all `senders` have ended. Gives how many messages they sent. Errors: of a sender, or of a
/// receiver; those go on until they are told, or fail.
pub(super) async fn each_second(
    meter: &RefCell<Meter>,
    senders: &mut JoinSet<Result<u64, Failed>>,
    receivers: &mut JoinSet<Result<(), Failed>>,
) -> Result<u64, Failed> {
    let mut sent = 0;
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    ticks.tick().await;
    loop {
        tokio::select! {
            ended = senders.join_next() => match ended {
                Some(ended) => sent += ended.map_err(|why| failed("a sender", why))??,
                None => break,
            },
            Some(ended) = receivers.join_next() => {
                ended.map_err(|why| failed("a receiver", why))??;
            }
            _ = ticks.tick() => meter.borrow_mut().tick(),
        }
    }
    meter.borrow_mut().end();
    Ok(sent)
}

/// Whole microseconds, at least one.
pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros())
        .unwrap_or(u64::MAX)
        .max(1)
}
