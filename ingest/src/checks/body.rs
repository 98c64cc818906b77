//! Reads request bodies: bounded each, and bounded together.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::encoding::refuse_encoded;
use super::forms::form_as_json;
use crate::error::{IntakeError, bad};

/// The largest request body, bytes.
pub(crate) const MAX_BODY_BYTES: usize = 256 << 20;
/// Bodies held at one time, MiB over all requests.
const MEMORY_MIB: usize = 384;
/// The refusal of a larger body.
pub(crate) const TOO_LARGE: IntakeError = IntakeError::TooLarge { limit_mib: MAX_BODY_BYTES >> 20 };

/// Checks that there is no query: no endpoint of the intake takes one.
pub(crate) fn without_query(query: Option<&str>) -> Result<(), IntakeError> {
    if query.is_some_and(|query| !query.is_empty()) {
        return Err(bad("Queries not supported on this endpoint"));
    }
    Ok(())
}

/// The memory that bodies of all requests share; one permit is one MiB.
#[derive(Clone)]
pub(crate) struct BodyMemory(Arc<Semaphore>);

impl Default for BodyMemory {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MEMORY_MIB)))
    }
}

impl BodyMemory {
    /// Memory for so many bytes; waits while other bodies take too much.
    pub(crate) async fn reserve(&self, bytes: usize) -> Result<OwnedSemaphorePermit, IntakeError> {
        let permits = u32::try_from(bytes >> 20).unwrap_or(u32::MAX).saturating_add(1);
        let reserved = Arc::clone(&self.0).acquire_many_owned(permits).await;
        reserved.map_err(|_| IntakeError::Unavailable("The intake is shutting down".into()))
    }

    /// The body as JSON bytes, with the permit that covers its memory; waits while other bodies take too much.
    pub(crate) async fn read(
        &self,
        query: Option<&str>,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<(Bytes, OwnedSemaphorePermit), IntakeError> {
        without_query(query)?;
        refuse_encoded(headers)?;
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let announced = text(header::CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
        let expected = announced.unwrap_or(MAX_BODY_BYTES);
        if expected > MAX_BODY_BYTES {
            return Err(TOO_LARGE);
        }
        let permit = self.reserve(expected).await?;
        let mut collected = BytesMut::with_capacity(announced.unwrap_or(0));
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| bad(format!("The body was cut off: {error}")))?;
            if collected.len() + chunk.len() > MAX_BODY_BYTES {
                return Err(TOO_LARGE);
            }
            collected.extend_from_slice(&chunk);
        }
        let body = collected.freeze();
        let kind = text(header::CONTENT_TYPE);
        let is_form = kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        // Content-Type is not looked at where the body is JSON: some uploaders name the wrong one.
        let looks_like_json =
            body.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|byte| *byte == b'{' || *byte == b'[');
        let body = if is_form && !looks_like_json { form_as_json(&body).into() } else { body };
        Ok((body, permit))
    }
}
