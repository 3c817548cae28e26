//! Messages.

use http::Method;

use crate::gateways::rest::call::BodySize;
use crate::gateways::rest::call::Call;
use crate::gateways::rest::call::Field;
use crate::gateways::rest::call::Good;
use crate::gateways::rest::call::Handler;
use crate::gateways::rest::call::Kind;
use crate::gateways::rest::call::Shape;
use crate::gateways::rest::messages;

pub(super) static CALLS: &[Call] = &[
    Call {
        method: Method::POST,
        path: "/api/messages",
        summary: "Send a message; answered once it is on disk. The same again is answered the same and kept once",
        fields: &[
            Field::body("to", Kind::User, "the receiver; either this or group").optional(),
            Field::body("group", Kind::Number, "the receiving group; either this or to").optional(),
            Field::body("content", Kind::Text, "what it says; of an image, its id"),
            Field::body("type", Kind::Text, "text, or image; text where absent").optional(),
            Field::body("ignoreIds", Kind::Users, "members of the group who are not to have it").optional(),
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
        summary: "A page of a conversation of the caller's own, newest first",
        fields: &[
            Field::query("with", Kind::User, "the other user, 0 for the system; either this or group").optional(),
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
];

const PAGE: &[(&str, Kind)] = &[("messages", Kind::List("Message")), ("more", Kind::Flag)];
const LIMIT: &str = "how many messages, from 1 to 200; 50 where absent, and more than 200 are 200";
