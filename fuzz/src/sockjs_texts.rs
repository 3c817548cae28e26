//! What SockJS clients say, and what is said to them.

use hongyan_grammar::sockjs;
use hongyan_grammar::sockjs::Reader;
use serde_json::value::RawValue;

/// Each line of the input is a text of one client. All of them together say what their UTF-16 says, with U+FFFD for half a
/// pair, wherever they were cut; a text that is refused leaves no trace; and what was said is written as what reads the same.
pub fn sockjs_texts(data: &[u8]) {
    let Ok(all) = std::str::from_utf8(data) else {
        return;
    };
    let mut reader = Reader::default();
    let mut said = String::new();
    let mut units = Vec::new();
    for text in all.split('\n') {
        let before = reader;
        let Ok(messages) = reader.read(text) else {
            assert_eq!(reader, before, "what is refused leaves no trace");
            assert!(own_reading(text).is_none(), "{text:?} was refused");
            continue;
        };
        let own = own_reading(text).unwrap_or_else(|| panic!("{text:?} was taken"));
        assert_eq!(messages.len(), own.len(), "{text:?}");
        assert!(messages.len() <= text.len() / 3 + 1, "{text:?}");
        let bytes: usize = messages.iter().map(String::len).sum();
        assert!(bytes <= text.len() + 3, "{text:?}: {messages:?}");
        said.extend(messages.iter().map(String::as_str));
        units.extend(own.into_iter().flatten());
        there_and_back(&messages);
    }
    // A first half at the very end still waits.
    if units
        .last()
        .is_some_and(|unit| (0xd800..0xdc00).contains(unit))
    {
        units.pop();
    }
    assert_eq!(said, String::from_utf16_lossy(&units), "{all:?}");
}

fn there_and_back(messages: &[String]) {
    let parts: Vec<&str> = messages.iter().map(String::as_str).collect();
    let mut frame = String::new();
    sockjs::write_array(&parts, &mut frame);
    let never_raw = |c: char| {
        c.is_control()
            || matches!(c, '\u{200c}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{2060}'..='\u{206f}' | '\u{fff0}'..='\u{ffff}')
    };
    assert!(!frame.contains(never_raw), "{frame:?}");
    let array = frame.strip_prefix('a').expect("a frame of messages");
    assert_eq!(Reader::default().read(array).as_deref(), Ok(messages));
    let reason = messages.first().map_or("", String::as_str);
    let close = sockjs::close(3000, reason);
    let close = close.strip_prefix('c').expect("a frame that closes");
    let close: (u16, String) = serde_json::from_str(close).expect("a code and a reason");
    assert_eq!(close, (3000, reason.to_owned()));
}

/// The messages of a text in UTF-16, as a reader of JSON makes them that knows nothing of halves.
fn own_reading(text: &str) -> Option<Vec<Vec<u16>>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    let raw: Vec<&RawValue> = match text.trim_ascii_start().starts_with('"') {
        true => vec![serde_json::from_str(text).ok()?],
        false => serde_json::from_str(text).ok()?,
    };
    raw.into_iter().map(|raw| utf16(raw.get())).collect()
}

/// What a string of JSON says; `None` for any other JSON.
fn utf16(json: &str) -> Option<Vec<u16>> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    let mut units = Vec::new();
    let mut rest = inner.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
            continue;
        }
        units.push(match rest.next()? {
            'b' => 8,
            'f' => 12,
            'n' => 10,
            'r' => 13,
            't' => 9,
            'u' => {
                let digits: String = rest.by_ref().take(4).collect();
                u16::from_str_radix(&digits, 16).ok()?
            }
            same => u16::try_from(u32::from(same)).ok()?,
        });
    }
    Some(units)
}
