//! News of people as JSON: who came and who went, friendships, and what happened in groups.

use serde::Serialize;

use crate::broker::notice::GroupChange;
use crate::broker::notice::GroupNews;
use crate::broker::notice::Notice;
use crate::broker::users::Person;
use crate::gateways::json::PersonJson;
use crate::gateways::json::RequestJson;
use crate::gateways::json::wire_uid;
use crate::gateways::stomp::destination::Source;
use crate::gateways::stomp::outbound::json;

/// Users that are listed in one notice: a group may be made of thousands, and all of them are told. `count` has their number.
const LISTED_MAX: usize = 100;

#[derive(Serialize)]
struct PresenceJson<'a> {
    #[serde(flatten)]
    person: PersonJson<'a>,
    online: bool,
    time: u64,
}

#[derive(Serialize)]
struct AskedJson<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    request: RequestJson<'a>,
}

/// That a friendship was ended: by `from`.
#[derive(Serialize)]
struct EndedJson<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    from: &'a str,
    to: &'a str,
    #[serde(rename = "fromId")]
    from_id: u64,
    #[serde(rename = "toId")]
    to_id: u64,
    time: u64,
}

#[derive(Serialize)]
struct GroupJson<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "groupId")]
    group_id: u64,
    name: &'a str,
    /// Who did it; empty where an operator's server did.
    by: &'a str,
    #[serde(rename = "byId")]
    by_id: u64,
    users: Vec<PersonJson<'a>>,
    count: usize,
    time: u64,
}

/// Where it is told.
pub(super) fn source(notice: &Notice) -> Source {
    match notice {
        Notice::FriendAsked(_) | Notice::FriendAnswered { .. } | Notice::FriendGone { .. } => {
            Source::Friend
        }
        Notice::Presence { .. } => Source::Presence,
        Notice::Group(_) => Source::Group,
    }
}

/// The body that tells of it.
pub(super) fn body(notice: &Notice) -> Vec<u8> {
    match notice {
        Notice::FriendAsked(request) => json(&AskedJson {
            kind: "request",
            request: request.into(),
        }),
        Notice::FriendAnswered {
            request,
            accepted,
            time_ms,
        } => json(&AskedJson {
            kind: if *accepted { "accepted" } else { "rejected" },
            request: RequestJson::from(request).at(*time_ms),
        }),
        Notice::FriendGone { by, other, time_ms } => json(&EndedJson {
            kind: "deleted",
            from: &by.name,
            to: &other.name,
            from_id: wire_uid(by.uid),
            to_id: wire_uid(other.uid),
            time: *time_ms,
        }),
        Notice::Presence {
            person,
            online,
            time_ms,
        } => json(&PresenceJson {
            person: person.into(),
            online: *online,
            time: *time_ms,
        }),
        Notice::Group(news) => group(news),
    }
}

fn group(news: &GroupNews) -> Vec<u8> {
    let (kind, users): (_, &[Person]) = match &news.what {
        GroupChange::Made => ("made", &[]),
        GroupChange::Joined(users) => ("join", users),
        GroupChange::Left(users) => ("exit", users),
        GroupChange::Changed => ("change", &[]),
    };
    json(&GroupJson {
        kind,
        group_id: news.gid.get(),
        name: &news.name,
        by: &news.by.name,
        by_id: wire_uid(news.by.uid),
        users: users
            .iter()
            .take(LISTED_MAX)
            .map(PersonJson::from)
            .collect(),
        count: users.len(),
        time: news.time_ms,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::groups::Gid;
    use crate::broker::users::Uid;

    #[test]
    fn a_notice_lists_some_of_many_and_counts_all() {
        let person = |uid: u64| Person {
            uid: Uid::new(uid).unwrap(),
            name: format!("u{uid}").into(),
        };
        let news = GroupNews {
            gid: Gid::new(3).unwrap(),
            name: "flock".into(),
            what: GroupChange::Joined((1..=10_000).map(person).collect()),
            by: Person::system(),
            time_ms: 9,
        };
        let body = body(&Notice::Group(news));
        let told: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(told["users"].as_array().unwrap().len(), LISTED_MAX);
        assert_eq!(told["count"], 10_000);
        assert_eq!(
            told["users"][1],
            serde_json::json!({"uid": 2, "uname": "u2"})
        );
        assert_eq!((&told["by"], &told["byId"]), (&"".into(), &0.into()));
    }
}
