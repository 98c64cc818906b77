//! Reads which tests have new names, and makes the condition that a result belongs to a test under one of its names.

use schema::store::rows::RenameRow;

use super::statement::Fragment;
use crate::error::AnswerError;
use crate::renames::cache::TableState;
use crate::renames::index::Tenure;
use crate::store::Store;

/// The open renames of a suite, of all suites if none is named; the newest first.
pub(crate) async fn open(store: &Store, suite: Option<&str>, limit: u64) -> Result<Vec<RenameRow>, AnswerError> {
    let statement = Fragment::new(
        "SELECT ?fields FROM renames WHERE {of_suite}is_open = 1 AND recorded_at <= {known_until} \
         ORDER BY version DESC, suite, from_test, to_test LIMIT {limit}",
    )
    .value("known_until", store.known_until.unwrap_or(u32::MAX))
    .value("limit", limit);
    statement.of_suite(suite).all(&store.client).await
}

/// The state of the renames of a suite, whether open or not.
pub(crate) async fn state(store: &Store, suite: &str) -> Result<TableState, AnswerError> {
    let statement = Fragment::new(
        "SELECT count() AS rows, sum(version) AS versions FROM renames WHERE suite = {suite} SETTINGS final = 0",
    );
    Ok(statement.value("suite", suite).optional(&store.client).await?.unwrap_or_default())
}

/// The condition that a row of `results` lies in one of the tenures of a test, of which there is one at least.
pub(crate) fn within(tenures: &[Tenure]) -> Fragment {
    if let [Tenure { test, since: 0, until: None }] = tenures {
        return Fragment::new("test_id = {test_id}").value("test_id", *test);
    }
    // The list of ids alone leads through the sorting key; what follows only filters.
    let condition = Fragment::new("test_id IN {test_ids}").list("test_ids", tenures.iter().map(|tenure| tenure.test));
    let within = |(index, tenure): (usize, &Tenure)| {
        let until = if tenure.until.is_some() { format!(" AND start_time < {{until{index}}}") } else { String::new() };
        format!("(test_id = {{test{index}}} AND start_time >= {{since{index}}}{until})")
    };
    let any: Vec<String> = tenures.iter().enumerate().map(within).collect();
    let condition = condition.and(&format!("({})", any.join(" OR ")));
    tenures.iter().enumerate().fold(condition, |condition, (index, tenure)| {
        let condition =
            condition.value(&format!("test{index}"), tenure.test).value(&format!("since{index}"), tenure.since);
        match tenure.until {
            Some(until) => condition.value(&format!("until{index}"), until),
            None => condition,
        }
    })
}
