//! Answers that were given before and still hold.
//!
//! A key contains the watermark of the views, so that a new run leaves no stale answer behind; concurrent requests for
//! one answer wait for one computation. The clock is part of some answers (runs later than now, configurations that
//! ran lately): entries live [`LIFETIME`] at most. An ETag is the digest of the answer itself, so that an answer that
//! did not change is a 304 even after the watermark did.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use moka::future::Cache;

use crate::error::{ApiError, broken};

const LIFETIME: Duration = Duration::from_secs(10);
/// Bytes of all answers together.
const CAPACITY: u64 = 64 << 20;
/// A larger answer is not kept: it would push out many that are asked for more often.
const LARGEST: usize = 4 << 20;

/// What is asked for, and how far the views were.
type Key = (String, u64);

/// Kept answers.
pub(crate) struct Answers {
    kept: Cache<Key, Arc<Kept>>,
}

struct Kept {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    tag: HeaderValue,
}

impl Answers {
    pub(crate) fn new() -> Self {
        let weigh = |key: &Key, kept: &Arc<Kept>| (key.0.len() + kept.body.len() + 512) as u32;
        let kept = Cache::builder().max_capacity(CAPACITY).weigher(weigh).time_to_live(LIFETIME).build();
        Self { kept }
    }

    /// The answer to `asked`, computed only if no kept one holds.
    pub(crate) async fn respond(
        &self,
        asked: String,
        watermark: u64,
        headers: &HeaderMap,
        compute: impl Future<Output = Result<Response, ApiError>>,
    ) -> Result<Response, ApiError> {
        let key = (asked, watermark);
        metrics::counter!("resultsdb_cacheable_requests_total").increment(1);
        let compute = async {
            metrics::counter!("resultsdb_cache_misses_total").increment(1);
            kept(compute).await
        };
        let kept = self.kept.try_get_with(key.clone(), compute).await;
        let kept = kept.map_err(ApiError::Shared)?;
        if kept.body.len() > LARGEST {
            self.kept.invalidate(&key).await;
        }
        Ok(kept.answer(headers))
    }
}

async fn kept(compute: impl Future<Output = Result<Response, ApiError>>) -> Result<Arc<Kept>, ApiError> {
    let (parts, body) = compute.await?.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.map_err(broken)?;
    let digest = blake3::hash(&body).to_hex();
    let tag = HeaderValue::from_str(&format!("\"{}\"", &digest[..32])).map_err(broken)?;
    Ok(Arc::new(Kept { status: parts.status, headers: parts.headers, body, tag }))
}

impl Kept {
    fn answer(&self, asked: &HeaderMap) -> Response {
        let known = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let mine = self.tag.to_str().unwrap_or_default();
        let unchanged = known
            .flat_map(|value| value.split(','))
            .map(|tag| tag.trim().trim_start_matches("W/"))
            .any(|tag| tag == "*" || tag == mine);
        let mut response = if unchanged && self.status == StatusCode::OK {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let mut response = Response::new(Body::from(self.body.clone()));
            *response.status_mut() = self.status;
            response
        };
        response.headers_mut().extend(self.headers.clone());
        if self.status == StatusCode::OK {
            response.headers_mut().insert(header::ETAG, self.tag.clone());
        }
        response
    }
}
