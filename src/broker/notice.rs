//! What sessions are told of people: news for those who are here. Nobody keeps it for those who are not; what lasts of it
//! can be asked for.

use std::sync::Arc;

use crate::broker::friends::FriendRequest;
use crate::broker::groups::Gid;
use crate::broker::users::Person;

/// Something that happened between people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Somebody asks to be a friend. Both sides are told.
    FriendAsked(FriendRequest),
    /// The request was answered. Both sides are told.
    FriendAnswered {
        /// Which.
        request: FriendRequest,
        /// Whether they are friends now.
        accepted: bool,
        /// When it was answered, milliseconds since the Unix epoch.
        time_ms: u64,
    },
    /// A friendship was ended. Both sides are told.
    FriendGone {
        /// Who ended it.
        by: Person,
        /// The other.
        other: Person,
        /// When, milliseconds since the Unix epoch.
        time_ms: u64,
    },
    /// A friend came on line, or has been off line for a while.
    Presence {
        /// Who.
        person: Person,
        /// Whether here.
        online: bool,
        /// When, milliseconds since the Unix epoch.
        time_ms: u64,
    },
    /// Something happened in a group. All members are told, and whoever has just left.
    Group(GroupNews),
}

/// Something that happened in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupNews {
    /// Which group.
    pub gid: Gid,
    /// Its name.
    pub name: Arc<str>,
    /// What happened.
    pub what: GroupChange,
    /// Who did it.
    pub by: Person,
    /// When, milliseconds since the Unix epoch.
    pub time_ms: u64,
}

/// What may happen in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupChange {
    /// It was made.
    Made,
    /// These are members now.
    Joined(Vec<Person>),
    /// These are no longer members.
    Left(Vec<Person>),
    /// Some of its fields changed.
    Changed,
}
