//! The OpenAPI 3.1 document: each endpoint states its [`Operation`] once, reads its parameters by it and is described by it.

use serde_json::{Map, Value, json};

/// One method of one path.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// The HTTP method, in lower case.
    pub method: &'static str,
    /// The path, with `{name}` for what the caller fills in.
    pub path: &'static str,
    /// What the operation does, in one sentence.
    pub summary: &'static str,
    /// Names of the query parameters, in groups.
    pub parameters: &'static [&'static [&'static str]],
    /// Which of them may be given more than once.
    pub repeated: Repeated,
    /// The request's body, if it takes one.
    pub body: Option<Body>,
    /// Content type of the answer.
    pub media: &'static str,
    /// JSON schema of the answer.
    pub answer: fn() -> Value,
    /// Statuses other than 200.
    pub errors: &'static [u16],
}

impl Operation {
    /// A question without a body that is answered in JSON.
    pub const fn get(
        path: &'static str,
        summary: &'static str,
        parameters: &'static [&'static [&'static str]],
        answer: fn() -> Value,
    ) -> Self {
        let repeated = Repeated::Lists(&[]);
        Self { method: "get", path, summary, parameters, repeated, body: None, media: JSON, answer, errors: QUESTION }
    }

    /// What is sent without parameters, and is answered in JSON.
    pub const fn post(
        path: &'static str,
        summary: &'static str,
        answer: fn() -> Value,
        errors: &'static [u16],
    ) -> Self {
        Self { method: "post", errors, ..Self::get(path, summary, &[], answer) }
    }

    /// The same with a body in JSON.
    pub const fn taking(self, schema: fn() -> Value) -> Self {
        Self { body: Some(Body { media: JSON, schema }), ..self }
    }

    /// The same, where queries come as the reference takes them.
    pub const fn of_reference(self) -> Self {
        Self { repeated: Repeated::Any, ..self }
    }

    /// The same, where several values are meant of these parameters.
    pub const fn with_lists(self, lists: &'static [&'static str]) -> Self {
        Self { repeated: Repeated::Lists(lists), ..self }
    }
}

/// Which parameters of a query may be given more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeated {
    /// Every one, as the reference takes them: where one value is needed, the first or the last counts.
    Any,
    /// What is a list wherever it is taken, and these.
    Lists(&'static [&'static str]),
}

/// The body that an operation takes.
#[derive(Debug, Clone, Copy)]
pub struct Body {
    /// Content type of the body.
    pub media: &'static str,
    /// JSON schema of the body.
    pub schema: fn() -> Value,
}

/// The content type of JSON.
pub const JSON: &str = "application/json";
/// The content type of a Parquet file.
pub const PARQUET: &str = "application/vnd.apache.parquet";
/// The content type of a stream of Arrow's interprocess format.
pub const ARROW: &str = "application/vnd.apache.arrow.stream";
/// The parameter that names the format of an answer, and the texts that it may be beside JSON and files of columns.
const FORMAT: &str = "format";
const CSV: &str = "text/csv";
const MARKDOWN: &str = "text/markdown";
/// Statuses of a server that asks for keys.
const DOOR: [u16; 3] = [401, 403, 429];
/// Statuses that a question may be answered with instead of 200.
pub const QUESTION: &[u16] = &[400, 404, 503];

/// A reference to a schema that all operations share.
pub fn shared(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// A list of what `items` describes.
pub fn list_of(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

/// An object with exactly these members, all of them there.
pub fn object(members: &[(&str, Value)]) -> Value {
    let required: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
    let properties: Map<String, Value> =
        members.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// A whole number from 0.
pub fn whole() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

/// Any text.
pub fn text() -> Value {
    json!({ "type": "string" })
}

/// A list of texts.
pub fn texts() -> Value {
    list_of(text())
}

/// The whole document; `parameter` gives the schema and the meaning of a query parameter of an operation by its name.
pub fn document<'a>(
    title: &str,
    operations: impl IntoIterator<Item = &'a Operation>,
    parameter: impl Fn(&Operation, &str) -> (Value, &'static str),
) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method] = described(operation, &parameter);
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": title, "version": env!("CARGO_PKG_VERSION") },
        "paths": paths,
        "security": [{}, { "key": [] }],
        "components": {
            "schemas": schemas(),
            "securitySchemes": {
                "key": { "type": "http", "scheme": "bearer", "description": "A key, or the identity token of a CI" },
            },
        },
    })
}

fn described(operation: &Operation, parameter: &impl Fn(&Operation, &str) -> (Value, &'static str)) -> Value {
    let in_path = operation.path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}')).map(
        |name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } }),
    );
    let in_query = operation.parameters.iter().copied().flatten().map(|name| {
        let (schema, description) = parameter(operation, name);
        json!({
            "name": name, "in": "query", "description": description, "explode": true,
            "schema": { "type": "array", "items": schema },
        })
    });
    let parameters: Vec<Value> = in_path.chain(in_query).collect();
    let mut responses = Map::new();
    let mut content = json!({ operation.media: { "schema": (operation.answer)() } });
    // An answer may be of each type whose format may be asked for.
    if operation.parameters.iter().any(|names| names.contains(&FORMAT)) {
        let (schema, _) = parameter(operation, FORMAT);
        for (format, media) in [("csv", CSV), ("markdown", MARKDOWN), ("parquet", PARQUET), ("arrow", ARROW)] {
            if !schema["enum"].as_array().is_some_and(|formats| formats.iter().any(|one| one == format)) {
                continue;
            }
            let is_text = media.starts_with("text/");
            let schema = if is_text { text() } else { json!({ "type": "string", "contentMediaType": media }) };
            content[media] = json!({ "schema": schema });
        }
    }
    responses.insert("200".to_owned(), json!({ "description": "The answer", "content": content }));
    let errors = DOOR.iter().filter(|status| !operation.errors.contains(status)).chain(operation.errors);
    for status in errors {
        let description = reason(*status);
        let content = json!({ JSON: { "schema": shared("Error") } });
        responses.insert(status.to_string(), json!({ "description": description, "content": content }));
    }
    let mut described = json!({ "summary": operation.summary, "parameters": parameters, "responses": responses });
    if let Some(body) = operation.body {
        described["requestBody"] =
            json!({ "required": true, "content": { body.media: { "schema": (body.schema)() } } });
    }
    described
}

fn reason(status: u16) -> &'static str {
    match status {
        400 => "The question is wrong; the description says where",
        401 => "This server asks for a key, and there is none, or one that does not count",
        403 => "The key does not allow it, or there is more than one answer",
        404 => "Nothing is there",
        413 => "The body is too large",
        415 => "The body's Content-Encoding is not taken; the description says which is",
        422 => "The Idempotency-Key came with another upload before",
        429 => "Too many requests of this key or address; Retry-After says when another is taken",
        503 => "The log or the store is away; try again",
        _ => "Refused",
    }
}

fn schemas() -> Value {
    let number_or_text = json!({ "type": ["integer", "string"] });
    json!({
        "Error": object(&[
            ("status", json!({ "const": "error" })), ("error", text()), ("description", text()),
        ]),
        "Ok": object(&[("status", json!({ "const": "ok" }))]),
        "Configuration": {
            "type": "object",
            "properties": {
                "platform": text(), "version": whole(), "is_simulator": { "type": "boolean" }, "architecture": text(),
                "version_name": text(), "model": text(), "style": text(), "flavor": text(), "sdk": text(), "suite": text(),
            },
            "additionalProperties": text(),
        },
        "GivenConfiguration": {
            "type": "object",
            "properties": {
                "platform": text(), "version": number_or_text, "is_simulator": { "type": "boolean" },
                "architecture": text(), "version_name": text(), "model": text(), "style": text(), "flavor": text(),
                "sdk": text(),
            },
            "additionalProperties": { "type": ["string", "number", "boolean", "null"] },
            "required": ["platform", "version", "is_simulator", "architecture"],
        },
        "Commit": {
            "type": "object",
            "properties": {
                "repository_id": text(), "branch": text(), "timestamp": whole(),
                "order": { "type": "integer", "minimum": 0, "maximum": 99 },
                "hash": { "type": "string", "pattern": "^[0-9a-f]{1,40}$" }, "revision": whole(), "identifier": text(),
                "message": text(),
                "author": object(&[("name", text()), ("emails", texts())]),
            },
            "required": ["repository_id", "branch", "timestamp", "order"],
            "additionalProperties": false,
        },
        "GivenCommit": {
            "type": "object",
            "properties": {
                "repository_id": text(), "branch": text(), "timestamp": { "type": "integer" },
                "order": { "type": "integer", "minimum": 0, "maximum": 99 }, "hash": text(),
                "revision": { "type": "integer" }, "identifier": text(), "message": text(), "id": text(), "ref": text(),
                "author": { "type": ["string", "object"] },
            },
            "required": ["repository_id"],
        },
        "Processing": {
            "type": "object",
            "additionalProperties": {
                "type": "object", "properties": { "status": text(), "description": text(), "warning": text() }, "required": ["status"],
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: Operation =
        Operation::get("/api/things/{kind}", "Things of a kind", &[&["limit"], &["format"]], || list_of(text()));
    const MAKE: Operation = Operation {
        method: "post",
        body: Some(Body { media: JSON, schema: || object(&[("name", text())]) }),
        parameters: &[],
        errors: &[400, 415],
        ..LIST
    };

    #[test]
    fn methods_of_one_path_stand_together() {
        let document =
            document("Title", [&LIST, &MAKE], |_, name| (if name == "limit" { whole() } else { text() }, "Meaning"));
        let path = &document["paths"]["/api/things/{kind}"];
        let names = |method: &str| -> Vec<&str> {
            let parameters = path[method]["parameters"].as_array();
            parameters.into_iter().flatten().filter_map(|parameter| parameter["name"].as_str()).collect()
        };
        assert_eq!((names("get"), names("post")), (vec!["kind", "limit", "format"], vec!["kind"]));
        assert_eq!(path["get"]["parameters"][1]["schema"]["items"], whole());
        assert_eq!(path["post"]["requestBody"]["content"][JSON]["schema"]["required"], json!(["name"]));
        let statuses: Vec<&String> = path["post"]["responses"].as_object().into_iter().flat_map(Map::keys).collect();
        assert_eq!(statuses, ["200", "401", "403", "429", "400", "415"]);
    }

    #[test]
    fn an_answer_is_of_the_types_whose_format_may_be_asked_for() {
        let parameter = |operation: &Operation, name: &str| {
            let of_list = operation.path == LIST.path && name == FORMAT;
            (if of_list { json!({ "enum": ["json", "csv"] }) } else { text() }, "Meaning")
        };
        let document = document("Title", [&LIST, &MAKE], parameter);
        let path = &document["paths"]["/api/things/{kind}"];
        let content = &path["get"]["responses"]["200"]["content"];
        assert_eq!(
            (&content[CSV]["schema"], &content[MARKDOWN], &content[PARQUET]),
            (&text(), &Value::Null, &Value::Null)
        );
        assert_eq!(path["post"]["responses"]["200"]["content"][CSV], Value::Null);
    }
}
