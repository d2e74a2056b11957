//! The description of the API: the routes from their table, the schemas from `schema/http.json`.
//!
//! Source: `OpenAPI` Specification 3.1.

use serde_json::{Map, Value as Json, json};

use super::{document::API, routes::Route};
use crate::history::PARAMETERS;

/// Returns the description of these routes.
pub(super) fn describe(routes: &[Route]) -> Json {
    let mut paths = Map::new();
    for route in routes {
        let path = paths.entry(route.path).or_insert_with(|| Json::Object(Map::new()));
        if let Some(methods) = path.as_object_mut() {
            methods.insert(route.method.to_owned(), operation(route));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "lvx bridge",
            "version": format!("{API}"),
            "description": "Members that are not known are left out. Times are Unix seconds.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "session": { "type": "apiKey", "in": "cookie", "name": super::access::COOKIE },
            },
        },
    })
}

/// Returns the schemas of bodies and answers.
pub(super) fn schemas() -> Json {
    // A test reads the file, so it is never null.
    serde_json::from_str(include_str!("../../schema/http.json")).unwrap_or_default()
}

fn operation(route: &Route) -> Json {
    let parameters: Vec<_> = route
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .chain(queries(route))
        .collect();
    let (status, media_type, schema) = route.answer;
    let mut operation = json!({
        "summary": route.summary,
        "parameters": parameters,
        "responses": {
            status.to_string(): { "description": route.summary, "content": content(media_type, schema) },
            "default": { "description": "refused", "content": content("application/json", "Error") },
        },
        "security": match route.scope {
            None => json!([]),
            Some(scope) => json!([{ "token": [scope] }, { "session": [scope] }]),
        },
    });
    let (media_type, schema) = route.body;
    if let (Some(members), false) = (operation.as_object_mut(), media_type.is_empty()) {
        let body = json!({ "required": true, "content": content(media_type, schema) });
        members.insert("requestBody".to_owned(), body);
    }
    operation
}

/// Returns the parameters of the query part.
fn queries(route: &Route) -> impl Iterator<Item = Json> {
    let parameters = if route.path.ends_with("/history") { PARAMETERS } else { &[] };
    parameters.iter().map(|(name, about)| {
        json!({ "name": name, "in": "query", "description": about, "schema": { "type": "string" } })
    })
}

/// Returns a content of this media type and schema, both of which may be empty.
fn content(media_type: &str, schema: &str) -> Json {
    let schema = match schema {
        "" => json!({}),
        name => json!({ "schema": { "$ref": format!("#/components/schemas/{name}") } }),
    };
    if media_type.is_empty() { json!({}) } else { json!({ media_type: schema }) }
}
