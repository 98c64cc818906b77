//! Whether anything is known of what somebody speaks of. What is about nothing is a slip of the pen, or comes before the first
//! run, and a pattern may describe more than its writer thought: each is kept, and its sender is told.

use clickhouse::Row;
use reports::document::RUN_TEST;
use schema::configuration::Configuration;
use schema::like;
use schema::owners::{OwnersFile, SuiteOwners, path_of};
use schema::run_notes::CHANGE_BRANCHES;
use serde::Deserialize;

use crate::checks::covered::CoveredFailures;
use crate::error::IntakeError;
use crate::wait::STORE_TIMEOUT;

/// So many configurations of a suite are looked at.
const MAX_CONFIGURATIONS: u64 = 10_000;
/// So many tests of a suite are looked for in a file of owners, fewer where the file is long: each is compared with each rule.
const MAX_TESTS: usize = 5_000;
const MAX_COMPARED: usize = 1_000_000;

#[derive(Row, Deserialize)]
struct Ran {
    configuration: String,
}

/// How many tests of a suite are known, and how many of them a pattern does not describe.
#[derive(Row, Deserialize)]
struct Named {
    known: u64,
    others: u64,
}

/// What is odd about failures that somebody speaks of, in a sentence: no run is known of their suite, or none on such a
/// configuration, or they are those of every test. Runs of changes under review do not count.
///
/// # Errors
/// The store does not answer.
pub(super) async fn of_failures(
    client: &clickhouse::Client,
    covered: &CoveredFailures,
) -> Result<Option<String>, IntakeError> {
    let ran = ran(client, &covered.suite).await?;
    // Runs of all SDKs are one configuration. One that does not read back may be any.
    let asked = covered.configuration.without_sdk();
    let is_meant = |ran: &Ran| {
        let known: Option<Configuration> = serde_json::from_str(&ran.configuration).ok();
        known.is_none_or(|known| asked.describes(&known))
    };
    match odd(covered, !ran.is_empty(), ran.iter().any(is_meant)) {
        None if covered.test.contains('*') => of_pattern(client, &covered.suite, &covered.test).await,
        odd => Ok(odd),
    }
}

/// What is odd about something that is said of a suite: no run of that is known. Nothing depends on it, so that a store that is
/// away keeps nothing from being said; then nobody knows.
pub(super) async fn of_suite(client: &clickhouse::Client, suite: &str, what: &str) -> Option<String> {
    let ran = answered(ran(client, suite)).await?;
    ran.is_empty().then(|| about_nothing(&format!("of the suite '{suite}'"), what))
}

/// The same of a file of owners, no rule of which may be about a test of its suite.
pub(super) async fn of_owners(client: &clickhouse::Client, owners: &SuiteOwners) -> Option<String> {
    let SuiteOwners { suite, text, folder } = owners;
    let unheard = of_suite(client, suite, "file").await;
    if unheard.is_some() {
        return unheard;
    }
    let most = (MAX_COMPARED / text.lines().count().max(1)).clamp(1, MAX_TESTS);
    // In the order of their ids tests of all folders are among the first.
    let sql = "SELECT test FROM tests WHERE suite = ? ORDER BY test_id LIMIT 1 BY test LIMIT ?";
    let tests: Vec<String> = answered(client.query(sql).bind(suite).bind(most as u64).fetch_all()).await?;
    owns_none(text, folder, &tests).then(|| {
        let looked_at = tests.len();
        format!(
            "No rule is about any of {looked_at} tests of '{suite}' that were looked at: the file is kept; check its \
             patterns and the folder"
        )
    })
}

/// Whether there are tests, and no rule of a file is about one of them.
fn owns_none(text: &str, folder: &str, tests: &[String]) -> bool {
    let file = OwnersFile::parse(text);
    !tests.is_empty() && tests.iter().all(|test| file.of(&path_of(folder, test)).is_none())
}

/// What is odd about a pattern that describes every test of a suite which ran. What it describes later is not known, and what is told
/// of a run as a whole is no test that anybody wrote.
async fn of_pattern(client: &clickhouse::Client, suite: &str, pattern: &str) -> Result<Option<String>, IntakeError> {
    let sql = "SELECT uniqExact(test) AS known, uniqExactIf(test, test NOT LIKE ?) AS others FROM tests \
               WHERE suite = ? AND NOT startsWith(test, ?)";
    let asked = client.query(sql).bind(like::pattern(pattern, like::star)).bind(suite).bind(RUN_TEST);
    let Named { known, others } = asked.fetch_one().await?;
    // The pattern for a single test is a way to write its name.
    Ok((known > 1 && others == 0).then(|| {
        format!(
            "'{pattern}' describes all {known} tests of '{suite}' that are known: the entry is kept, and such failures of the \
             whole suite do not count until it ends"
        )
    }))
}

/// The configurations on which a suite ran, but for those of changes under review.
async fn ran(client: &clickhouse::Client, suite: &str) -> clickhouse::error::Result<Vec<Ran>> {
    let sql = "SELECT DISTINCT configuration FROM configurations WHERE (branch, config_id) IN \
               (SELECT branch, config_id FROM suites WHERE suite = ? AND NOT startsWith(branch, ?)) LIMIT ?";
    client.query(sql).bind(suite).bind(CHANGE_BRANCHES).bind(MAX_CONFIGURATIONS).fetch_all().await
}

/// What the store answers, if it does before long.
async fn answered<T>(asked: impl Future<Output = clickhouse::error::Result<T>>) -> Option<T> {
    tokio::time::timeout(STORE_TIMEOUT, asked).await.ok()?.ok()
}

fn odd(covered: &CoveredFailures, has_runs: bool, is_meant: bool) -> Option<String> {
    let CoveredFailures { suite, configuration, .. } = covered;
    match (has_runs, is_meant) {
        (true, true) => None,
        (false, _) => Some(about_nothing(&format!("of the suite '{suite}'"), "entry")),
        (true, false) => Some(about_nothing(&format!("of '{suite}' on '{}'", configuration.name()), "entry")),
    }
}

fn about_nothing(runs: &str, what: &str) -> String {
    format!("No run {runs} is known: the {what} is kept, and is about nothing until there is one; check the names")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_of_names_has_one_letter_that_stands_for_others() {
        assert_eq!(like::pattern("t/*", like::star), "t/%");
        assert_eq!(like::pattern(r"100%_a\*b*", like::star), r"100\%\_a\\%b%");
    }

    #[test]
    fn a_file_is_about_a_test_if_a_rule_matches_it_and_says_that_nobody_owns_it() {
        let tests = ["css/a.html".to_owned(), "js/b.html".to_owned()];
        let none = |text: &str, folder: &str| owns_none(text, folder, &tests);
        assert!(!none("/css/ @css\n", "") && !none("* @all\n/css/\n", ""));
        assert!(none("/css/ @css\n", "LayoutTests") && !none("/LayoutTests/css/ @css\n", "LayoutTests"));
        // Rules that other readers of such files do not take either.
        assert!(none("!css @css\n[css @css\n", ""));
        assert!(!owns_none("!css @css\n", "", &[]));
    }
}
