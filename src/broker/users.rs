//! Who people are: the number and the name a user goes by, and which names are allowed.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;

/// A user's number, from 1 to `i64::MAX` (what the store can hold).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(NonZeroU64);

impl Uid {
    /// The system itself, which writes what an operator's server pushes. Clients know it as 0; nobody can be it.
    pub const SYSTEM: Self = match NonZeroU64::new(i64::MAX as u64) {
        Some(number) => Self(number),
        None => unreachable!(),
    };

    /// The number as a [`Uid`], unless it is 0 or beyond `i64::MAX`.
    pub fn new(number: u64) -> Option<Self> {
        if i64::try_from(number).is_err() {
            return None;
        }
        NonZeroU64::new(number).map(Self)
    }

    /// The number itself.
    pub fn get(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uid({})", self.0)
    }
}

/// A user as everybody sees one. Names never change, so a copy of one stays true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The number.
    pub uid: Uid,
    /// The unique name (`uname` on the wire).
    pub name: Arc<str>,
}

impl Person {
    /// The system ([`Uid::SYSTEM`]). Its name is empty, which no user's can be.
    pub fn system() -> Self {
        Self {
            uid: Uid::SYSTEM,
            name: Arc::from(""),
        }
    }

    /// Whether this is the system.
    pub fn is_system(&self) -> bool {
        self.uid == Uid::SYSTEM
    }
}

/// Most characters a name may have (CONTRACT section 3).
pub const NAME_CHARS_MAX: usize = 64;

/// Whether `name` may be a user's name: 1-64 characters, no control characters, no `/` (it stands in
/// destinations), not all digits (it would read as a uid). The error is a sentence for the client.
pub fn check_name(name: &str) -> Result<(), &'static str> {
    const RULE: &str =
        "a name has 1 to 64 characters, no control characters and no '/', and is not all digits";
    let chars = name.chars().count();
    let fits = (1..=NAME_CHARS_MAX).contains(&chars);
    let clean = !name.chars().any(|c| c.is_control() || c == '/');
    let worded = !name.bytes().all(|b| b.is_ascii_digit());
    if fits && clean && worded {
        Ok(())
    } else {
        Err(RULE)
    }
}

/// How a client named a user: by number or by name. They never collide, see [`check_name`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum UserKey {
    /// By number.
    Uid(Uid),
    /// By name.
    Name(String),
}

impl UserKey {
    /// Reads what a client wrote: all digits is a uid, anything else a name. `None` where it can be neither.
    pub fn parse(text: &str) -> Option<Self> {
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            return text.parse().ok().and_then(Uid::new).map(Self::Uid);
        }
        check_name(text).ok().map(|()| Self::Name(text.to_owned()))
    }

    /// Whether this key means `person`.
    pub fn means(&self, person: &Person) -> bool {
        match self {
            Self::Uid(uid) => *uid == person.uid,
            Self::Name(name) => **name == *person.name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rule() {
        for good in ["a", "廖杰", "li aojie", "a1", &"x".repeat(64)] {
            assert_eq!(check_name(good), Ok(()), "{good:?}");
        }
        for bad in ["", "12345", "a/b", "a\nb", "a\u{7f}", &"x".repeat(65)] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_key_is_a_uid_or_a_name() {
        assert_eq!(UserKey::parse("17"), Uid::new(17).map(UserKey::Uid));
        assert_eq!(UserKey::parse("li"), Some(UserKey::Name("li".into())));
        for neither in ["", "0", "9223372036854775808", "a/b"] {
            assert_eq!(UserKey::parse(neither), None, "{neither:?}");
        }
    }
}
