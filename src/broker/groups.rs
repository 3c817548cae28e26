//! Groups ("conversations" in seed 001): what one is, and what each of its members may do to it ([`seats`], [`fields`]).

pub mod fields;
pub mod seats;

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;

use crate::broker::users::Person;
use crate::broker::users::UserKey;

/// A group's number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gid(NonZeroU64);

impl Gid {
    /// The number as a [`Gid`], unless it is 0 or beyond `i64::MAX`.
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

impl fmt::Display for Gid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Gid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gid({})", self.0)
    }
}

/// The members of a group, by rising uid. Everybody shares one, as it may be long.
pub type Roster = Arc<[Person]>;

/// A group as its members see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its number.
    pub gid: Gid,
    /// Its name; may be empty, and another group's too.
    pub name: Arc<str>,
    /// Those of the members who may change protected fields, by rising uid.
    pub admins: Vec<Person>,
    /// All members, the admins as well.
    pub members: Roster,
    /// The fields that only admins change.
    pub protected: Vec<String>,
    /// Fields of the clients' own, by name; the values are in a writing that only gateways know.
    pub custom: BTreeMap<String, String>,
    /// When it was made, milliseconds since the Unix epoch.
    pub made_ms: u64,
}

/// A group to be made. Who makes it becomes a member and an admin (unless it is the system).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewGroup {
    /// Its name.
    pub name: String,
    /// Further admins; they are members too.
    pub admins: Vec<UserKey>,
    /// Further members.
    pub members: Vec<UserKey>,
    /// The fields that only admins change; `name`, `members` and `admin` where absent.
    pub protected: Option<Vec<String>>,
    /// Fields of the clients' own.
    pub custom: BTreeMap<String, String>,
}

/// What to change in a group; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupPatch {
    /// The field `name`.
    pub name: Option<String>,
    /// The field `admin`: all admins from now on. Who is no member becomes one.
    pub admins: Option<Vec<UserKey>>,
    /// The field `members`: all members from now on.
    pub members: Option<Vec<UserKey>>,
    /// The field `protected`. Only admins change it.
    pub protected: Option<Vec<String>>,
    /// Fields of the clients' own; `None` removes one.
    pub custom: BTreeMap<String, Option<String>>,
}
