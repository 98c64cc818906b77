//! Tells uploads that repeat an earlier one, because a sender heard no answer and tried again: they are given the first
//! receipt, and nothing is appended.
//!
//! An upload with the contents of the last one of its run is a repetition; one of before the last is not, for it takes
//! the run back to what it was. Which was the last is only known once the views show everything that was appended before
//! the question, so that is waited for, by repetitions alone. An upload that cannot be told to be a repetition is
//! appended, which is harmless.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use clickhouse::Row;
use moka::sync::Cache;
use schema::EVENTS_TOPIC;
use schema::event::Once;
use schema::receipt::Receipt;
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::Intake;
use crate::append::wait_until_applied;
use crate::error::IntakeError;

/// Repetitions are told to be so among uploads of this many runs, until the views show them.
const REMEMBERED: u64 = 100_000;
const REMEMBERED_FOR: Duration = Duration::from_secs(3600);
/// A store that answers later is not asked, as long as the log takes uploads.
const PATIENCE: Duration = Duration::from_secs(2);
/// Uploads of this many runs can be looked at the same time.
const LANES: usize = 256;

/// What this process has appended of late.
pub(crate) struct Repeats {
    recent: Cache<String, Known>,
    lanes: Vec<Mutex<()>>,
    hasher: RandomState,
}

/// An upload that was appended.
#[derive(Clone)]
struct Known {
    content: String,
    receipt: Receipt,
}

#[derive(Row, Deserialize)]
struct Stored {
    name: String,
    content: String,
    receipt: String,
}

impl Default for Repeats {
    fn default() -> Self {
        Self {
            recent: Cache::builder().max_capacity(REMEMBERED).time_to_live(REMEMBERED_FOR).build(),
            lanes: (0..LANES).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl Repeats {
    /// The receipt of the upload that this one repeats, or of `append`.
    pub(crate) async fn once(
        &self,
        intake: &Intake,
        once: &Once,
        append: impl Future<Output = Result<Receipt, IntakeError>>,
    ) -> Result<Receipt, IntakeError> {
        // Two that come at the same time are looked at one after the other.
        let lane = self.lanes.get(self.hasher.hash_one(&once.run) as usize % LANES);
        let _alone = match lane {
            Some(lane) => Some(lane.lock().await),
            None => None,
        };
        if let Some(receipt) = self.find(intake, once).await? {
            metrics::counter!("resultsdb_repeated_uploads_total").increment(1);
            return Ok(receipt);
        }
        let receipt = append.await?;
        for name in once.names() {
            self.recent.insert(name.to_owned(), Known { content: once.content.clone(), receipt });
        }
        Ok(receipt)
    }

    async fn find(&self, intake: &Intake, once: &Once) -> Result<Option<Receipt>, IntakeError> {
        if let Some(key) = &once.key
            && let Some(known) = self.known(intake, key).await
        {
            if known.content == once.content {
                return Ok(Some(known.receipt));
            }
            return Err(IntakeError::Conflict("The Idempotency-Key came with another upload before".into()));
        }
        let repeats = |known: &Known| known.content == once.content;
        let Some(candidate) = self.known(intake, &once.run).await.filter(repeats) else { return Ok(None) };
        // Somebody else may have replaced the run since, at another instance of the intake.
        let Ok(ends) = intake.log.end_offsets(EVENTS_TOPIC).await else { return Ok(None) };
        let last = ends.get(candidate.receipt.partition as usize).and_then(|end| end.checked_sub(1));
        let Some(last) = last else { return Ok(None) };
        if !wait_until_applied(intake, Receipt { offset: last, ..candidate.receipt }, PATIENCE).await {
            return Ok(None);
        }
        Ok(stored(intake, &once.run).await.filter(repeats).map(|known| known.receipt))
    }

    async fn known(&self, intake: &Intake, name: &str) -> Option<Known> {
        match self.recent.get(name) {
            Some(known) => Some(known),
            None => stored(intake, name).await,
        }
    }
}

/// What the views show; nothing where the store is away.
async fn stored(intake: &Intake, name: &str) -> Option<Known> {
    let sql = "SELECT ?fields FROM receipts WHERE name = ?";
    let asked = intake.client.query(sql).bind(name).fetch_optional::<Stored>();
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(found)) => {
            let Stored { content, receipt, .. } = found.filter(|found| found.name == name)?;
            Some(Known { content, receipt: receipt.parse().ok()? })
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, "repeated uploads cannot be told");
            None
        }
        Err(_) => None,
    }
}
