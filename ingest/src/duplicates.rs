//! Recognises uploads that repeat an earlier one, because a sender heard no answer and tried again: they are given the first
//! receipt, and nothing is appended.
//!
//! An upload with the contents of the last one of its run is a repetition; one with the contents of an earlier one is not,
//! for it takes the run back to what it was. Which upload was the last is only known once the views show everything that was
//! appended before the question, so repetitions, and they alone, wait for that. An upload that cannot be recognised as a
//! repetition is appended, which is harmless.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use clickhouse::{Client, Row};
use eventlog::EventLog;
use moka::sync::Cache;
use schema::EVENTS_TOPIC;
use schema::event::UploadFingerprint;
use schema::receipt::Receipt;
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::error::IntakeError;
use crate::lookups::Lookups;
use crate::wait::{STORE_TIMEOUT, wait_until_shown};

/// Uploads of so many runs are remembered here, until the views show them.
const REMEMBERED_RUNS: u64 = 100_000;
const REMEMBERED_FOR: Duration = Duration::from_secs(3600);
/// Uploads of so many runs can be compared at the same time.
const LANES: usize = 256;

/// Recognises repeated uploads.
pub(crate) struct Duplicates {
    log: Arc<dyn EventLog>,
    /// What this process has appended within the hour, by the names of a fingerprint.
    recent: Cache<String, AppendedUpload>,
    /// One lock for each share of the runs.
    lanes: Vec<Mutex<()>>,
    hasher: RandomState,
    lookups: Lookups<String, AppendedUpload>,
}

/// An upload that was appended.
#[derive(Clone)]
struct AppendedUpload {
    /// Digest of everything that it says.
    content: String,
    receipt: Receipt,
}

#[derive(Row, Deserialize)]
struct StoredReceipt {
    name: String,
    content: String,
    receipt: String,
}

impl Duplicates {
    pub(crate) fn new(log: Arc<dyn EventLog>, client: Client) -> Self {
        Self {
            log,
            recent: Cache::builder().max_capacity(REMEMBERED_RUNS).time_to_live(REMEMBERED_FOR).build(),
            lanes: (0..LANES).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            lookups: Lookups::new("repeated uploads cannot be recognised", move |names| stored(client.clone(), names)),
        }
    }

    /// The receipt of the upload that this one repeats; if it repeats none, it is appended and its own receipt returned.
    pub(crate) async fn first_receipt(
        &self,
        fingerprint: &UploadFingerprint,
        append: impl Future<Output = Result<Receipt, IntakeError>>,
    ) -> Result<Receipt, IntakeError> {
        // Two uploads of one run that come at the same time are compared one after the other.
        let lane = self.lanes.get(self.hasher.hash_one(&fingerprint.run) as usize % LANES);
        let _alone = match lane {
            Some(lane) => Some(lane.lock().await),
            None => None,
        };
        if let Some(receipt) = self.find(fingerprint).await? {
            metrics::counter!("resultsdb_repeated_uploads_total").increment(1);
            return Ok(receipt);
        }
        let receipt = append.await?;
        for name in fingerprint.names() {
            let appended = AppendedUpload { content: fingerprint.content.clone(), receipt };
            self.recent.insert(name.to_owned(), appended);
        }
        Ok(receipt)
    }

    /// The receipt of the upload that one with this fingerprint repeats.
    async fn find(&self, fingerprint: &UploadFingerprint) -> Result<Option<Receipt>, IntakeError> {
        if let Some(key) = &fingerprint.key
            && let Some(earlier) = self.appended(key).await
        {
            if earlier.content == fingerprint.content {
                return Ok(Some(earlier.receipt));
            }
            return Err(IntakeError::Conflict("The Idempotency-Key came with another upload before".into()));
        }
        let is_repeated = |earlier: &AppendedUpload| earlier.content == fingerprint.content;
        let Some(candidate) = self.appended(&fingerprint.run).await.filter(is_repeated) else { return Ok(None) };
        // Another instance of the intake may have replaced the run since.
        let Ok(ends) = self.log.end_offsets(EVENTS_TOPIC).await else { return Ok(None) };
        let last = ends.get(candidate.receipt.partition as usize).and_then(|end| end.checked_sub(1));
        let Some(last) = last else { return Ok(None) };
        let last = Receipt { offset: last, ..candidate.receipt };
        if !wait_until_shown(self.log.as_ref(), last, STORE_TIMEOUT).await {
            return Ok(None);
        }
        Ok(self.lookups.look_up(fingerprint.run.clone()).await.filter(is_repeated).map(|earlier| earlier.receipt))
    }

    /// The last upload that a name stands for.
    async fn appended(&self, name: &str) -> Option<AppendedUpload> {
        match self.recent.get(name) {
            Some(appended) => Some(appended),
            None => self.lookups.look_up(name.to_owned()).await,
        }
    }
}

/// The uploads that the views show under some names.
async fn stored(client: Client, names: Vec<String>) -> clickhouse::error::Result<HashMap<String, AppendedUpload>> {
    let query = client.query("SELECT ?fields FROM receipts WHERE name IN ?").bind(names);
    let stored = query.fetch_all::<StoredReceipt>().await?;
    let appended = |stored: StoredReceipt| {
        let StoredReceipt { name, content, receipt } = stored;
        Some((name, AppendedUpload { content, receipt: receipt.parse().ok()? }))
    };
    Ok(stored.into_iter().filter_map(appended).collect())
}
