//! The optional TOML file: keys and values as text, to be read like flags, and the tables of permits, which are no flags.
//! Knows no option by name.

use std::ffi::OsString;
use std::path::Path;

use toml::Table;
use toml::Value;

use crate::config::Permit;

/// The key of the permits.
const PERMIT: &str = "permit";

/// A key of the file.
pub(super) struct Entry {
    pub(super) key: String,
    /// One value, or those of an array.
    pub(super) values: Vec<OsString>,
    pub(super) is_array: bool,
}

/// What stands in the file.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) entries: Vec<Entry>,
    pub(super) permits: Vec<Permit>,
}

/// Reads it. The error is a sentence without the file's name.
pub(super) fn read(path: &Path) -> Result<Contents, String> {
    let text = std::fs::read_to_string(path).map_err(|why| format!("cannot be read: {why}"))?;
    let mut table: Table = text.parse().map_err(|why| not_toml(&text, &why))?;
    let permits = table.remove(PERMIT).map_or(Ok(Vec::new()), permits)?;
    let entries = table.into_iter().map(entry).collect::<Result<_, _>>()?;
    Ok(Contents { entries, permits })
}

/// `[[permit]]`, each with `users`, `read` and `write`.
fn permits(value: Value) -> Result<Vec<Permit>, String> {
    let Value::Array(all) = value else {
        return Err("has a permit that is none; allowed is [[permit]]".to_owned());
    };
    all.into_iter()
        .map(|one| permit(one).map_err(|why| format!("has a [[permit]] {why}")))
        .collect()
}

fn permit(value: Value) -> Result<Permit, String> {
    let Value::Table(table) = value else {
        return Err("that is no table".to_owned());
    };
    let mut permit = Permit::default();
    let mut for_whom = false;
    for (key, value) in table {
        let texts = strings(value)
            .ok_or_else(|| format!("with a wrong {key:?}; allowed is an array of strings"))?;
        match key.as_str() {
            "users" => (permit.users, for_whom) = (texts, true),
            "read" => permit.read = texts,
            "write" => permit.write = texts,
            _ => return Err(format!("with {key:?}; allowed are users, read and write")),
        }
    }
    for_whom
        .then_some(permit)
        .ok_or_else(|| "without users; [\"*\"] is everybody".to_owned())
}

fn strings(value: Value) -> Option<Vec<String>> {
    let Value::Array(all) = value else {
        return None;
    };
    let texts = all.into_iter().map(|one| match one {
        Value::String(text) => Some(text),
        _ => None,
    });
    texts.collect()
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
