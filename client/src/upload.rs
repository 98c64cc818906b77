//! `upload`: sends the reports of a run.

use std::io::{self, Seek, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::{Map, Value};

use crate::archive;
use crate::collect::{Reports, RunDocument};
use crate::context::RunContext;
use crate::delivery::{Delivery, Label, new_key};
use crate::environment::Environment;
use crate::gate::summary::GateSummary;
use crate::options::RunOptions;
use crate::ready;
use crate::server::{RequestError, Server};
use crate::summary::{FailureLine, Summary};

/// Arguments of `upload`.
#[derive(Args, Debug)]
pub struct UploadArgs {
    /// Reports: files, patterns, folders, archives (.gz, .zip), or - for standard input; together they are one run. Without
    /// --suite: documents that are ready to be uploaded, each a run.
    #[arg(value_name = "FILE", required_unless_present = "exit_code")]
    pub files: Vec<String>,

    #[command(flatten)]
    pub(crate) run: RunOptions,

    /// What the test command ended with. A run that ended with an error is not green, whatever its reports say.
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub exit_code: Option<i32>,

    /// Print what would be uploaded, and upload nothing.
    #[arg(long)]
    pub dry_run: bool,
}

impl UploadArgs {
    /// Uploads the run. The code is 1 where a report could not be read, though the rest was uploaded, and where the server
    /// is away and `--strict` is given.
    ///
    /// # Errors
    /// Nothing was uploaded, and nothing waits to be.
    pub(crate) fn run(&self, environment: &Environment) -> anyhow::Result<ExitCode> {
        if self.run.suite.is_none() && !self.dry_run && self.files.iter().all(|file| ready::is_document(file)) {
            return ready::upload(&self.files, &self.run.server.server()?);
        }
        self.check_files()?;
        let mut context = RunContext::of(&self.run, environment)?;
        context.head.run.exit_code = self.exit_code;
        let server = if self.dry_run { None } else { Some(self.run.server.server()?) };
        let reports = Reports::named(&self.files)?;
        let mut document = reports.write(context.head.clone(), self.run.reading.options())?;
        document.tell_errors();
        let Some(server) = server else {
            return match print(&mut document) {
                // A reader who has gone, as `head` does, is no error.
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    Err(error).context("the document cannot be written")
                }
                _ => Ok(document.code()),
            };
        };
        let sent = send(&self.run, environment, &server, &context, &mut document)?;
        let summary = summary(&context, &document, server.url(), &sent, None);
        tell(&text(&summary));
        if let Some(file) = &self.run.summary {
            summary.write(file)?;
        }
        Ok(if self.run.strict && !sent.is_uploaded() { ExitCode::FAILURE } else { document.code() })
    }

    /// Says what is wrong where no run can be meant.
    fn check_files(&self) -> anyhow::Result<()> {
        if self.run.suite.is_some() {
            return Ok(());
        }
        for file in self.files.iter().filter(|file| *file != "-" && !file.contains(['*', '?', '['])) {
            if let Err(error) = std::fs::metadata(Path::new(file)) {
                bail!("{file} cannot be read: {error}");
            }
        }
        self.run.suite().map(drop)
    }
}

fn print(document: &mut RunDocument) -> io::Result<()> {
    let mut out = io::stdout().lock();
    io::copy(&mut document.file, &mut out)?;
    out.write_all(b"\n")
}

impl RunDocument {
    /// Prints why reports could not be read.
    pub(crate) fn tell_errors(&self) {
        for error in &self.errors {
            eprintln!("{error}");
        }
    }

    /// 1 where a report could not be read.
    pub(crate) fn code(&self) -> ExitCode {
        if self.errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// What became of an upload.
#[derive(Debug)]
pub(crate) enum Sent {
    /// The server has it.
    Uploaded,
    /// It waits in the spool, for this reason.
    Waiting(String),
}

impl Sent {
    pub(crate) fn is_uploaded(&self) -> bool {
        matches!(self, Self::Uploaded)
    }
}

/// Sends what waits in the spool, then this run. Where the server is away, the run waits in the spool, too.
pub(crate) fn send(
    options: &RunOptions,
    environment: &Environment,
    server: &Server,
    context: &RunContext,
    document: &mut RunDocument,
) -> anyhow::Result<Sent> {
    let archive = if options.no_archive {
        None
    } else {
        archive::pack(&document.reports, document.input.as_mut()).unwrap_or_else(|error| {
            eprintln!("the reports themselves are not uploaded: {error}");
            None
        })
    };
    let mut form = Map::new();
    form.insert("suite".into(), context.head.suite.as_str().into());
    form.insert("configuration".into(), Value::Object(context.head.configuration.clone()));
    form.insert("commits".into(), context.head.commits.clone().into());
    form.insert("timestamp".into(), document.written.timestamp.into());
    let label = Label { url: server.url().to_owned(), key: new_key()?, form };
    let mut delivery = Delivery { label, document: document.file.try_clone()?, archive };
    let spool = options.spool(environment);
    let sent = spool.send(server).and_then(|earlier| {
        if earlier > 0 {
            eprintln!("{earlier} uploads that waited in {} are sent", spool.folder().display());
        }
        delivery.send(server)
    });
    match sent {
        Ok(()) => Ok(Sent::Uploaded),
        Err(away @ RequestError::Away { .. }) => {
            spool.keep(&mut delivery).with_context(|| away.to_string())?;
            eprintln!("{away}; the upload waits in {}, and the next call sends it", spool.folder().display());
            document.file.rewind()?;
            Ok(Sent::Waiting(away.to_string()))
        }
        Err(error @ RequestError::NotLetIn { .. }) => {
            spool.keep(&mut delivery).with_context(|| error.to_string())?;
            bail!("{error}; the upload waits in {}, and the next call sends it", spool.folder().display())
        }
        Err(error) => Err(error).context("the run is not uploaded"),
    }
}

/// What is told of a run.
pub(crate) fn summary<'s>(
    context: &'s RunContext,
    document: &'s RunDocument,
    url: &'s str,
    sent: &Sent,
    gate: Option<&'s GateSummary>,
) -> Summary<'s> {
    let commit = context.head.commits.first();
    let member = |name: &str| commit.and_then(|commit| commit[name].as_str());
    let suite = context.head.suite.as_str();
    let branch = member("branch").unwrap_or_default();
    let failures = document.failures.iter().map(|failure| FailureLine::new(failure, url, suite, branch));
    Summary {
        suite,
        url,
        commit: member("hash").or(member("id")).unwrap_or_default(),
        branch,
        link: context.head.run.link.as_deref(),
        uploaded: sent.is_uploaded(),
        counts: document.written.counts,
        problems: &document.written.problems,
        failures: failures.collect(),
        gate,
    }
}

/// A run in a line, and what is wrong with it.
pub(crate) fn text(summary: &Summary<'_>) -> String {
    let counts = summary.counts;
    let what = if summary.uploaded { "uploaded to" } else { "to be uploaded to" };
    let (suite, url) = (summary.suite, summary.url);
    let (tests, passed, failed, skipped) = (counts.tests, counts.passed, counts.failed, counts.skipped);
    let problems: String = summary.problems.iter().map(|problem| format!("problem: {problem}\n")).collect();
    format!("{suite}: {tests} tests, {passed} passed, {failed} failed, {skipped} skipped: {what} {url}\n{problems}")
}

/// Prints a text. A reader who has gone is no error: the upload is done.
pub(crate) fn tell(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}
