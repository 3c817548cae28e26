//! The id of a packet: the client's own, a string or a number, given back letter for letter.

use std::borrow::Cow;
use std::fmt;

use serde_json::value::RawValue;

use crate::packet::ID_BYTES_MAX;

/// The id of a packet, as it is written in JSON: `"1504712402000-83"` or `1504712402000`. Of a number every digit is kept,
/// because clients compare it with what they sent.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Id {
    json: String,
}

impl Id {
    /// Reads the JSON of one value. `None` where it is no string and no finite number, is empty, or is longer than
    /// [`ID_BYTES_MAX`].
    pub fn from_json(json: &str) -> Option<Self> {
        // JSON may stand between these, and they are no part of the value.
        let json = json.trim_matches([' ', '\t', '\r', '\n']);
        let bytes = match json.strip_prefix('"') {
            Some(rest) => rest.len().saturating_sub(1),
            None => json.len(),
        };
        // Before the reading, which costs as much as it is long.
        if !(1..=ID_BYTES_MAX).contains(&bytes) {
            return None;
        }
        let raw: &RawValue = serde_json::from_str(json).ok()?;
        let literal = raw.get();
        let is_id = if literal.starts_with('"') {
            serde_json::from_str::<String>(literal).is_ok()
        } else {
            // Beyond what a double can hold, other readers of JSON would stumble over it.
            literal.parse().is_ok_and(f64::is_finite)
        };
        is_id.then(|| Self {
            json: literal.to_owned(),
        })
    }

    /// The string `text`; `None` where it is empty or too long.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::from_json(&serde_json::Value::from(text).to_string())
    }

    /// What it is in JSON.
    pub fn as_json(&self) -> &str {
        &self.json
    }

    /// What it says: a string without quotes and escapes, the digits of a number. So 7 and "7" say the same.
    pub fn text(&self) -> Cow<'_, str> {
        if !self.json.starts_with('"') {
            return Cow::Borrowed(&self.json);
        }
        // It was read as a string when it was made.
        serde_json::from_str(&self.json).map_or(Cow::Borrowed(&self.json), Cow::Owned)
    }
}

impl From<u64> for Id {
    fn from(number: u64) -> Self {
        Self {
            json: number.to_string(),
        }
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Id({})", self.json)
    }
}

#[cfg(test)]
mod tests {
    use super::Id;

    #[test]
    fn an_id_is_a_string_or_a_number_and_stays_as_it_came() {
        for (json, text) in [
            (r#""1504712402000-83""#, "1504712402000-83"),
            (r#""\u8d77\n""#, "起\n"),
            ("17", "17"),
            ("-1.50e+3", "-1.50e+3"),
            ("170000000000000000000000001", "170000000000000000000000001"),
        ] {
            let id = Id::from_json(json).unwrap_or_else(|| panic!("{json}"));
            assert_eq!((id.as_json(), &*id.text()), (json, text));
            let spaced = Id::from_json(&format!("\r\n {json}\t"));
            assert_eq!(spaced, Some(id));
        }
        let (longest, number) = ("x".repeat(128), "1".repeat(128));
        assert!(Id::from_json(&format!("\"{longest}\"")).is_some());
        assert!(Id::from_json(&number).is_some());
        for bad in [
            "",
            "\"\"",
            "\r\"\" ",
            "null",
            "true",
            "[1]",
            "{}",
            "x",
            "007",
            "1e400",
            "inf",
            "\"",
            r#""\ud83d""#,
            &format!("\"x{longest}\""),
            &format!("1{number}"),
        ] {
            assert_eq!(Id::from_json(bad), None, "{bad}");
        }
        assert_eq!(Id::from_text(""), None);
        assert_eq!(
            Id::from_text("7").map(|id| id.as_json().to_owned()),
            Some("\"7\"".to_owned())
        );
    }
}
