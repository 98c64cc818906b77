//! Files bugs: `/api/bug-trackers`. The tracker's own form is filled in and its address answered; nothing is sent.

mod components;
mod report;

use axum::Json;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, RawQuery, State};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use web::openapi::{Operation, QUESTION, object, text, texts};

use crate::BugTracker;
use crate::error::{ApiError, bad, not_found};
use crate::parameters::Parameters;
use crate::service::Shared;
use report::{Report, Request};

/// As Python's `quote` leaves them.
const QUOTED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'.').remove(b'-').remove(b'~').remove(b'/');

fn quote(text: &str) -> String {
    utf8_percent_encode(text, QUOTED).to_string()
}

pub(crate) const TRACKERS: Operation = Operation::get("/api/bug-trackers", "Where bugs can be filed", &[], texts);

pub(crate) const CREATE: Operation = Operation {
    method: "put",
    ..Operation::post(
        "/api/bug-trackers/{tracker}/create-bug",
        "The address of a form that describes failures; nothing is filed yet",
        || object(&[("url", text()), ("newWindow", json!({ "type": "boolean" }))]),
        QUESTION,
    )
    .taking(|| json!({ "type": "object" }))
};

/// A request to file a bug names a few rows.
const MAX_BODY_BYTES: usize = 4 << 20;

/// `GET /api/bug-trackers`: their names.
pub(crate) async fn names(State(service): Shared, RawQuery(query): RawQuery) -> Result<Json<Vec<String>>, ApiError> {
    Parameters::of(query.as_deref(), &TRACKERS)?;
    Ok(Json(service.options.bug_trackers.keys().cloned().collect()))
}

/// `PUT /api/bug-trackers/<name>/create-bug`: the address of a form that describes the selected failures.
pub(crate) async fn create(
    State(service): Shared,
    Path(name): Path<String>,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    let body: Bytes = to_bytes(body, MAX_BODY_BYTES)
        .await
        .map_err(|_| bad(format!("The body is larger than {} MiB or was cut off", MAX_BODY_BYTES >> 20)))?;
    let tracker = service.options.bug_trackers.get(&name).ok_or_else(|| not_found("No such bug tracker"))?;
    let request: Request =
        serde_json::from_slice(&body).map_err(|error| bad(format!("The body does not describe failures: {error}")))?;
    let report = Report::of(&service, &request).await?;
    let subject = request.test.as_deref().unwrap_or(&request.suite);
    let url = match tracker {
        BugTracker::Bugzilla { url } => format!(
            "{}/enter_bug.cgi?product=WebKit&component={}&version={}&short_desc={} {}&comment={}",
            url.trim_end_matches('/'),
            quote(components::of(&request.suite, request.test.as_deref())),
            quote("WebKit Nightly Build"),
            quote(subject),
            quote(&report.title),
            quote(&report.text),
        ),
        BugTracker::Template { url } => url
            .replace("<title>", &quote(&format!("{subject} {}", report.title)))
            .replace("<text>", &quote(&report.text)),
    };
    Ok(Json(json!({ "url": url, "newWindow": true })))
}
