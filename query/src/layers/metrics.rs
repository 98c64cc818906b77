//! How often each endpoint is asked, and how long it takes: by the pattern of its path, so that names make no series.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;

/// The endpoint of a path that none has.
const UNMATCHED: &str = "unmatched";

/// Records a request's endpoint, method, status and seconds.
pub(crate) async fn record(request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>();
    let endpoint = matched.map_or(UNMATCHED, MatchedPath::as_str).to_owned();
    // Whatever a client makes up as a method is one series.
    let method = match request.method().as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "PATCH" | "OPTIONS") => known.to_owned(),
        _ => "other".to_owned(),
    };
    let begun = Instant::now();
    let response = next.run(request).await;
    let status = response.status().as_str().to_owned();
    metrics::histogram!("resultsdb_request_seconds", "endpoint" => endpoint.clone(), "method" => method.clone())
        .record(begun.elapsed().as_secs_f64());
    metrics::counter!("resultsdb_requests_total", "endpoint" => endpoint, "method" => method, "status" => status)
        .increment(1);
    response
}
