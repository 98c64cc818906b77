//! What the intake offers, for the OpenAPI document.

use serde_json::{Value, json};
use web::openapi::{Body, JSON, Operation, object, shared, text, texts};

const REFUSALS: &[u16] = &[400, 404, 413, 503];

/// Every operation of the intake.
pub const OPERATIONS: &[Operation] = &[
    Operation {
        method: "post",
        path: "/api/upload",
        summary: "Take in one run; Prefer: wait=N holds the answer until it is visible, N seconds at most; a repetition, \
                  by Idempotency-Key or by contents, is given the first receipt",
        parameters: &[],
        body: Some(Body { media: JSON, schema: run }),
        media: JSON,
        answer: || {
            json!({
                "type": "object",
                "properties": { "status": { "const": "ok" }, "processing": shared("Processing"), "receipt": text() },
                "required": ["status", "processing"],
                "additionalProperties": false,
            })
        },
        errors: &[400, 404, 413, 422, 503],
    },
    Operation {
        method: "post",
        path: "/api/upload/archive",
        summary: "Take in the files of one run, as a zip",
        parameters: &[],
        body: Some(Body { media: "multipart/form-data", schema: archive }),
        media: JSON,
        answer: || shared("Ok"),
        errors: REFUSALS,
    },
    Operation {
        method: "post",
        path: "/api/upload/ews",
        summary: "Take in results of a change under review",
        parameters: &[],
        body: Some(Body { media: JSON, schema: ews }),
        media: JSON,
        answer: || object(&[("status", json!({ "const": "ok" })), ("tests", texts())]),
        errors: REFUSALS,
    },
    Operation {
        method: "post",
        path: "/api/commits",
        summary: "Register a commit, complete or by a name that its repository's host knows",
        parameters: &[],
        body: Some(Body { media: JSON, schema: || shared("GivenCommit") }),
        media: JSON,
        answer: || shared("Ok"),
        errors: REFUSALS,
    },
    Operation {
        method: "post",
        path: "/api/bugs",
        summary: "Say that a bug explains the failures of a test, or of those that a pattern with * describes; with \
                  the state closed, that it no longer does",
        parameters: &[],
        body: Some(Body { media: JSON, schema: bug }),
        media: JSON,
        answer: || shared("Ok"),
        errors: REFUSALS,
    },
    Operation {
        method: "post",
        path: "/api/dead-letters/{id}/{action}",
        summary: "Replay or discard an event that could not be processed",
        parameters: &[],
        body: None,
        media: JSON,
        answer: || object(&[("status", json!({ "const": "ok" })), ("state", text())]),
        errors: REFUSALS,
    },
    Operation {
        method: "post",
        path: "/api/commits/register",
        summary: "The same as POST /api/commits",
        parameters: &[],
        body: Some(Body { media: JSON, schema: || shared("GivenCommit") }),
        media: JSON,
        answer: || shared("Ok"),
        errors: REFUSALS,
    },
];

fn commits() -> Value {
    json!({ "type": "array", "minItems": 1, "items": shared("GivenCommit") })
}

fn run() -> Value {
    json!({
        "type": "object",
        "properties": {
            "version": { "type": "integer" },
            "suite": { "type": "string", "minLength": 1 },
            "configuration": shared("GivenConfiguration"),
            "commits": commits(),
            "timestamp": { "type": "integer", "minimum": 0 },
            "test_results": {
                "type": "object",
                "properties": {
                    "details": { "type": "object" },
                    "run_stats": { "type": "object" },
                    "results": { "type": "object" },
                },
                "required": ["results"],
            },
        },
        "required": ["suite", "configuration", "commits", "test_results"],
    })
}

fn bug() -> Value {
    let name = json!({ "type": "string", "minLength": 1, "maxLength": 4096 });
    json!({
        "type": "object",
        "properties": {
            "suite": name, "test": name, "url": { "type": "string", "pattern": "^https?://[^/]+" },
            "note": { "type": "string", "maxLength": 500 }, "state": { "enum": ["open", "closed"] },
            "configuration": { "type": "object" },
            "shown": { "type": "string", "description": "The test whose page a form came from" },
        },
        "required": ["suite", "test", "url"],
    })
}

fn archive() -> Value {
    let text = json!({ "type": "string", "contentMediaType": JSON });
    json!({
        "type": "object",
        "properties": {
            "file": { "type": "string", "format": "binary" },
            "suite": { "type": "string", "minLength": 1 },
            "configuration": text, "commits": text,
            "timestamp": { "type": "string", "pattern": "^[0-9]{1,10}$" },
        },
        "required": ["file", "suite", "configuration", "commits"],
    })
}

fn ews() -> Value {
    json!({
        "type": "object",
        "properties": {
            "suite": { "type": "string", "minLength": 1 },
            "configuration": shared("GivenConfiguration"),
            "commits": commits(),
            "timestamp": { "type": "number" },
            "test_results": {
                "type": "object",
                "properties": { "results": { "type": "object", "additionalProperties": { "type": "object" } } },
                "required": ["results"],
            },
            "flaky_type": { "type": ["string", "null"] },
            "details": { "type": ["object", "null"] },
        },
        "required": ["suite", "configuration", "commits", "test_results"],
    })
}
