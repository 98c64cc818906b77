//! How far the views are.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clickhouse::Client;
use tokio::sync::{Mutex, watch};

use crate::error::AnswerError;

/// How far the views are: a number that grows with every change of them.
#[derive(Clone)]
pub enum Watermark {
    /// The processor of this process says so.
    Here(watch::Receiver<u64>),
    /// The store is asked; whoever waits meanwhile shares the answer.
    InStore(Arc<StoreWatermark>),
}

/// A watermark as the store gave it last.
pub struct StoreWatermark {
    client: Client,
    last: Mutex<Option<(Instant, u64)>>,
    latest: AtomicU64,
}

impl Watermark {
    /// Asks the store.
    pub fn in_store(client: Client) -> Self {
        Self::InStore(Arc::new(StoreWatermark { client, last: Mutex::new(None), latest: AtomicU64::new(0) }))
    }

    /// What the last call of [`Self::now`], of any request, found; 0 before the first.
    pub fn latest(&self) -> u64 {
        self.known().unwrap_or(0)
    }

    /// The same; none before the first call.
    pub(crate) fn known(&self) -> Option<u64> {
        match self {
            Self::Here(applied) => Some(*applied.borrow()),
            Self::InStore(store) => Some(store.latest.load(Ordering::Acquire)).filter(|latest| *latest > 0),
        }
    }

    /// A number that grows with every change of the views that was complete before the call.
    pub async fn now(&self) -> Result<u64, AnswerError> {
        match self {
            Self::Here(applied) => Ok(*applied.borrow()),
            Self::InStore(store) => {
                let called = Instant::now();
                let mut last = store.last.lock().await;
                if let Some((_, value)) = last.filter(|(begun, _)| *begun >= called) {
                    return Ok(value);
                }
                let begun = Instant::now();
                let value = store.client.query("SELECT sum(next_offset) FROM watermarks").fetch_one().await?;
                *last = Some((begun, value));
                store.latest.store(value, Ordering::Release);
                Ok(value)
            }
        }
    }
}
