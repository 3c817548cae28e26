//! The pairs of a query string or of a form: `c=%63allback&d=1`.

/// The first value of `name` in `text`, its escapes undone, `+` being a space. What is not UTF-8 becomes U+FFFD.
pub(super) fn value(text: &str, name: &str) -> Option<String> {
    let mut pairs = text
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let (_, value) = pairs.find(|(known, _)| decode(known) == name)?;
    Some(decode(value))
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = match (first, after) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        if let Some((high, low)) = escaped {
            bytes.push(high << 4 | low);
            rest = after.get(2..).unwrap_or_default();
        } else {
            bytes.push(if first == b'+' { b' ' } else { first });
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_and_unescaped() {
        for (text, found) in [
            ("c=%63allback", Some("callback")),
            ("t=1&c=a+b&c=x", Some("a b")),
            ("%63=1", Some("1")),
            ("c", Some("")),
            ("c=", Some("")),
            ("c=%5B%22x%22%5D", Some("[\"x\"]")),
            ("c=%e8%b5%b7", Some("起")),
            ("c=100%&d=1", Some("100%")),
            ("c=%zz%ff", Some("%zz\u{fffd}")),
            ("cc=1", None),
            ("", None),
        ] {
            assert_eq!(value(text, "c").as_deref(), found, "{text:?}");
        }
    }
}
