//! Does `docs/seeds.md` name only what is there?

use std::path::Path;

/// Where files that a row may name begin.
const ROOMS: [&str; 5] = ["examples/", "frames/", "grammar/", "src/", "tests/"];

#[test]
fn every_file_that_it_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("docs/seeds.md")).expect("the document");
    let rows = text.lines().filter(|line| line.starts_with("| "));
    let quoted = rows.flat_map(|row| row.split('`').skip(1).step_by(2));
    let named: Vec<&str> = quoted
        .filter(|name| ROOMS.iter().any(|room| name.starts_with(room)))
        .collect();
    assert!(named.len() > 100, "only {} files are named", named.len());
    let missing: Vec<_> = named
        .iter()
        .filter(|name| !root.join(name).exists())
        .collect();
    assert!(missing.is_empty(), "not there: {missing:#?}");
}
