//! Does the grammar read and write the sentences in `frames/` as their partners say?
//!
//! `BLESS=1 cargo test --test frames` writes the partners anew from what was read; look at the
//! difference before you commit it. `frames/README.md` has the format.

#[path = "frames/packets.rs"]
mod packets;
#[path = "support/partner.rs"]
mod partner;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use hongyan_grammar::refusal::Refusal;
use hongyan_grammar::sockjs;
use hongyan_grammar::stomp::{Decoder, Limits, Side, Unit, Version, write};
use partner::{field, fields, list, object, unit};
use serde_json::{Value, json};

/// One `.wire` file of `frames/stomp/`, and what its partner says.
struct Sentence {
    /// The path without its extension.
    stem: PathBuf,
    wire: Vec<u8>,
    reader: Side,
    version: Version,
    limits: Limits,
    /// The partner, whole.
    partner: Value,
}

/// What was read before the end of the bytes, or before they were refused.
#[derive(Debug, PartialEq)]
struct Reading {
    units: Vec<Unit>,
    refusal: Option<Refusal>,
}

static SENTENCES: LazyLock<Vec<Sentence>> = LazyLock::new(|| {
    let folders = ["1.0", "1.1", "1.2", "also-accepted", "refused"];
    let stems = folders
        .iter()
        .flat_map(|folder| stems(&format!("stomp/{folder}")));
    stems.map(Sentence::load).collect()
});

impl Sentence {
    fn load(stem: PathBuf) -> Self {
        let wire = fs::read(stem.with_extension("wire")).expect("a wire file");
        let old = partner_of(&stem).unwrap_or_else(|| json!({"note": "?"}));
        let folder = folder(&stem);
        let mut sentence = Self {
            reader: match old["reader"].as_str() {
                Some("client") => Side::Client,
                _ => Side::Server,
            },
            version: old["version"]
                .as_str()
                .or(Some(folder.as_str()))
                .and_then(Version::parse)
                .unwrap_or(Version::V1_2),
            limits: limits(&old["limits"]),
            partner: old,
            stem,
            wire,
        };
        if std::env::var_os("BLESS").is_some() {
            sentence.bless();
        }
        sentence
    }

    /// Reads the wire in pieces that end where `cut` says.
    fn read(&self, cut: impl Fn(usize) -> bool) -> Reading {
        let mut decoder = Decoder::new(self.reader, self.limits);
        decoder.set_version(self.version);
        let mut reading = Reading {
            units: Vec::new(),
            refusal: None,
        };
        let mut start = 0;
        for end in (1..=self.wire.len()).filter(|end| *end == self.wire.len() || cut(*end)) {
            decoder.feed(&self.wire[start..end]);
            start = end;
            loop {
                match decoder.next() {
                    Ok(Some(unit)) => reading.units.push(unit),
                    Ok(None) => break,
                    Err(refusal) => {
                        reading.refusal = Some(refusal);
                        return reading;
                    }
                }
            }
        }
        assert_eq!(decoder.buffered(), 0, "{self}: something is left over");
        reading
    }

    /// Writes the partner anew.
    fn bless(&mut self) {
        let reading = self.read(|_| false);
        let extension = if reading.refusal.is_some() {
            "refusal"
        } else {
            "json"
        };
        let text = self.render(&reading);
        fs::write(self.stem.with_extension(extension), &text).expect("a partner");
        self.partner = serde_json::from_str(&text).expect("what was rendered is JSON");
    }

    /// The partner's text for a reading: JSON, a field a line, a header a line.
    fn render(&self, reading: &Reading) -> String {
        let mut lines = vec![
            field("note", &self.partner["note"]),
            field(
                "reader",
                &json!(if self.reader == Side::Server {
                    "server"
                } else {
                    "client"
                }),
            ),
            field("version", &json!(self.version.as_str())),
        ];
        if !self.partner["limits"].is_null() {
            lines.push(field("limits", &self.partner["limits"]));
        }
        match (&reading.refusal, reading.units.as_slice()) {
            (Some(refusal), units) => {
                if !units.is_empty() {
                    lines.push(field("after", &json!(units.len())));
                }
                lines.push(field("kind", &json!(format!("{:?}", refusal.kind))));
                lines.push(field("offset", &json!(refusal.offset)));
                lines.push(field("sentence", &json!(refusal.sentence)));
            }
            (None, [Unit::Frame(frame)]) => lines.extend(fields(frame)),
            (None, units) => {
                let units: Vec<String> = units.iter().map(unit).collect();
                lines.push(format!("\"units\": {}", list(&units)));
            }
        }
        format!("{}\n", object(&lines))
    }

    /// The bytes that the units are written as.
    fn written(&self, units: &[Unit]) -> Vec<u8> {
        let mut out = Vec::new();
        for unit in units {
            match unit {
                Unit::Beat => out.push(b'\n'),
                Unit::Frame(frame) => write(frame, self.version, &mut out),
            }
        }
        out
    }
}

impl std::fmt::Display for Sentence {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}.wire", self.stem.display())
    }
}

#[test]
fn every_sentence_reads_as_its_partner_says() {
    for sentence in SENTENCES.iter() {
        let reading = sentence.read(|_| false);
        let read: Value = serde_json::from_str(&sentence.render(&reading)).expect("JSON");
        assert_eq!(read, sentence.partner, "{sentence}");
        assert_eq!(
            reading.refusal.is_some(),
            folder(&sentence.stem) == "refused",
            "{sentence}"
        );
    }
}

#[test]
fn every_sentence_reads_the_same_however_it_is_cut() {
    for sentence in SENTENCES.iter() {
        let whole = sentence.read(|_| false);
        assert_eq!(sentence.read(|_| true), whole, "{sentence}, byte by byte");
        for at in 1..sentence.wire.len() {
            assert_eq!(
                sentence.read(|end| end == at),
                whole,
                "{sentence}, cut at {at}"
            );
        }
    }
}

#[test]
fn every_sentence_that_is_read_is_written_back() {
    for sentence in SENTENCES
        .iter()
        .filter(|sentence| folder(&sentence.stem) != "refused")
    {
        let written = sentence.written(&sentence.read(|_| false).units);
        let canonical = sentence.stem.with_extension("canonical.wire");
        let expected = match fs::read(canonical) {
            Ok(canonical) => {
                assert_eq!(
                    folder(&sentence.stem),
                    "also-accepted",
                    "{sentence} is canonical"
                );
                canonical
            }
            Err(_) => sentence.wire.clone(),
        };
        let shown = |bytes: &[u8]| bytes.escape_ascii().to_string();
        assert_eq!(shown(&written), shown(&expected), "{sentence}");
    }
}

#[test]
fn the_corpus_is_large_and_covers_every_command_in_every_version() {
    assert!(
        SENTENCES.len() >= 80,
        "only {} sentences are left",
        SENTENCES.len()
    );
    for version in Version::ALL {
        let commands: BTreeSet<&str> = SENTENCES
            .iter()
            .filter(|sentence| folder(&sentence.stem) == version.as_str())
            .filter_map(|sentence| sentence.partner["command"].as_str())
            .collect();
        // STOMP came with 1.1.
        let all = if version == Version::V1_0 { 14 } else { 15 };
        assert_eq!(commands.len(), all, "{version} has only {commands:?}");
    }
}

#[test]
fn every_file_has_its_partner_and_its_place() {
    for folder in fs::read_dir(root().join("stomp"))
        .expect("a folder")
        .flatten()
    {
        for file in fs::read_dir(folder.path()).expect("a folder").flatten() {
            let name = file.file_name().into_string().expect("a name in UTF-8");
            let (stem, extension) = name.split_once('.').expect("an extension");
            let beside =
                |extension: &str| folder.path().join(format!("{stem}.{extension}")).exists();
            match extension {
                "wire" => assert_ne!(
                    beside("json"),
                    beside("refusal"),
                    "{name} wants one partner"
                ),
                "canonical.wire" => assert!(beside("json"), "{name} belongs to nothing"),
                "json" | "refusal" => assert!(beside("wire"), "{name} has no wire"),
                _ => panic!("{name} is of no known kind"),
            }
        }
    }
}

#[test]
fn every_file_that_the_readme_names_exists() {
    let readme = fs::read_to_string(root().join("README.md")).expect("frames/README.md");
    let mut named = 0;
    for row in readme.lines().filter(|line| line.starts_with('|')) {
        for name in row
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|name| name.contains('/'))
        {
            let wire = format!("{name}.wire");
            let stomp = root().join("stomp").join(&wire);
            assert!(
                stomp.exists() || root().join(&wire).exists(),
                "the README names {wire}"
            );
            named += 1;
        }
    }
    assert!(named >= 80, "the README names only {named} files");
}

#[test]
fn what_a_sockjs_server_says_is_written_as_its_partner_says() {
    for stem in stems("sockjs/server") {
        let partner = partner_of(&stem).expect("a partner");
        let frame = match partner["frame"].as_str() {
            Some("open") => sockjs::open().to_owned(),
            Some("heartbeat") => sockjs::heartbeat().to_owned(),
            Some("close") => {
                let code = partner["code"]
                    .as_u64()
                    .and_then(|code| u16::try_from(code).ok());
                sockjs::close(
                    code.expect("a code"),
                    partner["reason"].as_str().expect("a reason"),
                )
            }
            _ => {
                let messages = partner["messages"].as_array().expect("messages");
                let messages: Vec<&str> = messages.iter().filter_map(Value::as_str).collect();
                let mut out = String::new();
                sockjs::write_array(&messages, &mut out);
                out
            }
        };
        let wire = fs::read_to_string(stem.with_extension("wire")).expect("a wire file");
        assert_eq!(frame, wire, "{}", stem.display());
    }
}

#[test]
fn what_a_sockjs_client_says_reads_as_its_partner_says() {
    for stem in stems("sockjs/client").chain(stems("sockjs/refused")) {
        let wire = fs::read_to_string(stem.with_extension("wire")).expect("a wire file");
        let old = partner_of(&stem).unwrap_or_else(|| json!({"note": "?"}));
        let note = field("note", &old["note"]);
        let (extension, lines) = match sockjs::Reader::default().read(&wire) {
            Ok(messages) => ("json", vec![note, field("messages", &json!(messages))]),
            Err(refusal) => {
                let kind = field("kind", &json!(format!("{:?}", refusal.kind)));
                let offset = field("offset", &json!(refusal.offset));
                (
                    "refusal",
                    vec![
                        note,
                        kind,
                        offset,
                        field("sentence", &json!(refusal.sentence)),
                    ],
                )
            }
        };
        let text = format!("{}\n", object(&lines));
        if std::env::var_os("BLESS").is_some() {
            fs::write(stem.with_extension(extension), &text).expect("a partner");
        }
        let read: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(Some(read), partner_of(&stem), "{}", stem.display());
        assert_eq!(
            extension == "refusal",
            folder(&stem) == "refused",
            "{}",
            stem.display()
        );
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("frames")
}

/// The paths, without extension, of the wire files in a folder of `frames/`.
fn stems(folder: &str) -> impl Iterator<Item = PathBuf> + use<> {
    let files = fs::read_dir(root().join(folder)).expect("a folder of the corpus");
    let mut stems: Vec<PathBuf> = files
        .filter_map(|file| {
            let path = file.expect("a file").path();
            let name = path.file_name()?.to_str()?.strip_suffix(".wire")?;
            (!name.ends_with(".canonical")).then(|| path.with_extension(""))
        })
        .collect();
    stems.sort();
    assert!(!stems.is_empty(), "{folder} is empty");
    stems.into_iter()
}

fn folder(stem: &Path) -> String {
    stem.parent()
        .and_then(Path::file_name)
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn partner_of(stem: &Path) -> Option<Value> {
    let text = ["json", "refusal"]
        .iter()
        .find_map(|extension| fs::read_to_string(stem.with_extension(extension)).ok())?;
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", stem.display())))
}

/// The limits that a partner asks for, or else those before log-in.
fn limits(partner: &Value) -> Limits {
    let usual = Limits::before_log_in();
    let limit = |name: &str, usual: usize| {
        partner[name]
            .as_u64()
            .and_then(|limit| usize::try_from(limit).ok())
            .unwrap_or(usual)
    };
    Limits {
        frame_bytes: limit("frame_bytes", usual.frame_bytes),
        headers: limit("headers", usual.headers),
        header_bytes: limit("header_bytes", usual.header_bytes),
    }
}
