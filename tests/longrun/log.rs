//! The broker's log of the whole run: has it kept the secrets, and nothing to complain of?

use std::collections::HashSet;
use std::fs::File;
use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;

use crate::words::Words;

/// What a token can be made of.
fn of_a_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_' || letter == '-'
}

/// Searches it for every token, password and content, and for complaints; how many lines it has.
pub fn search(log: &Path, words: &Words) -> u64 {
    let secrets = words.secrets();
    // A JWT by its parts, so that a cut one is found, too. The first part is the same in all and no secret.
    let parts: HashSet<&str> = secrets
        .iter()
        .flat_map(|secret| secret.split('.').skip(usize::from(secret.contains('.'))))
        .filter(|part| part.len() >= 8)
        .collect();
    let mut lines = 0;
    for line in BufReader::new(File::open(log).expect("a log")).split(b'\n') {
        let line = line.expect("a line");
        let line = String::from_utf8_lossy(&line);
        lines += 1;
        assert!(!line.contains(words.mark()), "a content in the log: {line}");
        assert!(!line.contains("eyJ"), "a token in the log: {line}");
        let known = |word: &&str| parts.contains(word);
        if let Some(secret) = line.split(|c| !of_a_word(c)).find(known) {
            panic!("{secret} in the log: {line}");
        }
        for complaint in ["WARN", "ERROR", "panicked", "stack backtrace"] {
            assert!(!line.contains(complaint), "{line}");
        }
    }
    lines
}

#[test]
fn a_secret_in_a_log_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let words = Words::new();
    words.keep_secret("eyJhb.c2VjcmV0LWNsYWltcw.c2lnbmF0dXJl_-x".to_owned());
    for (line, told) in [
        ("INFO all is well", false),
        ("INFO hello c2lnbmF0dXJl_-x, who are you", true),
        ("INFO GET /client?srect=c2VjcmV0LWNsYWltcw", true),
        (&format!("INFO {}", words.content(7)), true),
        ("WARN the store is slow", true),
        ("thread 'tokio' panicked at src/lib.rs", true),
    ] {
        std::fs::write(&log, format!("INFO begin\n{line}\n")).expect("a log");
        let searched = std::panic::catch_unwind(|| search(&log, &words));
        assert_eq!(searched.is_err(), told, "{line}");
    }
}
