//! `GET /api/dead-letters[/<id>[/event]]`, `GET /api/receipts/<receipt>` and the page `/dead-letters`: what could not be
//! processed, and what became of an upload.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use clickhouse::Row;
use minijinja::context;
use schema::receipt::Receipt;
use schema::store::rows::{DeadLetterRow, DeadLetterState};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::openapi::{Operation, list_of, object, text, whole};

use crate::error::{ApiError, bad, not_found};
use crate::pages::minutes;
use crate::parameters::Parameters;
use crate::routes::Service;

const STATES: [DeadLetterState; 3] = [DeadLetterState::Waiting, DeadLetterState::Replayed, DeadLetterState::Discarded];
const LIMIT: u64 = 100;

/// What is offered.
pub(crate) const LIST: Operation = Operation::get(
    "/api/dead-letters",
    "Events that could not be processed, newest first",
    &[&["state", "limit"]],
    || list_of(letter(&[])),
);

/// What is offered.
pub(crate) const ONE: Operation = Operation::get(
    "/api/dead-letters/{id}",
    "One of them, with the beginning of its text as far as it can be read",
    &[],
    || letter(&[("text", text())]),
);

/// What is offered.
pub(crate) const RECEIPT: Operation = Operation::get(
    "/api/receipts/{receipt}",
    "What became of an upload: queued, applied or dead-lettered",
    &[],
    || {
        json!({
            "type": "object",
            "properties": {
                "receipt": text(), "state": { "enum": ["queued", "applied", "dead-lettered"] }, "watermark": whole(),
                "cause": text(), "dead_letter": text(),
            },
            "required": ["receipt", "state", "watermark"],
            "additionalProperties": false,
        })
    },
);

fn letter(more: &[(&str, Value)]) -> Value {
    let states: Vec<&str> = STATES.iter().map(|state| state.name()).collect();
    let members = [
        ("id", text()),
        ("partition", whole()),
        ("offset", whole()),
        ("found_at", whole()),
        ("cause", text()),
        ("state", json!({ "enum": states })),
        ("size", whole()),
    ];
    object(&[&members, more].concat())
}

#[derive(Debug, Row, Deserialize, Serialize)]
struct Listed {
    id: String,
    partition: u32,
    offset: u64,
    found_at: u32,
    cause: String,
    state: String,
    size: u64,
}

async fn find(service: &Service, query: Option<&str>) -> Result<Vec<Listed>, ApiError> {
    let parameters = Parameters::read(query, LIST.parameters)?;
    let limit = parameters.limit(LIMIT)?;
    let known: Vec<&str> = STATES.iter().map(|state| state.name()).collect();
    let mut asked: Vec<&str> = parameters.all("state").collect();
    if let Some(unknown) = asked.iter().find(|state| !known.contains(state)) {
        return Err(bad(format!("'{unknown}' is not a state of a dead letter; there are: {}", known.join(", "))));
    }
    if asked.is_empty() {
        asked = known;
    }
    let sql = "SELECT concat(toString(partition), '-', toString(offset)) AS id, partition, offset, found_at, cause, \
               toString(state) AS state, length(event) AS size FROM dead_letters WHERE dead_letters.state IN ? \
               ORDER BY found_at DESC, partition, offset DESC LIMIT ?";
    Ok(service.client.query(sql).bind(asked).bind(limit).fetch_all().await?)
}

/// The list.
pub(crate) async fn list(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    Ok(Json(find(service, query).await?).into_response())
}

async fn stored(service: &Service, partition: u32, offset: u64) -> Result<Option<DeadLetterRow>, ApiError> {
    let sql = "SELECT ?fields FROM dead_letters WHERE partition = ? AND offset = ?";
    Ok(service.client.query(sql).bind(partition).bind(offset).fetch_optional().await?)
}

/// One letter, or with `raw` its bytes as they stood in the log.
pub(crate) async fn one(service: &Service, id: &str, raw: bool, query: Option<&str>) -> Result<Response, ApiError> {
    Parameters::read(query, ONE.parameters)?;
    let place =
        id.split_once('-').and_then(|(partition, offset)| Some((partition.parse().ok()?, offset.parse().ok()?)));
    let found = match place {
        Some((partition, offset)) => stored(service, partition, offset).await?,
        None => None,
    };
    let letter = found.ok_or_else(|| not_found(format!("There is no dead letter '{id}'")))?;
    if raw {
        return Ok(([(header::CONTENT_TYPE, "application/octet-stream")], letter.event).into_response());
    }
    let text = schema::event::beginning(&letter.event);
    let shown = json!({
        "id": id, "partition": letter.partition, "offset": letter.offset, "found_at": letter.found_at,
        "cause": letter.cause, "state": letter.state, "size": letter.event.len(), "text": text,
    });
    Ok(Json(shown).into_response())
}

/// What became of an upload.
pub(crate) async fn receipt(service: &Service, text: &str, query: Option<&str>) -> Result<Response, ApiError> {
    Parameters::read(query, RECEIPT.parameters)?;
    let receipt: Receipt = text.parse().map_err(|error: schema::receipt::NotAReceipt| not_found(error.to_string()))?;
    let sql = "SELECT max(next_offset) FROM watermarks WHERE partition = ?";
    let watermark: u64 = service.client.query(sql).bind(receipt.partition).fetch_one().await?;
    if watermark <= receipt.offset {
        return Ok(Json(json!({ "receipt": text, "state": "queued", "watermark": watermark })).into_response());
    }
    let answer = match stored(service, receipt.partition, receipt.offset).await? {
        None => json!({ "receipt": text, "state": "applied", "watermark": watermark }),
        Some(letter) => json!({
            "receipt": text, "state": "dead-lettered", "watermark": watermark, "cause": letter.cause,
            "dead_letter": format!("{}-{}", letter.partition, letter.offset),
        }),
    };
    Ok(Json(answer).into_response())
}

/// The page.
pub(crate) async fn page(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    let rows: Vec<minijinja::Value> = find(service, query)
        .await?
        .into_iter()
        .map(|it| {
            let waits = it.state == DeadLetterState::Waiting.name();
            let time = minutes(i64::from(it.found_at));
            context! { id => it.id, cause => it.cause, state => it.state, size => it.size, time, waits }
        })
        .collect();
    let values = context! { page => "/dead-letters", rows };
    service.pages.render(StatusCode::OK, "dead_letters.html", Some("Dead letters"), values)
}
