//! Runs that count in the sessions of a suite.

use std::sync::Arc;

use schema::ids::CommitKey;
use schema::outcomes::roster::RosterId;

use crate::reads::newest_uploads::Upload;
use crate::run_outcomes::cache::RunOutcomes;

/// Where a run that counts stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SessionRun {
    /// Its newest upload.
    pub(crate) upload: Upload,
    /// Start of the run, seconds since 1970.
    pub(crate) start_time: u32,
    /// Its session among those of its configuration.
    pub(crate) position: u32,
    /// The list of its tests, if that is known.
    pub(crate) roster: RosterId,
    /// How many tests failed unexpectedly.
    pub(crate) failed: u32,
    /// Whether it broke as a whole, and nothing sound came after it.
    pub(crate) is_broken: bool,
}

/// A run that counts, with everything that its tests did.
#[derive(Debug)]
pub(crate) struct CountedRun {
    /// Where it stands.
    pub(crate) run: SessionRun,
    /// What its tests did.
    pub(crate) outcomes: Arc<RunOutcomes>,
}

impl CountedRun {
    /// The commit of the run.
    pub(super) fn commit(&self) -> CommitKey {
        self.run.upload.uuid
    }
}
