//! What changed in a suite, or for one of its tests: when, by which commits, and what moved together.
//!
//! Data flow: the runs that started lately → the tests that failed in them → their histories → [`analysis::changes`], which
//! joins what one commit explains → the commits of the range by their names, and the bugs that explain the failures.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{Hash, Hasher};

pub use analysis::changes::Kind;
use analysis::changes::{Change, Member, Subject, Suite};
use analysis::evidence::Evidence;
use analysis::history::Cell;
use analysis::rules::RULE;
use schema::configuration::Configuration;
use schema::ids::{CommitKey, ConfigId, TestId};
use schema::state::State;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::ask::RunFilter;
use crate::bugs::{BugIndex, Failure};
use crate::commit_names::{self, CommitNames};
use crate::error::AnswerError;
use crate::histories::Histories;
use crate::late_runs::{Among, LateRuns, NEW_DAYS, Weeks};
use crate::quarantine::ListedEntry;
use crate::remarks;
use crate::search::{Field, Search};
use crate::store::Store;
use crate::suites;
use crate::suspects;
use crate::table::{self, CellKind, Table, Tabular};

/// Tests that are looked at: those that failed last.
pub(crate) const MAX_CANDIDATES: u64 = 2000;
/// Changes answered if the question names no limit, and at most.
const CHANGES: u64 = 100;
const MAX_CHANGES: u64 = 1000;

/// What can be asked about the tests of a change beside their names.
pub const FIELDS: [Field; 1] = [Field::Owner];

/// Which changes are asked for.
#[derive(Debug, Clone)]
pub struct ChangesQuestion {
    /// The suite.
    pub suite: String,
    /// Only those of a test.
    pub test: Option<String>,
    /// How far back runs started, weeks.
    pub weeks: u64,
    /// Only these kinds; all if empty.
    pub kinds: Vec<Kind>,
    /// Only those of a test that is meant.
    pub search: Search,
    /// Branch and configurations; its limit is one of changes.
    pub runs: RunFilter,
}

/// A commit of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NamedCommit {
    /// Its key.
    pub uuid: CommitKey,
    /// As people name it.
    pub name: String,
    /// Its hash, if it is known.
    pub hash: Option<String>,
    /// Its repository, where commits of more than one are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
}

/// A commit that may have made a change.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct LikelyCommit {
    /// The commit.
    pub commit: NamedCommit,
    /// How likely it is that this commit did it.
    #[schemars(range(min = 0, max = 1))]
    pub probability: f64,
}

/// Runs of a test on one side of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RunsOfTest {
    /// How many there are.
    pub runs: u32,
    /// How many of them failed unexpectedly.
    pub unexpected: u32,
}

/// What changed for a test on a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChangedTest {
    /// The test.
    pub test: String,
    /// The configuration.
    pub configuration: Configuration,
    /// Since the change before this one.
    pub before: RunsOfTest,
    /// Until the next change.
    pub since: RunsOfTest,
    /// The worst unexpected state since then; before then if nothing fails since.
    pub state: State,
    /// Entries of the quarantine that are about such failures.
    pub quarantine: Vec<ListedEntry>,
}

/// A change. The first commit with the new behaviour lies after `after`, up to and including `until`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SuiteChange {
    /// The same for the same change, whenever it is asked for.
    pub id: String,
    /// What it did.
    pub kind: Kind,
    /// The newest commit with the old behaviour, with 99 % confidence; none if that is not known.
    pub after: Option<NamedCommit>,
    /// The oldest commit that has the new behaviour for sure.
    pub until: NamedCommit,
    /// Commits that may have done it, the likeliest first.
    pub likely: Vec<LikelyCommit>,
    /// What changed.
    pub tests: Vec<ChangedTest>,
    /// Whether a test still behaves so.
    pub open: bool,
    /// Addresses of the bugs that explain the failures.
    pub bugs: Vec<String>,
}

/// The changes of a suite.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Changes {
    /// The version of the rule.
    pub rule: &'static str,
    /// Configurations that ran in the time asked about, the test if one is named; where there is none, nothing is known, and nothing
    /// stayed as it was.
    pub configurations: u64,
    /// The changes, newest first.
    pub changes: Vec<SuiteChange>,
}

/// The changes that a question means.
pub async fn find(store: &Store, question: &ChangesQuestion) -> Result<Changes, AnswerError> {
    let ChangesQuestion { suite, test, weeks, kinds, search, runs } = question;
    suites::expect(store, suite).await?;
    let limit = runs.limit.unwrap_or(CHANGES).min(MAX_CHANGES) as usize;
    let late = LateRuns::within(store, suite, runs, NEW_DAYS, Weeks::of(*weeks)).await?;
    if late.asked.is_empty() {
        return Ok(Changes { rule: RULE, configurations: 0, changes: Vec::new() });
    }
    let tests = match test {
        Some(test) => vec![test.clone()],
        None => late.candidates(Among::Judged, MAX_CANDIDATES).await?,
    };
    let ids: BTreeSet<TestId> = tests.iter().map(|test| TestId::of(suite, test)).collect();
    let histories = late.histories(&ids).await?;
    let mut answer = of_histories(&late, tests, &histories, &Meant { kinds, search }, limit).await?;
    if let Some(test) = test {
        answer.configurations = histories.asked(TestId::of(suite, test)).len() as u64;
    }
    Ok(answer)
}

/// Which changes are meant.
pub(crate) struct Meant<'a> {
    /// Those of these kinds; all if empty.
    pub(crate) kinds: &'a [Kind],
    /// Those of a test that this means.
    pub(crate) search: &'a Search,
}

/// The newest changes that are meant in the histories of some tests.
pub(crate) async fn of_histories(
    late: &LateRuns<'_>,
    mut tests: Vec<String>,
    histories: &Histories,
    Meant { kinds, search }: &Meant<'_>,
    limit: usize,
) -> Result<Changes, AnswerError> {
    let LateRuns { store, suite, .. } = *late;
    let configurations = late.sessions.asked_configurations();
    let mut answer = Changes { rule: RULE, configurations, changes: Vec::new() };
    // Sums of likelihoods depend on their order.
    tests.sort_unstable();
    let renames = &*late.renames;
    let (mut subjects, mut known): (Vec<Subject<'_>>, Vec<TestId>) = Default::default();
    for test in &tests {
        let (id, first_name) = (TestId::of(suite, test), renames.first_name(test));
        for configuration in histories.configurations(id) {
            subjects.push(Subject { test, first_name, configuration });
            known.push(id);
        }
    }
    let of_subjects = OfSubjects { histories, subjects: &subjects, tests: known };
    let order = histories.order();
    if order.is_empty() {
        return Ok(answer);
    }
    let (suspects, remarks) = tokio::try_join!(suspects::of_suite(late, histories), remarks::of_suite(store, suite))?;
    let of_suite = Suite {
        name: suite,
        tests: late.sessions.tests(),
        commits: &suspects.commits,
        order,
        subjects: &subjects,
        histories: &of_subjects,
    };
    let find = || analysis::changes::changes(&of_suite, &late.question.rules);
    let all = store.changes.of(|hasher| hash(&mut *hasher, late, &of_suite, &of_subjects), find);
    let mut found: Vec<&Change> = all.iter().collect();
    // Of what happened before the time asked about, the beginnings of failures that last are looked up, and nothing else.
    let asked: HashSet<CommitKey> = late.sessions.asked_commits();
    let is_asked = |change: &Change| asked.contains(&change.until) || change.is_open && change.kind == Kind::Broke;
    found.retain(|change: &&Change| is_asked(change) && (kinds.is_empty() || kinds.contains(&change.kind)));
    let is_meant = |member: &Member| search.may_match_owned(subjects[member.subject].test, &remarks.owners);
    found.retain(|change| search.is_empty() || change.members.iter().any(is_meant));
    found.truncate(limit);
    let keys = |change: &Change| {
        let likely: Vec<CommitKey> = change.likely.iter().map(|(commit, _)| *commit).collect();
        likely.into_iter().chain(change.after).chain([change.until])
    };
    let all_keys = found.iter().flat_map(|change| keys(change)).collect();
    let names = commit_names::by_key_among(store, &all_keys, |commit| suspects.has(commit)).await?;
    let tests_of = |change: &Change| -> Vec<ChangedTest> {
        change.members.iter().filter_map(|member| changed(late, &subjects, member)).collect()
    };
    let tests: Vec<Vec<ChangedTest>> = found.iter().map(|change| tests_of(change)).collect();
    let said = remarks.bugs.said(late, tests.iter().flatten().map(|test| test.test.as_str())).await?;
    let explained: Vec<BTreeSet<String>> = tests.iter().map(|tests| bugs_of(&remarks.bugs, &said, tests)).collect();
    for ((change, tests), bugs) in found.into_iter().zip(tests).zip(explained) {
        answer.changes.push(SuiteChange {
            id: change.id.to_string(),
            kind: change.kind,
            after: change.after.map(|commit| named(commit, &names)),
            until: named(change.until, &names),
            likely: likely(change, &names),
            tests,
            open: change.is_open,
            bugs: bugs.into_iter().collect(),
        });
    }
    for test in answer.changes.iter_mut().flat_map(|change| &mut change.tests) {
        let parked = remarks.quarantine.explaining(&test.test, [&test.configuration], test.state);
        test.quarantine = parked.into_iter().cloned().collect();
    }
    Ok(answer)
}

/// Hashes what the changes of a suite follow from: its runs, whose uploads never say anything else, what was read test by test, which
/// names tests had, the commits, and the thresholds.
fn hash(hasher: &mut impl Hasher, late: &LateRuns<'_>, suite: &Suite<'_>, subjects: &OfSubjects<'_>) {
    (suite.name, late.selection.branch.as_str(), suite.tests).hash(hasher);
    format!("{:?}", late.question.rules).hash(hasher);
    (suite.commits, suite.order, late.sessions.runs()).hash(hasher);
    for subject in suite.subjects {
        (subject.test, subject.first_name, subject.configuration).hash(hasher);
    }
    late.renames.hash(hasher);
    subjects.histories.hash_read(&subjects.tests, hasher);
}

/// The bugs that explain what some tests did, where it is known what they said last.
fn bugs_of(links: &BugIndex, said: &HashMap<&str, String>, tests: &[ChangedTest]) -> BTreeSet<String> {
    let of_test = |test: &ChangedTest| {
        let failure = Failure::new(test.state, said.get(test.test.as_str()).map(String::as_str));
        let known = links.explaining(&test.test, std::slice::from_ref(&test.configuration), failure);
        known.into_iter().map(|link| link.url.clone()).collect::<Vec<_>>()
    };
    tests.iter().flat_map(of_test).collect()
}

/// The histories of subjects.
struct OfSubjects<'a> {
    histories: &'a Histories,
    subjects: &'a [Subject<'a>],
    /// The test of each subject.
    tests: Vec<TestId>,
}

impl analysis::changes::Histories for OfSubjects<'_> {
    fn cells(&self, subject: usize) -> Cow<'_, [Cell]> {
        self.histories.on(self.tests[subject], self.subjects[subject].configuration)
    }
}

/// A commit with its name.
pub(crate) fn named(commit: CommitKey, names: &CommitNames) -> NamedCommit {
    let hash = names.get(commit).and_then(|commit| commit.hash.clone());
    let repository = names.repository(commit).map(str::to_owned);
    NamedCommit { uuid: commit, name: names.name(commit), hash, repository }
}

fn likely(change: &Change, names: &CommitNames) -> Vec<LikelyCommit> {
    let one = |(commit, probability): &(CommitKey, f64)| LikelyCommit {
        commit: named(*commit, names),
        probability: (probability * 1000.0).round() / 1000.0,
    };
    change.likely.iter().map(one).collect()
}

fn changed(late: &LateRuns<'_>, subjects: &[Subject<'_>], member: &Member) -> Option<ChangedTest> {
    let subject = subjects.get(member.subject)?;
    let runs = |evidence: &Evidence| RunsOfTest { runs: evidence.runs, unexpected: evidence.unexpected };
    Some(ChangedTest {
        test: subject.test.to_owned(),
        configuration: late.configuration(ConfigId(subject.configuration.0))?.clone(),
        before: runs(&member.before),
        since: runs(&member.since),
        state: member.state,
        quarantine: Vec::new(),
    })
}

impl Tabular for Changes {
    fn table(&self) -> Result<Table, AnswerError> {
        let own = [
            table::of_kind(CellKind::Text, ["id", "kind"]),
            table::of_kind(CellKind::Whole, ["after", "until"]),
            table::of_kind(CellKind::Truth, ["open"]),
            table::of_kind(CellKind::Text, ["until_repository", "test", "state"]),
        ];
        let own = own.concat();
        let counts = ["runs_before", "unexpected_before", "runs_since", "unexpected_since"];
        let counts = table::of_kind(CellKind::Whole, counts);
        let mut rows = Vec::new();
        for change in &self.changes {
            for test in &change.tests {
                let mut members: Map<String, Value> = table::members(test)?;
                members.insert("id".to_owned(), change.id.clone().into());
                members.insert("kind".to_owned(), serde_json::to_value(change.kind).unwrap_or_default());
                members.insert("after".to_owned(), change.after.as_ref().map(|commit| commit.uuid.0).into());
                members.insert("until".to_owned(), change.until.uuid.0.into());
                members.insert("until_repository".to_owned(), change.until.repository.clone().into());
                members.insert("open".to_owned(), change.open.into());
                members.insert("runs_before".to_owned(), test.before.runs.into());
                members.insert("unexpected_before".to_owned(), test.before.unexpected.into());
                members.insert("runs_since".to_owned(), test.since.runs.into());
                members.insert("unexpected_since".to_owned(), test.since.unexpected.into());
                let (first, last) = (table::cells(&own, &[&members]), table::cells(&counts, &[&members]));
                rows.push(table::row_with_configuration(first, &test.configuration, last)?);
            }
        }
        Ok(Table { columns: table::with_configuration(own, counts), rows })
    }
}
