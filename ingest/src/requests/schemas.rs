//! What the operations of several requests share.

use serde_json::{Value, json};
use web::openapi::{shared, text};

/// Statuses of requests that are refused.
pub(super) const REFUSALS: &[u16] = &[400, 404, 413, 415, 503];

/// The JSON schema of the answer to what is said of a suite: it may be kept, and be odd.
pub(super) fn kept() -> Value {
    let mut warning = text();
    warning["description"] = "Why what is kept may be about nothing, or about more than is meant".into();
    json!({
        "type": "object", "properties": { "status": { "const": "ok" }, "warning": warning }, "required": ["status"],
        "additionalProperties": false,
    })
}

/// The JSON schema of an upload's commits.
pub(super) fn given_commits() -> Value {
    json!({ "type": "array", "minItems": 1, "items": shared("GivenCommit") })
}
