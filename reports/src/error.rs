//! Why a report cannot be read.

use std::io;

/// What kept a report from being read. Each is one sentence about the file.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The file could not be opened or read.
    #[error("{report} cannot be read: {cause}")]
    Io {
        /// The report.
        report: String,
        /// What the system says.
        cause: io::Error,
    },
    /// The file has no bytes.
    #[error("{report} is empty: the runner may have died before it wrote its report")]
    Empty {
        /// The report.
        report: String,
    },
    /// The file is in no known form.
    #[error("{report} is in no form of report that is known here: it begins with {beginning:?}")]
    Unknown {
        /// The report.
        report: String,
        /// Its first characters.
        beginning: String,
    },
    /// The file was said to be in one form and is in another.
    #[error("{report} is no {format} report")]
    OtherFormat {
        /// The report.
        report: String,
        /// The form that was asked for.
        format: &'static str,
    },
    /// An XML file brings a document type, which may hold entities.
    #[error("{report} has a document type (<!DOCTYPE) at line {line}, byte {byte}, which is not read; remove it")]
    DocumentType {
        /// The report.
        report: String,
        /// The line, from 1.
        line: u64,
        /// The byte, from 0.
        byte: u64,
    },
    /// The run is too large.
    #[error("{report} would make the run larger than {limit}; upload it in parts")]
    TooLarge {
        /// The report.
        report: String,
        /// The limit, with its unit.
        limit: String,
    },
    /// Nothing matches a pattern, or a folder holds no report.
    #[error("{pattern} names no report; check the path and whether the runner wrote its report there")]
    Nothing {
        /// The pattern or folder.
        pattern: String,
    },
    /// An archive cannot be opened.
    #[error("{report} is no readable archive: {reason}")]
    Archive {
        /// The archive.
        report: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// How names of reports end.
const ENDINGS: [&str; 5] = [".xml", ".json", ".jsonl", ".tap", ".trx"];

impl ReportError {
    /// Whether the file is no report at all, which is no error where a folder or a pattern names it among others. An empty
    /// one that is called like a report was to be one: whoever was to write it may have died.
    #[must_use]
    pub fn is_no_report(&self) -> bool {
        match self {
            Self::Unknown { .. } => true,
            Self::Empty { report } => !ENDINGS.iter().any(|ending| report.ends_with(ending)),
            _ => false,
        }
    }
}

/// Why reading stopped inside a report. The reader turns it into a [`ReportError`], or into a problem of the run where
/// tests of the report have been read before.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The report ends, or cannot be read on, at a line (from 1) and byte (from 0).
    Broken { line: u64, byte: u64, reason: String },
    /// A document type begins at a line and byte.
    DocumentType { line: u64, byte: u64 },
    /// The run has more than a limit allows.
    TooLarge(String),
    /// The file is not in the form it was taken for.
    OtherFormat,
    /// Who is handed the items takes no more.
    Stopped,
    /// The system could not read on.
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(cause: io::Error) -> Self {
        Self::Io(cause)
    }
}
