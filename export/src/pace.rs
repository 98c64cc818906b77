//! When exports are made.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clickhouse::Client;
use schema::blobs::Blobs;
use schema::lease::Lease;
use tokio::sync::watch;

use crate::{ExportError, ExportReport, manifest};

/// How often it is looked whether an export is due.
const LOOK: Duration = Duration::from_secs(60);
/// How long the right may take; who does not get it looks again later.
const PATIENCE: Duration = Duration::from_secs(60);

/// Exports whenever the last export is so long ago, until `stop` turns true. `want` asks for the right that keeps the other
/// processes of a deployment from doing the same.
pub async fn regularly(
    client: Client,
    blobs: Blobs,
    every: Duration,
    want: impl Fn(&Blobs) -> Lease,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let exported = async {
            tokio::time::sleep(LOOK).await;
            if !is_due(&blobs, every).await? {
                return Ok(None);
            }
            let mut right = want(&blobs);
            if tokio::time::timeout(PATIENCE, right.held()).await.is_err() {
                return Ok(None);
            }
            // Another one may have had the right until now, and done it.
            let exported = if is_due(&blobs, every).await? {
                tokio::select! {
                    exported = crate::run(&client, &blobs, SystemTime::now()) => exported.map(Some),
                    () = right.lost() => Ok(None),
                }
            } else {
                Ok(None)
            };
            right.release().await;
            exported
        };
        tokio::select! {
            exported = exported => tell(exported),
            // A sender that is gone stops nothing any more, and neither does this.
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

fn tell(exported: Result<Option<ExportReport>, ExportError>) {
    match exported {
        Ok(None) => {}
        Ok(Some(ExportReport { written, written_bytes, kept, removed })) => {
            tracing::info!(written, written_bytes, kept, removed, "facts were exported");
        }
        Err(error) => tracing::warn!(%error, "facts could not be exported; it is tried again"),
    }
}

/// Whether the last export is so long ago.
async fn is_due(blobs: &Blobs, every: Duration) -> Result<bool, ExportError> {
    let last = manifest::read(blobs.objects().as_ref()).await?.map_or(0, |manifest| manifest.made_at);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(now.saturating_sub(Duration::from_secs(last)) >= every)
}
