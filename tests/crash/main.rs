//! Is anything that was acknowledged lost, doubled or out of order when the broker is killed? At random moments, and at
//! named points of its work. Linux with glibc only.

#![cfg(all(target_os = "linux", target_env = "gnu"))]

#[path = "../support/mod.rs"]
mod support;

mod backups;
mod house;
mod ledger;
#[allow(dead_code, reason = "the loss of power asks more")]
mod load;
mod older;
mod starts;

use house::Death;
use house::House;
use support::dice::Dice;
use support::faults::RENAME;
use support::faults::Rule;
use support::faults::SYNC;
use support::faults::WRITE;
use support::fire::Attack;
use support::fire::portion;

/// How often the store is checked as a whole.
const CHECK_EVERY: u64 = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_outlives_kills_at_random_moments() {
    let mut attack = Attack::on(
        "crash-random",
        "What was answered is kept, once and in order, when the broker is killed at any moment.",
        "`tests/crash/main.rs`, `what_was_answered_outlives_kills_at_random_moments`",
    );
    let seed = 1;
    println!("seed {seed}");
    let mut dice = Dice::new(seed);
    let mut house = House::new(0).await;
    for round in 1..=portion(6, 500) {
        house.kill(Death::After(1 + dice.below(300))).await;
        if round % CHECK_EVERY == 0 {
            house.check();
        }
    }
    house.settle().await;
    attack.count("kills at random moments", house.kills);
    attack.count("messages", house.ledger.begun());
    attack.count("of a queue", house.ledger.work.begun);
    attack.repelled();
}

/// The points of a broker's work at which it is killed. `n` is from the first such operation on.
fn points(n: u64, answers: u64) -> Vec<(&'static str, Death)> {
    let log = |operations| Rule::on("hongyan.db-wal", operations).from(n);
    let file = |operations| Rule::on("hongyan.db", operations);
    let picture = |operations| Rule::on(".part", operations).from(1 + n % 4);
    let stopping = |rule| Death::Stopping(answers, rule);
    vec![
        ("before a commit", Death::At(log(SYNC).kill_before())),
        (
            "before a write of a commit",
            Death::At(log(WRITE).kill_before()),
        ),
        ("in a write of a commit", Death::At(log(WRITE).kill_torn())),
        (
            "after a commit, before its answers",
            Death::At(log(SYNC).kill_after()),
        ),
        (
            "before a checkpoint's first page",
            stopping(file(WRITE).kill_before()),
        ),
        (
            "in a page of a checkpoint",
            stopping(file(WRITE).from(1 + n % 6).kill_torn()),
        ),
        (
            "before a checkpoint is synced",
            stopping(file(SYNC).kill_before()),
        ),
        (
            "after a checkpoint was synced",
            stopping(file(SYNC).kill_after()),
        ),
        ("in a picture", Death::At(picture(WRITE).kill_torn())),
        (
            "before a picture is synced",
            Death::At(picture(SYNC).kill_before()),
        ),
        (
            "before a picture has its name",
            Death::At(Rule::on("", RENAME).from(1 + n % 4).kill_before()),
        ),
        (
            "after a picture has its name",
            Death::At(Rule::on("images", SYNC).from(1 + n % 4).kill_after()),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_outlives_kills_at_named_points() {
    let mut attack = Attack::on(
        "crash-points",
        "What was answered is kept, once and in order, when the broker is killed before, in and after a commit, in a checkpoint, and while it keeps a picture.",
        "`tests/crash/main.rs`, `what_was_answered_outlives_kills_at_named_points`",
    );
    let seed = 2;
    println!("seed {seed}");
    let mut dice = Dice::new(seed);
    let mut house = House::new(0).await;
    let rounds = portion(1, 40);
    for _ in 0..rounds {
        for (point, death) in points(1 + dice.below(60), 20 + dice.below(100)) {
            println!("{point}");
            house.kill(death).await;
        }
        house.check();
    }
    house.settle().await;
    for (point, _) in points(1, 1) {
        attack.count(point, rounds);
    }
    attack.count("messages", house.ledger.begun());
    attack.repelled();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_outlives_kills_in_checkpoints_under_load() {
    if !support::fire::whole() {
        // It takes some megabytes of messages until the broker makes a checkpoint of its own accord.
        return;
    }
    let mut attack = Attack::on(
        "crash-checkpoints",
        "What was answered is kept when the broker is killed in a checkpoint that it makes under load.",
        "`tests/crash/main.rs`, `what_was_answered_outlives_kills_in_checkpoints_under_load`",
    );
    let seed = 3;
    let mut dice = Dice::new(seed);
    let mut house = House::new(6_000).await;
    for round in 0..portion(1, 40) {
        let page = Rule::on("hongyan.db", WRITE).from(1 + dice.below(200));
        let rule = match round % 4 {
            0 => page.kill_before(),
            1 => page.kill_torn(),
            2 => Rule::on("hongyan.db", SYNC).kill_before(),
            _ => Rule::on("hongyan.db", SYNC).kill_after(),
        };
        house.kill(Death::At(rule)).await;
    }
    house.settle().await;
    attack.count("kills in checkpoints", house.kills);
    attack.count("messages", house.ledger.begun());
    attack.repelled();
}
