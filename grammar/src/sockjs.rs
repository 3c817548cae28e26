//! The framing of SockJS 0.3: one letter and a JSON payload from the server, an array of strings
//! from the client.
//!
//! It decides how messages are wrapped, not over which transport they go or what they say. The text
//! it makes is the same for every transport; a transport adds its own envelope and its line ends.

use std::fmt::Write as _;

use crate::json::{offset, without_halves};
use crate::refusal::{Kind, Refusal};

/// The first frame of a session: it is open.
pub fn open() -> &'static str {
    "o"
}

/// The frame that shows that the server is still there.
pub fn heartbeat() -> &'static str {
    "h"
}

/// The last frame of a session: `c[3000,"Go away!"]`. `code` is a WebSocket close code (RFC 6455,
/// section 7.4).
pub fn close(code: u16, reason: &str) -> String {
    let mut out = format!("c[{code},");
    write_string(reason, &mut out);
    out.push(']');
    out
}

/// Writes one frame with `messages` at the end of `out`: `a["first","second"]`.
pub fn write_array(messages: &[&str], out: &mut String) {
    // The letter, the brackets, and two quotes and a comma each; text that needs escapes grows it
    // further.
    out.reserve(messages.iter().fold(3, |sum: usize, message| {
        sum.saturating_add(message.len() + 3)
    }));
    out.push_str("a[");
    for (at, message) in messages.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_string(message, out);
    }
    out.push(']');
}

/// The messages that a client sent in `text`: `["first","second"]`.
///
/// One bare string, `"first"`, is a message too, and no text at all is none: both come from clients
/// in use over the `websocket` transport. Half of a surrogate pair (a client cut a message between
/// the two) becomes U+FFFD, as browsers do to text that they send over a plain WebSocket.
///
/// The text is as long as the transport lets it be; what is made of it holds no more than one
/// message for every three bytes, and no more bytes of messages than the text has.
///
/// # Errors
///
/// [`Kind::MalformedMessage`] for anything that is not JSON, or not strings.
pub fn read_messages(text: &str) -> Result<Vec<String>, Refusal> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let whole = without_halves(text);
    let json = whole.as_deref().unwrap_or(text);
    let messages = if json.trim_ascii_start().starts_with('"') {
        serde_json::from_str(json).map(|message| vec![message])
    } else {
        serde_json::from_str(json)
    };
    messages.map_err(|error| {
        let sentence = "not a JSON array of strings: send messages as [\"first\",\"second\"]";
        Refusal::new(Kind::MalformedMessage, offset(json, &error), sentence)
    })
}

/// Writes `text` as a JSON string that every browser and transport carries unchanged.
fn write_string(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while let Some((at, character)) = rest
        .char_indices()
        .find(|(_, character)| is_escaped(*character))
    {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Writing to a string does not fail.
            other => drop(write!(out, "\\u{:04x}", u32::from(other))),
        }
        rest = after.get(character.len_utf8()..).unwrap_or_default();
    }
    out.push_str(rest);
    out.push('"');
}

/// Characters that must not be raw: those of JSON's own (RFC 8259, section 7), and those that
/// browsers of the SockJS era dropped or changed in text that they received.
fn is_escaped(character: char) -> bool {
    matches!(
        character,
        '"' | '\\'
            | '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{200c}'..='\u{200f}'
            | '\u{2028}'..='\u{202f}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fff0}'..='\u{ffff}'
    )
}

#[cfg(test)]
mod tests {
    use super::{close, read_messages, write_array};

    fn array(messages: &[&str]) -> String {
        let mut out = String::new();
        write_array(messages, &mut out);
        out
    }

    #[test]
    fn messages_are_an_array_of_strings() {
        assert_eq!(array(&[]), "a[]");
        assert_eq!(array(&["x"]), r#"a["x"]"#);
        assert_eq!(
            array(&["起来\n", r#"say "hi" \o/"#]),
            r#"a["起来\n","say \"hi\" \\o/"]"#
        );
        assert_eq!(close(3000, "Go away!"), r#"c[3000,"Go away!"]"#);
    }

    #[test]
    fn what_browsers_lose_is_escaped_in_lower_case() {
        assert_eq!(
            array(&["\0\u{1f}\u{200c}\u{200f}\u{2028}\u{202f}\u{2060}\u{206f}\u{fff0}\u{ffff}"]),
            r#"a["\u0000\u001f\u200c\u200f\u2028\u202f\u2060\u206f\ufff0\uffff"]"#
        );
        assert_eq!(
            array(&["\u{200b}\u{2010}\u{2027}\u{2030}\u{205f}\u{2070}😀"]),
            "a[\"\u{200b}\u{2010}\u{2027}\u{2030}\u{205f}\u{2070}😀\"]"
        );
    }

    #[test]
    fn what_is_written_reads_back() {
        let messages: Vec<String> = ['\0'..='\u{ffff}', '😀'..='😏']
            .into_iter()
            .flatten()
            .map(String::from)
            .collect();
        let parts: Vec<&str> = messages.iter().map(String::as_str).collect();
        let frame = array(&parts);
        assert_eq!(read_messages(frame.trim_start_matches('a')), Ok(messages));
    }

    #[test]
    fn half_a_pair_costs_one_character_not_the_message() {
        let read = |text| read_messages(text).unwrap_or_default();
        assert_eq!(read(r#"["\ud83d\ude00"]"#), ["😀"]);
        assert_eq!(read(r#"["a\uD83D","\uDE00b"]"#), ["a\u{fffd}", "\u{fffd}b"]);
        assert_eq!(read(r#"["\ud83d\ud83d\ude00"]"#), ["\u{fffd}😀"]);
        assert_eq!(read(r#"["\\ud83d"]"#), [r"\ud83d"]);
    }
}
