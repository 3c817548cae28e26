//! Patterns: `{*}` for anything, `{name}` for what is the same wherever it stands, and the escapes of `(raw)`.

use std::collections::HashMap;

/// What each `{name}` fitted first.
#[derive(Default)]
pub(super) struct Captured(HashMap<String, String>);

impl Captured {
    /// Lets `{name}` be `value`.
    pub(super) fn set(&mut self, name: &str, value: String) {
        self.0.insert(name.to_owned(), value);
    }

    /// What `{name}` is, if anything.
    pub(super) fn get(&self, name: &str) -> Option<&String> {
        self.0.get(name)
    }

    /// Forgets `{name}`.
    pub(super) fn forget(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Whether `value` is as `pattern` says: `{*}` fits anything, `{name}` what it fitted first.
    pub(super) fn fits(&mut self, pattern: &str, value: &str) -> bool {
        let Some((before, rest)) = pattern.split_once('{') else {
            return pattern == value;
        };
        let Some((name, after)) = rest.split_once('}') else {
            return pattern == value;
        };
        // A brace of JSON, not a name.
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'*') {
            let Some(tail) = value
                .strip_prefix(before)
                .and_then(|tail| tail.strip_prefix('{'))
            else {
                return false;
            };
            return self.fits(rest, tail);
        }
        let Some(tail) = value.strip_prefix(before) else {
            return false;
        };
        if let Some(known) = self.0.get(name).cloned() {
            return tail
                .strip_prefix(&known)
                .is_some_and(|tail| self.fits(after, tail));
        }
        let ends: Vec<usize> = tail
            .char_indices()
            .map(|(at, _)| at)
            .chain([tail.len()])
            .collect();
        for end in ends {
            let before_try = self.0.clone();
            if name != "*" {
                self.0.insert(name.to_owned(), tail[..end].to_owned());
            }
            if self.fits(after, &tail[end..]) {
                return true;
            }
            self.0 = before_try;
        }
        false
    }

    /// Replaces each `{name}` by what it fitted, and `(bytes 9)` by that many.
    pub(super) fn fill(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in &self.0 {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        while let Some((before, rest)) = text.split_once("(bytes ") {
            let (count, after) = rest.split_once(')').expect("bytes are (bytes 9)");
            let bytes = "x".repeat(count.parse().expect("a count"));
            text = format!("{before}{bytes}{after}");
        }
        text
    }
}

/// The bytes of a piece of `(raw)`: `\n`, `\r`, `\0`, `\\` and `\xff` stand for what they stand for in Rust.
pub(super) fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let (byte, length) = match escape.as_bytes() {
            [b'n', ..] => (b'\n', 1),
            [b'r', ..] => (b'\r', 1),
            [b'0', ..] => (0, 1),
            [b'\\', ..] => (b'\\', 1),
            [b'x', ..] => {
                let digits = escape.get(1..3).ok_or("\\x needs two digits")?;
                let byte = u8::from_str_radix(digits, 16);
                (byte.map_err(|_| "\\x needs two hex digits")?, 3)
            }
            _ => return Err(format!("not an escape of (raw): \\{escape}")),
        };
        bytes.push(byte);
        rest = &escape[length..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}
