//! `run`: runs a test command, uploads what it reported, and ends as it did.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode, ExitStatus};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use clap::Args;

use crate::collect::Reports;
use crate::context::RunContext;
use crate::environment::Environment;
use crate::gate::{self, GateOptions};
use crate::options::RunOptions;
use crate::upload;

/// Where runners write their reports, for who does not say where.
const USUAL: [&str; 8] = [
    "junit*.xml",
    "report.xml",
    "test-results/**/*.xml",
    "test-reports/**/*.xml",
    "reports/**/*.xml",
    "**/surefire-reports/TEST-*.xml",
    "**/build/test-results/**/TEST-*.xml",
    "target/nextest/**/junit.xml",
];

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

/// Files by path, with what tells whether they were written again: time and size.
type Snapshot = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

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
        let before = snapshot(&self.patterns());
        let started = seconds(SystemTime::now());
        let (program, arguments) = self.command.split_first().context("the test command is missing")?;
        let status = Command::new(program).args(arguments).status();
        let code = code(status.with_context(|| format!("{program} cannot be started"))?);
        context.head.run.exit_code = Some(code);
        context.head.timestamp = Some(started);
        context.head.ended = Some(seconds(SystemTime::now()));
        let own = || ExitCode::from(u8::try_from(code).unwrap_or(1));
        let reports = self.fresh(&before);
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

    fn patterns(&self) -> Vec<String> {
        if self.reports.is_empty() { USUAL.map(str::to_owned).to_vec() } else { self.reports.clone() }
    }

    /// The reports that the command wrote.
    fn fresh(&self, before: &Snapshot) -> Reports {
        let after = snapshot(&self.patterns());
        let fresh = after.into_iter().filter(|(path, state)| before.get(path) != Some(state)).map(|(path, _)| path);
        // A pattern may name files that are no reports; a path may not.
        let files: Vec<(PathBuf, bool)> = fresh
            .map(|path| {
                let by_itself = self.reports.iter().any(|given| path.as_os_str() == given.as_str());
                (path, by_itself)
            })
            .collect();
        let mut errors = Vec::new();
        if files.is_empty() {
            let place = if self.reports.is_empty() {
                "where runners usually do".to_owned()
            } else {
                format!("at {}", self.reports.join(", "))
            };
            errors.push(format!("the test command wrote no report {place}"));
        }
        Reports { files, input: None, errors }
    }
}

/// The files that patterns name now.
fn snapshot(patterns: &[String]) -> Snapshot {
    let files = patterns.iter().filter_map(|pattern| reports::expand(pattern).ok()).flatten();
    let state = |path: PathBuf| {
        let metadata = fs::metadata(&path).ok()?;
        Some((path, (metadata.modified().ok(), metadata.len())))
    };
    files.filter_map(state).collect()
}

fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or_default()
}

/// The code of a process, by the rule of shells where a signal ended it.
#[cfg(unix)]
fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1)
}

/// The code of a process.
#[cfg(not(unix))]
fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or(1)
}
