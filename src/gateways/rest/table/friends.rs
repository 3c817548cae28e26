//! Friends.

use http::Method;

use crate::gateways::rest::call::BodySize;
use crate::gateways::rest::call::Call;
use crate::gateways::rest::call::Field;
use crate::gateways::rest::call::Good;
use crate::gateways::rest::call::Handler;
use crate::gateways::rest::call::Kind;
use crate::gateways::rest::call::Shape;
use crate::gateways::rest::friends;

pub(super) static CALLS: &[Call] = &[
    Call {
        method: Method::GET,
        path: "/api/friends",
        summary: "Friends, requests to the caller, and requests of the caller that are not answered",
        fields: &[],
        answer: Good {
            code: 200,
            shape: Shape::Object(&[
                ("friends", Kind::List("Friend")),
                ("requests", Kind::List("FriendRequest")),
                ("asking", Kind::List("FriendRequest")),
            ]),
        },
        refusals: &[],
        body: BodySize::Small,
        handler: Handler::User(|request, login| Box::pin(friends::list(request, login))),
    },
    Call {
        method: Method::POST,
        path: "/api/friends/requests",
        summary: "Ask a user to be a friend; a yes at once where that user has asked already",
        fields: &[
            Field::body("to", Kind::User, "whom to ask"),
            Field::body("msg", Kind::Text, "what to say").optional(),
        ],
        answer: Good {
            code: 201,
            shape: Shape::Named("FriendRequest"),
        },
        refusals: &[400, 404, 409, 413, 422, 507],
        body: BodySize::Small,
        handler: Handler::User(|request, login| Box::pin(friends::ask(request, login))),
    },
    Call {
        method: Method::POST,
        path: "/api/friends/requests/{id}/accept",
        summary: "Be friends with whoever asked; accepting twice is no error",
        fields: &[Field::path("id", Kind::Number, "the number of the request")],
        answer: Good {
            code: 200,
            shape: Shape::Named("FriendRequest"),
        },
        refusals: &[404, 409, 507],
        body: BodySize::Small,
        handler: Handler::User(|request, login| Box::pin(friends::accept(request, login))),
    },
    Call {
        method: Method::POST,
        path: "/api/friends/requests/{id}/reject",
        summary: "Say no to whoever asked; rejecting twice is no error",
        fields: &[Field::path("id", Kind::Number, "the number of the request")],
        answer: Good {
            code: 200,
            shape: Shape::Named("FriendRequest"),
        },
        refusals: &[404, 409],
        body: BodySize::Small,
        handler: Handler::User(|request, login| Box::pin(friends::reject(request, login))),
    },
    Call {
        method: Method::DELETE,
        path: "/api/friends/{user}",
        summary: "Be friends no more; no error where there is no friendship",
        fields: &[Field::path("user", Kind::User, "a uid or a uname")],
        answer: Good {
            code: 204,
            shape: Shape::Nothing,
        },
        refusals: &[404, 422],
        body: BodySize::Small,
        handler: Handler::User(|request, login| Box::pin(friends::end(request, login))),
    },
];
