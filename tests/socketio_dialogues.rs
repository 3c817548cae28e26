//! Does the Socket.IO machine say what the dialogues in `frames/socketio/dialogues/` say it does?

#[path = "socketio_dialogues/deeds.rs"]
mod deeds;
#[path = "socketio_dialogues/pattern.rs"]
mod pattern;
#[path = "socketio_dialogues/stage.rs"]
mod stage;

use std::path::Path;

use crate::stage::play;

#[test]
fn every_dialogue_goes_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("frames/socketio/dialogues");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .expect("the folder of dialogues")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "socketio"))
        .collect();
    files.sort();
    assert!(files.len() >= 41, "only {} dialogues", files.len());
    let failed: Vec<String> = files
        .iter()
        .filter_map(|path| {
            let text = std::fs::read_to_string(path).expect("a dialogue");
            let name = path.file_name().unwrap_or_default().display().to_string();
            play(&text).err().map(|why| format!("{name}, {why}"))
        })
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn a_dialogue_that_goes_otherwise_is_found() {
    let start = "users li\nC1: (open)\nS1: / connected {\"socketId\":\"socket-1\"}\nC1: / auth-c {\"sessionid\":\"li\"}\n";
    let go = |text: &str| play(&format!("{start}{text}"));
    assert_eq!(go("S1: / auth-s {\"code\":1}\n"), Ok(()));
    for wrong in [
        "S1: / auth-s {\"code\":0}\n",
        "S1: / auth-s {}\n",
        "S1: / auth-s {\"code\":1,\"msg\":\"{*}\"}\n",
        "S1: /friend auth-s {\"code\":1}\n",
        "S1: / auth-s {\"code\":1}\nS1: (disconnect)\n",
        "",
    ] {
        assert!(go(wrong).is_err(), "{wrong:?}");
    }
}
