//! What an operator's own servers do, with an API key.

use http::Method;

use crate::gateways::rest::call::BodySize;
use crate::gateways::rest::call::Call;
use crate::gateways::rest::call::Field;
use crate::gateways::rest::call::Good;
use crate::gateways::rest::call::Handler;
use crate::gateways::rest::call::Kind;
use crate::gateways::rest::call::Shape;
use crate::gateways::rest::orders;
use crate::gateways::rest::pushes;

pub(super) static CALLS: &[Call] = &[
    Call {
        method: Method::POST,
        path: "/api/push",
        summary: "Push something to a user: a message of the system",
        fields: &[
            Field::body("uid", Kind::User, "whom to"),
            Field::body(
                "type",
                Kind::Any,
                "3 to 11 or 13 to 19, or its name, such as S2C_SYSTEM_PUSH",
            ),
            Field::body("data", Kind::Any, "what to push; null where absent").optional(),
            Field::body(
                "msgID",
                Kind::MsgId,
                "so that the same push again is kept once; made where absent",
            )
            .optional(),
        ],
        answer: Good {
            code: 201,
            shape: Shape::Object(&[
                ("id", Kind::Number),
                ("msgID", Kind::MsgId),
                ("time", Kind::Number),
            ]),
        },
        refusals: &[400, 404, 409, 413, 422, 429],
        body: BodySize::Content,
        handler: Handler::Server(|request| Box::pin(pushes::push(request))),
    },
    Call {
        method: Method::POST,
        path: "/api/orders",
        summary: "Offer an order to couriers; the same again is no error",
        fields: &[
            Field::body("id", Kind::Text, "1 to 64 bytes, no control characters"),
            Field::body("customer", Kind::User, "who ordered"),
        ],
        answer: Good {
            code: 201,
            shape: Shape::Object(&[("id", Kind::Text)]),
        },
        refusals: &[400, 404, 409, 413, 422],
        body: BodySize::Small,
        handler: Handler::Server(|request| Box::pin(orders::place(request))),
    },
];
