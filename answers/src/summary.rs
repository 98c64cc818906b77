//! How a test did lately, in percent, newer commits weighing more: the seven steps of section 10 of the wire contract.

use std::collections::HashMap;

use schema::commit::Commit;
use schema::ids::CommitKey;
use schema::state::{NAMES, States};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::ask::RunFilter;
use crate::commit_range::{self, RunBounds};
use crate::commits::asked;
use crate::error::{AnswerError, invalid};
use crate::reads::commits::{Branches, Keep, between};
use crate::reads::selection::Selection;
use crate::results::rows_of_test;
use crate::store::{Repository, Store};

/// Commits that are looked at if the question names no limit, and at most.
const COMMITS: u64 = 100;
const MAX_COMMITS: u64 = 100_000;

/// A commit as the steps compare it: key, then repository.
type Candidate = (CommitKey, String);

/// Which test is asked about.
#[derive(Debug, Clone, Default)]
pub struct SummaryQuestion {
    /// The suite.
    pub suite: String,
    /// The test.
    pub test: String,
    /// Branch and configurations; its commits' point is where the weights are largest, its limit is one of commits.
    pub runs: RunFilter,
    /// Whether shares are split by whether the state was expected.
    pub by_expectation: bool,
}

/// Weighted shares of the states, in percent, by the names of the states in lower case.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Summary(pub Value);

impl JsonSchema for Summary {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Summary".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let share = json!({ "type": "integer", "minimum": 0, "maximum": 100 });
        let bucket = json!({ "anyOf": [share, { "type": "object", "additionalProperties": share }] });
        let names: Vec<String> = NAMES.iter().map(|name| name.to_lowercase()).collect();
        let buckets: Map<String, Value> = names.iter().map(|name| (name.clone(), bucket.clone())).collect();
        json_schema!({ "type": "object", "properties": buckets, "required": names, "additionalProperties": false })
    }
}

/// Weighted shares of the states of a test.
pub async fn find(store: &Store, question: &SummaryQuestion) -> Result<Summary, AnswerError> {
    let SummaryQuestion { suite, test, runs, by_expectation } = question;
    let window = runs.limit.unwrap_or(COMMITS).saturating_add(1).min(MAX_COMMITS);
    let point = commit_range::of_point(store, runs.commits.at.as_ref()).await?;
    let (before, after) = candidates(store, runs.branch.as_deref(), point, window).await?;
    let (Some(begin), Some(end)) = (before.first().or(after.first()), after.last().or(before.last())) else {
        return Err(invalid("No commits in specified range"));
    };
    let bounds = RunBounds::between(begin.0, end.0);
    let weights = weights(&before, &after, point, window);
    let selection = Selection::within(store, runs, bounds, 4 * window).await?;
    let rows = rows_of_test(store, suite, test, &selection).await?;
    let states = |bits| States::from_bits(bits).of_reference();
    let runs: Vec<(CommitKey, States, States)> =
        rows.iter().map(|row| (row.uuid, states(row.actual), states(row.expected))).collect();
    let shares = percentages(&sums(&runs, &weights), *by_expectation)
        .ok_or_else(|| invalid("No results for specified test and configuration in provided commit range"))?;
    Ok(Summary(shares))
}

/// Steps 1 and 2.
async fn candidates(
    store: &Store,
    branch: Option<&str>,
    point: Option<CommitKey>,
    window: u64,
) -> Result<(Vec<Candidate>, Vec<Candidate>), AnswerError> {
    let asked = asked(store, &[]).await?;
    let on = |repository: &Repository| branch.map_or_else(|| repository.default_branch.clone(), str::to_owned);
    let branches: Branches = asked.iter().map(|repository| (repository.id.clone(), on(repository))).collect();
    let named = |commits: Vec<Commit>| commits.into_iter().map(|commit| (commit.key(), commit.repository_id)).collect();
    let until = (CommitKey::FIRST, point.unwrap_or_else(|| store.clock.commit_key()));
    let before = named(between(store, &branches, until, Keep::Newest, window).await?);
    let after = match point {
        None => Vec::new(),
        Some(point) => named(between(store, &branches, (point, CommitKey::LAST), Keep::Oldest, window).await?),
    };
    Ok(trim(before, after, window))
}

fn trim(mut before: Vec<Candidate>, mut after: Vec<Candidate>, window: u64) -> (Vec<Candidate>, Vec<Candidate>) {
    before.sort();
    after.sort();
    before.drain(..before.len().saturating_sub(window as usize));
    after.truncate(window as usize);
    if !after.is_empty() && before.last() == after.first() {
        before.pop();
    }
    (before, after)
}

/// Step 3; of commits that share a key the later assignment counts.
fn weights(
    before: &[Candidate],
    after: &[Candidate],
    point: Option<CommitKey>,
    window: u64,
) -> HashMap<CommitKey, u64> {
    let mut weights = HashMap::new();
    for (index, (key, _)) in before.iter().rev().enumerate() {
        weights.insert(*key, (window - 1).saturating_sub(index as u64));
    }
    for (index, (key, _)) in after.iter().enumerate() {
        weights.insert(*key, window.saturating_sub(index as u64));
    }
    if let Some(point) = point {
        weights.insert(point, 2 * window);
    }
    weights
}

/// Weights of the results of one state; none if there were no such results.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sum {
    expected: Option<u64>,
    unexpected: Option<u64>,
}

/// Step 4, by state, worst first. Expected means that both sets are equal, not that one covers the other. A run
/// with several states counts as its worst.
fn sums(runs: &[(CommitKey, States, States)], weights: &HashMap<CommitKey, u64>) -> [Sum; NAMES.len()] {
    let mut sums = [Sum::default(); NAMES.len()];
    for (key, actual, expected) in runs {
        let sum = &mut sums[usize::from(actual.worst())];
        let sum = if actual == expected { &mut sum.expected } else { &mut sum.unexpected };
        *sum = Some(sum.unwrap_or(0) + weights.get(key).copied().unwrap_or(0));
    }
    sums
}

/// Step 5; `None` if nothing has a weight.
fn percentages(sums: &[Sum; NAMES.len()], expectations: bool) -> Option<Value> {
    let total: u64 = sums.iter().flat_map(|sum| [sum.expected, sum.unexpected]).flatten().sum();
    if total == 0 {
        return None;
    }
    let share = |sum: u64| Value::from(100 * sum / total);
    let shown = |sum: &Sum| {
        if !expectations {
            return share(sum.expected.unwrap_or(0) + sum.unexpected.unwrap_or(0));
        }
        let mut members = Map::new();
        members.extend(sum.expected.map(|sum| ("expected".to_owned(), share(sum))));
        members.extend(sum.unexpected.map(|sum| ("unexpected".to_owned(), share(sum))));
        Value::Object(members)
    };
    Some(NAMES.iter().zip(sums).map(|(name, sum)| (name.to_lowercase(), shown(sum))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The worked example of the contract: one day per commit, s2 and w4 share a uuid.
    #[test]
    fn the_worked_example() {
        let commit = |key: u64, repository: &str| (CommitKey(key), repository.to_owned());
        let all = [commit(6, "safari"), commit(6, "webkit"), commit(7, "webkit"), commit(8, "webkit")];
        let (before, after) = trim(
            all.to_vec(),
            vec![commit(8, "webkit"), commit(9, "webkit"), commit(10, "webkit"), commit(11, "safari")],
            3,
        );
        assert_eq!(before, [commit(6, "webkit"), commit(7, "webkit")]);
        let weights = weights(&before, &after, Some(CommitKey(8)), 3);
        let run = |key, state| (CommitKey(key), States::parse(state), States::parse("PASS"));
        let runs = [run(6, "TEXT"), run(7, "PASS"), run(8, "PASS"), run(9, "PASS"), run(10, "TEXT")];
        let found = percentages(&sums(&runs, &weights), false).unwrap_or_default();
        assert_eq!((&found["text"], &found["pass"], &found["crash"]), (&json!(16), &json!(83), &json!(0)));
    }

    /// Steps 2 to 5 in the plainest words there are.
    fn plainly(
        mut before: Vec<u64>,
        mut after: Vec<u64>,
        point: Option<u64>,
        window: usize,
        runs: &[(u64, u16)],
    ) -> Option<Vec<u64>> {
        before.sort_unstable();
        after.sort_unstable();
        while before.len() > window {
            before.remove(0);
        }
        after.truncate(window);
        if !after.is_empty() && before.last() == after.first() {
            before.pop();
        }
        let mut weights: Vec<(u64, u64)> = Vec::new();
        let mut weight = window as u64;
        for uuid in before.iter().rev() {
            weight -= 1;
            weights.push((*uuid, weight));
        }
        let mut weight = window as u64;
        for uuid in &after {
            weights.push((*uuid, weight));
            weight -= 1;
        }
        weights.extend(point.map(|point| (point, 2 * window as u64)));
        let weight_of =
            |uuid: u64| weights.iter().rev().find(|(found, _)| *found == uuid).map_or(0, |(_, weight)| *weight);
        let total: u64 = runs.iter().map(|(uuid, _)| weight_of(*uuid)).sum();
        let of = |state: u16| runs.iter().filter(|run| run.1 == state).map(|(uuid, _)| weight_of(*uuid)).sum::<u64>();
        (total > 0).then(|| (0..9).map(|state| 100 * of(state) / total).collect())
    }

    proptest! {
        #[test]
        fn agrees_with_the_plain_steps(
            before in proptest::collection::btree_set(0u64..30, 0..12),
            after in proptest::collection::btree_set(15u64..40, 0..12),
            point in proptest::option::of(15u64..30),
            window in 1usize..8,
            runs in proptest::collection::vec((0u64..40, 0u16..9), 0..30),
        ) {
            let named = |uuids: &std::collections::BTreeSet<u64>| uuids.iter().map(|key| (CommitKey(*key), "w".to_owned())).collect::<Vec<_>>();
            let (kept_before, kept_after) = trim(named(&before), named(&after), window as u64);
            let weights = weights(&kept_before, &kept_after, point.map(CommitKey), window as u64);
            let states: Vec<_> = runs.iter().map(|(key, state)| (CommitKey(*key), States::from_bits(1 << state), States::from_bits(0))).collect();
            let found = percentages(&sums(&states, &weights), false)
                .map(|found| NAMES.iter().map(|name| found[name.to_lowercase()].as_u64().unwrap_or_default()).collect::<Vec<_>>());
            let plain = plainly(before.into_iter().collect(), after.into_iter().collect(), point, window, &runs);
            prop_assert_eq!(found, plain);
        }
    }
}
