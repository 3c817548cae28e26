//! A process that has no file descriptors left.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use tempfile::tempdir;
use tokio::net::TcpStream;

use crate::house::BEGINS;
use crate::house::ENDS;
use crate::house::House;
use crate::house::serve;
use crate::support::client::Client;
use crate::support::client::connect;
use crate::support::client::http_on;
use crate::support::client::soon;
use crate::support::faults::EIO;
use crate::support::faults::EMFILE;
use crate::support::faults::Faults;
use crate::support::faults::OPEN;
use crate::support::faults::Rule;
use crate::support::faults::SYNC;
use crate::support::fire::Attack;
use crate::support::fire::portion;
use crate::support::people;
use crate::talk::Talk;
use crate::witness::Witness;

const REFUSED: &str = "can't accept connections";
const AGAIN: &str = "connections are accepted again";

/// The same with so many descriptors.
fn with_descriptors(command: &Command, count: usize) -> Command {
    let mut limited = Command::new("prlimit");
    limited
        .arg(format!("--nofile={count}:{count}"))
        .arg(command.get_program())
        .args(command.get_args());
    limited
}

fn images(data: &Path) -> usize {
    let files = std::fs::read_dir(data.join("images")).expect("a directory");
    files.count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_descriptors_nobody_is_let_in_and_nobody_is_let_down() {
    let rounds = portion(1, 25);
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut house = House::open(with_descriptors(&serve(&data, &[]), 96));
    let mut talk = Talk::begin(house.address(), "hello", 1, 2).await;
    let (mut kept_out, mut refused_pictures) = (0, 0);
    for round in 0..rounds {
        // These are in, but have said nothing: their first request comes later.
        let early = connect(house.address()).await;
        let lines = house.log.length();
        let begun = Instant::now();
        let mut idle = Vec::new();
        while house.log.count(REFUSED) == 0 {
            // Those beyond the limit wait in the system's queue.
            let connected = soon("a connection", TcpStream::connect(house.address())).await;
            idle.push(connected.expect("a connection"));
            tokio::task::yield_now().await;
        }
        kept_out += 1;
        for _ in 0..20 {
            assert_eq!(talk.say(5).await, 0, "who is in goes on");
        }
        // Not even a picture has a descriptor.
        let headers = format!("Authorization: Bearer {}\r\n", people::token(1));
        let picture = "GIF89a and the rest";
        let before = images(&data);
        let (code, _, body) = http_on(early, "POST", "/api/images", &headers, picture).await;
        assert_eq!(code, 500, "{body}");
        assert_eq!(images(&data), before);
        refused_pictures += 1;
        assert_eq!(house.log.count(REFUSED), 1);
        drop(idle);
        // It may have found no descriptor when nobody waited; then it learns only now that there are some.
        let mut late = Client::log_in(house.address(), 2).await;
        late.subscribe("/topic/late").await;
        let said = house.log.says(AGAIN).await;
        // It tried at most ten times a second, and said so once.
        let tries = said.split("tries=").nth(1).expect("a number");
        let tries: u128 = tries.trim().parse().expect("a number");
        let most = begun.elapsed().as_millis() / 100 + 1;
        assert!(tries <= most, "{tries} tries, {most} at most");
        assert!(house.log.length() <= lines + 4, "a few lines");
        let (code, body) = house.upload(1, picture).await;
        assert_eq!(code, 201, "{body}");
        talk.is_kept(house.address()).await;
        if round + 1 < rounds {
            // The log is spared what comes back within ten seconds; a new broker says it anew.
            house.running.kill();
            house = House::open(with_descriptors(&serve(&data, &[]), 96));
            talk.come_back(house.address()).await;
        }
    }
    let mut attack = Attack::on(
        "resources-descriptors",
        "Without file descriptors who is in goes on and who comes waits, until there are some again.",
        "`tests/resources/descriptors.rs`, `without_descriptors_nobody_is_let_in_and_nobody_is_let_down`",
    );
    attack.count("times without descriptors", kept_out);
    attack.count("pictures refused", refused_pictures);
    attack.count("acknowledged", talk.acknowledged());
    attack.repelled();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_finds_no_descriptor_is_opened_when_there_is_one() {
    let rounds = portion(1, 25);
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut faults = Faults::new(folder.path());
    let mut command = serve(&data, &[]);
    faults.attach(&mut command);
    let mut house = House::open(command);
    let mut talk = Talk::begin(house.address(), "hello", 1, 2).await;
    let mut witness = Witness::begin(house.address()).await;
    for round in 0..rounds {
        assert_eq!(talk.say(3).await, 0);
        // After a failed fsync it has to be opened anew: first the place of a trial, then the log.
        let suffix = ["hongyan.room", "hongyan.db-wal"][round as usize % 2];
        let none = faults.arm(&Rule::on(suffix, OPEN).fail(EMFILE));
        let once = faults.arm(&Rule::on("hongyan.db-wal", SYNC).times(1).fail(EIO));
        assert_eq!(talk.say(1).await, 1);
        while faults.fired_so_far(&none) < 2 {
            assert_eq!(talk.say(1).await, 1);
        }
        assert_ne!(house.readiness().await.0, 200);
        witness.lives().await;
        faults.disarm(once);
        faults.disarm(none);
        house.becomes_ready().await;
        house.log.says(BEGINS).await;
        house.log.says(ENDS).await;
        talk.say_again().await;
        talk.is_kept(house.address()).await;
    }
    house.running.kill();
    let house = House::open(serve(&data, &[]));
    talk.is_kept(house.address()).await;
    let mut attack = Attack::on(
        "resources-descriptors-store",
        "A database that has to be opened anew and finds no descriptor is opened when there is one.",
        "`tests/resources/descriptors.rs`, `a_database_that_finds_no_descriptor_is_opened_when_there_is_one`",
    );
    attack.count("times", rounds);
    attack.count("acknowledged", talk.acknowledged());
    attack.repelled();
}
