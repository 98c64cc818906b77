//! What reruns say of a fix: counts, a conclusion, and a paragraph for people.

use std::fmt::Write;

use analysis::mending::MOST_RERUNS;
use analysis::reruns::rarer_than;
use schema::markdown::counted;
use serde::Serialize;

use super::before::Before;
use crate::terminal::in_one_line;

/// Where it is shown which share of its runs a test fails at most that did not fail.
const SOURCE: &str = "by the exact bound of Clopper and Pearson (1934), which without a failure is near 3 divided by the \
                      runs, the rule of three (Hanley and Lippman-Hand, 1983)";

/// What the test did in a rerun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    Failed,
    /// It failed as expected, which says nothing of a failure that nobody expects.
    Expected,
    /// That says nothing.
    NotRun,
}

impl Outcome {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Expected => "failed as expected",
            Self::NotRun => "the test did not run",
        }
    }
}

/// Reruns, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Tally {
    pub(super) passed: u32,
    pub(super) failed: u32,
    pub(super) expected: u32,
    pub(super) not_run: u32,
    /// Those of the first two that no report told.
    pub(super) by_exit_status: u32,
}

impl Tally {
    pub(super) fn add(&mut self, outcome: Outcome, is_by_exit_status: bool) {
        match outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Expected => self.expected += 1,
            Outcome::NotRun => self.not_run += 1,
        }
        self.by_exit_status += u32::from(is_by_exit_status);
    }

    /// How often the command ran.
    pub(super) fn done(self) -> u32 {
        self.told() + self.expected + self.not_run
    }

    /// Reruns that say whether it is fixed.
    fn told(self) -> u32 {
        self.passed + self.failed
    }
}

/// What is concluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Conclusion {
    /// The fix holds, with the certainty that was asked for.
    Holds,
    /// The test failed again.
    Fails,
    /// Too few reruns passed to say so.
    NotEnough,
    /// All reruns passed, and there is no failure to compare them with.
    NothingToCompare,
}

/// A fix that is put to the test.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Trial<'a> {
    pub(super) suite: &'a str,
    pub(super) test: &'a str,
    pub(super) branch: Option<&'a str>,
    /// The certainty that is wanted.
    pub(super) confidence: f64,
    /// How often the test failed; none where no run of it is known.
    pub(super) before: Option<Before>,
    /// Reruns that were to be made.
    pub(super) planned: u32,
    pub(super) reruns: Tally,
    /// Another test that ran, where this one did not.
    pub(super) other: Option<String>,
    pub(super) is_interrupted: bool,
}

/// The same for programs.
#[derive(Debug, Serialize)]
pub(super) struct Document<'a> {
    suite: &'a str,
    test: &'a str,
    branch: Option<&'a str>,
    confidence: f64,
    before: Option<&'a Before>,
    planned: u32,
    reruns: Tally,
    conclusion: Conclusion,
    certainty: Option<f64>,
    more: Option<u32>,
    rarer_than: Option<f64>,
    interrupted: bool,
    text: String,
}

impl Trial<'_> {
    pub(super) fn conclusion(&self) -> Conclusion {
        if self.reruns.failed > 0 {
            return Conclusion::Fails;
        }
        let is_done = self.reruns.passed > 0 && self.reruns.passed >= self.planned;
        match self.more() {
            Some(0) => Conclusion::Holds,
            None if self.certainty().is_none() && is_done => Conclusion::NothingToCompare,
            _ => Conclusion::NotEnough,
        }
    }

    /// The chance that a test which still fails as often as before would have failed in the reruns; 0 where it did, none
    /// where there is no failure to compare them with.
    pub(super) fn certainty(&self) -> Option<f64> {
        let unmended = self.before.as_ref()?.unmended()?;
        Some(if self.reruns.failed > 0 { 0.0 } else { unmended.certainty(self.reruns.passed) })
    }

    /// Further reruns that have to pass until that is as wanted; none where the test failed, where there is nothing to compare
    /// with, and where more than a thousand would be needed.
    pub(super) fn more(&self) -> Option<u32> {
        let unmended = self.before.as_ref()?.unmended()?;
        if self.reruns.failed > 0 { None } else { unmended.reruns(self.reruns.passed, self.confidence) }
    }

    /// Whether it is known to have failed, and as expected each time.
    pub(super) fn has_expected_alone(&self) -> bool {
        self.before.as_ref().is_some_and(|before| before.failed == 0 && before.expected_failures > 0)
    }

    /// Whether nobody knows the test, neither the server nor a report, though the command passes: its name may be a mistake.
    pub(super) fn is_of_nobody(&self) -> bool {
        let is_told = self.reruns.passed > self.reruns.by_exit_status;
        self.before.is_none() && !is_told && self.conclusion() == Conclusion::NothingToCompare
    }

    /// In which share of its runs the test fails at most, with the wanted certainty, where nothing is known of its failures.
    fn rarer_than(&self) -> Option<f64> {
        let is_said = self.certainty().is_none() && self.reruns.failed == 0 && self.reruns.passed > 0;
        is_said.then(|| rarer_than(self.reruns.passed, self.confidence))
    }

    pub(super) fn document(&self) -> Document<'_> {
        Document {
            suite: self.suite,
            test: self.test,
            branch: self.branch,
            confidence: self.confidence,
            before: self.before.as_ref(),
            planned: self.planned,
            reruns: self.reruns,
            conclusion: self.conclusion(),
            certainty: self.certainty(),
            more: self.more(),
            rarer_than: self.rarer_than(),
            interrupted: self.is_interrupted,
            text: self.text(),
        }
    }

    /// What is known, as one paragraph. What others wrote is shown without control characters, which a terminal would obey.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{} {}", self.told_before(), self.told_reruns());
        let Tally { expected, not_run, by_exit_status, .. } = self.reruns;
        if expected > 0 {
            let reruns = counted(expected.into(), "rerun");
            let _ = write!(
                text,
                " In {reruns} it failed as expected, which says nothing of a failure that nobody expects: take the expectation \
                 away to try whether it passes."
            );
        }
        if not_run > 0 {
            let _ = write!(
                text,
                " In {} the test did not run, or a report was damaged, which says nothing",
                counted(not_run.into(), "rerun")
            );
            if let Some(other) = &self.other {
                let _ = write!(text, "; another one that ran is {other}");
            }
            text.push('.');
        }
        if by_exit_status > 0 {
            let reruns = counted(by_exit_status.into(), "rerun");
            let _ = write!(text, " There was no report of {reruns}: the exit status of the command counted.");
        }
        if self.is_interrupted {
            let planned = counted(self.planned.into(), "rerun");
            let _ = write!(text, " It was interrupted after {} of {planned}.", self.reruns.done());
        }
        in_one_line(&text)
    }

    /// How often the test failed, in a sentence.
    pub(super) fn told_before(&self) -> String {
        let branch = self.branch.unwrap_or("the default branch");
        let test = self.test;
        match &self.before {
            None => format!(
                "No run of {test} on {branch} is known within four weeks, so there is no failure to compare with."
            ),
            Some(Before { runs, failed: 0, expected_failures: 0, .. }) => {
                let runs = counted((*runs).into(), "run");
                format!("{test} failed in none of {runs} on {branch}, so there is no failure to compare with.")
            }
            Some(Before { runs, failed: 0, expected_failures, .. }) => {
                let runs = counted(u64::from(*runs) + u64::from(*expected_failures), "run");
                format!(
                    "{test} failed in {expected_failures} of {runs} on {branch}, as expected each time, so there is no failure to \
                     compare with that nobody expects."
                )
            }
            Some(Before { configuration, standing, runs, failed, expected_failures, .. }) => {
                let on = configuration.as_deref().map(|on| format!(", {on}")).unwrap_or_default();
                let is_fixed = standing.as_deref() == Some("fixed");
                let until = if is_fixed { " until it was fixed there" } else { "" };
                let runs = counted((*runs).into(), "run");
                let beside = match *expected_failures {
                    0 => String::new(),
                    expected => {
                        let runs = counted(expected.into(), "run");
                        format!(" Beside these, it failed as expected in {runs}, which is not counted.")
                    }
                };
                format!("{test} failed in {failed} of {runs} on {branch}{on}{until}.{beside}")
            }
        }
    }

    /// What the reruns say, in sentences.
    fn told_reruns(&self) -> String {
        let Tally { passed, failed, .. } = self.reruns;
        if failed > 0 {
            return format!(
                "It failed in {failed} of {}: the fix does not hold.",
                counted(self.reruns.told().into(), "rerun")
            );
        }
        if passed == 0 {
            return "No rerun says that it is fixed.".to_owned();
        }
        let reruns = counted(passed.into(), "rerun");
        let wanted = percent(self.confidence);
        if let Some(share) = self.rarer_than() {
            let share = (share * 1000.0).ceil() / 10.0;
            return format!(
                "{reruns} passed and none failed: with a certainty of {wanted} % it fails in less than {share} % of its runs, {SOURCE}."
            );
        }
        let certainty = self.certainty().unwrap_or_default();
        let certainty = percent((certainty * 1000.0).floor() / 1000.0);
        let known = format!(
            "{reruns} passed and none failed: a test that still fails so often would have failed in them with a certainty of {certainty} %"
        );
        match self.more() {
            Some(0) => format!("{known}, so that the fix holds by the {wanted} % that are asked for."),
            Some(more) => format!("{known}. {more} more have to pass for {wanted} %."),
            None => format!("{known}. More than {MOST_RERUNS} more would have to pass for {wanted} %."),
        }
    }
}

/// A share in percent, with as many digits as it needs.
pub(super) fn percent(share: f64) -> String {
    let digits = format!("{:.4}", share * 100.0);
    digits.trim_end_matches('0').trim_end_matches('.').to_owned()
}
