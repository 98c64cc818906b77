//! What other thresholds would say: the verdicts that a change of the configuration would change, before it is made.
//!
//! Data flow: the tests of each suite that are worth a look → their histories, read once → the rule with the thresholds in
//! use and with the proposed ones → those of which the standings differ.

use std::collections::{BTreeMap, BTreeSet};

use analysis::judge::{Question, Standing, judge};
use analysis::rules::RULE;
use schema::configuration::Configuration;
use schema::ids::TestId;
use schemars::JsonSchema;
use serde::Serialize;

use crate::ask::RunFilter;
use crate::error::{AnswerError, invalid};
use crate::late_runs::{Among, LateRuns, NEW_DAYS, Weeks};
use crate::store::Store;
use crate::suite_rules::{self, SuiteRules};
use crate::suites;

/// Tests of each suite that are looked at: those that failed last.
const MAX_CANDIDATES: u64 = 5000;
/// Changed verdicts that are told.
const MAX_CHANGES: usize = 10_000;
/// How far back a preview looks at most, weeks.
pub const MAX_WEEKS: u64 = 52;

/// Which thresholds are tried.
#[derive(Debug, Clone)]
pub struct PreviewQuestion {
    /// The proposed `[[rules]]`, in the place of those that are in use.
    pub rules: Vec<SuiteRules>,
    /// The suite; every suite that ran lately if there is none.
    pub suite: Option<String>,
    /// How far back runs started, weeks.
    pub weeks: u64,
    /// Branch and configurations.
    pub runs: RunFilter,
}

/// A verdict that would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChangedVerdict {
    /// The suite.
    pub suite: String,
    /// The test.
    pub test: String,
    /// Where.
    pub configuration: Configuration,
    /// The verdict with the thresholds in use.
    pub before: Standing,
    /// The verdict with the proposed ones.
    pub after: Standing,
}

/// What proposed thresholds would change.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RulesPreview {
    /// The version of the rule.
    pub rule: &'static str,
    /// How far back runs started, weeks.
    pub weeks: u64,
    /// Verdicts that were compared: tests that failed, times the configurations on which they ran.
    pub compared: u64,
    /// How many would change, by what they are and what they would be: `flaky → passing`.
    pub counts: BTreeMap<String, u64>,
    /// Whether there are more changes than the list has.
    pub is_cut: bool,
    /// The verdicts that would change, by suite and test.
    pub changes: Vec<ChangedVerdict>,
}

/// The verdicts that other thresholds would change.
///
/// # Errors
/// The weeks are none or too many, nothing of the suite is known, or the store does not answer.
pub async fn find(store: &Store, question: &PreviewQuestion) -> Result<RulesPreview, AnswerError> {
    if !(1..=MAX_WEEKS).contains(&question.weeks) {
        return Err(invalid(format!("Weeks must be an integer from 1 to {MAX_WEEKS}")));
    }
    let suites = suites::asked(store, question.suite.as_deref()).await?;
    let mut preview = RulesPreview {
        rule: RULE,
        weeks: question.weeks,
        compared: 0,
        counts: BTreeMap::new(),
        is_cut: false,
        changes: Vec::new(),
    };
    for suite in &suites {
        let late = LateRuns::within(store, suite, &question.runs, NEW_DAYS, Weeks::of(question.weeks)).await?;
        if !late.asked.is_empty() {
            compare(&late, suite_rules::of_suite(&question.rules, suite), &mut preview).await?;
        }
    }
    Ok(preview)
}

async fn compare(
    late: &LateRuns<'_>,
    proposed: analysis::rules::Rules,
    preview: &mut RulesPreview,
) -> Result<(), AnswerError> {
    let mut tests = late.candidates(Among::Asked, MAX_CANDIDATES).await?;
    tests.sort_unstable();
    let ids: BTreeSet<TestId> = tests.iter().map(|test| TestId::of(late.suite, test)).collect();
    let histories = late.histories(&ids).await?;
    let other = Question { rules: proposed, ..late.question };
    for test in tests {
        for (id, cells) in histories.of(TestId::of(late.suite, &test)) {
            let history = cells.history();
            let Some(configuration) = late.configuration(id) else { continue };
            preview.compared += 1;
            let (before, after) = (judge(&history, &late.question).standing, judge(&history, &other).standing);
            if before == after {
                continue;
            }
            *preview.counts.entry(format!("{} → {}", before.name(), after.name())).or_default() += 1;
            if preview.changes.len() == MAX_CHANGES {
                preview.is_cut = true;
                continue;
            }
            let (suite, configuration) = (late.suite.to_owned(), configuration.clone());
            preview.changes.push(ChangedVerdict { suite, test: test.clone(), configuration, before, after });
        }
    }
    Ok(())
}
