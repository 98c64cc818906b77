//! Whether every partition of the log has a reader.

use eventlog::KafkaLog;
use eventlog::kafka::GroupState;
use schema::EVENTS_TOPIC;

use super::finding::Finding;
use super::units::{count, numbers};

/// Asks who reads the events in a group.
pub(super) async fn of(log: &KafkaLog, group: &str) -> anyhow::Result<Finding> {
    let state = log.group_state(EVENTS_TOPIC, group).await?;
    Ok(judge(&state, group))
}

fn judge(state: &GroupState, group: &str) -> Finding {
    let members = count(state.members as u64, "processor");
    match &state.unread {
        _ if state.members == 0 => Finding::wrong(
            format!("no processor is a member of the group {group}, so nobody reads the events"),
            "Start `resultsdb processor`",
        ),
        None => Finding::look(
            format!("the group {group} of {members} is being shared out anew"),
            "Ask again in a minute, and look at the logs of the processors if that does not end",
        ),
        Some(unread) if !unread.is_empty() => Finding::wrong(
            format!("nobody of {members} in the group {group} reads the partitions {}", numbers(unread)),
            "Start the processors again one by one if they do not take them within a minute",
        ),
        Some(_) => Finding::ok(format!("{members} in the group {group} read every partition")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    #[test]
    fn a_partition_without_a_reader_is_wrong() {
        let of = |members, unread: Option<&[i32]>| {
            judge(&GroupState { members, unread: unread.map(|unread| unread.iter().copied().collect()) }, "g").verdict
        };
        assert_eq!(of(2, Some(&[])), Verdict::Ok);
        assert_eq!(of(2, None), Verdict::Look);
        assert_eq!([of(2, Some(&[3])), of(0, Some(&[0, 1, 2, 3])), of(0, None)], [Verdict::Wrong; 3]);
    }
}
