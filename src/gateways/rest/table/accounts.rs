//! Accounts and tokens.

use http::Method;

use crate::gateways::rest::accounts;
use crate::gateways::rest::call::BodySize;
use crate::gateways::rest::call::Call;
use crate::gateways::rest::call::Field;
use crate::gateways::rest::call::Good;
use crate::gateways::rest::call::Handler;
use crate::gateways::rest::call::Kind;
use crate::gateways::rest::call::Shape;

pub(super) static CALLS: &[Call] = &[
    Call {
        method: Method::POST,
        path: "/api/users",
        summary: "Make an account",
        fields: &[
            Field::body(
                "name",
                Kind::Text,
                "1 to 64 characters, no control characters, no '/', not all digits",
            ),
            Field::body("password", Kind::Text, "8 to 1024 bytes"),
        ],
        answer: Good {
            code: 201,
            shape: Shape::Object(PERSON),
        },
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
        answer: Good {
            code: 204,
            shape: Shape::Nothing,
        },
        refusals: &[],
        body: BodySize::Small,
        handler: Handler::User(|request, login| Box::pin(accounts::log_out(request, login))),
    },
    Call {
        method: Method::POST,
        path: "/signout",
        summary: "The same as /api/logout",
        fields: &[],
        answer: Good {
            code: 204,
            shape: Shape::Nothing,
        },
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
];

const PERSON: &[(&str, Kind)] = &[("uid", Kind::Number), ("uname", Kind::Text)];
