//! What an operator watches: `/metrics` in Prometheus' text format, `/__health` (the process answers), `/__ready` (its store
//! does, too), and how far the processor is behind.

use std::sync::Arc;
use std::time::Duration;

use access::{Door, Routes, Rule};
use anyhow::Context;
use axum::Router;
use axum::http::StatusCode;
use axum::middleware::map_response;
use axum::response::IntoResponse;
use eventlog::EventLog;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use schema::{ARCHIVE_GROUP, EVENTS_TOPIC, PROCESSOR_GROUP};
use web::protection::protect;

/// Bounds of histograms of times, seconds.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
/// Bounds of histograms of events in a batch.
const EVENTS: [f64; 7] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];
/// How often the lag is looked at.
const LAG: Duration = Duration::from_secs(5);

/// Starts to count; once per process.
pub(crate) fn recorder() -> anyhow::Result<PrometheusHandle> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_events".to_owned()), &EVENTS))
        .and_then(PrometheusBuilder::install_recorder)
        .context("starting the metrics")
        .inspect(|_| crate::metrics::describe())
}

/// `/metrics`, which tells what is stored in outline, `/__health` and `/__ready`, which tell nothing of it.
pub(crate) fn router(client: clickhouse::Client, metrics: PrometheusHandle, door: &Door) -> Router {
    let ready = move || async move {
        match client.query("SELECT 1").fetch_one::<u8>().await {
            Ok(_) => (StatusCode::OK, "ok".to_owned()).into_response(),
            Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("the store: {error}")).into_response(),
        }
    };
    let shown = move || async move {
        metrics.run_upkeep();
        ([("content-type", "text/plain; version=0.0.4; charset=utf-8")], metrics.render())
    };
    // A service that is alive must not be restarted because its store is away.
    let health = || async { "ok" };
    Routes::new()
        .get(Rule::Anybody, "/__health", health)
        .get(Rule::Anybody, "/__ready", ready)
        .get(Rule::Read, "/metrics", shown)
        .behind(door)
        .layer(map_response(protect))
}

/// Gauges of how many events of each partition are not in the views yet, or not in the archive.
pub(crate) const VIEWS: (&str, &str) = ("resultsdb_lag_events", PROCESSOR_GROUP);
pub(crate) const ARCHIVE: (&str, &str) = ("resultsdb_archive_lag_events", ARCHIVE_GROUP);

/// Says again and again how far groups are behind.
pub(crate) async fn lag(log: Arc<dyn EventLog>, gauges: &'static [(&'static str, &'static str)]) {
    loop {
        let ends = log.end_offsets(EVENTS_TOPIC).await.unwrap_or_default();
        for (gauge, group) in gauges {
            let committed = log.committed_offsets(EVENTS_TOPIC, group).await.unwrap_or_default();
            for (partition, (end, next)) in ends.iter().zip(&committed).enumerate() {
                let label = partition.to_string();
                metrics::gauge!(*gauge, "partition" => label).set(end.saturating_sub(*next) as f64);
            }
        }
        tokio::time::sleep(LAG).await;
    }
}
