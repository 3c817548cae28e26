//! What the answers of several calls are made of, for the description.

use crate::gateways::rest::call::Kind;

/// A kind of JSON object with a name of its own.
pub(super) struct Schema {
    pub(super) name: &'static str,
    /// Members that are always there.
    pub(super) members: &'static [(&'static str, Kind)],
    /// Members that may be there.
    pub(super) optional: &'static [(&'static str, Kind)],
}

pub(super) static SCHEMAS: &[Schema] = &[
    Schema {
        name: "Refusal",
        members: &[
            ("code", Kind::Number),
            ("status", Kind::Text),
            ("content", Kind::Text),
        ],
        optional: &[],
    },
    Schema {
        name: "Message",
        members: &[
            ("id", Kind::Number),
            ("msgID", Kind::MsgId),
            ("chatID", Kind::MsgId),
            ("sender", Kind::Text),
            ("senderId", Kind::Number),
            ("content", Kind::Text),
            ("time", Kind::Number),
            ("state", Kind::Text),
        ],
        optional: &[
            ("reciver", Kind::Text),
            ("reciverId", Kind::Number),
            ("groupId", Kind::Number),
            ("type", Kind::Text),
        ],
    },
    Schema {
        name: "User",
        members: &[("uid", Kind::Number), ("uname", Kind::Text)],
        optional: &[],
    },
    Schema {
        name: "Friend",
        members: &[
            ("uid", Kind::Number),
            ("uname", Kind::Text),
            ("online", Kind::Flag),
        ],
        optional: &[],
    },
    Schema {
        name: "FriendRequest",
        members: &[
            ("id", Kind::Number),
            ("from", Kind::Text),
            ("to", Kind::Text),
            ("fromId", Kind::Number),
            ("toId", Kind::Number),
            ("msg", Kind::Text),
            ("time", Kind::Number),
        ],
        // asked, accepted or rejected: in the answer to whoever changes it.
        optional: &[("state", Kind::Text)],
    },
    Schema {
        name: "Group",
        members: &[
            ("gid", Kind::Number),
            ("id", Kind::Number),
            ("name", Kind::Text),
            ("admin", Kind::Uids),
            ("members", Kind::Uids),
            ("protected", Kind::Texts),
            ("made", Kind::Number),
        ],
        optional: &[],
    },
    Schema {
        name: "GroupName",
        members: &[
            ("gid", Kind::Number),
            ("id", Kind::Number),
            ("name", Kind::Text),
        ],
        optional: &[],
    },
];
