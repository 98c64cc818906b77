//! Exports again and again. The manifest has when it was done last.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clickhouse::Client;
use schema::blobs::Blobs;
use schema::chore::{self, Chore, Pace};
use schema::lease::Lease;
use schema::retention::Retention;
use tokio::sync::watch;

use crate::{ExportError, ExportReport, manifest};

/// How often it is looked whether an export is due.
const LOOK: Duration = Duration::from_secs(60);

/// What is exported, and as whom.
struct Exporter<W> {
    client: Client,
    blobs: Blobs,
    retention: Retention,
    want: W,
}

/// Exports what is kept by the `retention` whenever the last export is so long ago, until `stop` turns true. `want` asks for the right that keeps the other
/// processes of a deployment from doing the same.
pub async fn regularly(
    client: Client,
    blobs: Blobs,
    retention: Retention,
    every: Duration,
    want: impl Fn(&Blobs) -> Lease + Sync,
    stop: watch::Receiver<bool>,
) {
    chore::regularly(Exporter { client, blobs, retention, want }, Pace { every, look: LOOK }, stop).await;
}

impl<W: Fn(&Blobs) -> Lease + Sync> Chore for Exporter<W> {
    type Done = ExportReport;
    type Error = ExportError;

    async fn last(&self) -> Result<Option<SystemTime>, ExportError> {
        let last = manifest::read(self.blobs.objects().as_ref()).await?;
        Ok(last.and_then(|manifest| UNIX_EPOCH.checked_add(Duration::from_secs(manifest.made_at))))
    }

    fn want(&self) -> Lease {
        (self.want)(&self.blobs)
    }

    async fn work(&self, now: SystemTime) -> Result<ExportReport, ExportError> {
        crate::run(&self.client, &self.blobs, &self.retention, now).await
    }

    fn tell(&self, exported: Result<ExportReport, ExportError>) {
        match exported {
            Ok(ExportReport { written, written_bytes, kept, removed }) => {
                tracing::info!(written, written_bytes, kept, removed, "facts were exported");
            }
            Err(error) => tracing::warn!(%error, "facts could not be exported; tried again later"),
        }
    }
}
