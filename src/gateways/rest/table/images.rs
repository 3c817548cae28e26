//! Pictures.

use http::Method;

use crate::gateways::rest::call::BodySize;
use crate::gateways::rest::call::Call;
use crate::gateways::rest::call::Field;
use crate::gateways::rest::call::Good;
use crate::gateways::rest::call::Handler;
use crate::gateways::rest::call::Kind;
use crate::gateways::rest::call::Shape;
use crate::gateways::rest::images;

pub(super) static CALLS: &[Call] = &[
    Call {
        method: Method::POST,
        path: "/api/images",
        summary: "Keep a picture: PNG, JPEG, GIF or WebP, at most 5 MiB, which the body is itself",
        fields: &[],
        answer: Good {
            code: 201,
            shape: Shape::Object(&[("id", Kind::Text)]),
        },
        refusals: &[413, 415, 507],
        body: BodySize::Picture,
        handler: Handler::User(|request, login| Box::pin(images::keep(request, login))),
    },
    Call {
        method: Method::GET,
        path: "/api/images/{id}",
        summary: "A picture of the caller's own, or of a conversation that the caller is in",
        fields: &[Field::path("id", Kind::Text, "the id of the picture")],
        answer: Good {
            code: 200,
            shape: Shape::Picture,
        },
        refusals: &[404],
        body: BodySize::Small,
        handler: Handler::User(|request, login| Box::pin(images::show(request, login))),
    },
];
