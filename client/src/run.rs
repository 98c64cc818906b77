//! `run`: runs a test command, uploads what it reported, and ends as it did.

use std::process::{Command, ExitCode, ExitStatus};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use clap::Args;

use crate::context::RunContext;
use crate::environment::Environment;
use crate::gate::{self, GateOptions};
use crate::options::RunOptions;
use crate::upload;
use crate::written::ReportPlaces;

/// Arguments of `run`.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// Where the command writes its reports: files, patterns or folders. Those that it did not write are left out. Without
    /// it, reports are looked for where runners usually write them.
    #[arg(long, value_name = "GLOB")]
    pub reports: Vec<String>,

    #[command(flatten)]
    pub(crate) run: RunOptions,

    /// End with 0 if nothing that failed is new, whatever the command ended with.
    #[arg(long)]
    pub gate: bool,

    #[command(flatten)]
    pub(crate) judging: GateOptions,

    /// The test command with its arguments, behind --.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

impl RunArgs {
    /// Runs the command and uploads its reports. The code is the command's, or the gate's.
    ///
    /// # Errors
    /// The run is not known well enough to be uploaded, or the command cannot be started. After the command has ended,
    /// nothing is an error but what the gate cannot judge.
    pub(crate) fn run(&self, environment: &Environment) -> anyhow::Result<ExitCode> {
        // What is missing is told before the tests run.
        let mut context = RunContext::of(&self.run, environment)?;
        let server = self.run.server.server()?;
        if self.gate {
            gate::prepare(&mut context, &self.judging)?;
        } else if self.judging.comment.is_some() {
            bail!("--comment says what the gate found: give --gate, too");
        }
        let places = ReportPlaces(&self.reports);
        let before = places.snapshot();
        let started = seconds(SystemTime::now());
        let (program, arguments) = self.command.split_first().context("the test command is missing")?;
        let status = Command::new(program).args(arguments).status();
        let code = code(status.with_context(|| format!("{program} cannot be started"))?);
        context.head.run.exit_code = Some(code);
        context.head.timestamp = Some(started);
        context.head.ended = Some(seconds(SystemTime::now()));
        let own = || ExitCode::from(u8::try_from(code).unwrap_or(1));
        let reports = places.written_since(&before);
        let uploaded = (|| {
            let mut document = reports.write(context.head.clone(), self.run.reading.options())?;
            document.tell_errors();
            if self.gate {
                let passes = gate::judge(&self.run, &self.judging, environment, &server, &context, &mut document)?;
                return Ok(if passes { ExitCode::SUCCESS } else { ExitCode::FAILURE });
            }
            let sent = upload::send(&self.run, environment, &server, &context, &mut document)?;
            let summary = upload::summary(&context, &document, server.url(), &sent, None);
            upload::tell(&upload::text(&summary));
            if let Some(file) = &self.run.summary {
                summary.write(file)?;
            }
            let failed = self.run.strict && !sent.is_uploaded() && code == 0;
            Ok(if failed { ExitCode::FAILURE } else { own() })
        })();
        match uploaded {
            Err(error) if code != 0 || !(self.gate || self.run.strict) => {
                let error: anyhow::Error = error;
                eprintln!("{error:#}");
                Ok(own())
            }
            outcome => outcome,
        }
    }
}

fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or_default()
}

/// The code of a process, by the rule of shells where a signal ended it.
#[cfg(unix)]
pub(crate) fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1)
}

/// The code of a process.
#[cfg(not(unix))]
pub(crate) fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or(1)
}
