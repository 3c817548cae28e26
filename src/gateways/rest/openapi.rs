//! The description of the table for machines: OpenAPI 3.1.

use http::StatusCode;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::broker::images::Media;
use crate::gateways::json::LISTED_MAX;
use crate::gateways::rest::call::BodySize;
use crate::gateways::rest::call::Call;
use crate::gateways::rest::call::Field;
use crate::gateways::rest::call::Handler;
use crate::gateways::rest::call::Kind;
use crate::gateways::rest::call::Place;
use crate::gateways::rest::call::Shape;
use crate::gateways::rest::schemas::SCHEMAS;
use crate::gateways::rest::table::calls;

/// The document, for calls below `context_path`.
pub(super) fn document(context_path: &str) -> Value {
    let mut paths = Map::new();
    for call in calls() {
        let path = paths.entry(call.path).or_insert_with(|| json!({}));
        path[call.method.as_str().to_ascii_lowercase()] = operation(call);
    }
    let root = context_path.trim_end_matches('/');
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Hongyan", "version": env!("CARGO_PKG_VERSION") },
        "servers": [{ "url": if root.is_empty() { "/" } else { root } }],
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
                "apiKey": { "type": "apiKey", "in": "header", "name": "X-Api-Key" },
            },
        },
    })
}

fn schemas() -> Value {
    let mut schemas = Map::new();
    for named in SCHEMAS {
        let mut schema = object(named.members);
        for (name, kind) in named.optional {
            schema["properties"][*name] = schema_of(*kind);
        }
        schemas.insert(named.name.to_owned(), schema);
    }
    schemas.into()
}

fn operation(call: &Call) -> Value {
    let parameters: Vec<Value> = call.fields.iter().filter_map(parameter).collect();
    let security = match call.handler {
        Handler::Anyone(_) => json!([]),
        Handler::User(_) => json!([{ "token": [] }]),
        Handler::UserOrServer(_) => json!([{ "token": [] }, { "apiKey": [] }]),
        Handler::Server(_) => json!([{ "apiKey": [] }]),
    };
    let mut operation = json!({
        "summary": call.summary,
        "parameters": parameters,
        "security": security,
        "responses": responses(call),
    });
    let in_body: Vec<&Field> = of_body(call).collect();
    if matches!(call.body, BodySize::Picture) {
        operation["requestBody"] = json!({ "required": true, "content": pictures() });
    } else if !in_body.is_empty() {
        operation["requestBody"] = request_body(&in_body);
    }
    operation
}

fn of_body(call: &Call) -> impl Iterator<Item = &Field> {
    call.fields
        .iter()
        .filter(|field| field.place == Place::Body)
}

fn parameter(field: &Field) -> Option<Value> {
    let place = match field.place {
        Place::Path => "path",
        Place::Query => "query",
        Place::Body => return None,
    };
    Some(json!({
        "name": field.name,
        "in": place,
        "required": field.required,
        "description": field.says,
        "schema": schema_of(field.kind),
    }))
}

fn request_body(fields: &[&Field]) -> Value {
    let mut properties = Map::new();
    for field in fields {
        let mut property = schema_of(field.kind);
        property["description"] = field.says.into();
        properties.insert(field.name.to_owned(), property);
    }
    let required: Vec<&str> = fields
        .iter()
        .filter(|field| field.required)
        .map(|field| field.name)
        .collect();
    json!({
        "required": true,
        "content": { "application/json": { "schema": {
            "type": "object",
            "properties": properties,
            "required": required,
        } } },
    })
}

fn responses(call: &Call) -> Value {
    let mut responses = Map::new();
    let mut good = json!({ "description": reason(call.answer.code) });
    match call.answer.shape {
        Shape::Nothing => {}
        Shape::Object(members) => {
            good["content"] = json!({ "application/json": { "schema": object(members) } });
        }
        Shape::Named(name) => {
            good["content"] = json!({ "application/json": { "schema": reference(name) } });
        }
        Shape::Picture => good["content"] = pictures(),
        Shape::Document => {
            good["content"] = json!({ "application/json": { "schema": { "type": "object" } } });
        }
        Shape::Text => {
            good["content"] = json!({ "text/plain": { "schema": { "type": "string" } } });
        }
    }
    responses.insert(call.answer.code.to_string(), good);
    let login: &[u16] = match call.handler {
        Handler::Anyone(_) => &[],
        Handler::User(_) | Handler::UserOrServer(_) | Handler::Server(_) => &[401, 429],
    };
    // 403 is also for pages of origins that are not allowed.
    for &code in call.refusals.iter().chain(login).chain(&[403, 500]) {
        let refused = json!({
            "description": reason(code),
            "content": { "application/json": { "schema": reference("Refusal") } },
        });
        responses.insert(code.to_string(), refused);
    }
    responses.into()
}

fn pictures() -> Value {
    let media = [Media::Png, Media::Jpeg, Media::Gif, Media::Webp];
    let content: Map<String, Value> = media
        .iter()
        .map(|media| (media.as_str().to_owned(), json!({})))
        .collect();
    content.into()
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn reason(code: u16) -> &'static str {
    StatusCode::from_u16(code)
        .ok()
        .and_then(|code| code.canonical_reason())
        .unwrap_or_default()
}

/// A JSON object with all of these members.
fn object(members: &[(&str, Kind)]) -> Value {
    let properties: Map<String, Value> = members
        .iter()
        .map(|(name, kind)| ((*name).to_owned(), schema_of(*kind)))
        .collect();
    let required: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

fn schema_of(kind: Kind) -> Value {
    match kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Number => json!({ "type": "integer", "minimum": 0 }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Degrees => json!({ "type": "number" }),
        Kind::Any => json!({}),
        Kind::User => json!({ "type": ["integer", "string"] }),
        Kind::Users => {
            json!({ "type": "array", "items": schema_of(Kind::User), "maxItems": LISTED_MAX })
        }
        Kind::Uids => json!({ "type": "array", "items": schema_of(Kind::Number) }),
        Kind::Texts => json!({ "type": "array", "items": schema_of(Kind::Text) }),
        Kind::MsgId => json!({ "type": "string", "pattern": "^[0-9a-fA-F]{40}$" }),
        Kind::List(name) => json!({ "type": "array", "items": reference(name) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_holds_the_table_and_nothing_else() {
        let document = document("");
        let paths = document["paths"].as_object().unwrap();
        let described: usize = paths
            .values()
            .map(|path| path.as_object().unwrap().len())
            .sum();
        assert_eq!(described, calls().count());
        for call in calls() {
            let operation = &paths[call.path][call.method.as_str().to_ascii_lowercase()];
            assert_eq!(operation["summary"], call.summary);
            assert!(operation["responses"][call.answer.code.to_string()].is_object());
            let body = &operation["requestBody"]["content"]["application/json"]["schema"];
            for field in of_body(call) {
                assert!(body["properties"][field.name].is_object(), "{}", field.name);
            }
        }
    }

    #[test]
    fn what_the_document_refers_to_is_there() {
        fn check(value: &Value, known: &Value) {
            match value {
                Value::Object(members) => {
                    if let Some(Value::String(name)) = members.get("$ref") {
                        let name = name.strip_prefix("#/components/schemas/");
                        assert!(known[name.expect("a schema")].is_object(), "{value}");
                    }
                    members.values().for_each(|member| check(member, known));
                }
                Value::Array(items) => items.iter().for_each(|item| check(item, known)),
                _ => {}
            }
        }
        let document = document("");
        check(&document, &document["components"]["schemas"]);
    }

    #[test]
    fn calls_are_below_the_context_path() {
        for (path, url) in [
            ("", "/"),
            ("/", "/"),
            ("/Mimi", "/Mimi"),
            ("/Mimi/", "/Mimi"),
        ] {
            assert_eq!(document(path)["servers"][0]["url"], url);
        }
    }
}
