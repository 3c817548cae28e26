//! What the grammars in JSON share: how deep it may be nested, where a reader stopped, and what
//! becomes of half a character.

use memchr::memmem;

/// How deep JSON from a client may be nested.
pub const DEPTH_MAX: usize = 32;

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

/// `json` with `\ufffd` for each escape of a surrogate that has not its other half beside it;
/// `None` where there are none. Strings have no such halves, so the JSON reader would refuse the
/// whole message.
pub(crate) fn without_halves(json: &str) -> Option<String> {
    // Nearly every message leaves here.
    if memmem::find(json.as_bytes(), b"\\ud").is_none()
        && memmem::find(json.as_bytes(), b"\\uD").is_none()
    {
        return None;
    }
    let mut whole = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        let (before, escape) = rest.split_at(at);
        whole.push_str(before);
        let follower = escape.get(6..).and_then(surrogate);
        let taken = match (surrogate(escape), follower) {
            (Some(Half::High), Some(Half::Low)) => 12,
            (Some(_), _) => {
                whole.push_str("\\ufffd");
                rest = escape.get(6..).unwrap_or_default();
                continue;
            }
            // An escape of one letter, or the first two octets of another.
            (None, _) => 1 + escape.chars().nth(1).map_or(0, char::len_utf8),
        };
        let (escape, after) = escape.split_at_checked(taken).unwrap_or((escape, ""));
        whole.push_str(escape);
        rest = after;
    }
    whole.push_str(rest);
    Some(whole)
}

/// Half of a surrogate pair.
enum Half {
    High,
    Low,
}

/// The half that `text` begins with an escape of, if it does.
fn surrogate(text: &str) -> Option<Half> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    match u16::from_str_radix(digits, 16).ok()? {
        0xd800..=0xdbff => Some(Half::High),
        0xdc00..=0xdfff => Some(Half::Low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::depth;

    #[test]
    fn depth_counts_brackets_outside_strings() {
        assert_eq!(depth(br#"{"a":[{"b":"]]}}[[[\"[["}]}"#), 3);
        assert_eq!(depth(b"7"), 0);
        assert_eq!(depth(b"]]]["), 1);
    }
}
