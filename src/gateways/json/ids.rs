//! What clients name things by: a number or a string of its digits, for users a name as well; and lists of users, bounded.

use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::Error;
use serde::de::SeqAccess;
use serde::de::Unexpected;
use serde::de::Visitor;

use crate::broker::groups::Gid;
use crate::broker::limits::GROUP_MEMBERS_MAX;
use crate::broker::users::Uid;
use crate::broker::users::UserKey;

/// Most users that one list of a client may name: as many as a group may have.
pub const LISTED_MAX: usize = GROUP_MEMBERS_MAX;

/// A uid: a number or a string of digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UidJson(pub Uid);

/// A user: a uid, its digits, or a uname.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserJson(pub UserKey);

/// Whose conversation with one is meant: a user, or the system, which is 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherJson(pub UserKey);

impl OtherJson {
    /// Reads a text.
    pub fn parse(text: &str) -> Option<Self> {
        match digits(text) {
            Some(0) => Some(Self(UserKey::Uid(Uid::SYSTEM))),
            Some(number) => uid(number).map(|uid| Self(UserKey::Uid(uid))),
            None => UserKey::parse(text).map(Self),
        }
    }
}

/// A group: its number or a string of digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GidJson(pub Gid);

/// A whole number from 0, or a string of its digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberJson(pub u64);

/// A list of users, at most [`LISTED_MAX`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsersJson(pub Vec<UserKey>);

/// A user's number as clients write it: the system is 0.
pub fn wire_uid(uid: Uid) -> u64 {
    if uid == Uid::SYSTEM { 0 } else { uid.get() }
}

/// A uid that a client may name: the system has none.
fn uid(number: u64) -> Option<Uid> {
    Uid::new(number).filter(|uid| *uid != Uid::SYSTEM)
}

fn digits(text: &str) -> Option<u64> {
    let all = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if all { text.parse().ok() } else { None }
}

/// Reads a number or a text.
struct IdVisitor<T> {
    says: &'static str,
    number: fn(u64) -> Option<T>,
    text: fn(&str) -> Option<T>,
}

impl<T> Visitor<'_> for IdVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.says)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        (self.number)(number).ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.text)(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

impl<'de> Deserialize<'de> for UidJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IdVisitor {
            says: "a uid: a number from 1, or a string of its digits",
            number: |number| uid(number).map(Self),
            text: |text| digits(text).and_then(uid).map(Self),
        })
    }
}

impl<'de> Deserialize<'de> for UserJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IdVisitor {
            says: "a user: a uid from 1, a string of its digits, or a uname",
            number: |number| uid(number).map(|uid| Self(UserKey::Uid(uid))),
            text: |text| UserKey::parse(text).map(Self),
        })
    }
}

impl<'de> Deserialize<'de> for OtherJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IdVisitor {
            says: "a user: a uid, a string of its digits, or a uname; 0 is the system",
            number: |number| Self::parse(&number.to_string()),
            text: Self::parse,
        })
    }
}

impl<'de> Deserialize<'de> for GidJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IdVisitor {
            says: "a group: its number from 1, or a string of its digits",
            number: |number| Gid::new(number).map(Self),
            text: |text| digits(text).and_then(Gid::new).map(Self),
        })
    }
}

impl<'de> Deserialize<'de> for NumberJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IdVisitor {
            says: "a whole number from 0, or a string of its digits",
            number: |number| Some(Self(number)),
            text: |text| digits(text).map(Self),
        })
    }
}

impl<'de> Deserialize<'de> for UsersJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct UsersVisitor;
        impl<'de> Visitor<'de> for UsersVisitor {
            type Value = UsersJson;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of users, each a uid or a uname")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<UsersJson, A::Error> {
                let mut users = Vec::new();
                while let Some(UserJson(user)) = list.next_element()? {
                    if users.len() == LISTED_MAX {
                        let sentence = format!("a list may name at most {LISTED_MAX} users");
                        return Err(A::Error::custom(sentence));
                    }
                    users.push(user);
                }
                Ok(UsersJson(users))
            }
        }
        deserializer.deserialize_seq(UsersVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateways::json::read;

    #[test]
    fn a_uid_is_a_number_or_its_digits() {
        for good in ["7", "\"7\"", "\"007\""] {
            assert_eq!(
                read::<UidJson>(good.as_bytes()).map(|id| id.0.get()),
                Ok(7),
                "{good}"
            );
        }
        for bad in [
            "0",
            "-1",
            "1.5",
            "\"\"",
            "\"x\"",
            "\"+7\"",
            "null",
            "9223372036854775808",
            // The system's own number is nobody's to name.
            "9223372036854775807",
            "[7]",
        ] {
            assert!(read::<UidJson>(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_other_side_of_a_conversation_may_be_the_system() {
        let system = OtherJson(UserKey::Uid(Uid::SYSTEM));
        for zero in ["0", "\"0\""] {
            assert_eq!(read::<OtherJson>(zero.as_bytes()).as_ref(), Ok(&system));
        }
        let li = OtherJson(UserKey::Name("li".to_owned()));
        assert_eq!(read::<OtherJson>(b"\"li\""), Ok(li));
        for bad in ["9223372036854775807", "\"\"", "-1", "null"] {
            assert!(read::<OtherJson>(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_group_is_a_number_or_its_digits() {
        for good in ["7", "\"7\""] {
            let read = read::<GidJson>(good.as_bytes());
            assert_eq!(read.map(|gid| gid.0.get()), Ok(7), "{good}");
        }
        for bad in ["0", "\"x\"", "\"\"", "-1", "1.5", "null"] {
            assert!(read::<GidJson>(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_list_of_users_is_bounded() {
        let list = |n: usize| format!("[{}]", vec!["\"li\""; n].join(","));
        let read = |n| read::<UsersJson>(list(n).as_bytes()).map(|users| users.0.len());
        assert_eq!(read(0), Ok(0));
        assert_eq!(read(LISTED_MAX), Ok(LISTED_MAX));
        assert!(read(LISTED_MAX + 1).unwrap_err().contains("at most"));
    }
}
