//! A suite of the simulation: its commits, its tests, and what breaks them.

use std::collections::BTreeMap;

use schema::ids::CommitKey;

use super::behaviour::Kind;
use super::configuration::{Configuration, Labelled, TestPlan};
use crate::random::Random;

/// The time of the first commit, seconds since 1970.
const BEGIN: u64 = 1_700_000_000;
/// Seconds between commits.
const STEP: u64 = 3600;
/// Commits of a suite.
pub(super) const COMMITS: usize = 2_000;
/// How many commits lie between runs of each configuration.
const CADENCES: [usize; 5] = [1, 1, 3, 8, 20];
/// The share of suites whose runs retry what fails.
const RETRIES: f64 = 0.4;
/// Folders of a suite.
const FOLDERS: usize = 20;
/// Tests of a folder.
const TESTS_OF_A_FOLDER: usize = 10;
/// Tests of a suite.
const TESTS: usize = FOLDERS * TESTS_OF_A_FOLDER;
/// Histories of a suite that something happens to on their own. All others pass always.
const ALONE: usize = 12;
/// One in so many tests is missing from most runs.
const SPARSE: u64 = 8;
/// The share of suites in which a commit broke several tests.
const SHARED: f64 = 0.5;
/// The share of such commits that break tests of one folder.
const ONE_FOLDER: f64 = 0.7;
/// The share of configurations on which such a commit breaks its tests.
const SHARED_CONFIGURATIONS: f64 = 0.6;

/// A suite, as it stands after its last commit.
#[derive(Debug)]
pub(super) struct World {
    pub(super) commits: Vec<CommitKey>,
    /// Tests, with those that have no history because they pass always.
    pub(super) tests: u32,
    pub(super) histories: Vec<Labelled>,
}

impl World {
    pub(super) fn draw(random: &mut Random) -> Self {
        let commit = |index: usize| CommitKey::start_of(BEGIN + index as u64 * STEP);
        let commits: Vec<CommitKey> = (0..COMMITS).map(commit).collect();
        let has_retries = random.happens(RETRIES);
        let configurations: Vec<Configuration> = (1..)
            .zip(CADENCES)
            .map(|(number, cadence)| Configuration::draw(number, cadence, has_retries, random))
            .collect();
        let sparse: Vec<bool> = (0..TESTS).map(|_| random.below(SPARSE) == 0).collect();
        let shared = random.happens(SHARED).then(|| Shared::draw(random));
        // By test and configuration: the commit that breaks it together with others.
        let mut places: BTreeMap<(usize, usize), Option<usize>> = BTreeMap::new();
        for _ in 0..ALONE {
            places.insert((random.below(TESTS as u64) as usize, configuration(random)), None);
        }
        places.extend(shared.iter().flat_map(Shared::places));
        let mut histories = Vec::new();
        for ((number, place), culprit) in places {
            let kind = if culprit.is_some() { Kind::Shared } else { Kind::draw(random) };
            let plan = TestPlan { number, name: name(number), kind, is_sparse: sparse[number], culprit };
            histories.extend(configurations[place].histories(&plan, &commits, random));
        }
        Self { commits, tests: TESTS as u32, histories }
    }

    /// The index of a commit.
    pub(super) fn index(&self, commit: CommitKey) -> usize {
        self.commits.partition_point(|known| *known < commit)
    }
}

/// A configuration for a history of its own. The one that tests most seldom comes half as often as the others.
fn configuration(random: &mut Random) -> usize {
    random.below(2 * CADENCES.len() as u64 - 1) as usize / 2
}

fn name(test: usize) -> String {
    format!("folder{}/test{test}.html", test / TESTS_OF_A_FOLDER)
}

/// A commit that breaks several tests on several configurations.
struct Shared {
    culprit: usize,
    tests: Vec<usize>,
    configurations: Vec<usize>,
}

impl Shared {
    fn draw(random: &mut Random) -> Self {
        let age = random.log_uniform(1.0, COMMITS as f64 * 0.2) as usize;
        let folder = random.below(FOLDERS as u64) as usize;
        let is_one_folder = random.happens(ONE_FOLDER);
        let test = |random: &mut Random| match is_one_folder {
            true => folder * TESTS_OF_A_FOLDER + random.below(TESTS_OF_A_FOLDER as u64) as usize,
            false => random.below(TESTS as u64) as usize,
        };
        let count = 2 + random.below(4);
        let tests = (0..count).map(|_| test(random)).collect();
        let configurations = (0..CADENCES.len()).filter(|_| random.happens(SHARED_CONFIGURATIONS)).collect();
        Self { culprit: COMMITS - age, tests, configurations }
    }

    /// Tests and configurations that it breaks.
    fn places(&self) -> impl Iterator<Item = ((usize, usize), Option<usize>)> {
        let of_test = |test: &usize| self.configurations.iter().map(|place| (*test, *place)).collect::<Vec<_>>();
        self.tests.iter().flat_map(of_test).map(|place| (place, Some(self.culprit)))
    }
}
