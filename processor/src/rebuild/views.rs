//! The tables that a rebuild can make again.

/// Views that events fill. Watermarks say how far the processors are and `alerts` and `verdicts` what others were told, and
/// `access_key_uses` when a key was used; no event makes their rows, so that a rebuild leaves these tables alone.
pub const VIEWS: [&str; 31] = [
    "configurations",
    "suites",
    "tests",
    "commits",
    "commit_names",
    "runs",
    "rosters",
    "results",
    "failures",
    "failure_messages",
    "causes",
    "uploads",
    "repositories",
    "links",
    "run_notes",
    "linked_runs",
    "tested_weeks",
    "queues",
    "archives",
    "ews_results",
    "receipts",
    "expired_uploads",
    "bugs",
    "renames",
    "owner_files",
    "quarantine",
    "access_keys",
    "access_key_ends",
    "audit",
    "intake_reports",
    DEAD_LETTERS,
];
/// Views that are partitioned by week: of their run's commit, and archives of their run's start.
pub(super) const WEEKLY: [&str; 8] =
    ["runs", "results", "failures", "failure_messages", "uploads", "links", "run_notes", "archives"];
/// The view whose rows are dead letters.
pub(super) const DEAD_LETTERS: &str = "dead_letters";
