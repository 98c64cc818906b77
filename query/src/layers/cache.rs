//! Answers that were given before and still hold.
//!
//! A key contains the watermark of the views, so that a new run leaves no stale answer behind; concurrent requests for
//! one answer wait for one computation. The clock is part of some answers (runs later than now, configurations that
//! ran lately): entries live [`LIFETIME`] at most. An ETag is the digest of the answer itself, so that an answer that
//! did not change is a 304 even after the watermark did.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use clickhouse::Client;
use moka::future::Cache;
use tokio::sync::{Mutex, watch};

use crate::error::{ApiError, broken};

const LIFETIME: Duration = Duration::from_secs(10);
/// Bytes of all answers together.
const CAPACITY: u64 = 64 << 20;
/// A larger answer is not kept: it would push out many that are asked for more often.
const LARGEST: usize = 4 << 20;

/// How far the views are.
#[derive(Clone)]
pub enum Watermark {
    /// The processor of this process says so.
    Here(watch::Receiver<u64>),
    /// The store is asked; whoever waits meanwhile shares the answer.
    InStore(Arc<Asked>),
}

/// A watermark as the store gave it last.
pub struct Asked {
    client: Client,
    last: Mutex<Option<(Instant, u64)>>,
    latest: AtomicU64,
}

impl Watermark {
    /// Asks the store.
    pub fn in_store(client: Client) -> Self {
        Self::InStore(Arc::new(Asked { client, last: Mutex::new(None), latest: AtomicU64::new(0) }))
    }

    /// What the last call of [`Self::now`], of any request, found.
    pub(crate) fn latest(&self) -> u64 {
        match self {
            Self::Here(applied) => *applied.borrow(),
            Self::InStore(asked) => asked.latest.load(Ordering::Acquire),
        }
    }

    /// A number that grows with every change of the views that was complete before the call.
    pub(crate) async fn now(&self) -> Result<u64, ApiError> {
        match self {
            Self::Here(applied) => Ok(*applied.borrow()),
            Self::InStore(asked) => {
                let called = Instant::now();
                let mut last = asked.last.lock().await;
                if let Some((_, value)) = last.filter(|(begun, _)| *begun >= called) {
                    return Ok(value);
                }
                let begun = Instant::now();
                let value = asked.client.query("SELECT sum(next_offset) FROM watermarks").fetch_one().await?;
                *last = Some((begun, value));
                asked.latest.store(value, Ordering::Release);
                Ok(value)
            }
        }
    }
}

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
            keep(compute).await
        };
        let kept = self.kept.try_get_with(key.clone(), compute).await;
        let kept = kept.map_err(ApiError::Shared)?;
        if kept.body.len() > LARGEST {
            self.kept.invalidate(&key).await;
        }
        Ok(kept.answer(headers))
    }
}

async fn keep(compute: impl Future<Output = Result<Response, ApiError>>) -> Result<Arc<Kept>, ApiError> {
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
