//! What the operations of several requests share.

use serde_json::{Value, json};
use web::openapi::shared;

/// Statuses of requests that are refused.
pub(super) const REFUSALS: &[u16] = &[400, 404, 413, 415, 503];

/// The JSON schema of an upload's commits.
pub(super) fn given_commits() -> Value {
    json!({ "type": "array", "minItems": 1, "items": shared("GivenCommit") })
}
