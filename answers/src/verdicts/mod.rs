//! The question before merging: are these failures known?
//!
//! Data flow: the tests that failed for a change under review → their histories on the branch, without commits after the
//! base of the change and without those of its authors → the rule of verdicts → one word for each test, with the counts that
//! it goes by, examples, and the bugs that explain it. All tests are answered or none: a part would read as "not known".
//! A failure that an entry of the quarantine is about is quarantined, whatever the branch says; that is told beside it.
//!
//! Evidence comes from runs of the branch alone. What was uploaded for changes under review is none, so that no change can
//! excuse its own failures.

mod at_base;
mod evidence;
mod excuse;
mod quality;

use std::collections::BTreeSet;

use analysis::rules::{RULE, Rules};
use schema::configuration::Configuration;
use schema::ids::{CommitKey, TestId};
use schema::state::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ask::RunFilter;
use crate::bugs::Failure;
use crate::changes::NamedCommit;
use crate::error::{AnswerError, invalid, not_found};
use crate::late_runs::{LateRuns, NEW_DAYS};
use crate::quarantine::ListedEntry;
use crate::reads::verdicts::{self as log, GivenVerdict};
use crate::store::Store;
use crate::{commit_names, messages, remarks};
pub(crate) use at_base::failing_at_base;
pub use quality::{
    Afterwards, FIELDS as QUALITY_FIELDS, Grades, Mistake, QualityBy, QualityQuestion, QualityRow, VerdictQuality,
    WrongAnswer, find as quality,
};

/// Tests of one question.
pub const MAX_TESTS: usize = 2000;
/// A run with a smaller share of the suite's tests than this is incomplete.
const LEAST_SHARE: f64 = 0.75;
/// Runs of a test, below which nothing is known of it.
const LEAST_RUNS: u32 = 5;
/// Examples that are told of each test.
const EXAMPLES: usize = 5;

/// The failures that are asked about.
#[derive(Debug, Clone)]
pub struct VerdictsQuestion {
    /// The suite.
    pub suite: String,
    /// Branch and configurations of the run that failed.
    pub runs: RunFilter,
    /// The commit that the change is based on: identifier, revision, beginning of a hash, or key.
    pub base: Option<String>,
    /// The change that asks.
    pub change: Option<AskingChange>,
    /// How many tests ran, if that is known.
    pub tests_run: Option<u64>,
    /// The tests that failed; none where it is asked alone whether the run has enough tests.
    pub tests: Vec<ObservedTest>,
}

/// The change under review that asks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AskingChange {
    /// Its number or address, as the reviewing system names it.
    pub id: String,
    /// Names or e-mail addresses of its authors, whose own commits are no evidence.
    #[serde(default)]
    pub authors: Vec<String>,
}

/// A test that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedTest {
    /// Its name.
    pub test: String,
    /// What it did.
    pub state: State,
    /// What it said, if that is known.
    pub message: Option<String>,
}

/// What is known of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The run has too few of the suite's tests to say anything.
    Incomplete,
    /// The branch does not fail so.
    New,
    /// The branch fails so at the base.
    KnownFailing,
    /// The branch fails so now and then.
    KnownFlaky,
    /// An entry of the quarantine is about this failure.
    Quarantined,
    /// Too few runs of the branch have the test, or none up to the base, and it failed so since.
    Unknown,
}

impl Verdict {
    /// Whether the failure is excused: what is not the change's own.
    pub fn is_known(self) -> bool {
        match self {
            Self::KnownFailing | Self::KnownFlaky | Self::Quarantined => true,
            Self::Incomplete | Self::New | Self::Unknown => false,
        }
    }

    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Incomplete => "incomplete",
            Self::New => "new",
            Self::KnownFailing => "known-failing",
            Self::KnownFlaky => "known-flaky",
            Self::Quarantined => "quarantined",
            Self::Unknown => "unknown",
        }
    }
}

/// The counts that a verdict goes by, over the configurations that were asked about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct VerdictReasons {
    /// In a sentence.
    pub text: String,
    /// Runs of the branch that have the test.
    pub runs: u32,
    /// Those of commits up to the base, which alone say what fails there; all of them if the question names no base.
    pub runs_up_to_base: u32,
    /// Those that failed unexpectedly.
    pub unexpected: u32,
    /// Commits on which it failed and passed.
    pub both_ways: u32,
    /// Neighbouring commits of which it failed on one and passed on the other.
    pub flips: u32,
    /// Since which commit the branch fails.
    pub since: Option<NamedCommit>,
    /// The worst unexpected state of the branch.
    pub state: Option<State>,
}

/// A failure of the branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct VerdictExample {
    /// The commit.
    pub commit: NamedCommit,
    /// Where.
    pub configuration: Configuration,
    /// Start of its first run, seconds since 1970.
    pub start_time: u32,
    /// The worst unexpected state.
    pub state: State,
    /// Path of the page that shows it.
    pub link: String,
}

/// The verdict on one test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TestVerdict {
    /// The test.
    pub test: String,
    /// What it did, as it was asked.
    pub observed: State,
    /// What is known of that.
    pub verdict: Verdict,
    /// What would be said of it without the quarantine; none if it is not in quarantine.
    pub without_quarantine: Option<Verdict>,
    /// The entry of the quarantine that is about it.
    pub quarantine: Option<ListedEntry>,
    /// Why.
    pub reasons: VerdictReasons,
    /// The first line of what the test said when it failed last on the branch, if the question says what it said.
    pub branch_message: Option<String>,
    /// Whether the branch said the same then, apart from numbers.
    pub is_same_message: Option<bool>,
    /// Newest failures of the branch.
    pub examples: Vec<VerdictExample>,
    /// Addresses of the bugs that explain such failures.
    pub bugs: Vec<String>,
    /// Who owns the test.
    pub owners: Vec<String>,
}

/// How many tests ran, and how many there usually are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Completeness {
    /// Tests that ran.
    pub tests_run: u64,
    /// Tests of the largest run of the branch.
    pub usual: u64,
}

impl Completeness {
    /// What a run of so many tests lacks, of a suite that usually has so many; none if it has enough of them.
    pub(crate) fn lacking(tests_run: u64, usual: u64) -> Option<Self> {
        ((tests_run as f64) < LEAST_SHARE * usual as f64).then_some(Self { tests_run, usual })
    }
}

/// What the verdicts were made by.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Criteria {
    /// Thresholds of the rule.
    pub rules: Rules,
    /// A run with a smaller share of the suite's tests is incomplete.
    pub least_share: f64,
    /// Runs of a test, below which nothing is known of it.
    pub least_runs: u32,
    /// The newest commit that was evidence of what fails; none if the question names no base.
    pub base: Option<CommitKey>,
}

/// The verdicts on all tests of a question, in its order.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Verdicts {
    /// The version of the rule.
    pub rule: &'static str,
    /// What they were made by.
    pub criteria: Criteria,
    /// Set if the run is incomplete: then nothing else is said.
    pub incomplete: Option<Completeness>,
    /// One for each test that was asked about.
    pub tests: Vec<TestVerdict>,
}

/// The verdicts on what a question observed, which are kept to be graded later, unless it is asked what was known at a time.
///
/// # Errors
/// The question names no test and does not say how many ran, or it names too many, or a base that nobody knows; or the store
/// does not answer.
pub async fn find(store: &Store, question: &VerdictsQuestion) -> Result<Verdicts, AnswerError> {
    // A run in which nothing failed may lack tests as well.
    let least = usize::from(question.tests_run.is_none());
    if !(least..=MAX_TESTS).contains(&question.tests.len()) {
        return Err(invalid(format!("Ask about 1 to {MAX_TESTS} tests at once, or about none with 'tests_run'")));
    }
    let late = LateRuns::of(store, &question.suite, &question.runs, NEW_DAYS).await?;
    let answer = given(&late, question).await?;
    if store.known_until.is_none() && !answer.tests.is_empty() {
        keep(store, question, &answer).await?;
    }
    Ok(answer)
}

/// The same verdicts by the runs of the suite that `question` names, for whoever shows a change. They are not kept: a change
/// that is looked at often was asked about once.
///
/// # Errors
/// As of [`find`].
pub(crate) async fn given(late: &LateRuns<'_>, question: &VerdictsQuestion) -> Result<Verdicts, AnswerError> {
    let LateRuns { store, suite, ref renames, .. } = *late;
    let base = base(late, question).await?;
    let names = question.tests.iter().flat_map(|one| renames.known_as(&one.test));
    let ids: BTreeSet<TestId> = names.map(|name| TestId::of(suite, name)).collect();
    let histories = late.histories(&ids).await?;
    let usual = u64::from(late.sessions.tests());
    let incomplete = question.tests_run.and_then(|tests_run| Completeness::lacking(tests_run, usual));
    let criteria = Criteria { rules: late.question.rules, least_share: LEAST_SHARE, least_runs: LEAST_RUNS, base };
    let mut answer = Verdicts { rule: RULE, criteria, incomplete, tests: Vec::new() };
    let authors = question.change.as_ref().map_or(&[][..], |change| change.authors.as_slice());
    // Names are told of failures. Who wrote the others matters where somebody's own are left out.
    let commits = histories.commits(&ids, |cell| cell.failed > 0 || !authors.is_empty());
    let said = question.tests.iter().filter(|observed| observed.message.is_some());
    let (names, remarks, lines) = tokio::try_join!(
        commit_names::as_tested(store, suite, question.runs.branch.as_deref(), &commits),
        remarks::of_suite(store, suite),
        messages::newest_of(late, said.map(|observed| observed.test.as_str()), messages::MAX_TESTS)
    )?;
    let judge = evidence::Judge { late, names: &names, base, authors };
    let parked = excuse::Excuses { parked: &remarks.quarantine, renames, on: question.runs.certain() };
    for observed in &question.tests {
        let mut verdict = judge.verdict(observed, &histories);
        if incomplete.is_some() {
            verdict.verdict = Verdict::Incomplete;
            verdict.reasons.text = "The run is incomplete".to_owned();
        }
        verdict.branch_message = lines.get(observed.test.as_str()).cloned();
        let alike = |(one, other): (&String, &String)| messages::is_alike(one, other);
        verdict.is_same_message = observed.message.as_ref().zip(verdict.branch_message.as_ref()).map(alike);
        let places: Vec<Configuration> = late.selection.matching.values().cloned().collect();
        let failure = Failure::new(observed.state, observed.message.as_deref());
        let explained = remarks.bugs.explaining(&observed.test, &places, failure);
        verdict.bugs = explained.into_iter().map(|link| link.url.clone()).collect();
        parked.apply(&mut verdict);
        verdict.owners = remarks.owners.of(&observed.test);
        answer.tests.push(verdict);
    }
    Ok(answer)
}

async fn base(late: &LateRuns<'_>, question: &VerdictsQuestion) -> Result<Option<CommitKey>, AnswerError> {
    let Some(name) = &question.base else { return Ok(None) };
    let key = name.parse::<u64>().ok().filter(|key| *key >= CommitKey::SMALLEST).map(CommitKey);
    if key.is_some() {
        return Ok(key);
    }
    let found = commit_names::meant_by(late, name).await?;
    if !commit_names::are_alike(&found) {
        // Were it the newer one, what failed after the base would be an excuse.
        let repositories: BTreeSet<&str> = found.iter().map(|commit| commit.repository_id.as_str()).collect();
        let repositories = Vec::from_iter(repositories).join(", ");
        return Err(invalid(format!(
            "{name} names commits of several repositories ({repositories}); give the hash of the base"
        )));
    }
    let newest = found.iter().map(schema::commit::Commit::key).max();
    newest.map(Some).ok_or_else(|| not_found(format!("No commit is named {name}; give the base of the change")))
}

/// Keeps the verdicts to be graded.
async fn keep(store: &Store, question: &VerdictsQuestion, answer: &Verdicts) -> Result<(), AnswerError> {
    let asked_at = u32::try_from(store.clock.now()).unwrap_or(u32::MAX);
    let change = question.change.as_ref().map(|change| change.id.clone()).unwrap_or_default();
    let given = answer.tests.iter().map(|test| GivenVerdict {
        suite: question.suite.clone(),
        asked_at,
        branch: schema::commit::branch_key(question.runs.branch.as_deref()).to_owned(),
        change: change.clone(),
        test: test.test.clone(),
        // The rule is graded, and not what people said.
        verdict: test.without_quarantine.unwrap_or(test.verdict).name().to_owned(),
        state: test.observed.position(),
        rule: answer.rule.to_owned(),
    });
    log::keep(store, given).await
}
