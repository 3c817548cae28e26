//! How a partner in `frames/` is laid out: JSON, a field a line, a header a line.

use hongyan_grammar::stomp::{Frame, Unit};
use serde_json::{Value, json};

/// A heart-beat or a frame.
pub fn unit(unit: &Unit) -> String {
    match unit {
        Unit::Beat => "\"beat\"".to_owned(),
        Unit::Frame(frame) => object(&fields(frame)),
    }
}

/// The fields of a frame.
pub fn fields(frame: &Frame) -> Vec<String> {
    let pair = |(name, value)| format!("[{}, {}]", json!(name), json!(value));
    let headers: Vec<String> = frame.headers.iter().map(pair).collect();
    let body = match std::str::from_utf8(&frame.body) {
        Ok(text) => field("body", &json!(text)),
        Err(_) => {
            let octets: String = frame
                .body
                .iter()
                .map(|octet| format!("{octet:02x}"))
                .collect();
            field("body_base16", &json!(octets))
        }
    };
    let command = field("command", &json!(frame.command.as_str()));
    vec![command, format!("\"headers\": {}", list(&headers)), body]
}

/// One field, on one line.
pub fn field(name: &str, value: &Value) -> String {
    format!("\"{name}\": {value}")
}

/// An object, a field a line.
pub fn object(lines: &[String]) -> String {
    format!("{{\n{}\n}}", indented(lines))
}

/// A list, an item a line.
pub fn list(items: &[String]) -> String {
    if items.is_empty() {
        "[]".to_owned()
    } else {
        format!("[\n{}\n]", indented(items))
    }
}

fn indented(items: &[String]) -> String {
    let lines = items.join(",\n");
    lines
        .lines()
        .map(|line| format!("  {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}
