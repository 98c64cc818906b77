//! What other thresholds of verdicts would say: `POST /api/rules/preview`.

use answers::ask::RunFilter;
use answers::rules_preview::{self, MAX_WEEKS, PreviewQuestion, RulesPreview};
use answers::suite_rules::SuiteRules;
use answers::table::schema_of;
use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{RawQuery, State};
use serde::Deserialize;
use serde_json::{Value, json};
use web::openapi::{self, JSON, Operation, text};

use crate::error::{ApiError, bad};
use crate::parameters::Parameters;
use crate::service::Shared;

/// A configuration has a few entries.
const MAX_BODY_BYTES: usize = 1 << 20;

pub(crate) const PREVIEW: Operation = Operation {
    method: "post",
    path: "/api/rules/preview",
    summary: "Which verdicts other thresholds would change",
    parameters: &[],
    body: Some(openapi::Body { media: JSON, schema: body }),
    media: JSON,
    answer: schema_of::<RulesPreview>,
    errors: &[400, 503],
};

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
#[serde(deny_unknown_fields)]
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
    Parameters::read(query.as_deref(), PREVIEW.parameters)?;
    let body = to_bytes(body, MAX_BODY_BYTES)
        .await
        .map_err(|_| bad(format!("The body is larger than {} MiB or was cut off", MAX_BODY_BYTES >> 20)))?;
    let Proposed { rules, suite, branch, weeks } =
        serde_json::from_slice(&body).map_err(|error| bad(format!("The body does not propose thresholds: {error}")))?;
    let question = PreviewQuestion { rules, suite, weeks, runs: RunFilter { branch, ..RunFilter::default() } };
    Ok(Json(rules_preview::find(&service.store, &question).await?))
}
