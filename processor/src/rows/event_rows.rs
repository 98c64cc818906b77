//! The rows that events make, collected by table.

use std::collections::HashSet;
use std::sync::Arc;

use rustc_hash::FxBuildHasher;
use schema::retention::Retention;
use schema::store::results::{Run, RunResults};
use schema::store::rows::{
    AccessKeyEndRow, AccessKeyRow, ArchiveRow, AuditRow, BugRow, CauseRow, CommitNameRow, CommitRow, ConfigurationRow,
    DeadLetterRow, EwsRow, ExpiredUploadRow, FailureMessageRow, FailureRow, IntakeReportRow, LinkRow, LinkedRunRow,
    QuarantineRow, QueueRow, ReceiptRow, RenameRow, RepositoryRow, RosterRow, RunNoteRow, RunRow, SuiteRow, TestRow,
    TestedWeekRow, UploadRow,
};

use super::columns::commit_seconds;

/// Rows that need not be written again: a hash of the row's key, and the row's time as its table has it (0 for
/// repositories).
///
/// Only repositories, configurations, suites, tests, rosters, causes and tested weeks are remembered, because every upload would repeat them.
pub type WrittenRows = HashSet<(u64, u32), FxBuildHasher>;

/// The rows of a batch of events, by table.
#[derive(Debug, Default)]
pub struct EventRows {
    /// Rows of `configurations`.
    pub configurations: Vec<ConfigurationRow>,
    /// Rows of `suites`.
    pub suites: Vec<SuiteRow>,
    /// Rows of `tests`.
    pub tests: Vec<TestRow>,
    /// Rows of `commits`.
    pub commits: Vec<CommitRow>,
    /// Rows of `commit_names`.
    pub commit_names: Vec<CommitNameRow>,
    /// Rows of `runs`.
    pub runs: Vec<RunRow>,
    /// Rows of `rosters`.
    pub rosters: Vec<RosterRow>,
    /// Rows of `results`, one entry a run.
    pub results: Vec<RunResults>,
    /// Rows of `failures`.
    pub failures: Vec<FailureRow>,
    /// Rows of `failure_messages`.
    pub failure_messages: Vec<FailureMessageRow>,
    /// Rows of `causes`.
    pub causes: Vec<CauseRow>,
    /// Rows of `uploads`.
    pub uploads: Vec<UploadRow>,
    /// Rows of `repositories`.
    pub repositories: Vec<RepositoryRow>,
    /// Rows of `links`.
    pub links: Vec<LinkRow>,
    /// Rows of `run_notes`.
    pub run_notes: Vec<RunNoteRow>,
    /// Rows of `linked_runs`.
    pub linked_runs: Vec<LinkedRunRow>,
    /// Rows of `tested_weeks`.
    pub tested_weeks: Vec<TestedWeekRow>,
    /// Rows of `queues`.
    pub queues: Vec<QueueRow>,
    /// Rows of `archives`.
    pub archives: Vec<ArchiveRow>,
    /// Rows of `ews_results`.
    pub ews_results: Vec<EwsRow>,
    /// Rows of `receipts`.
    pub receipts: Vec<ReceiptRow>,
    /// Rows of `expired_uploads`.
    pub expired_uploads: Vec<ExpiredUploadRow>,
    /// Rows of `intake_reports`.
    pub intake_reports: Vec<IntakeReportRow>,
    /// Rows of `bugs`.
    pub bugs: Vec<BugRow>,
    /// Rows of `renames`.
    pub renames: Vec<RenameRow>,
    /// Rows of `quarantine`.
    pub quarantine: Vec<QuarantineRow>,
    /// Rows of `access_keys`.
    pub access_keys: Vec<AccessKeyRow>,
    /// Rows of `access_key_ends`.
    pub access_key_ends: Vec<AccessKeyEndRow>,
    /// Rows of `audit`.
    pub audit: Vec<AuditRow>,
    /// Rows of `dead_letters`: one for each event that could not be processed, in the order of the batch.
    pub dead_letters: Vec<DeadLetterRow>,
    /// Rows of `dead_letters` as well: letters that somebody decided about.
    pub dead_letter_decisions: Vec<DeadLetterRow>,
    /// How long runs are kept.
    pub(super) retention: Arc<Retention>,
    /// Rows that are in the store.
    stored: Arc<WrittenRows>,
    /// Rows of this batch that later batches need not write again.
    written: WrittenRows,
}

impl EventRows {
    /// Holds no rows yet. Later it takes none that are among the `stored` ones, and none of runs that were over by the
    /// `retention` when they were received.
    pub fn new(stored: Arc<WrittenRows>, retention: Arc<Retention>) -> Self {
        Self { stored, retention, ..Self::default() }
    }

    /// Rows of this batch that need not be written again once the batch is in the store.
    pub fn written(&self) -> &WrittenRows {
        &self.written
    }

    /// Whether neither the store nor this batch has a row yet; from now on this batch has it.
    pub(super) fn is_new(&mut self, key: u64, time: u32) -> bool {
        !self.stored.contains(&(key, time)) && self.written.insert((key, time))
    }

    /// Whether a run was over when it was received, at a time in seconds since 1970.
    pub(super) fn is_expired(&self, run: &Run, received_at: i64) -> bool {
        self.retention.is_expired(&run.suite, &run.branch, commit_seconds(run), received_at)
    }

    /// Removes all but the first rows of tests and failures, when the results that made the others turn out malformed.
    pub(super) fn truncate_results(&mut self, tests: usize, failures: usize) {
        self.failures.truncate(failures);
        for row in self.tests.drain(tests..) {
            self.written.remove(&(row.test_id, row.last_upload));
        }
    }
}
