//! The JSON that several gateways share: bodies within a depth, ids as numbers or digits, and messages, people and groups as
//! all of them write these.

mod groups;
mod ids;
mod messages;
mod people;
mod pushes;

use serde::Deserialize;

pub use crate::gateways::json::groups::GroupFields;
pub use crate::gateways::json::groups::GroupJson;
pub use crate::gateways::json::groups::GroupNameJson;
pub use crate::gateways::json::ids::GidJson;
pub use crate::gateways::json::ids::LISTED_MAX;
pub use crate::gateways::json::ids::NumberJson;
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

/// How deep JSON from a client may be nested (CONTRACT section 9).
pub const DEPTH_MAX: usize = 32;

/// Reads JSON from a client. The error is a sentence for the client.
pub fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, String> {
    if depth(body) > DEPTH_MAX {
        return Err(format!("the JSON is nested deeper than {DEPTH_MAX}"));
    }
    serde_json::from_slice(body)
        .map_err(|error| format!("the body is not the JSON expected here: {error}"))
}

/// How deep the brackets of `body` are nested, without reading further than brackets and strings.
fn depth(body: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_outside_strings() {
        assert_eq!(depth(br#"{"a":[{"b":"]]}}[[[\"[["}]}"#), 3);
        let deep = |n: usize| [vec![b'['; n], vec![b']'; n]].concat();
        assert!(read::<serde_json::Value>(&deep(DEPTH_MAX)).is_ok());
        assert!(read::<serde_json::Value>(&deep(DEPTH_MAX + 1)).is_err());
    }
}
