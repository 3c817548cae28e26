//! Does every message arrive, once, in order, whatever happens? A reference model beside the broker: random lists of all
//! that can happen are played on both, and all that can be seen is compared.
//!
//! `HONGYAN_SEED=17 cargo test --test delivery` plays one seed. What fails is made shorter, and printed.

#[path = "delivery/client.rs"]
mod client;
#[path = "delivery/former.rs"]
mod former;
#[path = "delivery/gate.rs"]
mod gate;
#[path = "delivery/model.rs"]
mod model;
#[path = "delivery/play.rs"]
mod play;
#[path = "delivery/stage.rs"]
mod stage;
mod support;
#[path = "delivery/transition.rs"]
mod transition;
#[path = "delivery/wire.rs"]
mod wire;

use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::Config;
use proptest::test_runner::RngAlgorithm;
use proptest::test_runner::TestRng;
use proptest::test_runner::TestRunner;

use play::Counts;
use stage::Where;
use support::fire;
use transition::Transition;

/// Seeds that once found something.
const FORMER: &str = include_str!("delivery/seeds");

/// Transitions of one seed.
const STEPS: std::ops::Range<usize> = 100..160;

/// What a seed stands for: whether only friends may write, and what happens.
fn story() -> impl Strategy<Value = (bool, Vec<Transition>)> {
    let friends_only = prop::bool::weighted(0.2);
    let steps = prop::collection::vec(transition::transition(), STEPS);
    let steps = (transition::opening(), steps).prop_map(|(mut opening, steps)| {
        opening.extend(steps);
        opening
    });
    (friends_only, steps)
}

/// Plays a seed; what fails, and the shortest list that does.
fn play_seed(place: Where, seed: u64) -> Result<Counts, String> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let tree = story().new_tree(&mut runner).expect("a story");
    let (friends_only, mut steps) = tree.current();
    let mut why = match play::play(place, friends_only, &steps) {
        Ok(counts) => return Ok(counts),
        Err(why) => why,
    };
    println!("{place:?}, HONGYAN_SEED={seed}: {why}; making it shorter");
    let kind = why.kind();
    let mut chunk = steps.len() / 2;
    while chunk > 0 {
        let mut from = 0;
        let before = steps.len();
        while from < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(from..steps.len().min(from + chunk));
            match play::play(place, friends_only, &fewer) {
                // Another disagreement is another story: this one is to be told.
                Err(still) if still.kind() == kind => (why, steps) = (still, fewer),
                Ok(_) | Err(_) => from += chunk,
            }
        }
        if chunk > 1 || steps.len() == before {
            chunk /= 2;
        }
    }
    let steps: Vec<String> = steps.iter().map(|step| format!("    {step:?},")).collect();
    Err(format!(
        "{place:?}, HONGYAN_SEED={seed}: {why}\nfriends only: {friends_only}\n[\n{}\n]",
        steps.join("\n")
    ))
}

/// Plays many seeds, on all cores; the first that fails ends it.
fn play_seeds(place: Where, seeds: &[u64]) -> Counts {
    let next = AtomicU64::new(0);
    let counts = Mutex::new(Counts::default());
    let failure = Mutex::new(None);
    let work = || {
        while failure.lock().expect("whole").is_none() {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(seed) = usize::try_from(at).ok().and_then(|at| seeds.get(at)) else {
                return;
            };
            match play_seed(place, *seed) {
                Ok(more) => counts.lock().expect("whole").add(more),
                Err(why) => *failure.lock().expect("whole") = Some(why),
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    if let Some(why) = failure.into_inner().expect("whole") {
        panic!("{why}");
    }
    counts.into_inner().expect("whole")
}

fn attack(place: Where, name: &'static str, by: &'static str) {
    let promise = "Whatever happens, every accepted message is pushed until it is confirmed and not after, once, in one \
                   order, and is in each inbox and history it belongs to and in no other.";
    let mut attack = fire::Attack::on(name, promise, by);
    let former = FORMER.lines().filter(|line| !line.starts_with('#'));
    let former = former.map(|line| line.trim().parse().expect("a seed"));
    let seeds: Vec<u64> = match std::env::var("HONGYAN_SEED") {
        Ok(seed) => vec![seed.parse().expect("HONGYAN_SEED is a number")],
        Err(_) => former.chain(0..fire::portion(40, 10_000)).collect(),
    };
    let counts = play_seeds(place, &seeds);
    attack.count("seeds", seeds.len() as u64);
    attack.count("steps", counts.steps);
    attack.count("messages accepted", counts.accepted);
    attack.count("messages refused", counts.refused);
    attack.count("pushes", counts.pushes);
    attack.count("confirmations", counts.confirmations);
    attack.count("restarts", counts.restarts);
    attack.count("commit failures", counts.commit_failures);
    attack.count("stalled readers", counts.stalls);
    attack.count("cut connections", counts.cuts);
    attack.repelled();
}

#[test]
fn the_broker_and_the_model_agree_in_memory() {
    attack(
        Where::Memory,
        "model-memory",
        "`tests/delivery.rs`, `the_broker_and_the_model_agree_in_memory`",
    );
}

#[test]
fn the_broker_and_the_model_agree_on_disk() {
    attack(
        Where::Disk,
        "model-disk",
        "`tests/delivery.rs`, `the_broker_and_the_model_agree_on_disk`",
    );
}
