//! Waits until the views show an event.

use std::time::Duration;

use bytes::Bytes;
use eventlog::EventLog;
use schema::clock::now_signed;
use schema::event::Request;
use schema::receipt::Receipt;
use schema::{EVENTS_TOPIC, PROCESSOR_GROUP};

use crate::append::{AcceptedRequest, EventAppender};
use crate::error::IntakeError;
use crate::sender::Sender;

/// A store that answers later is done without: as long as the log takes uploads, they are taken.
pub(crate) const STORE_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest wait that a sender may ask for.
const MAX_WAIT: Duration = Duration::from_secs(300);
/// How long a request waits whose effect its sender asks for next.
const SHOWN_WITHIN: Duration = Duration::from_secs(30);
/// Between two looks at a log that does not tell of commits: the first pause, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(50));

/// Whether the processor committed past the event within `limit`.
pub(crate) async fn wait_until_shown(log: &dyn EventLog, receipt: Receipt, limit: Duration) -> bool {
    let shown = wait_for_commits(log, |committed| {
        committed.get(receipt.partition as usize).is_some_and(|next| *next > receipt.offset)
    });
    tokio::time::timeout(limit.min(MAX_WAIT), shown).await.is_ok()
}

/// Whether the views show, within `limit`, every event that is in the log now.
pub(crate) async fn wait_until_all_shown(log: &dyn EventLog, limit: Duration) -> bool {
    let all_shown = async {
        let Ok(ends) = log.end_offsets(EVENTS_TOPIC).await else { return false };
        wait_for_commits(log, |committed| {
            ends.iter().zip(committed).all(|(end, next)| next >= end) && committed.len() >= ends.len()
        })
        .await;
        true
    };
    tokio::time::timeout(limit, all_shown).await.unwrap_or(false)
}

/// Waits until the offsets that the processor has committed, one a partition, are enough.
async fn wait_for_commits(log: &dyn EventLog, is_enough: impl Fn(&[u64]) -> bool) {
    let (mut pause, longest) = PAUSES;
    let mut commits = log.commits();
    loop {
        if let Ok(committed) = log.committed_offsets(EVENTS_TOPIC, PROCESSOR_GROUP).await
            && is_enough(&committed)
        {
            return;
        }
        let has_changed = match &mut commits {
            Some(commits) => commits.changed().await.is_ok(),
            None => false,
        };
        if !has_changed {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
    }
}

/// Appends a request whose effect its sender asks for next, and waits until the views show it. `what` names it in the
/// error of a wait that was too long.
pub(crate) async fn append_and_show(
    appender: &EventAppender,
    key: &[u8],
    request: Request,
    payload: Bytes,
    sender: &Sender,
    what: &str,
) -> Result<(), IntakeError> {
    let accepted = AcceptedRequest::new(request, payload, now_signed(), sender)?;
    let receipt = appender.append(key, accepted).await?;
    if !wait_until_shown(appender.log(), receipt, SHOWN_WITHIN).await {
        return Err(IntakeError::Unavailable(format!("The {what} is stored but not visible yet")));
    }
    Ok(())
}
