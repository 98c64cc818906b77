//! What an intake did with the uploads of some time: how many it took, which it refused and why, and which were slow.
//! Refused uploads are no events of their own, so that a flood of them costs no more than a report.

use serde::{Deserialize, Serialize};

/// What one process of the intake did from one time to another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntakeReport {
    /// The process, by a number of its own.
    pub intake: String,
    /// When the report begins, seconds since 1970.
    pub from: i64,
    /// When it ends, seconds since 1970.
    pub until: i64,
    /// Uploads that were taken, repetitions among them.
    pub taken: u64,
    /// Uploads that were refused.
    pub refused: u64,
    /// Uploads, taken or refused, that were answered late.
    pub slow: u64,
    /// What was wrong with uploads, by reason.
    pub problems: Vec<IntakeProblem>,
    /// The slowest uploads, the slowest first.
    pub slowest: Vec<SlowUpload>,
}

/// What kind of fault an upload has, whatever the words of its error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UploadFault {
    /// A test has a state that nobody knows.
    UnknownState,
    /// The time of a commit, or the start of a run, lies too far ahead.
    CommitAhead,
    /// The run is too old to be stored.
    Expired,
    /// The report is in no form that is known, or the form that is named is none.
    UnknownForm,
    /// The report has no bytes.
    EmptyReport,
    /// There is no report.
    NoReport,
    /// The configuration lacks members that are required.
    PartialConfiguration,
    /// The configuration is wrong.
    Configuration,
    /// The suite is missing, or is no name.
    Suite,
    /// A commit is missing, wrong or not known.
    Commit,
    /// A time is none.
    Time,
    /// The results are missing, or are no tests.
    Results,
    /// Any other, and those that later versions report.
    #[serde(other)]
    Other,
}

/// What was wrong with some uploads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntakeProblem {
    /// HTTP status of the answer; 200 for uploads that were taken with a warning.
    pub status: u16,
    /// What kind of fault it is; reports of earlier versions do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<UploadFault>,
    /// The error without what differs from one upload to the next: numbers, and what stands in quotes.
    pub reason: String,
    /// How many uploads.
    pub count: u64,
    /// The error of the last of them, in full.
    pub example: String,
    /// Where that one was sent.
    pub path: String,
    /// When, seconds since 1970.
    pub at: i64,
}

/// An upload that was answered late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlowUpload {
    /// Where it was sent.
    pub path: String,
    /// From its first byte to its answer, milliseconds.
    pub milliseconds: u64,
    /// HTTP status of the answer.
    pub status: u16,
    /// When it was answered, seconds since 1970.
    pub at: i64,
    /// The request's id, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}
