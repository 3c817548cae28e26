//! All calls, once: routing and the description at `/api/openapi.json` both come from here.

use http::Method;

use crate::gateways::rest::accounts;
use crate::gateways::rest::call::BodySize;
use crate::gateways::rest::call::Call;
use crate::gateways::rest::call::Field;
use crate::gateways::rest::call::Good;
use crate::gateways::rest::call::Handler;
use crate::gateways::rest::call::Kind;
use crate::gateways::rest::call::Shape;
use crate::gateways::rest::health;
use crate::gateways::rest::messages;
use crate::gateways::rest::people;
use crate::gateways::url::decode;

/// The table.
pub(super) static CALLS: &[Call] = &[
    Call {
        method: Method::POST,
        path: "/api/users",
        summary: "Make an account",
        fields: &[
            Field::body("name", Kind::Text, "1 to 64 characters, no control characters, no '/', not all digits"),
            Field::body("password", Kind::Text, "8 to 1024 bytes"),
        ],
        answer: Good { code: 201, shape: Shape::Object(PERSON) },
        refusals: &[400, 403, 409, 413, 422, 429],
        body: BodySize::Small,
        handler: Handler::Anyone(|request| Box::pin(accounts::register(request))),
    },
    Call {
        method: Method::POST,
        path: "/api/login",
        summary: "Log in: a session token, good until expiresAt (milliseconds since the Unix epoch)",
        fields: &[
            Field::body("name", Kind::Text, "the user's name"),
            Field::body("password", Kind::Text, "the user's password"),
        ],
        answer: Good {
            code: 200,
            shape: Shape::Object(&[
                ("uid", Kind::Number),
                ("uname", Kind::Text),
                ("token", Kind::Text),
                ("expiresAt", Kind::Number),
            ]),
        },
        refusals: &[400, 401, 413, 429],
        body: BodySize::Small,
        handler: Handler::Anyone(|request| Box::pin(accounts::log_in(request))),
    },
    Call {
        method: Method::POST,
        path: "/api/logout",
        summary: "Log out: the token is revoked and its sessions are closed",
        fields: &[],
        answer: Good { code: 204, shape: Shape::Nothing },
        refusals: &[],
        body: BodySize::Small,
        handler: Handler::User(|request, login| Box::pin(accounts::log_out(request, login))),
    },
    Call {
        method: Method::POST,
        path: "/signout",
        summary: "The same as /api/logout",
        fields: &[],
        answer: Good { code: 204, shape: Shape::Nothing },
        refusals: &[],
        body: BodySize::Small,
        handler: Handler::User(|request, login| Box::pin(accounts::log_out(request, login))),
    },
    Call {
        method: Method::POST,
        path: "/IM/token",
        summary: "A token that opens one packet connection, good for expiresIn seconds",
        fields: &[],
        answer: Good {
            code: 200,
            shape: Shape::Object(&[("wstoken", Kind::Text), ("expiresIn", Kind::Number)]),
        },
        refusals: &[],
        body: BodySize::Small,
        handler: Handler::User(|request, login| {
            Box::pin(accounts::websocket_token(request, login))
        }),
    },
    Call {
        method: Method::POST,
        path: "/api/messages",
        summary: "Send a message; answered once it is on disk. The same again is answered the same and kept once",
        fields: &[
            Field::body("to", Kind::User, "the receiver; either this or group").optional(),
            Field::body("group", Kind::Number, "the receiving group; either this or to").optional(),
            Field::body("content", Kind::Text, "what it says"),
            Field::body("msgID", Kind::MsgId, "the sender's id of it, SHA1(content + now in ms); made where absent").optional(),
            Field::body("from", Kind::User, "the sender: required with an API key, ignored without").optional(),
        ],
        answer: Good {
            code: 201,
            shape: Shape::Object(&[
                ("id", Kind::Number),
                ("msgID", Kind::MsgId),
                ("time", Kind::Number),
            ]),
        },
        refusals: &[400, 404, 409, 413, 429],
        body: BodySize::Content,
        handler: Handler::UserOrServer(|request, caller| Box::pin(messages::send(request, caller))),
    },
    Call {
        method: Method::GET,
        path: "/api/messages",
        summary: "A page of the caller's own conversation with a user, newest first",
        fields: &[
            Field::query("with", Kind::User, "the other user; either this or group").optional(),
            Field::query("group", Kind::Number, "the group; either this or with").optional(),
            Field::query("before", Kind::Number, "only older messages: from 1000000000000 on a time in ms, below it the id of a message").optional(),
            Field::query("limit", Kind::Number, LIMIT).optional(),
        ],
        answer: Good { code: 200, shape: Shape::Object(PAGE) },
        refusals: &[400, 404],
        body: BodySize::Small,
        handler: Handler::User(|request, login| Box::pin(messages::history(request, login))),
    },
    Call {
        method: Method::GET,
        path: "/api/inbox",
        summary: "What the caller has not yet received, oldest first",
        fields: &[
            Field::query("after", Kind::Number, "only messages after the one with this id").optional(),
            Field::query("limit", Kind::Number, LIMIT).optional(),
        ],
        answer: Good { code: 200, shape: Shape::Object(PAGE) },
        refusals: &[400],
        body: BodySize::Small,
        handler: Handler::User(|request, login| Box::pin(messages::inbox(request, login))),
    },
    Call {
        method: Method::POST,
        path: "/api/messages/{msgID}/recive",
        summary: "Confirm that a message was received; confirming twice is no error",
        fields: &[Field::path("msgID", Kind::MsgId, "the sender's id of the message")],
        answer: Good {
            code: 200,
            shape: Shape::Object(&[
                ("msgID", Kind::MsgId),
                ("code", Kind::Number),
                ("status", Kind::Text),
                ("content", Kind::Text),
            ]),
        },
        refusals: &[400, 404],
        body: BodySize::Small,
        handler: Handler::User(|request, login| Box::pin(messages::confirm(request, login))),
    },
    Call {
        method: Method::GET,
        path: "/api/users/{user}",
        summary: "A user, and whether any session of theirs is here",
        fields: &[Field::path("user", Kind::User, "a uid or a uname")],
        answer: Good {
            code: 200,
            shape: Shape::Object(&[
                ("uid", Kind::Number),
                ("uname", Kind::Text),
                ("online", Kind::Flag),
            ]),
        },
        refusals: &[404],
        body: BodySize::Small,
        handler: Handler::UserOrServer(|request, caller| Box::pin(people::show(request, caller))),
    },
    Call {
        method: Method::GET,
        path: "/healthz",
        summary: "Whether the process is alive",
        fields: &[],
        answer: Good { code: 200, shape: Shape::Object(HEALTH) },
        refusals: &[],
        body: BodySize::Small,
        handler: Handler::Anyone(|request| Box::pin(health::alive(request))),
    },
    Call {
        method: Method::GET,
        path: "/readyz",
        summary: "Whether messages can be kept now",
        fields: &[],
        answer: Good { code: 200, shape: Shape::Object(HEALTH) },
        refusals: &[503],
        body: BodySize::Small,
        handler: Handler::Anyone(|request| Box::pin(health::ready(request))),
    },
    Call {
        method: Method::GET,
        path: "/metrics",
        summary: "Metrics in the text format of Prometheus",
        fields: &[],
        answer: Good { code: 200, shape: Shape::Text },
        refusals: &[],
        body: BodySize::Small,
        handler: Handler::Anyone(|request| Box::pin(health::metrics(request))),
    },
    Call {
        method: Method::GET,
        path: "/api/openapi.json",
        summary: "This description",
        fields: &[],
        answer: Good { code: 200, shape: Shape::Document },
        refusals: &[],
        body: BodySize::Small,
        handler: Handler::Anyone(|request| Box::pin(health::description(request))),
    },
];

const PERSON: &[(&str, Kind)] = &[("uid", Kind::Number), ("uname", Kind::Text)];
const PAGE: &[(&str, Kind)] = &[("messages", Kind::Messages), ("more", Kind::Flag)];
const HEALTH: &[(&str, Kind)] = &[("status", Kind::Text)];
const LIMIT: &str = "how many messages, from 1 to 200; 50 where absent, and more than 200 are 200";

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
    for call in CALLS {
        if let Some(parts) = parts(call.path, path) {
            found.calls.push(call);
            found.parts = parts;
        }
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
        for unknown in ["api", "api/", "api/friends", "api/users/"] {
            assert!(
                find(unknown).is_some_and(|found| found.calls.is_empty()),
                "{unknown}"
            );
        }
    }

    #[test]
    fn every_row_is_found_by_its_path_and_no_two_are_the_same() {
        let mut rows = HashSet::new();
        for call in CALLS {
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
    fn the_parts_of_a_path_are_described() {
        for call in CALLS {
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
