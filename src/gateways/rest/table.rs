//! All calls, once: routing and the description at `/api/openapi.json` both come from here. The rows stand by their nouns.

mod accounts;
mod blocks;
mod friends;
mod groups;
mod health;
mod images;
mod messages;
mod people;
mod servers;

use std::cmp::Ordering;

use crate::gateways::rest::call::Call;
use crate::gateways::url::decode;

/// The rows of the table.
pub(super) fn calls() -> impl Iterator<Item = &'static Call> {
    let nouns = [
        accounts::CALLS,
        messages::CALLS,
        people::CALLS,
        friends::CALLS,
        blocks::CALLS,
        groups::CALLS,
        images::CALLS,
        servers::CALLS,
        health::CALLS,
    ];
    nouns.into_iter().flatten()
}

/// Where a path leads.
pub(super) struct Found {
    /// The calls of that path; none where it is unknown, and ours to say so.
    pub(super) calls: Vec<&'static Call>,
    /// What stands for the `{part}`s of the path.
    pub(super) parts: Vec<String>,
}

/// Looks up `path`, without its leading slash. `None` where it is not ours.
pub(super) fn find(path: &str) -> Option<Found> {
    let mut found = Found {
        calls: Vec::new(),
        parts: Vec::new(),
    };
    for call in calls() {
        let Some(parts) = parts(call.path, path) else {
            continue;
        };
        // Where a path fits two patterns, the one that is more literal is meant.
        match found
            .calls
            .first()
            .map(|_| parts.len().cmp(&found.parts.len()))
        {
            Some(Ordering::Greater) => continue,
            Some(Ordering::Less) => found.calls.clear(),
            Some(Ordering::Equal) | None => {}
        }
        found.calls.push(call);
        found.parts = parts;
    }
    let ours = !found.calls.is_empty() || path == "api" || path.starts_with("api/");
    ours.then_some(found)
}

/// What stands in `path` for the `{part}`s of `pattern`; `None` where they don't fit.
fn parts(pattern: &str, path: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut segments = path.split('/');
    for wanted in pattern.split('/').skip(1) {
        let segment = segments.next()?;
        if wanted.starts_with('{') {
            parts.push(decode(segment).filter(|part| !part.is_empty())?);
        } else if segment != wanted {
            return None;
        }
    }
    segments.next().is_none().then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateways::rest::call::Place;
    use std::collections::HashSet;

    #[test]
    fn a_path_fits_one_pattern_and_its_parts_are_decoded() {
        let user = |path| parts("/api/users/{user}", path);
        assert_eq!(user("api/users/7"), Some(vec!["7".to_owned()]));
        assert_eq!(
            user("api/users/li%20aojie"),
            Some(vec!["li aojie".to_owned()])
        );
        for other in [
            "api/users",
            "api/users/",
            "api/users/7/",
            "api/users/%FF",
            "api//users/7",
        ] {
            assert_eq!(user(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_not_ours_is_left_to_others() {
        for theirs in [
            "",
            "apis",
            "client",
            "socketServer/info",
            "metrics/",
            "healthz/x",
        ] {
            assert!(find(theirs).is_none(), "{theirs}");
        }
        for unknown in ["api", "api/", "api/friend", "api/users/"] {
            assert!(
                find(unknown).is_some_and(|found| found.calls.is_empty()),
                "{unknown}"
            );
        }
    }

    #[test]
    fn every_row_is_found_by_its_path_and_no_two_are_the_same() {
        let mut rows = HashSet::new();
        for call in calls() {
            let path = call.path.replace(['{', '}'], "");
            let found = find(&path[1..]).expect(call.path);
            let same = |other: &&Call| other.path == call.path && other.method == call.method;
            assert_eq!(found.calls.iter().filter(|other| same(other)).count(), 1);
            // Two patterns that fit one path would be a riddle.
            assert!(
                found.calls.iter().all(|other| other.path == call.path),
                "{path}"
            );
            assert!(rows.insert((&call.method, call.path)), "{path} twice");
        }
    }

    #[test]
    fn a_literal_path_is_meant_before_a_pattern() {
        let found = find("api/friends/requests").expect("ours");
        assert!(found.parts.is_empty());
        assert!(
            found
                .calls
                .iter()
                .all(|call| call.path == "/api/friends/requests")
        );
        let found = find("api/friends/7").expect("ours");
        assert_eq!(found.parts, ["7"]);
    }

    #[test]
    fn the_parts_of_a_path_are_described() {
        for call in calls() {
            let parts = call
                .path
                .split('/')
                .filter_map(|s| s.strip_prefix('{')?.strip_suffix('}'));
            let fields = call
                .fields
                .iter()
                .filter(|f| f.place == Place::Path)
                .map(|f| f.name);
            assert!(parts.eq(fields), "{}", call.path);
        }
    }
}
