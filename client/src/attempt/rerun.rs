//! Runs the test command once more, and reads from its reports what the test did.

use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::Context;
use reports::document::clean_name;
use reports::{Item, Options, RunReader, Status, Test};

use super::interrupt::Interrupt;
use super::tally::Outcome;
use crate::run::code;
use crate::written::{ReportPlaces, make_older};

/// How a test is run again.
#[derive(Debug)]
pub(super) struct Rerunner<'a> {
    /// The test command with its arguments.
    pub(super) command: &'a [String],
    pub(super) places: ReportPlaces<'a>,
    pub(super) reading: Options,
    /// The test, as servers name it.
    pub(super) test: &'a str,
    /// Whether what the command prints goes to standard error, because standard output is for programs.
    pub(super) is_quiet: bool,
}

/// What came of a rerun.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rerun {
    pub(super) outcome: Outcome,
    /// Whether no report said so, and the exit status of the command counts.
    pub(super) is_by_exit_status: bool,
    /// Another test that ran, where this one did not.
    pub(super) other: Option<String>,
    /// Why reports could not be read.
    pub(super) errors: Vec<String>,
}

/// What reports say.
#[derive(Default)]
struct Said {
    passed: bool,
    failed: bool,
    expected: bool,
    other: Option<String>,
    problems: Vec<String>,
}

impl Rerunner<'_> {
    /// Runs the command; none if it was interrupted, and whatever was going on with it.
    ///
    /// # Errors
    /// It cannot be started.
    pub(super) fn run(&self, interrupt: &mut Interrupt) -> anyhow::Result<Option<Rerun>> {
        let before = self.places.snapshot();
        let (program, arguments) = self.command.split_first().context("the test command is missing")?;
        let mut command = Command::new(program);
        command.args(arguments);
        if self.is_quiet {
            command.stdout(Stdio::from(io::stderr()));
        }
        let mut child = command.spawn().with_context(|| format!("{program} cannot be started"))?;
        let status = interrupt.wait(&mut child).with_context(|| format!("{program} cannot be waited for"))?;
        if interrupt.came() {
            return Ok(None);
        }
        let written = self.places.written_since(&before);
        let (said, read, errors) = self.read(written.files);
        make_older(&read);
        // What is missing of a report that is damaged may be a failure.
        let is_whole = |outcome: Outcome| outcome != Outcome::Passed || errors.is_empty();
        let known = |outcome: Outcome| if is_whole(outcome) { outcome } else { Outcome::NotRun };
        if read.is_empty() {
            let outcome = known(if code(status) == 0 { Outcome::Passed } else { Outcome::Failed });
            let is_by_exit_status = outcome != Outcome::NotRun;
            return Ok(Some(Rerun { outcome, is_by_exit_status, other: None, errors }));
        }
        let outcome = known(match said {
            Said { failed: true, .. } => Outcome::Failed,
            Said { expected: true, .. } => Outcome::Expected,
            Said { passed: true, .. } => Outcome::Passed,
            _ => Outcome::NotRun,
        });
        let other = said.other.filter(|_| outcome == Outcome::NotRun);
        Ok(Some(Rerun { outcome, is_by_exit_status: false, other, errors }))
    }

    /// What reports say, which of the files are reports, and why others cannot be read.
    fn read(&self, files: Vec<(PathBuf, bool)>) -> (Said, Vec<PathBuf>, Vec<String>) {
        let mut said = Said::default();
        let (mut read, mut errors) = (Vec::new(), Vec::new());
        let mut sink = |item: Item| {
            match item {
                Item::Test(test) => self.add(&mut said, &test),
                Item::Problem(problem) => said.problems.push(problem.to_string()),
                Item::Source(_) => {}
            }
            ControlFlow::Continue(())
        };
        let mut run = RunReader::new(self.reading.clone(), &mut sink);
        for (path, by_itself) in files {
            match run.read_path(&path) {
                Ok(()) => read.push(path),
                Err(error) if !by_itself && error.is_no_report() => {}
                Err(error) => errors.push(error.to_string()),
            }
        }
        errors.extend(run.finish().err().map(|error| error.to_string()));
        errors.append(&mut said.problems);
        (said, read, errors)
    }

    /// It counts as on the server. A test that failed first and passed when its runner tried again has failed. One that failed
    /// as expected says nothing of a failure that nobody expects, and one that passes though nobody expects it to has passed.
    fn add(&self, said: &mut Said, test: &Test) {
        if clean_name(&test.name) != self.test {
            said.other.get_or_insert_with(|| test.name.clone());
            return;
        }
        let is_expected_to_fail = |status| matches!(status, Status::ExpectedFailure | Status::UnexpectedPass);
        // The document of an upload has one expectation for all attempts.
        let expects = test.attempts.iter().any(|attempt| is_expected_to_fail(attempt.status));
        for attempt in &test.attempts {
            match attempt.status {
                Status::Passed | Status::UnexpectedPass => said.passed = true,
                Status::Skipped => {}
                Status::ExpectedFailure => said.expected = true,
                Status::Failed if expects => said.expected = true,
                _ => said.failed = true,
            }
        }
    }
}
