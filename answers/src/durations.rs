//! How long a suite's runs, or the results of a test, took over weeks.
//!
//! Data flow: rows that tell how long they took → the same rows once by time, which makes a chart, and once by
//! configuration, which says where it takes how long, and whether that changed lately. [`crate::slowest`] lists a run's
//! tests.

use analysis::slower::is_slower;
use schema::configuration::Configuration;
use schema::ids::CommitKey;
use schema::seconds::{HOUR, WEEK};
use schemars::JsonSchema;
use serde::Serialize;

use crate::ask::RunFilter;
use crate::error::AnswerError;
use crate::reads::durations as reads;
pub use crate::reads::durations::DurationPart;
use crate::reads::selection::{RunPlace, Selection};
use crate::renames::{self, Tenure};
use crate::store::Store;
use crate::suites;
use crate::table::{self, Table, Tabular};

/// Lengths that a part of a chart may have, seconds.
const STEPS: [u64; 7] = [HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR, 48 * HOUR, WEEK];
/// A chart has about so many parts.
const PARTS: u64 = 60;
/// The newest share of the time asked about, one part in so many, is what "lately" means.
const LATELY: u64 = 4;

/// Which durations are asked for.
#[derive(Debug, Clone, Default)]
pub struct DurationsQuestion {
    /// The suite.
    pub suite: String,
    /// The test; none for the suite's runs.
    pub test: Option<String>,
    /// How far back, weeks.
    pub weeks: u64,
    /// Branch and configurations.
    pub runs: RunFilter,
}

/// One configuration over the whole time; times in milliseconds.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DurationRow {
    /// The configuration.
    pub configuration: Configuration,
    /// Runs in which a time was measured.
    pub runs: u64,
    /// The median.
    pub p50: u32,
    /// The 95th percentile.
    pub p95: u32,
    /// The longest.
    pub longest: u32,
    /// The median of the newest quarter of the time.
    pub lately: Option<u32>,
    /// The median of what was before.
    pub before: Option<u32>,
}

impl DurationRow {
    /// Whether the newest quarter of the time takes clearly longer than what was before.
    pub fn is_slower(&self) -> bool {
        self.before.zip(self.lately).is_some_and(|(before, lately)| is_slower(before, lately))
    }
}

/// How long what was asked for took.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Durations {
    /// The suite.
    pub suite: String,
    /// The test.
    pub test: Option<String>,
    /// How far back, weeks.
    pub weeks: u64,
    /// Length of a part, seconds.
    pub step: u64,
    /// Parts in which something ran, oldest first.
    pub parts: Vec<DurationPart>,
    /// What takes longest first.
    pub rows: Vec<DurationRow>,
}

/// How long a suite's runs, or the results of a test, took.
pub async fn find(store: &Store, question: &DurationsQuestion) -> Result<Durations, AnswerError> {
    let DurationsQuestion { suite, test, weeks, runs } = question;
    suites::expect(store, suite).await?;
    let selection = Selection::started_within(store, suite, runs, *weeks, 1).await?;
    let step = step(*weeks);
    let (parts, rows) = if selection.is_empty() {
        Default::default()
    } else {
        let tenures = match test {
            Some(test) => Some(renames::tenures(store, suite, test).await?),
            None => None,
        };
        tokio::try_join!(
            reads::parts(store, suite, tenures.as_deref(), &selection, step),
            rows(store, suite, tenures.as_deref(), &selection, *weeks)
        )?
    };
    Ok(Durations { suite: suite.clone(), test: test.clone(), weeks: *weeks, step, parts, rows })
}

/// The length of a chart's parts, seconds.
fn step(weeks: u64) -> u64 {
    STEPS.into_iter().find(|step| weeks * WEEK <= step * PARTS).unwrap_or(WEEK)
}

async fn rows(
    store: &Store,
    suite: &str,
    test: Option<&[Tenure]>,
    selection: &Selection,
    weeks: u64,
) -> Result<Vec<DurationRow>, AnswerError> {
    let since = store.clock.now().saturating_sub(weeks * WEEK / LATELY);
    let rows = reads::by_configuration(store, suite, test, selection, since).await?;
    let row = |row: reads::ConfigurationDurations| {
        let place = RunPlace { config_id: row.config_id, uuid: CommitKey::FIRST, sdk: row.sdk, start_time: 0 };
        Some(DurationRow {
            configuration: selection.configuration(&place)?,
            runs: row.runs,
            p50: row.p50,
            p95: row.p95,
            longest: row.longest,
            lately: (row.runs_lately > 0).then_some(row.lately),
            before: (row.runs_lately < row.runs).then_some(row.before),
        })
    };
    let mut rows: Vec<DurationRow> = rows.into_iter().filter_map(row).collect();
    rows.sort_by(|one, other| other.p50.cmp(&one.p50).then_with(|| one.configuration.cmp(&other.configuration)));
    Ok(rows)
}

impl Tabular for Durations {
    fn table(&self) -> Result<Table, AnswerError> {
        table::of_rows(&self.parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_has_at_most_sixty_parts() {
        assert_eq!([1, 4, 8, 26, 52].map(step).map(|step| step / HOUR), [3, 12, 24, 168, 168]);
        for weeks in 1..=52 {
            assert!(weeks * WEEK / step(weeks) <= PARTS, "{weeks} weeks");
        }
    }
}
