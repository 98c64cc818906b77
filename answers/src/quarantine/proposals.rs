//! Which tests might be parked and which released. Nothing of it is stored or done: people accept it, or do not.
//!
//! Data flow: the flaky tests of the rule of verdicts that cost enough and are not parked → to park, where they were flaky and
//! for the state in which they failed; the entries in force → the histories of their tests → to release, with what the tests
//! did since they failed last ([`Recovery`]).

use std::collections::BTreeSet;

use schema::configuration::Configuration;
use schema::ids::TestId;
use schema::state::State;
use schemars::JsonSchema;
use serde::Serialize;

pub use super::recovery::Recovery;
use super::recovery::{LEAST_DAYS, LEAST_RUNS};
use super::{ListedEntry, QuarantineIndex, in_force, names_of};
use crate::ask::RunFilter;
use crate::error::AnswerError;
use crate::flaky::{self, FlakyOrder, FlakyQuestion, FlakyTest};
use crate::late_runs::{LateRuns, NEW_DAYS, WEEKS};
use crate::reads::quarantine as reads;
use crate::search::Search;
use crate::store::Store;
use crate::suites;

/// Runs that a flaky test spoilt, below which it is not worth an entry.
const LEAST_SPOILT: u64 = 5;
/// The share of spoilt runs that is certain, below which that alone is not worth one.
const LEAST_SHARE: f64 = 0.01;
/// Milliseconds that were lost, from which a test is costly however rarely it fails.
const COSTLY: u64 = 10 * 60 * 1000;
/// Flaky tests that are looked at.
const MAX_FLAKY: u64 = 200;
/// Tests of one pattern that are looked at; of a pattern with more, nothing is said.
const MAX_TESTS_OF_PATTERN: usize = 500;

/// What the proposals were made by.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct ProposalCriteria {
    /// Runs of so many weeks are looked at.
    pub weeks: u64,
    /// To park: runs that a test that is flaky now spoilt at least …
    pub least_spoilt: u64,
    /// … and the least share of spoilt runs that is certain; …
    pub least_share: f64,
    /// … or the milliseconds that were lost at least.
    pub costly_milliseconds: u64,
    /// To release: passes since the last failure, at least …
    pub least_passes: u64,
    /// … over so many days.
    pub least_days: u64,
}

/// That a test might be parked.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ToPark {
    /// What all configurations on which it was flaky have in common.
    pub configuration: Configuration,
    /// The one state in which it failed; none if there were several.
    pub failure: Option<State>,
    /// Whether it is proposed for the time that it costs, and not for how often it fails.
    pub is_costly: bool,
    /// What the rule of verdicts says of it.
    pub flaky: FlakyTest,
}

/// That an entry might be released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ToRelease {
    /// The entry.
    pub entry: ListedEntry,
    /// How many tests it is about that ran.
    pub tests: u64,
    /// What they did since they failed last.
    pub evidence: Recovery,
}

/// What might be done.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Proposals {
    /// What they were made by.
    pub criteria: ProposalCriteria,
    /// The tests that spoilt most runs first.
    pub park: Vec<ToPark>,
    /// The entries whose tests passed most often first.
    pub release: Vec<ToRelease>,
}

/// What might be done in a suite; in every suite that ran lately if none is named.
///
/// # Errors
/// Nothing is known of the suite, nor is anything of it in quarantine; or the store does not answer.
pub async fn find(store: &Store, suite: Option<&str>) -> Result<Proposals, AnswerError> {
    let suites = match suites::asked(store, suite).await {
        // Entries may be said before the first run.
        Err(AnswerError::UnknownSuite(suite)) if !reads::all(store, Some(&suite), 1).await?.is_empty() => Vec::new(),
        asked => asked?,
    };
    let question = FlakyQuestion {
        suite: suite.map(str::to_owned),
        weeks: WEEKS,
        order: FlakyOrder::Spoilt,
        runs: RunFilter { limit: Some(MAX_FLAKY), ..RunFilter::default() },
        search: Search::default(),
    };
    let mut proposals = Proposals {
        criteria: ProposalCriteria {
            weeks: WEEKS,
            least_spoilt: LEAST_SPOILT,
            least_share: LEAST_SHARE,
            costly_milliseconds: COSTLY,
            least_passes: LEAST_RUNS,
            least_days: LEAST_DAYS,
        },
        park: Vec::new(),
        release: Vec::new(),
    };
    let mut flaky = if suites.is_empty() { Vec::new() } else { flaky::find(store, &question).await?.tests };
    for suite in &suites {
        let entries = in_force(store, suite).await?;
        if !entries.is_empty() {
            proposals.release.extend(to_release(store, suite, &entries).await?);
        }
        let parked = QuarantineIndex::new(entries);
        let of_suite = flaky.extract_if(.., |test| test.suite == *suite);
        proposals.park.extend(of_suite.filter_map(|test| to_park(test, &parked)));
    }
    proposals.park.sort_by(|one, other| {
        let key = |it: &ToPark| (std::cmp::Reverse(it.flaky.spoilt), it.flaky.suite.clone(), it.flaky.test.clone());
        key(one).cmp(&key(other))
    });
    proposals.release.sort_by_key(|it| std::cmp::Reverse(it.evidence.passes));
    Ok(proposals)
}

/// The proposal to park a test, if it fails or costs enough and is not parked wherever it is flaky.
fn to_park(flaky: FlakyTest, parked: &QuarantineIndex) -> Option<ToPark> {
    let is_often = flaky.spoilt >= LEAST_SPOILT && flaky.lower >= LEAST_SHARE;
    let is_costly = flaky.time_lost >= COSTLY;
    let is_parked = flaky
        .places
        .iter()
        .all(|place| flaky.states.iter().all(|state| !parked.explaining(&flaky.test, [place], *state).is_empty()));
    if !flaky.is_flaky_now || !(is_often || is_costly) || is_parked {
        return None;
    }
    let mut places = flaky.places.iter();
    let first = places.next()?.clone();
    let configuration = places.fold(first, |common, place| common.common(place));
    let failure = flaky.states.first().copied().filter(|_| flaky.states.len() == 1);
    Some(ToPark { configuration, failure, is_costly: !is_often, flaky })
}

/// The entries of a suite whose tests have recovered.
async fn to_release(
    store: &Store,
    suite: &str,
    entries: &[(String, ListedEntry)],
) -> Result<Vec<ToRelease>, AnswerError> {
    let filter = RunFilter::default();
    let late = LateRuns::of(store, suite, &filter, NEW_DAYS).await?;
    if late.selection.is_empty() {
        return Ok(Vec::new());
    }
    let mut tests_of = Vec::with_capacity(entries.len());
    for (test, entry) in entries {
        let names = match entry.is_pattern() {
            true => names_of(store, entry, MAX_TESTS_OF_PATTERN).await?.unwrap_or_default(),
            false => vec![test.clone()],
        };
        tests_of.push(names.iter().map(|name| TestId::of(suite, name)).collect::<BTreeSet<TestId>>());
    }
    let histories = late.histories(&tests_of.iter().flatten().copied().collect()).await?;
    let mut proposed = Vec::new();
    for ((_, entry), tests) in entries.iter().zip(tests_of) {
        let mut recovered: Vec<Option<Recovery>> = Vec::new();
        for test in tests {
            let places = histories.of(test);
            let meant = places
                .iter()
                .filter(|(id, _)| late.configuration(*id).is_some_and(|place| entry.configuration.describes(place)));
            let cells: Vec<_> = meant.flat_map(|(_, cells)| cells.history().cells.iter()).collect();
            if !cells.is_empty() {
                recovered.push(Recovery::of(cells.into_iter()).filter(Recovery::is_enough));
            }
        }
        // All of its tests have to have recovered.
        let tests = recovered.len() as u64;
        let all: Option<Vec<Recovery>> = recovered.into_iter().collect();
        if let Some(evidence) = all.and_then(|all| all.into_iter().reduce(Recovery::joined)) {
            proposed.push(ToRelease { entry: entry.clone(), tests, evidence });
        }
    }
    Ok(proposed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(platform: &str, style: &str) -> Configuration {
        Configuration { platform: Some(platform.into()), style: Some(style.into()), ..Configuration::default() }
    }

    fn flaky(spoilt: u64, lower: f64, time_lost: u64) -> FlakyTest {
        FlakyTest {
            test: "a".into(),
            runs: 100,
            flaky_runs: 90,
            unexpected: spoilt,
            rate: lower,
            lower,
            upper: 1.0,
            flips: 3,
            disagreements: 0,
            configurations: 2,
            suite: "s".into(),
            spoilt,
            time_lost,
            is_flaky_now: true,
            bugs: Vec::new(),
            owners: Vec::new(),
            quarantine: Vec::new(),
            places: vec![on("Mac", "Debug"), on("Mac", "Release")],
            states: State::failure_of_name("TEXT").into_iter().collect(),
        }
    }

    #[test]
    fn a_test_is_proposed_where_and_as_it_was_flaky() {
        let none = QuarantineIndex::default();
        let proposed = to_park(flaky(9, 0.05, 0), &none);
        let mac = Configuration { platform: Some("Mac".into()), ..Configuration::default() };
        let told = proposed.map(|it| (it.configuration, it.failure, it.is_costly));
        assert_eq!(told, Some((mac, State::failure_of_name("TEXT"), false)));
        assert!(to_park(flaky(1, 0.001, COSTLY), &none).is_some_and(|it| it.is_costly));
        let mut several = flaky(9, 0.05, 0);
        several.states.insert(State::CRASH);
        assert_eq!(to_park(several, &none).map(|it| it.failure), Some(None));
        for too_little in [flaky(LEAST_SPOILT - 1, 0.05, 0), flaky(9, 0.001, 0), flaky(1, 0.001, COSTLY - 1)] {
            assert_eq!(to_park(too_little, &none), None);
        }
        assert_eq!(to_park(FlakyTest { is_flaky_now: false, ..flaky(9, 0.05, 0) }, &none), None);
    }
}
