//! What people said of the tests of a suite: which bugs explain their failures, which of these do not count for a time, and whose
//! tests they are. Lists of tests read all of it together, and ask it for each test.

use std::sync::Arc;

use crate::bugs::{self, BugIndex};
use crate::error::AnswerError;
use crate::owners::{self, OwnerIndex};
use crate::quarantine::{self, QuarantineIndex};
use crate::store::Store;

/// What people said of the tests of a suite.
pub struct Remarks {
    /// Bugs that explain failures.
    pub bugs: BugIndex,
    /// Failures that do not count for a time.
    pub quarantine: QuarantineIndex,
    /// Who owns which tests.
    pub owners: Arc<OwnerIndex>,
}

/// What was said of the tests of a suite.
///
/// # Errors
/// The store does not answer.
pub async fn of_suite(store: &Store, suite: &str) -> Result<Remarks, AnswerError> {
    let (bugs, quarantine, owners) = tokio::try_join!(
        bugs::of_suite(store, suite),
        quarantine::of_suite(store, suite),
        owners::of_suite(store, suite)
    )?;
    Ok(Remarks { bugs, quarantine, owners })
}
