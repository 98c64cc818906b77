//! The clock of a service, which a test can set.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::ids::CommitKey;
use crate::seconds::DAY;

/// Seconds since 1970 by the clock of this machine, as events and documents count them.
pub fn now_signed() -> i64 {
    i64::try_from(Clock::system().now()).unwrap_or(i64::MAX)
}

/// How far ahead of ours the clock of whoever made a commit, or ran tests, may be, seconds: such a commit exists now, and such
/// a run has started. What lies further ahead is a mistake, and is not the newest of all until its time comes.
pub const AHEAD_SECONDS: u64 = DAY;

/// What time it is.
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Arc<AtomicU64>>);

impl Clock {
    /// The clock of this machine.
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands at a time, seconds since 1970, until [`Self::set`] moves it and every clone of it.
    pub fn standing_at(seconds: u64) -> Self {
        Self(Some(Arc::new(AtomicU64::new(seconds))))
    }

    /// Sets a standing clock; the clock of the machine goes on as it is.
    pub fn set(&self, seconds: u64) {
        if let Some(standing) = &self.0 {
            standing.store(seconds, Ordering::Release);
        }
    }

    /// Seconds since 1970.
    pub fn now(&self) -> u64 {
        match &self.0 {
            Some(standing) => standing.load(Ordering::Acquire),
            None => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        }
    }

    /// The last place that a commit made until now can have.
    pub fn commit_key(&self) -> CommitKey {
        CommitKey::end_of(self.now())
    }

    /// The last place that a commit can have that exists now, though its maker's clock may be ahead ([`AHEAD_SECONDS`]).
    pub fn newest_commit_key(&self) -> CommitKey {
        CommitKey::end_of(self.newest_start())
    }

    /// The last second, since 1970, at which a run can have started that is there now ([`AHEAD_SECONDS`]).
    pub fn newest_start(&self) -> u64 {
        self.now().saturating_add(AHEAD_SECONDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_clock_moves_when_it_is_set() {
        let clock = Clock::standing_at(1_700_000_000);
        let clone = clock.clone();
        clock.set(1_700_000_001);
        assert_eq!((clone.now(), clone.commit_key()), (1_700_000_001, CommitKey(170_000_000_199)));
        assert_eq!(clone.newest_commit_key(), CommitKey(170_008_640_199));
        assert_eq!(clone.newest_start(), 1_700_086_401);
        assert!(Clock::system().now() > 1_700_000_000);
    }
}
