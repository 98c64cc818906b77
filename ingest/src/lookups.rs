//! Questions to the store that are asked together. Most of a statement's cost does not depend on how many rows are asked
//! for, so that what is asked while one statement runs is asked by the next in one.

use std::collections::HashMap;
use std::hash::Hash;
use std::mem;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use clickhouse::error::Result;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{Mutex, oneshot};
use tokio::time::Instant;

use crate::wait::STORE_TIMEOUT;

/// Between two statements there is a pause of so many times what the first one took. A crowd is asked about in few
/// statements therefore, and leaves the processors to others; whoever comes alone finds the pause over.
const PAUSE: u32 = 4;
/// A pause is no longer, however slow the store is.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Looks keys up with one statement.
type Ask<K, V> = dyn Fn(Vec<K>) -> BoxFuture<'static, Result<HashMap<K, V>>> + Send + Sync;

/// Looks keys up in the store, one statement at a time.
pub(crate) struct Lookups<K, V> {
    ask: Arc<Ask<K, V>>,
    /// What is not known while the store is away, as a warning says it.
    unknown: &'static str,
    waiting: std::sync::Mutex<Vec<Waiting<K, V>>>,
    /// Held by the statement that runs.
    turn: Arc<Mutex<()>>,
}

/// A key, and who waits for what it stands for.
type Waiting<K, V> = (K, oneshot::Sender<Option<V>>);

impl<K, V> Lookups<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + 'static,
{
    /// Looks up by `ask`. Where the store is away, a warning says what is `unknown` therefore.
    pub(crate) fn new<F>(unknown: &'static str, ask: impl Fn(Vec<K>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<HashMap<K, V>>> + Send + 'static,
    {
        let ask = Arc::new(move |keys| ask(keys).boxed());
        Self { ask, unknown, waiting: std::sync::Mutex::default(), turn: Arc::default() }
    }

    /// What the store has under a key; none where it has nothing, or is away.
    pub(crate) async fn look_up(&self, key: K) -> Option<V> {
        let (sender, mut receiver) = oneshot::channel();
        self.waiting().push((key, sender));
        // Whoever is answered by the statement of another does not wait for a turn any more.
        let turn = tokio::select! {
            biased;
            answer = &mut receiver => return answer.ok().flatten(),
            turn = Arc::clone(&self.turn).lock_owned() => turn,
        };
        let waiting = mem::take(&mut *self.waiting());
        // The statement before may have looked this key up, too.
        if !waiting.is_empty() {
            let (ask, unknown) = (Arc::clone(&self.ask), self.unknown);
            // The statement goes on for the others if the sender whose turn it is hangs up.
            tokio::spawn(async move {
                let begun = Instant::now();
                answer(&*ask, unknown, waiting).await;
                tokio::time::sleep((begun.elapsed() * PAUSE).min(LONGEST_PAUSE)).await;
                drop(turn);
            });
        }
        receiver.await.ok().flatten()
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting<K, V>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks all keys up, and tells each who waits.
async fn answer<K, V>(ask: &Ask<K, V>, unknown: &'static str, waiting: Vec<Waiting<K, V>>)
where
    K: Clone + Eq + Hash,
    V: Clone,
{
    let keys = waiting.iter().map(|(key, _)| key.clone()).collect();
    let found = match tokio::time::timeout(STORE_TIMEOUT, ask(keys)).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => {
            tracing::warn!(%error, "{unknown}");
            HashMap::new()
        }
        Err(_) => {
            tracing::warn!("{unknown}: the store does not answer");
            HashMap::new()
        }
    };
    for (key, sender) in waiting {
        // A sender that hung up does not wait any more.
        let _ = sender.send(found.get(&key).cloned());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use tokio::sync::watch;

    #[tokio::test]
    async fn what_is_asked_while_a_statement_runs_is_asked_in_one() {
        let (go, gone) = watch::channel(false);
        let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        let lookups = Lookups::new("numbers", move |keys: Vec<u32>| {
            let (mut gone, seen) = (gone.clone(), Arc::clone(&seen));
            async move {
                seen.lock().unwrap().push(keys.clone());
                gone.wait_for(|gone| *gone).await.unwrap();
                Ok(keys.into_iter().filter(|key| key % 2 == 0).map(|key| (key, key * 10)).collect())
            }
        });
        let all = futures_util::future::join_all((0..20).map(|key| lookups.look_up(key)));
        let release = async {
            while asked.lock().unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
            go.send(true).unwrap();
        };
        let (found, ()) = tokio::join!(all, release);
        assert_eq!(found[4..7], [Some(40), None, Some(60)]);
        assert!(asked.lock().unwrap().len() <= 2, "{:?}", asked.lock().unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_known_of_a_store_that_is_away() {
        let lookups = Lookups::<u32, u32>::new("numbers", |_| std::future::pending());
        assert_eq!(lookups.look_up(7).await, None);
        let lookups = Lookups::<u32, u32>::new("numbers", |_| async { Err(clickhouse::error::Error::TimedOut) });
        assert_eq!(lookups.look_up(7).await, None);
    }
}
