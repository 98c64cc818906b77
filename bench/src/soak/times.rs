//! How long uploads and answers took, and which failed.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What is kept of failures: the first ones say why.
const KEPT: usize = 5;

/// What took some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// An upload, until it is durable.
    Acknowledged,
    /// An upload, until it is shown.
    Visible,
    /// A question.
    Answered,
}

#[derive(Debug, Default)]
struct Kept {
    times: Vec<(What, Duration, Duration)>,
    failures: usize,
    first: Vec<String>,
}

/// Times of all threads.
#[derive(Debug, Default)]
pub(super) struct Times(Mutex<Kept>);

impl Times {
    /// Keeps how long something took that began at a time of the run, or that it failed.
    pub(super) fn keep(&self, what: What, at: Duration, took: &anyhow::Result<Duration>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match took {
            Ok(took) => kept.times.push((what, at, *took)),
            Err(error) => {
                kept.failures += 1;
                if kept.first.len() < KEPT {
                    kept.first.push(format!("{what:?} at {at:.0?}: {error:#}"));
                }
            }
        }
    }

    /// Times of what began within a part of the run.
    pub(super) fn within(&self, what: What, part: &Range<Duration>) -> Vec<Duration> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let times = kept.times.iter().filter(|(of, at, _)| *of == what && part.contains(at));
        times.map(|(.., took)| *took).collect()
    }

    /// How many failed, and what the first were told.
    pub(super) fn failures(&self) -> (usize, Vec<String>) {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (kept.failures, kept.first.clone())
    }
}
