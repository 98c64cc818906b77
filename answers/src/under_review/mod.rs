//! A change under review: its runs, what it broke and what it mended, and what a check says of it.
//!
//! Data flow: the branch of the change → on each suite and configuration its newest commit, and what the tests did there and
//! on commits before ([`observed`]) → the verdicts on what failed, from runs of the trunk up to the [`base`], by the question
//! that the gate asks → what the trunk fails and the change does not, which tests only the change has, what takes longer
//! ([`durations`]) → one [`conclusion`], from which page, [`comment`] and check are made.
//!
//! Nothing of this is evidence about the trunk. Runs of changes are stored under branches of their own, which no question
//! about the trunk reads.

mod base;
mod comment;
mod conclusion;
mod durations;
mod group;
mod observed;
mod place;
mod runs;
mod table;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use analysis::rules::RULE;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use schema::configuration::Configuration;
use schema::ids::{CommitKey, ConfigId, TestId};
use schema::run_notes::CHANGE_BRANCHES;
use schema::seconds::WEEK;
use schema::state::State;
use schemars::JsonSchema;
use serde::Serialize;

pub use base::{BaseSource, ReviewBase};
pub use conclusion::Conclusion;
pub use durations::{DurationChanges, TimedTest};
pub use group::FailureGroup;
pub use observed::Now;
pub use runs::ReviewedRun;

use crate::ask::RunFilter;
use crate::changes::{NamedCommit, named};
use crate::error::{AnswerError, not_found};
use crate::late_runs::{Among, LateRuns, NEW_DAYS, Weeks};
use crate::reads::{configurations, under_review};
use crate::store::Store;
use crate::verdicts::{AskingChange, Completeness, Verdict, VerdictReasons};
use crate::{commit_names, messages};
use place::Review;
use runs::Runs;

/// Runs of a change that started within so many weeks are told.
const WEEKS: u64 = 26;
/// Suites of a change, and configurations of each, that are looked at.
const MAX_SUITES: usize = 50;
const MAX_PLACES: usize = 40;
/// Configurations of a suite of which durations are compared, because that reads the documents of runs.
const TIMED_PLACES: usize = 6;
/// Tests of a suite that failed in a change and are looked at: those that failed last.
const MAX_FAILED: u64 = 5000;
/// Changes that a list has if the question names no limit, and at most; and how far back their newest runs may be.
const CHANGES: u64 = 100;
const MAX_CHANGES: u64 = 1000;
const RECENT_WEEKS: u64 = 8;

/// A failure of a change on a configuration.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ReviewedFailure {
    /// The test.
    pub test: String,
    /// Where.
    pub configuration: Configuration,
    /// How it is doing on the newest commit of the change.
    pub now: Now,
    /// The worst unexpected state on the newest commit on which it failed.
    pub state: State,
    /// That commit.
    pub commit: NamedCommit,
    /// Runs of that commit that have the test.
    pub runs: u32,
    /// Those that failed unexpectedly.
    pub failed: u32,
    /// The first line of what it said last in the change.
    pub message: Option<String>,
    /// What the trunk says of it; nothing where it was mended, or was not judged.
    pub verdict: Option<Verdict>,
    /// Why.
    pub reasons: Option<VerdictReasons>,
    /// The first line of what the test said when it failed last on the trunk.
    pub branch_message: Option<String>,
    /// Whether the trunk said the same then, apart from numbers.
    pub is_same_message: Option<bool>,
    /// Addresses of the bugs that explain such failures.
    pub bugs: Vec<String>,
    /// Path of the page with the test's history in the change.
    pub link: String,
}

/// A test that the trunk fails at the base, and the change does not.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FixedTest {
    /// The test.
    pub test: String,
    /// Where.
    pub configuration: Configuration,
    /// The worst state in which the trunk fails.
    pub state: State,
    /// Since which commit it does.
    pub since: Option<NamedCommit>,
    /// Runs of the change's newest commit in which it passed.
    pub runs: u32,
}

/// Tests that no run of the trunk has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NewNames {
    /// How many there are.
    pub count: usize,
    /// Their names, sorted; of many the first two hundred.
    pub tests: Vec<String>,
}

/// A change on a configuration of a suite.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ReviewedPlace {
    /// The configuration.
    pub configuration: Configuration,
    /// The newest commit of the change that ran on it.
    pub commit: NamedCommit,
    /// The commit of the trunk up to which the trunk says what fails; none if it has no run that could say so.
    pub base: Option<ReviewBase>,
    /// Set if the newest run has too few of the suite's tests to be compared.
    pub incomplete: Option<Completeness>,
    /// Failures that were not judged, because there are too many.
    pub unjudged: usize,
    /// Tests that only the change has; nothing if that is not known.
    pub new_tests: Option<NewNames>,
    /// Tests that take longer, or less long; nothing if that is not known.
    pub durations: Option<DurationChanges>,
}

/// A change in a suite.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ReviewedSuite {
    /// The suite.
    pub suite: String,
    /// Its runs, those that started last first.
    pub runs: Vec<ReviewedRun>,
    /// Where it ran, by configuration.
    pub places: Vec<ReviewedPlace>,
    /// What failed in any of its runs, what still does first.
    pub failures: Vec<ReviewedFailure>,
    /// What it mended.
    pub fixed: Vec<FixedTest>,
    /// Configurations that are not looked at, because there are too many: those with the oldest commits.
    pub places_left_out: usize,
}

/// A change under review.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ChangeUnderReview {
    /// Its number, as the reviewing system names it.
    pub id: String,
    /// Names or e-mail addresses of its authors, as its runs say, whose own commits are no evidence.
    pub authors: Vec<String>,
    /// The version of the rule of verdicts.
    pub rule: &'static str,
    /// What a check says.
    pub conclusion: Conclusion,
    /// The same in a sentence.
    pub sentence: String,
    /// Its suites, sorted.
    pub suites: Vec<ReviewedSuite>,
    /// Suites that are not looked at, because there are too many: the last by name.
    pub suites_left_out: usize,
    /// All of that as Markdown, for a comment.
    pub comment: String,
}

/// A change that ran lately.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RecentChange {
    /// Its number, as the reviewing system names it.
    pub id: String,
    /// Start of its newest run, seconds since 1970.
    pub last_start: u32,
    /// On how many configurations it ran.
    pub configurations: u64,
    /// Path of its page.
    pub page: String,
}

/// Changes that ran lately.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RecentChanges {
    /// Those that ran last first.
    pub changes: Vec<RecentChange>,
}

/// What a segment of a path may hold as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// The path of a change's page. An id may hold any characters; one that a browser would take for a folder is asked for by
/// a parameter.
pub fn page(id: &str) -> String {
    let written = utf8_percent_encode(id, PLAIN);
    if matches!(id, "." | "..") { format!("/change?id={written}") } else { format!("/change/{written}") }
}

/// The changes that ran within eight weeks, the newest first.
///
/// # Errors
/// The store does not answer.
pub async fn recent(store: &Store, limit: Option<u64>) -> Result<RecentChanges, AnswerError> {
    let since = store.clock.now().saturating_sub(RECENT_WEEKS * WEEK);
    let most = limit.unwrap_or(CHANGES).min(MAX_CHANGES);
    let rows = under_review::recent(store, since, most).await?;
    let branches: Vec<&str> = rows.iter().map(|row| row.branch.as_str()).collect();
    // Configurations keep no more than the hour.
    let starts = under_review::last_starts(store, &branches, since).await?;
    let change = |row: &under_review::ChangeBranch| {
        let id = row.branch.strip_prefix(CHANGE_BRANCHES)?.to_owned();
        let (last_start, configurations) = (*starts.get(&row.branch)?, row.configurations);
        Some(RecentChange { page: page(&id), id, last_start, configurations })
    };
    let mut changes: Vec<RecentChange> = rows.iter().filter_map(change).collect();
    changes.sort_by(|one, other| other.last_start.cmp(&one.last_start).then_with(|| one.id.cmp(&other.id)));
    changes.truncate(most as usize);
    Ok(RecentChanges { changes })
}

/// Everything that is known of a change. `site` is the server's address for links of the comment.
///
/// # Errors
/// Nothing was uploaded for the change lately, or the store does not answer.
pub async fn find(store: &Store, id: &str, site: Option<&str>) -> Result<ChangeUnderReview, AnswerError> {
    let branch = format!("{CHANGE_BRANCHES}{id}");
    let stored = configurations::stored(store, &branch).await?;
    let suites: BTreeSet<&String> = stored.all.iter().flat_map(|one| &one.suites).collect();
    let filter = RunFilter { branch: Some(branch), recent: false, ..RunFilter::default() };
    let (mut authors, mut reviewed) = (Vec::new(), Vec::new());
    let mut suites = suites.into_iter();
    for suite in suites.by_ref() {
        let Some((of_suite, named)) = of_suite(store, id, suite, &filter).await? else { continue };
        authors.extend(named);
        reviewed.push(of_suite);
        if reviewed.len() == MAX_SUITES {
            break;
        }
    }
    let suites_left_out = suites.count();
    if reviewed.is_empty() {
        return Err(not_found(format!("Nothing was uploaded for a change {id} in {WEEKS} weeks")));
    }
    let mut seen = BTreeSet::new();
    authors.retain(|author: &String| seen.insert(author.clone()));
    let (conclusion, sentence) = conclusion::of(&reviewed, suites_left_out);
    let (id, comment) = (id.to_owned(), String::new());
    let (rule, suites) = (RULE, reviewed);
    let mut change = ChangeUnderReview { id, authors, rule, conclusion, sentence, suites, suites_left_out, comment };
    change.comment = comment::text(&change, site);
    Ok(change)
}

/// A change in a suite, and its authors; none if it did not run lately.
async fn of_suite(
    store: &Store,
    id: &str,
    suite: &str,
    filter: &RunFilter,
) -> Result<Option<(ReviewedSuite, Vec<String>)>, AnswerError> {
    let own = LateRuns::within(store, suite, filter, NEW_DAYS, Weeks::of(WEEKS)).await?;
    if own.sessions.runs().is_empty() {
        return Ok(None);
    }
    let mut runs = Runs::of(&own).await?;
    let failed = own.candidates(Among::Asked, MAX_FAILED).await?;
    let ids: BTreeSet<TestId> = failed.iter().map(|test| TestId::of(suite, test)).collect();
    let commits = runs.all.iter().map(|one| one.place.uuid).collect();
    let (histories, names, said) = tokio::try_join!(
        own.histories(&ids),
        commit_names::as_tested(store, suite, filter.branch.as_deref(), &commits),
        messages::newest_of(&own, failed.iter().map(String::as_str), messages::MAX_TESTS)
    )?;
    for one in &mut runs.all {
        one.run.commit = named(one.place.uuid, &names);
    }
    let messages: HashMap<String, String> = said.into_iter().map(|(test, line)| (test.to_owned(), line)).collect();
    let authors = runs.authors();
    let change = AskingChange { id: id.to_owned(), authors: authors.clone() };
    let (runs, failed) = (&runs, failed.as_slice());
    let (own, histories, messages, names) = (&own, &histories, &messages, &names);
    let review = Review { change, own, runs, failed, histories, messages, names };
    let (mut places, mut failures, mut fixed) = (Vec::new(), Vec::new(), Vec::new());
    let newest = newest_commits(own);
    let places_left_out = newest.len().saturating_sub(MAX_PLACES);
    for (index, (id, commit)) in newest.into_iter().enumerate().take(MAX_PLACES) {
        let Some(found) = review.on(id, commit, index < TIMED_PLACES).await? else { continue };
        places.push(found.place);
        failures.extend(found.failures);
        fixed.extend(found.fixed);
    }
    places.sort_by(|one, other| one.configuration.cmp(&other.configuration));
    failures.sort_by_cached_key(place::rank);
    fixed.sort_by(|one, other| (&one.test, &one.configuration).cmp(&(&other.test, &other.configuration)));
    let runs = runs.all.iter().map(|one| one.run.clone()).collect();
    let suite = suite.to_owned();
    Ok(Some((ReviewedSuite { suite, runs, places, failures, fixed, places_left_out }, authors)))
}

/// The newest commit of a change on each configuration, those of the newest commits first.
fn newest_commits(own: &LateRuns<'_>) -> Vec<(ConfigId, CommitKey)> {
    let mut newest: BTreeMap<ConfigId, (u32, CommitKey)> = BTreeMap::new();
    for run in own.sessions.runs() {
        let session = (run.position, run.upload.uuid);
        let known = newest.entry(run.upload.config_id).or_insert(session);
        *known = (*known).max(session);
    }
    let mut newest: Vec<(ConfigId, CommitKey)> = newest.into_iter().map(|(id, (_, commit))| (id, commit)).collect();
    newest.sort_by_key(|(id, commit)| (std::cmp::Reverse(*commit), *id));
    newest
}

#[cfg(test)]
mod tests {
    use super::page;

    #[test]
    fn any_id_has_a_page() {
        assert_eq!(page("4711"), "/change/4711");
        assert_eq!(page("eng/a?b#c d"), "/change/eng%2Fa%3Fb%23c%20d");
        assert_eq!((page(".."), page("a/../b")), ("/change?id=..".to_owned(), "/change/a%2F..%2Fb".to_owned()));
    }
}
