//! How the tests of each owner are doing: how many are failing and flaky now, and what the flaky ones cost.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::ask::RunFilter;
use crate::costs::{CostsBy, Sums, spoilt};
use crate::error::AnswerError;
use crate::histories::JudgedTest;
use crate::late_runs::{self, Among, LateRuns, NEW_DAYS, Weeks};
use crate::search::Search;
use crate::store::Store;
use crate::table::{self, Table, Tabular};
use crate::triage::{self, Group};
use crate::{owners, suites};

/// Owners answered if the question names no limit, and at most.
const OWNERS: u64 = 200;
const MAX_OWNERS: u64 = 1000;

/// Whose tests are asked for.
#[derive(Debug, Clone, Default)]
pub struct OwnersQuestion {
    /// The suite; every suite that ran lately on the default branch if there is none.
    pub suite: Option<String>,
    /// How far back what flaky tests cost is counted, weeks.
    pub weeks: u64,
    /// Branch and configurations; its limit is one of owners.
    pub runs: RunFilter,
}

/// How the tests of an owner are doing. A test of two owners counts for both.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OwnerTotals {
    /// The owner; none for the tests that nobody owns.
    pub owner: Option<String>,
    /// Tests that newly fail.
    pub new: u64,
    /// Tests that still fail.
    pub still: u64,
    /// Tests that are flaky now.
    pub flaky: u64,
    /// Runs that flaky tests spoilt.
    pub spoilt: u64,
    /// What the tests took in these runs, milliseconds.
    pub time_lost: u64,
}

/// Owners that have a test which fails, is flaky or cost something.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Owners {
    /// The suite; empty for all.
    pub suite: String,
    /// How far back costs are counted, weeks.
    pub weeks: u64,
    /// Configurations that ran in the last four weeks, by which it is told what fails, those of each suite; where there is none,
    /// nothing is known, and nothing passed.
    pub configurations: u64,
    /// Whether not all tests are counted, because there are too many.
    pub is_cut: bool,
    /// Who has most tests that newly fail first, then who has most that still do, then whose flaky tests cost most.
    pub owners: Vec<OwnerTotals>,
}

/// How the tests of each owner are doing.
///
/// # Errors
/// The store does not answer.
pub async fn find(store: &Store, question: &OwnersQuestion) -> Result<Owners, AnswerError> {
    let OwnersQuestion { suite, weeks, runs } = question;
    let suites = suites::asked(store, suite.as_deref()).await?;
    let (mut totals, mut sums) = (BTreeMap::new(), Sums::by(CostsBy::Owner));
    let (mut is_cut, mut configurations) = (false, 0);
    for (place, suite) in suites.iter().enumerate() {
        let late = LateRuns::of(store, suite, runs, triage::DEFAULT_DAYS);
        let (late, owners) = tokio::try_join!(late, owners::of_suite(store, suite))?;
        configurations += late.sessions.configurations().count() as u64;
        if late.selection.is_empty() {
            continue;
        }
        let (names, are_more) = late.meant_candidates(Among::Asked, triage::MAX_CANDIDATES, |_| true).await?;
        let (tests, histories, judged) = triage::findings(&late, &names).await?;
        tests.iter().for_each(|test| add(&mut totals, test.group, owners.of(&test.test)));
        let (spoiling, too_many) = if *weeks == late_runs::WEEKS {
            // The same histories say what the flaky tests of these weeks cost.
            let most = spoilt::MAX_CANDIDATES as usize;
            let looked_at = &names[..names.len().min(most)];
            let judged: Vec<&JudgedTest> = judged.values().collect();
            (spoilt::of_judged(&late, &owners, looked_at, &histories, &judged), names.len() > most)
        } else {
            let late = LateRuns::within(store, suite, runs, NEW_DAYS, Weeks::of(*weeks)).await?;
            match late.asked.is_empty() {
                true => (Vec::new(), false),
                false => spoilt::of_suite(&late, &owners, &Search::default()).await?,
            }
        };
        sums.add((place, suite), &spoiling);
        is_cut |= are_more || too_many;
    }
    for cost in sums.finish().1 {
        let total = totals.entry(cost.owners.into_iter().next()).or_default();
        (total.spoilt, total.time_lost) = (cost.spoilt, cost.time_lost);
    }
    let named = |(owner, total): (Option<String>, OwnerTotals)| OwnerTotals { owner, ..total };
    let mut owners: Vec<OwnerTotals> = totals.into_iter().map(named).collect();
    owners.sort_by_key(|one| Reverse((one.new, one.still, one.time_lost, one.flaky)));
    let limit = question.runs.limit.unwrap_or(OWNERS).min(MAX_OWNERS) as usize;
    is_cut |= owners.len() > limit;
    owners.truncate(limit);
    Ok(Owners { suite: suite.clone().unwrap_or_default(), weeks: *weeks, configurations, is_cut, owners })
}

fn add(totals: &mut BTreeMap<Option<String>, OwnerTotals>, group: Group, owners: Vec<String>) {
    let owners = if owners.is_empty() { vec![None] } else { owners.into_iter().map(Some).collect() };
    for owner in owners {
        let total = totals.entry(owner).or_default();
        match group {
            Group::New => total.new += 1,
            Group::Still => total.still += 1,
            Group::Flaky => total.flaky += 1,
            _ => {}
        }
    }
}

impl Tabular for Owners {
    fn table(&self) -> Result<Table, AnswerError> {
        table::of_rows(&self.owners)
    }

    fn is_cut(&self) -> bool {
        self.is_cut
    }
}
