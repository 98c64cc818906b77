//! How good the verdicts were: what the branch showed after they were given, by version of the rule, by suite and by owner; and
//! how soon failures were found that began.
//!
//! Data flow: the verdicts that were kept → the histories of their tests on the branch → a grade for each ([`grade`]) → sums
//! ([`tally`]). Of the default branch of each suite also the failures that began, with the time that it took to find them
//! ([`detection`]). One suite is looked at after the other, so that no more than its histories are in memory.

mod detection;
mod grade;
mod tally;

use std::collections::{BTreeMap, BTreeSet};

use analysis::history::Cell;
use analysis::rules::RULE;
use schema::commit::branch_key;
use schema::ids::TestId;
use schema::seconds::WEEK;
use schemars::JsonSchema;
use serde::Serialize;

use crate::ask::RunFilter;
use crate::error::AnswerError;
use crate::late_runs::{LateRuns, NEW_DAYS, Weeks};
use crate::owners::{self, OwnerIndex};
use crate::reads::verdicts::{self as log, GivenVerdict};
use crate::search::{Field, Search};
use crate::store::Store;
use crate::suites;
use crate::table::{self, Table, Tabular};
use grade::Grader;
pub use grade::{Afterwards, Mistake};
pub use tally::{QualityBy, QualityRow};
use tally::{Tallied, Tally};

/// What can be asked about the tests.
pub const FIELDS: [Field; 1] = [Field::Owner];
/// Suites that are looked at where the question names none, with each branch on which verdicts were given.
const MAX_PLACES: usize = 200;

/// Which verdicts are graded.
#[derive(Debug, Clone, Default)]
pub struct QualityQuestion {
    /// The suite; every suite of which verdicts were given, or that ran lately on the default branch, if there is none.
    pub suite: Option<String>,
    /// Those given within so many weeks.
    pub weeks: u64,
    /// Those on tests that this means.
    pub search: Search,
}

/// How verdicts of one kind turned out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Grades {
    /// How many were given.
    pub given: u64,
    /// The branch went on as the verdict said.
    pub held: u64,
    /// The branch showed otherwise.
    pub refuted: u64,
    /// The branch has not run the test since, or says nothing about it.
    pub open: u64,
}

/// The newest wrong answer of its kind on a test of a branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WrongAnswer {
    /// In which way it was wrong.
    pub mistake: Mistake,
    /// The suite.
    pub suite: String,
    /// The test, by the name that it has now.
    pub test: String,
    /// Who owns it.
    pub owners: Vec<String>,
    /// What was said.
    pub verdict: String,
    /// The change that asked; none if it named itself not.
    pub change: Option<String>,
    /// Key of the branch.
    pub branch: String,
    /// When it was asked, seconds since 1970.
    pub asked_at: u32,
    /// The version of the rule that said so.
    pub rule: String,
    /// How many answers on the test of this branch were wrong in this way.
    pub times: u64,
    /// What came after.
    pub after: Afterwards,
    /// Path of the test's page, as it is on the branch.
    pub link: String,
}

/// How the verdicts of some weeks turned out.
#[derive(Debug, Serialize, JsonSchema)]
pub struct VerdictQuality {
    /// The version of the rule that is in use.
    pub rule: &'static str,
    /// How far back, weeks.
    pub weeks: u64,
    /// Grades by verdict.
    #[schemars(with = "BTreeMap<String, Grades>")]
    pub verdicts: BTreeMap<String, Grades>,
    /// The suite; empty for all.
    pub suite: String,
    /// Verdicts given since then are graded, and failures that began since then are timed, seconds since 1970.
    pub since: u64,
    /// Whether not everything was looked at: there are more verdicts, suites or failing tests than one answer takes, and older
    /// ones are left out.
    pub is_cut: bool,
    /// All of it together.
    pub total: QualityRow,
    /// By version of the rule that gave the verdicts; most wrong answers first, as in the next lists.
    pub rules: Vec<QualityRow>,
    /// By suite.
    pub suites: Vec<QualityRow>,
    /// How many suites more there are.
    pub more_suites: u64,
    /// By owner. A test of two owners counts for both.
    pub owners: Vec<QualityRow>,
    /// How many owners more there are.
    pub more_owners: u64,
    /// Tests with answers that were wrong, the newest answer first.
    pub wrong: Vec<WrongAnswer>,
    /// How many more there are.
    pub more_wrong: u64,
}

/// Grades the verdicts that were given.
///
/// # Errors
/// Nothing is known of the suite, or the store does not answer.
pub async fn find(store: &Store, question: &QualityQuestion) -> Result<VerdictQuality, AnswerError> {
    let QualityQuestion { suite, weeks, search } = question;
    let since = store.clock.now().saturating_sub(weeks.saturating_mul(WEEK));
    let (given, mut is_cut) = log::since(store, suite.as_deref(), since).await?;
    let mut places: BTreeMap<(String, String), Vec<GivenVerdict>> = BTreeMap::new();
    for one in given {
        places.entry((one.suite.clone(), one.branch.clone())).or_default().push(one);
    }
    let trunk = branch_key(None);
    let timed = match suite {
        // Verdicts may have been asked for of a suite that never ran.
        Some(suite) if !places.is_empty() => vec![suite.clone()],
        suite => suites::asked(store, suite.as_deref()).await?,
    };
    for suite in timed {
        places.entry((suite, trunk.to_owned())).or_default();
    }
    is_cut |= places.len() > MAX_PLACES;
    let (mut tally, mut grader) = (Tally::default(), Grader::new());
    for ((suite, branch), given) in most(places) {
        let is_trunk = branch == trunk;
        let filter = RunFilter { branch: Some(branch), recent: false, ..RunFilter::default() };
        // What was asked first was judged by the runs of before.
        let late = LateRuns::within(store, &suite, &filter, NEW_DAYS, Weeks::with_before(*weeks));
        let (late, owners) = tokio::try_join!(late, owners::of_suite(store, &suite))?;
        grade_all(&late, &owners, search, given, &mut grader, &mut tally).await?;
        if is_trunk {
            let (failures, are_more) = detection::of_suite(&late, &owners, search, since).await?;
            is_cut |= are_more;
            failures.iter().for_each(|failure| tally.add_failure(&suite, failure));
        }
    }
    is_cut |= grader.is_spent();
    let Tallied { total, rules, suites, more_suites, owners, more_owners, wrong, more_wrong } = tally.finish();
    Ok(VerdictQuality {
        rule: RULE,
        weeks: *weeks,
        verdicts: total.verdicts.clone(),
        suite: suite.clone().unwrap_or_default(),
        since,
        is_cut,
        total,
        rules,
        suites,
        more_suites,
        owners,
        more_owners,
        wrong,
        more_wrong,
    })
}

/// A suite and a branch, with the verdicts that were given there.
type Place = ((String, String), Vec<GivenVerdict>);

/// As many places as one answer looks at, those with most verdicts.
fn most(places: BTreeMap<(String, String), Vec<GivenVerdict>>) -> Vec<Place> {
    let mut places: Vec<Place> = places.into_iter().collect();
    if places.len() > MAX_PLACES {
        places.sort_by_key(|(_, given)| std::cmp::Reverse(given.len()));
        places.truncate(MAX_PLACES);
    }
    places
}

/// Grades the verdicts that were given on tests of a suite on a branch, those that are meant.
async fn grade_all(
    late: &LateRuns<'_>,
    owners: &OwnerIndex,
    search: &Search,
    given: Vec<GivenVerdict>,
    grader: &mut Grader,
    tally: &mut Tally,
) -> Result<(), AnswerError> {
    let mut tests: BTreeMap<String, Vec<GivenVerdict>> = BTreeMap::new();
    for one in given {
        // A test that was renamed since goes on under its new name, and so does one that was asked about by its old name.
        let name = match late.renames.current(&one.test, one.asked_at) {
            name if name == one.test => late.renames.successor(name).unwrap_or(name),
            name => name,
        };
        tests.entry(name.to_owned()).or_default().push(one);
    }
    tests.retain(|test, _| search.may_match_owned(test, owners));
    let ids: BTreeSet<TestId> = tests.keys().map(|test| TestId::of(late.suite, test)).collect();
    let histories = late.histories(&ids).await?;
    for (test, given) in tests {
        let of_test = histories.of(TestId::of(late.suite, &test));
        let places: Vec<&[Cell]> = of_test.iter().map(|(_, cells)| cells.history().cells).collect();
        let owners = owners.of(&test);
        for one in given {
            let graded = grader.grade(&one.verdict, one.asked_at, &places, &late.question);
            tally.add_verdict(&test, &owners, &one, &graded);
        }
    }
    Ok(())
}

impl Tabular for VerdictQuality {
    /// A row for each rule, suite and owner, after one for everything.
    fn table(&self) -> Result<Table, AnswerError> {
        let lists = [&self.rules, &self.suites, &self.owners];
        let rows: Vec<QualityRow> = std::iter::once(&self.total).chain(lists.into_iter().flatten()).cloned().collect();
        table::of_rows(&rows)
    }

    fn is_cut(&self) -> bool {
        self.is_cut
    }
}
