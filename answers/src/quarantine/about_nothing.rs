//! Entries that are about nothing: a slip of the pen, or said before the first run. Each is kept, and is told as such until
//! there is a run.

use schema::commit::DEFAULT_BRANCH_KEY;
use schema::configuration::Configuration;

use super::ListedEntry;
use crate::error::AnswerError;
use crate::reads::configurations;
use crate::store::Store;
use crate::suites;

/// Why entries are about nothing, in words; none of those that are about something. A configuration is looked for on the
/// default branch.
///
/// # Errors
/// The store does not answer.
pub async fn reasons(store: &Store, entries: &[&ListedEntry]) -> Result<Vec<Option<&'static str>>, AnswerError> {
    let stored = configurations::stored(store, DEFAULT_BRANCH_KEY).await?;
    let mut reasons = Vec::with_capacity(entries.len());
    for ListedEntry { suite, configuration, .. } in entries {
        let asked = configuration.without_sdk();
        let ran: Vec<&Configuration> = stored
            .all
            .iter()
            .filter(|one| one.suites.iter().any(|known| known == suite))
            .map(|one| &one.configuration)
            .collect();
        let is_meant = ran.iter().any(|place| asked.describes(place));
        reasons.push(if is_meant {
            None
        } else if !ran.is_empty() {
            Some("About nothing yet: no run of the suite on such a configuration is known on the default branch.")
        } else if suites::exists(store, suite).await? {
            // What runs on other branches alone is not looked at further.
            None
        } else {
            Some("About nothing yet: no run of the suite is known.")
        });
    }
    Ok(reasons)
}
