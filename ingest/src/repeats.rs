//! Tells uploads that repeat an earlier one, because a sender heard no answer and tried again: they are given the first
//! receipt, and nothing is appended.
//!
//! An upload with the contents of the last one of its run is a repetition; one of before the last is not, for it takes
//! the run back to what it was. Which was the last is only known once the views show everything that was appended before
//! the question, so that is waited for, by repetitions alone. An upload that cannot be told to be a repetition is
//! appended, which is harmless.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::mem;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use clickhouse::{Client, Row};
use moka::sync::Cache;
use schema::EVENTS_TOPIC;
use schema::event::Once;
use schema::receipt::Receipt;
use serde::Deserialize;
use tokio::sync::{Mutex, oneshot};

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
    questions: Questions,
}

/// What the store is asked. Most of a question's cost does not depend on how many names it has, so that those who come
/// while one is asked are answered together by the next.
#[derive(Default)]
struct Questions {
    waiting: std::sync::Mutex<Vec<(String, oneshot::Sender<Option<Known>>)>>,
    turn: Arc<Mutex<()>>,
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
            questions: Questions::default(),
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
        Ok(self.questions.ask(intake, &once.run).await.filter(repeats).map(|known| known.receipt))
    }

    async fn known(&self, intake: &Intake, name: &str) -> Option<Known> {
        match self.recent.get(name) {
            Some(known) => Some(known),
            None => self.questions.ask(intake, name).await,
        }
    }
}

impl Questions {
    /// What the views show of a name; nothing where the store is away.
    async fn ask(&self, intake: &Intake, name: &str) -> Option<Known> {
        let (tell, told) = oneshot::channel();
        self.waiting().push((name.to_owned(), tell));
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let waiting = mem::take(&mut *self.waiting());
        // Whoever had the turn before may have asked for this one, too.
        if !waiting.is_empty() {
            let client = intake.client.clone();
            // Goes on if the one whose turn it is hangs up.
            tokio::spawn(async move {
                answer(&client, waiting).await;
                drop(turn);
            });
        }
        told.await.ok().flatten()
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<(String, oneshot::Sender<Option<Known>>)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answer(client: &Client, waiting: Vec<(String, oneshot::Sender<Option<Known>>)>) {
    let names: Vec<&str> = waiting.iter().map(|(name, _)| name.as_str()).collect();
    let asked = client.query("SELECT ?fields FROM receipts WHERE name IN ?").bind(names).fetch_all::<Stored>();
    let stored = match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(stored)) => stored,
        Ok(Err(error)) => {
            tracing::warn!(%error, "repeated uploads cannot be told");
            Vec::new()
        }
        Err(_) => Vec::new(),
    };
    let known =
        |stored: Stored| Some((stored.name, Known { content: stored.content, receipt: stored.receipt.parse().ok()? }));
    let known: HashMap<String, Known> = stored.into_iter().filter_map(known).collect();
    for (name, tell) in waiting {
        // Who does not wait any more need not know.
        let _ = tell.send(known.get(&name).cloned());
    }
}
