//! A test on the list of triage, and whether a search means it.

use schema::bug::BugLink;
use schema::configuration::Configuration;

use super::Group;
use crate::language::{Field, Question, Subject};

/// What can be asked about the tests of the list.
pub(crate) const FIELDS: [Field; 10] = [
    Field::Status,
    Field::State,
    Field::On,
    Field::Only,
    Field::Count,
    Field::Flaky,
    Field::Row,
    Field::Since,
    Field::Bug,
    Field::Suite,
];

/// Where a test did not fail, in its small history.
pub(super) const PASSED: u8 = b'8';

/// A test on the list.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) test: String,
    pub(crate) group: Group,
    /// Position of the worst state.
    pub(crate) state: u8,
    /// Configurations that put it in its group.
    pub(crate) configurations: Vec<Configuration>,
    pub(crate) since: u64,
    pub(crate) before: Option<u64>,
    pub(crate) impact: usize,
    /// The suite's newest commits, newest first: the worst unexpected state, 8 where it did not fail.
    pub(crate) history: String,
    /// Those that explain its failures.
    pub(crate) bugs: Vec<BugLink>,
    /// The first line of what it said when it failed last, lately; only where that was asked for.
    pub(crate) message: Option<String>,
}

impl Found {
    /// Newest commits on which it failed.
    pub(crate) fn failed(&self) -> usize {
        self.history.bytes().filter(|state| *state != PASSED).count()
    }

    /// Newest commits in a row on which it failed.
    pub(crate) fn row(&self) -> usize {
        self.history.bytes().take_while(|state| *state != PASSED).count()
    }

    /// Whether a question means it.
    pub(super) fn is_meant(&self, suite: &str, question: &Question) -> bool {
        if question.is_empty() {
            return true;
        }
        let places: Vec<String> = self.configurations.iter().map(Configuration::name).collect();
        question.matches(&Subject {
            suite,
            test: &self.test,
            status: Some(self.group),
            state: self.state,
            places: &places,
            count: places.len() as u64,
            share: self.failed() as f64 / self.history.len().max(1) as f64,
            row: self.row() as u64,
            since: self.since / 100,
            bugs: &self.bugs.iter().collect::<Vec<_>>(),
        })
    }
}
