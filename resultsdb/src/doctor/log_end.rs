//! Whether the log still has its end: events that the tables show.

use clickhouse::Client;
use eventlog::EventLog;
use processor::events::{LostEnd, lost_end};

use super::finding::Finding;

/// Compares the end of the log with what the tables show.
pub(super) async fn of(log: &dyn EventLog, client: &Client) -> anyhow::Result<Finding> {
    Ok(judge(lost_end(log, client).await?))
}

fn judge(lost: Option<LostEnd>) -> Finding {
    match lost {
        None => Finding::ok("the log has every event that the tables show"),
        Some(lost) => Finding::wrong(lost.to_string(), "Until then neither rebuild the views nor upload"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    #[test]
    fn a_log_that_lost_its_end_is_wrong() {
        assert_eq!(judge(None).verdict, Verdict::Ok);
        let lost = judge(Some(LostEnd { partition: 2, end: 5, shown: 7 }));
        assert!(lost.verdict == Verdict::Wrong && lost.found.contains("partition 2 ends at event 5"), "{lost:?}");
    }
}
