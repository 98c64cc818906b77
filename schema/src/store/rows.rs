//! One type per table, members in the table's order.

use std::sync::Arc;

use clickhouse::Row;
use serde::{Deserialize, Serialize};

/// Which configurations exist on a branch, and when they last ran.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ConfigurationRow {
    pub branch: String,
    pub config_id: u64,
    pub configuration: String,
    pub last_start_time: u32,
}

/// Which suites a configuration ran.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SuiteRow {
    pub branch: String,
    pub config_id: u64,
    pub suite: String,
    pub last_upload: u32,
}

/// The names behind test ids.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct TestRow {
    pub suite: String,
    pub test: String,
    pub test_id: u64,
    pub last_upload: u32,
}

/// A registered commit; `document` is its JSON as the API answers it, absent texts are empty, absent numbers 0.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CommitRow {
    pub repository: String,
    pub branch: String,
    pub uuid: u64,
    pub hash: String,
    pub revision: u64,
    pub identifier: String,
    pub document: String,
    pub version: u64,
}

/// One upload's summary; `stats`, `commits` and `details` are JSON texts.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct RunRow {
    pub suite: String,
    pub branch: String,
    pub config_id: u64,
    pub uuid: u64,
    pub sdk: String,
    pub start_time: u32,
    pub flaky: u32,
    pub tests_run: u32,
    pub tests_unexpected_failed: u32,
    pub stats: String,
    pub commits: String,
    pub details: String,
    pub version: u64,
}

/// One failing test of a run; states are positions in [`crate::state::NAMES`].
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct FailureRow {
    pub suite: String,
    pub branch: String,
    pub config_id: u64,
    pub uuid: u64,
    pub sdk: String,
    pub start_time: u32,
    pub test: String,
    pub worst: u8,
    pub worst_unexpected: u8,
    pub version: u64,
}

/// An upload as it came; its text is shared with the rows of other branches.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct UploadRow {
    pub suite: String,
    pub branch: String,
    pub config_id: u64,
    pub uuid: u64,
    pub sdk: String,
    pub start_time: u32,
    pub commits: String,
    pub test_results: Arc<String>,
    pub version: u64,
}

/// A repository that a registered commit made known.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct RepositoryRow {
    pub repository: String,
    pub first_seen: u32,
}

/// Links of a run to its CI; absent ones are empty.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct LinkRow {
    pub suite: String,
    pub branch: String,
    pub config_id: u64,
    pub uuid: u64,
    pub sdk: String,
    pub start_time: u32,
    pub queue: String,
    pub build: String,
    pub worker: String,
    pub version: u64,
}

/// The link of the queue that runs a suite on a configuration.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct QueueRow {
    pub branch: String,
    pub config_id: u64,
    pub suite: String,
    pub sdk: String,
    pub queue: String,
    pub last_upload: u32,
}

/// An archive of a run: the digest of its contents, and their size in bytes.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ArchiveRow {
    pub suite: String,
    pub branch: String,
    pub config_id: u64,
    pub uuid: u64,
    pub sdk: String,
    pub start_time: u32,
    pub digest: String,
    pub size: u64,
    pub version: u64,
}

/// One test of a change under review; `result` and `details` are JSON texts, empty for none.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct EwsRow {
    pub flaky: u8,
    pub suite: String,
    pub test: String,
    pub branch: String,
    pub config_id: u64,
    pub uuid: u64,
    pub sdk: String,
    pub start_time: u32,
    pub uploaded_at: u32,
    pub result: String,
    pub details: String,
    pub flaky_type: String,
    pub version: u64,
}

/// A spelling of a commit, in lower case.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CommitNameRow {
    pub repository: String,
    pub name: String,
    pub branch: String,
    pub uuid: u64,
    pub version: u64,
}

/// The offset after the last one whose rows are in the views.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct WatermarkRow {
    pub partition: u32,
    pub next_offset: u64,
}

/// The receipt of an upload; `name` is one of [`crate::event::UploadFingerprint`], `content` the digest that it came with.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ReceiptRow {
    pub name: String,
    pub content: String,
    pub receipt: String,
    pub received_at: u32,
    pub version: u64,
}

/// An event that could not be processed; `state` is a [`DeadLetterState`], `event` its bytes as they stood in the log.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct DeadLetterRow {
    pub partition: u32,
    pub offset: u64,
    pub found_at: u32,
    pub cause: String,
    #[serde(with = "serde_bytes")]
    pub key: Vec<u8>,
    #[serde(with = "serde_bytes")]
    pub event: Vec<u8>,
    pub state: String,
    pub version: u64,
}

/// That a bug explains failures of a test; `configuration` is the JSON text of the members that are given.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct BugRow {
    pub suite: String,
    pub test: String,
    pub url: String,
    pub configuration: String,
    pub note: String,
    pub is_open: u8,
    pub linked_at: u32,
    pub version: u64,
}

/// What was done about a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadLetterState {
    /// Nothing yet.
    Waiting,
    /// Its event was appended again.
    Replayed,
    /// It was given up.
    Discarded,
}

impl DeadLetterState {
    /// As it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Replayed => "replayed",
            Self::Discarded => "discarded",
        }
    }
}
