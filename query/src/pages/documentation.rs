//! `/documentation`: the OpenAPI document for people.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::context;
use serde_json::Value;

use crate::api::openapi;
use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::service::Shared;

/// Values in the paths of examples.
const IN_PATH: [(&str, &str); 5] = [
    ("{suite}", "layout-tests"),
    ("{test}", "fast/css/a.html"),
    ("{tracker}", "bugzilla"),
    ("{id}", "0-17"),
    ("{receipt}", "0-17"),
];
/// Values in the queries of examples.
const IN_QUERY: [(&str, &str); 5] =
    [("suite", "layout-tests"), ("tests", "fast/css/a.html"), ("platform", "mac"), ("weeks", "2"), ("limit", "10")];
/// Parameters of an example.
const SHOWN: usize = 2;

/// Operations whose path, sentence or parameters have the asked text.
pub(crate) async fn page(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let parameters = Parameters::known_of(query.as_deref(), &[&["q"]]);
    let asked = parameters.first("q").unwrap_or_default().trim().to_lowercase();
    let document = openapi::described(&service);
    let empty = serde_json::Map::new();
    let mut groups: [Vec<minijinja::Value>; 2] = [Vec::new(), Vec::new()];
    for (path, methods) in document["paths"].as_object().unwrap_or(&empty) {
        for (method, described) in methods.as_object().unwrap_or(&empty) {
            let shown = operation(path, method, described);
            let text = format!("{method} {path} {} {}", described["summary"], described["parameters"]).to_lowercase();
            if text.contains(&asked) {
                groups[usize::from(method == "get")].push(shown);
            }
        }
    }
    let schemas: Vec<(&String, String)> = document["components"]["schemas"]
        .as_object()
        .unwrap_or(&empty)
        .iter()
        .map(|(name, schema)| (name, shape(schema, 0)))
        .collect();
    let [sent, asked_for] = groups;
    let values = context! { page => "/documentation", q => asked, groups => [("Asking", asked_for), ("Sending", sent)], schemas };
    service.pages.render(StatusCode::OK, "documentation.html", Some("Documentation"), values)
}

fn operation(path: &str, method: &str, described: &Value) -> minijinja::Value {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let listed = described["parameters"].as_array().map_or(&[][..], Vec::as_slice);
    let parameters: Vec<minijinja::Value> = listed
        .iter()
        .map(|it| {
            let in_path = it["in"] == "path";
            let schema = if in_path { &it["schema"] } else { &it["schema"]["items"] };
            let meaning = if in_path { "Part of the path".to_owned() } else { text(&it["description"]) };
            context! { name => text(&it["name"]), meaning, schema => shape(schema, 0) }
        })
        .collect();
    let (mut answer, mut media, mut errors) = (String::new(), String::new(), Vec::new());
    for (status, response) in described["responses"].as_object().into_iter().flatten() {
        if status == "200" {
            (media, answer) = content(response);
        } else {
            errors.push((status, text(&response["description"])));
        }
    }
    let (takes, body) = content(&described["requestBody"]);
    let anchor: String = format!("{method}{path}")
        .chars()
        .map(|character| if character.is_ascii_alphanumeric() { character } else { '-' })
        .collect();
    context! {
        method => method.to_uppercase(), path, summary => text(&described["summary"]), parameters, answer, media, errors,
        body, example => example(path, method, listed, &takes), takes, anchor => anchor.trim_end_matches('-'),
    }
}

/// Content type and shape of what is sent or answered.
fn content(value: &Value) -> (String, String) {
    let first = value["content"].as_object().and_then(|content| content.iter().next());
    first.map_or_else(Default::default, |(media, content)| (media.clone(), shape(&content["schema"], 0)))
}

/// A command that tries it.
fn example(path: &str, method: &str, parameters: &[Value], takes: &str) -> String {
    let filled = IN_PATH.iter().fold(path.to_owned(), |path, (name, value)| path.replace(name, value));
    let is_known = |name: &str| parameters.iter().any(|it| it["in"] == "query" && it["name"] == name);
    let known = IN_QUERY.iter().filter(|(name, _)| is_known(name)).take(SHOWN);
    let query: Vec<String> = known.map(|(name, value)| format!("{name}={value}")).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let how = match (method, takes) {
        ("get", _) => String::new(),
        (_, "") => format!("-X {} ", method.to_uppercase()),
        (_, "multipart/form-data") => "-F file=@archive.zip -F suite=layout-tests -F configuration=… ".to_owned(),
        _ => format!("-X {} -H 'Content-Type: {takes}' --data @body.json ", method.to_uppercase()),
    };
    format!("curl {how}\"$RESULTSDB{filled}{query}\"")
}

/// A JSON schema as people write shapes down.
fn shape(schema: &Value, depth: usize) -> String {
    let pad = "  ".repeat(depth + 1);
    if let Some(name) = schema["$ref"].as_str() {
        return name.rsplit('/').next().unwrap_or(name).to_owned();
    }
    if let Some(either) = schema["anyOf"].as_array() {
        return either.iter().map(|one| shape(one, depth)).collect::<Vec<_>>().join(" or ");
    }
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().map(Value::to_string).collect::<Vec<_>>().join(" or ");
    }
    if let Some(value) = schema.get("const") {
        return value.to_string();
    }
    match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        Value::String(kind) if kind == "array" && schema["prefixItems"].is_array() => {
            let members = schema["prefixItems"].as_array().map_or(&[][..], Vec::as_slice);
            format!("[{}]", members.iter().map(|member| shape(member, depth)).collect::<Vec<_>>().join(", "))
        }
        Value::String(kind) if kind == "array" => format!("list of {}", shape(&schema["items"], depth)),
        Value::String(kind) if kind == "object" => {
            let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
            let mut lines: Vec<String> = Vec::new();
            for (name, member) in schema["properties"].as_object().into_iter().flatten() {
                let optional = if required.iter().any(|it| it == name) { "" } else { "?" };
                lines.push(format!("{pad}{name}{optional}: {}", shape(member, depth + 1)));
            }
            if schema["additionalProperties"].is_object() {
                lines.push(format!("{pad}…: {}", shape(&schema["additionalProperties"], depth + 1)));
            }
            if lines.is_empty() {
                return "object".to_owned();
            }
            format!("{{\n{}\n{}}}", lines.join("\n"), "  ".repeat(depth))
        }
        Value::String(kind) => match (kind.as_str(), schema["minimum"].as_i64(), schema["maximum"].as_i64()) {
            ("integer", Some(least), Some(most)) => format!("whole number, {least} to {most}"),
            ("integer", Some(least), None) => format!("whole number from {least}"),
            ("integer", ..) => "whole number".to_owned(),
            ("string", ..) => "text".to_owned(),
            ("boolean", ..) => "true or false".to_owned(),
            (other, ..) => other.to_owned(),
        },
        _ => "anything".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn shapes_read_as_people_write_them() {
        let member = json!({ "type": "array", "items": { "$ref": "#/components/schemas/Commit" } });
        let object = json!({ "type": "object", "properties": { "a": member, "b": { "type": "integer", "minimum": 0 } }, "required": ["a"] });
        assert_eq!(shape(&object, 0), "{\n  a: list of Commit\n  b?: whole number from 0\n}");
        assert_eq!(shape(&json!({ "anyOf": [{ "type": "string" }, { "enum": ["x", 1] }] }), 0), "text or \"x\" or 1");
        assert_eq!(shape(&json!({}), 0), "anything");
    }

    #[test]
    fn examples_fill_in_paths_and_a_few_parameters() {
        let parameters = [json!({ "in": "query", "name": "platform" }), json!({ "in": "query", "name": "limit" })];
        assert_eq!(
            example("/api/failures/{suite}", "get", &parameters, ""),
            "curl \"$RESULTSDB/api/failures/layout-tests?platform=mac&limit=10\""
        );
        assert!(example("/api/upload", "post", &[], "application/json").contains("--data @body.json"));
    }
}
