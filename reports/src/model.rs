//! What reports say: tests with their attempts, and problems outside any test.

use std::fmt;
use std::sync::Arc;

use crate::limits;
use crate::name::Name;
use crate::stamp::Stamp;

/// How one attempt of a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// The test ran to its end, as it should.
    Passed,
    /// The test found what it is there to find.
    Failed,
    /// Something else broke: set-up, tear-down, an exception that is no assertion.
    Error,
    /// The test did not run, as its authors wanted.
    Skipped,
    /// The test failed, as its authors expect for now.
    ExpectedFailure,
    /// The test passed though its authors expect it to fail.
    UnexpectedPass,
    /// The test did not end in the time that it had.
    Timeout,
    /// The process of the test died.
    Crash,
}

impl Status {
    /// The word for the status, as `resultsdb read` prints it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Error => "error",
            Self::Skipped => "skipped",
            Self::ExpectedFailure => "expected_failure",
            Self::UnexpectedPass => "unexpected_pass",
            Self::Timeout => "timeout",
            Self::Crash => "crash",
        }
    }

    /// Whether the attempt counts as not passed: another attempt may follow it.
    #[must_use]
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Error | Self::Timeout | Self::Crash | Self::UnexpectedPass)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Text of a report, of which only the beginning is kept when it is long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    text: String,
    cut: bool,
}

impl Text {
    /// The first `limit` bytes of a text, to the last whole character.
    #[must_use]
    pub fn new(text: &str, limit: usize) -> Self {
        let mut kept = Self::default();
        kept.push(text, limit);
        kept
    }

    /// A message, within [`limits::MESSAGE_BYTES`]; none when it is empty.
    #[must_use]
    pub fn message(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self::new(text, limits::MESSAGE_BYTES))
    }

    /// An output, within [`limits::OUTPUT_BYTES`]; none when it is empty.
    #[must_use]
    pub fn output(text: &str) -> Option<Self> {
        (!text.trim().is_empty()).then(|| Self::new(text, limits::OUTPUT_BYTES))
    }

    /// Appends what fits into `limit` bytes.
    pub fn push(&mut self, text: &str, limit: usize) {
        let room = limit.saturating_sub(self.text.len());
        let fitting = text.floor_char_boundary(room);
        self.cut |= fitting < text.len();
        self.text.push_str(&text[..fitting]);
    }

    /// What is kept.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether something was dropped.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.cut
    }
}

/// One of several executions of a test within a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// How it ended.
    pub status: Status,
    /// How long it took, where the report gives it for this attempt.
    pub milliseconds: Option<f64>,
    /// When it started, where the report says so.
    pub started: Option<Stamp>,
    /// Why it ended so: the message of a failure, the reason of a skip.
    pub message: Option<Text>,
    /// What it printed.
    pub output: Option<Text>,
}

impl Attempt {
    /// An attempt of which only status and time are known.
    #[must_use]
    pub fn new(status: Status, milliseconds: Option<f64>) -> Self {
        Self { status, milliseconds, started: None, message: None, output: None }
    }

    /// The same attempt with the message.
    #[must_use]
    pub fn with_message(mut self, message: &str) -> Self {
        self.message = Text::message(message);
        self
    }

    /// The same attempt with the start.
    #[must_use]
    pub fn with_start(mut self, started: Option<Stamp>) -> Self {
        self.started = started;
        self
    }

    /// The same attempt with the output.
    #[must_use]
    pub fn with_output(mut self, output: &str) -> Self {
        self.output = Text::output(output);
        self
    }
}

/// One test of a run, with all its attempts.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// The name, unique among the tests of the run: [`Name`] written by the template, and where another test had the
    /// same name before, its number in the order of the report, as in `name (2)`.
    pub name: String,
    /// What the name was made from.
    pub parts: Name,
    /// All attempts, in their order; at least one.
    pub attempts: Vec<Attempt>,
    /// Time of all attempts together, milliseconds, where the report gives only that.
    pub total_milliseconds: Option<f64>,
    /// The file of the test's source, as the report has it.
    pub file: Option<String>,
    /// The line of the test in that file, from 1.
    pub line: Option<u32>,
    /// Names and values that the report attaches to the test.
    pub properties: Vec<(String, String)>,
    /// The report that has the test.
    pub report: Arc<str>,
}

impl Test {
    /// A test that is not yet named, of no report.
    #[must_use]
    pub fn new(parts: Name, attempts: Vec<Attempt>) -> Self {
        Self {
            name: String::new(),
            parts,
            attempts,
            total_milliseconds: None,
            file: None,
            line: None,
            properties: Vec::new(),
            report: Arc::from(""),
        }
    }

    /// When the first attempt started, where the report says so.
    #[must_use]
    pub fn started(&self) -> Option<&Stamp> {
        self.attempts.first().and_then(|attempt| attempt.started.as_ref())
    }

    /// The status of the last attempt: what the run counts.
    #[must_use]
    pub fn status(&self) -> Status {
        self.attempts.last().map_or(Status::Error, |attempt| attempt.status)
    }
}

/// What kind of problem a run had outside its tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// A file, class, suite or package broke: it could not be loaded, or its set-up or tear-down failed.
    Outside,
    /// The run ended early: tests that were planned or had begun are not in the report.
    Incomplete,
    /// The report ends, or stops being readable, before its end.
    BrokenOff,
    /// The report itself tells it as a sentence about the run.
    Told,
}

/// Something that went wrong outside any test. A run with a problem is not green.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// What kind it is.
    pub kind: ProblemKind,
    /// What broke: a file, class, suite, package or hook; empty where the report does not say.
    pub subject: String,
    /// What happened, as the report has it.
    pub message: String,
    /// How it ended: error, timeout or crash.
    pub status: Status,
    /// The report that has the problem.
    pub report: Arc<str>,
}

impl Problem {
    /// An error of a file, class, suite or package.
    #[must_use]
    pub fn outside(subject: &str, message: &str, status: Status) -> Self {
        Self::new(ProblemKind::Outside, subject, message, status)
    }

    /// A run that ended early.
    #[must_use]
    pub fn incomplete(subject: &str, message: &str, status: Status) -> Self {
        Self::new(ProblemKind::Incomplete, subject, message, status)
    }

    pub(crate) fn new(kind: ProblemKind, subject: &str, message: &str, status: Status) -> Self {
        let message = Text::new(message.trim(), limits::MESSAGE_BYTES).text;
        let subject = Text::new(subject.trim(), limits::NAME_BYTES).text;
        Self { kind, subject, message, status, report: Arc::from("") }
    }
}

impl fmt::Display for Problem {
    /// One line: what broke, and the first line of what happened.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.message.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        match (self.subject.is_empty(), line.is_empty()) {
            (false, false) => write!(formatter, "{}: {line}", self.subject),
            (false, true) => write!(formatter, "{}: {}", self.subject, self.status),
            (true, false) => formatter.write_str(line),
            (true, true) => write!(formatter, "the run ended with {}", self.status),
        }
    }
}

/// What a report says of itself, handed on when it has been read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Source {
    /// The report: a path, or a path inside an archive.
    pub report: String,
    /// The form of the file, such as `junit` or `tap`.
    pub format: &'static str,
    /// The runner that wrote it, as far as the report tells.
    pub tool: Option<String>,
    /// The machine that wrote it, as far as the report tells.
    pub host: Option<String>,
    /// When the run started, as far as the report tells.
    pub started: Option<Stamp>,
    /// Names and values that the report attaches to the whole run.
    pub properties: Vec<(String, String)>,
}

/// What a reader hands on, in the order of the report.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A test with all its attempts.
    Test(Test),
    /// A problem outside any test.
    Problem(Problem),
    /// A report has been read.
    Source(Source),
}
