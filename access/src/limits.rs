//! How much one caller may ask for, so that none starves the others: so many requests a second, and so many at once.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use moka::sync::Cache;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::denied::Denied;

/// Limits of one caller: of a key, or of an address without one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests a second, in the long run.
    pub requests_per_second: NonZeroU32,
    /// Requests at a stroke, after a rest.
    pub burst: NonZeroU32,
    /// Uploads that are taken in at once; others wait.
    pub uploads_at_once: NonZeroU32,
    /// Questions that are answered at once; others wait. One that costs much costs the store as much as several processors do.
    pub questions_at_once: NonZeroU32,
}

impl Default for Limits {
    fn default() -> Self {
        let of = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        Self { requests_per_second: of(100), burst: of(1000), uploads_at_once: of(16), questions_at_once: of(4) }
    }
}

/// A request waits so long for the earlier ones of its caller.
const PATIENCE: Duration = Duration::from_secs(10);
/// Callers that are remembered, and how long after their last request.
const CALLERS: u64 = 100_000;
const REMEMBERED: Duration = Duration::from_secs(600);
/// The rates of callers that came to rest are forgotten after so many requests.
const SWEEP_EVERY: usize = 10_000;

/// What a request asks of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Load {
    /// Memory, and a place in the log.
    Upload,
    /// Work of the store.
    Question,
}

/// Counts what callers ask for.
pub(crate) struct Gauge {
    rates: DefaultKeyedRateLimiter<String>,
    at_once: Cache<(String, Load), Arc<Semaphore>>,
    limits: Limits,
}

impl Gauge {
    pub(crate) fn new(limits: Limits) -> Self {
        let quota = Quota::per_second(limits.requests_per_second).allow_burst(limits.burst);
        let at_once = Cache::builder().max_capacity(CALLERS).time_to_idle(REMEMBERED).build();
        Self { rates: RateLimiter::keyed(quota), at_once, limits }
    }

    /// Counts a request of a caller.
    ///
    /// # Errors
    /// There were too many; after how many seconds there may be another.
    pub(crate) fn count(&self, caller: &str) -> Result<(), Denied> {
        if self.rates.len() > SWEEP_EVERY {
            self.rates.retain_recent();
        }
        self.rates.check_key(&caller.to_owned()).map_err(|early| {
            let wait = early.wait_time_from(DefaultClock::default().now());
            Denied::TooMany { seconds: wait.as_secs().saturating_add(1) }
        })
    }

    /// A place among the requests of a caller; waits while earlier ones take all.
    ///
    /// # Errors
    /// They took too long.
    pub(crate) async fn place(&self, caller: &str, load: Load) -> Result<OwnedSemaphorePermit, Denied> {
        let places = match load {
            Load::Upload => self.limits.uploads_at_once,
            Load::Question => self.limits.questions_at_once,
        };
        let new = || Arc::new(Semaphore::new(places.get() as usize));
        let places = self.at_once.get_with((caller.to_owned(), load), new);
        match tokio::time::timeout(PATIENCE, places.acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(Denied::TooMany { seconds: 1 }),
        }
    }
}

impl std::fmt::Debug for Gauge {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Gauge").field("limits", &self.limits).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn limits(burst: u32, at_once: u32) -> Limits {
        let of = |number| NonZeroU32::new(number).unwrap();
        Limits {
            requests_per_second: of(1),
            burst: of(burst),
            uploads_at_once: of(at_once),
            questions_at_once: of(at_once),
        }
    }

    #[test]
    fn a_greedy_caller_is_told_when_to_come_again_and_others_are_not() {
        let gauge = Gauge::new(limits(3, 1));
        let counted: Vec<bool> = (0..5).map(|_| gauge.count("greedy").is_ok()).collect();
        assert_eq!(counted, [true, true, true, false, false]);
        let told = gauge.count("greedy").unwrap_err();
        assert!(matches!(told, Denied::TooMany { seconds: 1..=2 }), "{told:?}");
        assert!(gauge.count("normal").is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_is_waited_for_and_not_for_ever() {
        let gauge = Gauge::new(limits(3, 1));
        let place = gauge.place("greedy", Load::Question).await.unwrap();
        assert!(gauge.place("normal", Load::Question).await.is_ok());
        assert!(gauge.place("greedy", Load::Upload).await.is_ok());
        assert!(matches!(gauge.place("greedy", Load::Question).await, Err(Denied::TooMany { seconds: 1 })));
        drop(place);
        assert!(gauge.place("greedy", Load::Question).await.is_ok());
    }
}
