//! What the search begins with: the sentences and the dialogues of `frames/`, as each target reads them.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use super::stomp_machine::LAST_MESSAGE;
use super::stomp_machine::NEW_ID;

/// Between two records of a script.
const NEXT: u8 = 0x1e;

/// The seeds of a target.
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    match target {
        "stomp_reading" => wires("stomp"),
        "stomp_writing" => wires("stomp/1.2"),
        "sockjs_texts" => wires("sockjs"),
        "json_texts" => [wires("packets"), helpers()].concat(),
        "stomp_machine" => [scripts("conversations", of_conversation), findings()].concat(),
        "packets_machine" => [scripts("packets/dialogues", of_packets), findings()].concat(),
        "socketio_machine" => [scripts("socketio/dialogues", of_socketio), findings()].concat(),
        "http_requests" => super::http_requests::SEEDS
            .iter()
            .map(|seed| seed.replace('|', "\u{1e}").into_bytes())
            .collect(),
        _ => Vec::new(),
    }
}

/// What a fuzzer once found, of any machine.
fn findings() -> Vec<Vec<u8>> {
    // The others say more than they may.
    vec![["w"; 30].join("\u{1e}").into_bytes()]
}

fn frames() -> PathBuf {
    // The folder of this crate, or that of the crate that includes this file.
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let inside = here.join("frames");
    if inside.is_dir() {
        inside
    } else {
        here.join("../frames")
    }
}

/// All files below a folder of `frames/`, in an order that stays.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![frames().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of frames/").flatten() {
            let path = entry.path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(path),
            }
        }
    }
    found.sort();
    found
}

fn wires(folder: &str) -> Vec<Vec<u8>> {
    let mut files = files(folder);
    files.retain(|path| path.extension().is_some_and(|ending| ending == "wire"));
    files
        .iter()
        .map(|path| fs::read(path).expect("a wire"))
        .collect()
}

/// JSON that is read beside packets.
fn helpers() -> Vec<Vec<u8>> {
    [
        r#"{"id":"17000.5x","fields":{"sendDate":{"a":[1]}}}"#,
        r#"{"name":"flock","members":[2,"wu"],"admin":["1"],"protected":["name"],"colour":null}"#,
        r#"[1,"2","wu"]"#,
        r#""18446744073709551615""#,
        // Was an id of no letters, for what stands before it.
        "\r\"\"",
        "9223372036854775807",
        "with=wu&before=17&limit=%35",
        "0123456789abcdef0123456789ABCDEF01234567",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into_iter()
    // Was repeated in the refusal, six letters for each.
    .chain([format!("\"{}\"", "\u{7f}".repeat(200)).into_bytes()])
    .collect()
}

/// The clients' sides of the dialogues in a folder.
fn scripts(folder: &str, script: fn(&str) -> Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut files = files(folder);
    files.retain(|path| path.extension().is_some_and(|ending| ending != "md"));
    let texts = files
        .iter()
        .map(|path| fs::read_to_string(path).expect("a dialogue"));
    texts.map(|text| script(&text).join(&NEXT)).collect()
}

/// Whose line it is, of two: `C1: …` or `C2: …`.
fn client(line: &str) -> Option<(u8, &str)> {
    let (who, what) = line.split_once(": ")?;
    let at = 1 - (who.strip_prefix('C')?.bytes().last()? & 1);
    Some((at, what))
}

fn of_conversation(text: &str) -> Vec<Vec<u8>> {
    let mut records: Vec<Vec<u8>> = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let mut inner = Vec::new();
        while let Some(more) = lines.next_if(|more| more.starts_with("    ")) {
            inner.push(more.trim());
        }
        if let Some(record) = passing(line) {
            records.push(record);
        }
        let Some((at, what)) = client(line) else {
            continue;
        };
        let who = b'1' + at;
        let mut wire = vec![who];
        match what.split(' ').collect::<Vec<_>>()[..] {
            ["(open)", ref door @ ..] => {
                let admitted = door.iter().any(|word| word.starts_with("user="));
                wire = vec![if admitted { b'x' } else { b'X' } + at];
            }
            ["(beat)"] => wire.push(b'\n'),
            ["(raw)"] => {
                let pieces = inner.iter().filter_map(|line| line.strip_prefix("> "));
                for piece in pieces {
                    wire.extend(unescaped(piece));
                }
            }
            ["(gone)"] => wire = vec![b'x' + at],
            ["(too-large)"] => wire = vec![b'm'],
            ref words => {
                let times = words[0].strip_prefix('(').and_then(|n| n.parse().ok());
                let command = words.last().copied().unwrap_or_default();
                for _ in 0..times.unwrap_or(1_usize).min(4) {
                    wire.extend(frame(command, &inner));
                }
            }
        }
        records.push(wire);
    }
    records
}

fn frame(command: &str, inner: &[&str]) -> Vec<u8> {
    let mut wire = format!("{command}\n");
    let mut body = "";
    for line in inner {
        match line.strip_prefix("> ") {
            Some(text) => body = text,
            None => wire = format!("{wire}{line}\n"),
        }
    }
    captured(&format!("{wire}\n{body}\0"))
}

/// `{name}` is what somebody said before: mostly the id of a message.
fn captured(text: &str) -> Vec<u8> {
    let mut wire = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        wire.extend_from_slice(before.as_bytes());
        let name = after.split_once('}');
        match name.filter(|(name, _)| name.chars().all(char::is_alphanumeric)) {
            Some(("n", after)) => {
                wire.push(NEW_ID);
                rest = after;
            }
            Some(("gid" | "request", after)) => {
                wire.push(b'1');
                rest = after;
            }
            Some((name, after)) if !name.is_empty() => {
                wire.push(LAST_MESSAGE);
                rest = after;
            }
            _ => {
                wire.push(b'{');
                rest = after;
            }
        }
    }
    wire.extend_from_slice(rest.as_bytes());
    wire
}

/// `\n`, `\0` and the like.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        bytes.push(match octet {
            b'\\' => match rest.next() {
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b'0') => 0,
                Some(other) => other,
                None => octet,
            },
            _ => octet,
        });
    }
    bytes
}

/// Time, and what is done by nobody at a connection.
fn passing(line: &str) -> Option<Vec<u8>> {
    if let Some(time) = line.strip_prefix('+') {
        let ms = match (time.strip_suffix("ms"), time.strip_suffix('s')) {
            (Some(ms), _) => ms.to_owned(),
            (None, Some(s)) => format!("{s}000"),
            _ => return None,
        };
        return Some(format!("+{ms}").into_bytes());
    }
    let what = match line {
        _ if line.starts_with("B: revokes") || line.ends_with("is revoked") => b'r',
        _ if line.starts_with("B: stops") || line == "the broker stops" => b'!',
        _ if line.contains(" writes ") => b's',
        _ => return None,
    };
    Some(vec![what])
}

fn of_packets(text: &str) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    for line in text.lines().map(str::trim) {
        records.extend(passing(line));
        let Some((at, what)) = client(line) else {
            continue;
        };
        records.push(match what {
            _ if what.starts_with("(open)") || what == "(gone)" => vec![b'x' + at],
            "(pong)" => vec![b'p' + at],
            "(too large)" => vec![b'm'],
            _ => [vec![b'1' + at], what.as_bytes().to_vec()].concat(),
        });
    }
    records
}

fn of_socketio(text: &str) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    for line in text.lines().map(str::trim) {
        records.extend(passing(line));
        let Some((at, what)) = client(line) else {
            continue;
        };
        let (first, rest) = what.split_once(' ').unwrap_or((what, ""));
        records.push(match first {
            "(open)" | "(gone)" => vec![b'x' + at],
            "(proved)" => vec![b'p' + at],
            "(too-large)" => vec![b'm'],
            "(leave)" => {
                let left = format!(r#"{{"namespace":"{rest}","disconnected":true}}"#);
                [vec![b'1' + at], left.into_bytes()].concat()
            }
            "(raw)" => [vec![b'1' + at], captured(rest)].concat(),
            _ if first.starts_with('(') => continue,
            _ => [vec![b'd' + at], captured(what)].concat(),
        });
    }
    records
}
