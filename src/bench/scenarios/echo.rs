//! The ceiling: the same frames over the same WebSockets, sent back by a server that does nothing else. What the broker
//! reaches of it is what its work costs.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use hongyan_grammar::stomp;
use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Frame;
use hongyan_grammar::stomp::Version;
use tokio::task::JoinSet;

use crate::bench::Failed;
use crate::bench::line::Buffers;
use crate::bench::line::Line;
use crate::bench::meter::Meter;
use crate::bench::meter::each_second;
use crate::bench::report::Report;
use crate::bench::scenarios::Stage;

pub(super) async fn run(stage: &Stage<'_>) -> Result<Report, Failed> {
    let options = stage.options;
    let mut report = Report::new(options, stage.host);
    report.parameter("connections", 2 * options.pairs);
    report.parameter("window", options.window);
    report.parameter("bytes", options.bytes);
    let processor_before = stage.host.processor_us();
    let meter = Rc::new(RefCell::new(Meter::start(options, "messages")?));
    let mut clients = JoinSet::new();
    for index in 0..2 * options.pairs as u64 {
        let line = Line::connect(&stage.host.url, Buffers::Large).await?;
        let message = Frame::new(Command::Message)
            .header("destination", "/socket/chat/send")
            .body(format!("{index:010} {}", "x".repeat(options.bytes)));
        clients.spawn_local(bounce(line, message, options.window, Rc::clone(&meter)));
    }
    let sent = each_second(&meter, &mut clients, &mut JoinSet::new()).await?;
    let meter = meter.borrow();
    // Each counts once in and once out.
    let rate = 2.0 * meter.deliveries as f64 / options.seconds as f64;
    report.figure("messages in and out", rate, "1/s");
    if let (Some(before), Some(after)) = (processor_before, stage.host.processor_us()) {
        let each = (after - before) as f64 / (2 * sent) as f64;
        report.figure("server's time a message", each, "µs");
    }
    report.latency("there and back", &meter.pushes);
    report.seconds = meter.seconds.clone();
    Ok(report)
}

/// Keeps `window` messages under way until the time is over. Gives how many there were.
async fn bounce(
    mut line: Line,
    message: Frame,
    window: usize,
    meter: Rc<RefCell<Meter>>,
) -> Result<u64, Failed> {
    let until = meter.borrow().until;
    let mut under_way = std::collections::VecDeque::new();
    let mut wire = Vec::new();
    stomp::write(&message, Version::V1_2, &mut wire);
    let mut sent = 0;
    loop {
        let now = Instant::now();
        while now < until && under_way.len() < window {
            line.queue(&wire).await?;
            under_way.push_back(now);
            sent += 1;
        }
        if under_way.is_empty() {
            return Ok(sent);
        }
        line.flush().await?;
        let mut next = Some(line.next().await?);
        let at = Instant::now();
        while next.is_some() {
            if let Some(due) = under_way.pop_front() {
                meter.borrow_mut().delivered(due, at);
            }
            next = line.next_now()?;
        }
    }
}
