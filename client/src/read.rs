//! `read`: prints what reports say, for people who write converters, and for checks. The form of the lines is stable.

use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use reports::{Item, Problem, RunReader, Test};
use serde::Serialize;

use crate::options::ReadingOptions;

/// Arguments of `read`.
#[derive(Args, Debug)]
pub struct ReadArgs {
    /// Reports: files, patterns, folders, archives (.gz, .zip), or - for standard input; together they are one run.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,

    #[command(flatten)]
    pub(crate) reading: ReadingOptions,
}

/// One test, as a line.
#[derive(Serialize)]
struct TestLine<'l> {
    test: &'l str,
    attempts: Vec<AttemptLine>,
    started: Option<String>,
}

#[derive(Serialize)]
struct AttemptLine {
    status: &'static str,
    ms: Option<f64>,
}

/// A problem outside any test, as a line.
#[derive(Serialize)]
struct ErrorLine {
    error: String,
}

impl ReadArgs {
    /// Prints a line for each test and problem to `out`, and to `errors` one sentence for each file that cannot be read. The
    /// code is 0 when every file was read, and 1 when one was not.
    ///
    /// # Errors
    /// What was read cannot be written. A reader who has gone, as `head` does, is no error.
    pub fn run(&self, input: &mut dyn Read, out: &mut dyn Write, errors: &mut dyn Write) -> anyhow::Result<ExitCode> {
        let mut written = Ok(());
        let mut sink = |item: Item| match print(&item, out) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                written = Err(error);
                ControlFlow::Break(())
            }
        };
        let mut run = RunReader::new(self.reading.options(), &mut sink);
        let mut failed = Vec::new();
        for file in &self.files {
            if file == "-" {
                failed.extend(run.read("standard input", &mut *input).err());
            } else {
                failed.extend(run.read_argument(file).err().unwrap_or_default());
            }
        }
        failed.extend(run.finish().err());
        let written = written.and_then(|()| out.flush());
        for error in &failed {
            // Nobody is left to be told when this fails.
            let _ = writeln!(errors, "{error}");
        }
        let code = if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        match written {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(error).context("the lines cannot be written")
            }
            _ => Ok(code),
        }
    }
}

fn print(item: &Item, out: &mut dyn Write) -> io::Result<()> {
    match item {
        Item::Test(test) => line(&test_line(test), out),
        Item::Problem(problem) => line(&error_line(problem), out),
        Item::Source(_) => Ok(()),
    }
}

fn line(line: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}

fn test_line(test: &Test) -> TestLine<'_> {
    let attempts = test.attempts.iter();
    TestLine {
        test: &test.name,
        attempts: attempts
            .map(|attempt| AttemptLine { status: attempt.status.as_str(), ms: attempt.milliseconds })
            .collect(),
        started: test.started().map(ToString::to_string),
    }
}

fn error_line(problem: &Problem) -> ErrorLine {
    ErrorLine { error: problem.to_string() }
}
