//! Blocked users.

use http::Method;

use crate::gateways::rest::blocks;
use crate::gateways::rest::call::BodySize;
use crate::gateways::rest::call::Call;
use crate::gateways::rest::call::Field;
use crate::gateways::rest::call::Good;
use crate::gateways::rest::call::Handler;
use crate::gateways::rest::call::Kind;
use crate::gateways::rest::call::Shape;

pub(super) static CALLS: &[Call] = &[
    Call {
        method: Method::GET,
        path: "/api/blocks",
        summary: "Whom the caller has blocked",
        fields: &[],
        answer: Good {
            code: 200,
            shape: Shape::Object(&[("blocks", Kind::List("User"))]),
        },
        refusals: &[],
        body: BodySize::Small,
        handler: Handler::User(|request, login| Box::pin(blocks::list(request, login))),
    },
    Call {
        method: Method::GET,
        path: "/api/blocks/{user}",
        summary: "Whether the caller has blocked a user",
        fields: &[Field::path("user", Kind::User, "a uid or a uname")],
        answer: Good {
            code: 200,
            shape: Shape::Object(&[
                ("uid", Kind::Number),
                ("uname", Kind::Text),
                ("blocked", Kind::Flag),
            ]),
        },
        refusals: &[404],
        body: BodySize::Small,
        handler: Handler::User(|request, login| Box::pin(blocks::show(request, login))),
    },
    Call {
        method: Method::PUT,
        path: "/api/blocks/{user}",
        summary: "Block a user: a friendship ends, and what that user sends is refused; again is no error",
        fields: &[Field::path("user", Kind::User, "a uid or a uname")],
        answer: Good {
            code: 204,
            shape: Shape::Nothing,
        },
        refusals: &[404, 422, 507],
        body: BodySize::Small,
        handler: Handler::User(|request, login| Box::pin(blocks::block(request, login))),
    },
    Call {
        method: Method::DELETE,
        path: "/api/blocks/{user}",
        summary: "Block a user no more; again is no error",
        fields: &[Field::path("user", Kind::User, "a uid or a uname")],
        answer: Good {
            code: 204,
            shape: Shape::Nothing,
        },
        refusals: &[404, 422],
        body: BodySize::Small,
        handler: Handler::User(|request, login| Box::pin(blocks::unblock(request, login))),
    },
];
