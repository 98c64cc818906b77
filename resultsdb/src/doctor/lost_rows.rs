//! Whether the tables still show every event that they showed once.

use clickhouse::Client;
use eventlog::EventLog;
use processor::events::{LostRows, lost_rows};

use super::finding::Finding;
use super::units::{count, numbers};

/// What makes the rows again where `serve` has log and tables.
pub(super) const OF_SERVE: &str =
    "They are made again when `serve` starts: start it again, and wait until this is well";
/// The same of a deployment.
pub(super) const OF_DEPLOYMENT: &str =
    "Run `resultsdb rebuild --accept-differences`, which makes the tables again from the events";

/// Compares what the processors have done with what the tables show; `advice` is what makes the rows again.
pub(super) async fn of(log: &dyn EventLog, client: &Client, advice: &str) -> anyhow::Result<Finding> {
    Ok(judge(&lost_rows(log, client).await?, advice))
}

fn judge(lost: &[LostRows], advice: &str) -> Finding {
    let events: u64 = lost.iter().map(LostRows::events).sum();
    if events == 0 {
        return Finding::ok("the tables have every event that was written to them");
    }
    let partitions = numbers(lost.iter().map(|lost| format!("{}: {}", lost.partition, lost.events())));
    let found = format!(
        "the tables lack {} that they showed before (by partition {partitions}): they were lost, or put back from an earlier day",
        count(events, "event")
    );
    Finding::wrong(found, advice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    #[test]
    fn tables_that_lack_what_they_showed_are_wrong() {
        assert_eq!(judge(&[], OF_SERVE).verdict, Verdict::Ok);
        let lost = [LostRows { partition: 0, shown: 0, done: 12 }, LostRows { partition: 3, shown: 5, done: 13 }];
        let found = judge(&lost, OF_DEPLOYMENT);
        assert_eq!(found.verdict, Verdict::Wrong);
        assert!(
            found.found.starts_with("the tables lack 20 events that they showed before (by partition 0: 12, 3: 8)"),
            "{found:?}"
        );
    }
}
