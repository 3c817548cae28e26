//! What polls and posts carry: packets, one after the other. Engine.IO 4 puts U+001E between them, Engine.IO 3 writes each
//! one's length before it, in UTF-16 units.
//!
//! Clients before Socket.IO 2 (engine.io-parser 1) speak Engine.IO 3 as well, but when they poll they write strings as UTF-8
//! twice over, and read them so. No request tells the two apart. So what is said to either is ASCII, which is the same in
//! both ([`ascii_of_3`]), and what they say is known by its looks ([`once_of_3`]).

use std::borrow::Cow;
use std::fmt::Write;

const SEPARATOR: u8 = 0x1e;

/// How many of the packets in `payload` are events or acknowledgements of Socket.IO.
pub(super) fn events(engine: u8, payload: &[u8]) -> u64 {
    let count = match engine {
        // We send no attachments, so what is said here is always the textual form.
        3 => packets_of_3(std::str::from_utf8(payload).unwrap_or_default())
            .filter(|packet| is_event(packet.as_bytes()))
            .count(),
        _ => payload
            .split(|byte| *byte == SEPARATOR)
            .filter(|packet| is_event(packet))
            .count(),
    };
    count as u64
}

/// Whether an Engine.IO packet is a message (4) with an event (2) or an acknowledgement (3).
pub(super) fn is_event(packet: &[u8]) -> bool {
    packet.starts_with(b"42") || packet.starts_with(b"43")
}

/// An answer of Engine.IO 3 with all that is not ASCII escaped as JSON does it: it is nowhere but in strings of JSON. None
/// where there is no such thing.
pub(super) fn ascii_of_3(payload: &[u8]) -> Option<Vec<u8>> {
    if payload.is_ascii() {
        return None;
    }
    rewritten(payload, |packet| Some(escaped(packet)))
}

fn escaped(packet: &str) -> String {
    let mut escaped = String::with_capacity(packet.len() * 2);
    for letter in packet.chars() {
        if letter.is_ascii() {
            escaped.push(letter);
            continue;
        }
        for unit in letter.encode_utf16(&mut [0; 2]) {
            // Writing to a string can't fail.
            let _ = write!(escaped, "\\u{unit:04x}");
        }
    }
    escaped
}

/// A post of Engine.IO 3 whose strings were UTF-8 twice over, as it was meant. Such a string has letters beyond ASCII, none
/// of them beyond U+00FF, and taken as bytes they are UTF-8. (Whoever means one, like "Ã©", has it from this very fault.)
/// None where there is no such string, or where the post is binary.
pub(super) fn once_of_3(payload: &[u8]) -> Option<Vec<u8>> {
    if payload.is_ascii() {
        return None;
    }
    let text = std::str::from_utf8(payload).ok()?;
    let is_twice = packets_of_3(text).any(|packet| once(packet).is_some());
    is_twice.then(|| rewritten(payload, once)).flatten()
}

/// The packet whose UTF-8 is written in this one, letter by letter.
fn once(packet: &str) -> Option<String> {
    if packet.is_ascii() {
        return None;
    }
    let bytes = packet.chars().map(|letter| u8::try_from(letter).ok());
    String::from_utf8(bytes.collect::<Option<_>>()?).ok()
}

/// A payload of Engine.IO 3 with other packets for those that `change` changes. What can't be read stays.
fn rewritten(payload: &[u8], change: impl Fn(&str) -> Option<String>) -> Option<Vec<u8>> {
    let mut left = std::str::from_utf8(payload).ok()?;
    let mut written = String::with_capacity(payload.len() * 2);
    while let Some(packet) = next_of_3(&mut left) {
        let packet = change(packet).map_or(Cow::from(packet), Cow::from);
        let _ = write!(written, "{}:{packet}", packet.encode_utf16().count());
    }
    written.push_str(left);
    Some(written.into_bytes())
}

fn packets_of_3(payload: &str) -> impl Iterator<Item = &str> {
    let mut left = payload;
    std::iter::from_fn(move || next_of_3(&mut left))
}

/// Takes a packet; where none can be read, nothing is taken.
fn next_of_3<'a>(left: &mut &'a str) -> Option<&'a str> {
    let (units, rest) = left.split_once(':')?;
    let mut units: usize = units.parse().ok()?;
    let end = rest.char_indices().find(|(_, letter)| match units {
        0 => true,
        _ => {
            units = units.saturating_sub(letter.len_utf16());
            false
        }
    });
    if units > 0 {
        return None;
    }
    let (packet, rest) = rest.split_at(end.map_or(rest.len(), |(at, _)| at));
    *left = rest;
    Some(packet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_ascii_whatever_it_says() {
        for (payload, ascii) in [
            ("1:3", None),
            (
                r#"11:42["😀4:2"]7:42["ä"]1:3"#,
                Some(r#"21:42["\ud83d\ude004:2"]12:42["\u00e4"]1:3"#),
            ),
        ] {
            let made = ascii_of_3(payload.as_bytes());
            assert_eq!(made.as_deref(), ascii.map(str::as_bytes), "{payload}");
            assert_eq!(events(3, payload.as_bytes()), ascii.map_or(0, |_| 2));
        }
    }

    #[test]
    fn what_is_utf8_twice_is_read_as_it_was_meant() {
        for (payload, once) in [
            ("1:2", None),
            // What engine.io-parser 1.3.2 makes of 来 and ä, and what 2.2.1 does.
            (
                "9:42[\"æ\u{9d}¥\"]8:42[\"Ã¤\"]1:2",
                Some(r#"7:42["来"]7:42["ä"]1:2"#),
            ),
            (r#"7:42["来"]7:42["ä"]1:2"#, None),
            // One letter beyond U+00FF, or one that makes it no UTF-8, and it is UTF-8 once.
            ("10:42[\"æ\u{9d}¥来\"]", None),
            (r#"7:42["é"]"#, None),
            // What can't be read is for the engine to refuse.
            (r#"8:42["Ã¤"]99:42"#, Some(r#"7:42["ä"]99:42"#)),
        ] {
            let made = once_of_3(payload.as_bytes());
            assert_eq!(made.as_deref(), once.map(str::as_bytes), "{payload}");
        }
        assert_eq!(once_of_3(b"\x00\x04\xff4\xc3\xa9"), None, "binary");
    }

    #[test]
    fn events_are_counted_in_both_forms() {
        for (engine, payload, count) in [
            (4, "", 0),
            (4, "2", 0),
            (4, "40{\"sid\":\"x\"}", 0),
            (
                4,
                "42[\"a\"]\u{1e}2\u{1e}43/friend,1[]\u{1e}41\u{1e}42[\"42\"]",
                3,
            ),
            (3, "", 0),
            (3, "1:2", 0),
            (3, "2:407:42[\"a\"]1:3", 1),
            // An emoji is two units, an umlaut and a Chinese letter are one.
            (3, "11:42[\"😀4:2\"]7:42[\"ä\"]7:43[\"来\"]2:41", 3),
        ] {
            assert_eq!(events(engine, payload.as_bytes()), count, "{payload}");
        }
    }
}
