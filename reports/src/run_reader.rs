//! One run, read from any number of reports.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::path::Path;

use crate::error::{ReportError, Stop};
use crate::format::Format;
use crate::input::{Budget, expand, ignore_unknown};
use crate::model::{Item, Problem, ProblemKind, Source, Status};
use crate::recognise::{Family, recognise};
use crate::run::{Assembler, Options};

/// Reads the reports of one run and hands on what they say. Tests that may have further attempts in a later report are
/// handed on by [`RunReader::finish`].
pub struct RunReader<'a> {
    assembler: Assembler<'a>,
    format: Option<Format>,
    budget: Budget,
}

impl<'a> RunReader<'a> {
    /// A run without reports, whose items go to `sink`. When the sink breaks, reading ends, without an error.
    pub fn new(options: Options, sink: &'a mut dyn FnMut(Item) -> ControlFlow<()>) -> Self {
        let format = options.format;
        Self { assembler: Assembler::new(options, sink), format, budget: Budget::default() }
    }

    /// Reads one report. `report` is its path, for messages and to tell the files of one folder; compressed reports
    /// (gzip, zip) are opened.
    ///
    /// # Errors
    /// Why the report cannot be read. Where it is only cut off, or ill-formed somewhere behind its beginning, what stands
    /// before that is handed on with a problem of the kind [`ProblemKind::BrokenOff`], and that is no error.
    pub fn read(&mut self, report: &str, input: impl Read) -> Result<(), ReportError> {
        crate::input::open(report, Box::new(input), &mut self.budget.clone(), &mut |report, input| {
            self.read_plain(report, input)
        })
    }

    /// Reads the files that an argument names: a path, a pattern such as `**/TEST-*.xml`, or a folder with those below it.
    /// A file that cannot be read does not keep the others from being read. Files that a pattern or folder names and that
    /// are no reports are passed over.
    ///
    /// # Errors
    /// Why each of the files that are no readable reports is none.
    pub fn read_argument(&mut self, argument: &str) -> Result<(), Vec<ReportError>> {
        let files = expand(argument).map_err(|error| vec![error])?;
        let named = files.len() == 1 && files[0] == Path::new(argument);
        let mut errors = Vec::new();
        for file in &files {
            let outcome = self.read_path(file);
            errors.extend(if named { outcome } else { ignore_unknown(outcome) }.err());
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// Reads the report at a path, or each report of an archive.
    ///
    /// # Errors
    /// As [`RunReader::read`].
    pub fn read_path(&mut self, path: &Path) -> Result<(), ReportError> {
        let mut budget = self.budget.clone();
        crate::input::open_path(path, &mut budget, &mut |report, input| self.read_plain(report, input))
    }

    /// Reads the report in an open file, or each report of an archive, from its beginning. `report` stands for its path.
    ///
    /// # Errors
    /// As [`RunReader::read`].
    pub fn read_file(&mut self, report: &str, file: File) -> Result<(), ReportError> {
        let mut budget = self.budget.clone();
        crate::input::open_file(report, file, &mut budget, &mut |report, input| self.read_plain(report, input))
    }

    /// Hands on the tests that are held back, and says how many tests the run has.
    ///
    /// # Errors
    /// The run has too many tests.
    pub fn finish(mut self) -> Result<u64, ReportError> {
        match self.assembler.flush() {
            Ok(()) | Err(Stop::Stopped) => Ok(self.assembler.handed_on()),
            Err(stop) => Err(error("the last report", stop)),
        }
    }

    fn read_plain(&mut self, report: &str, input: &mut dyn Read) -> Result<(), ReportError> {
        let mut input = BufReader::with_capacity(64 << 10, input);
        let failed = |cause| ReportError::Io { report: report.to_owned(), cause };
        let (head, mut input) = match beginning(&mut input).map_err(failed)? {
            head if head.is_empty() => return Err(ReportError::Empty { report: report.to_owned() }),
            head => (head.clone(), io::Cursor::new(head).chain(input)),
        };
        let beginning = || String::from_utf8_lossy(&head).chars().take(40).collect();
        let unknown = || ReportError::Unknown { report: report.to_owned(), beginning: beginning() };
        let family = match self.format {
            Some(format) => Family::of(format),
            None => recognise(&head).ok_or_else(unknown)?,
        };
        self.assembler.begin(report);
        let mut source = Source { report: report.to_owned(), format: family.as_str(), ..Source::default() };
        let outcome = family.read(&mut input, self.format, &mut self.assembler, &mut source);
        let outcome = match (outcome, self.format) {
            (Err(Stop::Broken { line, byte, reason }), _) => {
                let message = format!("the report is broken off at line {line}, byte {byte}: {reason}");
                self.assembler.problem(Problem::new(ProblemKind::BrokenOff, report, &message, Status::Error));
                Ok(())
            }
            (Err(Stop::Stopped), _) => return Ok(()),
            (Err(Stop::OtherFormat), None) => return Err(unknown()),
            (Err(Stop::OtherFormat), Some(format)) => {
                return Err(ReportError::OtherFormat { report: report.to_owned(), format: format.as_str() });
            }
            (Err(Stop::Io(cause)), _) if self.assembler.found() > 0 && cause.kind() != io::ErrorKind::FileTooLarge => {
                let message = format!("the report is broken off: {cause}");
                self.assembler.problem(Problem::new(ProblemKind::BrokenOff, report, &message, Status::Error));
                Ok(())
            }
            (outcome, _) => outcome,
        };
        match outcome.and_then(|()| self.assembler.end(source)) {
            Ok(()) | Err(Stop::Stopped) => Ok(()),
            Err(stop) => Err(error(report, stop)),
        }
    }
}

fn error(report: &str, stop: Stop) -> ReportError {
    let report = report.to_owned();
    match stop {
        Stop::Broken { line, byte, reason } => {
            let reason = format!("line {line}, byte {byte}: {reason}");
            ReportError::Io { report, cause: io::Error::new(io::ErrorKind::InvalidData, reason) }
        }
        Stop::DocumentType { line, byte } => ReportError::DocumentType { report, line, byte },
        Stop::TooLarge(limit) => ReportError::TooLarge { report, limit },
        Stop::OtherFormat | Stop::Stopped => ReportError::OtherFormat { report, format: "known" },
        Stop::Io(cause) if cause.kind() == io::ErrorKind::FileTooLarge => {
            ReportError::TooLarge { report, limit: cause.to_string() }
        }
        Stop::Io(cause) => ReportError::Io { report, cause },
    }
}

/// The first bytes of a report, by which its form is told: up to 16 KiB, without a mark of UTF-8.
fn beginning(input: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    input.take(16 << 10).read_to_end(&mut head)?;
    if head.starts_with(b"\xef\xbb\xbf") {
        head.drain(..3);
    }
    Ok(head)
}
