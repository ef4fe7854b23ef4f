//! `GET /api/v1/openapi.json`: the routes for programs, made from the same list that routes requests.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use warp::filters::BoxedFilter;
use warp::http::{Method, StatusCode};
use warp::reply::Response;

use super::Context;
use super::answer;
use super::routes::{Answers, Doc, ROUTES, route as plain};
use super::status::VERSION;

pub(super) static DOC: Doc = Doc::get(
    "/api/v1/openapi.json",
    "this list, for programs",
    &[],
    Answers::Json("Document"),
);

/// The shapes of answers, written out.
const SCHEMAS: &str = include_str!("schemas.json");

pub(super) fn route(context: &Arc<Context>) -> BoxedFilter<(Response,)> {
    plain(&DOC, context, |_, _| async {
        Ok(answer::json(StatusCode::OK, &document()))
    })
}

/// The document, by OpenAPI 3.1.
pub(super) fn document() -> Value {
    let mut paths = Map::new();
    for &doc in &ROUTES {
        let method = match doc.method {
            Method::POST => "post",
            _ => "get",
        };
        paths.insert(doc.path.to_owned(), json!({ method: operation(doc) }));
    }
    let schemas: Value = serde_json::from_str(SCHEMAS).expect("a file that a test has read");
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tributary",
            "version": VERSION,
            "description": "Live marketing attribution. Every answer is of one closed epoch and says which.",
        },
        "paths": paths,
        "components": { "schemas": schemas },
    })
}

fn operation(doc: &Doc) -> Value {
    let parameters: Vec<Value> = doc.parameters.iter().map(|name| parameter(name)).collect();
    let good = match doc.answers {
        Answers::WebSocket => "101",
        _ => "200",
    };
    let mut operation = json!({
        "summary": doc.summary,
        "parameters": parameters,
        "responses": {
            good: { "description": doc.summary, "content": content(doc.answers) },
            "default": {
                "description": "why there is no answer",
                "content": { "application/problem+json": { "schema": schema("Problem") } },
            },
        },
    });
    let body = match doc.path {
        "/api/v1/user" => json!({ "application/json": { "schema": schema("UserQuestion") } }),
        "/api/v1/events" => {
            operation["responses"]["202"] = json!({
                "description": "taken in; the epoch has not closed yet",
                "content": content(Answers::Json("TakenIn")),
            });
            json!({ "application/x-ndjson": { "schema": { "type": "string" } } })
        }
        _ => return operation,
    };
    operation["requestBody"] = json!({ "required": true, "content": body });
    operation
}

fn content(answers: Answers) -> Value {
    match answers {
        Answers::Json(name) => json!({ "application/json": { "schema": schema(name) } }),
        Answers::JsonOrCsv(name) => json!({
            "application/json": { "schema": schema(name) },
            "text/csv": { "schema": { "type": "string" } },
        }),
        Answers::Text => json!({ "text/plain": { "schema": { "type": "string" } } }),
        Answers::Page => json!({
            "text/html": { "schema": { "type": "string" } },
            "text/plain": { "schema": { "type": "string" } },
        }),
        Answers::EventStream => json!({ "text/event-stream": { "schema": { "type": "string" } } }),
        Answers::WebSocket => json!({}),
    }
}

fn schema(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn parameter(name: &str) -> Value {
    let (about, schema) = match name {
        "scope" => (
            "an advertiser, or * for all together",
            json!({ "type": "string", "default": "*" }),
        ),
        "dimension" => (
            "what states are; * has channels only",
            json!({ "enum": ["channel", "campaign"], "default": "channel" }),
        ),
        "window" => (
            "which journeys count, by the time of their first point",
            json!({ "enum": ["all", "24h", "1h"], "default": "all" }),
        ),
        "format" => (
            "json, or a table",
            json!({ "enum": ["json", "csv"], "default": "json" }),
        ),
        "at_epoch" => (
            "answer as of this epoch, still open",
            json!({ "type": "integer" }),
        ),
        "points" => (
            "points at most",
            json!({ "type": "integer", "minimum": 1, "maximum": 720 }),
        ),
        "topics" => ("names with commas between", json!({ "type": "string" })),
        "tick_ms" => (
            "how often to tell",
            json!({ "type": "integer", "minimum": 20, "maximum": 5000, "default": 250 }),
        ),
        _ => ("", json!({ "type": "string" })),
    };
    json!({ "name": name, "in": "query", "description": about, "schema": schema })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_that_is_named_is_there_and_documented() {
        let text = document().to_string();
        let document = document();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let mut names = 0;
        for reference in text.split("#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(schemas.contains_key(name), "{name}");
            names += 1;
        }
        assert!(names > 20, "{names}");
        let unknown = |doc: &Doc| {
            let named = |name: &&&str| parameter(name)["description"] == "";
            doc.parameters.iter().find(named).copied()
        };
        assert_eq!(ROUTES.iter().find_map(|doc| unknown(doc)), None);
    }
}
