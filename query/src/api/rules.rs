//! What other thresholds of verdicts would say: `POST /api/rules/preview`.

use answers::ask::RunFilter;
use answers::rules_preview::{self, MAX_WEEKS, PreviewQuestion, RulesPreview};
use answers::suite_rules::SuiteRules;
use answers::table::schema_of;
use axum::Json;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use serde::Deserialize;
use serde_json::{Value, json};
use web::openapi::{Operation, text};

use super::json_body;
use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::service::Shared;

/// A configuration has a few entries.
const MAX_BODY_BYTES: usize = 1 << 20;

pub(crate) const PREVIEW: Operation = Operation::post(
    "/api/rules/preview",
    "Which verdicts other thresholds would change",
    schema_of::<RulesPreview>,
    &[400, 404, 503],
)
.taking(body);

fn body() -> Value {
    let entry = json!({
        "type": "object", "additionalProperties": false,
        "properties": { "suite": text(), "thresholds": { "type": "object" } },
    });
    json!({
        "type": "object", "additionalProperties": false, "required": ["rules"],
        "properties": {
            "rules": { "type": "array", "items": entry }, "suite": text(), "branch": text(),
            "weeks": { "type": "integer", "minimum": 1, "maximum": MAX_WEEKS },
        },
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with the rules")]
struct Proposed {
    rules: Vec<SuiteRules>,
    #[serde(default)]
    suite: Option<String>,
    #[serde(default)]
    branch: Option<String>,
    #[serde(default = "four")]
    weeks: u64,
}

fn four() -> u64 {
    4
}

/// The verdicts that proposed thresholds would change.
pub(crate) async fn preview(
    State(service): Shared,
    RawQuery(query): RawQuery,
    body: Body,
) -> Result<Json<RulesPreview>, ApiError> {
    Parameters::of(query.as_deref(), &PREVIEW)?;
    let Proposed { rules, suite, branch, weeks } =
        json_body::read(body, MAX_BODY_BYTES, "does not propose thresholds").await?;
    // An empty name names none, as in queries.
    let [suite, branch] = [suite, branch].map(|name| name.filter(|name| !name.is_empty()));
    let question = PreviewQuestion { rules, suite, weeks, runs: RunFilter { branch, ..RunFilter::default() } };
    Ok(Json(rules_preview::find(&service.store, &question).await?))
}
