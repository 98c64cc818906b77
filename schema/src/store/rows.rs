//! One type per table, with its members in the table's order.
//!
//! Every table keeps one row per key, the one with the largest version: what is written again replaces itself.

use std::sync::Arc;

use clickhouse::Row;
use serde::{Deserialize, Serialize};

pub use super::access_rows::{AccessKeyEndRow, AccessKeyRow, AccessKeyUseRow, AuditRow};
pub use super::cause_rows::{CauseRow, FailureMessageRow};
pub use super::dead_letter_state::DeadLetterState;
pub use super::intake_report_row::IntakeReportRow;
pub use super::owner_file_row::OwnerFileRow;
pub use super::quarantine_row::QuarantineRow;
pub use super::rename_row::RenameRow;
pub use super::run_note_rows::{LinkedRunRow, RunNoteRow};
pub use super::run_rows::{RosterRow, RunRow};

/// A configuration that ran on a branch, and when it last did.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct ConfigurationRow {
    /// Branch key: `default` for a default branch, else the name of the branch.
    pub branch: String,
    /// Identity of the configuration without its SDK ([`crate::configuration::Configuration::id`]).
    pub config_id: u64,
    /// JSON text of the configuration without its SDK.
    pub configuration: String,
    /// Hour in which a run started last, rounded up, seconds since 1970; of rows with one key the largest counts.
    pub last_start_time: u32,
}

/// A suite that a configuration ran on a branch.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct SuiteRow {
    /// Branch key: `default` for a default branch, else the name of the branch.
    pub branch: String,
    /// Identity of the configuration without its SDK ([`crate::configuration::Configuration::id`]).
    pub config_id: u64,
    /// Name of the suite.
    pub suite: String,
    /// Beginning of the week of the last upload, seconds since 1970; of rows with one key the largest counts.
    pub last_upload: u32,
}

/// The name behind a test's identity.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct TestRow {
    /// Name of the suite.
    pub suite: String,
    /// Full name of the test.
    pub test: String,
    /// Hash of the suite and the test ([`crate::configuration::stable_hash`]).
    pub test_id: u64,
    /// Beginning of the week of the last upload, seconds since 1970; of rows with one key the largest counts.
    pub last_upload: u32,
}

/// One registration of a commit: all rows of a place together say what is known of its commit
/// ([`crate::commit::Commit::merged`]). Registrations that say the same of the commit's identity, and leave the same
/// members out, replace each other.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct CommitRow {
    /// Id of the repository.
    pub repository: String,
    /// Name of the branch, as the commit was registered.
    pub branch: String,
    /// Place of the commit in time: 100 × its commit time in seconds since 1970 + its order within that second.
    pub uuid: u64,
    /// Up to 40 hexadecimal digits in lower case; empty for none.
    pub hash: String,
    /// Revision number; 0 for none.
    pub revision: u64,
    /// `N@branch` or `P.N@branch`; empty for none.
    pub identifier: String,
    /// 1 if the registration has a message, else 0.
    pub has_message: u8,
    /// 1 if the registration has an author, else 0.
    pub has_author: u8,
    /// JSON text of the commit as it was registered.
    pub document: String,
    /// Time half of the id of the event (its milliseconds since 1970 in the upper 48 bits); of rows with one key the
    /// largest version counts.
    pub version: u64,
}

/// One failing test of a run.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct FailureRow {
    /// Name of the suite.
    pub suite: String,
    /// Branch key: `default` for a default branch, else the name of the branch.
    pub branch: String,
    /// Identity of the configuration without its SDK ([`crate::configuration::Configuration::id`]).
    pub config_id: u64,
    /// Place of the run's newest commit in time: 100 × its commit time in seconds since 1970 + its order within that
    /// second.
    pub uuid: u64,
    /// SDK that the run was built with; empty for none.
    pub sdk: String,
    /// Start of the run, seconds since 1970.
    pub start_time: u32,
    /// Full name of the test.
    pub test: String,
    /// Worst state of the test, a position in [`crate::state::NAMES`].
    pub worst: u8,
    /// Worst state that was not expected, a position in [`crate::state::NAMES`].
    pub worst_unexpected: u8,
    /// Offset of the event in its partition plus one; of rows with one key the largest version counts.
    pub version: u64,
}

/// An upload as it came, under one branch key.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct UploadRow {
    /// Name of the suite.
    pub suite: String,
    /// Branch key: `default` for a default branch, else the name of the branch.
    pub branch: String,
    /// Identity of the configuration without its SDK ([`crate::configuration::Configuration::id`]).
    pub config_id: u64,
    /// Place of the run's newest commit in time: 100 × its commit time in seconds since 1970 + its order within that
    /// second.
    pub uuid: u64,
    /// SDK that the run was built with; empty for none.
    pub sdk: String,
    /// Start of the run, seconds since 1970.
    pub start_time: u32,
    /// JSON text of the list of commits.
    pub commits: String,
    /// JSON text of the results, as it was uploaded; the rows of an upload's branches share it.
    pub test_results: Arc<String>,
    /// Offset of the event in its partition plus one; of rows with one key the largest version counts.
    pub version: u64,
}

/// A repository that a registered commit made known.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct RepositoryRow {
    /// Id of the repository.
    pub repository: String,
    /// Always 0, so that all rows of a repository are the same.
    pub first_seen: u32,
}

/// Links of a run to its CI.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct LinkRow {
    /// Name of the suite.
    pub suite: String,
    /// Branch key: `default` for a default branch, else the name of the branch.
    pub branch: String,
    /// Identity of the configuration without its SDK ([`crate::configuration::Configuration::id`]).
    pub config_id: u64,
    /// Place of the run's newest commit in time: 100 × its commit time in seconds since 1970 + its order within that
    /// second.
    pub uuid: u64,
    /// SDK that the run was built with; empty for none.
    pub sdk: String,
    /// Start of the run, seconds since 1970.
    pub start_time: u32,
    /// Address of the queue's page; empty for none.
    pub queue: String,
    /// Address of the run's page; empty for none.
    pub build: String,
    /// Address of the machine's page; empty for none.
    pub worker: String,
    /// Offset of the event in its partition plus one; of rows with one key the largest version counts.
    pub version: u64,
}

/// A week whose commits were tested in a week.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct TestedWeekRow {
    /// Name of the suite.
    pub suite: String,
    /// Branch key: `default` for a default branch, else the name of the branch.
    pub branch: String,
    /// Beginning of the week in which a run started: its Monday, seconds since 1970.
    pub start_week: u32,
    /// Beginning of the week of the run's newest commit, likewise.
    pub commit_week: u32,
}

/// The link of the queue that runs a suite on a configuration.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct QueueRow {
    /// Branch key: `default` for a default branch, else the name of the branch.
    pub branch: String,
    /// Identity of the configuration without its SDK ([`crate::configuration::Configuration::id`]).
    pub config_id: u64,
    /// Name of the suite.
    pub suite: String,
    /// SDK that the run was built with; empty for none.
    pub sdk: String,
    /// Address of the queue's page.
    pub queue: String,
    /// When the intake took the last upload, seconds since 1970; of rows with one key the largest counts.
    pub last_upload: u32,
}

/// An archive of a run.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct ArchiveRow {
    /// Name of the suite.
    pub suite: String,
    /// Branch key: `default` for a default branch, else the name of the branch.
    pub branch: String,
    /// Identity of the configuration without its SDK ([`crate::configuration::Configuration::id`]).
    pub config_id: u64,
    /// Place of the run's newest commit in time: 100 × its commit time in seconds since 1970 + its order within that
    /// second.
    pub uuid: u64,
    /// SDK that the run was built with; empty for none.
    pub sdk: String,
    /// Start of the run, seconds since 1970.
    pub start_time: u32,
    /// Digest of the contents, which is also their name in the blob store.
    pub digest: String,
    /// Bytes of the contents.
    pub size: u64,
    /// Offset of the event in its partition plus one; of rows with one key the largest version counts.
    pub version: u64,
}

/// One test of a change under review.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct EwsRow {
    /// 1 for a flaky test, 0 for one that failed.
    pub flaky: u8,
    /// Name of the suite.
    pub suite: String,
    /// Full name of the test.
    pub test: String,
    /// Branch key: `default` for a default branch, else the name of the branch.
    pub branch: String,
    /// Identity of the configuration without its SDK ([`crate::configuration::Configuration::id`]).
    pub config_id: u64,
    /// Place of the run's newest commit in time: 100 × its commit time in seconds since 1970 + its order within that
    /// second.
    pub uuid: u64,
    /// SDK that the run was built with; empty for none.
    pub sdk: String,
    /// Start of the run, seconds since 1970.
    pub start_time: u32,
    /// When the intake took the upload, seconds since 1970.
    pub uploaded_at: u32,
    /// JSON text of the test's result.
    pub result: String,
    /// JSON text of what the uploader says of the change; empty for none.
    pub details: String,
    /// How the test was found to be flaky; empty for one that failed.
    pub flaky_type: String,
    /// Offset of the event in its partition plus one; of rows with one key the largest version counts.
    pub version: u64,
}

/// A spelling of a commit, in lower case.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct CommitNameRow {
    /// Id of the repository.
    pub repository: String,
    /// Hash, `r<revision>` or identifier, in lower case.
    pub name: String,
    /// Name of the branch, as the commit was registered.
    pub branch: String,
    /// Place of the commit in time, as in [`CommitRow`].
    pub uuid: u64,
    /// Time half of the id of the event (its milliseconds since 1970 in the upper 48 bits); of rows with one key the
    /// largest version counts.
    pub version: u64,
}

/// How far in the log the views are.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct WatermarkRow {
    /// Partition of the events' topic; 4,294,967,295 marks the row of the last rebuild.
    pub partition: u32,
    /// Offset of the first event whose rows may be missing, or the generation number of the last rebuild; of rows with one
    /// key the largest counts.
    pub next_offset: u64,
}

/// The receipt of an upload, under one of the names that a repetition of the upload has as well.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct ReceiptRow {
    /// One of the names of an upload's fingerprint ([`crate::event::UploadFingerprint::names`]).
    pub name: String,
    /// Hexadecimal digest of everything that the upload says.
    pub content: String,
    /// Text of the [`crate::receipt::Receipt`]: `<partition>-<offset>-<event id>`.
    pub receipt: String,
    /// When the intake took the upload, seconds since 1970.
    pub received_at: u32,
    /// For a run the offset of the event plus one, so that its last upload counts; for an idempotency key the largest
    /// number minus the time half of the event's id, so that the first one counts.
    pub version: u64,
}

/// An upload that was not stored, because its time was over when it came.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct ExpiredUploadRow {
    /// Partition of the event.
    pub partition: u32,
    /// Offset of the event.
    pub offset: u64,
    /// 1 for the files of a run, 0 for its results.
    pub is_archive: u8,
    /// Days that such uploads are kept.
    pub kept_days: u32,
    /// Days that the upload was old.
    pub age_days: u32,
    /// When the intake took the upload, seconds since 1970; all rows of one event are the same.
    pub received_at: u32,
}

/// An event that could not be processed, or a decision about it.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct DeadLetterRow {
    /// Partition of the event.
    pub partition: u32,
    /// Offset of the event.
    pub offset: u64,
    /// When the event was appended, seconds since 1970.
    pub found_at: u32,
    /// Why the event could not be processed.
    pub cause: String,
    /// Key that the event was appended with.
    #[serde(with = "serde_bytes")]
    pub key: Vec<u8>,
    /// Bytes of the event as they stood in the log.
    #[serde(with = "serde_bytes")]
    pub event: Vec<u8>,
    /// Name of a [`DeadLetterState`].
    pub state: String,
    /// 0 for the letter itself, so that a redelivered letter does not take a decision back; for a decision the time half
    /// of the id of its event. Decisions from before they were events have the seconds since 1970, which are less.
    pub version: u64,
}

/// A link between a bug and the failures of a test that it explains.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct BugRow {
    /// Name of the suite.
    pub suite: String,
    /// Name of the test, or a pattern in which `*` stands for any text.
    pub test: String,
    /// Address of the bug.
    pub url: String,
    /// JSON text of the members that a configuration must have.
    pub configuration: String,
    /// Name of the one failing state that the bug explains; empty for every failure.
    pub failure: String,
    /// The message that the bug explains, a pattern in which `*` stands for any text; empty for every message.
    pub message: String,
    /// What a reader should know of the bug; may be empty.
    pub note: String,
    /// 1 while the bug explains failures, 0 once the link was taken back.
    pub is_open: u8,
    /// When the intake took the link, seconds since 1970.
    pub linked_at: u32,
    /// Time half of the id of the event (its milliseconds since 1970 in the upper 48 bits); of rows with one key the
    /// largest version counts.
    pub version: u64,
}
