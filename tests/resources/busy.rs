//! Another program that keeps the database locked.

use rusqlite::Connection;
use tempfile::tempdir;

use crate::house::BEGINS;
use crate::house::ENDS;
use crate::house::House;
use crate::house::serve;
use crate::support::fire::Attack;
use crate::support::fire::portion;
use crate::talk::Talk;
use crate::witness::Witness;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_another_program_holds_the_lock_sends_wait_or_are_refused() {
    let rounds = portion(1, 10);
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut house = House::open(serve(&data, &[]));
    let mut talk = Talk::begin(house.address(), "hello", 1, 2).await;
    let mut witness = Witness::begin(house.address()).await;
    let other = Connection::open(data.join("hongyan.db")).expect("the database");
    let (mut waited, mut refused) = (0, 0);
    for _ in 0..rounds {
        // For a moment: they wait.
        other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
        talk.send(20).await;
        witness.lives().await;
        other.execute_batch("ROLLBACK").expect("given back");
        assert_eq!(talk.hear().await, 0);
        waited += 20;

        // For longer than they wait.
        other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
        talk.send(20).await;
        let mut refused_now = u64::from(!talk.hear_one().await);
        assert_eq!(refused_now, 1);
        house.log.says(BEGINS).await;
        house
            .is_not_ready("another program keeps the database locked")
            .await;
        witness.lives().await;
        other.execute_batch("ROLLBACK").expect("given back");
        refused_now += talk.hear().await;
        house.becomes_ready().await;
        house.log.says(ENDS).await;
        assert_eq!(talk.say_again().await, refused_now);
        refused += refused_now;
        talk.is_kept(house.address()).await;
    }
    drop(other);
    house.running.kill();
    let house = House::open(serve(&data, &[]));
    talk.is_kept(house.address()).await;
    let mut attack = Attack::on(
        "resources-locked",
        "While another program keeps the database locked sends wait 5 s or are refused, and are kept again when that ends.",
        "`tests/resources/busy.rs`, `while_another_program_holds_the_lock_sends_wait_or_are_refused`",
    );
    attack.count("locks", rounds * 2);
    attack.count("sends that waited", waited);
    attack.count("sends refused", refused);
    attack.count("acknowledged", talk.acknowledged());
    attack.repelled();
}
