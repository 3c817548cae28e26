//! Does the STOMP machine say what the dialogues in `frames/conversations/` say it does?

mod support;

use std::path::Path;

use support::dialogue::Cut;
use support::dialogue::play;

#[test]
fn every_dialogue_goes_as_written() {
    play_all(Cut::Nowhere);
}

#[test]
fn it_goes_the_same_however_the_bytes_are_cut() {
    play_all(Cut::Everywhere);
}

fn play_all(cut: Cut) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("frames/conversations");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .expect("the folder of dialogues")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "stomp"))
        .collect();
    files.sort();
    assert!(
        files.len() >= 76,
        "only {} dialogues in {}",
        files.len(),
        folder.display()
    );
    let failed: Vec<String> = files
        .iter()
        .filter_map(|path| {
            let text = std::fs::read_to_string(path).expect("a dialogue");
            let name = path.file_name().unwrap_or_default().display().to_string();
            play(&text, cut).err().map(|why| format!("{name}, {why}"))
        })
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn a_dialogue_that_goes_otherwise_is_found() {
    let start = "users li\nC1: (open) user=li\nC1: CONNECT\n    accept-version:1.2\n";
    let go = |text: &str| play(&format!("{start}{text}"), Cut::Nowhere);
    assert_eq!(go("S1: CONNECTED\n    version:1.2\n"), Ok(()));
    for wrong in [
        "S1: CONNECTED\n    version:1.1\n",
        "S1: ERROR\n",
        "",
        "S1: CONNECTED\nS1: CONNECTED\n",
    ] {
        assert!(go(wrong).is_err(), "{wrong:?}");
    }
}
