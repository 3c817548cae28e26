//! The framing of SockJS 0.3: one letter and a JSON payload from the server, an array of strings
//! from the client.
//!
//! It decides how messages are wrapped, not over which transport they go or what they say. The text
//! it makes is the same for every transport; a transport adds its own envelope and its line ends.

use std::fmt::Write as _;

use crate::json::{HALF_BYTES, Wide, halves, may_have_halves, offset, with_halves};
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

/// What a client says in one session, text after text.
///
/// Clients cut long messages anywhere, also between the two halves of a surrogate pair, which JSON
/// can carry apart from each other. So the first half, at the end of a message, waits here for the
/// next message, and what it completes stands at the beginning of that one. A half without the
/// other becomes U+FFFD, as browsers do to text that they send over a plain WebSocket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reader {
    /// A first half that waits.
    half: Option<u16>,
}

impl Reader {
    /// The messages that the client sent in `text`: `["first","second"]`.
    ///
    /// One bare string, `"first"`, is a message too, and no text at all is none: both come from
    /// clients in use over the `websocket` transport.
    ///
    /// The text is as long as the transport lets it be; what is made of it holds no more than one
    /// message for every three bytes, and no more bytes of messages than the text has, but for the
    /// character that a half from before becomes part of.
    ///
    /// # Errors
    ///
    /// [`Kind::MalformedMessage`] for anything that is not JSON, or not strings. Then nothing of
    /// `text` counts.
    pub fn read(&mut self, text: &str) -> Result<Vec<String>, Refusal> {
        if text.is_empty() {
            return Ok(Vec::new());
        }
        // Nearly every message leaves here.
        if self.half.is_none() && !may_have_halves(text) {
            return strings(text, serde_json::from_str, serde_json::from_str);
        }
        let wide: Vec<Wide> = strings(text, with_halves, with_halves)?;
        Ok(wide.iter().map(|message| self.whole(message)).collect())
    }

    /// `message` with the half before it, without the half at its end.
    fn whole(&mut self, Wide(message): &Wide) -> String {
        let mut whole =
            String::with_capacity(message.len() + char::REPLACEMENT_CHARACTER.len_utf8());
        let mut begin = 0;
        for (at, half) in halves(message) {
            self.push(message.get(begin..at), &mut whole);
            begin = at + HALF_BYTES;
            match (self.half.take(), half) {
                (Some(first), 0xdc00..) => {
                    let pair = char::decode_utf16([first, half]).flatten();
                    whole.extend(pair);
                }
                (None, 0xdc00..) => whole.push(char::REPLACEMENT_CHARACTER),
                (lost, _) => {
                    whole.extend(lost.map(|_| char::REPLACEMENT_CHARACTER));
                    self.half = Some(half);
                }
            }
        }
        self.push(message.get(begin..), &mut whole);
        whole
    }

    /// Adds text without halves to `whole`: a half before it has nothing to wait for.
    fn push(&mut self, text: Option<&[u8]>, whole: &mut String) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            let lost = self.half.take();
            whole.extend(lost.map(|_| char::REPLACEMENT_CHARACTER));
            whole.push_str(&String::from_utf8_lossy(text));
        }
    }
}

/// The strings in an array, or a bare one, as `read_one` and `read_all` read JSON.
fn strings<'t, T>(
    text: &'t str,
    read_one: fn(&'t str) -> serde_json::Result<T>,
    read_all: fn(&'t str) -> serde_json::Result<Vec<T>>,
) -> Result<Vec<T>, Refusal> {
    let strings = if text.trim_ascii_start().starts_with('"') {
        read_one(text).map(|string| vec![string])
    } else {
        read_all(text)
    };
    strings.map_err(|error| {
        let sentence = "not a JSON array of strings: send messages as [\"first\",\"second\"]";
        Refusal::new(Kind::MalformedMessage, offset(text, &error), sentence)
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
    use super::{Reader, close, write_array};

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
        let read = Reader::default().read(frame.trim_start_matches('a'));
        assert_eq!(read, Ok(messages));
    }

    #[test]
    fn half_a_pair_costs_one_character_not_the_message() {
        let read = |text| Reader::default().read(text).unwrap_or_default();
        assert_eq!(read(r#"["\ud83d\ude00"]"#), ["😀"]);
        assert_eq!(
            read(r#"["a\uDE00b","\uD83Dc"]"#),
            ["a\u{fffd}b", "\u{fffd}c"]
        );
        assert_eq!(read(r#"["\ud83d\ud83d\ude00"]"#), ["\u{fffd}😀"]);
        assert_eq!(read(r#"["\\ud83d퟿","b"]"#), ["\\ud83d\u{d7ff}", "b"]);
        assert_eq!(read(r#""\udbff\udfff""#), ["\u{10ffff}"]);
    }

    #[test]
    fn a_pair_that_was_cut_is_whole_again() {
        // What one client says, text after text, and what is read.
        for (texts, messages) in [
            (&[r#"["a\uD83D","\uDE00b"]"#][..], &["a", "😀b"][..]),
            (&[r#"["a\ud83d"]"#, r#"["\ude00b"]"#], &["a", "😀b"]),
            (&[r#""\ud83d""#, r#""\ude00""#], &["", "😀"]),
            (
                &[r#"["\ud83d"]"#, "", "[]", r#"["",""]"#, r#"["\ude00"]"#],
                &["", "", "", "😀"],
            ),
            (&[r#"["\ud83d"]"#, r#"["b"]"#], &["", "\u{fffd}b"]),
            (
                &[r#"["\ud83d"]"#, r#"["\ud83d"]"#, r#"["\ude00"]"#],
                &["", "\u{fffd}", "😀"],
            ),
            (
                &[r#"["\ud83d"]"#, r#"["\ud83d\ude00"]"#],
                &["", "\u{fffd}😀"],
            ),
            (&[r#"["\ud83d"]"#, r#"[1]"#, r#"["\ude00"]"#], &["", "😀"]),
            (&[r#"["\ud83d","\ud83d"#, r#"["\ude00"]"#], &["\u{fffd}"]),
        ] {
            let mut reader = Reader::default();
            let read: Vec<String> = texts
                .iter()
                .filter_map(|text| reader.read(text).ok())
                .flatten()
                .collect();
            assert_eq!(read, messages, "{texts:?}");
        }
    }
}
