//! Groups: how clients describe one, and how it is shown. Fields of the clients' own are any JSON, kept as its text.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de::Error;
use serde::de::MapAccess;
use serde::de::Visitor;
use serde::ser::SerializeMap;
use serde_json::value::RawValue;

use crate::broker::command::GroupName;
use crate::broker::groups::Group;
use crate::broker::groups::GroupPatch;
use crate::broker::groups::NewGroup;
use crate::broker::users::Person;
use crate::broker::users::UserKey;
use crate::gateways::json::UsersJson;
use crate::gateways::json::wire_uid;

/// Most fields that one description may have beside the known ones, and most names in its `protected`. How much of it a
/// group may keep the broker says.
const FIELDS_MAX: usize = 256;

/// Fields that the broker writes, and no client.
const OURS: [&str; 4] = ["gid", "id", "made", "created"];

/// What a client says of a group that it makes or changes; what is absent was not said.
#[derive(Debug, Default)]
pub struct GroupFields {
    name: Option<String>,
    admins: Option<Vec<UserKey>>,
    members: Option<Vec<UserKey>>,
    protected: Option<Vec<String>>,
    custom: BTreeMap<String, Box<RawValue>>,
}

impl From<GroupFields> for NewGroup {
    fn from(fields: GroupFields) -> Self {
        let custom = fields.custom.into_iter();
        Self {
            name: fields.name.unwrap_or_default(),
            admins: fields.admins.unwrap_or_default(),
            members: fields.members.unwrap_or_default(),
            protected: fields.protected,
            custom: custom.map(|(name, value)| (name, text(value))).collect(),
        }
    }
}

/// `null` removes a field.
impl From<GroupFields> for GroupPatch {
    fn from(fields: GroupFields) -> Self {
        let custom = fields.custom.into_iter().map(|(name, value)| {
            let kept = (value.get() != "null").then(|| text(value));
            (name, kept)
        });
        Self {
            name: fields.name,
            admins: fields.admins,
            members: fields.members,
            protected: fields.protected,
            custom: custom.collect(),
        }
    }
}

fn text(value: Box<RawValue>) -> String {
    Box::<str>::from(value).into_string()
}

impl<'de> Deserialize<'de> for GroupFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = GroupFields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with the fields of a group")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<GroupFields, A::Error> {
                let mut fields = GroupFields::default();
                while let Some(name) = map.next_key::<String>()? {
                    match name.as_str() {
                        "name" => fields.name = Some(map.next_value()?),
                        "admin" => fields.admins = Some(map.next_value::<UsersJson>()?.0),
                        "members" => fields.members = Some(map.next_value::<UsersJson>()?.0),
                        "protected" => {
                            let names: Vec<String> = map.next_value()?;
                            bounded::<A::Error>(names.len())?;
                            fields.protected = Some(names);
                        }
                        ours if OURS.contains(&ours) => {
                            let sentence =
                                format!("{ours:?} is written by the broker; leave it out");
                            return Err(A::Error::custom(sentence));
                        }
                        _ => {
                            fields.custom.insert(name, map.next_value()?);
                            bounded::<A::Error>(fields.custom.len())?;
                        }
                    }
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(FieldsVisitor)
    }
}

fn bounded<E: Error>(fields: usize) -> Result<(), E> {
    if fields > FIELDS_MAX {
        return Err(E::custom(format!(
            "at most {FIELDS_MAX} fields are allowed"
        )));
    }
    Ok(())
}

/// A group as its members see it: `gid` (also as `id`), `name`, `admin`, `members`, `protected`, `made`, and the fields of the
/// clients' own beside them.
#[derive(Debug)]
pub struct GroupJson<'a>(pub &'a Group);

impl Serialize for GroupJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(group) = self;
        let uids = |people: &[Person]| -> Vec<u64> {
            people.iter().map(|person| wire_uid(person.uid)).collect()
        };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("gid", &group.gid.get())?;
        map.serialize_entry("id", &group.gid.get())?;
        map.serialize_entry("name", &*group.name)?;
        map.serialize_entry("admin", &uids(&group.admins))?;
        map.serialize_entry("members", &uids(&group.members))?;
        map.serialize_entry("protected", &group.protected)?;
        map.serialize_entry("made", &group.made_ms)?;
        for (name, value) in &group.custom {
            match serde_json::from_str::<&RawValue>(value) {
                Ok(json) => map.serialize_entry(name, json)?,
                // Nobody keeps such a value; shown as it stands.
                Err(_) => map.serialize_entry(name, value)?,
            }
        }
        map.end()
    }
}

/// A group, named.
#[derive(Debug, Serialize)]
pub struct GroupNameJson<'a> {
    gid: u64,
    id: u64,
    name: &'a str,
}

impl<'a> From<&'a GroupName> for GroupNameJson<'a> {
    fn from(group: &'a GroupName) -> Self {
        Self {
            gid: group.gid.get(),
            id: group.gid.get(),
            name: &group.name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::groups::Gid;
    use crate::gateways::json::read;

    #[test]
    fn fields_of_the_clients_own_are_kept_as_they_stand() {
        let body = br#"{"name":"flock","members":[1,"li"],"colour":{"r":1.50},"big":12345678901234567890123}"#;
        let group = NewGroup::from(read::<GroupFields>(body).expect("a group"));
        assert_eq!((&*group.name, group.members.len()), ("flock", 2));
        assert_eq!((group.admins.len(), group.protected), (0, None));
        assert_eq!(group.custom["colour"], r#"{"r":1.50}"#);
        assert_eq!(group.custom["big"], "12345678901234567890123");
    }

    #[test]
    fn null_removes_a_field_and_what_is_absent_stays() {
        let patch = GroupPatch::from(read::<GroupFields>(br#"{"a":null,"b":[]}"#).expect("it"));
        assert_eq!((patch.name, patch.members), (None, None));
        assert_eq!(patch.custom["a"], None);
        assert_eq!(patch.custom["b"], Some("[]".to_owned()));
    }

    #[test]
    fn a_description_is_bounded_and_typed() {
        for bad in [
            r#"{"gid":1}"#,
            r#"{"made":1}"#,
            r#"{"name":7}"#,
            r#"{"admin":"li"}"#,
            r#"{"members":[[]]}"#,
            r#"{"protected":[1]}"#,
            "[]",
        ] {
            assert!(read::<GroupFields>(bad.as_bytes()).is_err(), "{bad}");
        }
        let many = (0..=FIELDS_MAX).map(|n| format!("\"f{n}\":1"));
        let many = format!("{{{}}}", many.collect::<Vec<_>>().join(","));
        assert!(read::<GroupFields>(many.as_bytes()).is_err());
    }

    #[test]
    fn a_group_is_shown_whole() {
        let li = Person {
            uid: crate::broker::users::Uid::new(1).unwrap(),
            name: "li".into(),
        };
        let group = Group {
            gid: Gid::new(9).unwrap(),
            name: "flock".into(),
            admins: vec![li.clone()],
            members: vec![li].into(),
            protected: vec!["name".into()],
            custom: BTreeMap::from([("colour".to_owned(), "[1.0]".to_owned())]),
            made_ms: 5,
        };
        let text = serde_json::to_string(&GroupJson(&group)).unwrap();
        let expected = r#"{"gid":9,"id":9,"name":"flock","admin":[1],"members":[1],"protected":["name"],"made":5,"colour":[1.0]}"#;
        assert_eq!(text, expected);
    }
}
