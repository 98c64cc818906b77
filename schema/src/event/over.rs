//! What is left of an event once its rows are over: what commits and configurations are made from, which are kept for good.
//!
//! An event is over when no table has a row of it any more but for those. What replaces it makes the same rows as it would, so
//! that a rebuild is none the wiser.

use serde::{Deserialize, Serialize};

use super::{Header, Request};
use crate::commit::{Commit, run_uuid};
use crate::configuration::Configuration;
use crate::retention::Retention;
use crate::seconds::DAY;

/// How long the tables may still have what is over, seconds: they forget whole weeks, and not at once.
pub const TABLES_LATER: i64 = 14 * DAY as i64;
/// How long `ews_results` has its rows, seconds from the upload on.
const EWS_SECONDS: i64 = 1826 * DAY as i64;
/// How long `expired_uploads` has its rows, seconds from the upload on; receipts and files of runs are over earlier.
const EXPIRED_SECONDS: i64 = 365 * DAY as i64;
/// How long `intake_reports` has its rows, seconds from the end of what they report on.
const REPORT_SECONDS: i64 = 30 * DAY as i64;

/// What an event that is over still says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remains {
    /// What it ran on; none if it was no run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub configuration: Option<Configuration>,
    /// Its commits.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub commits: Vec<Commit>,
    /// Start of the run, seconds since the Unix epoch; 0 if it was none.
    #[serde(default)]
    pub timestamp: i64,
}

impl Header {
    /// Until when tables have rows of the event that are not kept for good, seconds since 1970; none where they are: what
    /// people said, keys, and commits that were registered.
    pub fn needed_until(&self, retention: &Retention) -> Option<i64> {
        let kept = retention.longest_seconds();
        let received = self.received_at;
        let until = match &self.request {
            Request::Upload { commits, timestamp, .. } | Request::Archive { commits, timestamp, .. } => {
                let committed = i64::try_from(run_uuid(commits) / 100).unwrap_or(i64::MAX);
                // What came when it was over was stored nowhere but in the list of such uploads.
                let is_late = committed.saturating_add(kept) <= received;
                let listed = if is_late { EXPIRED_SECONDS.max(kept) } else { kept };
                committed.max(*timestamp).saturating_add(kept).max(received.saturating_add(listed))
            }
            Request::Ews { .. } => received.saturating_add(EWS_SECONDS.max(kept)),
            Request::IntakeReport(report) => report.until.saturating_add(REPORT_SECONDS),
            Request::Over(_)
            | Request::Commit(_)
            | Request::Bug(_)
            | Request::Rename(_)
            | Request::Quarantine(_)
            | Request::Owners(_)
            | Request::Key(_)
            | Request::KeyEnd(_)
            | Request::DeadLetterDecision(_) => return None,
        };
        Some(until.saturating_add(TABLES_LATER))
    }

    /// The event that takes its place once it is over.
    pub fn remains(self) -> Self {
        let left = |configuration, commits, timestamp| Remains { configuration, commits, timestamp };
        let remains = match self.request {
            Request::Upload { configuration, commits, timestamp, .. }
            | Request::Archive { configuration, commits, timestamp, .. }
            | Request::Ews { configuration, commits, timestamp, .. } => left(Some(configuration), commits, timestamp),
            _ => left(None, Vec::new(), 0),
        };
        Self {
            request: Request::Over(Box::new(remains)),
            payload: None,
            fingerprint: None,
            request_id: None,
            trace: None,
            ..self
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    const COMMITTED: i64 = 1_700_000_000;
    const WEEK: i64 = 7 * DAY as i64;

    fn header(received_at: i64, request: serde_json::Value) -> Header {
        let text = json!({ "event_id": Uuid::nil(), "received_at": received_at, "request": request, "actor": "ada" });
        serde_json::from_value(text).unwrap()
    }

    fn upload(received_at: i64) -> Header {
        let commit = json!({"repository_id": "w", "branch": "main", "timestamp": COMMITTED, "order": 0, "revision": 1});
        let run = json!({ "suite": "s", "configuration": {"platform": "Mac"}, "commits": [commit], "timestamp": COMMITTED + 5 });
        header(received_at, json!({ "upload": run }))
    }

    #[test]
    fn an_upload_is_needed_as_long_as_its_run_and_the_names_that_came_with_it() {
        let retention = Retention::new(Some(26), Vec::new()).unwrap();
        let until = |received_at| upload(received_at).needed_until(&retention).unwrap() - TABLES_LATER;
        assert_eq!(until(COMMITTED + 60), COMMITTED + 60 + 26 * WEEK);
        // A clock behind the one of whoever committed.
        assert_eq!(until(COMMITTED - 60), COMMITTED + 5 + 26 * WEEK);
        assert_eq!(until(COMMITTED + 20 * WEEK), COMMITTED + 46 * WEEK);
        // That it came too late is told for a year.
        assert_eq!(until(COMMITTED + 30 * WEEK), COMMITTED + 30 * WEEK + EXPIRED_SECONDS);
    }

    #[test]
    fn commit_and_configuration_are_left_and_stay() {
        let retention = Retention::default();
        let over = upload(COMMITTED).remains();
        let Request::Over(left) = &over.request else { panic!("{over:?}") };
        assert_eq!((left.commits.len(), left.timestamp), (1, COMMITTED + 5));
        assert_eq!(left.configuration.as_ref().unwrap().platform.as_deref(), Some("Mac"));
        assert_eq!((over.received_at, over.actor.as_deref()), (COMMITTED, Some("ada")));
        assert_eq!(over.needed_until(&retention), None);
        assert_eq!(over.clone().remains().needed_until(&retention), None);
    }

    #[test]
    fn the_tables_have_their_rows_as_long_as_that() {
        for (migration, seconds) in [
            (include_str!("../../migrations/0002_links_archives_ews.sql"), EWS_SECONDS),
            (include_str!("../../migrations/0013_facts.sql"), EXPIRED_SECONDS),
            (include_str!("../../migrations/0019_intake_reports.sql"), REPORT_SECONDS),
        ] {
            let longest =
                migration.split("INTERVAL ").filter_map(|rest| rest.split(" DAY").next()?.parse::<i64>().ok());
            assert_eq!(longest.max(), Some(seconds / DAY as i64));
        }
    }

    #[test]
    fn what_people_said_is_needed_for_good() {
        let bug = json!({ "bug": { "suite": "s", "test": "t", "url": "https://b.example.org/1", "is_open": true } });
        assert_eq!(header(5, bug).needed_until(&Retention::default()), None);
    }
}
