//! Reads what intakes did with uploads.

use super::statement::Fragment;
use crate::error::AnswerError;
use crate::store::Store;

/// Reports of one question: those of a day of seven intakes that are never idle.
const MAX_REPORTS: u64 = 10_080;

/// JSON texts of the reports that end within a time, the newest first; seconds since 1970.
pub(crate) async fn since(store: &Store, since: u64) -> Result<Vec<String>, AnswerError> {
    Fragment::new("SELECT report FROM intake_reports WHERE until >= {since} ORDER BY until DESC, intake LIMIT {most}")
        .value("since", since)
        .value("most", MAX_REPORTS)
        .all(&store.client)
        .await
}
