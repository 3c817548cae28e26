//! What operators and their machines ask.

use http::Method;

use crate::gateways::rest::call::BodySize;
use crate::gateways::rest::call::Call;
use crate::gateways::rest::call::Good;
use crate::gateways::rest::call::Handler;
use crate::gateways::rest::call::Kind;
use crate::gateways::rest::call::Shape;
use crate::gateways::rest::health;

pub(super) static CALLS: &[Call] = &[
    Call {
        method: Method::GET,
        path: "/healthz",
        summary: "Whether the process is alive",
        fields: &[],
        answer: Good {
            code: 200,
            shape: Shape::Object(HEALTH),
        },
        refusals: &[],
        body: BodySize::Small,
        handler: Handler::Anyone(|request| Box::pin(health::alive(request))),
    },
    Call {
        method: Method::GET,
        path: "/readyz",
        summary: "Whether messages can be kept now",
        fields: &[],
        answer: Good {
            code: 200,
            shape: Shape::Object(HEALTH),
        },
        refusals: &[503],
        body: BodySize::Small,
        handler: Handler::Anyone(|request| Box::pin(health::ready(request))),
    },
    Call {
        method: Method::GET,
        path: "/metrics",
        summary: "Metrics in the text format of Prometheus",
        fields: &[],
        answer: Good {
            code: 200,
            shape: Shape::Text,
        },
        refusals: &[],
        body: BodySize::Small,
        handler: Handler::Anyone(|request| Box::pin(health::metrics(request))),
    },
    Call {
        method: Method::GET,
        path: "/api/openapi.json",
        summary: "This description",
        fields: &[],
        answer: Good {
            code: 200,
            shape: Shape::Document,
        },
        refusals: &[],
        body: BodySize::Small,
        handler: Handler::Anyone(|request| Box::pin(health::description(request))),
    },
];

const HEALTH: &[(&str, Kind)] = &[("status", Kind::Text)];
