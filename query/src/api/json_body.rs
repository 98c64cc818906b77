//! Questions that are posted as JSON documents.

use axum::body::{Body, to_bytes};
use serde::de::DeserializeOwned;

use crate::error::{ApiError, bad};

/// Reads a document of so many bytes at most; `what` says in an error what it should have been.
pub(super) async fn read<T: DeserializeOwned>(body: Body, most: usize, what: &str) -> Result<T, ApiError> {
    let body = to_bytes(body, most)
        .await
        .map_err(|_| bad(format!("The body is larger than {} MiB or was cut off", most >> 20)))?;
    serde_json::from_slice(&body).map_err(|error| bad(format!("The body {what}: {error}")))
}
