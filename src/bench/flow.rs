//! Messages from one sender to its receivers, each of which must get all of them, once and in order.
//!
//! In a closed loop a sender has at most a window of messages that are not yet answered and delivered everywhere. In an open
//! loop messages are due at a fixed rate, and their latency counts from when they were due, not from when they were sent: a
//! broker that stalls is charged for all that had to wait meanwhile.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;
use std::time::Instant;

use hongyan_grammar::stomp::Frame;
use tokio::sync::Notify;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::bench::Failed;
use crate::bench::failed;
use crate::bench::line::Line;
use crate::bench::line::PATIENCE;
use crate::bench::meter::Meter;
use crate::bench::meter::each_second;
use crate::bench::talk::CONFIRM_STATUS;
use crate::bench::talk::Talk;
use crate::config::BenchOptions;

/// Messages under way in one flow of an open loop, at most: a broker that far behind does not come back.
const UNDER_WAY_MAX: usize = 1_000_000;

/// A sender, those who receive from it, and what they say; all connected and subscribed.
pub(super) struct Flow {
    /// What is said.
    pub(super) talk: Talk,
    /// Who sends, and gets the answers.
    pub(super) sender: Line,
    /// Who receives.
    pub(super) receivers: Vec<Line>,
    /// Whether each confirmation is answered.
    pub(super) confirm_status: bool,
}

/// When messages are due.
#[derive(Clone, Copy)]
enum Pace {
    /// As soon as there is room in the window.
    Window(usize),
    /// At fixed intervals, from a moment on.
    Every(Duration, Instant),
}

/// A message under way.
struct Waiting {
    due: Instant,
    /// Receivers that do not have it yet, and one more while it is not answered.
    missing: usize,
}

/// What is under way in one flow.
struct Ledger {
    /// Messages begun, and of those the ones answered.
    begun: u64,
    answered: u64,
    /// The messages from number `first` on.
    waiting: VecDeque<Waiting>,
    first: u64,
}

impl Ledger {
    fn begin(&mut self, due: Instant, missing: usize) -> u64 {
        self.waiting.push_back(Waiting { due, missing });
        self.begun += 1;
        self.begun - 1
    }

    /// One more has, or has answered, message `number`: when was that due?
    fn arrived(&mut self, number: u64) -> Option<Instant> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        let waiting = self.waiting.get_mut(index)?;
        waiting.missing = waiting.missing.checked_sub(1)?;
        let due = waiting.due;
        while self.waiting.front().is_some_and(|it| it.missing == 0) {
            self.waiting.pop_front();
            self.first += 1;
        }
        Some(due)
    }
}

/// What the tasks of a flow share.
struct Shared {
    talk: Talk,
    ledger: RefCell<Ledger>,
    meter: Rc<RefCell<Meter>>,
    /// Something arrived somewhere.
    moved: Notify,
}

/// Lets all flows run for the time of `meter`, then waits until all of their messages have arrived. Gives how many messages
/// were sent. Errors: one was lost, doubled, refused, or came out of order.
pub(super) async fn run(
    flows: Vec<Flow>,
    options: &BenchOptions,
    meter: &Rc<RefCell<Meter>>,
) -> Result<u64, Failed> {
    let mut senders = JoinSet::new();
    let mut receivers = JoinSet::new();
    let (over, _) = watch::channel(());
    let count = flows.len() as u32;
    for (index, flow) in flows.into_iter().enumerate() {
        let pace = match options.rate {
            None => Pace::Window(options.window),
            Some(rate) => {
                let between = Duration::from_secs(1).div_f64(rate as f64);
                // The flows take turns.
                Pace::Every(between * count, Instant::now() + between * index as u32)
            }
        };
        let shared = Rc::new(Shared {
            talk: flow.talk,
            ledger: RefCell::new(Ledger {
                begun: 0,
                answered: 0,
                waiting: VecDeque::new(),
                first: 0,
            }),
            meter: Rc::clone(meter),
            moved: Notify::new(),
        });
        let each = flow.receivers.len();
        for line in flow.receivers {
            let shared = Rc::clone(&shared);
            let over = over.subscribe();
            receivers.spawn_local(receive(line, shared, flow.confirm_status, over));
        }
        senders.spawn_local(send(flow.sender, shared, pace, each));
    }
    let sent = each_second(meter, &mut senders, &mut receivers).await?;
    if options.keep.is_some() {
        // The next run shall find nothing that waits, so the last confirmations are waited for.
        let _ = over.send(());
        while let Some(ended) = receivers.join_next().await {
            ended.map_err(|why| failed("a receiver", why))??;
        }
    }
    Ok(sent)
}

async fn send(
    mut line: Line,
    shared: Rc<Shared>,
    pace: Pace,
    receivers: usize,
) -> Result<u64, Failed> {
    let until = shared.meter.borrow().until;
    let mut wire = Vec::new();
    let mut next_due = match pace {
        Pace::Window(_) => Instant::now(),
        Pace::Every(_, from) => from,
    };
    loop {
        let now = Instant::now();
        let mut queued = false;
        while next_due < until && now < until {
            let under_way = shared.ledger.borrow().waiting.len();
            let due = match pace {
                Pace::Window(window) if under_way < window => now,
                Pace::Every(..) if next_due <= now && under_way < UNDER_WAY_MAX => next_due,
                _ => break,
            };
            if let Pace::Every(between, _) = pace {
                next_due += between;
            }
            let number = shared.ledger.borrow_mut().begin(due, receivers + 1);
            wire.clear();
            shared.talk.write_message(number, &mut wire);
            line.queue(&wire).await?;
            queued = true;
        }
        if queued {
            line.flush().await?;
        }
        let over = now >= until || next_due >= until;
        if over && shared.ledger.borrow().waiting.is_empty() {
            return Ok(shared.ledger.borrow().begun);
        }
        let wake = match pace {
            Pace::Every(..) if !over => next_due,
            Pace::Window(_) if !over => until,
            _ => now + PATIENCE,
        };
        tokio::select! {
            frame = line.next_ever() => {
                take_answer(&shared, &frame?)?;
                while let Some(frame) = line.next_now()? {
                    take_answer(&shared, &frame)?;
                }
            }
            () = shared.moved.notified() => {}
            () = tokio::time::sleep_until(wake.into()) => {
                if over {
                    let ledger = shared.ledger.borrow();
                    return Err(Failed(format!(
                        "{} of {} messages have not arrived everywhere, the first is number {}",
                        ledger.waiting.len(), ledger.begun, ledger.first
                    )));
                }
            }
        }
    }
}

fn take_answer(shared: &Shared, frame: &Frame) -> Result<(), Failed> {
    let mut ledger = shared.ledger.borrow_mut();
    let number = ledger.answered;
    shared.talk.check_answer(frame, number)?;
    ledger.answered += 1;
    let due = ledger
        .arrived(number)
        .ok_or_else(|| failed("an answer to nothing", number))?;
    shared.meter.borrow_mut().answered(due, Instant::now());
    Ok(())
}

async fn receive(
    mut line: Line,
    shared: Rc<Shared>,
    confirm_status: bool,
    mut over: watch::Receiver<()>,
) -> Result<(), Failed> {
    let mut expected = 0;
    let mut confirmation = Vec::new();
    let mut came: Vec<Instant> = Vec::new();
    loop {
        let first = expected;
        let mut next = tokio::select! {
            frame = line.next_ever() => Some(frame?),
            told = over.changed() => return match told {
                Ok(()) => line.leave().await,
                Err(_) => Ok(()),
            },
        };
        while let Some(frame) = next {
            // Those that answer our confirmations are as much a part of the load, but nothing waits for them.
            let is_status =
                confirm_status && frame.headers.get("destination") == Some(CONFIRM_STATUS);
            if !is_status {
                confirmation.clear();
                let number = shared.talk.pushed(&frame, &mut confirmation)?;
                if number != expected {
                    return Err(Failed(format!(
                        "message {number} came where {expected} should have: lost, doubled or out of order"
                    )));
                }
                expected += 1;
                came.push(Instant::now());
                if !confirmation.is_empty() {
                    line.queue(&confirmation).await?;
                }
            }
            next = line.next_now()?;
        }
        // A message is delivered when it is confirmed as well.
        line.flush().await?;
        let mut ledger = shared.ledger.borrow_mut();
        for (number, at) in (first..).zip(came.drain(..)) {
            let due = ledger
                .arrived(number)
                .ok_or_else(|| failed("a message that nobody sent", number))?;
            shared.meter.borrow_mut().delivered(due, at);
        }
        shared.moved.notify_one();
    }
}

/// Sends `messages`, of which `window` may be under way, and waits for an answer to each; nobody has to receive them.
pub(super) async fn fill(
    line: &mut Line,
    talk: &Talk,
    messages: u64,
    window: u64,
) -> Result<(), Failed> {
    let (mut sent, mut answered) = (0, 0);
    let mut wire = Vec::new();
    while answered < messages {
        while sent < messages && sent - answered < window {
            wire.clear();
            talk.write_message(sent, &mut wire);
            line.queue(&wire).await?;
            sent += 1;
        }
        line.flush().await?;
        let mut next = Some(line.next().await?);
        while let Some(frame) = next {
            talk.check_answer(&frame, answered)?;
            answered += 1;
            next = line.next_now()?;
        }
    }
    Ok(())
}
