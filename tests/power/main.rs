//! Is anything that was acknowledged lost when the power goes? What brokers do to their files is recorded; then, for many
//! moments, a disk is put together as it may have been at that moment, and the store is opened on it. Linux with glibc only.

#![cfg(all(target_os = "linux", target_env = "gnu"))]

#[path = "../support/mod.rs"]
mod support;

#[allow(dead_code, reason = "the tests of the stores ask more")]
#[path = "../stores/asker.rs"]
mod asker;
mod disk;
mod facts;
#[allow(dead_code, reason = "kills ask more")]
#[path = "../crash/ledger.rs"]
mod ledger;
#[allow(dead_code, reason = "kills ask more")]
#[path = "../crash/load.rs"]
mod load;
#[allow(dead_code, reason = "kills ask more")]
#[path = "../crash/older.rs"]
mod older;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::path::Path;

use disk::Disk;
use disk::Luck;
use facts::Facts;
use ledger::Ledger;
use load::Round;
use load::prepare;
use support::dice::Dice;
use support::faults::CHANGE;
use support::faults::Faults;
use support::faults::Rule;
use support::faults::SYNC;
use support::faults::log;
use support::faults::log::Entry;
use support::fire::Attack;
use support::fire::portion;
use support::running::Running;
use support::running::serve;
use tempfile::TempDir;

/// How a broker of a recorded run ends.
enum End {
    /// SIGTERM: it moves its log into the database.
    Told,
    /// `kill -9` from outside.
    Killed,
    /// `kill -9` when a commit is written and not yet synced.
    BeforeSync,
}

/// A run of several brokers, one after the other, each under load.
struct Run {
    faults: Faults,
    ledger: Ledger,
    group: u64,
}

impl Run {
    fn start(&self, data: &Path) -> Running {
        let mut command = serve(data, &[]);
        self.faults.attach(&mut command);
        Running::spawn(command)
    }

    fn mark(&self, text: &str) {
        log::mark(&self.faults.log(), text);
    }

    /// One broker, to whom all that is unanswered is sent again.
    async fn settle(&mut self, data: &Path) {
        let broker = self.start(data);
        self.mark("up");
        let ledger = std::mem::take(&mut self.ledger);
        let round = Round::new(&broker.address, self.group, ledger, u64::MAX);
        self.ledger = round.marking(Some(self.faults.log())).settle().await;
        broker.kill();
    }

    /// One broker, until it has answered so often.
    async fn serve(&mut self, data: &Path, answers: u64, end: End) {
        let broker = self.start(data);
        let key = std::fs::read_to_string(data.join("jwt.key")).expect("a key");
        self.mark(&format!("key {}", key.trim()));
        self.mark("up");
        if self.group == 0 {
            self.group = prepare(&broker.address).await;
            self.mark(&format!("group {}", self.group));
        }
        let ledger = std::mem::take(&mut self.ledger);
        let round = Round::new(&broker.address, self.group, ledger, answers);
        let mut load = round.marking(Some(self.faults.log())).begin().await;
        load.enough().await;
        match end {
            End::Told => assert!(broker.terminate().success()),
            End::Killed => broker.kill(),
            End::BeforeSync => {
                let rule = Rule::on("hongyan.db-wal", SYNC).kill_before();
                let armed = self.faults.arm(&rule);
                self.faults.fired(&armed).await;
                broker.ended();
                self.faults.disarm(armed);
            }
        }
        self.ledger = load.over().await;
    }
}

/// Puts the disk together as it may be after the entries before each of `cuts`, and asks whether all holds that clients
/// knew by then.
fn lose_power(
    base: &mut Disk,
    root: &Path,
    entries: &[Entry],
    cuts: &BTreeMap<usize, Luck>,
    dice: &mut Dice,
) {
    let mut facts = Facts::default();
    let mut done = 0;
    for (number, (cut, luck)) in cuts.iter().enumerate() {
        for entry in &entries[done..*cut] {
            base.apply(entry);
            if let Entry::Mark(mark) = entry {
                facts.learn(mark);
            }
        }
        done = *cut;
        let place = in_memory();
        base.after_power_loss(root, place.path(), *luck, dice);
        let held = catch_unwind(AssertUnwindSafe(|| facts.hold(&place.path().join("data"))));
        if held.is_err() {
            let before = &entries[cut.saturating_sub(4)..*cut];
            let kept = place.keep();
            panic!(
                "power loss number {number} after entry {cut} of {}, {luck:?}: see above; the disk is in {}; the last: {}",
                entries.len(),
                kept.display(),
                before.iter().map(short).collect::<Vec<_>>().join(", ")
            );
        }
    }
}

/// A folder that needs no disk, where there is memory for files: what is done there is not attacked.
fn in_memory() -> TempDir {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    folder.expect("a folder")
}

fn short(entry: &Entry) -> String {
    let mut text = format!("{entry:?}");
    text.truncate(100);
    text
}

/// Moments at which the power goes, and how much of what was not synced is there then: `count` of them anywhere, half of
/// these right around syncs and answers; and all that was told by a broker that has just been started and has synced
/// nothing yet, for then it is what an earlier one had left unsynced that counts.
fn moments(entries: &[Entry], count: u64, dice: &mut Dice) -> BTreeMap<usize, Luck> {
    let near: Vec<usize> = (0..entries.len())
        .filter(|at| matches!(entries[*at], Entry::Sync { .. } | Entry::Mark(_)))
        .collect();
    let mut cuts = BTreeMap::from([(entries.len(), Luck::None)]);
    while (cuts.len() as u64) < count.min(entries.len() as u64 / 2) {
        let cut = if dice.coin() {
            near[dice.below(near.len() as u64) as usize] + dice.below(2) as usize
        } else {
            dice.below(entries.len() as u64) as usize
        };
        let luck = Luck::KINDS[dice.below(Luck::KINDS.len() as u64) as usize];
        cuts.insert(cut, luck);
    }
    let starts = (0..entries.len()).filter(|at| entries[*at] == Entry::Mark("up".to_owned()));
    for start in starts {
        let told = entries[start..]
            .iter()
            .position(|entry| matches!(entry, Entry::Sync { .. }));
        let told = told.unwrap_or(entries.len() - start);
        cuts.extend((start + 1..=start + told).map(|cut| (cut, Luck::None)));
    }
    cuts
}

async fn attacked(attack: &mut Attack, seed: u64, runs: u64, losses: u64, upgraded: bool) {
    let (mut lost, mut told) = (0, 0);
    for seed in seed..seed + runs {
        println!("seed {seed}");
        let mut dice = Dice::new(seed);
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        if upgraded {
            older::older(&data, 2);
            // That broker has made its key long ago.
            std::fs::write(data.join("jwt.key"), "6b".repeat(32)).expect("written");
        }
        let mut base = Disk::of(folder.path());
        let mut faults = Faults::new(folder.path());
        faults.arm(&Rule::on("", CHANGE).record());
        let mut run = Run {
            faults,
            ledger: Ledger::default(),
            group: 0,
        };
        run.serve(&data, 40 + dice.below(80), End::BeforeSync).await;
        run.settle(&data).await;
        run.serve(&data, 40 + dice.below(80), End::Told).await;
        run.serve(&data, 40 + dice.below(80), End::Killed).await;
        let entries = log::read(&run.faults.log());
        let cuts = moments(&entries, losses, &mut dice);
        lose_power(&mut base, folder.path(), &entries, &cuts, &mut dice);
        lost += cuts.len() as u64;
        told += run.ledger.kept();
    }
    attack.count("power losses", lost);
    attack.count("messages acknowledged before", told);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_outlives_the_loss_of_power() {
    let mut attack = Attack::on(
        "power",
        "What was answered is kept, once and in order, when the power goes: of what was not synced any part may be missing, torn at sectors.",
        "`tests/power/main.rs`, `what_was_answered_outlives_the_loss_of_power`",
    );
    attacked(&mut attack, 1, portion(1, 10), portion(12, 100), false).await;
    attack.repelled();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_outlives_the_loss_of_power_after_an_upgrade() {
    let mut attack = Attack::on(
        "power-upgrade",
        "The same while and after data of an older schema are brought up to date.",
        "`tests/power/main.rs`, `what_was_answered_outlives_the_loss_of_power_after_an_upgrade`",
    );
    attacked(&mut attack, 101, portion(1, 4), portion(6, 50), true).await;
    attack.repelled();
}
