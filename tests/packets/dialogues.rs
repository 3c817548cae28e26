//! The dialogues in `frames/packets/dialogues/`.

use std::path::Path;

use crate::stage::play;

#[test]
fn every_dialogue_goes_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("frames/packets/dialogues");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .expect("the folder of dialogues")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "txt"))
        .collect();
    files.sort();
    assert!(files.len() >= 20, "only {} dialogues are left", files.len());
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
    let go = |text: &str| play(&format!("users li\nC1: (open) li\n{text}"));
    let login = r#"S1: {"id":"*","from":0,"type":"L","msg":"login in"}"#;
    assert_eq!(go(login), Ok(()));
    for wrong in [
        "".to_owned(),
        login.replace("login in", "login"),
        login.replace(r#""from":0,"#, ""),
        format!("{login}\n{login}"),
        format!("{login}\nS1: (ping)"),
    ] {
        assert!(go(&wrong).is_err(), "{wrong:?}");
    }
}
