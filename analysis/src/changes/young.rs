//! Changes that are too young for the results of one history to prove them: several histories that changed on one commit
//! are evidence together.

use std::collections::{BTreeMap, BTreeSet};

use schema::ids::{CommitKey, ConfigId};

use crate::rules::Rules;

use super::Suite;
use super::candidate::{Candidate, Direction};
use super::noise::Noise;

/// The share of a suite's tests from which on a single bad run is taken for an outage, until another run confirms it.
const OUTAGE_SHARE: f64 = 0.3;

/// So few tests that fail together are no outage, however small the suite.
const FEW_TESTS: f64 = 3.0;

/// Splits candidates into those that are likely, alone or together, and the rest.
pub(super) fn accepted(
    suite: &Suite<'_>,
    candidates: Vec<Candidate>,
    noise: &Noise,
    rules: &Rules,
) -> (Vec<Candidate>, Vec<Candidate>) {
    let surprises: Vec<f64> = candidates.iter().map(|candidate| noise.surprise_of(suite, candidate)).collect();
    let sizes = ScopeSizes::of(suite);
    let mut is_accepted = vec![false; candidates.len()];
    let outage = outages(suite, &candidates);
    let is_open = |index: &usize| !outage.contains(index);
    for scope in Scope::ALL {
        let mut by_scope: BTreeMap<(Direction, &str), Vec<usize>> = BTreeMap::new();
        for index in (0..candidates.len()).filter(is_open) {
            let key = scope.key(suite.subjects[candidates[index].subject].test);
            by_scope.entry((candidates[index].direction, key)).or_default().push(index);
        }
        for ((_, key), members) in by_scope {
            let size = sizes.of_key(scope, key);
            let commits: BTreeSet<usize> = members.iter().map(|index| candidates[*index].place.mode()).collect();
            for commit in commits {
                let mut together: Vec<usize> =
                    members.iter().copied().filter(|index| candidates[*index].place.is_plausible(commit)).collect();
                together.sort_by(|one, other| surprises[*other].total_cmp(&surprises[*one]));
                let likely = likely_together(&together, &surprises, size, rules.change_prior);
                for index in &together[..likely] {
                    is_accepted[*index] = true;
                }
            }
        }
    }
    let mut is_accepted = is_accepted.into_iter();
    candidates.into_iter().partition(|_| is_accepted.next().unwrap_or(false))
}

/// How many of the most surprising candidates of a commit are likely together: as many as make the change likeliest. Which
/// tests of the scope they are has to be told, and that there is a change at all.
fn likely_together(together: &[usize], surprises: &[f64], size: usize, prior: f64) -> usize {
    let (mut sum, mut most, mut likely) = (prior.ln(), 0.0, 0);
    let mut ln_choices = 0.0;
    for (count, index) in (1..).zip(together) {
        sum += surprises[*index];
        // The number of ways to choose `count` of `size`, or of as many as there are.
        ln_choices = if count < size { ln_choices + ((size - count + 1) as f64 / count as f64).ln() } else { 0.0 };
        let evidence = sum - ln_choices;
        if evidence > most {
            (most, likely) = (evidence, count);
        }
    }
    likely
}

/// Candidates that are one bad run of a configuration in which a large share of all tests failed, unless other configurations
/// had such a run as well.
fn outages(suite: &Suite<'_>, candidates: &[Candidate]) -> BTreeSet<usize> {
    let mut by_run: BTreeMap<(ConfigId, CommitKey), Vec<usize>> = BTreeMap::new();
    for (index, candidate) in candidates.iter().enumerate() {
        let subject = &suite.subjects[candidate.subject];
        if candidate.direction == Direction::Worse && candidate.at + 1 == candidate.to {
            let commit = subject.history.cells[candidate.at].commit;
            by_run.entry((subject.configuration, commit)).or_default().push(index);
        }
    }
    let most = (OUTAGE_SHARE * f64::from(suite.tests)).max(FEW_TESTS);
    by_run.retain(|_, run| run.len() as f64 > most);
    let configurations: BTreeSet<ConfigId> = by_run.keys().map(|(configuration, _)| *configuration).collect();
    if configurations.len() > 1 { BTreeSet::new() } else { by_run.into_values().flatten().collect() }
}

/// What tests may have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// They are one test.
    Test,
    /// They stand in one folder.
    Folder,
    /// They belong to one suite.
    Suite,
}

impl Scope {
    const ALL: [Self; 3] = [Self::Test, Self::Folder, Self::Suite];

    fn key(self, test: &str) -> &str {
        match self {
            Self::Test => test,
            Self::Folder => folder(test),
            Self::Suite => "",
        }
    }
}

/// The folder of a test: its name up to the last slash, or empty.
pub(super) fn folder(test: &str) -> &str {
    test.rfind('/').map_or("", |end| &test[..end])
}

/// How many histories there are in each scope, with those that have no subject because nothing ever failed.
struct ScopeSizes<'a> {
    /// Tests with a subject, by folder.
    folders: BTreeMap<&'a str, BTreeSet<&'a str>>,
    configurations: usize,
    /// All tests for each one that has a subject.
    tests_for_one: f64,
    suite: usize,
}

impl<'a> ScopeSizes<'a> {
    fn of(suite: &Suite<'a>) -> Self {
        let mut folders: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for subject in suite.subjects {
            folders.entry(folder(subject.test)).or_default().insert(subject.test);
        }
        let configurations: BTreeSet<ConfigId> = suite.subjects.iter().map(|subject| subject.configuration).collect();
        let known: usize = folders.values().map(BTreeSet::len).sum();
        let tests = known.max(suite.tests as usize);
        Self {
            folders,
            configurations: configurations.len(),
            tests_for_one: tests as f64 / known.max(1) as f64,
            suite: tests * configurations.len(),
        }
    }

    fn of_key(&self, scope: Scope, key: &str) -> usize {
        let in_folder = || self.folders.get(key).map_or(1, BTreeSet::len) as f64 * self.tests_for_one;
        match scope {
            Scope::Test => self.configurations,
            Scope::Folder => in_folder().ceil() as usize * self.configurations,
            Scope::Suite => self.suite,
        }
    }
}
