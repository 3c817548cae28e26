//! The fields of a group other than its people: how they may be, and what a patch makes of them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::broker::groups::GroupPatch;
use crate::broker::groups::NewGroup;
use crate::broker::limits;
use crate::broker::refusal::Refusal;

/// The field of a group's name.
pub const NAME: &str = "name";
/// The field of its members.
pub const MEMBERS: &str = "members";
/// The field of its admins.
pub const ADMIN: &str = "admin";
/// The field that names the protected ones. Only admins change it, whatever it says.
pub const PROTECTED: &str = "protected";

/// Names that no field of a client's own may have.
const RESERVED: [&str; 6] = [NAME, MEMBERS, ADMIN, PROTECTED, "id", "gid"];

const NAME_RULE: Refusal =
    Refusal::BadGroup("a group's name has at most 128 characters and no control characters");
const CUSTOM_RULE: Refusal = Refusal::BadGroup(
    "a group has at most 64 fields of its own, with 16 KiB of names and values in all",
);
const FIELD_RULE: Refusal = Refusal::BadGroup(
    "a field's name has 1 to 64 bytes and no control characters; name, members, admin, protected, id and gid are the group's own",
);
const PROTECTED_RULE: Refusal = Refusal::BadGroup(
    "protected names at most 68 fields, each of 1 to 64 bytes without control characters",
);

/// The fields, but for the people in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields {
    /// See [`crate::broker::groups::Group::name`].
    pub name: Arc<str>,
    /// See [`crate::broker::groups::Group::protected`]; each once.
    pub protected: Vec<String>,
    /// See [`crate::broker::groups::Group::custom`].
    pub custom: BTreeMap<String, String>,
}

impl Fields {
    /// The fields of a new group.
    pub fn of(new: &NewGroup) -> Result<Self, Refusal> {
        let protected = new.protected.clone();
        let default = || [NAME, MEMBERS, ADMIN].map(str::to_owned).to_vec();
        let fields = Self {
            name: Arc::from(&*new.name),
            protected: once_each(protected.unwrap_or_else(default)),
            custom: new.custom.clone(),
        };
        fields.checked()
    }

    /// The fields after a patch. Whether it is allowed is another question: [`super::seats::Seats::change`].
    pub fn patched(&self, patch: &GroupPatch) -> Result<Self, Refusal> {
        let mut fields = self.clone();
        if let Some(name) = &patch.name {
            fields.name = Arc::from(&**name);
        }
        if let Some(protected) = &patch.protected {
            fields.protected = once_each(protected.clone());
        }
        for (name, value) in &patch.custom {
            match value {
                Some(value) => fields.custom.insert(name.clone(), value.clone()),
                None => fields.custom.remove(name),
            };
        }
        fields.checked()
    }

    fn checked(self) -> Result<Self, Refusal> {
        let long = self.name.chars().count() > limits::GROUP_NAME_CHARS_MAX;
        if long || self.name.chars().any(char::is_control) {
            return Err(NAME_RULE);
        }
        let protected_max = limits::GROUP_FIELDS_MAX + 4;
        if self.protected.len() > protected_max || !self.protected.iter().all(|name| is_name(name))
        {
            return Err(PROTECTED_RULE);
        }
        let own = |name: &String| is_name(name) && !RESERVED.contains(&name.as_str());
        if !self.custom.keys().all(own) {
            return Err(FIELD_RULE);
        }
        let bytes = self
            .custom
            .iter()
            .map(|(name, value)| name.len() + value.len());
        if self.custom.len() > limits::GROUP_FIELDS_MAX
            || bytes.sum::<usize>() > limits::GROUP_FIELD_BYTES_MAX
        {
            return Err(CUSTOM_RULE);
        }
        Ok(self)
    }
}

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && !name.chars().any(char::is_control)
}

fn once_each(mut names: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn custom<const N: usize>(fields: [(&str, &str); N]) -> BTreeMap<String, String> {
        fields
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    #[test]
    fn a_group_is_protected_by_default() {
        let fields = Fields::of(&NewGroup::default()).expect("nothing is wrong with it");
        assert_eq!(fields.protected, [NAME, MEMBERS, ADMIN]);
        let protected = |names: &[&str]| NewGroup {
            protected: Some(names.iter().map(|name| (*name).to_owned()).collect()),
            ..NewGroup::default()
        };
        let fields = Fields::of(&protected(&["b", "a", "b"])).expect("likewise");
        assert_eq!(fields.protected, ["b", "a"]);
        for bad in [&[""][..], &["a\n"], &[&*"x".repeat(65)]] {
            assert_eq!(Fields::of(&protected(bad)), Err(PROTECTED_RULE), "{bad:?}");
        }
        let many: Vec<String> = (0..69).map(|number| number.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(Fields::of(&protected(&many[1..])).is_ok());
        assert_eq!(Fields::of(&protected(&many)), Err(PROTECTED_RULE));
    }

    #[test]
    fn names_and_fields_have_bounds() {
        let of = |name: &str, custom| {
            Fields::of(&NewGroup {
                name: name.to_owned(),
                custom,
                ..NewGroup::default()
            })
            .map(|_| ())
        };
        let none = BTreeMap::new;
        for good in ["", "吃货小分队", &"起".repeat(128)] {
            assert_eq!(of(good, none()), Ok(()), "{good:?}");
        }
        for bad in ["a\tb", &"x".repeat(129)] {
            assert_eq!(of(bad, none()), Err(NAME_RULE), "{bad:?}");
        }
        let reserved = RESERVED.map(str::to_owned);
        for bad in reserved.iter().map(String::as_str).chain(["", "\0"]) {
            assert_eq!(of("", custom([(bad, "")])), Err(FIELD_RULE), "{bad:?}");
        }
        assert_eq!(of("", custom([("a", &"x".repeat(16_383))])), Ok(()));
        let large = custom([("a", &"x".repeat(16_384))]);
        assert_eq!(of("", large), Err(CUSTOM_RULE));
        let many = |count: usize| {
            let names = (0..count).map(|number| (number.to_string(), String::new()));
            names.collect::<BTreeMap<_, _>>()
        };
        assert_eq!(of("", many(64)), Ok(()));
        assert_eq!(of("", many(65)), Err(CUSTOM_RULE));
    }

    #[test]
    fn a_patch_changes_what_it_names() {
        let before = Fields {
            name: Arc::from("old"),
            protected: vec![NAME.to_owned()],
            custom: custom([("a", "1"), ("b", "2")]),
        };
        assert_eq!(before.patched(&GroupPatch::default()), Ok(before.clone()));
        let patch = GroupPatch {
            name: Some("new".to_owned()),
            protected: Some(vec!["a".to_owned()]),
            custom: [("a", None), ("b", Some("3")), ("c", Some("4")), ("d", None)]
                .map(|(name, value)| (name.to_owned(), value.map(str::to_owned)))
                .into(),
            ..GroupPatch::default()
        };
        let after = before.patched(&patch).expect("within bounds");
        assert_eq!(
            (&*after.name, after.protected),
            ("new", vec!["a".to_owned()])
        );
        assert_eq!(after.custom, custom([("b", "3"), ("c", "4")]));
    }
}
