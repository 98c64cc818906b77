//! `POST /api/dead-letters/<partition>-<offset>/replay` appends an event that could not be processed once more, after
//! whatever was wrong is mended; `…/discard` gives it up. Either way its bytes stay, and the decision is an event.

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use bytes::Bytes;
use schema::event::{DeadLetterDecision, DeadLetterId, Decision, Request};
use schema::store::rows::{DeadLetterRow, DeadLetterState};
use serde_json::json;
use web::openapi::{Operation, object, text};
use web::same_site::refuse_cross_site;

use super::page_or_json::page_or_json;
use super::schemas::REFUSALS;
use crate::checks::body::without_query;
use crate::error::IntakeError;
use crate::sender::Sender;
use crate::state::Intake;
use crate::wait::append_and_show;

/// `POST /api/dead-letters/{id}/{action}`.
pub(crate) const OPERATION: Operation = Operation::post(
    "/api/dead-letters/{id}/{action}",
    "Replay or discard an event that could not be processed",
    || object(&[("status", json!({ "const": "ok" })), ("state", text())]),
    REFUSALS,
);

pub(crate) async fn decide(
    State(intake): State<Intake>,
    Path((id, action)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    sender: Sender,
) -> Result<Response, IntakeError> {
    without_query(query.as_deref())?;
    refuse_cross_site(&sender.headers)?;
    let (decision, state) = match action.as_str() {
        "replay" => (Decision::Replayed, DeadLetterState::Replayed),
        "discard" => (Decision::Discarded, DeadLetterState::Discarded),
        _ => return Err(IntakeError::NotFound(format!("'{action}' is neither replay nor discard"))),
    };
    let letter = waiting_letter(&intake, &id).await?;
    let DeadLetterRow { partition, offset, found_at, cause, key, event, .. } = letter;
    let event = Bytes::from(event);
    // The event comes first. Cut off between the two, the letter still waits, and whoever replays it again appends the
    // event again, which changes nothing: its rows replace themselves by their natural keys. The other way round, the
    // letter would be called replayed although its event was not.
    if decision == Decision::Replayed {
        intake.appender.append_encoded(&key, event.clone()).await?;
    }
    let payload = Bytes::from(DeadLetterDecision::payload(&event));
    let request = DeadLetterDecision { partition, offset, found_at, cause, key: key.clone(), decision };
    // Under the key of its event the decision comes after whatever it decides about.
    let request = Request::DeadLetterDecision(request);
    append_and_show(&intake.appender, &key, request, payload, &sender, "decision").await?;
    Ok(page_or_json(&sender.headers, "/dead-letters", json!({ "status": "ok", "state": state.name() })))
}

/// The letter of this id, if nobody has decided about it.
async fn waiting_letter(intake: &Intake, id: &str) -> Result<DeadLetterRow, IntakeError> {
    let unknown = || IntakeError::NotFound(format!("There is no dead letter '{id}' that waits"));
    let DeadLetterId { partition, offset } = id.parse().map_err(|_| unknown())?;
    let sql = "SELECT ?fields FROM dead_letters WHERE partition = ? AND offset = ? AND state = ?";
    let query = intake.client.query(sql).bind(partition).bind(offset).bind(DeadLetterState::Waiting.name());
    query.fetch_optional().await?.ok_or_else(unknown)
}
