//! Groups.

use http::Method;

use crate::gateways::rest::call::BodySize;
use crate::gateways::rest::call::Call;
use crate::gateways::rest::call::Field;
use crate::gateways::rest::call::Good;
use crate::gateways::rest::call::Handler;
use crate::gateways::rest::call::Kind;
use crate::gateways::rest::call::Shape;
use crate::gateways::rest::groups;

pub(super) static CALLS: &[Call] = &[
    Call {
        method: Method::POST,
        path: "/api/groups",
        summary: "Make a group, of which the caller is an admin. Any other field is the clients' own: any JSON",
        fields: &[
            Field::body("name", Kind::Text, "its name").optional(),
            Field::body("admin", Kind::Users, ADMIN).optional(),
            Field::body("members", Kind::Users, MEMBERS).optional(),
            Field::body("protected", Kind::Texts, PROTECTED).optional(),
        ],
        answer: Good {
            code: 201,
            shape: Shape::Named("Group"),
        },
        refusals: &[400, 404, 413, 422, 507],
        body: BodySize::Group,
        handler: Handler::UserOrServer(|request, caller| Box::pin(groups::make(request, caller))),
    },
    Call {
        method: Method::GET,
        path: "/api/groups",
        summary: "The groups that the caller is a member of",
        fields: &[],
        answer: Good {
            code: 200,
            shape: Shape::Object(&[("groups", Kind::List("GroupName"))]),
        },
        refusals: &[],
        body: BodySize::Small,
        handler: Handler::User(|request, login| Box::pin(groups::list(request, login))),
    },
    Call {
        method: Method::GET,
        path: "/api/groups/{gid}",
        summary: "A group that the caller is a member of",
        fields: &[Field::path("gid", Kind::Number, "the number of the group")],
        answer: Good {
            code: 200,
            shape: Shape::Named("Group"),
        },
        refusals: &[404],
        body: BodySize::Small,
        handler: Handler::UserOrServer(|request, caller| Box::pin(groups::show(request, caller))),
    },
    Call {
        method: Method::PATCH,
        path: "/api/groups/{gid}",
        summary: "Change fields of a group; what is absent stays, and null removes a field of the clients' own",
        fields: &[
            Field::path("gid", Kind::Number, "the number of the group"),
            Field::body("name", Kind::Text, "its name").optional(),
            Field::body("admin", Kind::Users, ADMIN).optional(),
            Field::body("members", Kind::Users, MEMBERS).optional(),
            Field::body("protected", Kind::Texts, PROTECTED).optional(),
        ],
        answer: Good {
            code: 200,
            shape: Shape::Named("Group"),
        },
        refusals: &[400, 404, 409, 413, 422, 507],
        body: BodySize::Group,
        handler: Handler::UserOrServer(|request, caller| Box::pin(groups::change(request, caller))),
    },
    Call {
        method: Method::POST,
        path: "/api/groups/{gid}/members",
        summary: "Make users members; naming only oneself is to join",
        fields: &[
            Field::path("gid", Kind::Number, "the number of the group"),
            Field::body("uid", Kind::User, "whom to add; either this or uids").optional(),
            Field::body(
                "uids",
                Kind::Users,
                "whom to add; members is another name for it",
            )
            .optional(),
            Field::body("members", Kind::Users, "whom to add").optional(),
        ],
        answer: Good {
            code: 200,
            shape: Shape::Named("Group"),
        },
        refusals: &[400, 404, 413, 422, 507],
        body: BodySize::Group,
        handler: Handler::UserOrServer(|request, caller| Box::pin(groups::add(request, caller))),
    },
    Call {
        method: Method::POST,
        path: "/api/groups/{gid}/members/{user}",
        summary: "Make a user a member; naming oneself is to join",
        fields: &[
            Field::path("gid", Kind::Number, "the number of the group"),
            Field::path("user", Kind::User, "a uid or a uname"),
        ],
        answer: Good {
            code: 200,
            shape: Shape::Named("Group"),
        },
        refusals: &[404, 507],
        body: BodySize::Small,
        handler: Handler::UserOrServer(|request, caller| {
            Box::pin(groups::add_one(request, caller))
        }),
    },
    Call {
        method: Method::DELETE,
        path: "/api/groups/{gid}/members/{user}",
        summary: "Make a user no longer a member; naming oneself is to leave",
        fields: &[
            Field::path("gid", Kind::Number, "the number of the group"),
            Field::path("user", Kind::User, "a uid or a uname"),
        ],
        answer: Good {
            code: 204,
            shape: Shape::Nothing,
        },
        refusals: &[404, 409],
        body: BodySize::Small,
        handler: Handler::UserOrServer(|request, caller| Box::pin(groups::remove(request, caller))),
    },
];

const ADMIN: &str = "users who may change protected fields; they are members too";
const MEMBERS: &str = "users who are in it";
const PROTECTED: &str =
    "names of the fields that only admins change; name, members and admin unless said";
