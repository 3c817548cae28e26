//! A full disk, as the file layer tells it: at any moment, in a checkpoint, under a picture and a backup.

use std::path::Path;

use tempfile::tempdir;

use crate::house::BEGINS;
use crate::house::ENDS;
use crate::house::House;
use crate::house::serve;
use crate::start::refusal;
use crate::support::client::http;
use crate::support::faults::ENOSPC;
use crate::support::faults::Faults;
use crate::support::faults::Rule;
use crate::support::faults::WRITE;
use crate::support::fire::Attack;
use crate::support::fire::portion;
use crate::support::people;
use crate::support::running;
use crate::talk::Talk;
use crate::witness::Witness;

/// What begins as a PNG does.
fn picture(bytes: usize) -> String {
    // The head of a GIF is text, so that it passes as a body.
    format!("GIF89a{}", "x".repeat(bytes))
}

fn images(data: &Path) -> Vec<String> {
    let files = std::fs::read_dir(data.join("images")).expect("a directory");
    let name = |file: std::io::Result<std::fs::DirEntry>| file.expect("a file").file_name();
    files
        .map(|file| name(file).into_string().expect("text"))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_sends_and_loses_nothing_until_there_is_room() {
    let rounds = portion(3, 50);
    let mut attack = Attack::on(
        "resources-disk-full",
        "When the disk is full a message is refused or kept, never half of it; reading and topics go on, and so does keeping, \
         without a restart, as soon as there is room.",
        "`tests/resources/disk.rs`, `a_full_disk_refuses_sends_and_loses_nothing_until_there_is_room`",
    );
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut faults = Faults::new(folder.path());
    let mut command = serve(&data, &[]);
    faults.attach(&mut command);
    let mut house = House::open(command);
    let mut talk = Talk::begin(house.address(), "hello", 1, 2).await;
    let mut witness = Witness::begin(house.address()).await;
    let (mut refused, mut again) = (0, 0);
    for round in 0..rounds {
        assert_eq!(talk.say(3).await, 0);
        // At another write each time: of a header, of a page, of the first or the last, whole or half.
        let rule = Rule::on("hongyan.db-wal", WRITE).from(1 + round * 7 % 23);
        let full = faults.arm(&match round % 2 {
            0 => rule.fail(ENOSPC),
            _ => rule.fail_short(ENOSPC),
        });
        while faults.fired_so_far(&full) == 0 {
            refused += talk.say(1).await;
        }
        refused += talk.say(5).await;
        house.log.says(BEGINS).await;
        house.is_not_ready("the disk is full").await;
        witness.lives().await;
        faults.disarm(full);
        if round % 3 != 0 {
            house.becomes_ready().await;
        }
        again += talk.say_again().await;
        house.becomes_ready().await;
        house.log.says(ENDS).await;
        talk.is_kept(house.address()).await;
    }
    assert!(refused >= rounds * 5, "{refused} refused");
    assert_eq!(refused, again);
    for (metric, count) in [
        ("troubles", rounds),
        ("recoveries", rounds),
        ("writes_refused", refused),
    ] {
        let metric = format!("hongyan_store_{metric}_total");
        assert_eq!(house.metric(&metric).await, count, "{metric}");
    }
    assert_eq!(house.log.count(BEGINS) as u64, rounds);
    assert_eq!(house.log.count(ENDS) as u64, rounds);

    house.running.kill();
    let house = House::open(serve(&data, &[]));
    talk.is_kept(house.address()).await;
    attack.count("times full", rounds);
    attack.count("sends refused", refused);
    attack.count("sent again and kept once", again);
    attack.count("acknowledged", talk.acknowledged());
    attack.count("recovered without a restart", rounds);
    attack.repelled();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkpoint_that_fails_is_told_and_made_later() {
    const LETTER: usize = 60_000;
    let mut attack = Attack::on(
        "resources-checkpoint",
        "When the database has no room for its write-ahead log messages are kept all the same, in the log, and moved later.",
        "`tests/resources/disk.rs`, `a_checkpoint_that_fails_is_told_and_made_later`",
    );
    let rounds = portion(1, 10);
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut faults = Faults::new(folder.path());
    let mut command = serve(&data, &[]);
    faults.attach(&mut command);
    let mut house = House::open(command);
    let mut talk = Talk::begin(house.address(), "hello", 1, 2).await;
    talk.in_letters_of(LETTER);
    let mut failed = 0;
    for round in 0..rounds {
        let full = faults.arm(
            &Rule::on("hongyan.db", WRITE)
                .from(1 + round * 13 % 41)
                .fail(ENOSPC),
        );
        while house.metric("hongyan_store_checkpoints_failed_total").await == failed {
            assert_eq!(talk.say(20).await, 0, "the log has room");
        }
        house
            .log
            .says("the write-ahead log can't be moved into the database")
            .await;
        assert_eq!(house.readiness().await.0, 200);
        faults.disarm(full);
        failed = house.metric("hongyan_store_checkpoints_failed_total").await;
        // Enough for the next one, and some more.
        assert_eq!(talk.say(120).await, 0);
        assert_eq!(
            house.metric("hongyan_store_checkpoints_failed_total").await,
            failed
        );
    }
    talk.is_kept(house.address()).await;
    house.running.kill();
    let house = House::open(serve(&data, &[]));
    talk.is_kept(house.address()).await;
    attack.count("checkpoints failed", failed);
    attack.count("acknowledged", talk.acknowledged());
    attack.repelled();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_that_finds_no_room_leaves_nothing() {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut faults = Faults::new(folder.path());
    let mut command = serve(&data, &[]);
    faults.attach(&mut command);
    let house = House::open(command);
    Talk::begin(house.address(), "hello", 1, 2).await;
    let mut uploads = 0;
    for rule in [
        Rule::on(".part", WRITE).fail(ENOSPC),
        Rule::on(".part", WRITE).fail_short(ENOSPC),
        Rule::on("hongyan.db-wal", WRITE).fail(ENOSPC),
        Rule::on("hongyan.db-wal", WRITE).from(2).fail_short(ENOSPC),
    ] {
        let before = images(&data);
        let full = faults.arm(&rule);
        let (code, body) = house.upload(1, &picture(100_000)).await;
        assert_eq!(code, 500, "{rule:?}: {body}");
        assert!(faults.fired_so_far(&full) > 0, "{rule:?}");
        assert_eq!(images(&data), before, "{rule:?}");
        faults.disarm(full);
        let (code, body) = house.upload(1, &picture(100_000)).await;
        assert_eq!(code, 201, "{body}");
        let path = format!("/api/images/{}", body["id"].as_str().expect("an id"));
        let headers = format!("Authorization: Bearer {}\r\n", people::token(1));
        let (code, _, shown) = http(house.address(), "GET", &path, &headers, "").await;
        assert_eq!((code, shown), (200, picture(100_000)));
        uploads += 1;
        assert_eq!(images(&data).len(), uploads);
    }
    let mut attack = Attack::on(
        "resources-pictures",
        "A picture that finds no room is refused, and no part of it stays.",
        "`tests/resources/disk.rs`, `a_picture_that_finds_no_room_leaves_nothing`",
    );
    attack.count("uploads without room", uploads as u64);
    attack.repelled();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_finds_no_room_leaves_nothing() {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut faults = Faults::new(folder.path());
    let house = House::open(serve(&data, &[]));
    let mut talk = Talk::begin(house.address(), "hello", 1, 2).await;
    assert_eq!(talk.say(50).await, 0);
    let copies = folder.path().join("copies");
    std::fs::create_dir(&copies).expect("a folder");
    let copy = copies.join("copy.db");
    let backup = || {
        let to = copy.to_str().expect("text");
        running::command(&data, &["backup", to])
    };
    for n in [1, 2, 9] {
        for rule in [
            Rule::on("copy.db.part", WRITE).from(n).fail(ENOSPC),
            Rule::on("copy.db.part", WRITE).from(n).fail_short(ENOSPC),
        ] {
            let full = faults.arm(&rule);
            let mut command = backup();
            faults.attach(&mut command);
            let line = refusal(command);
            assert!(line.contains("copy.db"), "{line}");
            assert!(line.contains("full") || line.contains("No space"), "{line}");
            assert!(faults.fired_so_far(&full) > 0);
            faults.disarm(full);
            let left = std::fs::read_dir(&copies).expect("a folder").count();
            assert_eq!(left, 0, "{rule:?}");
            assert_eq!(talk.say(1).await, 0, "the broker goes on");
        }
    }
    assert!(backup().output().expect("it ends").status.success());
    let restored = folder.path().join("restored");
    std::fs::create_dir(&restored).expect("a folder");
    std::fs::rename(&copy, restored.join("hongyan.db")).expect("renamed");
    let house = House::open(serve(&restored, &[]));
    talk.is_kept(house.address()).await;
}
