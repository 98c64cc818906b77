//! Reads request bodies: bounded each, and bounded together.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::sync::OwnedSemaphorePermit;

use crate::error::{IntakeError, bad};
use crate::{Intake, MAX_BODY_BYTES, document};

/// No endpoint of the intake takes a query.
pub(crate) fn without_query(query: Option<&str>) -> Result<(), IntakeError> {
    if query.is_some_and(|query| !query.is_empty()) {
        return Err(bad("Queries not supported on this endpoint"));
    }
    Ok(())
}

/// The body as JSON bytes, with the memory permit that covers it.
pub(crate) async fn read(
    intake: &Intake,
    query: Option<&str>,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Bytes, OwnedSemaphorePermit), IntakeError> {
    without_query(query)?;
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let announced = text(header::CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
    let expected = announced.unwrap_or(MAX_BODY_BYTES);
    if expected > MAX_BODY_BYTES {
        return Err(IntakeError::TooLarge);
    }
    let permits = (expected >> 20) as u32 + 1;
    let memory = Arc::clone(&intake.memory)
        .acquire_many_owned(permits)
        .await
        .map_err(|_| IntakeError::Unavailable("The intake is shutting down".into()))?;
    let mut collected = BytesMut::with_capacity(announced.unwrap_or(0));
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| bad(format!("The body was cut off: {error}")))?;
        if collected.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(IntakeError::TooLarge);
        }
        collected.extend_from_slice(&chunk);
    }
    let body = collected.freeze();
    let is_form = text(header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    // Content-Type is not looked at where the body is JSON: some uploaders name the wrong one.
    let looks_like_json =
        body.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|byte| *byte == b'{' || *byte == b'[');
    Ok((if is_form && !looks_like_json { document::form_as_json(&body).into() } else { body }, memory))
}
