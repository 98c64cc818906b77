//! `GET /api/results-summary/<suite>/<test>`: how a test did lately, in percent, newer commits weighing more.
//! The seven steps are those of section 10 of the wire contract.

use std::collections::HashMap;

use axum::Json;
use axum::response::{IntoResponse, Response};
use schema::commit::Commit;
use schema::state::{NAMES, States};
use serde_json::{Map, Value, json};
use web::openapi::{Operation, object};

use crate::commits::{Keep, asked, between, now_uuid};
use crate::error::{ApiError, bad};
use crate::parameters::{CONFIGURATION, POINT, Parameters};
use crate::ranges::{self, Bounds};
use crate::results::rows_of_test;
use crate::routes::Service;
use crate::selection::Selection;

/// A commit as the steps compare it: uuid, then repository.
type Candidate = (u64, String);

/// What it offers.
pub(crate) const OPERATION: Operation = Operation::get(
    "/api/results-summary/{suite}/{test}",
    "How a test did lately, in percent; newer commits weigh more",
    &[&CONFIGURATION, &["recent", "limit", "include_expectations"], &POINT],
    || {
        let share = json!({ "type": "integer", "minimum": 0, "maximum": 100 });
        let split = json!({ "type": "object", "additionalProperties": share });
        let bucket = json!({ "anyOf": [share, split] });
        let names: Vec<String> = NAMES.iter().map(|name| name.to_lowercase()).collect();
        object(&names.iter().map(|name| (name.as_str(), bucket.clone())).collect::<Vec<_>>())
    },
);

/// Weighted shares of the states.
pub(crate) async fn endpoint(
    service: &Service,
    query: Option<&str>,
    suite: &str,
    test: &str,
) -> Result<Response, ApiError> {
    let parameters = Parameters::read_beside_path(query, &["suite", "test"], OPERATION.parameters)?;
    let window = parameters.limit(100)?.saturating_add(1).min(100_000);
    let point = ranges::of_point(service, &parameters).await?;
    let (before, after) = candidates(service, &parameters, point, window).await?;
    let (Some(begin), Some(end)) = (before.first().or(after.first()), after.last().or(before.last())) else {
        return Err(bad("No commits in specified range"));
    };
    let bounds = Bounds::between(begin.0, end.0);
    let weights = weights(&before, &after, point, window);
    let selection = Selection::within(service, &parameters, bounds, 4 * window).await?;
    let rows = rows_of_test(service, suite, test, &selection).await?;
    let runs: Vec<(u64, States, States)> =
        rows.iter().map(|row| (row.uuid, States::from_bits(row.actual), States::from_bits(row.expected))).collect();
    let found = percentages(&sums(&runs, &weights), parameters.flag("include_expectations", false))
        .ok_or_else(|| bad("No results for specified test and configuration in provided commit range"))?;
    Ok(Json(found).into_response())
}

/// Steps 1 and 2.
async fn candidates(
    service: &Service,
    parameters: &Parameters,
    point: Option<u64>,
    window: u64,
) -> Result<(Vec<Candidate>, Vec<Candidate>), ApiError> {
    let branch = parameters.first("branch");
    let (mut before, mut after) = (Vec::new(), Vec::new());
    let named = |commits: Vec<Commit>| commits.into_iter().map(|commit| (commit.uuid(), commit.repository_id));
    for (repository, default_branch) in asked(service, &[]).await? {
        let branch = [branch.unwrap_or(&default_branch)];
        let newest = point.unwrap_or_else(now_uuid);
        before.extend(named(between(service, &repository, &branch, (0, newest), Keep::Newest, window).await?));
        if let Some(point) = point {
            let span = (point, u64::MAX);
            after.extend(named(between(service, &repository, &branch, span, Keep::Oldest, window).await?));
        }
    }
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

/// Step 3; of commits that share a uuid the later assignment counts.
fn weights(before: &[Candidate], after: &[Candidate], point: Option<u64>, window: u64) -> HashMap<u64, u64> {
    let mut weights = HashMap::new();
    for (index, (uuid, _)) in before.iter().rev().enumerate() {
        weights.insert(*uuid, (window - 1).saturating_sub(index as u64));
    }
    for (index, (uuid, _)) in after.iter().enumerate() {
        weights.insert(*uuid, window.saturating_sub(index as u64));
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
fn sums(runs: &[(u64, States, States)], weights: &HashMap<u64, u64>) -> [Sum; NAMES.len()] {
    let mut sums = [Sum::default(); NAMES.len()];
    for (uuid, actual, expected) in runs {
        let sum = &mut sums[usize::from(actual.worst())];
        let sum = if actual == expected { &mut sum.expected } else { &mut sum.unexpected };
        *sum = Some(sum.unwrap_or(0) + weights.get(uuid).copied().unwrap_or(0));
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
    use serde_json::json;

    /// The worked example of the contract: one day per commit, s2 and w4 share a uuid.
    #[test]
    fn the_worked_example() {
        let commit = |uuid: u64, repository: &str| (uuid, repository.to_owned());
        let all = [commit(6, "safari"), commit(6, "webkit"), commit(7, "webkit"), commit(8, "webkit")];
        let (before, after) = trim(
            all.to_vec(),
            vec![commit(8, "webkit"), commit(9, "webkit"), commit(10, "webkit"), commit(11, "safari")],
            3,
        );
        assert_eq!(before, [commit(6, "webkit"), commit(7, "webkit")]);
        let weights = weights(&before, &after, Some(8), 3);
        let run = |uuid, state| (uuid, States::parse(state), States::parse("PASS"));
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
            let named = |uuids: &std::collections::BTreeSet<u64>| uuids.iter().map(|uuid| (*uuid, "w".to_owned())).collect::<Vec<_>>();
            let (kept_before, kept_after) = trim(named(&before), named(&after), window as u64);
            let weights = weights(&kept_before, &kept_after, point, window as u64);
            let states: Vec<_> = runs.iter().map(|(uuid, state)| (*uuid, States::from_bits(1 << state), States::from_bits(0))).collect();
            let found = percentages(&sums(&states, &weights), false)
                .map(|found| NAMES.iter().map(|name| found[name.to_lowercase()].as_u64().unwrap_or_default()).collect::<Vec<_>>());
            let plain = plainly(before.into_iter().collect(), after.into_iter().collect(), point, window, &runs);
            prop_assert_eq!(found, plain);
        }
    }
}
