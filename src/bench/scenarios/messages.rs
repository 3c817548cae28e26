//! Scenarios in which messages flow for some seconds: chat, stomp, topic, group.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use futures_util::StreamExt;
use futures_util::TryStreamExt;
use futures_util::stream::iter;
use hongyan_grammar::stomp::Frame;
use serde_json::json;

use crate::bench::Failed;
use crate::bench::bare;
use crate::bench::failed;
use crate::bench::flow;
use crate::bench::flow::Flow;
use crate::bench::line::Buffers;
use crate::bench::line::Line;
use crate::bench::meter::Meter;
use crate::bench::report::Report;
use crate::bench::scenarios::Stage;
use crate::bench::scenarios::subscribe;
use crate::bench::socketio;
use crate::bench::talk::CONFIRM_STATUS;
use crate::bench::talk::SEND_STATUS;
use crate::bench::talk::TOPIC;
use crate::bench::talk::Talk;
use crate::bench::talk::Words;

/// REST calls and connections that are made at the same time.
const AT_ONCE: usize = 32;

/// Members that are added to a group by one call.
const MEMBERS_A_CALL: usize = 1_000;

pub(super) async fn chat(stage: &Stage<'_>) -> Result<Report, Failed> {
    let mut flows = Vec::new();
    for pair in 0..stage.options.pairs as u64 {
        let receiver = stage.people.person(2 * pair + 1).await?;
        let mut to = stage.line(2 * pair + 1, Buffers::Large).await?;
        let own = format!("/user/{}/recive", receiver.uid);
        to.subscribe(subscribe(&own), true).await?;
        if stage.options.confirm_status {
            to.subscribe(subscribe(CONFIRM_STATUS), true).await?;
        }
        let mut from = stage.line(2 * pair, Buffers::Large).await?;
        from.subscribe(subscribe(SEND_STATUS), true).await?;
        flows.push(Flow {
            talk: stage.talk(Words::Chat { to: receiver.uid }, pair),
            sender: from,
            receivers: vec![to],
            confirm_status: stage.options.confirm_status,
        });
    }
    measure(stage, flows, "deliveries").await
}

pub(super) async fn stomp(stage: &Stage<'_>) -> Result<Report, Failed> {
    let template = stage.options.destination.as_deref();
    let template = template.unwrap_or("/queue/bench-{}");
    let mut flows = Vec::new();
    for pair in 0..stage.options.pairs as u64 {
        let destination = template.replace("{}", &pair.to_string());
        let mut to = stage.line(2 * pair + 1, Buffers::Large).await?;
        let frame = stage.with_headers(subscribe(&destination));
        to.subscribe(frame.header("ack", "client-individual"), true)
            .await?;
        flows.push(Flow {
            talk: stage.talk(stage.plain(&destination, true), pair),
            sender: stage.line(2 * pair, Buffers::Large).await?,
            receivers: vec![to],
            confirm_status: false,
        });
    }
    measure(stage, flows, "deliveries").await
}

pub(super) async fn topic(stage: &Stage<'_>) -> Result<Report, Failed> {
    let destination = stage.options.destination.as_deref();
    let destination = destination.unwrap_or(TOPIC);
    let receivers = stage.receivers(|number| async move {
        let mut line = stage.line(number, Buffers::Small).await?;
        let frame = stage.with_headers(subscribe(destination));
        line.subscribe(frame, true).await?;
        Ok(line)
    });
    let receivers = receivers.await?;
    let flow = Flow {
        talk: stage.talk(stage.plain(destination, false), 0),
        sender: stage.line(0, Buffers::Large).await?,
        receivers,
        confirm_status: false,
    };
    measure(stage, vec![flow], "deliveries").await
}

pub(super) async fn group(stage: &Stage<'_>) -> Result<Report, Failed> {
    let options = stage.options;
    if options.receivers >= options.members {
        return Err(failed(
            "--receivers",
            "allowed are fewer than --members, of whom one is the sender",
        ));
    }
    // Who has a token signed elsewhere exists from the first call on.
    let numbers = 0..options.members as u64;
    let uids: Vec<u64> = iter(numbers)
        .map(|number| async move {
            let person = stage.people.person(number).await?;
            let known = stage.people.http().get("/api/inbox", &person.token);
            known.await.map(|_| person.uid)
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let maker = stage.people.person(0).await?;
    let mut rest = uids.chunks(MEMBERS_A_CALL);
    let first = rest.next().unwrap_or_default();
    let body = json!({ "name": "bench", "members": first });
    let http = stage.people.http();
    let made = http.post("/api/groups", Some(&maker.token), &body).await?;
    let id = ["gid", "id"]
        .iter()
        .find_map(|name| made[name].as_u64())
        .ok_or_else(|| failed("POST /api/groups", &made))?;
    for members in rest {
        let path = format!("/api/groups/{id}/members");
        let body = json!({ "members": members });
        http.post(&path, Some(&maker.token), &body).await?;
    }
    let receivers = stage.receivers(|number| async move {
        let mut line = stage.line(number, Buffers::Small).await?;
        line.subscribe(subscribe("/user/queue/group"), true).await?;
        Ok(line)
    });
    let receivers = receivers.await?;
    let mut sender = stage.line(0, Buffers::Large).await?;
    sender.subscribe(subscribe(SEND_STATUS), true).await?;
    let flow = Flow {
        talk: stage.talk(Words::Group { id }, 0),
        sender,
        receivers,
        confirm_status: false,
    };
    measure(stage, vec![flow], "deliveries").await
}

pub(super) async fn socketio(stage: &Stage<'_>) -> Result<Report, Failed> {
    let url = socketio::over_websocket(&stage.host.url)?;
    let mut flows = Vec::new();
    for pair in 0..stage.options.pairs as u64 {
        let receiver = stage.people.person(2 * pair + 1).await?;
        let mut to = Line::open_socketio(&url, Buffers::Large).await?;
        socketio::log_in(&mut to, &receiver).await?;
        let mut from = Line::open_socketio(&url, Buffers::Large).await?;
        let sender = stage.people.person(2 * pair).await?;
        let words = Words::Direct {
            to: receiver.uid,
            session_token: socketio::log_in(&mut from, &sender).await?,
        };
        flows.push(Flow {
            talk: stage.talk(words, pair),
            sender: from,
            receivers: vec![to],
            confirm_status: false,
        });
    }
    measure(stage, flows, "deliveries").await
}

pub(super) async fn broadcast(stage: &Stage<'_>) -> Result<Report, Failed> {
    let url = |path| stage.host.sibling(path);
    let (receive, send) = (url(bare::RECEIVE)?, url(bare::SEND)?);
    let receivers = stage.receivers(|_| Line::connect(&receive, Buffers::Small));
    let flow = Flow {
        receivers: receivers.await?,
        talk: stage.talk(Words::Bare, 0),
        sender: Line::connect(&send, Buffers::Large).await?,
        confirm_status: false,
    };
    measure(stage, vec![flow], "deliveries").await
}

/// Lets the flows run, and reports.
async fn measure(
    stage: &Stage<'_>,
    flows: Vec<Flow>,
    unit: &'static str,
) -> Result<Report, Failed> {
    let options = stage.options;
    let mut report = Report::new(options, stage.host);
    report.parameter("window", options.window);
    report.parameter("bytes", options.bytes);
    if let Some(rate) = options.rate {
        report.parameter("rate", rate as usize);
    }
    let senders = flows.len();
    let receivers = flows.iter().map(|it| it.receivers.len()).sum();
    report.parameter("senders", senders);
    report.parameter("receivers", receivers);
    let processor_before = stage.host.processor_us();
    let meter = Rc::new(RefCell::new(Meter::start(options, unit)?));
    let sent = flow::run(flows, options, &meter).await?;
    let meter = meter.borrow();
    let seconds = options.seconds as f64;
    report.figure(unit, meter.deliveries as f64 / seconds, "1/s");
    report.figure("messages sent in all", sent as f64, "");
    if let (Some(before), Some(after)) = (processor_before, stage.host.processor_us()) {
        let all = sent as f64 * receivers as f64 / senders as f64;
        report.figure(
            "broker's time a delivery",
            (after - before) as f64 / all,
            "µs",
        );
    }
    report.latency("push", &meter.pushes);
    report.latency("answer", &meter.answers);
    report.seconds = meter.seconds.clone();
    report.memory(stage.host);
    Ok(report)
}

impl Stage<'_> {
    /// A connection of user `number` (or of the `--login`).
    pub(super) async fn line(&self, number: u64, buffers: Buffers) -> Result<Line, Failed> {
        Line::open(&self.host.url, self.connect_frame(number).await?, buffers).await
    }

    /// The words of flow `index`.
    pub(super) fn talk(&self, words: Words, index: u64) -> Talk {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let salt = now.map_or(0, |now| now.as_nanos() as u64);
        Talk::new(words, self.options.bytes, salt, index)
    }

    fn plain(&self, destination: &str, acks: bool) -> Words {
        Words::Plain {
            destination: destination.to_owned(),
            headers: self.options.headers.clone(),
            acks,
        }
    }

    fn with_headers(&self, frame: Frame) -> Frame {
        let headers = self.options.headers.iter();
        headers.fold(frame, |frame, (name, value)| frame.header(name, value))
    }

    /// `--receivers` connections of users 1, 2, …, some of them made at the same time.
    async fn receivers<F>(&self, make: impl Fn(u64) -> F) -> Result<Vec<Line>, Failed>
    where
        F: Future<Output = Result<Line, Failed>>,
    {
        iter(1..=self.options.receivers as u64)
            .map(make)
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }
}
