//! Users as others see them.

use http::Method;

use crate::gateways::rest::call::BodySize;
use crate::gateways::rest::call::Call;
use crate::gateways::rest::call::Field;
use crate::gateways::rest::call::Good;
use crate::gateways::rest::call::Handler;
use crate::gateways::rest::call::Kind;
use crate::gateways::rest::call::Shape;
use crate::gateways::rest::people;

pub(super) static CALLS: &[Call] = &[
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
        path: "/api/users/{user}/location",
        summary: "Where a user is, or was last: for friends, and for other servers",
        fields: &[Field::path("user", Kind::User, "a uid or a uname")],
        answer: Good {
            code: 200,
            shape: Shape::Object(&[
                ("uid", Kind::Number),
                ("uname", Kind::Text),
                ("longtitude", Kind::Degrees),
                ("latitude", Kind::Degrees),
                ("time", Kind::Number),
            ]),
        },
        refusals: &[404],
        body: BodySize::Small,
        handler: Handler::UserOrServer(|request, caller| {
            Box::pin(people::location(request, caller))
        }),
    },
];
