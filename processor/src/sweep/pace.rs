//! Sweeps again and again. When it was done last is kept beside the blobs.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clickhouse::Client;
use eventlog::EventLog;
use object_store::path::Path as Key;
use object_store::{Error, ObjectStoreExt};
use schema::blobs::{BlobError, Blobs};
use schema::chore::{self, Chore, Pace};
use schema::lease::Lease;
use schema::retention::Retention;
use tokio::sync::watch;

use super::{SweepError, SweepOptions, SweepReport};

/// The object that has when a sweep was done last, seconds since 1970.
const LAST: &str = "sweeps/last";
/// How often it is looked whether a sweep is due.
const LOOK: Duration = Duration::from_secs(3600);

/// What is swept, and as whom.
struct Sweeper<W> {
    log: Arc<dyn EventLog>,
    client: Client,
    blobs: Blobs,
    retention: Retention,
    options: SweepOptions,
    want: W,
}

/// Sweeps whenever the last sweep is so long ago, until `stop` turns true. `want` asks for the right that keeps rebuilds and
/// other sweeps away.
pub async fn regularly(
    log: Arc<dyn EventLog>,
    client: Client,
    blobs: Blobs,
    retention: Retention,
    (every, options): (Duration, SweepOptions),
    want: impl Fn(&Blobs) -> Lease + Sync,
    stop: watch::Receiver<bool>,
) {
    let sweeper = Sweeper { log, client, blobs, retention, options, want };
    chore::regularly(sweeper, Pace { every, look: LOOK }, stop).await;
}

impl<W: Fn(&Blobs) -> Lease + Sync> Chore for Sweeper<W> {
    type Done = SweepReport;
    type Error = SweepError;

    async fn last(&self) -> Result<Option<SystemTime>, SweepError> {
        Ok(last(&self.blobs).await?)
    }

    fn want(&self) -> Lease {
        (self.want)(&self.blobs)
    }

    async fn work(&self, now: SystemTime) -> Result<SweepReport, SweepError> {
        let Self { log, client, blobs, retention, options, .. } = self;
        let swept = super::run(Arc::clone(log), client, blobs, retention, *options, now).await?;
        remember(blobs, now).await?;
        Ok(swept)
    }

    fn tell(&self, swept: Result<SweepReport, SweepError>) {
        match swept {
            Ok(SweepReport { events, unreadable, kept, swept, swept_bytes, over, over_bytes }) => {
                metrics::counter!("resultsdb_swept_blobs_total").increment(swept);
                tracing::info!(events, unreadable, kept, swept, swept_bytes, "blobs that no event names were removed");
                tracing::info!(over, over_bytes, "events that are over were shortened");
            }
            Err(error) => tracing::warn!(%error, "blobs that no event names could not be removed; tried again later"),
        }
    }
}

/// When the last sweep was; none if there was none.
async fn last(blobs: &Blobs) -> Result<Option<SystemTime>, BlobError> {
    let bytes = match blobs.objects().get(&Key::from(LAST)).await {
        Ok(found) => found.bytes().await?,
        Err(Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let seconds = std::str::from_utf8(&bytes).ok().and_then(|text| text.parse().ok());
    Ok(seconds.and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds))))
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
    async fn the_last_sweep_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::in_folder(folder.path()).unwrap();
        let (day, now) = (Duration::from_secs(86_400), SystemTime::now());
        assert_eq!(last(&blobs).await.unwrap(), None);
        remember(&blobs, now).await.unwrap();
        let since = now.duration_since(last(&blobs).await.unwrap().unwrap()).unwrap();
        assert!(since < Duration::from_secs(1), "{since:?}");
        // When it was the last is no blob that could be swept.
        assert!(blobs.older_than(Duration::ZERO, now + day).await.unwrap().is_empty());
    }
}
