//! Scenarios of connections: how fast they are made, and what a quiet one costs.

use std::time::Duration;
use std::time::Instant;

use futures_util::StreamExt;
use futures_util::TryStreamExt;
use futures_util::stream::iter;
use futures_util::stream::repeat;

use crate::bench::Failed;
use crate::bench::failed;
use crate::bench::line::Buffers;
use crate::bench::line::Line;
use crate::bench::line::unexpected;
use crate::bench::meter::histogram;
use crate::bench::meter::micros;
use crate::bench::report::Report;
use crate::bench::scenarios::Stage;
use crate::bench::scenarios::subscribe;

/// Users among whom the connections are shared out.
const USERS: u64 = 100;

/// Connections that are being made at the same time.
const AT_ONCE: usize = 32;

/// Connections that pay for what all of them share, before memory is measured.
const FIRST: usize = 100;

/// Connects, logs in and subscribes as fast as it goes, for `--seconds`; each connection is closed at once.
pub(super) async fn connect(stage: &Stage<'_>) -> Result<Report, Failed> {
    let mut report = Report::new(stage.options, stage.host);
    report.parameter("at once", AT_ONCE);
    for number in 0..USERS {
        ready(stage, number).await?;
    }
    let begun = Instant::now();
    let until = begun + Duration::from_secs(stage.options.seconds);
    let mut latencies = histogram()?;
    let processor_before = stage.host.processor_us();
    let made: Vec<u64> = repeat(())
        .enumerate()
        .take_while(|_| std::future::ready(Instant::now() < until))
        .map(|(index, ())| async move {
            let begun = Instant::now();
            ready(stage, index as u64 % USERS).await?;
            Ok::<_, Failed>(micros(begun.elapsed()))
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let seconds = begun.elapsed().as_secs_f64();
    for latency in &made {
        latencies.saturating_record(*latency);
    }
    report.figure("connections", made.len() as f64 / seconds, "1/s");
    if let (Some(before), Some(after)) = (processor_before, stage.host.processor_us()) {
        let each = (after - before) as f64 / made.len().max(1) as f64;
        report.figure("broker's time a connection", each, "µs");
    }
    report.latency("connected, logged in, subscribed", &latencies);
    report.memory(stage.host);
    Ok(report)
}

/// Makes `--connections` and looks at the broker's memory.
pub(super) async fn idle(stage: &Stage<'_>) -> Result<Report, Failed> {
    let mut report = Report::new(stage.options, stage.host);
    let resident = || {
        stage.host.resident_bytes().ok_or_else(|| {
            failed(
                "idle needs the broker's memory",
                "with --url, its --pid on this machine",
            )
        })
    };
    let mut lines = many(stage, FIRST).await?;
    let before = resident()?;
    let begun = Instant::now();
    lines.extend(many(stage, stage.options.connections).await?);
    let seconds = begun.elapsed().as_secs_f64();
    let after = resident()?;
    // All of them are there still, and nobody was told anything.
    for line in &mut lines {
        if let Some(frame) = line.next_now()? {
            return Err(unexpected("silence", &frame));
        }
    }
    let connections = stage.options.connections as f64;
    let each = after.saturating_sub(before) as f64 / connections;
    report.figure("connections", connections, "");
    report.figure("memory of a connection", each / 1024.0, "KiB");
    report.figure("connections made", connections / seconds, "1/s");
    report.memory(stage.host);
    Ok(report)
}

async fn many(stage: &Stage<'_>, count: usize) -> Result<Vec<Line>, Failed> {
    iter(0..count as u64)
        .map(|index| ready(stage, index % USERS))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

/// A connection as a chat client waits: logged in and subscribed.
async fn ready(stage: &Stage<'_>, number: u64) -> Result<Line, Failed> {
    let mut line = stage.line(number, Buffers::Small).await?;
    let destination = match (&stage.options.destination, &stage.options.login) {
        (Some(destination), _) => destination.replace("{}", &number.to_string()),
        (None, Some(_)) => format!("/topic/bench-{number}"),
        (None, None) => format!("/user/{}/recive", stage.people.person(number).await?.uid),
    };
    line.subscribe(subscribe(&destination), true).await?;
    Ok(line)
}
