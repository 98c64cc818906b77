//! SQL of others: `POST /api/sql`.

use answers::guest::{self, MAX_STATEMENT_BYTES, SqlAnswer};
use answers::table::schema_of;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use serde::Deserialize;
use serde_json::{Value, json};
use web::openapi::Operation;

use super::json_body;
use crate::error::ApiError;
use crate::layers::format::Rows;
use crate::parameters::Parameters;
use crate::service::Shared;

/// A statement in JSON, whose escapes may take six bytes a character.
const MAX_BODY_BYTES: usize = 1 << 20;

pub(crate) const OPERATION: Operation = Operation {
    parameters: &[&["format"]],
    ..Operation::post(
        "/api/sql",
        "A SELECT over the views, as a user of the store who may read them and nothing else",
        schema_of::<SqlAnswer>,
        &[400, 404, 503],
    )
    .taking(body)
};

/// What is posted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    query: String,
}

/// The schema of what is posted.
fn body() -> Value {
    json!({
        "type": "object", "required": ["query"], "additionalProperties": false,
        "properties": { "query": { "type": "string", "minLength": 1, "maxLength": MAX_STATEMENT_BYTES } },
    })
}

/// Asks the statement.
pub(crate) async fn ask(
    State(service): Shared,
    RawQuery(query): RawQuery,
    body: Body,
) -> Result<Rows<SqlAnswer>, ApiError> {
    Parameters::of(query.as_deref(), &OPERATION)?;
    let wanted = "is to be a JSON object whose member query is a statement";
    let Question { query } = json_body::read(body, MAX_BODY_BYTES, wanted).await?;
    Ok(Rows(guest::ask(service.store.guest(), &query).await?))
}
