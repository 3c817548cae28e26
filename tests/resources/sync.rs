//! An fsync that fails: nobody knows what is on the disk, and nothing may be built on it before it is known.

use tempfile::tempdir;

use crate::house::BEGINS;
use crate::house::ENDS;
use crate::house::House;
use crate::house::serve;
use crate::support::faults::EIO;
use crate::support::faults::ENOSPC;
use crate::support::faults::Faults;
use crate::support::faults::Rule;
use crate::support::faults::SYNC;
use crate::support::faults::WRITE;
use crate::support::faults::log;
use crate::support::faults::log::Entry;
use crate::support::fire::Attack;
use crate::support::fire::portion;
use crate::talk::Talk;
use crate::witness::Witness;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_failed_fsync_nothing_is_lost_doubled_or_left_refused() {
    let rounds = portion(3, 50);
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut faults = Faults::new(folder.path());
    let mut command = serve(&data, &[]);
    faults.attach(&mut command);
    let mut house = House::open(command);
    let mut talks = Vec::new();
    for uid in 0..4 {
        talks.push(Talk::begin(house.address(), &format!("talk {uid}"), 10 + uid, 20 + uid).await);
    }
    let mut witness = Witness::begin(house.address()).await;
    let (mut refused, mut failed, mut troubles) = (0, 0, 0);
    for round in 0..rounds {
        // At another commit each time, with others before and behind it.
        let error = if round % 2 == 0 { EIO } else { ENOSPC };
        let rule = Rule::on("hongyan.db-wal", SYNC).from(1 + round * 5 % 11);
        let once = faults.arm(&rule.times(1).fail(error));
        for talk in &mut talks {
            talk.send(60).await;
        }
        let mut refused_now = 0;
        for talk in &mut talks {
            refused_now += talk.hear().await;
        }
        while faults.fired_so_far(&once) == 0 {
            refused_now += talks[0].say(1).await;
        }
        assert!(refused_now > 0, "round {round}");
        refused += refused_now;
        failed += faults.fired_so_far(&once);
        troubles += 1;
        house.log.says(BEGINS).await;
        witness.lives().await;
        house.becomes_ready().await;
        house.log.says(ENDS).await;
        faults.disarm(once);
        for talk in &mut talks {
            talk.say_again().await;
            talk.is_kept(house.address()).await;
        }
    }
    assert_eq!(
        house.metric("hongyan_store_recoveries_total").await,
        troubles
    );
    house.running.kill();
    let house = House::open(serve(&data, &[]));
    for talk in &talks {
        talk.is_kept(house.address()).await;
    }
    let mut attack = Attack::on(
        "resources-fsync",
        "After a failed fsync nothing that was acknowledged is lost or doubled, and the broker recovers without a restart: \
         it opens the database anew and makes certain that all of it is on the disk before anything builds on it.",
        "`tests/resources/sync.rs`, `after_a_failed_fsync_nothing_is_lost_doubled_or_left_refused`",
    );
    attack.count("fsyncs failed", failed);
    attack.count("sends refused", refused);
    attack.count("acknowledged", talks.iter().map(Talk::acknowledged).sum());
    attack.count("recovered without a restart", troubles);
    attack.repelled();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_every_fsync_fails_everything_is_refused_and_the_log_has_one_line() {
    let rounds = portion(1, 25);
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut faults = Faults::new(folder.path());
    let start = |faults: &Faults| {
        let mut command = serve(&data, &[]);
        faults.attach(&mut command);
        House::open(command)
    };
    let mut house = start(&faults);
    let mut talk = Talk::begin(house.address(), "hello", 1, 2).await;
    let mut witness = Witness::begin(house.address()).await;
    let mut refused = 0;
    for round in 0..rounds {
        assert_eq!(talk.say(3).await, 0);
        let begun = house.log.count(BEGINS);
        let for_ever = faults.arm(&Rule::on("", SYNC).fail(EIO));
        // Until it has tried to recover, in vain, at least three times.
        while faults.fired_so_far(&for_ever) < 4 {
            assert_eq!(talk.say(20).await, 20);
            refused += 20;
        }
        house.is_not_ready("the disk failed").await;
        witness.lives().await;
        assert_eq!(house.log.count(BEGINS), begun + 1);
        faults.disarm(for_ever);
        if round % 2 == 0 {
            house.becomes_ready().await;
            assert_eq!(house.log.count(BEGINS), begun + 1);
            house.log.says(ENDS).await;
        } else {
            house.running.kill();
            house = start(&faults);
            talk.come_back(house.address()).await;
            witness = Witness::begin(house.address()).await;
        }
        talk.is_kept(house.address()).await;
        talk.say_again().await;
        talk.is_kept(house.address()).await;
    }
    house.running.kill();
    let house = House::open(serve(&data, &[]));
    talk.is_kept(house.address()).await;
    let mut attack = Attack::on(
        "resources-fsync-for-ever",
        "While no fsync succeeds nothing is acknowledged, and the log and readiness say why; afterwards, with or without a \
         restart, everything acknowledged is there, and what was refused can be sent again.",
        "`tests/resources/sync.rs`, `while_every_fsync_fails_everything_is_refused_and_the_log_has_one_line`",
    );
    attack.count("times", rounds);
    attack.count("sends refused", refused);
    attack.count("acknowledged", talk.acknowledged());
    attack.repelled();
}

/// The system may show a log that the disk does not have: what an fsync could not write counts as written from then on, and
/// the next fsync has nothing to do. So whoever reads the log first has to write it again, or the next commit, which is
/// acknowledged, follows something that a power cut takes away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_writes_again_what_a_failed_fsync_may_have_lost() {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut faults = Faults::new(folder.path());
    let start = |faults: &Faults| {
        let mut command = serve(&data, &[]);
        faults.attach(&mut command);
        House::open(command)
    };
    let house = start(&faults);
    let mut talk = Talk::begin(house.address(), "hello", 1, 2).await;
    assert_eq!(talk.say(10).await, 0);
    let failing = faults.arm(&Rule::on("", SYNC).fail(EIO));
    assert_eq!(talk.say(1).await, 1);
    house.running.kill();
    faults.disarm(failing);

    let wal = data.join("hongyan.db-wal");
    let length = wal.metadata().expect("a log").len();
    assert!(length > 0);
    let recording = faults.arm(&Rule::on("", WRITE | SYNC).record());
    let house = start(&faults);
    log::mark(&faults.log(), "started");
    let mut written = vec![false; length as usize];
    let mut synced = false;
    let inode = std::os::unix::fs::MetadataExt::ino(&wal.metadata().expect("a log"));
    for entry in log::read(&faults.log()) {
        match entry {
            Entry::Write {
                inode: of,
                offset,
                bytes,
            } if of == inode => {
                let end = (offset + bytes.len() as u64).min(length);
                written[offset.min(length) as usize..end as usize].fill(true);
                synced = false;
            }
            Entry::Sync { inode: of } if of == inode => synced = written.iter().all(|w| *w),
            Entry::Mark(_) => break,
            _ => {}
        }
    }
    assert!(synced, "all of the log was written again, and synced");
    faults.disarm(recording);
    talk.come_back(house.address()).await;
    assert_eq!(talk.say_again().await, 1);
    talk.is_kept(house.address()).await;
}
