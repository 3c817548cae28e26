//! The optional TOML file: keys and values as text, to be read like flags. Knows no option by name.

use std::ffi::OsString;
use std::path::Path;

use toml::Table;
use toml::Value;

/// A key of the file.
pub(super) struct Entry {
    pub(super) key: String,
    /// One value, or those of an array.
    pub(super) values: Vec<OsString>,
    pub(super) is_array: bool,
}

/// What stands in the file. The error is a sentence without the file's name.
pub(super) fn read(path: &Path) -> Result<Vec<Entry>, String> {
    let text = std::fs::read_to_string(path).map_err(|why| format!("cannot be read: {why}"))?;
    let table: Table = text.parse().map_err(|why| not_toml(&text, &why))?;
    table.into_iter().map(entry).collect()
}

fn not_toml(text: &str, why: &toml::de::Error) -> String {
    let before = why.span().and_then(|span| text.get(..span.start));
    let line = before.unwrap_or_default().matches('\n').count() + 1;
    let message: Vec<&str> = why.message().lines().collect();
    format!("is not TOML at line {line}: {}", message.join(", "))
}

fn entry((key, value): (String, Value)) -> Result<Entry, String> {
    let (values, is_array) = match value {
        Value::Array(all) => (all.iter().map(scalar).collect(), true),
        one => (scalar(&one).map(|text| vec![text]), false),
    };
    match values {
        Some(values) => Ok(Entry {
            key,
            values,
            is_array,
        }),
        None => Err(format!(
            "has a value of another kind at {key:?}; allowed are strings, whole numbers, booleans, and arrays of these"
        )),
    }
}

fn scalar(value: &Value) -> Option<OsString> {
    match value {
        Value::String(text) => Some(text.into()),
        Value::Integer(number) => Some(number.to_string().into()),
        Value::Boolean(flag) => Some(flag.to_string().into()),
        _ => None,
    }
}
