//! What is done about dead letters: `POST /api/dead-letters/<partition>-<offset>/replay` appends the event again, once
//! whatever was wrong is mended; `…/discard` gives it up. Either way its bytes stay.

use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use schema::EVENTS_TOPIC;
use schema::store::rows::{DeadLetterRow, DeadLetterState};
use serde_json::json;

use crate::Intake;
use crate::append::now;
use crate::body::without_query;
use crate::error::IntakeError;
use crate::forms::answered;
use web::same_site::refuse_cross_site;

pub(crate) async fn act(
    State(intake): State<Intake>,
    Path((id, action)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, IntakeError> {
    without_query(query.as_deref())?;
    refuse_cross_site(&headers)?;
    let unknown = || IntakeError::NotFound(format!("There is no dead letter '{id}' that waits"));
    let state = match action.as_str() {
        "replay" => DeadLetterState::Replayed,
        "discard" => DeadLetterState::Discarded,
        _ => return Err(IntakeError::NotFound(format!("'{action}' is neither replay nor discard"))),
    };
    let (partition, offset) = id.split_once('-').ok_or_else(unknown)?;
    let (partition, offset): (u32, u64) =
        (partition.parse().map_err(|_| unknown())?, offset.parse().map_err(|_| unknown())?);
    let away =
        |error: clickhouse::error::Error| IntakeError::Unavailable(format!("The store is not available: {error}"));
    let sql = "SELECT ?fields FROM dead_letters WHERE partition = ? AND offset = ? AND state = ?";
    let waiting = DeadLetterState::Waiting.name();
    let query = intake.client.query(sql).bind(partition).bind(offset).bind(waiting);
    let mut letter: DeadLetterRow = query.fetch_optional().await.map_err(away)?.ok_or_else(unknown)?;
    if state == DeadLetterState::Replayed {
        let event = std::mem::take(&mut letter.event);
        let appended = intake.log.append(EVENTS_TOPIC, &letter.key, event.clone().into()).await;
        appended.map_err(|error| IntakeError::Unavailable(error.to_string()))?;
        letter.event = event;
    }
    letter.state = state.name().to_owned();
    letter.version = now().max(1) as u64;
    // Should this fail, the letter still waits; a replay that is repeated changes nothing.
    let mut insert = intake.client.insert::<DeadLetterRow>("dead_letters").await.map_err(away)?;
    insert.write(&letter).await.map_err(away)?;
    insert.end().await.map_err(away)?;
    Ok(answered(&headers, "/dead-letters", json!({ "status": "ok", "state": letter.state })))
}
