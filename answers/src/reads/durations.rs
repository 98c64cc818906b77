//! Reads how long runs and results took.

use clickhouse::Row;
use schema::ids::ConfigId;
use schema::seconds::{WEEK, monday};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::selection::{Selection, Sources};
use crate::error::AnswerError;
use crate::renames::Tenure;
use crate::store::Store;

/// When a run or a result was, and how long it took if that was measured: what is no time, or longer than a month, was
/// not.
const ROWS: Sources = Sources {
    runs: "SELECT config_id, sdk, start_time AS at, \
           JSONExtractFloat(stats, 'end_time') - JSONExtractFloat(stats, 'start_time') AS seconds, \
           JSONHas(stats, 'end_time') AND JSONHas(stats, 'start_time') AND seconds BETWEEN 0 AND 2678400 AS measured, \
           toUInt32(round(1000 * if(measured, seconds, 0))) AS took FROM runs",
    results: "SELECT config_id, sdk, start_time AS at, time_and_one > 0 AS measured, \
              toUInt32(time_and_one - measured) AS took FROM results",
};

/// Percentiles as they are, not interpolated: each is a time that was measured.
const TOOK: &str = "count() AS runs, quantileExact(0.5)(took) AS p50, quantileExact(0.95)(took) AS p95, \
                    max(took) AS longest";

/// What started in the same part of the time.
#[derive(Debug, Clone, Row, Deserialize, Serialize, JsonSchema)]
pub struct DurationPart {
    /// The part's beginning, seconds since 1970.
    pub from: u64,
    /// Runs in which a time was measured.
    pub runs: u64,
    /// The median, milliseconds.
    pub p50: u32,
    /// The 95th percentile, milliseconds.
    pub p95: u32,
    /// The longest, milliseconds.
    pub longest: u32,
}

/// What one configuration took.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct ConfigurationDurations {
    pub(crate) config_id: ConfigId,
    pub(crate) sdk: String,
    pub(crate) runs: u64,
    pub(crate) p50: u32,
    pub(crate) p95: u32,
    pub(crate) longest: u32,
    /// Runs that started since the time that was asked for, and the medians after and before it.
    pub(crate) runs_lately: u64,
    pub(crate) lately: u32,
    pub(crate) before: u32,
}

/// By time, in parts of `step` seconds, oldest first.
pub(crate) async fn parts(
    store: &Store,
    suite: &str,
    test: Option<&[Tenure]>,
    selection: &Selection,
    step: u64,
) -> Result<Vec<DurationPart>, AnswerError> {
    let fields = format!("toUInt64(intDiv(at, {{step}}) * {{step}}) AS from, {TOOK}");
    let tail = "WHERE measured GROUP BY from ORDER BY from";
    selection.over(store, suite, test, ROWS, &fields, tail).value("step", step).all(&store.client).await
}

/// By configuration and SDK; `since` parts "lately" from "before", seconds since 1970.
pub(crate) async fn by_configuration(
    store: &Store,
    suite: &str,
    test: Option<&[Tenure]>,
    selection: &Selection,
    since: u64,
) -> Result<Vec<ConfigurationDurations>, AnswerError> {
    let fields = format!(
        "config_id, sdk, {TOOK}, countIf(at >= {{since}}) AS runs_lately, \
         quantileExactIf(0.5)(took, at >= {{since}}) AS lately, quantileExactIf(0.5)(took, at < {{since}}) AS before"
    );
    let tail = "WHERE measured GROUP BY config_id, sdk";
    selection.over(store, suite, test, ROWS, &fields, tail).value("since", since).all(&store.client).await
}

/// What started in the same week.
#[derive(Debug, Clone, Copy, Row, Deserialize)]
pub(crate) struct WeekDurations {
    /// The week's first second, seconds since 1970.
    pub(crate) from: u64,
    /// Runs in which a time was measured.
    pub(crate) timed: u64,
    /// The median, milliseconds.
    pub(crate) p50: u32,
    /// The 90th percentile, milliseconds.
    pub(crate) p90: u32,
    /// The 99th percentile, milliseconds.
    pub(crate) p99: u32,
}

/// By weeks that begin on Mondays in UTC, oldest first.
pub(crate) async fn by_week(
    store: &Store,
    suite: &str,
    test: Option<&[Tenure]>,
    selection: &Selection,
) -> Result<Vec<WeekDurations>, AnswerError> {
    let fields = "toUInt64(intDiv(at + {shift}, {week}) * {week} - {shift}) AS from, count() AS timed, \
                  quantileExact(0.5)(took) AS p50, quantileExact(0.9)(took) AS p90, quantileExact(0.99)(took) AS p99";
    let tail = "WHERE measured GROUP BY from ORDER BY from";
    let statement = selection.over(store, suite, test, ROWS, fields, tail);
    // The week in which 1970 began has begun so many seconds before.
    statement.value("week", WEEK).value("shift", monday(0).unsigned_abs()).all(&store.client).await
}
