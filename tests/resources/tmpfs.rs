//! A disk that is really full, and one that is really read-only: a small file system in memory, where root may mount one.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;
use tempfile::tempdir;

use crate::house::House;
use crate::house::serve;
use crate::start::refusal;
use crate::support::fire::Attack;
use crate::support::fire::portion;
use crate::talk::Talk;
use crate::witness::Witness;

/// A small disk of its own.
pub struct Disk {
    folder: TempDir,
}

impl Disk {
    /// `None` where this user may not mount one.
    pub fn mount(size: &str) -> Option<Self> {
        let folder = tempdir().expect("a folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "none"])
            .arg(folder.path())
            .output();
        match mounted {
            Ok(ended) if ended.status.success() => Some(Self { folder }),
            _ => {
                println!("skipped: only root may mount a disk");
                None
            }
        }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Mounts it again, read-only or not.
    pub fn remount(&self, how: &str) {
        let ended = Command::new("mount")
            .args(["-o", &format!("remount,{how}")])
            .arg(self.path())
            .status();
        assert!(ended.expect("mount").success());
    }

    /// Fills it to the last byte.
    pub fn fill(&self) -> Ballast {
        let path = self.path().join("ballast");
        let mut file = File::create(&path).expect("a file");
        // A page at a time, so that nothing is left that a page would need.
        while file.write_all(&[0; 4096]).is_ok() {}
        Ballast(path)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a broker may be about to end.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

/// What fills a disk.
pub struct Ballast(PathBuf);

impl Ballast {
    pub fn throw_off(self) {
        std::fs::remove_file(self.0).expect("removed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_really_full_refuses_until_there_is_room() {
    let Some(disk) = Disk::mount("6m") else {
        return;
    };
    let rounds = portion(2, 50);
    let data = disk.path().join("data");
    let house = House::open(serve(&data, &[]));
    let mut talk = Talk::begin(house.address(), "hello", 1, 2).await;
    let mut witness = Witness::begin(house.address()).await;
    let mut refused = 0;
    for round in 0..rounds {
        assert_eq!(talk.say(1 + round as usize * 5 % 7).await, 0);
        let ballast = disk.fill();
        let before = refused;
        while refused == before {
            refused += talk.say(1).await;
        }
        refused += talk.say(4).await;
        house.is_not_ready("goes on by itself").await;
        witness.lives().await;
        ballast.throw_off();
        house.becomes_ready().await;
        talk.say_again().await;
        talk.is_kept(house.address()).await;
    }
    house.running.kill();
    let ballast = disk.fill();
    let line = refusal(serve_with_key(&disk, &data));
    assert!(line.contains("full") || line.contains("No space"), "{line}");
    ballast.throw_off();
    let house = House::open(serve(&data, &[]));
    talk.is_kept(house.address()).await;
    let mut attack = Attack::on(
        "resources-tmpfs-full",
        "On a small disk that is really full, messages are refused or kept, and kept again when there is room.",
        "`tests/resources/tmpfs.rs`, `a_disk_that_is_really_full_refuses_until_there_is_room`",
    );
    attack.count("times full", rounds);
    attack.count("sends refused", refused);
    attack.count("acknowledged", talk.acknowledged());
    attack.count("recovered without a restart", rounds);
    attack.repelled();
    drop(house);
}

/// The key is there already; nothing can be written now.
fn serve_with_key(disk: &Disk, data: &Path) -> Command {
    let mut command = crate::support::running::command(data, &["serve", "--listen", "127.0.0.1:0"]);
    command.args(["--log", "info", "--jwt-key"]);
    command.arg(disk.path().join("data.jwt-key"));
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_disk_is_named_in_a_line() {
    let Some(disk) = Disk::mount("6m") else {
        return;
    };
    let data = disk.path().join("data");
    let house = House::open(serve(&data, &[]));
    let mut talk = Talk::begin(house.address(), "hello", 1, 2).await;
    assert_eq!(talk.say(5).await, 0);
    house.running.kill();
    disk.remount("ro");
    let line = refusal(serve_with_key(&disk, &data));
    assert!(line.contains("Read-only file system"), "{line}");
    assert!(line.contains("data"), "{line}");
    disk.remount("rw");
    let house = House::open(serve(&data, &[]));
    talk.is_kept(house.address()).await;
}
