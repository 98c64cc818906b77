//! Sweeps again and again, so that nobody has to think of it. When it was done last is kept beside the blobs.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clickhouse::Client;
use eventlog::EventLog;
use object_store::path::Path as Key;
use object_store::{Error, ObjectStoreExt};
use schema::blobs::{BlobError, Blobs};
use schema::lease::Lease;
use schema::retention::Retention;
use tokio::sync::watch;

use super::{SweepError, SweepOptions, SweepReport};

/// The object that has when a sweep was done last, seconds since 1970.
const LAST: &str = "sweeps/last";
/// How often it is looked whether a sweep is due. A process that starts looks after this time, too, when it has caught up.
const LOOK: Duration = Duration::from_secs(3600);
/// How long the right may take; who does not get it looks again later.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sweeps whenever the last sweep is so long ago, until `stop` turns true. `want` asks for the right that keeps rebuilds and
/// other sweeps away.
pub async fn regularly(
    log: Arc<dyn EventLog>,
    client: Client,
    blobs: Blobs,
    retention: Retention,
    (every, options): (Duration, SweepOptions),
    want: impl Fn(&Blobs) -> Lease,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let swept = async {
            tokio::time::sleep(LOOK).await;
            let now = SystemTime::now();
            if !is_due(&blobs, every, now).await? {
                return Ok(None);
            }
            let mut right = want(&blobs);
            let swept = if tokio::time::timeout(PATIENCE, right.held()).await.is_ok() {
                tokio::select! {
                    swept = super::run(Arc::clone(&log), &client, &blobs, &retention, options, now) => swept.map(Some),
                    () = right.lost() => Ok(None),
                }
            } else {
                Ok(None)
            };
            right.release().await;
            if let Ok(Some(_)) = swept {
                remember(&blobs, now).await?;
            }
            swept
        };
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return,
            swept = swept => tell(swept),
        }
    }
}

fn tell(swept: Result<Option<SweepReport>, SweepError>) {
    match swept {
        Ok(None) => {}
        Ok(Some(SweepReport { events, unreadable, kept, swept, swept_bytes })) => {
            metrics::counter!("resultsdb_swept_blobs_total").increment(swept);
            tracing::info!(events, unreadable, kept, swept, swept_bytes, "blobs that no event names were removed");
        }
        Err(error) => tracing::warn!(%error, "blobs that no event names could not be removed; tried again later"),
    }
}

/// Whether the last sweep is so long ago at a time, or there was none.
async fn is_due(blobs: &Blobs, every: Duration, now: SystemTime) -> Result<bool, BlobError> {
    let bytes = match blobs.objects().get(&Key::from(LAST)).await {
        Ok(found) => found.bytes().await?,
        Err(Error::NotFound { .. }) => return Ok(true),
        Err(error) => return Err(error.into()),
    };
    let last = std::str::from_utf8(&bytes).ok().and_then(|text| text.parse().ok()).map(Duration::from_secs);
    let since = last.map(|last| now.duration_since(UNIX_EPOCH + last).unwrap_or_default());
    Ok(since.is_none_or(|since| since >= every))
}

async fn remember(blobs: &Blobs, now: SystemTime) -> Result<(), BlobError> {
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    blobs.objects().put(&Key::from(LAST), seconds.to_string().into()).await?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sweep_is_due_once_the_last_one_is_long_ago() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::in_folder(folder.path()).unwrap();
        let (day, now) = (Duration::from_secs(86_400), SystemTime::now());
        assert!(is_due(&blobs, day, now).await.unwrap());
        remember(&blobs, now).await.unwrap();
        assert!(!is_due(&blobs, day, now).await.unwrap());
        // A clock that was set back makes none due.
        assert!(!is_due(&blobs, day, now - day).await.unwrap());
        assert!(is_due(&blobs, day, now + day + Duration::from_secs(1)).await.unwrap());
        // When it was the last is no blob that could be swept.
        assert!(blobs.older_than(Duration::ZERO, now + day).await.unwrap().is_empty());
    }
}
