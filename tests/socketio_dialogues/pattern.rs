//! JSON with gaps: `"{*}"` fits anything, `"{name}"` what it fitted first.

use std::collections::HashMap;

use serde_json::Value;

/// What each `"{name}"` fitted first.
#[derive(Default)]
pub struct Captured(HashMap<String, Value>);

impl Captured {
    /// Lets `"{name}"` be `value`.
    pub fn set(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    /// Whether `value` is as `pattern` says.
    pub fn fits(&mut self, pattern: &Value, value: &Value) -> bool {
        if let Some(name) = name(pattern) {
            if name == "*" {
                return true;
            }
            return self
                .0
                .entry(name.to_owned())
                .or_insert_with(|| value.clone())
                == value;
        }
        match (pattern, value) {
            (Value::Array(patterns), Value::Array(values)) => {
                let mut pairs = patterns.iter().zip(values);
                patterns.len() == values.len() && pairs.all(|(p, v)| self.fits(p, v))
            }
            (Value::Object(patterns), Value::Object(values)) => {
                patterns.len() == values.len()
                    && patterns.iter().all(|(key, pattern)| {
                        values
                            .get(key)
                            .is_some_and(|value| self.fits(pattern, value))
                    })
            }
            _ => pattern == value,
        }
    }

    /// Replaces each `"{name}"` in a client's words by what it fitted, and each `{name}` in ours.
    pub fn fill(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in &self.0 {
            text = text.replace(&format!("\"{{{name}}}\""), &value.to_string());
            text = text.replace(&format!("{{{name}}}"), &value.to_string());
        }
        while let Some((before, rest)) = text.split_once("(bytes ") {
            let (count, after) = rest.split_once(')').expect("bytes are (bytes 9)");
            let bytes = "x".repeat(count.parse().expect("a count"));
            text = format!("{before}{bytes}{after}");
        }
        text
    }
}

fn name(pattern: &Value) -> Option<&str> {
    pattern.as_str()?.strip_prefix('{')?.strip_suffix('}')
}
