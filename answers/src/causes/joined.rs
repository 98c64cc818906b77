//! What the masks of a suite join: stored causes that count as another one.

use std::collections::BTreeMap;

use schema::cause::CauseId;

use crate::cause_masks;
use crate::error::AnswerError;
use crate::reads::causes as reads;
use crate::store::Store;

/// Causes that count as another one, because masks make one pattern of theirs.
#[derive(Debug, Default)]
pub(super) struct Joined {
    /// The cause that is stored, and the one that it counts as.
    pub(super) pairs: Vec<(CauseId, CauseId)>,
    /// The patterns of the latter.
    pub(super) patterns: BTreeMap<CauseId, String>,
}

impl Joined {
    /// What the masks of a suite join among its newest patterns.
    pub(super) async fn of_suite(store: &Store, suite: &str, rule: u16) -> Result<Self, AnswerError> {
        let masks = cause_masks::of_suite(&store.masks, suite);
        let mut joined = Self::default();
        if masks.is_empty() {
            return Ok(joined);
        }
        for row in reads::newest_patterns(store, suite, rule).await? {
            if let Some(pattern) = cause_masks::masked(&row.pattern, &masks) {
                joined.pairs.push((row.cause, pattern.id));
                joined.patterns.insert(pattern.id, pattern.text);
            }
        }
        Ok(joined)
    }

    /// The causes that are stored of one.
    pub(super) fn parts(&self, cause: CauseId) -> Vec<CauseId> {
        let parts = self.pairs.iter().filter(|(_, whole)| *whole == cause).map(|(part, _)| *part);
        parts.chain([cause]).collect()
    }

    /// The cause that a stored one counts as.
    pub(super) fn whole(&self, cause: CauseId) -> CauseId {
        self.pairs.iter().find(|(part, _)| *part == cause).map_or(cause, |(_, whole)| *whole)
    }
}
