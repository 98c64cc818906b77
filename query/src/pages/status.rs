//! How the runs of commits went, as cells of lists of commits.

use std::collections::{BTreeMap, BTreeSet};

use clickhouse::Row;
use schema::commit::{Commit, DEFAULT_BRANCHES};
use serde::{Deserialize, Serialize};

use crate::configurations;
use crate::error::ApiError;
use crate::routes::Service;
use crate::statistics::{Kinds, Statistics};

/// Suites of commits that are counted at once.
const MAX_ROWS: u64 = 10_000;

/// The runs of one suite on one commit.
#[derive(Debug, Serialize)]
pub(super) struct OfSuite {
    suite: String,
    runs: u64,
    /// Runs with unexpected failures.
    failed: u64,
}

#[derive(Row, Deserialize)]
struct Counted {
    uuid: u64,
    suite: String,
    runs: u64,
    failed: u64,
}

/// The runs that are stored under these uuids, by suite. Branches are those of the commits.
pub(super) async fn of_commits(service: &Service, commits: &[Commit]) -> Result<BTreeMap<u64, Vec<OfSuite>>, ApiError> {
    let uuids: BTreeSet<u64> = commits.iter().map(Commit::uuid).collect();
    let (Some(first), Some(last)) = (uuids.first(), uuids.last()) else { return Ok(BTreeMap::new()) };
    let branches: BTreeSet<&str> = commits.iter().map(|commit| branch_of(&commit.branch)).collect();
    // The sorting key starts with suite, branch and configuration: without them every run of these weeks is read.
    let (mut suites, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for branch in &branches {
        for stored in configurations::stored(service, branch).await?.iter() {
            ids.insert(stored.id);
            suites.extend(stored.suites.iter().cloned());
        }
    }
    let mut found: BTreeMap<u64, Vec<OfSuite>> = BTreeMap::new();
    if ids.is_empty() {
        return Ok(found);
    }
    let sql = "SELECT uuid, suite, count() AS runs, countIf(tests_unexpected_failed > 0) AS failed FROM runs \
               WHERE suite IN ? AND branch IN ? AND config_id IN ? AND uuid BETWEEN ? AND ? AND uuid IN ? \
               GROUP BY uuid, suite ORDER BY uuid, suite LIMIT ?";
    let asked = service.client.query(sql).bind(Vec::from_iter(&suites)).bind(Vec::from_iter(&branches));
    let asked = asked.bind(Vec::from_iter(&ids)).bind(first).bind(last).bind(Vec::from_iter(&uuids)).bind(MAX_ROWS);
    for Counted { uuid, suite, runs, failed } in asked.fetch_all().await? {
        found.entry(uuid).or_default().push(OfSuite { suite, runs, failed });
    }
    Ok(found)
}

/// What the runs of a commit's branch are stored under.
pub(super) fn branch_of(branch: &str) -> &str {
    if DEFAULT_BRANCHES.contains(&branch) { "default" } else { branch }
}

/// What a run's statistics say: passed, failed as expected and failed unexpectedly add up to the tests that ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Counts {
    pub(super) run: u64,
    pub(super) passed: u64,
    /// Failures of both kinds.
    pub(super) failed: u64,
    pub(super) expected: u64,
    pub(super) unexpected: u64,
    crashed: u64,
    timed_out: u64,
}

impl Counts {
    /// A crash counts as a time-out and a failure too in the stored statistics; here every test counts once.
    pub(super) fn of(stats: &str) -> Self {
        let Statistics { run, all, unexpected: found } = Statistics::of(stats);
        let failed = all.failed.min(run);
        let unexpected = found.failed.min(failed);
        let crashed = found.crashed.min(unexpected);
        Self {
            run,
            passed: run - failed,
            failed,
            expected: failed - unexpected,
            unexpected,
            crashed,
            timed_out: found.timed_out.min(unexpected).saturating_sub(crashed),
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.run += other.run;
        self.passed += other.passed;
        self.failed += other.failed;
        self.expected += other.expected;
        self.unexpected += other.unexpected;
        self.crashed += other.crashed;
        self.timed_out += other.timed_out;
    }

    /// Class and symbol of a cell, by the worst that was not expected.
    pub(super) fn symbol(&self) -> (&'static str, &'static str) {
        symbol(Kinds { failed: self.unexpected, timed_out: self.timed_out, crashed: self.crashed }.worst())
    }
}

/// Class and symbol of a test's state, by its position.
pub(super) fn symbol(state: u8) -> (&'static str, &'static str) {
    match state {
        schema::state::CRASH => ("crash", "!"),
        schema::state::TIMEOUT => ("timeout", "T"),
        2 => ("image", "I"),
        3..=schema::state::ERROR => ("fail", "✕"),
        schema::state::WARNING => ("warning", "?"),
        _ => ("pass", "✓"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_whatever_the_statistics_say() {
        for stats in [
            r#"{"tests_run":300,"tests_failed":6,"tests_unexpected_failed":4,"tests_unexpected_timedout":2,"tests_unexpected_crashed":1}"#,
            r#"{"tests_run":3,"tests_failed":60,"tests_unexpected_failed":400}"#,
            "{}",
            "[]",
        ] {
            let counts = Counts::of(stats);
            assert_eq!(counts.run, counts.passed + counts.expected + counts.unexpected, "{stats}");
            assert_eq!(counts.failed, counts.expected + counts.unexpected, "{stats}");
            assert!(counts.crashed + counts.timed_out <= counts.unexpected, "{stats}");
        }
    }
}
