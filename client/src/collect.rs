//! Reads the reports of a run and writes its document to a temporary file, so that memory stays bounded.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Seek};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, anyhow};
use reports::document::{self, DocumentWriter, Head, Written};
use reports::{Item, Options, ReportError, RunReader, Status, Test};

use crate::git;
use crate::owners::Owners;
use crate::progress::Progress;

/// Tests of one question for verdicts: servers refuse more.
pub(crate) const MAX_FAILURES: usize = 2000;
/// Bytes of a failure's message that are held.
const MESSAGE_BYTES: usize = 1000;

/// A test whose last attempt is no success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) test: String,
    /// The state as the document has it: PASS where the test was expected to fail.
    pub(crate) state: &'static str,
    /// The beginning of what it said.
    pub(crate) message: Option<String>,
}

/// The document of a run, and what is told of it.
#[derive(Debug)]
pub(crate) struct RunDocument {
    /// The document, at its beginning.
    pub(crate) file: File,
    pub(crate) written: Written,
    /// The first [`MAX_FAILURES`] of them.
    pub(crate) failures: Vec<Failure>,
    /// All of them, counted.
    pub(crate) failed: u64,
    /// Why reports could not be read; these are problems of the run, too.
    pub(crate) errors: Vec<String>,
    /// The reports that are files.
    pub(crate) reports: Vec<PathBuf>,
    /// What came through standard input.
    pub(crate) input: Option<File>,
}

/// The reports of a run, before they are read.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    /// Files, each with whether it was named by itself, so that it has to be a report.
    pub(crate) files: Vec<(PathBuf, bool)>,
    /// What came through standard input.
    pub(crate) input: Option<File>,
    /// Why others cannot be read.
    pub(crate) errors: Vec<String>,
}

impl Reports {
    /// Those that arguments name: paths, patterns, folders, or `-` for standard input.
    pub(crate) fn named(arguments: &[String]) -> anyhow::Result<Self> {
        let mut reports = Self::default();
        // Folders and patterns name a file again that was named before; its tests ran once.
        let mut seen = BTreeSet::new();
        for argument in arguments {
            if argument == "-" {
                reports.input = Some(standard_input()?);
                continue;
            }
            match reports::expand(argument) {
                Ok(files) => {
                    let by_itself = files.len() == 1 && files[0] == Path::new(argument);
                    let mut is_new =
                        |file: &PathBuf| seen.insert(fs::canonicalize(file).unwrap_or_else(|_| file.clone()));
                    let new = files.into_iter().filter(|file| is_new(file));
                    reports.files.extend(new.map(|file| (file, by_itself)));
                }
                Err(error) => reports.errors.push(error.to_string()),
            }
        }
        Ok(reports)
    }

    /// Reads them as one run and writes its document.
    pub(crate) fn write(self, head: Head, reading: Options) -> anyhow::Result<RunDocument> {
        let Self { files, mut input, mut errors } = self;
        let file = tempfile::tempfile().context("no temporary file can be made for the document")?;
        let mut collector = Collector {
            writer: DocumentWriter::new(BufWriter::with_capacity(64 << 10, file))?,
            owners: owners(),
            failures: Vec::new(),
            failed: 0,
            outcome: Ok(()),
            progress: Progress::reading(),
        };
        let mut sink = |item| collector.take(item);
        let mut run = RunReader::new(reading, &mut sink);
        let mut read = Vec::new();
        for (path, by_itself) in files {
            match run.read_path(&path) {
                Err(error) if !by_itself && error.is_no_report() => {}
                outcome => {
                    errors.extend(outcome.err().map(|error| error.to_string()));
                    read.push(path);
                }
            }
        }
        if let Some(input) = &mut input {
            input.rewind()?;
            errors.extend(run.read("standard input", &mut *input).err().map(|error| error.to_string()));
        }
        errors.extend(run.finish().err().map(|error: ReportError| error.to_string()));
        collector.finish(head, errors, read, input)
    }
}

struct Collector {
    writer: DocumentWriter<BufWriter<File>>,
    owners: Owners,
    failures: Vec<Failure>,
    failed: u64,
    /// Why the document cannot be written on.
    outcome: io::Result<()>,
    progress: Progress,
}

impl Collector {
    fn take(&mut self, item: Item) -> ControlFlow<()> {
        match item {
            Item::Test(test) => return self.test(&test),
            Item::Problem(problem) => self.writer.problem(&problem),
            Item::Source(source) => self.writer.source(&source),
        }
        ControlFlow::Continue(())
    }

    fn test(&mut self, test: &Test) -> ControlFlow<()> {
        self.progress.advance(1);
        let owners = test.file.as_deref().map(|file| self.owners.of(file)).unwrap_or_default();
        let status = test.status();
        if status.is_failure() {
            self.failed += 1;
            if self.failures.len() < MAX_FAILURES {
                self.failures.push(failure(test, status));
            }
        }
        self.outcome = self.writer.test(test, &owners);
        if self.outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    fn finish(
        self,
        head: Head,
        errors: Vec<String>,
        reports: Vec<PathBuf>,
        input: Option<File>,
    ) -> anyhow::Result<RunDocument> {
        let Self { mut writer, failures, failed, outcome, progress, .. } = self;
        progress.finish();
        outcome.map_err(|error| anyhow!("the document cannot be written: {error}"))?;
        for error in &errors {
            writer.complain(error.clone());
        }
        let oldest = reports.iter().filter_map(|report| modified(report)).min();
        let otherwise = oldest.unwrap_or_else(SystemTime::now).duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let (buffer, written) = writer
            .finish(head, i64::try_from(otherwise).unwrap_or_default())
            .context("the document cannot be written")?;
        let mut file = buffer.into_inner().map_err(|error| error.into_error())?;
        file.rewind()?;
        Ok(RunDocument { file, written, failures, failed, errors, reports, input })
    }
}

fn failure(test: &Test, status: Status) -> Failure {
    let message = test.attempts.iter().rev().find_map(|attempt| attempt.message.as_ref());
    let message =
        message.map(|message| message.as_str()).map(|text| text[..text.floor_char_boundary(MESSAGE_BYTES)].to_owned());
    Failure { test: document::clean_name(&test.name).into_owned(), state: document::state(status), message }
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

/// The owners of the checkout around the working folder.
fn owners() -> Owners {
    let working = std::env::current_dir().unwrap_or_default();
    git::top().map(|top| Owners::of_checkout(&top, &working)).unwrap_or_default()
}

fn standard_input() -> anyhow::Result<File> {
    let mut file = tempfile::tempfile().context("no temporary file can be made for standard input")?;
    io::copy(&mut io::stdin().lock(), &mut file).context("standard input cannot be read")?;
    Ok(file)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn files_that_are_named_twice_ran_once_and_empty_reports_are_a_problem() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        fs::write(path("one.xml"), r#"<testsuite><testcase classname="C" name="a"/></testsuite>"#).unwrap();
        fs::write(path("empty.xml"), "").unwrap();
        fs::write(path("empty.log"), "").unwrap();
        fs::write(path("notes.txt"), "no report").unwrap();
        let named = [path("one.xml"), path(""), path("*.xml")];
        let document = Reports::named(&named).unwrap().write(Head::default(), Options::default()).unwrap();
        assert_eq!(document.written.counts.tests, 1);
        assert_eq!(document.errors.len(), 1, "{:?}", document.errors);
        assert!(document.errors[0].contains("empty.xml is empty"), "{:?}", document.errors);
        let written: Value = serde_json::from_reader(document.file).unwrap();
        assert_eq!(written["test_results"]["results"]["(run)"]["actual"], "ERROR", "{written}");
    }
}
