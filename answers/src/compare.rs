//! What changed for a suite between two commits.
//!
//! Data flow: two names of commits → on each configuration the newest run at or before each → the failures of those
//! runs → [`analysis::compare::failures`], the same change of a test on several configurations together. Where one
//! configuration is left, the documents of its two runs also tell what was added, removed and became slower.

use std::collections::{BTreeMap, BTreeSet};

use analysis::compare::{self as rule, Failures};
pub use analysis::compare::{Change, Details};
use schema::configuration::Configuration;
use schema::ids::{CommitKey, ConfigId};
use schema::seconds::WEEK;
use schema::state::State;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::ask::RunFilter;
use crate::commit_range::RunBounds;
use crate::error::{AnswerError, invalid, not_found};
use crate::reads::failures::FailedTest;
use crate::reads::selection::{RunPlace, Selection};
use crate::reads::{failures, runs};
use crate::store::Store;
use crate::table::{self, Table, Tabular};
use crate::{commits, run_times};

/// How far before a commit its run may be, seconds.
const REACH: u64 = 4 * WEEK;
/// Keys of commits have more digits than any revision.
const SMALLEST_KEY: u64 = 10_000_000_000;
/// Tests answered if the question names no limit, and at most.
const TESTS: u64 = 500;
const MAX_TESTS: u64 = 10_000;

/// What is compared.
#[derive(Debug, Clone, Default)]
pub struct CompareQuestion {
    /// The suite.
    pub suite: String,
    /// The commit before: identifier, revision, beginning of a hash, or key; now if there is none.
    pub before: Option<String>,
    /// The branch of the commit before; that of the filter if there is none.
    pub before_branch: Option<String>,
    /// The commit after; now if there is none.
    pub after: Option<String>,
    /// Whether failures that were expected count, too.
    pub with_expected: bool,
    /// Branch and configurations; its limit is one of tests.
    pub runs: RunFilter,
}

/// A commit that is compared.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ComparedCommit {
    /// Its key.
    pub uuid: CommitKey,
    /// As people name it.
    pub name: String,
}

/// A run on one side.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct ComparedRun {
    /// The commit.
    pub uuid: CommitKey,
    /// Start of the run, seconds since 1970.
    pub start_time: u32,
}

/// A configuration that ran on both sides.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ComparedConfiguration {
    /// The configuration.
    pub configuration: Configuration,
    /// Its run before.
    pub before: ComparedRun,
    /// Its run after.
    pub after: ComparedRun,
}

/// One test's change.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChangedTest {
    /// What changed.
    pub change: Change,
    /// The test.
    pub test: String,
    /// Its worst state before.
    pub before: State,
    /// Its worst state after.
    pub after: State,
    /// Positions in the comparison's runs.
    pub runs: Vec<usize>,
}

/// What changed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Comparison {
    /// The suite.
    pub suite: String,
    /// The commit before.
    pub before: ComparedCommit,
    /// The commit after.
    pub after: ComparedCommit,
    /// Configurations that ran on both sides.
    pub runs: Vec<ComparedConfiguration>,
    /// Configurations that ran only on one side.
    #[serde(skip)]
    pub alone: usize,
    /// How many tests changed in each way.
    #[schemars(with = "BTreeMap<String, usize>")]
    pub counts: BTreeMap<Change, usize>,
    /// New failures first; the worst and most common first.
    pub tests: Vec<ChangedTest>,
    /// What ran and how long it took, where one configuration is left.
    pub details: Option<Details>,
}

/// What changed between two commits.
pub async fn find(store: &Store, question: &CompareQuestion) -> Result<Comparison, AnswerError> {
    let CompareQuestion { suite, before, before_branch, after, with_expected, runs: filter } = question;
    if before.is_none() && before_branch.is_none() {
        return Err(invalid("Name the commit to compare with as before, or its branch as before_branch"));
    }
    let (before, after) = tokio::try_join!(end(store, before.as_deref()), end(store, after.as_deref()))?;
    let filter_before = RunFilter { branch: before_branch.clone().or_else(|| filter.branch.clone()), ..filter.clone() };
    let limit = filter.limit.unwrap_or(TESTS).min(MAX_TESTS) as usize;
    let (old, new) = tokio::try_join!(
        Side::at(store, &filter_before, suite, before.uuid, !with_expected),
        Side::at(store, filter, suite, after.uuid, !with_expected)
    )?;
    let mut runs = Vec::new();
    let mut pairs = Vec::new();
    let mut merged: BTreeMap<(Change, String), ChangedTest> = BTreeMap::new();
    let mut common: Vec<(&Configuration, ConfigId)> =
        new.configurations.iter().map(|(id, configuration)| (configuration, *id)).collect();
    common.sort();
    let nothing = Failures::new();
    for (configuration, id) in common {
        let (Some(run_before), Some(run_after)) = (old.runs.get(&id), new.runs.get(&id)) else { continue };
        let failed = |side: &'_ Side| side.failures.get(&id).cloned().unwrap_or_else(|| nothing.clone());
        let (failed_before, failed_after) = (failed(&old), failed(&new));
        for (test, change, before, after) in rule::failures(&failed_before, &failed_after) {
            let first = || ChangedTest { change, test: test.to_owned(), before, after, runs: Vec::new() };
            let changed = merged.entry((change, test.to_owned())).or_insert_with(first);
            changed.runs.push(runs.len());
            (changed.before, changed.after) = (changed.before.min(before), changed.after.min(after));
        }
        let run = |place: &RunPlace| ComparedRun { uuid: place.uuid, start_time: place.start_time };
        let (before, after) = (run(run_before), run(run_after));
        runs.push(ComparedConfiguration { configuration: configuration.clone(), before, after });
        pairs.push((run_before, run_after));
    }
    let details = match pairs.as_slice() {
        [(before, after)] => {
            let before = run_times::of_run(store, suite, before).await?;
            Some(rule::details(&before, &run_times::of_run(store, suite, after).await?))
        }
        _ => None,
    };
    let mut counts = BTreeMap::new();
    for changed in merged.values() {
        *counts.entry(changed.change).or_default() += 1;
    }
    let mut tests: Vec<ChangedTest> = merged.into_values().collect();
    let rank = |test: &ChangedTest| (test.change, test.after.min(test.before), usize::MAX - test.runs.len());
    tests.sort_by(|one, other| rank(one).cmp(&rank(other)).then_with(|| one.test.cmp(&other.test)));
    tests.truncate(limit);
    let alone = old.runs.len() + new.runs.len() - 2 * runs.len();
    Ok(Comparison { suite: suite.clone(), before, after, runs, alone, counts, tests, details })
}

/// The commit of a name, or now.
async fn end(store: &Store, name: Option<&str>) -> Result<ComparedCommit, AnswerError> {
    let Some(name) = name.map(str::trim) else {
        return Ok(ComparedCommit { uuid: store.clock.commit_key(), name: "now".to_owned() });
    };
    if let Some(key) = name.parse::<u64>().ok().filter(|key| *key >= SMALLEST_KEY).map(CommitKey) {
        let commits = commits::by_key(store, &BTreeSet::from([key])).await?;
        return Ok(ComparedCommit { uuid: key, name: commits.name(key) });
    }
    let found = commits::named(store, &[], &[name.to_owned()], 2).await?;
    match found.as_slice() {
        [] => Err(not_found(format!(
            "No commit is named {name}; give an identifier, a revision or the beginning of a hash"
        ))),
        [commit] => Ok(ComparedCommit { uuid: commit.key(), name: commit.short_name() }),
        _ => Err(invalid(format!("More than one commit is named {name}; give more of its name"))),
    }
}

/// The runs of one side, by configuration, and what failed in them.
struct Side {
    configurations: BTreeMap<ConfigId, Configuration>,
    runs: BTreeMap<ConfigId, RunPlace>,
    failures: BTreeMap<ConfigId, Failures>,
}

impl Side {
    /// The newest run of each configuration at or before a commit.
    async fn at(
        store: &Store,
        filter: &RunFilter,
        suite: &str,
        commit: CommitKey,
        unexpected: bool,
    ) -> Result<Self, AnswerError> {
        let bounds = RunBounds::between(commit.earlier(REACH), commit);
        let selection = Selection::within(store, filter, bounds, 1).await?;
        let mut side = Self { configurations: BTreeMap::new(), runs: BTreeMap::new(), failures: BTreeMap::new() };
        if selection.is_empty() {
            return Ok(side);
        }
        for run in runs::last_places(store, suite, &selection).await? {
            if let Some(configuration) = selection.configuration(&run) {
                side.configurations.insert(run.config_id, configuration);
                side.runs.insert(run.config_id, run);
            }
        }
        for FailedTest { config_id, test, state } in
            failures::of_last_runs(store, suite, &selection, unexpected).await?
        {
            side.failures.entry(config_id).or_default().insert(test, state);
        }
        Ok(side)
    }
}

impl Tabular for Comparison {
    /// One row for each change on each configuration.
    fn table(&self) -> Result<Table, AnswerError> {
        let own = table::columns::<ChangedTest>();
        let mut rows = Vec::new();
        let on = |run: &ComparedConfiguration, change: Vec<Value>| {
            let configuration = table::cells(&table::CONFIGURATION, &[&table::members(&run.configuration)?]);
            Ok::<_, AnswerError>([change, configuration].concat())
        };
        for test in &self.tests {
            let cells = table::cells(&own, &[&table::members(test)?]);
            for run in test.runs.iter().filter_map(|run| self.runs.get(*run)) {
                rows.push(on(run, cells.clone())?);
            }
        }
        if let ([run], Some(Details { added, removed, slower })) = (self.runs.as_slice(), &self.details) {
            for (change, tests) in [("added", added), ("removed", removed)] {
                for test in tests {
                    rows.push(on(run, vec![change.into(), test.as_str().into(), Value::Null, Value::Null])?);
                }
            }
            for (test, before, after) in slower {
                rows.push(on(run, vec!["slower".into(), test.as_str().into(), (*before).into(), (*after).into()])?);
            }
        }
        Ok(Table { columns: table::with_configuration(own, Vec::new()), rows })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn comparison(styles: &[&str], tests: Vec<ChangedTest>, details: Option<Details>) -> Table {
        let commit = |uuid| ComparedCommit { uuid: CommitKey(uuid), name: uuid.to_string() };
        let run = ComparedRun { uuid: CommitKey(1), start_time: 1 };
        let on = |style: &&str| ComparedConfiguration {
            configuration: Configuration { style: Some((*style).to_owned()), ..Configuration::default() },
            before: run,
            after: run,
        };
        let comparison = Comparison {
            suite: "s".into(),
            before: commit(1),
            after: commit(2),
            runs: styles.iter().map(on).collect(),
            alone: 0,
            counts: BTreeMap::new(),
            tests,
            details,
        };
        comparison.table().unwrap()
    }

    #[test]
    fn a_change_has_a_row_for_each_configuration() {
        let test = ChangedTest {
            change: Change::New,
            test: "a".into(),
            before: State::PASS,
            after: State::at(4),
            runs: vec![0, 1],
        };
        let table = comparison(&["Debug", "Release"], vec![test], None);
        assert_eq!((table.columns[..4].join(","), table.rows.len()), ("change,test,before,after".to_owned(), 2));
        assert_eq!(table.rows[0][..4], ["new", "a", "PASS", "TEXT"].map(Value::from));
    }

    #[test]
    fn details_are_rows_of_the_one_configuration() {
        let details = Details { added: vec!["b".into()], removed: Vec::new(), slower: vec![("c".into(), 100, 900)] };
        let rows = comparison(&["Debug"], Vec::new(), Some(details)).rows;
        assert_eq!(rows[0][..2], ["added", "b"].map(Value::from));
        assert_eq!(rows[1][1..4], ["c".into(), Value::from(100), 900.into()]);
    }
}
