//! Friendship and its opposite: who asked whom, who is whose friend, who wants to hear nothing of whom.

use crate::broker::users::Person;

/// The number of a friend request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// That somebody wants to be somebody's friend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FriendRequest {
    /// Its number.
    pub id: RequestId,
    /// Who asks.
    pub from: Person,
    /// Who is asked.
    pub to: Person,
    /// What the asker says.
    pub words: String,
    /// When it was asked, milliseconds since the Unix epoch.
    pub time_ms: u64,
}

/// A user's friends and what is still to be answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Friends {
    /// The friends, by rising uid.
    pub friends: Vec<Person>,
    /// Requests of others to this user, oldest first.
    pub asked: Vec<FriendRequest>,
    /// Requests of this user to others, oldest first.
    pub asking: Vec<FriendRequest>,
}
