//! Reports as the document of an upload: what `POST /api/upload` takes, written test by test.
//!
//! A [`DocumentWriter`] is given what a [`RunReader`](crate::RunReader) hands on, and at the end a [`Head`]: what the
//! reports do not know, such as suite, configuration and commits. It writes to whatever it is given, and holds no tests.
//!
//! Each document has one result beside its tests, [`RUN_TEST`]: the run itself. It passes when the run was well, and is an
//! ERROR when something is wrong that no test shows: a report that is broken off, an error outside any test, a command that
//! ended with an error though every test passed. So no such run can look green, and because every run has this result, good
//! ones too, its history is that of any test: it begins with the first run and is fixed when a run is well again.

mod head;
mod leaf;

use std::io::{self, Write};

use serde_json::{Map, Value, json};

pub use head::{Change, Head, RunOrigin, Shard};
use leaf::Leaf;
pub use leaf::{clean_name, state};

use crate::model::{Problem, ProblemKind, Source, Status, Test};
use crate::stamp::Stamp;

/// The name of the result that stands for the run itself.
pub const RUN_TEST: &str = "(run)";
/// The largest document that is written, bytes: servers take 256 MiB.
pub const MAX_BYTES: u64 = 240 << 20;
/// Bytes of messages of all tests together. When there are more, later tests come without.
const LOGS_BYTES: usize = 128 << 20;
/// Sentences about a run that are kept; the last one then says how many more there are.
const PROBLEMS: usize = 100;

/// Counts over the tests of a run, by their last attempts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// All tests.
    pub tests: u64,
    /// Those that passed or failed as expected.
    pub passed: u64,
    /// Those that failed, broke, timed out or crashed.
    pub failed: u64,
    /// Those that did not run.
    pub skipped: u64,
    /// Those that passed after a failed attempt.
    pub flaky: u64,
    /// Those that passed though they were expected to fail.
    pub unexpected_passes: u64,
}

impl Counts {
    fn add(&mut self, test: &Test) {
        self.tests += 1;
        let status = test.status();
        match status {
            Status::Skipped => self.skipped += 1,
            Status::UnexpectedPass => self.unexpected_passes += 1,
            Status::Passed | Status::ExpectedFailure => self.passed += 1,
            Status::Failed | Status::Error | Status::Timeout | Status::Crash => self.failed += 1,
        }
        let retried = test.attempts.iter().any(|attempt| attempt.status.is_failure());
        self.flaky += u64::from(status == Status::Passed && retried);
    }
}

/// What a finished document says of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its tests, counted.
    pub counts: Counts,
    /// What is wrong with the run, a sentence each; a run is well without.
    pub problems: Vec<String>,
    /// Start of the run, seconds since 1970.
    pub timestamp: i64,
    /// The runner, as far as it is known.
    pub tool: Option<String>,
}

/// Writes the document of one run.
pub struct DocumentWriter<W> {
    out: Counted<W>,
    counts: Counts,
    problems: Vec<String>,
    more_problems: usize,
    logs_left: usize,
    first: bool,
    tool: Option<String>,
    /// Start of the first test, seconds since 1970.
    started: Option<f64>,
    /// End of the last one.
    ended: Option<f64>,
}

impl<W: Write> DocumentWriter<W> {
    /// Begins a document.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn new(out: W) -> io::Result<Self> {
        let mut out = Counted { inner: out, bytes: 0 };
        out.write_all(br#"{"test_results":{"results":{"#)?;
        Ok(Self {
            out,
            counts: Counts::default(),
            problems: Vec::new(),
            more_problems: 0,
            logs_left: LOGS_BYTES,
            first: true,
            tool: None,
            started: None,
            ended: None,
        })
    }

    /// Writes a test with the owners of its file.
    ///
    /// # Errors
    /// It cannot be written, or the document would be larger than [`MAX_BYTES`].
    pub fn test(&mut self, test: &Test, owners: &[String]) -> io::Result<()> {
        self.counts.add(test);
        for attempt in &test.attempts {
            let Some(started) = attempt.started.as_ref().and_then(seconds) else { continue };
            let ended = started + attempt.milliseconds.unwrap_or_default() / 1000.0;
            self.started = Some(self.started.map_or(started, |first| first.min(started)));
            self.ended = Some(self.ended.map_or(ended, |last| last.max(ended)));
        }
        let name = clean_name(&test.name);
        let leaf = Leaf::new(test, owners, &mut self.logs_left);
        self.member(&name, &leaf)?;
        if self.out.bytes > MAX_BYTES {
            let limit = format!("the run is larger than {} MiB; upload it in parts", MAX_BYTES >> 20);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, limit));
        }
        Ok(())
    }

    /// Takes a problem outside any test.
    pub fn problem(&mut self, problem: &Problem) {
        match problem.kind {
            ProblemKind::Outside => self.complain(format!("an error outside any test: {problem}")),
            ProblemKind::Incomplete => self.complain(format!("the run ended early: {problem}")),
            ProblemKind::BrokenOff | ProblemKind::Told => self.complain(problem.to_string()),
        }
    }

    /// Takes any other reason why the run is not well, as a sentence.
    pub fn complain(&mut self, sentence: String) {
        if self.problems.len() < PROBLEMS {
            self.problems.push(sentence);
        } else {
            self.more_problems += 1;
        }
    }

    /// Takes what a report says of itself.
    pub fn source(&mut self, source: &Source) {
        if self.tool.is_none() {
            self.tool.clone_from(&source.tool);
        }
        if let Some(started) = source.started.as_ref().and_then(seconds) {
            self.started = Some(self.started.map_or(started, |first| first.min(started)));
        }
    }

    /// Writes the rest of the document and hands the writer back, flushed. Where neither the head nor the reports say when
    /// the run started, `otherwise` does.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(mut self, mut head: Head, otherwise: i64) -> io::Result<(W, Written)> {
        self.judge(&head);
        let problems = std::mem::take(&mut self.problems);
        let own = json!({
            "actual": if problems.is_empty() { "PASS" } else { "ERROR" },
            "expected": "PASS",
        });
        let mut own = own.as_object().cloned().unwrap_or_default();
        if !problems.is_empty() {
            own.insert("log".into(), problems.join("\n").into());
        }
        self.member(&head.run_test(), &own)?;
        self.out.write_all(br#"},"run_stats":"#)?;
        let timestamp = head.timestamp.or(self.started.map(|started| started as i64)).unwrap_or(otherwise);
        let stats = self.stats(&head);
        serde_json::to_writer(&mut self.out, &stats)?;
        self.out.write_all(br#","details":"#)?;
        serde_json::to_writer(&mut self.out, &std::mem::take(&mut head.details))?;
        self.out.write_all(b"},")?;
        head.timestamp = Some(timestamp);
        if head.run.tool.is_none() {
            head.run.tool.clone_from(&self.tool);
        }
        let tool = head.run.tool.clone();
        let members = serde_json::to_vec(&head.members(&problems))?;
        self.out.write_all(members.get(1..).unwrap_or_default())?;
        self.out.flush()?;
        Ok((self.out.inner, Written { counts: self.counts, problems, timestamp, tool }))
    }

    /// Adds what is wrong with the run as a whole.
    fn judge(&mut self, head: &Head) {
        let Counts { tests, failed, unexpected_passes, .. } = self.counts;
        if let Some(code) = head.run.exit_code.filter(|code| *code != 0)
            && failed == 0
        {
            let reports = match (tests, unexpected_passes) {
                (0, _) => "its reports have no test".to_owned(),
                (_, 0) => "no test of its reports failed".to_owned(),
                (_, count) => format!("of its tests none failed, and {count} passed that were expected to fail"),
            };
            self.complain(format!("the test command ended with exit code {code}, and {reports}"));
        } else if tests == 0 {
            self.complain("the reports have no test".to_owned());
        }
        if self.more_problems > 0 {
            self.problems.push(format!("and {} more", self.more_problems));
        }
    }

    fn stats(&self, head: &Head) -> Map<String, Value> {
        let mut stats = Map::new();
        let started = head.timestamp.or(self.started.map(|started| started as i64));
        let ended = head.ended.or(self.ended.map(|ended| ended.ceil() as i64));
        if let Some((started, ended)) = started.zip(ended).filter(|(started, ended)| started <= ended) {
            stats.insert("start_time".into(), started.into());
            stats.insert("end_time".into(), ended.into());
        }
        stats.insert("tests_skipped".into(), self.counts.skipped.into());
        stats
    }

    fn member(&mut self, name: &str, value: &impl serde::Serialize) -> io::Result<()> {
        if !std::mem::take(&mut self.first) {
            self.out.write_all(b",")?;
        }
        serde_json::to_writer(&mut self.out, name)?;
        self.out.write_all(b":")?;
        serde_json::to_writer(&mut self.out, value)?;
        Ok(())
    }
}

/// Seconds since 1970, where the zone is known.
fn seconds(stamp: &Stamp) -> Option<f64> {
    stamp.instant().map(|instant| instant.timestamp_millis() as f64 / 1000.0)
}

/// Counts what is written.
struct Counted<W> {
    inner: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(buffer)?;
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests;
