//! The JSON that several gateways share: bodies within a depth, ids as numbers or digits, and messages, people and groups as
//! all of them write these.

mod groups;
mod ids;
mod messages;
mod people;
mod pushes;

use hongyan_grammar::json::DEPTH_MAX;
use hongyan_grammar::json::is_too_deep;
use serde::Deserialize;

pub use crate::gateways::json::groups::GroupFields;
pub use crate::gateways::json::groups::GroupJson;
pub use crate::gateways::json::groups::GroupNameJson;
pub use crate::gateways::json::ids::GidJson;
pub use crate::gateways::json::ids::LISTED_MAX;
pub use crate::gateways::json::ids::NumberJson;
pub use crate::gateways::json::ids::OtherJson;
pub use crate::gateways::json::ids::UidJson;
pub use crate::gateways::json::ids::UserJson;
pub use crate::gateways::json::ids::UsersJson;
pub use crate::gateways::json::ids::wire_uid;
pub use crate::gateways::json::messages::KeptJson;
pub use crate::gateways::json::messages::MessageJson;
pub use crate::gateways::json::messages::before_of;
pub use crate::gateways::json::messages::kind_of;
pub use crate::gateways::json::messages::kind_word;
pub use crate::gateways::json::people::PersonJson;
pub use crate::gateways::json::people::RequestJson;
pub use crate::gateways::json::pushes::PUSHES;
pub use crate::gateways::json::pushes::push_name;
pub use crate::gateways::json::pushes::push_number;

/// Reads a JSON object from a client; its fields in an array will not do. The error is a sentence for the client.
pub fn read_object<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, String> {
    if body.trim_ascii_start().starts_with(b"[") {
        return Err("the body is not the JSON expected here: it must be an object, {…}".to_owned());
    }
    read(body)
}

/// Reads JSON from a client. The error is a sentence for the client.
pub fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, String> {
    if is_too_deep(body) {
        return Err(format!("the JSON is nested deeper than {DEPTH_MAX}"));
    }
    serde_json::from_slice(body).map_err(|error| {
        let error = shortened(&error.to_string());
        format!("the body is not the JSON expected here: {error}")
    })
}

/// Letters of an error from its beginning, which says what is there, and from its end, which says what should be.
const SHOWN: (usize, usize) = (100, 200);

/// An error that may repeat what the client sent, with escapes for its letters, however much that was.
fn shortened(error: &str) -> String {
    let count = error.chars().count();
    if count <= SHOWN.0 + SHOWN.1 {
        return error.to_owned();
    }
    let begin = error.chars().take(SHOWN.0);
    let end = error.chars().skip(count - SHOWN.1);
    begin.chain(['…']).chain(end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_repeats_little_of_what_was_sent() {
        let long = format!("\"{}\"", "\u{7f}".repeat(10_000));
        let told = read::<UserJson>(long.as_bytes()).expect_err("no uname is so long");
        let begin =
            r#"the body is not the JSON expected here: invalid value: string "\u{7f}\u{7f}"#;
        let end = "a string of its digits, or a uname at line 1 column 10002";
        assert!(told.starts_with(begin) && told.ends_with(end), "{told}");
        assert!(told.chars().count() < 400, "{told}");
        let short = read::<UserJson>(br#""\n""#).expect_err("no uname");
        assert!(short.contains(r#"string "\n", expected"#), "{short}");
    }

    #[test]
    fn json_is_read_as_deep_as_allowed() {
        let deep = |n: usize| [vec![b'['; n], vec![b']'; n]].concat();
        assert!(read::<serde_json::Value>(&deep(DEPTH_MAX)).is_ok());
        assert!(read::<serde_json::Value>(&deep(DEPTH_MAX + 1)).is_err());
    }
}
