//! A writer that stalls in an fsync: whoever sends waits, within a bound, and nobody else does.

use tempfile::tempdir;

use crate::house::House;
use crate::house::serve;
use crate::support::faults::Faults;
use crate::support::faults::Rule;
use crate::support::faults::SYNC;
use crate::support::fire::Attack;
use crate::support::fire::portion;
use crate::talk::Talk;
use crate::witness::Witness;
use crate::witness::beating;
use crate::witness::hear_beats;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_stalls_holds_up_only_who_sends() {
    let rounds = portion(1, 25);
    // Heart-beats come once a second: five of them are five seconds.
    let beats = portion(2, 5) as usize;
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut faults = Faults::new(folder.path());
    let mut command = serve(&data, &[]);
    faults.attach(&mut command);
    let house = House::open(command);
    let mut talks = Vec::new();
    for uid in 0..4 {
        talks.push(Talk::begin(house.address(), &format!("talk {uid}"), 10 + uid, 20 + uid).await);
    }
    let mut gives_up = Talk::begin(house.address(), "impatient", 30, 31).await;
    let mut witness = Witness::begin(house.address()).await;
    let mut beating = beating(house.address()).await;
    let mut waited = 0;
    for _ in 0..rounds {
        let stalled = faults.arm(&Rule::on("hongyan.db-wal", SYNC).times(1).stall());
        for talk in talks.iter_mut().chain([&mut gives_up]) {
            talk.send(300).await;
            waited += 300;
        }
        faults.fired(&stalled).await;
        for _ in 0..3 {
            witness.lives().await;
        }
        hear_beats(&mut beating, beats).await;
        // Gone before there was an answer; the same again, while the first waits.
        gives_up.come_back(house.address()).await;
        faults.disarm(stalled);
        for talk in &mut talks {
            assert_eq!(talk.hear().await, 0);
        }
        gives_up.say_again().await;
        for talk in talks.iter().chain([&gives_up]) {
            talk.is_kept(house.address()).await;
        }
    }
    house.running.kill();
    let house = House::open(serve(&data, &[]));
    for talk in talks.iter().chain([&gives_up]) {
        talk.is_kept(house.address()).await;
    }
    let mut attack = Attack::on(
        "resources-stall",
        "While the disk stalls, sends wait and are then acknowledged in order, once; reading, topics and heart-beats go on.",
        "`tests/resources/writer.rs`, `a_writer_that_stalls_holds_up_only_who_sends`",
    );
    attack.count("stalls", rounds);
    attack.count("seconds of each, at least", beats as u64);
    attack.count("sends that waited", waited);
    attack.count("sent again by who gave up", gives_up.sent());
    attack.repelled();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_a_stalled_writer_is_bounded() {
    const LETTER: usize = 1_000_000;
    // The bound is 64 MiB, beside what the writer has taken.
    const LETTERS: usize = 90;
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut faults = Faults::new(folder.path());
    let mut command = serve(&data, &["--max-content", "1MiB", "--max-frame", "2MiB"]);
    faults.attach(&mut command);
    let house = House::open(command);
    let mut talk = Talk::begin(house.address(), "hello", 1, 2).await;
    let mut other = Talk::begin(house.address(), "other", 3, 4).await;
    let mut witness = Witness::begin(house.address()).await;
    talk.in_letters_of(LETTER);
    let before = house.running.resident_bytes();
    let stalled = faults.arm(&Rule::on("hongyan.db-wal", SYNC).times(1).stall());
    talk.send(1).await;
    faults.fired(&stalled).await;
    talk.send(LETTERS).await;
    // By now it is full, which another sender learns at once.
    other.in_letters_of(LETTER);
    assert_eq!(other.say(1).await, 1);
    let cost = house.running.resident_bytes() - before;
    println!("{cost} bytes more while {LETTERS} MB were sent");
    witness.lives().await;
    faults.disarm(stalled);
    let refused = talk.hear().await;
    assert!(refused > 0, "more than 64 MiB waited");
    assert!(refused < LETTERS as u64);
    talk.say_again().await;
    other.say_again().await;
    talk.is_kept(house.address()).await;
    other.is_kept(house.address()).await;
    let mut attack = Attack::on(
        "resources-stall-bound",
        "What waits for a disk that stalls is bounded: beyond 64 MiB sends are refused at once.",
        "`tests/resources/writer.rs`, `what_waits_for_a_stalled_writer_is_bounded`",
    );
    attack.count("megabytes sent", LETTERS as u64);
    attack.count("sends refused", refused);
    attack.repelled();
}
