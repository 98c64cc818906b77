//! How one test is doing now on each configuration, and how often it fails there: what a fix has to be better than.
//!
//! Data flow: the runs of the suite that started lately → the histories of the test → the rule of verdicts, and
//! [`analysis::episodes::unmended`].

use std::collections::BTreeSet;

use analysis::episodes::unmended;
use analysis::judge::{Standing, judge};
use analysis::rules::RULE;
use schema::configuration::Configuration;
use schema::ids::{CommitKey, TestId};
use schema::state::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::ask::RunFilter;
use crate::error::AnswerError;
use crate::late_runs::{LateRuns, NEW_DAYS};
use crate::store::Store;
use crate::suites;

/// Which test is asked about.
#[derive(Debug, Clone)]
pub struct StandingQuestion {
    /// The suite.
    pub suite: String,
    /// The test, under its name or a former one.
    pub test: String,
    /// Branch and configurations; its limit means nothing.
    pub runs: RunFilter,
}

/// How a test is doing on a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlaceStanding {
    /// The configuration.
    pub configuration: Configuration,
    /// How it is doing.
    pub standing: Standing,
    /// The worst state in which it fails, or failed until it was fixed; PASS where nothing fails.
    pub state: State,
    /// The first commit of what its standing says.
    pub since: Option<CommitKey>,
    /// Runs that say how often it fails: since its failure began; where it is flaky or passes, since its behaviour changed
    /// last, as by the end of a failure; of a test that was fixed, those of the failure. Runs that failed as expected are none
    /// of these.
    pub runs: u32,
    /// How many of these failed unexpectedly.
    pub unexpected: u32,
    /// Runs beside these that failed as expected, which says nothing of a failure that nobody expects.
    pub expected_failures: u32,
}

/// How a test is doing.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TestStanding {
    /// The suite.
    pub suite: String,
    /// The test, under the name that was asked for.
    pub test: String,
    /// The version of the rule of verdicts.
    pub rule: &'static str,
    /// Configurations on which it ran within four weeks; none where nobody knows the test.
    pub places: Vec<PlaceStanding>,
}

/// How a test is doing now.
///
/// # Errors
/// The store does not answer.
pub async fn find(store: &Store, question: &StandingQuestion) -> Result<TestStanding, AnswerError> {
    let StandingQuestion { suite, test, runs } = question;
    suites::expect(store, suite).await?;
    let late = LateRuns::of(store, suite, runs, NEW_DAYS).await?;
    let ids: Vec<TestId> = late.renames.known_as(test).map(|name| TestId::of(suite, name)).collect();
    let histories = late.histories(&ids.iter().copied().collect::<BTreeSet<_>>()).await?;
    let known = ids.into_iter().map(|id| histories.of(id)).find(|places| !places.is_empty());
    let mut places: Vec<PlaceStanding> = Vec::new();
    for (id, cells) in known.unwrap_or_default() {
        let Some(configuration) = late.configuration(id) else { continue };
        let history = cells.history();
        let judgement = judge(&history, &late.question);
        let often = unmended(&judgement, history.cells, &late.question.rules);
        places.push(PlaceStanding {
            configuration: configuration.clone(),
            standing: judgement.standing,
            state: judgement.state,
            since: judgement.since,
            runs: often.unmended.runs,
            unexpected: often.unmended.failed,
            expected_failures: often.expected_failures,
        });
    }
    places.sort_by_cached_key(|place| (place.standing, place.configuration.name()));
    Ok(TestStanding { suite: suite.clone(), test: test.clone(), rule: RULE, places })
}
