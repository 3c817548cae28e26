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
    serde_json::from_slice(body)
        .map_err(|error| format!("the body is not the JSON expected here: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_read_as_deep_as_allowed() {
        let deep = |n: usize| [vec![b'['; n], vec![b']'; n]].concat();
        assert!(read::<serde_json::Value>(&deep(DEPTH_MAX)).is_ok());
        assert!(read::<serde_json::Value>(&deep(DEPTH_MAX + 1)).is_err());
    }
}
