//! `attempt`: runs a test command again and again, and says with what certainty a test that failed is fixed.
//!
//! Data flow: how often the test fails on the branch, as the server knows it (`before`) → how many reruns have to pass
//! ([`analysis::mending`]) → the command, so often, and what its reports say of the test (`rerun`) → counts, a conclusion and a
//! paragraph (`tally`).

mod before;
#[cfg(test)]
mod expectations;
mod interrupt;
mod kill;
mod rerun;
mod tally;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::process::ExitCode;

use analysis::mending::{CERTAIN, MOST_RERUNS};
use anyhow::{Context, bail};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use reports::document::clean_name;
use schema::markdown::counted;

use crate::machine;
use crate::options::{ReadingOptions, ServerOptions};
use crate::terminal::in_one_line;
use crate::written::ReportPlaces;
use before::Question;
use interrupt::{INTERRUPTED, Interrupt};
use rerun::Rerunner;
use tally::{Conclusion, Outcome, Tally, Trial, percent};

/// Reruns that may be asked for.
const MOST_RUNS: i64 = 100_000;
/// Certainties beyond this one say nothing more of tests.
const MOST_CERTAIN: f64 = 0.9999;
/// Reruns one after the other that say nothing, after which none will.
const SAY_NOTHING: u32 = 3;
/// What the command ends with where it could not be tried whether the fix holds.
const FAULT: u8 = 2;

/// Arguments of `attempt`.
#[derive(Args, Debug)]
pub struct AttemptArgs {
    /// The suite.
    #[arg(long, allow_hyphen_values = true, value_parser = NonEmptyStringValueParser::new())]
    pub suite: String,

    /// The test that was fixed, as the server names it.
    #[arg(long, allow_hyphen_values = true, value_parser = NonEmptyStringValueParser::new())]
    pub test: String,

    /// The branch on which the test fails; the repository's default branch without it.
    #[arg(long)]
    pub branch: Option<String>,

    /// A member of the configurations that are looked at, such as platform=linux; it may be repeated. Without it, all are. The
    /// one counts that needs the most reruns of those on which the test fails; where it fails on none, of those on which it was
    /// fixed, and then of those on which it failed by exception.
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = machine::member)]
    pub configuration: Vec<(String, String)>,

    /// How often the command is run. Without it, as often as has to pass for the certainty that is asked for.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MOST_RUNS))]
    pub runs: Option<u32>,

    /// With which certainty a test that is not fixed would have failed.
    #[arg(long, value_name = "SHARE", default_value_t = CERTAIN, value_parser = confidence)]
    pub confidence: f64,

    /// Make all reruns, though the test failed in one.
    #[arg(long)]
    pub keep_going: bool,

    /// Where the command writes its reports: files, patterns or folders. Without it, reports are looked for where runners
    /// usually write them. Where there is none, the exit status of the command counts.
    #[arg(long, value_name = "GLOB")]
    pub reports: Vec<String>,

    /// Print a JSON document in the place of sentences. What the command prints goes to standard error then.
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub(crate) reading: ReadingOptions,

    #[command(flatten)]
    pub(crate) server: ServerOptions,

    /// The test command with its arguments, behind --.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// Reads a certainty.
fn confidence(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if share > 0.0 && share <= MOST_CERTAIN => Ok(share),
        _ => Err(format!("write a share between 0 and {MOST_CERTAIN}, such as {CERTAIN}")),
    }
}

impl AttemptArgs {
    /// Makes the reruns and says what they say. The code is 0 if the fix holds with the certainty that is asked for, or if all
    /// reruns passed of a test that did not fail before; 1 if not; 2 if that could not be tried; 130 after Ctrl-C or SIGTERM.
    ///
    /// # Errors
    /// None: what is wrong is printed here, because 1 is an answer.
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        let made = || {
            let test = clean_name(&self.test);
            let mut trial = self.planned(&test)?;
            // Until here there is nothing to say.
            let mut interrupt = Interrupt::listen().context("Ctrl-C cannot be listened for")?;
            self.rerun(&mut trial, &mut interrupt)?;
            if trial.is_of_nobody() {
                bail!(
                    "{} passed {}, which says nothing of it: no report names the test, and the server knows no run of it within four \
                     weeks. Look whether --suite and --test are as the server has them, and name the reports with --reports",
                    in_one_line(&test),
                    counted(trial.reruns.passed.into(), "rerun")
                );
            }
            self.tell(&trial)?;
            Ok(code(&trial))
        };
        Ok(ExitCode::from(made().unwrap_or_else(|error: anyhow::Error| {
            eprintln!("{error:#}");
            FAULT
        })))
    }

    /// Asks how often the test failed, and says how often the command is to be run.
    fn planned<'a>(&'a self, test: &'a str) -> anyhow::Result<Trial<'a>> {
        let branch = self.branch.as_deref().filter(|branch| !branch.is_empty());
        let Self { suite, configuration, confidence, .. } = self;
        let question = Question { suite, test, branch, configuration, confidence: *confidence };
        let trial = Trial {
            suite,
            test,
            branch,
            confidence: *confidence,
            before: before::ask(&self.server.server()?, &question)?,
            planned: 0,
            reruns: Tally::default(),
            other: None,
            is_interrupted: false,
        };
        let planned = match self.runs {
            Some(runs) => runs,
            None => self.needed(&trial)?,
        };
        Ok(Trial { planned, ..trial })
    }

    /// How many reruns have to pass.
    fn needed(&self, trial: &Trial<'_>) -> anyhow::Result<u32> {
        let before = trial.told_before();
        if trial.has_expected_alone() {
            bail!(
                "{before} Take the expectation away where it is written down, and its failures count from then on; or give --runs N \
                 to learn how rarely it fails otherwise at most"
            );
        }
        if trial.certainty().is_none() {
            bail!(
                "{before} Give --runs N to learn how rarely it fails at most, or look whether --suite, --test, --branch and \
                   --configuration are as the server has them"
            );
        }
        let wanted = percent(self.confidence);
        trial.more().with_context(|| {
            format!(
                "{before} More than {MOST_RERUNS} reruns would have to pass for {wanted} %: give --runs N to make fewer"
            )
        })
    }

    fn rerun(&self, trial: &mut Trial<'_>, interrupt: &mut Interrupt) -> anyhow::Result<()> {
        let rerunner = Rerunner {
            command: &self.command,
            places: ReportPlaces(&self.reports),
            reading: self.reading.options(),
            test: trial.test,
            is_quiet: self.json,
        };
        let mut say_nothing = 0;
        for number in 1..=trial.planned {
            let rerun = if interrupt.came() { None } else { rerunner.run(interrupt)? };
            let Some(rerun) = rerun else {
                trial.is_interrupted = true;
                break;
            };
            for error in &rerun.errors {
                eprintln!("{error}");
            }
            eprintln!("rerun {number} of {}: {}", trial.planned, rerun.outcome.name());
            trial.reruns.add(rerun.outcome, rerun.is_by_exit_status);
            trial.other = trial.other.take().or(rerun.other);
            let says_nothing = matches!(rerun.outcome, Outcome::NotRun | Outcome::Expected);
            say_nothing = if says_nothing { say_nothing + 1 } else { 0 };
            let has_failed = rerun.outcome == Outcome::Failed && !self.keep_going;
            if has_failed || say_nothing == SAY_NOTHING {
                break;
            }
        }
        Ok(())
    }

    /// Prints what is known. A reader who has gone is no error.
    fn tell(&self, trial: &Trial<'_>) -> anyhow::Result<()> {
        let text = if self.json { serde_json::to_string_pretty(&trial.document())? } else { trial.text() };
        let _ = writeln!(std::io::stdout().lock(), "{text}");
        Ok(())
    }
}

fn code(trial: &Trial<'_>) -> u8 {
    if trial.is_interrupted {
        return INTERRUPTED;
    }
    match trial.conclusion() {
        Conclusion::Holds | Conclusion::NothingToCompare => 0,
        Conclusion::Fails | Conclusion::NotEnough => 1,
    }
}
