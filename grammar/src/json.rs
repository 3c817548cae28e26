//! What the grammars in JSON share: how deep it may be nested, where a reader stopped, and what
//! becomes of half a character.

use std::fmt;

use memchr::{memchr2_iter, memmem};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, IgnoredAny, Visitor};

/// How deep JSON from a client may be nested.
pub const DEPTH_MAX: usize = 32;

/// Whether `json` is nested deeper than [`DEPTH_MAX`].
pub fn is_too_deep(json: &[u8]) -> bool {
    // Most have few brackets, and to count those takes next to nothing.
    let brackets = memchr2_iter(b'[', b'{', json).take(DEPTH_MAX + 1).count();
    brackets > DEPTH_MAX && depth(json) > DEPTH_MAX
}

/// How deep the brackets of `json` are nested, without reading further than brackets and strings.
pub fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Where in `json` the reader stopped, in bytes, from the line and the column that it tells.
pub(crate) fn offset(json: &str, error: &serde_json::Error) -> usize {
    let before: usize = json
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum();
    (before + error.column().saturating_sub(1)).min(json.len())
}

/// A string; half of a surrogate pair becomes U+FFFD, as browsers do to text that they send over a
/// WebSocket. `None` for anything else.
pub(crate) fn string(json: &str) -> Option<String> {
    // Nearly every string leaves here.
    if !may_have_halves(json) {
        return serde_json::from_str(json).ok();
    }
    let Wide(wide) = with_halves(json).ok()?;
    let mut whole = String::with_capacity(wide.len());
    let mut begin = 0;
    for (at, _) in halves(&wide) {
        whole.push_str(&String::from_utf8_lossy(wide.get(begin..at)?));
        whole.push(char::REPLACEMENT_CHARACTER);
        begin = at + HALF_BYTES;
    }
    whole.push_str(&String::from_utf8_lossy(wide.get(begin..)?));
    Some(whole)
}

/// Reads JSON whose strings are [`Wide`]: like any other JSON, but that halves may pass.
pub(crate) fn with_halves<T: DeserializeOwned>(json: &str) -> serde_json::Result<T> {
    // In strings that are taken as bytes, serde_json lets raw control characters pass, too.
    let _: IgnoredAny = serde_json::from_str(json)?;
    serde_json::from_str(json)
}

/// Whether `json` has an escape of a half, as all do that have one.
pub(crate) fn may_have_halves(json: &str) -> bool {
    let has = |escape: &[u8]| memmem::find(json.as_bytes(), escape).is_some();
    has(b"\\ud") || has(b"\\uD")
}

/// A string of JSON that may hold halves of surrogate pairs, which no `String` can: in UTF-8, with
/// each half as if it were a character (WTF-8).
pub(crate) struct Wide(pub(crate) Vec<u8>);

impl<'de> Deserialize<'de> for Wide {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct String;
        impl Visitor<'_> for String {
            type Value = Wide;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Wide, E> {
                Ok(Wide(bytes.to_vec()))
            }
        }
        // As bytes, serde_json lets halves pass, and promises to.
        deserializer.deserialize_bytes(String)
    }
}

/// Bytes of a half in WTF-8.
pub(crate) const HALF_BYTES: usize = 3;

/// The halves in WTF-8, and where each begins.
pub(crate) fn halves(wide: &[u8]) -> impl Iterator<Item = (usize, u16)> {
    let half = |bytes: &[u8]| match *bytes {
        [0xed, middle @ 0xa0..=0xbf, last] => {
            Some(0xd000 | u16::from(middle & 0x3f) << 6 | u16::from(last & 0x3f))
        }
        _ => None,
    };
    let places = wide.windows(HALF_BYTES).enumerate();
    places.filter_map(move |(at, bytes)| Some((at, half(bytes)?)))
}

#[cfg(test)]
mod tests {
    use super::{DEPTH_MAX, depth, is_too_deep, string};

    #[test]
    fn depth_counts_brackets_outside_strings() {
        assert_eq!(depth(br#"{"a":[{"b":"]]}}[[[\"[["}]}"#), 3);
        assert_eq!(depth(b"7"), 0);
        assert_eq!(depth(b"]]]["), 1);
    }

    #[test]
    fn too_deep_is_what_has_too_many_brackets_within_each_other() {
        let within = |deep| ["[".repeat(deep), "{}".repeat(DEPTH_MAX + 1)].concat();
        assert!(!is_too_deep(within(0).as_bytes()), "side by side");
        assert!(!is_too_deep(within(DEPTH_MAX - 1).as_bytes()));
        assert!(is_too_deep(within(DEPTH_MAX).as_bytes()));
        assert!(is_too_deep("[".repeat(DEPTH_MAX + 1).as_bytes()));
    }

    #[test]
    fn half_a_pair_costs_one_character_not_the_string() {
        for (json, expected) in [
            (r#""\ud83d""#, Some("\u{fffd}")),
            (r#""\ud83d\ude00""#, Some("😀")),
            (r#""a\uD83Db\uDE00""#, Some("a\u{fffd}b\u{fffd}")),
            (r#""\ud83d\ud83d\ude00""#, Some("\u{fffd}😀")),
            (r#""\ud83d"x"#, None),
            ("\"\\ud83d\u{1e}\"", None),
            ("\"\u{1e}\"", None),
            ("7", None),
        ] {
            assert_eq!(string(json).as_deref(), expected, "{json}");
        }
    }
}
