//! The event: what is appended to the log for each accepted request.
//!
//! [`Header`] and [`Request`] are what an event says, [`codec`] is how it is written, [`UploadFingerprint`] how a repeated
//! upload is recognised, [`DeadLetterDecision`] what is said about an event that could not be processed, [`Remains`] what is left
//! of an event whose time is over.
//!
//! New kinds of requests and new optional members do not change the version of the format: what was written before reads
//! as ever. `tests/events.rs` holds one record of each kind as it was first written.

mod codec;
mod dead_letter;
mod fingerprint;
mod over;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::access_key::{AccessKey, KeyEnd};
use crate::bug::BugLink;
use crate::commit::{Commit, run_uuid};
use crate::configuration::Configuration;
use crate::intake_report::IntakeReport;
use crate::owners::SuiteOwners;
use crate::quarantine::QuarantineEntry;
use crate::rename::TestRename;
use crate::run_notes::RunNotes;

pub use codec::{
    DecodeError, Event, MAX_DECODED_BYTES, VERSION, beginning, compress, decode, decode_header, decompress, encode,
};
pub use dead_letter::{DeadLetterDecision, DeadLetterId, Decision, NotADeadLetterId};
pub use fingerprint::UploadFingerprint;
pub use over::{Remains, TABLES_LATER};

/// An accepted request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Unique, and sortable by time.
    pub event_id: Uuid,
    /// When the intake took it, seconds since the Unix epoch.
    pub received_at: i64,
    /// What the sender asked for.
    pub request: Request,
    /// Digest of the blob that holds the `test_results` as a zstd frame, where they are too large for the log.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub payload: Option<String>,
    /// What a repetition of an upload is recognised by; none for other requests, and for events of before there were any.
    #[serde(rename = "once", skip_serializing_if = "Option::is_none", default)]
    pub fingerprint: Option<UploadFingerprint>,
    /// The request's id, by which its traces are found.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub request_id: Option<String>,
    /// Where the request stands in its trace, as in [`TRACE_HEADER`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub trace: Option<String>,
    /// Who asked for it, as the intake knew them; none where it asks nobody, and for events of before there were keys.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub actor: Option<String>,
}

/// The header that carries a request's id.
pub const REQUEST_ID_HEADER: &str = "x-request-id";
/// The header that carries a place in a trace (W3C Trace Context).
pub const TRACE_HEADER: &str = "traceparent";

/// What an event asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// A run's results; the results themselves follow the header.
    Upload {
        /// The suite.
        suite: String,
        /// What it ran on.
        configuration: Configuration,
        /// Resolved commits, at least one.
        commits: Vec<Commit>,
        /// Start of the run, seconds since the Unix epoch.
        timestamp: i64,
        /// Where the CI shows the run; none if that is unknown, as for events of before there were links.
        #[serde(default)]
        links: Option<Links>,
        /// What else the uploader says of the run; none if it says nothing, as for events of before there were notes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        notes: Option<Box<RunNotes>>,
    },
    /// A commit to register.
    Commit(Commit),
    /// A bug that explains failures, or that no longer does.
    Bug(BugLink),
    /// A test that has a new name, or one that has not.
    Rename(TestRename),
    /// A file that says who owns the tests of a suite, in place of the one before.
    Owners(SuiteOwners),
    /// Failures that do not count for a time, or that count again.
    Quarantine(Box<QuarantineEntry>),
    /// A key that somebody made.
    Key(AccessKey),
    /// A key that somebody ended.
    KeyEnd(KeyEnd),
    /// What an intake did with the uploads of some time.
    IntakeReport(IntakeReport),
    /// A decision about an event that could not be processed; that event's bytes follow the header.
    DeadLetterDecision(DeadLetterDecision),
    /// Files of a run, in the blob store.
    Archive {
        /// The suite.
        suite: String,
        /// What it ran on.
        configuration: Configuration,
        /// Resolved commits, at least one.
        commits: Vec<Commit>,
        /// Start of the run, seconds since the Unix epoch.
        timestamp: i64,
        /// Digest of the contents: their name in the blob store.
        digest: String,
        /// Bytes of the contents.
        size: u64,
    },
    /// Results of a change under review; its flat results follow the header.
    Ews {
        /// The suite.
        suite: String,
        /// What it ran on.
        configuration: Configuration,
        /// Resolved commits, at least one.
        commits: Vec<Commit>,
        /// Start of the run, seconds since the Unix epoch.
        timestamp: i64,
        /// How the tests were found to be flaky; none if they failed.
        flaky_type: Option<String>,
        /// Anything the uploader says of the change.
        details: Option<serde_json::Map<String, serde_json::Value>>,
    },
    /// What is left of a request whose time is over.
    Over(Box<Remains>),
}

/// A step of processing, as an upload's answer reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Its name on the wire.
    pub name: &'static str,
    /// Whether it reads the results, and so fails with them.
    pub reads_results: bool,
}

/// The step that derives links to the CI.
pub const CI_URLS: &str = "ci-urls";
/// All steps, in the order of the answer.
pub const STEPS: [Step; 5] = [
    Step { name: CI_URLS, reads_results: false },
    Step { name: "test-failures", reads_results: true },
    Step { name: "suite-results", reads_results: true },
    Step { name: "test-results", reads_results: true },
    Step { name: "commit-identifiers", reads_results: false },
];

/// Where the CI shows a run; addresses of web pages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Links {
    /// The queue of runs it belongs to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub queue: Option<String>,
    /// The run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub build: Option<String>,
    /// The machine.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub worker: Option<String>,
}

/// The key that chooses an upload's partition: uploads that may replace each other share one.
pub fn upload_key(configuration: &Configuration, suite: &str, commits: &[Commit]) -> [u8; 8] {
    let uuid = run_uuid(commits);
    crate::configuration::stable_hash(&[&configuration.id().to_le_bytes(), suite.as_bytes(), &uuid.to_le_bytes()])
        .to_le_bytes()
}
