//! Pages of a long conversation: are those at its beginning as fast as those at its end?

use std::time::Instant;

use hdrhistogram::Histogram;
use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Frame;
use serde_json::Value;
use serde_json::json;

use crate::bench::Failed;
use crate::bench::failed;
use crate::bench::flow;
use crate::bench::line::Buffers;
use crate::bench::line::Line;
use crate::bench::meter::histogram;
use crate::bench::meter::micros;
use crate::bench::report::Report;
use crate::bench::scenarios::Stage;
use crate::bench::scenarios::subscribe;
use crate::bench::talk::SEND_STATUS;
use crate::bench::talk::Words;

/// Messages of a page.
const PAGE: u64 = 50;

/// Pages asked for at each end.
const PAGES: u64 = 2_000;

/// Messages under way while the conversation is filled: a deep window, because that is not what is measured.
const FILL_WINDOW: u64 = 512;

const HISTORY: &str = "/user/queue/history";

pub(super) async fn run(stage: &Stage<'_>) -> Result<Report, Failed> {
    let options = stage.options;
    let mut report = Report::new(options, stage.host);
    report.parameter("messages", options.messages as usize);
    report.parameter("page", PAGE as usize);
    report.parameter("bytes", options.bytes);

    let other = stage.people.person(1).await?;
    drop(stage.line(1, Buffers::Small).await?);
    let mut line = stage.line(0, Buffers::Large).await?;
    line.subscribe(subscribe(SEND_STATUS), true).await?;
    let talk = stage.talk(Words::Chat { to: other.uid }, 0);
    flow::fill(&mut line, &talk, options.messages, FILL_WINDOW).await?;

    line.subscribe(subscribe(HISTORY), true).await?;
    let newest = page(&mut line, other.uid, None).await?;
    let first_of = |page: &[Value]| page.first().and_then(|it| it["id"].as_u64());
    let newest_id = newest.iter().filter_map(|it| it["id"].as_u64()).max();
    let Some((newest_id, _)) = newest_id.zip(first_of(&newest)) else {
        return Err(failed("a page of history", "it is empty"));
    };
    // The ids of one sender to a quiet broker are dense, so the oldest page is that many before the newest.
    let oldest_before = newest_id.saturating_sub(options.messages) + PAGE + 1;
    let mut ends = [histogram()?, histogram()?];
    // In turns, so that what else the machine does falls on both alike.
    for _ in 0..PAGES {
        for (end, before) in [None, Some(oldest_before)].into_iter().enumerate() {
            let begun = Instant::now();
            let messages = page(&mut line, other.uid, before).await?;
            if messages.len() as u64 != PAGE.min(options.messages) {
                return Err(failed(
                    "a page of history",
                    format!("{} messages", messages.len()),
                ));
            }
            ends[end].saturating_record(micros(begun.elapsed()));
        }
    }
    let [at_end, at_beginning] = ends;
    let median = |it: &Histogram<u64>| it.value_at_quantile(0.5) as f64;
    report.figure(
        "end to beginning, medians",
        median(&at_end) / median(&at_beginning),
        "",
    );
    report.latency("page at the end", &at_end);
    report.latency("page at the beginning", &at_beginning);
    report.memory(stage.host);
    Ok(report)
}

/// A page, before the message `before`, if that is given.
async fn page(line: &mut Line, with: u64, before: Option<u64>) -> Result<Vec<Value>, Failed> {
    let mut body = json!({ "with": with, "len": PAGE });
    if let Some(before) = before {
        body["before"] = before.into();
    }
    let frame = Frame::new(Command::Send)
        .header("destination", "/socket/chat/history")
        .body(body.to_string());
    line.say(&frame).await?;
    let answer = line.next().await?;
    let mut answer: Value = serde_json::from_slice(&answer.body)
        .map_err(|why| failed("the answer to a question for history", why))?;
    match answer["messages"].take() {
        Value::Array(messages) => Ok(messages),
        _ => Err(failed("no page of history", answer)),
    }
}
