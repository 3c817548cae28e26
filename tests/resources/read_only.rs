//! A disk that becomes read-only under a broker that runs, as after an error that the system noticed.

use tempfile::tempdir;

use crate::house::BEGINS;
use crate::house::ENDS;
use crate::house::House;
use crate::house::serve;
use crate::support::faults::EROFS;
use crate::support::faults::Faults;
use crate::support::faults::OPEN;
use crate::support::faults::Rule;
use crate::support::faults::TRUNCATE;
use crate::support::faults::WRITE;
use crate::support::fire::Attack;
use crate::support::fire::portion;
use crate::talk::Talk;
use crate::witness::Witness;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_becomes_read_only_refuses_sends_until_it_may_be_written() {
    let rounds = portion(1, 25);
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut faults = Faults::new(folder.path());
    let mut command = serve(&data, &[]);
    faults.attach(&mut command);
    let mut house = House::open(command);
    let mut talk = Talk::begin(house.address(), "hello", 1, 2).await;
    let mut witness = Witness::begin(house.address()).await;
    let mut refused = 0;
    for _ in 0..rounds {
        assert_eq!(talk.say(3).await, 0);
        let all = [
            Rule::on("hongyan.db-wal", WRITE | TRUNCATE).fail(EROFS),
            Rule::on("hongyan.db", WRITE | TRUNCATE).fail(EROFS),
            Rule::on("hongyan.room", OPEN | WRITE).fail(EROFS),
        ];
        let armed = all.map(|rule| faults.arm(&rule));
        assert_eq!(talk.say(5).await, 5);
        refused += 5;
        house.log.says(BEGINS).await;
        house.is_not_ready("read-only").await;
        witness.lives().await;
        armed.into_iter().for_each(|rule| faults.disarm(rule));
        house.becomes_ready().await;
        house.log.says(ENDS).await;
        assert_eq!(talk.say_again().await, 5);
        talk.is_kept(house.address()).await;
    }
    house.running.kill();
    let house = House::open(serve(&data, &[]));
    talk.is_kept(house.address()).await;
    let mut attack = Attack::on(
        "resources-read-only",
        "When the disk becomes read-only sends are refused, and kept again as soon as it may be written.",
        "`tests/resources/read_only.rs`, `a_disk_that_becomes_read_only_refuses_sends_until_it_may_be_written`",
    );
    attack.count("times read-only", rounds);
    attack.count("sends refused", refused);
    attack.count("acknowledged", talk.acknowledged());
    attack.count("recovered without a restart", rounds);
    attack.repelled();
}
