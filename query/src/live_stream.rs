//! Listeners that are told whenever the views move.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use answers::Watermark;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::error::ApiError;

/// The least time between two events of a listener, and between two questions to the store.
const PACE: Duration = Duration::from_secs(1);
/// Proxies close what is silent for longer.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Each holds a connection.
const LISTENERS: usize = 1000;

/// Who listens, and to what.
pub(crate) struct Live {
    watermark: Watermark,
    places: Arc<Semaphore>,
    /// Turns true when the service stops: an open stream would hold that up.
    stop: watch::Receiver<bool>,
    pace: Duration,
    source: Arc<StoreSource>,
}

/// What the store says; there while anyone listens, and with it the one task that asks.
type StoreSource = Mutex<Option<watch::Sender<u64>>>;

fn lock(source: &StoreSource) -> MutexGuard<'_, Option<watch::Sender<u64>>> {
    source.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Live {
    pub(crate) fn new(watermark: Watermark, stop: watch::Receiver<bool>) -> Self {
        let places = Arc::new(Semaphore::new(LISTENERS));
        Self { watermark, places, stop, pace: PACE, source: Arc::default() }
    }

    pub(crate) fn listen(&self) -> Result<Listener, ApiError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            ApiError::Busy(format!("{LISTENERS} pages are updated live already, which is the most; try again later"))
        })?;
        let mut moves = self.moves();
        // The first event says how far the views are now.
        moves.mark_changed();
        Ok(Listener { moves, stop: self.stop.clone(), pace: self.pace, last: None, _place: place })
    }

    fn moves(&self) -> watch::Receiver<u64> {
        if let Watermark::Here(applied) = &self.watermark {
            return applied.clone();
        }
        let mut shared = lock(&self.source);
        if let Some(sender) = &*shared {
            return sender.subscribe();
        }
        let (sender, receiver) = watch::channel(self.watermark.latest());
        *shared = Some(sender);
        tokio::spawn(ask(self.watermark.clone(), Arc::clone(&self.source), self.pace));
        receiver
    }
}

/// Asks the store until nobody listens any more.
async fn ask(watermark: Watermark, source: Arc<StoreSource>, pace: Duration) {
    let mut ticks = interval(pace);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // A store that is away is asked again; whoever needs its answers is told by them.
        let now = watermark.now().await.ok();
        let mut shared = lock(&source);
        let Some(sender) = shared.as_ref().filter(|sender| sender.receiver_count() > 0) else {
            *shared = None;
            return;
        };
        if let Some(now) = now {
            sender.send_if_modified(|last| std::mem::replace(last, now) != now);
        }
    }
}

/// One who listens.
pub(crate) struct Listener {
    moves: watch::Receiver<u64>,
    stop: watch::Receiver<bool>,
    pace: Duration,
    last: Option<Instant>,
    _place: OwnedSemaphorePermit,
}

impl Listener {
    /// The next watermark, not too soon after the last; `None` once the service stops.
    pub(crate) async fn next(&mut self) -> Option<u64> {
        let Self { moves, stop, pace, last, .. } = self;
        let moved = async {
            if let Some(last) = last {
                sleep_until(*last + *pace).await;
            }
            moves.changed().await.ok()?;
            *last = Some(Instant::now());
            Some(*moves.borrow_and_update())
        };
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => None,
            watermark = moved => watermark,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// What tells the views' progress, what stops the service, and the listeners of both.
    fn live(pace: Duration) -> (watch::Sender<u64>, watch::Sender<bool>, Live) {
        let ((applied, watermark), (stop, stopping)) = (watch::channel(7), watch::channel(false));
        let live = Live { pace, ..Live::new(Watermark::Here(watermark), stopping) };
        (applied, stop, live)
    }

    #[tokio::test]
    async fn a_listener_hears_where_the_views_are_and_every_move() {
        let (applied, stop, live) = live(Duration::ZERO);
        let mut listener = live.listen().unwrap();
        assert_eq!(listener.next().await, Some(7));
        applied.send(8).unwrap();
        assert_eq!(listener.next().await, Some(8));
        stop.send(true).unwrap();
        assert_eq!(listener.next().await, None);
    }

    #[tokio::test]
    async fn many_moves_are_one_event() {
        let pace = Duration::from_millis(50);
        let (applied, _stop, live) = live(pace);
        let mut listener = live.listen().unwrap();
        listener.next().await;
        let begun = Instant::now();
        for watermark in 8..100 {
            applied.send(watermark).unwrap();
        }
        assert_eq!(listener.next().await, Some(99));
        assert!(begun.elapsed() + Duration::from_millis(5) >= pace, "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn a_stop_ends_a_stream_that_waits() {
        let (_applied, stop, live) = live(PACE);
        let mut listener = live.listen().unwrap();
        listener.next().await;
        let waiting = tokio::spawn(async move { listener.next().await });
        stop.send(true).unwrap();
        assert_eq!(waiting.await.unwrap(), None);
    }

    #[tokio::test]
    async fn one_more_than_the_most_is_refused_until_another_leaves() {
        let (_applied, _stop, live) = live(PACE);
        let mut listeners: Vec<Listener> = (0..LISTENERS).map(|_| live.listen().unwrap()).collect();
        let refused = live.listen().err().unwrap();
        assert_eq!(refused.status(), axum::http::StatusCode::SERVICE_UNAVAILABLE);
        listeners.pop();
        assert!(live.listen().is_ok());
    }

    #[tokio::test]
    async fn the_store_is_asked_by_one_task_and_only_while_someone_listens() {
        let (_stop, stopping) = watch::channel(false);
        let nowhere = clickhouse::Client::default().with_url("http://127.0.0.1:1");
        let pace = Duration::from_millis(5);
        let live = Live { pace, ..Live::new(Watermark::in_store(nowhere), stopping) };
        let listeners = [live.listen().unwrap(), live.listen().unwrap()];
        assert_eq!(lock(&live.source).as_ref().unwrap().receiver_count(), 2);
        drop(listeners);
        while lock(&live.source).is_some() {
            tokio::task::yield_now().await;
        }
        assert!(live.listen().is_ok() && lock(&live.source).is_some());
    }
}
