//! A start that finds no room, no right to write, or a disk that fails: one line, and nothing changed.

use std::process::Command;
use std::process::Stdio;

use tempfile::tempdir;

use crate::house::House;
use crate::house::serve;
use crate::support::faults::EIO;
use crate::support::faults::EMFILE;
use crate::support::faults::ENOSPC;
use crate::support::faults::EROFS;
use crate::support::faults::Faults;
use crate::support::faults::OPEN;
use crate::support::faults::Rule;
use crate::support::faults::SYNC;
use crate::support::faults::WRITE;
use crate::talk::Talk;

/// The one line with which a command ends that could not do what it should; its status is 2.
pub fn refusal(mut command: Command) -> String {
    let ended = command
        .stdin(Stdio::null())
        .output()
        .expect("it starts and ends");
    let said = String::from_utf8(ended.stderr).expect("text");
    assert_eq!(ended.status.code(), Some(2), "{said}");
    let line = said.strip_suffix('\n').expect("a line").to_owned();
    assert!(!line.contains('\n'), "{line}");
    assert!(line.starts_with("hongyan: "), "{line}");
    line
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_cannot_write_says_so_in_a_line_and_changes_nothing() {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut faults = Faults::new(&data);
    let cases = |faults: &mut Faults| {
        for (operations, error, words) in [
            (WRITE, ENOSPC, ["full", "No space"]),
            (WRITE | OPEN, EROFS, ["Read-only", "readonly"]),
            (SYNC, EIO, ["I/O error", "Input/output error"]),
            (WRITE, EIO, ["I/O error", "Input/output error"]),
            (OPEN, EMFILE, ["Too many open files", "unable to open"]),
        ] {
            let rule = faults.arm(&Rule::on("", operations).fail(error));
            let mut command = serve(&data, &[]);
            faults.attach(&mut command);
            let line = refusal(command);
            assert!(
                words.iter().any(|word| line.contains(word)),
                "{error}: {line}"
            );
            assert!(line.contains("data"), "names the place: {line}");
            faults.disarm(rule);
        }
    };
    std::fs::create_dir(&data).expect("a folder");
    cases(&mut faults);
    let house = House::open(serve(&data, &[]));
    let mut talk = Talk::begin(house.address(), "hello", 1, 2).await;
    assert_eq!(talk.say(20).await, 0);
    house.running.kill();

    cases(&mut faults);
    let house = House::open(serve(&data, &[]));
    talk.is_kept(house.address()).await;
    talk.come_back(house.address()).await;
    assert_eq!(talk.say(1).await, 0);
}
