//! What is built in from outside, and what no crate of ours may do. `deny.toml` has the rules, `tests/supply/check` asks
//! cargo-deny for them (in `make lint`, and here in `make fire`).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "support/fire.rs"]
mod fire;

/// What every source begins with.
const REGISTRY: &str = "registry+";

/// What `tests/supply/check` ends with when nobody could look.
const NOBODY_LOOKED: i32 = 3;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The value of `key` in a `[[package]]` of Cargo.lock.
fn value<'a>(package: &'a str, key: &str) -> Option<&'a str> {
    let mut lines = package.lines();
    lines.find_map(|line| {
        line.strip_prefix(key)?
            .strip_prefix(" = \"")?
            .strip_suffix('"')
    })
}

/// Why a package of Cargo.lock may not be there. Ours have no source.
fn objection(package: &str, ours: &[&str]) -> Option<String> {
    let name = value(package, "name").expect("a name");
    let why = match value(package, "source") {
        None if ours.contains(&name) => return None,
        None => "is none of ours and comes from nowhere",
        Some(source) if !source.starts_with(REGISTRY) => "comes from elsewhere than the registry",
        Some(_) if value(package, "checksum").is_some() => return None,
        Some(_) => "has no checksum",
    };
    Some(format!("{name} {why}"))
}

/// What every crate of ours inherits, line by line.
fn section<'a>(manifest: &'a str, name: &str) -> Vec<&'a str> {
    let lines = manifest.lines().map(str::trim);
    let inside = lines.skip_while(|line| *line != name).skip(1);
    inside.take_while(|line| !line.starts_with('[')).collect()
}

/// All source files of ours, wherever they are.
fn sources(below: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(below).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let paths = paths.flat_map(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let not_ours = ["target", "node_modules", ".git"].contains(&&*name);
        match path.is_dir() {
            true if not_ours => Vec::new(),
            true => sources(&path),
            false => vec![path],
        }
    });
    paths
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .collect()
}

/// Why this source may not stay: it takes leave to be unsafe.
fn leave_taken(source: &str) -> Option<&str> {
    source.lines().find(|line| {
        let line = line.replace(' ', "");
        let about = line.starts_with("#[") || line.starts_with("#![") || line.contains("cfg_attr(");
        about && line.contains("unsafe_code") && !line.contains("forbid(unsafe_code)")
    })
}

#[test]
fn every_crate_comes_from_the_registry_with_its_checksum() {
    let lock = read(&root().join("Cargo.lock"));
    let packages: Vec<&str> = lock.split("[[package]]").skip(1).collect();
    assert!(packages.len() > 100, "all of them are there");
    let ours = ["hongyan", "hongyan-grammar"];
    let objections: Vec<_> = packages
        .iter()
        .filter_map(|package| objection(package, &ours))
        .collect();
    assert!(objections.is_empty(), "{}", objections.join("\n"));
    let registries: BTreeSet<_> = packages.iter().filter_map(|p| value(p, "source")).collect();
    assert_eq!(registries.len(), 1, "{registries:?}");
}

#[test]
fn what_comes_from_elsewhere_is_found() {
    let package = |source: &str| format!("\nname = \"a\"\nversion = \"1.0.0\"\n{source}");
    let sound = format!("source = \"{REGISTRY}\"\nchecksum = \"00\"\n");
    assert_eq!(objection(&package(&sound), &[]), None);
    assert_eq!(objection(&package(""), &["a"]), None);
    assert!(objection(&package(""), &["b"]).is_some());
    for source in [
        format!("source = \"{REGISTRY}\"\n"),
        "source = \"git+https://example.org/a\"\nchecksum = \"00\"\n".to_owned(),
    ] {
        assert!(objection(&package(&source), &["a"]).is_some(), "{source}");
    }
}

#[test]
fn unsafe_code_is_forbidden_in_every_target_of_every_crate() {
    let manifest = read(&root().join("Cargo.toml"));
    let lints = section(&manifest, "[workspace.lints.rust]");
    assert!(lints.contains(&"unsafe_code = \"forbid\""), "{lints:?}");
    let members = manifest.lines().find(|line| line.starts_with("members"));
    assert_eq!(members, Some("members = [\"grammar\"]"), "look at it below");
    for manifest in ["Cargo.toml", "grammar/Cargo.toml"] {
        // Lints are of the package: its library, binary, examples, benches, tests and build script.
        let lints = read(&root().join(manifest));
        let lints = section(&lints, "[lints]");
        assert!(lints.contains(&"workspace = true"), "{manifest}");
    }
    let sources = sources(&root());
    assert!(sources.len() > 100, "all of them are there");
    for path in sources {
        let source = read(&path);
        let leave = leave_taken(&source);
        assert_eq!(leave, None, "{}", path.display());
    }
}

#[test]
fn leave_to_be_unsafe_is_found() {
    for word in ["allow", "expect", "warn", "deny"] {
        let leave = format!("fn a() {{}}\n  #[{word}(missing_docs, unsafe_code )]\nfn b() {{}}");
        assert!(leave_taken(&leave).is_some(), "{leave}");
        let leave = format!("#![{word} (unsafe_code)]");
        assert!(leave_taken(&leave).is_some(), "{leave}");
    }
    assert_eq!(leave_taken("#![forbid(unsafe_code)]"), None);
}

/// The rules of deny.toml, and known holes where their database can be had.
#[test]
fn what_is_built_in_is_what_may_be() {
    let mut attack = fire::Attack::on(
        "supply",
        "What is built in comes from the registry, in one version where that can be, under a licence that asks at most \
         to be named; known holes were asked for as often as the counts say",
        "`tests/supply.rs`, `what_is_built_in_is_what_may_be`",
    );
    let lock = read(&root().join("Cargo.lock"));
    let crates = lock.matches(REGISTRY).count();
    attack.count("crates", crates as u64);
    if !fire::whole() {
        // Here only that the rules are there; `make lint` asks cargo-deny.
        let rules = read(&root().join("deny.toml"));
        for rule in [
            "multiple-versions = \"deny\"",
            "unknown-registry = \"deny\"",
            "unknown-git = \"deny\"",
            "yanked = \"deny\"",
        ] {
            assert!(rules.contains(rule), "deny.toml: {rule}");
        }
        return;
    }
    let check = |arguments: &[&str]| {
        let mut check = Command::new(root().join("tests/supply/check"));
        let status = check.args(arguments).status().expect("the check runs");
        status.code().expect("it ends by itself")
    };
    assert_eq!(check(&[]), 0, "licences, versions, sources");
    let asked = match check(&["--advisories"]) {
        0 => 1,
        NOBODY_LOOKED => 0,
        other => panic!("there are known holes: {other}"),
    };
    attack.count("databases of known holes asked", asked);
    attack.repelled();
}
