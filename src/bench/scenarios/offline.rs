//! Messages for users who are away: how fast they are kept, and how fast those users have them when they come.

use std::time::Instant;

use hongyan_grammar::stomp::Command;
use hongyan_grammar::stomp::Frame;
use tokio::task::JoinSet;

use crate::bench::Failed;
use crate::bench::failed;
use crate::bench::flow;
use crate::bench::line::Buffers;
use crate::bench::line::Line;
use crate::bench::report::Report;
use crate::bench::scenarios::Stage;
use crate::bench::scenarios::subscribe;
use crate::bench::talk::SEND_STATUS;
use crate::bench::talk::Talk;
use crate::bench::talk::Words;

pub(super) async fn run(stage: &Stage<'_>) -> Result<Report, Failed> {
    let options = stage.options;
    let pairs = options.pairs as u64;
    let each = options.messages.div_ceil(pairs);
    let mut report = Report::new(options, stage.host);
    report.parameter("pairs", options.pairs);
    report.parameter("window", options.window);
    report.parameter("bytes", options.bytes);

    let mut senders = Vec::new();
    for pair in 0..pairs {
        let receiver = stage.people.person(2 * pair + 1).await?;
        // Exists from its first connection on, and is away from then.
        drop(stage.line(2 * pair + 1, Buffers::Small).await?);
        let mut from = stage.line(2 * pair, Buffers::Large).await?;
        from.subscribe(subscribe(SEND_STATUS), true).await?;
        senders.push((
            pair,
            from,
            stage.talk(Words::Chat { to: receiver.uid }, pair),
        ));
    }
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for (pair, line, talk) in senders {
        let window = options.window as u64;
        tasks.spawn_local(async move {
            let mut line = line;
            flow::fill(&mut line, &talk, each, window).await?;
            Ok((talk, pair))
        });
    }
    let talks = all(tasks).await?;
    let kept = (each * pairs) as f64;
    report.figure("kept", kept / begun.elapsed().as_secs_f64(), "1/s");

    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for (talk, pair) in talks {
        // Tasks end in any order, so each talk comes with the pair that it belongs to.
        let receiver = stage.people.person(2 * pair + 1).await?;
        let mut line = stage.line(2 * pair + 1, Buffers::Large).await?;
        let own = format!("/user/{}/recive", receiver.uid);
        line.subscribe(subscribe(&own), true).await?;
        tasks.spawn_local(take(line, talk, each));
    }
    all(tasks).await?;
    report.figure("taken", kept / begun.elapsed().as_secs_f64(), "1/s");
    report.figure("messages", kept, "");
    report.memory(stage.host);
    Ok(report)
}

async fn all<T: 'static>(mut tasks: JoinSet<Result<T, Failed>>) -> Result<Vec<T>, Failed> {
    let mut done = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        done.push(ended.map_err(|why| failed("a client", why))??);
    }
    Ok(done)
}

/// Takes `each` messages, in order, and confirms them; then all of that is on disk.
async fn take(mut line: Line, talk: Talk, each: u64) -> Result<(), Failed> {
    let init = Frame::new(Command::Send).header("destination", "/socket/chat/init");
    line.say(&init).await?;
    let mut confirmation = Vec::new();
    let mut expected = 0;
    while expected < each {
        let mut next = Some(line.next().await?);
        while let Some(frame) = next {
            confirmation.clear();
            let number = talk.pushed(&frame, &mut confirmation)?;
            if number != expected {
                return Err(Failed(format!(
                    "message {number} came where {expected} should have: lost, doubled or out of order"
                )));
            }
            expected += 1;
            line.queue(&confirmation).await?;
            next = line.next_now()?;
        }
        line.flush().await?;
    }
    line.leave().await
}
