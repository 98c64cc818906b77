//! Dashboards that the configuration names: how a suite is doing now on each of its configurations.
//!
//! Data flow: a configured [`Dashboard`] → the newest runs of its suite → [`tile`] for each configuration, SDKs together
//! (pure) → a [`Board`], worst first. A configuration that was not heard of for a while is at least a warning, and after
//! a longer while is left out.

use std::collections::BTreeMap;

use schema::configuration::Configuration;
use schema::state::{ERROR, PASS, WARNING};
use serde_json::Value;

use crate::configurations;
use crate::error::{ApiError, bad};
use crate::parameters::{CONFIGURATION, Parameters};
use crate::results;
use crate::routes::Service;
use crate::selection::{Selection, branch_key};
use crate::timeline::Outcome;
use crate::timeline::verdict::{self, Verdict};

/// Runs of each configuration that are looked at.
const RUNS: u64 = 150;
/// Hours, unless a dashboard says otherwise.
const WARN_AFTER: u64 = 12;
const EXPIRE_AFTER: u64 = 168;
const HOUR: i64 = 3600;

/// A dashboard as it is configured.
#[derive(Debug)]
pub(crate) struct Dashboard {
    pub(crate) title: String,
    pub(crate) suite: String,
    /// Configurations and branch.
    pub(crate) filters: Parameters,
    /// Seconds.
    warn_after: i64,
    expire_after: i64,
}

impl Dashboard {
    /// Reads an entry of `dashboard_queries`: `title`, `suite`, `warnAfter` and `expireAfter` in hours; what else there
    /// is are filters, one value or a list.
    pub(crate) fn read(entry: &Value) -> Result<Self, ApiError> {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
        let suite = text("suite").ok_or_else(|| bad("A dashboard names no suite"))?;
        let title = text("title").unwrap_or_else(|| suite.clone());
        let seconds = |name: &str, default: u64| match entry.get(name).map(Value::as_u64) {
            None => Ok(default as i64 * HOUR),
            Some(Some(hours @ 1..=100_000)) => Ok(hours as i64 * HOUR),
            Some(_) => Err(bad(format!("{name} of the dashboard {title} is no number of hours"))),
        };
        let (warn_after, expire_after) = (seconds("warnAfter", WARN_AFTER)?, seconds("expireAfter", EXPIRE_AFTER)?);
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in entry.as_object().into_iter().flatten() {
            if ["title", "suite", "warnAfter", "expireAfter"].contains(&name.as_str()) {
                continue;
            }
            let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            for value in values {
                query.append_pair(name, &value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            }
        }
        let filters = Parameters::read(Some(&query.finish()), &[&CONFIGURATION, &["recent", "branch"]])
            .map_err(|error| bad(format!("{error}, nor by the dashboard {title}")))?;
        Ok(Self { title, suite, filters, warn_after, expire_after })
    }
}

/// Whether every entry of `dashboard_queries` can be read, so that a mistake shows at the start.
pub fn check_dashboards(entries: &[Value]) -> Result<(), ApiError> {
    entries.iter().try_for_each(|entry| Dashboard::read(entry).map(drop))
}

/// A run as a tile looks at it.
#[derive(Debug, Clone)]
struct Run {
    outcome: Outcome,
    start_time: u32,
    sdk: String,
}

/// How a configuration is doing.
#[derive(Debug, PartialEq)]
pub(crate) struct Tile {
    /// Of the newest run, no better than a warning if that is long ago.
    pub(crate) state: u8,
    pub(crate) is_late: bool,
    /// Of the newest run.
    pub(crate) uuid: u64,
    pub(crate) start_time: u32,
    pub(crate) label: String,
    /// Tests that failed in it.
    pub(crate) failed: u64,
    /// Runs that failed one after the other, until now.
    pub(crate) bad_runs: usize,
    pub(crate) first_bad: Option<u64>,
    pub(crate) last_good: Option<u64>,
    /// Where the SDK changed between those.
    pub(crate) sdks: Option<(String, String)>,
    pub(crate) is_flaky: bool,
}

/// A dashboard's configurations, worst first.
#[derive(Debug)]
pub(crate) struct Board {
    pub(crate) title: String,
    pub(crate) suite: String,
    /// The filters as a query text.
    pub(crate) query: String,
    /// The worst of all; none if nothing ran.
    pub(crate) worst: Option<u8>,
    pub(crate) tiles: Vec<(Configuration, Tile)>,
}

/// What a question to all dashboards asks for.
pub(crate) struct Asked<'a> {
    /// Narrows the dashboards' own filters.
    pub(crate) parameters: &'a Parameters,
    /// Whether only failures count that were not expected.
    pub(crate) unexpected: bool,
}

/// Every configured dashboard.
pub(crate) async fn all(service: &Service, asked: &Asked<'_>) -> Result<Vec<Board>, ApiError> {
    let mut boards = Vec::new();
    // Entries were checked at the start.
    for dashboard in service.options.dashboard_queries.iter().filter_map(|entry| Dashboard::read(entry).ok()) {
        boards.push(board(service, dashboard, asked).await?);
    }
    Ok(boards)
}

async fn board(service: &Service, dashboard: Dashboard, asked: &Asked<'_>) -> Result<Board, ApiError> {
    let mut selection = Selection::read(service, &dashboard.filters, RUNS).await?;
    let wanted = configurations::matching(service, asked.parameters, &branch_key(&dashboard.filters)).await?;
    selection.matching.retain(|id, _| wanted.contains_key(id));
    let mut runs: BTreeMap<Configuration, Vec<Run>> = BTreeMap::new();
    for entry in results::of_suite(service, &dashboard.suite, &selection).await? {
        let run = |run: &results::SuiteRun| Run {
            outcome: Outcome::of_run(run),
            start_time: run.start_time,
            sdk: entry.configuration.sdk.clone().unwrap_or_default(),
        };
        runs.entry(entry.configuration.without_sdk()).or_default().extend(entry.results.iter().map(run));
    }
    let now = configurations::now();
    let tiles = runs.into_iter().filter_map(|(configuration, mut runs)| {
        runs.sort_by_key(|run| std::cmp::Reverse((run.outcome.uuid, run.start_time)));
        Some((configuration, tile(&runs, now, &dashboard, asked.unexpected)?))
    });
    let mut tiles: Vec<(Configuration, Tile)> = tiles.collect();
    tiles.sort_by_key(|(_, tile)| (tile.state, std::cmp::Reverse(tile.failed)));
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(dashboard.filters.pairs()).finish();
    let worst = tiles.first().map(|(_, tile)| tile.state);
    Ok(Board { title: dashboard.title, suite: dashboard.suite, query, worst, tiles })
}

/// From the runs of a configuration, newest first; none if the newest is too long ago.
fn tile(runs: &[Run], now: i64, dashboard: &Dashboard, unexpected: bool) -> Option<Tile> {
    let latest = runs.first()?;
    let age = now - i64::from(latest.start_time);
    if age > dashboard.expire_after {
        return None;
    }
    let state = |run: &Run| if unexpected { run.outcome.unexpected } else { run.outcome.actual };
    let is_failing = |run: &Run| state(run) <= ERROR;
    let bad_runs = runs.iter().take_while(|run| is_failing(run)).count();
    let first_bad = runs[..bad_runs].last();
    let last_good = runs.get(bad_runs).filter(|_| bad_runs > 0);
    let is_late = age > dashboard.warn_after;
    let verdict = verdict::of_runs(runs.iter().map(|run| (run.outcome.uuid, is_failing(run))), latest.outcome.uuid);
    let failed = latest.outcome.failed.map_or(0, |(all, unexpectedly)| if unexpected { unexpectedly } else { all });
    let sdks = first_bad.zip(last_good).map(|(bad, good)| (good.sdk.clone(), bad.sdk.clone()));
    Some(Tile {
        state: if is_late { state(latest).min(WARNING) } else { state(latest).min(PASS) },
        is_late,
        uuid: latest.outcome.uuid,
        start_time: latest.start_time,
        label: latest.outcome.label.clone(),
        failed,
        bad_runs,
        first_bad: first_bad.map(|run| run.outcome.uuid),
        last_good: last_good.map(|run| run.outcome.uuid),
        sdks: sdks.filter(|(good, bad)| good != bad),
        is_flaky: matches!(verdict, Verdict::Flaky { .. }),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn dashboard() -> Dashboard {
        Dashboard::read(&json!({ "suite": "s", "platform": ["mac", "ios"], "is_simulator": false })).unwrap()
    }

    /// Newest first: the state of each run, an hour apart, the first an hour ago; `x` was built with another SDK.
    fn of(states: &str, hours_ago: i64) -> Option<Tile> {
        let run = |(index, letter): (usize, u8)| Run {
            outcome: Outcome {
                uuid: 1000 - index as u64,
                actual: if letter == b'P' { PASS } else { ERROR },
                unexpected: if letter == b'P' || letter == b'x' { PASS } else { ERROR },
                label: String::new(),
                failed: Some((2, u64::from(letter == b'F'))),
                time: None,
            },
            start_time: (1000 - index as u32) * 3600,
            sdk: if letter == b'x' { "old".into() } else { "new".into() },
        };
        let runs: Vec<Run> = states.bytes().enumerate().map(run).collect();
        tile(&runs, (1000 + hours_ago) * 3600, &dashboard(), true)
    }

    #[test]
    fn a_failing_configuration_says_since_when() {
        let tile = of("FFxP", 1).unwrap();
        assert_eq!((tile.state, tile.failed, tile.bad_runs), (ERROR, 1, 2));
        assert_eq!((tile.first_bad, tile.last_good), (Some(999), Some(998)));
        assert_eq!(tile.sdks, Some(("old".into(), "new".into())));
        let tile = of("FF", 1).unwrap();
        assert_eq!((tile.first_bad, tile.last_good, tile.bad_runs), (Some(999), None, 2));
    }

    #[test]
    fn a_passing_one_warns_once_it_is_late_and_then_is_left_out() {
        let state = |hours| of("PPF", hours).map(|tile| (tile.state, tile.is_late));
        assert_eq!(
            (state(12), state(13), state(168), state(169)),
            (Some((PASS, false)), Some((WARNING, true)), Some((WARNING, true)), None)
        );
        assert_eq!(of("F", 13).unwrap().state, ERROR);
        assert_eq!(of("", 0), None);
        assert!(of("PFPF", 1).unwrap().is_flaky && !of("PF", 1).unwrap().is_flaky);
    }

    #[test]
    fn entries_are_checked() {
        let dashboard = dashboard();
        let filters: Vec<(&str, &str)> = dashboard.filters.pairs().collect();
        assert_eq!(filters, [("platform", "mac"), ("platform", "ios"), ("is_simulator", "false")]);
        assert_eq!(dashboard.title, "s");
        for (entry, problem) in [
            (json!({ "title": "x" }), "names no suite"),
            (json!("x"), "names no suite"),
            (json!({ "suite": "s", "colour": "red" }), "'colour' not supported"),
            (json!({ "suite": "s", "warnAfter": "soon" }), "no number of hours"),
        ] {
            let error = check_dashboards(&[entry]).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
    }
}
