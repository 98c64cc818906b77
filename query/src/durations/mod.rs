//! `GET /api/durations/<suite>[/<test>]`: how long a suite's runs, or the results of a test, took over weeks.
//!
//! Data flow: rows that tell how long they took → the same rows once by time, which makes a chart, and once by
//! configuration, which says where it takes how long, and whether that changed lately. [`slowest`] lists a run's tests.

pub(crate) mod slowest;

use axum::Json;
use axum::response::{IntoResponse, Response};
use clickhouse::Row;
use schema::configuration::Configuration;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::openapi::{Operation, list_of, object, shared, text, whole};

use crate::error::ApiError;
use crate::parameters::{CONFIGURATION, Parameters};
use crate::ranges::Bounds;
use crate::routes::Service;
use crate::selection::{Place, Selection};

const HOUR: u64 = 3600;
const WEEK: u64 = 7 * 24 * HOUR;
/// Lengths that a part of a chart may have, seconds.
const STEPS: [u64; 7] = [HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR, 48 * HOUR, WEEK];
/// A chart has about so many parts.
const PARTS: u64 = 60;
/// The newest share of the time asked about, one part in so many, is what "lately" means.
const LATELY: u64 = 4;

/// What ran on commits of the same part of the time.
#[derive(Debug, Clone, Row, Deserialize, Serialize)]
pub(crate) struct Part {
    /// Its beginning, seconds since 1970.
    pub(crate) from: u64,
    pub(crate) runs: u64,
    /// Median, 95th percentile and maximum, milliseconds.
    pub(crate) p50: u32,
    pub(crate) p95: u32,
    pub(crate) longest: u32,
}

/// One configuration over the whole time.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Line {
    pub(crate) configuration: Configuration,
    pub(crate) runs: u64,
    pub(crate) p50: u32,
    pub(crate) p95: u32,
    pub(crate) longest: u32,
    /// The medians of the newest quarter of the time, and of what was before.
    pub(crate) lately: Option<u32>,
    pub(crate) before: Option<u32>,
}

/// How long what was asked for took.
pub(crate) struct Answer {
    pub(crate) weeks: u64,
    /// Length of a part, seconds.
    pub(crate) step: u64,
    /// Parts in which something ran, oldest first.
    pub(crate) parts: Vec<Part>,
    /// What takes longest first.
    pub(crate) lines: Vec<Line>,
}

fn answer() -> Value {
    let took = || [("runs", whole()), ("p50", whole()), ("p95", whole()), ("longest", whole())];
    let unless_none = || json!({ "type": ["integer", "null"] });
    let part = object(&[&[("from", whole())], &took()[..]].concat());
    let of_configuration = [
        &[("configuration", shared("Configuration")), ("lately", unless_none()), ("before", unless_none())],
        &took()[..],
    ];
    let row = object(&of_configuration.concat());
    object(&[
        ("suite", text()),
        ("test", json!({ "type": ["string", "null"] })),
        ("weeks", whole()),
        ("step", whole()),
        ("parts", list_of(part)),
        ("rows", list_of(row)),
    ])
}

/// What it offers.
pub(crate) const OF_SUITE: Operation = Operation::get(
    "/api/durations/{suite}",
    "How long a suite's runs took: over time, and on each configuration; milliseconds",
    &[&CONFIGURATION, &["weeks", "recent", "branch", "format"]],
    answer,
);

/// What it offers.
pub(crate) const OF_TEST: Operation = Operation::get(
    "/api/durations/{suite}/{test}",
    "How long a test took: over time, and on each configuration; milliseconds",
    OF_SUITE.parameters,
    answer,
);

/// Answers in JSON.
pub(crate) async fn endpoint(
    service: &Service,
    query: Option<&str>,
    suite: &str,
    test: Option<&str>,
) -> Result<Response, ApiError> {
    let parameters = Parameters::read_of(query, test.is_some(), OF_SUITE.parameters)?;
    let Answer { weeks, step, parts, lines } = find(service, &parameters, suite, test).await?;
    let shown = json!({ "suite": suite, "test": test, "weeks": weeks, "step": step, "parts": parts, "rows": lines });
    Ok(Json(shown).into_response())
}

/// What the parameters ask of a suite, or of a test of it.
pub(crate) async fn find(
    service: &Service,
    parameters: &Parameters,
    suite: &str,
    test: Option<&str>,
) -> Result<Answer, ApiError> {
    let (selection, weeks) = selected(service, parameters).await?;
    let step = step(weeks);
    if selection.is_empty() {
        return Ok(Answer { weeks, step, parts: Vec::new(), lines: Vec::new() });
    }
    let (parts, lines) = tokio::try_join!(
        parts(service, suite, test, &selection, step),
        lines(service, suite, test, &selection, weeks)
    )?;
    Ok(Answer { weeks, step, parts, lines })
}

/// The last weeks of the asked configurations, and how many weeks.
async fn selected<'a>(service: &Service, parameters: &'a Parameters) -> Result<(Selection<'a>, u64), ApiError> {
    let weeks = parameters.weeks()?;
    Ok((Selection::within(service, parameters, Bounds::last_weeks(weeks), 1).await?, weeks))
}

/// The length of a chart's parts.
fn step(weeks: u64) -> u64 {
    STEPS.into_iter().find(|step| weeks * WEEK <= step * PARTS).unwrap_or(WEEK)
}

/// Where a run or a result was, and how long it took if that was measured: what is no time, or longer than a month, was not.
const RUNS: &str = "SELECT config_id, sdk, intDiv(uuid, 100) AS at, \
     JSONExtractFloat(stats, 'end_time') - JSONExtractFloat(stats, 'start_time') AS seconds, \
     JSONHas(stats, 'end_time') AND JSONHas(stats, 'start_time') AND seconds BETWEEN 0 AND 2678400 AS measured, \
     toUInt32(round(1000 * if(measured, seconds, 0))) AS took FROM runs";
const RESULTS: &str = "SELECT config_id, sdk, intDiv(uuid, 100) AS at, time_and_one > 0 AS measured, \
     toUInt32(time_and_one - measured) AS took FROM results";

/// Percentiles as they are, not interpolated: each is a time that was measured.
const TOOK: &str = "count() AS runs, quantileExact(0.5)(took) AS p50, quantileExact(0.95)(took) AS p95, \
     max(took) AS longest";

async fn parts(
    service: &Service,
    suite: &str,
    test: Option<&str>,
    selection: &Selection<'_>,
    step: u64,
) -> Result<Vec<Part>, ApiError> {
    let fields = format!("intDiv(at, {step}) * {step} AS from, {TOOK}");
    let asked = (fields.as_str(), "WHERE measured GROUP BY from ORDER BY from");
    Ok(selection.question(service, suite, test, (RUNS, RESULTS), asked).fetch_all().await?)
}

#[derive(Row, Deserialize)]
struct OfConfiguration {
    config_id: u64,
    sdk: String,
    newest: u64,
    runs: u64,
    p50: u32,
    p95: u32,
    longest: u32,
    runs_lately: u64,
    lately: u32,
    before: u32,
}

async fn lines(
    service: &Service,
    suite: &str,
    test: Option<&str>,
    selection: &Selection<'_>,
    weeks: u64,
) -> Result<Vec<Line>, ApiError> {
    let since = selection.bounds.end / 100 - weeks * WEEK / LATELY;
    let fields = format!(
        "config_id, sdk, max(at) AS newest, {TOOK}, countIf(at >= {since}) AS runs_lately, \
         quantileExactIf(0.5)(took, at >= {since}) AS lately, quantileExactIf(0.5)(took, at < {since}) AS before"
    );
    let asked = (fields.as_str(), "WHERE measured GROUP BY config_id, sdk");
    let rows: Vec<OfConfiguration> =
        selection.question(service, suite, test, (RUNS, RESULTS), asked).fetch_all().await?;
    let line = |row: OfConfiguration| {
        let place = Place { config_id: row.config_id, uuid: row.newest, sdk: row.sdk, start_time: 0 };
        Some(Line {
            configuration: selection.configuration(&place)?,
            runs: row.runs,
            p50: row.p50,
            p95: row.p95,
            longest: row.longest,
            lately: (row.runs_lately > 0).then_some(row.lately),
            before: (row.runs_lately < row.runs).then_some(row.before),
        })
    };
    let mut lines: Vec<Line> = rows.into_iter().filter_map(line).collect();
    lines.sort_by(|one, other| other.p50.cmp(&one.p50).then_with(|| one.configuration.cmp(&other.configuration)));
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_has_at_most_sixty_parts() {
        assert_eq!([1, 4, 8, 26, 52].map(step).map(|step| step / HOUR), [3, 12, 24, 168, 168]);
        for weeks in 1..=crate::parameters::MAX_WEEKS {
            assert!(weeks * WEEK / step(weeks) <= PARTS, "{weeks} weeks");
        }
    }
}
