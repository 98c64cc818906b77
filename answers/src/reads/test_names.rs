//! Reads names of tests, of which there are as many as tests, and no history.

use clickhouse::Row;
use schema::ids::TestId;
use schema::seconds::DAY;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::statement::Fragment;
use crate::error::AnswerError;
use crate::store::Store;

/// Seconds after which a test that was not uploaded comes behind those that were.
const LATELY: u64 = 14 * DAY;

/// Tests of a suite whose names are read at once.
const MAX_TESTS: u64 = 5_000_000;

/// A test of a suite.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize, JsonSchema)]
pub struct TestName {
    /// The suite.
    pub suite: String,
    /// The test.
    pub test: String,
}

/// Names of a suite's tests that begin with one of the prefixes, sorted, at most `limit` over all prefixes.
pub(crate) async fn with_prefixes(
    store: &Store,
    suite: &str,
    prefixes: &[String],
    limit: u64,
) -> Result<Vec<String>, AnswerError> {
    let names = Fragment::new(
        "SELECT test FROM tests WHERE suite = {suite} AND startsWith(test, {prefix}) ORDER BY test LIMIT {limit}",
    );
    of_prefixes(store, &names.value("suite", suite), prefixes, limit).await
}

/// Whether a suite has any test.
pub(crate) async fn has_suite(store: &Store, suite: &str) -> Result<bool, AnswerError> {
    let first = Fragment::new("SELECT test FROM tests WHERE suite = {suite} LIMIT 1").value("suite", suite);
    Ok(!first.all::<String>(&store.client).await?.is_empty())
}

/// The names that a statement finds for each `{prefix}`, sorted, at most `limit` over all prefixes.
pub(super) async fn of_prefixes(
    store: &Store,
    statement: &Fragment,
    prefixes: &[String],
    limit: u64,
) -> Result<Vec<String>, AnswerError> {
    let mut names: Vec<String> = Vec::new();
    for prefix in prefixes {
        let rest = limit.saturating_sub(names.len() as u64);
        if rest == 0 {
            break;
        }
        let statement = statement.clone().value("prefix", prefix).value("limit", rest);
        names.extend(statement.all::<String>(&store.client).await?);
    }
    names.sort();
    names.dedup();
    Ok(names)
}

fn in_suites(statement: Fragment, suites: &[&str]) -> Fragment {
    if suites.is_empty() {
        return statement.text("in_suites", "");
    }
    statement.text("in_suites", " AND suite IN {suites}").list("suites", suites.iter().copied())
}

/// Tests of some suites (of all if none is named) whose name holds a text, in whatever case, or is described by a pattern of
/// ILIKE: those that were uploaded lately first, then those whose name begins with the text, then the shortest.
pub(crate) async fn search(
    store: &Store,
    suites: &[&str],
    text: &str,
    pattern: Option<&str>,
    limit: u64,
) -> Result<Vec<TestName>, AnswerError> {
    let described = match pattern {
        Some(pattern) => Fragment::new(" OR test ILIKE {pattern}").value("pattern", pattern),
        None => Fragment::default(),
    };
    let statement = Fragment::new(
        "SELECT suite, test FROM tests WHERE (positionCaseInsensitiveUTF8(test, {text}) > 0{described}){in_suites} \
         ORDER BY last_upload < {lately}, startsWith(lowerUTF8(test), lowerUTF8({text})) DESC, length(test), test, suite \
         LIMIT {limit}",
    )
    .part("described", &described)
    .value("text", text)
    .value("lately", store.clock.now().saturating_sub(LATELY))
    .value("limit", limit);
    in_suites(statement, suites).all(&store.client).await
}

/// Those of some names that are tests of some suites (of all if none is named).
pub(crate) async fn listed(
    store: &Store,
    suites: &[&str],
    names: &[&str],
    limit: u64,
) -> Result<Vec<TestName>, AnswerError> {
    let statement =
        Fragment::new("SELECT suite, test FROM tests WHERE test IN {names}{in_suites} ORDER BY suite LIMIT {limit}")
            .list("names", names.iter().copied())
            .value("limit", limit);
    in_suites(statement, suites).all(&store.client).await
}

/// A test by its identity.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct IdentifiedTest {
    pub(crate) test_id: TestId,
    pub(crate) test: String,
}

/// Names of a suite's tests: of these, or of all where none is given.
pub(crate) async fn by_id(store: &Store, suite: &str, ids: &[TestId]) -> Result<Vec<IdentifiedTest>, AnswerError> {
    let names = Fragment::new("SELECT test_id, test FROM tests WHERE suite = {suite}").value("suite", suite);
    let names = if ids.is_empty() { names } else { names.and("test_id IN {ids}").list("ids", ids.iter().copied()) };
    names.limit(MAX_TESTS).all(&store.client).await
}
