//! Does every room import only what the law of ARCHITECTURE.md allows it?

use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// A room, and what of ours it may import. A room may always import itself.
const LAW: &[(&str, &[&str])] = &[
    ("bench", &["hongyan_grammar", "config"]),
    ("broker", &[]),
    ("config", &[]),
    ("stores", &["broker"]),
    ("auth", &["broker"]),
    ("transports", &["hongyan_grammar::sockjs"]),
    (
        "gateways",
        &["hongyan_grammar", "broker", "auth", "transports"],
    ),
    ("metrics", &["broker", "gateways"]),
    (
        "assembly",
        &[
            "hongyan_grammar",
            "auth",
            "bench",
            "broker",
            "config",
            "gateways",
            "metrics",
            "stores",
            "transports",
        ],
    ),
];

/// Gateways know the transports only by these.
const TRANSPORTS_FOR_GATEWAYS: &[&str] = &[
    "crate::transports::Heard",
    "crate::transports::Link",
    "crate::transports::Lost",
];

/// Words that have no place in a room: its invariants as absences.
const ABSENT: &[(&str, &[&str])] = &[
    (
        "broker",
        &[
            "serde",
            "rusqlite",
            "warp::",
            "tungstenite",
            "hyper",
            "tokio::net",
            "Instant::now",
            "SystemTime",
        ],
    ),
    ("gateways", &["rusqlite", "tokio::net", "tungstenite"]),
    (
        "gateways/stomp",
        &["Instant", "SystemTime", "tokio", "async fn"],
    ),
    (
        "gateways/socketio",
        &["Instant", "SystemTime", "tokio", "async fn"],
    ),
    ("transports", &["rusqlite", "stomp"]),
    ("stores", &["serde", "tokio::net", "warp::"]),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(below: &Path) -> Vec<PathBuf> {
    if below.is_file() {
        return vec![below.to_owned()];
    }
    let entries =
        fs::read_dir(below).unwrap_or_else(|error| panic!("{}: {error}", below.display()));
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .flat_map(|path| match path.is_dir() {
            true => rust_files(&path),
            false => vec![path],
        })
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .collect();
    files.sort();
    files
}

fn room(name: &str) -> PathBuf {
    let folder = root().join("src").join(name);
    if folder.is_dir() {
        folder
    } else {
        folder.with_extension("rs")
    }
}

/// The code lines of a file: no comments, numbered from 1.
fn code(path: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).expect("a source file");
    let numbered = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim().to_owned()));
    numbered
        .filter(|(_, line)| !line.starts_with("//"))
        .collect()
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .display()
        .to_string()
}

/// The paths of ours that a line names: `crate::room::…` and `hongyan_grammar::…`.
fn named(line: &str) -> Vec<String> {
    let mut names = Vec::new();
    for start in ["crate::", "hongyan_grammar::"] {
        for (at, _) in line.match_indices(start) {
            let before = line[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
                continue;
            }
            let end = line[at..].find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
            names.push(
                line[at..end.map_or(line.len(), |end| at + end)]
                    .trim_end_matches(':')
                    .to_owned(),
            );
        }
    }
    names
}

fn breach(room: &str, allowed: &[&str], name: &str) -> Option<String> {
    let path = name.strip_prefix("crate::").unwrap_or(name);
    let under = |wall: &str| path == wall || path.starts_with(&format!("{wall}::"));
    if under(room) || allowed.iter().any(|wall| under(wall)) {
        let by_trait = TRANSPORTS_FOR_GATEWAYS.contains(&name);
        let concrete = room == "gateways" && under("transports") && !by_trait;
        return concrete.then(|| {
            format!("gateways know transports only as {TRANSPORTS_FOR_GATEWAYS:?}, not {name}")
        });
    }
    Some(format!("{room} may not import {name}"))
}

#[test]
fn rooms_import_only_what_the_law_allows() {
    let mut breaches = Vec::new();
    for (name, allowed) in LAW {
        for file in rust_files(&room(name)) {
            for (number, line) in code(&file) {
                let found = named(&line)
                    .into_iter()
                    .filter_map(|path| breach(name, allowed, &path));
                breaches.extend(found.map(|why| format!("{}:{number}: {why}", shown(&file))));
            }
        }
    }
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn every_room_is_under_the_law() {
    let entries = fs::read_dir(root().join("src")).expect("src");
    for entry in entries {
        let path = entry.expect("an entry").path();
        let name = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let governed =
            LAW.iter().any(|(room, _)| *room == name) || ["lib", "main"].contains(&name.as_str());
        assert!(governed, "{} has no line in the law", shown(&path));
    }
}

#[test]
fn gateways_never_import_each_other() {
    let gateways = ["stomp", "socketio", "rest", "page"];
    for own in gateways {
        for file in rust_files(&room(&format!("gateways/{own}"))) {
            for (number, line) in code(&file) {
                for other in gateways.iter().filter(|other| **other != own) {
                    let named = line.contains(&format!("gateways::{other}"));
                    assert!(!named, "{}:{number}: {own} imports {other}", shown(&file));
                }
            }
        }
    }
}

#[test]
fn what_has_no_place_in_a_room_is_absent() {
    let mut found = Vec::new();
    for (name, words) in ABSENT {
        for file in rust_files(&room(name)) {
            for (number, line) in code(&file) {
                let strange = words.iter().filter(|word| line.contains(**word));
                found.extend(strange.map(|word| {
                    format!("{}:{number}: {word} has no place in {name}", shown(&file))
                }));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_grammar_knows_nothing_of_the_rest() {
    let manifest =
        fs::read_to_string(root().join("grammar/Cargo.toml")).expect("the grammar's manifest");
    for strange in ["hongyan =", "tokio", "rusqlite", "hyper", "warp"] {
        assert!(
            !manifest.contains(strange),
            "the grammar depends on {strange}"
        );
    }
    for file in rust_files(&root().join("grammar/src")) {
        for (number, line) in code(&file) {
            for strange in ["std::time", "std::net", "std::fs", "std::io"] {
                assert!(
                    !line.contains(strange),
                    "{}:{number}: {strange}",
                    shown(&file)
                );
            }
        }
    }
}

#[test]
fn one_import_of_ours_a_line() {
    for file in rust_files(&root().join("src")) {
        for (number, line) in code(&file) {
            let several = line.starts_with("use crate::") && line.contains('{');
            assert!(
                !several,
                "{}:{number}: one `use crate::…` a line",
                shown(&file)
            );
        }
    }
}

#[test]
fn the_law_finds_a_breach() {
    assert!(breach("broker", &[], "crate::stores::memory").is_some());
    assert!(breach("broker", &[], "hongyan_grammar::stomp").is_some());
    assert!(breach("broker", &[], "crate::broker::users").is_none());
    assert!(
        breach(
            "transports",
            &["hongyan_grammar::sockjs"],
            "hongyan_grammar::stomp"
        )
        .is_some()
    );
    let gateways = LAW
        .iter()
        .find(|(room, _)| *room == "gateways")
        .expect("gateways")
        .1;
    assert!(
        breach(
            "gateways",
            gateways,
            "crate::transports::websocket::WebSocket"
        )
        .is_some()
    );
    assert!(breach("gateways", gateways, "crate::transports::Link").is_none());
    assert_eq!(
        named("let a = crate::stores::x(hongyan_grammar::stomp::y);").len(),
        2
    );
}
