//! A change on one configuration of a suite: what is known of what failed, what it mended, which tests it brings.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use analysis::history::Outcome;
use schema::configuration::Configuration;
use schema::ids::{CommitKey, ConfigId, TestId};

use super::base;
use super::observed::{self, Observed};
use super::runs::Runs;
use super::{FixedTest, NewNames, Now, ReviewedFailure, ReviewedPlace, durations};
use crate::ask::{ConfigurationFilter, RunFilter};
use crate::changes::named;
use crate::commit_names::CommitNames;
use crate::error::AnswerError;
use crate::histories::Histories;
use crate::late_runs::{LateRuns, NEW_DAYS};
use crate::new_tests::RUN_RESULTS;
use crate::reads::selection::RunPlace;
use crate::verdicts::{
    self, AskingChange, Completeness, MAX_TESTS, ObservedTest, TestVerdict, VerdictsQuestion, failing_at_base,
};
use crate::{news, test_names};

/// Names of new tests that an answer has of each configuration.
const MAX_NEW: usize = 200;

/// What a change did in a suite, as far as all configurations share it.
pub(super) struct Review<'a> {
    pub(super) change: AskingChange,
    /// The runs of the change.
    pub(super) own: &'a LateRuns<'a>,
    pub(super) runs: &'a Runs,
    /// The tests that failed in any of them, and what they did.
    pub(super) failed: &'a [String],
    pub(super) histories: &'a Histories,
    /// What failing tests said last in the change.
    pub(super) messages: &'a HashMap<String, String>,
    pub(super) names: &'a CommitNames,
}

/// What is known of a change on a configuration.
pub(super) struct Found {
    pub(super) place: ReviewedPlace,
    pub(super) failures: Vec<ReviewedFailure>,
    pub(super) fixed: Vec<FixedTest>,
}

impl Review<'_> {
    /// What is known of the change on a configuration, on which it ran last on a commit.
    pub(super) async fn on(
        &self,
        id: ConfigId,
        commit: CommitKey,
        with_durations: bool,
    ) -> Result<Option<Found>, AnswerError> {
        let LateRuns { store, suite, .. } = *self.own;
        let Some(configuration) = self.own.configuration(id).cloned() else { return Ok(None) };
        let filter = RunFilter { configurations: ConfigurationFilter::of(&configuration), ..RunFilter::default() };
        let trunk = LateRuns::of(store, suite, &filter, NEW_DAYS).await?;
        let base = base::of(self.runs.base(commit), commit, self.names, &trunk).await?;
        let key = base.as_ref().map(|base| base.commit.uuid);
        let tests_run = self.tests_run(id, commit);
        let observed = self.observed(id, commit);
        // Where the trunk has no run before the change, none of after it says what failed there.
        let (judged, unjudged) = self.judged(&trunk, key.unwrap_or(commit), tests_run, &observed).await?;
        let fixed = self.fixed(id, commit, &configuration, &trunk, key).await?;
        let new_tests = self.new_tests(id, commit, &trunk).await?;
        let own: Vec<RunPlace> = self.runs.on(id, commit).map(|one| one.place.clone()).collect();
        let durations = match key.filter(|_| with_durations) {
            Some(key) => durations::of(&trunk, id, own, key).await?,
            None => None,
        };
        let usual = u64::from(trunk.sessions.tests());
        let place = ReviewedPlace {
            configuration: configuration.clone(),
            commit: named(commit, self.names),
            base,
            incomplete: tests_run.and_then(|tests_run| Completeness::lacking(tests_run, usual)),
            unjudged,
            new_tests,
            durations,
        };
        let failures = observed.into_iter().map(|(test, observed)| {
            let verdict = judged.get(test.as_str());
            self.failure(test, observed, &configuration, verdict)
        });
        Ok(Some(Found { failures: failures.collect(), place, fixed }))
    }

    /// How many tests the newest commit's largest run has; none if it comes in parts, which are always smaller.
    fn tests_run(&self, id: ConfigId, commit: CommitKey) -> Option<u64> {
        if self.runs.on(id, commit).any(|one| one.run.shard.is_some()) {
            return None;
        }
        self.runs.on(id, commit).map(|one| u64::from(one.run.tests_run)).max()
    }

    /// What the tests did that failed on a configuration.
    fn observed(&self, id: ConfigId, commit: CommitKey) -> Vec<(String, Observed)> {
        let of = |test: &String| {
            let cells = self.histories.on(TestId::of(self.own.suite, test), id);
            Some((test.clone(), Observed::of(&cells, commit)?))
        };
        self.failed.iter().filter_map(of).collect()
    }

    /// The verdicts on what did not go away, by test, and how many tests could not be asked about. They are those that the
    /// gate is given for a run of the configuration.
    async fn judged(
        &self,
        trunk: &LateRuns<'_>,
        base: CommitKey,
        tests_run: Option<u64>,
        observed: &[(String, Observed)],
    ) -> Result<(BTreeMap<String, TestVerdict>, usize), AnswerError> {
        let asked = observed.iter().filter(|(_, observed)| observed.now != Now::Mended);
        let mut tests: Vec<ObservedTest> = asked
            .map(|(test, Observed { state, .. })| ObservedTest {
                test: test.clone(),
                state: *state,
                message: self.messages.get(test).cloned(),
            })
            .collect();
        let unjudged = tests.len().saturating_sub(MAX_TESTS);
        tests.truncate(MAX_TESTS);
        if tests.is_empty() {
            return Ok((BTreeMap::new(), unjudged));
        }
        let question = VerdictsQuestion {
            suite: trunk.suite.to_owned(),
            runs: trunk.filter.clone(),
            base: Some(base.to_string()),
            change: Some(self.change.clone()),
            tests_run,
            tests,
        };
        let answer = verdicts::given(trunk, &question).await?;
        Ok((answer.tests.into_iter().map(|test| (test.test.clone(), test)).collect(), unjudged))
    }

    fn failure(
        &self,
        test: String,
        observed: Observed,
        configuration: &Configuration,
        verdict: Option<&TestVerdict>,
    ) -> ReviewedFailure {
        let Observed { now, state, commit, runs, failed } = observed;
        let message = self.messages.get(&test).cloned();
        let page = news::page_of_test(None, self.own.suite, &test);
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("branch", &self.own.selection.branch).append_pair("recent", "false");
        ReviewedFailure {
            link: format!("{page}&{}", query.finish()),
            test,
            configuration: configuration.clone(),
            now,
            state,
            commit: named(commit, self.names),
            runs,
            failed,
            message,
            verdict: verdict.map(|verdict| verdict.verdict),
            reasons: verdict.map(|verdict| verdict.reasons.clone()),
            branch_message: verdict.and_then(|verdict| verdict.branch_message.clone()),
            is_same_message: verdict.and_then(|verdict| verdict.is_same_message),
            bugs: verdict.map(|verdict| verdict.bugs.clone()).unwrap_or_default(),
        }
    }

    /// The tests that the trunk fails at the base, and that passed in every run of the change's newest commit.
    async fn fixed(
        &self,
        id: ConfigId,
        commit: CommitKey,
        configuration: &Configuration,
        trunk: &LateRuns<'_>,
        base: Option<CommitKey>,
    ) -> Result<Vec<FixedTest>, AnswerError> {
        let failing = failing_at_base(trunk, base).await?;
        let test_id = |test: &str| TestId::of(self.own.suite, test);
        let ids: BTreeSet<TestId> = failing.iter().map(|one| test_id(&one.test)).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let histories = self.own.histories(&ids).await?;
        let fixed = failing.into_iter().filter_map(|one| {
            let cell = observed::on(&histories.on(test_id(&one.test), id), commit)?;
            (cell.outcome() == Some(Outcome::Good)).then(|| FixedTest {
                test: one.test,
                configuration: configuration.clone(),
                state: one.state,
                since: one.since,
                runs: cell.runs,
            })
        });
        Ok(fixed.collect())
    }

    /// The tests that the change brings: no run of the trunk has them. None if that is not known.
    async fn new_tests(
        &self,
        id: ConfigId,
        commit: CommitKey,
        trunk: &LateRuns<'_>,
    ) -> Result<Option<NewNames>, AnswerError> {
        if trunk.sessions.runs().is_empty() {
            return Ok(None);
        }
        let is_own = |other: ConfigId, of: CommitKey| other == id && of == commit;
        let (Some(known), Some(own)) = (trunk.tests(|_, _| true), self.own.tests(is_own)) else { return Ok(None) };
        let new: Vec<TestId> = own.into_iter().filter(|test| !known.contains(test)).collect();
        let names = test_names::by_id(self.own.store, self.own.suite, new.iter().copied()).await?;
        let mut tests: Vec<String> = new.iter().filter_map(|test| Some(names.get(*test)?.to_string())).collect();
        tests.retain(|test| !test.starts_with(RUN_RESULTS));
        tests.sort_unstable();
        let count = tests.len();
        tests.truncate(MAX_NEW);
        Ok(Some(NewNames { count, tests }))
    }
}

/// The worst of failures first: by verdict, then by state.
pub(super) fn rank(failure: &ReviewedFailure) -> impl Ord + use<> {
    (failure.now, failure.verdict, failure.state, failure.test.clone(), failure.configuration.clone())
}
